//! Placing evidence in small packets.

use super::*;
use crate::change::Status;

/// A hunk from line 10 of both sides on, of lines with their signs.
fn hunk(id: u32, path: &str, lines: &[&str]) -> PackedHunk {
    let (mut old, mut new) = (10, 10);
    let lines = lines.iter().map(|line| {
        let kind = match line.as_bytes()[0] {
            b'+' => LineKind::Added,
            b'-' => LineKind::Removed,
            _ => LineKind::Context,
        };
        let packed = PackedLine {
            kind,
            old: (kind != LineKind::Added).then_some(old),
            new: (kind != LineKind::Removed).then_some(new),
            text: line[1..].to_owned(),
        };
        old += u32::from(kind != LineKind::Added);
        new += u32::from(kind != LineKind::Removed);
        packed
    });
    PackedHunk {
        id: HunkId(id),
        label: format!("H{id}-aaaa"),
        path: visible::line(path),
        old_path: None,
        status: Status::Modified,
        function: None,
        companion: None,
        header: String::new(),
        lines: lines.collect(),
    }
}

fn claim(label: &str, file: &str, start: u32, evidence: &str) -> Claim {
    Claim {
        label: label.into(),
        file: file.into(),
        start_line: start,
        end_line: start,
        category: "shell".into(),
        severity: None,
        confidence: 0.5,
        title: String::new(),
        evidence: evidence.into(),
        explanation: String::new(),
        recommendation: String::new(),
    }
}

/// Evidence of a claim on H1 of two hunks: H1 of `a.py`, whose line 11 is removed and whose lines 11 and 12
/// are added, and H2 of `b.py`. What is found is written as place, stand, and whether it is as claimed.
#[track_caller]
fn check(file: &str, start: u32, evidence: &str, expected: &str) {
    let a =
        [" def run(cmd):", "-    check(cmd)", "+    log(cmd)", "+    os.system(cmd)", " ", " end"];
    let b = ["+    twice(one)", " middle", "+    twice(one)", "+    only_in_b()"];
    let packet =
        Packet { hunks: vec![hunk(1, "a.py", &a), hunk(2, "b.py", &b)], ..Packet::default() };
    let change = Change::default();
    let claim = claim("H1-aaaa", file, start, evidence);
    let shown = |place: &Place| {
        let end = place.lines.end - 1;
        format!("{}-{end} {:?} {}", place, place.stand, place.as_claimed)
    };
    let found = match Anchorer::new(&packet, &change).anchor(&claim) {
        Anchor::At(place) => shown(&place),
        Anchor::Ambiguous(places) => {
            format!("one of {}", places.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
        Anchor::Nowhere(why) => format!("nowhere: {why}"),
    };
    assert_eq!(found, expected);
}

#[test]
fn evidence_on_added_lines_is_found_where_it_is_claimed() {
    check("a.py", 12, "os.system(cmd)", "a.py:12-12 Added true");
    check("./a.py", 12, "    os.system(cmd)", "a.py:12-12 Added true");
    check("a.py", 0, "os.system(cmd)", "a.py:12-12 Added true");
    check("", 12, "os.system(cmd)", "a.py:12-12 Added true");
}

#[test]
fn evidence_at_other_lines_or_in_another_file_is_found_and_says_so() {
    check("a.py", 40, "os.system(cmd)", "a.py:12-12 Added false");
    check("c.py", 12, "os.system(cmd)", "a.py:12-12 Added false");
    check("a.py", 13, "only_in_b()", "b.py:13-13 Added false");
}

#[test]
fn a_removed_check_is_found_on_the_old_side() {
    check("a.py", 11, "check(cmd)", "a.py:11 (removed)-11 Removed true");
}

#[test]
fn lines_of_both_sides_quoted_as_a_diff_are_found() {
    check("a.py", 11, "-    check(cmd)\n+    log(cmd)", "a.py:11-11 Added true");
}

#[test]
fn of_several_places_the_nearest_counts_if_it_is_alone() {
    check("b.py", 12, "twice(one)", "b.py:12-12 Added true");
    check("b.py", 14, "twice(one)", "b.py:12-12 Added false");
    check("b.py", 11, "twice(one)", "one of b.py:10-10 Added false, b.py:12-12 Added false");
    // Line numbers of another file say nothing.
    check("c.py", 13, "twice(one)", "one of b.py:10-10 Added false, b.py:12-12 Added false");
}

#[test]
fn context_was_there_before() {
    check("a.py", 10, "def run(cmd):", "a.py:10-10 Unchanged true");
}

#[test]
fn invented_code_is_found_nowhere() {
    let why = "nowhere: the quoted code stands nowhere in what was sent of it";
    check("a.py", 12, "eval(cmd)", why);
    check("a.py", 12, "", "nowhere: it quotes no code");
    let why =
        "nowhere: that file is not part of the change, and the quoted code stands nowhere in it";
    check("c.py", 12, "eval(cmd)", why);
}
