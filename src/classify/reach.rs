//! Whether a check that moved is still reached where it stands now, as far as the changed files tell.

use std::collections::{HashMap, HashSet};

use bstr::ByteSlice;

use super::line::Line;
use super::moved::{Lines, Mark, Moved};
use super::{Found, scope};
use crate::change::{Change, File, Text};
use crate::rules::{Language, Side};

/// A change that moves more checks than this is a reorganisation, and none of them is looked at more closely.
const MAX_MOVED: usize = 200;

/// So many lines may stand between an annotation and its function.
const MAX_ANNOTATIONS: u32 = 8;

/// Functions that a language calls by itself.
const CALLED_BY_ITSELF: [&str; 4] = ["main", "init", "constructor", "initialize"];

/// Why a line may not be reached where it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreached {
    /// It stands within a condition or a block in which it did not stand before, begun by this line.
    Within(u32),
    /// It stands in this new function, and nothing in the changed files calls it.
    Uncalled(String),
    /// It is an annotation, and what it stands on now is this and no longer what it stood on.
    OnAnother(String),
}

/// Why a line of the old side of a file may not be reached at a place of a new side; nothing where it is, or
/// where that cannot be told.
pub fn unreached(change: &Change, from: (&File, u32), to: (&File, u32)) -> Option<Unreached> {
    let ((old, removed), (new, added)) = (from, to);
    let annotated =
        annotated(&old.old, removed, old.language).zip(annotated(&new.new, added, new.language));
    if let Some((_, now)) = annotated.filter(|(before, now)| before != now) {
        return Some(Unreached::OnAnother(now));
    }
    let before = Surroundings::of(&old.old, removed, old.language);
    let now = Surroundings::of(&new.new, added, new.language);
    let deeper = now.blocks.len() > before.blocks.len();
    let other = |(_, line): &&(u32, &[u8])| {
        !before.blocks.iter().any(|(_, known)| known == line)
            && (Line::of(line).is_condition || (deeper && !begins_a_type(line)))
    };
    if let Some((number, _)) = now.blocks.iter().find(other) {
        return Some(Unreached::Within(*number));
    }
    let (head, name) = now.function?;
    is_new_and_uncalled(change, new, head, &name).then_some(Unreached::Uncalled(name))
}

/// What stands for the lines of checks that moved and are reached nowhere any more.
pub(super) fn lost(change: &Change, found: &[Found], moved: &Moved) -> HashSet<Mark> {
    let mut from: HashMap<Mark, (&File, u32)> = HashMap::new();
    for (file, found) in change.files.iter().zip(found).filter(|(file, _)| file.has_text()) {
        let removed = found.signals.iter().flatten().filter(|signal| signal.side == Side::Removed);
        let lines = removed.flat_map(|signal| signal.lines.clone().zip(&signal.told));
        let stands = lines.filter_map(|(number, told)| Some((number, (*told)?)));
        let stands = stands.filter(|(_, told)| moved.is_kept(*told));
        from.extend(stands.map(|(number, told)| (told, (file, number))));
    }
    if from.is_empty() || from.len() > MAX_MOVED {
        return HashSet::new();
    }
    let mut to: HashMap<Mark, Vec<(&File, u32)>> = HashMap::new();
    for (file, hunk) in change.hunks().filter(|(file, _)| file.has_text()) {
        let lines = Lines::of(file);
        for number in hunk.edits.iter().flat_map(|edit| edit.new.clone()) {
            let told = file.new.line(number).and_then(|line| lines.line(line));
            if let Some(told) = told.filter(|told| from.contains_key(told)) {
                to.entry(told).or_default().push((file, number));
            }
        }
    }
    let is_lost = |told: &Mark| {
        let copies = to.get(told).map_or(&[][..], Vec::as_slice);
        // A copy whose text was let go may be the one that is reached.
        moved.added(*told) as usize == copies.len()
            && copies.iter().all(|copy| unreached(change, from[told], *copy).is_some())
    };
    from.keys().copied().filter(is_lost).collect()
}

/// What a line stands in, up to its function.
struct Surroundings<'a> {
    /// Lines that begin a block around it, the innermost first, with their numbers.
    blocks: Vec<(u32, &'a [u8])>,
    /// The line that begins the function, and its name.
    function: Option<(u32, String)>,
}

impl<'a> Surroundings<'a> {
    fn of(text: &'a Text, number: u32, language: Option<&Language>) -> Self {
        let mut found = Surroundings { blocks: Vec::new(), function: None };
        for (at, line) in scope::numbered(text, number) {
            let whole = text.line(at).unwrap_or(line);
            if let Some(name) = language.and_then(|language| language.function_name(whole)) {
                found.function = Some((at, name));
                break;
            }
            found.blocks.push((at, line));
        }
        found
    }
}

/// The function that an annotation stands on; none where the line is no annotation.
fn annotated(text: &Text, number: u32, language: Option<&Language>) -> Option<String> {
    let is_annotation =
        |line: &[u8]| [&b"@"[..], b"#[", b"["].iter().any(|sign| line.starts_with(sign));
    text.line(number).filter(|line| is_annotation(line.trim()))?;
    let below = number + 1..number.saturating_add(MAX_ANNOTATIONS);
    below.map_while(|at| text.line(at)).find_map(|line| language?.function_name(line))
}

