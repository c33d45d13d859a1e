//! How two hunks of a change belong together: one function, a call from one into the other, a setting that one
//! names and the other sets.

use std::collections::{BTreeMap, BTreeSet};

use bstr::{BStr, ByteSlice};
use serde::Serialize;

use super::line::Line;
use super::name;
use super::said::{Code, Matter, Said};
use crate::change::{Edit, Effort, File, HunkId, enclosing};
use crate::redact;
use crate::rules::Language;
use crate::visible::{self, Visible};

/// In a longer function than this, in lines, one end has little to do with the other.
const MAX_FUNCTION: u32 = 150;

/// A name that changes in more files than this links nothing.
const MAX_PLACES: usize = 2;

/// Words in the head of what is no function, but holds some.
const TYPES: [&str; 9] =
    ["class", "enum", "impl", "interface", "module", "namespace", "object", "struct", "trait"];

/// How a companion belongs to a hunk that earned a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// It changes the same function.
    SameFunction,
    /// It changes a function that the other calls.
    Callee,
    /// It calls a function that the other changes.
    Caller,
    /// It sets what the other names.
    Setting,
}

impl Link {
    /// How much a companion of this kind tells, between 0 and 1.
    fn worth(self) -> f64 {
        match self {
            Link::SameFunction => 1.0,
            Link::Callee => 0.95,
            Link::Caller | Link::Setting => 0.9,
        }
    }
}

/// What a hunk goes along for, where its own score would not let it.
#[derive(Debug, Clone, PartialEq)]
pub struct Companion {
    /// The hunk that it belongs to, which earned a call.
    pub of: HunkId,
    /// How they belong together.
    pub link: Link,
    /// The name that both share, of a function or of a setting.
    pub name: Visible,
    /// How much it tells beside other companions, between 0 and 1.
    pub worth: f64,
}

impl Companion {
    /// Why it goes along, in words: `calls check_path, which H1 changes`.
    pub fn why(&self) -> String {
        let Companion { of, name, .. } = self;
        match self.link {
            Link::SameFunction => format!("changes {name}, as {of} does"),
            Link::Callee => format!("changes {name}, which {of} calls"),
            Link::Caller => format!("calls {name}, which {of} changes"),
            Link::Setting => format!("sets {name}, which {of} names"),
        }
    }
}

/// The files in which each function or setting changes.
pub struct Places<'a>(BTreeMap<&'a [u8], BTreeSet<&'a BStr>>);

impl<'a> Places<'a> {
    /// Those of the hunks among which companions are looked for.
    pub fn of(all: &'a [Said<'_>]) -> Places<'a> {
        let mut places: BTreeMap<&[u8], BTreeSet<&BStr>> = BTreeMap::new();
        for said in all {
            for name in said.touches() {
                places.entry(name).or_default().insert(said.file.path.as_ref());
            }
        }
        Places(places)
    }

    /// Whether a name stands for one thing: what changes in many places is one of many of its name.
    fn are_few(&self, name: &[u8]) -> bool {
        self.0.get(name).is_none_or(|files| files.len() <= MAX_PLACES)
    }
}

