//! Tokens of a known form that plainly stand for one and are none.

/// Words of tokens that are made up for an example.
const WORDS: [&str; 14] = [
    "example",
    "placeholder",
    "changeme",
    "dummy",
    "redacted",
    "sample",
    "fake",
    "your",
    "xxxx",
    "0000000",
    "notreal",
    "insert",
    "replace",
    "testtoken",
];

/// The least information of a character, in bits, that a random token has. One of 32 hexadecimal digits has
/// more than 3.
const LEAST_BITS: f64 = 2.5;

/// Whether a token says so itself, repeats itself, or counts up.
pub(super) fn is_placeholder(token: &str) -> bool {
    let lower = token.to_ascii_lowercase();
    WORDS.iter().any(|word| lower.contains(word))
        || bits_of_a_character(tail(token)) < LEAST_BITS
        || counts(tail(token))
}

/// The part that differs from token to token: what stands behind the last mark of its prefix.
fn tail(token: &str) -> &str {
    let tail = token.rsplit(['_', '-', '.']).next().unwrap_or(token);
    if tail.len() < 12 { token } else { tail }
}

/// The entropy of the text's own characters.
fn bits_of_a_character(text: &str) -> f64 {
    let mut counts = [0u32; 256];
    text.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let length = text.len().max(1) as f64;
    let share = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / length);
    share.map(|share| -share * share.log2()).sum()
}

/// Whether most characters are the one before or its successor: `0123456789abcdef`, `aaaa1111`.
fn counts(text: &str) -> bool {
    let steps = text.bytes().zip(text.bytes().skip(1));
    let small = steps.filter(|(a, b)| b.wrapping_sub(*a) <= 1).count();
    2 * small > text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_a_token_is_told_from_one() {
        for token in [
            "AKIAIOSFODNN7EXAMPLE",
            "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "ghp_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
            "dapi0123456789abcdef0123456789abcdef",
            "dapideadbeefdeadbeefdeadbeefdeadbeef",
            "hf_YourHuggingFaceTokenGoesRightHere00",
            "lin_api_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "npm_000000000000000000000000000000000000",
        ] {
            assert!(is_placeholder(token), "{token}");
        }
        for token in [
            "dapi3a18f6d4b2907e5c3a18f6d4b2907e5c",
            "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
            "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",
            "sgp_3a18f6d4b2907e5c3a18f6d4b2907e5c3a18f6d4",
        ] {
            assert!(!is_placeholder(token), "{token}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_random_token_is_a_placeholder(token in "[a-f0-9]{40}") {
            // The chance of a false one is below one in a million.
            proptest::prop_assert!(!is_placeholder(&token) || token.contains("0000000"));
        }
    }
}
