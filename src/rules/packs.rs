//! The built-in packs: read by the build, embedded as a table, and proven by their own examples.

use super::automaton::AutomatonData;
use super::pattern::PatternData;
use super::{Category, Rule, Severity, Side};

// `PACKS`, in the order of the contract's categories, and the text of all `PATTERNS`.
include!(concat!(env!("OUT_DIR"), "/packs.rs"));

/// A pack as the build embeds it.
struct PackData {
    category: &'static str,
    title: &'static str,
    rules: &'static [RuleData],
}

/// A rule as the build embeds it; the fields are those of [`super::RuleSyntax`].
pub(super) struct RuleData {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// Bits of the languages, in their order in `languages.toml`.
    pub(super) languages: u64,
    pub(super) globs: &'static [&'static str],
    pub(super) patterns: &'static [PatternData],
    pub(super) sides: &'static [Side],
    pub(super) weight: f64,
    pub(super) severity: Severity,
    pub(super) cwe: &'static [&'static str],
    pub(super) explicit: bool,
    pub(super) tokens: bool,
    pub(super) comments: bool,
    pub(super) multiline: bool,
}

impl PatternData {
    /// The pattern as it is written.
    pub(super) fn written(&self) -> &'static str {
        &PATTERNS[self.start..][..self.length]
    }
}

/// All built-in rules and categories.
pub(super) fn load() -> (Vec<Rule>, Vec<Category>) {
    let rules = PACKS.iter().flat_map(|pack| pack.rules.iter().map(|rule| (pack.category, rule)));
    let category =
        |pack: &PackData| Category { name: pack.category.to_owned(), title: pack.title.to_owned() };
    let rules = rules.map(|(category, rule)| Rule::built_in(rule, category));
    (rules.collect(), PACKS.iter().map(category).collect())
}

/// The packs as they are written.
#[cfg(test)]
fn written() -> Vec<super::syntax::PackSyntax> {
    let path = |pack: &PackData| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/rules/packs");
        format!("{folder}/{}.toml", pack.category)
    };
    let parse = |pack: &PackData| {
        let text = std::fs::read_to_string(path(pack)).expect("a pack is there when it is tested");
        toml::from_str(&text).unwrap_or_else(|error| unreachable!("{}: {error}", pack.category))
    };
    PACKS.iter().map(parse).collect()
}

/// All patterns with the ids of their rules.
#[cfg(test)]
pub(super) fn patterns() -> impl Iterator<Item = (&'static str, &'static str)> {
    let rules = PACKS.iter().flat_map(|pack| pack.rules);
    rules.flat_map(|rule| rule.patterns.iter().map(|pattern| (rule.id, pattern.written())))
}

/// All example lines of all rules.
#[cfg(test)]
pub(super) fn examples() -> impl Iterator<Item = String> {
    let rules = written().into_iter().flat_map(|pack| pack.rules);
    rules.flat_map(|rule| rule.matches.into_iter().chain(rule.leaves))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::super::{Languages, Rules};
    use super::*;

    #[test]
    fn every_pack_file_is_embedded_under_its_category() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/rules/packs");
        let files: BTreeSet<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let embedded = PACKS.iter().map(|pack| format!("{}.toml", pack.category)).collect();
        assert_eq!(files, embedded);
        for (pack, written) in PACKS.iter().zip(written()) {
            assert_eq!(pack.category, written.category);
        }
    }

    #[test]
    fn every_rule_stands_in_the_pack_of_its_category_and_is_well_formed() {
        let mut ids = BTreeSet::new();
        for pack in written() {
            for rule in pack.rules {
                assert!(rule.id.starts_with(&format!("{}/", pack.category)), "{}", rule.id);
                assert!(ids.insert(rule.id.clone()), "{} stands twice", rule.id);
                assert!(rule.weight > 0.0 && rule.weight <= 1.0, "{}", rule.id);
                assert!(!rule.title.ends_with('.') && !rule.sides.is_empty(), "{}", rule.id);
                let bits = Languages::built_in().bits(&rule.languages).unwrap();
                let embedded = PACKS.iter().flat_map(|pack| pack.rules);
                let embedded = embedded.into_iter().find(|data| data.id == rule.id).unwrap();
                assert_eq!(embedded.languages, bits, "{}", rule.id);
                assert!(
                    !rule.cwe.is_empty() || rule.sides == [Side::Path],
                    "{} has no CWE",
                    rule.id
                );
            }
        }
    }

    #[test]
    fn every_rule_catches_its_examples_and_leaves_the_others() {
        let mut mistakes = Vec::new();
        for syntax in written().into_iter().flat_map(|pack| pack.rules) {
            let rule = Rules::built_in().find(&syntax.id).unwrap();
            let fires = |text: &str| rule.regexes().any(|(_, regex)| read(rule, regex, text));
            if syntax.matches.is_empty() || syntax.leaves.is_empty() {
                mistakes.push(format!("Unproven {}", syntax.id));
            }
            let missing = syntax.matches.iter().filter(|line| !fires(line));
            mistakes.extend(missing.map(|line| format!("Missing {}: {line}", syntax.id)));
            let noisy = syntax.leaves.iter().filter(|line| fires(line));
            mistakes.extend(noisy.map(|line| format!("Noisy {}: {line}", syntax.id)));
        }
        assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    }

    #[test]
    fn every_pattern_is_exercised_by_an_example() {
        let mut idle = Vec::new();
        for syntax in written().into_iter().flat_map(|pack| pack.rules) {
            let rule = Rules::built_in().find(&syntax.id).unwrap();
            for ((_, regex), pattern) in rule.regexes().zip(&syntax.patterns) {
                if !syntax.matches.iter().any(|text| read(rule, regex, text)) {
                    idle.push(format!("{}: {pattern}", syntax.id));
                }
            }
        }
        assert!(idle.is_empty(), "{}", idle.join("\n"));
    }

    /// A text is read as the engine does: line by line, unless the rule reaches over several.
    fn read(rule: &Rule, regex: &regex_automata::meta::Regex, text: &str) -> bool {
        match rule.multiline {
            true => regex.is_match(text.as_bytes()),
            false => text.lines().any(|line| regex.is_match(line.as_bytes())),
        }
    }
}