impl Said<'_> {
    /// How another hunk belongs to this one, which earned a call; the strongest of several ways.
    pub fn companion(&self, other: &Said<'_>, places: &Places<'_>) -> Option<Companion> {
        let Matter::Code(code) = &self.matter else { return None };
        let (link, name, near) = match &other.matter {
            Matter::Settings(keys) => {
                let both = code.names.intersection(keys).find(|name| places.are_few(name))?;
                (Link::Setting, both.clone(), 1.0)
            }
            Matter::Code(theirs) => self
                .same_function(code.language, other)
                .or_else(|| self.call(code, other, theirs, places))?,
        };
        let name = redact::line(visible::line(name).as_str());
        let worth = link.worth() * near;
        Some(Companion { of: self.hunk.id, link, name: visible::line(name), worth })
    }

    /// The function that both change, and how near they stand in it.
    fn same_function(
        &self,
        language: &'static Language,
        other: &Said<'_>,
    ) -> Option<(Link, Vec<u8>, f64)> {
        if !std::ptr::eq(self.file, other.file) {
            return None;
        }
        let (mine, theirs) = (self.hunk.edits.first()?, other.hunk.edits.first()?);
        let old = mine.new.is_empty();
        let text = if old { &self.file.old } else { &self.file.new };
        let start = |edit: &Edit| if old { edit.old.start } else { edit.new.start };
        let Some(function) = enclosing(text, start(mine), language, &mut Effort::default()) else {
            // Of a patch only the names are known.
            let name = self.hunk.function.clone()?.into_bytes();
            let same = self.hunk.function == other.hunk.function && name::is_telling(&name);
            return same.then_some((Link::SameFunction, name, 0.7));
        };
        let lines = function.lines;
        let head = Line::of(text.line(lines.start)?);
        let holds_functions = TYPES.iter().any(|name| head.tokens.iter().any(|it| it.is(name)));
        let short = lines.end - lines.start <= MAX_FUNCTION;
        let apart = f64::from(start(mine).abs_diff(start(theirs))) / f64::from(MAX_FUNCTION);
        let name = function.name.into_bytes();
        (short && !holds_functions && lines.contains(&start(theirs))).then_some((
            Link::SameFunction,
            name,
            1.0 - 0.3 * apart,
        ))
    }

    /// The function that one of the two changes and the other calls, and how near they stand.
    fn call(
        &self,
        code: &Code<'_>,
        other: &Said<'_>,
        theirs: &Code<'_>,
        places: &Places<'_>,
    ) -> Option<(Link, Vec<u8>, f64)> {
        if kin(code.language) != kin(theirs.language) {
            return None;
        }
        let same_folder = folder(self.file) == folder(other.file);
        let near = match (std::ptr::eq(self.file, other.file), same_folder) {
            (true, _) => 1.0,
            (false, true) => 0.95,
            (false, false) => 0.9,
        };
        let fits = |name: &[u8]| {
            let tells = if same_folder { name::is_telling(name) } else { name::is_specific(name) };
            tells && places.are_few(name)
        };
        let shared = |touched: &BTreeSet<Vec<u8>>, called: &BTreeSet<&[u8]>| {
            let mut both = touched.iter().filter(|name| called.contains(name.as_slice()));
            both.find(|name| fits(name)).cloned()
        };
        let callee = shared(&theirs.touches, &code.calls).map(|name| (Link::Callee, name, near));
        let caller = || shared(&code.touches, &theirs.calls).map(|name| (Link::Caller, name, near));
        callee.or_else(caller)
    }
}

fn folder(file: &File) -> &[u8] {
    file.path.rfind_byte(b'/').map_or(&[][..], |at| &file.path[..at])
}

