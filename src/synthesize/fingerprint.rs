//! What a finding is known by from one review to the next: no line number goes in.

use bstr::{BStr, ByteSlice};
use sha2::{Digest, Sha256};

use super::Finding;
use crate::change::{Change, Text};

/// A digest of rule or category, path and code, whose blanks do not count.
pub fn digest(name: &str, path: &BStr, code: &str) -> [u8; 32] {
    let code: Vec<&str> = code.split_whitespace().collect();
    let mut hash = Sha256::new();
    for part in [name.as_bytes(), path.as_bytes(), code.join(" ").as_bytes()] {
        // Each part with its length: no two different lists of parts give the same bytes.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The fingerprint of a finding by the lines at which it stands, whatever the model quotes of them: 32
/// hexadecimal digits; empty where it stands nowhere in the change.
pub(super) fn of(finding: &Finding, change: &Change) -> String {
    let Some((file, _)) = finding.hunk.and_then(|id| change.hunk(id)) else {
        return String::new();
    };
    let text: &Text = if finding.on_old_side { &file.old } else { &file.new };
    let lines = (finding.start_line..=finding.end_line).filter_map(|number| text.line(number));
    let code: Vec<String> = lines.map(|line| line.to_str_lossy().into_owned()).collect();
    let digest = digest(finding.category.as_str(), file.path.as_bstr(), &code.join("\n"));
    digest[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_follows_the_code_and_not_its_layout() {
        let path = BStr::new("a.py");
        let first = digest("shell", path, "run(cmd,  shell=True)\n");
        assert_eq!(first, digest("shell", path, "  run(cmd, shell=True)"));
        assert_ne!(first, digest("shell", path, "run(cmd, shell=False)"));
        assert_ne!(first, digest("shell", BStr::new("b.py"), "run(cmd, shell=True)"));
        assert_ne!(digest("ab", BStr::new("c"), ""), digest("a", BStr::new("bc"), ""));
    }
}