/// Whether a line begins what is no code that runs: a class, a module and the like.
fn begins_a_type(line: &[u8]) -> bool {
    const TYPES: [&[u8]; 11] = [
        b"class",
        b"struct",
        b"interface",
        b"trait",
        b"impl",
        b"enum",
        b"module",
        b"namespace",
        b"object",
        b"package",
        b"mod",
    ];
    let mut words = line.split(|byte| !byte.is_ascii_alphanumeric()).take(4);
    words.any(|word| TYPES.contains(&word))
}

/// Whether a function is added by the change and named nowhere else in its files. What cannot be read may
/// name it, and what stands above its head may register it.
fn is_new_and_uncalled(change: &Change, file: &File, head: u32, name: &str) -> bool {
    let added = |edit: &crate::change::Edit| edit.new.contains(&head);
    let is_new = file.hunks.iter().flat_map(|hunk| &hunk.edits).any(added);
    let by_itself = name.starts_with("__") || CALLED_BY_ITSELF.contains(&name);
    let above = file.new.line(head.saturating_sub(1)).unwrap_or_default().trim();
    let registered = above.starts_with(b"@") || above.starts_with(b"#[");
    let at_hand = |file: &File| file.has_text() || file.hunks.is_empty();
    if !is_new || by_itself || registered || !change.files.iter().all(at_hand) {
        return false;
    }
    let there: usize = change.files.iter().map(|file| named(&file.new, name)).sum();
    let before: usize = change.files.iter().map(|file| named(&file.old, name)).sum();
    (there, before) == (1, 0)
}

/// How often a text has a word.
fn named(text: &Text, word: &str) -> usize {
    let bytes = text.bytes();
    let is_part = |at: Option<usize>| {
        let byte = at.and_then(|at| bytes.get(at));
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80)
    };
    let whole = |at: &usize| !is_part(at.checked_sub(1)) && !is_part(Some(at + word.len()));
    bytes.find_iter(word).filter(whole).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change;
    use crate::config::Select;
    use crate::source::Comparison;

    /// What becomes of the line with `guard` that a patch of one Python file moves.
    fn fate(patch: &str) -> Option<Unreached> {
        struct Nothing;
        impl change::Study for Nothing {
            type Scratch = ();
            type Found = ();
            fn study(&self, _: &File, (): &mut ()) {}
            fn wants_text((): &()) -> bool {
                true
            }
        }
        let lines = patch.lines().filter(|line| !line.starts_with('@')).count();
        let count =
            |sign: char| lines - patch.lines().filter(|line| line.starts_with(sign)).count();
        let (old, new) = (count('+'), count('-'));
        let text = format!("--- a/a.py\n+++ b/a.py\n@@ -1,{old} +1,{new} @@\n{patch}");
        let comparison = Comparison::of_patch(text.into_bytes());
        let read = change::read(&comparison, &Select::default(), &Nothing);
        let (change, _) = read.unwrap();
        let file = &change.files[0];
        let at = |text: &Text| {
            let mut numbers = text.numbers();
            numbers.find(|number| text.line(*number).unwrap().contains_str("guard(")).unwrap()
        };
        unreached(&change, (file, at(&file.old)), (file, at(&file.new)))
    }

    #[test]
    fn a_condition_around_it_is_told() {
        let dead =
            " def f(user):\n-    guard(user)\n+    if False:\n+        guard(user)\n     act()\n";
        assert_eq!(fate(dead), Some(Unreached::Within(2)));
        let there = " def f(user):\n-    guard(user)\n     if DEBUG:\n+        guard(user)\n         log()\n";
        assert_eq!(fate(there), Some(Unreached::Within(2)));
        let other = " def f(user):\n-    if user:\n+    if 0:\n-        guard(user)\n+        guard(user)\n";
        assert_eq!(fate(other), Some(Unreached::Within(2)));
    }

    #[test]
    fn what_stands_as_it_stood_is_reached() {
        let layout =
            " def f(user):\n-  if user:\n-    guard(user)\n+    if user:\n+        guard(user)\n";
        assert_eq!(fate(layout), None);
        let class =
            "-def f(user):\n-    guard(user)\n+class A:\n+    def f(user):\n+        guard(user)\n";
        assert_eq!(fate(class), None);
        let down = " def f(user):\n-    guard(user)\n     act()\n+    guard(user)\n";
        assert_eq!(fate(down), None);
    }

    #[test]
    fn an_annotation_belongs_to_its_function() {
        let other = "-@guard(1)\n @route\n def drop(user):\n     act()\n \n+@guard(1)\n def show(user):\n     pass\n";
        assert_eq!(fate(other), Some(Unreached::OnAnother("show".to_owned())));
        let same = "-@guard(1)\n @route\n+@guard(1)\n def drop(user):\n     act()\n";
        assert_eq!(fate(same), None);
    }

    #[test]
    fn a_new_function_counts_where_something_names_it() {
        let helper = |call: &str| {
            format!(
                " def f(user):\n-    guard(user)\n+    {call}\n     act()\n+def check(user):\n+    guard(user)\n"
            )
        };
        assert_eq!(fate(&helper("check(user)")), None);
        assert_eq!(fate(&helper("check_all(user)")), Some(Unreached::Uncalled("check".to_owned())));
        let registered = helper("pass").replace("+def", "+@app.before_request\n+def");
        assert_eq!(fate(&registered), None);
    }
}
