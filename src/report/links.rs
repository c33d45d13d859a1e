//! Places of a report as links to the files of the work tree, for terminals that have them (OSC 8).
//!
//! Each link is a `file://` address of our own making: nothing that a change or a model writes becomes one.

use std::path::Path;

use crate::synthesize::Finding;

/// How a snippet names its place, behind the escapes of its colour.
const ARROW: &str = "--> ";

/// A report as [`super::terminal`] writes it, with the place of each finding on the new side as a link.
pub fn added(report: &str, findings: &[Finding], top: &Path) -> String {
    let mut out = String::with_capacity(report.len());
    for line in report.split_inclusive('\n') {
        let place = findings.iter().filter(|finding| !finding.on_old_side).find_map(|finding| {
            let shown = format!("{}:{}:", finding.file, finding.start_line);
            let at = line.find(ARROW).and_then(|arrow| {
                let place = arrow + line[arrow..].find(&shown)?;
                // Nothing but escapes stands between the arrow and the place.
                let between = anstream::adapter::strip_str(&line[arrow + ARROW.len()..place]);
                between.to_string().is_empty().then_some(place)
            })?;
            let address = address(top, finding.file.as_str(), finding.start_line)?;
            Some((at, at + shown.len() - 1, address))
        });
        match place {
            Some((start, end, address)) => {
                let (before, shown, behind) = (&line[..start], &line[start..end], &line[end..]);
                out.push_str(&format!(
                    "{before}\u{1b}]8;;{address}\u{1b}\\{shown}\u{1b}]8;;\u{1b}\\{behind}"
                ));
            }
            None => out.push_str(line),
        }
    }
    out
}

/// The address of a line of a file that is there.
fn address(top: &Path, file: &str, line: u32) -> Option<String> {
    let path = top.join(file);
    let within = path.canonicalize().ok()?.starts_with(top.canonicalize().ok()?);
    let path = path.to_str().filter(|_| within && path.is_file())?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte);
    let encode = |byte: u8| {
        if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    let path: String = path.replace('\\', "/").bytes().map(encode).collect();
    Some(format!("file://{}{path}#{line}", if path.starts_with('/') { "" } else { "/" }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::HunkId;
    use crate::rules::Severity;
    use crate::synthesize::{Source, Trust, Verdict};
    use crate::visible;

    fn finding(file: &str, on_old_side: bool) -> Finding {
        let text = |text: &str| visible::line(text);
        Finding {
            id: "F1".to_owned(),
            source: Source::Codex,
            category: text("shell"),
            severity: Severity::High,
            confidence: 0.9,
            title: text("a title"),
            file: text(file),
            start_line: 6,
            end_line: 6,
            hunk: Some(HunkId(1)),
            on_old_side,
            evidence: text("x"),
            explanation: text("e"),
            recommendation: text("r"),
            verdict: Verdict::Supported,
            trusts: Trust::Codex,
            reasons: Vec::new(),
            explicit: false,
            fingerprint: String::new(),
            accepted: false,
            gates: true,
        }
    }

    #[test]
    fn a_place_of_a_file_that_is_there_is_a_link_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        std::fs::create_dir(top.join("app")).unwrap();
        std::fs::write(top.join("app/a b.py"), "x\n").unwrap();
        let check = |report: &str, file: &str, removed: bool, linked: bool| {
            let out = added(report, &[finding(file, removed)], top);
            assert_eq!(out.contains("\u{1b}]8;;"), linked, "{out:?}");
            assert_eq!(
                anstream::adapter::strip_str(&out).to_string(),
                anstream::adapter::strip_str(report).to_string()
            );
            out
        };
        let place = "\u{1b}[1m --> \u{1b}[0mapp/a b.py:6:5\n";
        let out = check(place, "app/a b.py", false, true);
        let address = format!("file://{}/app/a%20b.py#6", top.display());
        assert!(
            out.contains(&format!("\u{1b}]8;;{address}\u{1b}\\app/a b.py:6\u{1b}]8;;\u{1b}\\:5")),
            "{out:?}"
        );
        // A line that is gone, another line, a file that is not there or lies elsewhere, a text that looks like one.
        check(place, "app/a b.py", true, false);
        check(" --> app/a b.py:66:5\n", "app/a b.py", false, false);
        check(" --> app/b.py:6:5\n", "app/b.py", false, false);
        check(" --> ../../etc/passwd:6:5\n", "../../etc/passwd", false, false);
        check("| --> see javascript:app/a b.py:6:5\n", "app/a b.py", false, false);
    }
}
