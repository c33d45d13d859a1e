//! Which names tell one thing from another: a link between two hunks is worth no more than its name.

/// Shorter names than this stand for anything.
const SHORT: usize = 6;

/// Names that many things have, in lower case and without their underscores.
const COMMON: [&str; 48] = [
    "append",
    "assert",
    "call",
    "clone",
    "close",
    "configure",
    "connect",
    "constructor",
    "create",
    "default",
    "delete",
    "describe",
    "equals",
    "execute",
    "filter",
    "format",
    "fromstr",
    "getinstance",
    "getname",
    "gettype",
    "getvalue",
    "handle",
    "handler",
    "hashcode",
    "initialize",
    "insert",
    "invoke",
    "isempty",
    "length",
    "newinstance",
    "options",
    "prepare",
    "process",
    "remove",
    "render",
    "replace",
    "request",
    "require",
    "resolve",
    "response",
    "return",
    "setup",
    "setvalue",
    "teardown",
    "testmain",
    "tostring",
    "update",
    "validate",
];

/// Whether a name tells a function from others close by.
pub(super) fn is_telling(name: &[u8]) -> bool {
    let bare = name.strip_prefix(b"__").unwrap_or(name);
    let plain: Vec<u8> =
        bare.iter().filter(|byte| **byte != b'_').map(u8::to_ascii_lowercase).collect();
    let special = name.starts_with(b"__") && name.ends_with(b"__");
    !special && name.len() >= SHORT && !COMMON.iter().any(|common| common.as_bytes() == plain)
}

/// Whether a name tells a function from all others of its language: it has more than one word.
pub(super) fn is_specific(name: &[u8]) -> bool {
    is_telling(name) && words(name) > 1
}

/// Whether a name can be that of one setting: it has more than one word.
pub(super) fn is_of_setting(name: &[u8]) -> bool {
    name.len() > SHORT && words(name) > 1 && is_telling(name)
}

/// A name of a setting as it is compared: `max-size` and `MAX_SIZE` are one.
pub(super) fn plain(name: &[u8]) -> Vec<u8> {
    let plain = |byte: &u8| if *byte == b'-' { b'_' } else { byte.to_ascii_lowercase() };
    name.iter().map(plain).collect()
}

/// The words of a name: `checkPath`, `check_path` and `check.path` have two.
fn words(name: &[u8]) -> usize {
    let mut count = 0;
    let mut before = b'_';
    for &byte in name {
        let begins = !before.is_ascii_alphanumeric()
            || (byte.is_ascii_uppercase() && before.is_ascii_lowercase());
        count += usize::from(begins && byte.is_ascii_alphanumeric());
        before = byte;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_common_names_tell_nothing() {
        for name in ["get", "run", "main", "__init__", "toString", "set_up", "validate"] {
            assert!(!is_telling(name.as_bytes()), "{name}");
        }
        for name in ["check_path", "extractEntry", "sanitize"] {
            assert!(is_telling(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn a_name_of_one_word_is_not_specific() {
        assert!(!is_specific(b"sanitize") && is_specific(b"safeJoin") && is_specific(b"safe_join"));
        assert!(!is_of_setting(b"timeout") && is_of_setting(b"cookie-secure"));
        assert_eq!(plain(b"Cookie-Secure"), plain(b"cookie_secure"));
    }
}