/// One name for the languages that call each other's functions.
fn kin(language: &Language) -> &'static str {
    match language.name() {
        "c" | "cpp" => "c",
        "javascript" | "typescript" => "javascript",
        "java" | "kotlin" | "scala" => "java",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::{Change, Study, read};
    use crate::config::Select;
    use crate::source::Comparison;

    struct Nothing;

    impl Study for Nothing {
        type Scratch = ();
        type Found = ();

        fn study(&self, _: &File, (): &mut ()) {}

        fn wants_text((): &()) -> bool {
            true
        }
    }

    /// A change of hunks, each of one file: path, number of its first line, the lines with their signs.
    fn change(hunks: &[(&str, u32, &[&str])]) -> Change {
        let mut text = String::new();
        let mut before = "";
        for (path, start, lines) in hunks {
            if *path != before {
                text.push_str(&format!("--- a/{path}\n+++ b/{path}\n"));
            }
            before = path;
            let count = |sign| lines.iter().filter(|line| !line.starts_with(sign)).count();
            let (old, new) = (count('+'), count('-'));
            text.push_str(&format!("@@ -{start},{old} +{start},{new} @@\n{}\n", lines.join("\n")));
        }
        let comparison = Comparison::of_patch(text.into_bytes());
        read(&comparison, &Select::default(), &Nothing).unwrap().0
    }

    /// Why each hunk goes along with the first one.
    #[track_caller]
    fn check(hunks: &[(&str, u32, &[&str])], expected: &[&str]) {
        let change = change(hunks);
        let said: Vec<Said<'_>> =
            change.hunks().filter_map(|(file, hunk)| Said::of(file, hunk)).collect();
        let places = Places::of(&said);
        let lead = said.iter().find(|said| said.hunk.id == HunkId(1)).unwrap();
        let others = said.iter().filter(|said| said.hunk.id != HunkId(1));
        let found: Vec<String> = others
            .filter_map(|other| Some((other.hunk.id, lead.companion(other, &places)?)))
            .map(|(id, companion)| format!("{id} {}", companion.why()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn two_hunks_of_one_function_belong_together() {
        let lead = ("a.py", 1, &[" def unpack_all(a):", "-    check(a)", "+    pass"][..]);
        let same = ("a.py", 3, &["     b = 1", "-    f(b)", "+    f(a)"][..]);
        let other = ("a.py", 5, &[" def unlike(a):", "-    f(a)", "+    g(a)"][..]);
        check(&[lead, same, other], &["H2 changes unpack_all, as H1 does"]);
        // A class holds functions and is none.
        let lead = ("a.py", 1, &[" class Archive:", "-    root = 1", "+    root = 2"][..]);
        check(&[lead, ("a.py", 3, &["     b = 1", "-    c = 2", "+    c = 3"][..])], &[]);
    }

    #[test]
    fn a_function_that_is_called_goes_along_and_so_does_what_calls() {
        let lead = ("app/a.py", 1, &[" def entry(a):", "+    b = safe_join(a)"][..]);
        let callee = ("lib/b.py", 1, &[" def safe_join(x):", "-    check(x)", "+    pass"][..]);
        check(&[lead, callee], &["H2 changes safe_join, which H1 calls"]);
        let lead = ("app/a.py", 1, &[" def safe_join(x):", "-    check(x)", "+    pass"][..]);
        let caller = ("lib/b.py", 1, &[" def entry(a):", "+    b = safe_join(a)"][..]);
        check(&[lead, caller], &["H2 calls safe_join, which H1 changes"]);
    }

    #[test]
    fn a_common_name_and_one_of_another_language_link_nothing() {
        let lead = ("app/a.py", 1, &[" def entry(a):", "+    b = update(safe_join(a))"][..]);
        let common = ("app/b.py", 1, &[" def update(x):", "-    check(x)", "+    pass"][..]);
        let foreign = ("app/c.go", 1, &[" func safe_join(x) {", "-    check(x)", "+    y(x)"][..]);
        check(&[lead, common, foreign], &[]);
    }

    #[test]
    fn a_name_of_one_word_links_within_a_folder() {
        let lead = ("app/a.py", 1, &[" def entry(a):", "+    b = sanitize(a)"][..]);
        let near = ("app/b.py", 1, &[" def sanitize(x):", "-    check(x)", "+    pass"][..]);
        let far = ("lib/b.py", 1, &[" def sanitize(x):", "-    check(x)", "+    pass"][..]);
        check(&[lead, near], &["H2 changes sanitize, which H1 calls"]);
        check(&[lead, far], &[]);
    }

    #[test]
    fn a_name_that_changes_in_many_places_links_nothing() {
        let lead = ("app/a.py", 1, &[" def entry(a):", "+    b = safe_join(a)"][..]);
        let lines: &[&str] = &[" def safe_join(x):", "-    check(x)", "+    pass"];
        check(&[lead, ("b/b.py", 1, lines), ("c/c.py", 1, lines), ("d/d.py", 1, lines)], &[]);
    }

    #[test]
    fn the_setting_that_code_names_goes_along() {
        let lead = ("app/a.py", 1, &[" def entry(a):", "+    x = conf[\"cookie-secure\"]"][..]);
        let yaml = (
            "conf/app.yaml",
            1,
            &[" web:", "-  cookie_secure: true", "+  cookie_secure: false"][..],
        );
        let other = ("conf/b.yaml", 1, &[" web:", "-  timeout: 3", "+  timeout: 4"][..]);
        check(&[lead, yaml, other], &["H2 sets cookie_secure, which H1 names"]);
    }

    #[test]
    fn comments_and_imports_belong_to_nothing() {
        let lead = ("app/a.py", 1, &[" def entry(a):", "+    b = safe_join(a)"][..]);
        let comment = ("lib/b.py", 1, &[" def safe_join(x):", "-    # one", "+    # two"][..]);
        check(&[lead, comment], &[]);
    }
}
