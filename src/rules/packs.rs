//! The built-in packs: embedded, loaded, and proven by their own examples.

use super::syntax::PackSyntax;
use super::{Category, Languages, Rule};

/// The packs in the order of the contract's categories.
const PACKS: [(&str, &str); 6] = [
    ("auth", include_str!("packs/auth.toml")),
    ("crypto", include_str!("packs/crypto.toml")),
    ("shell", include_str!("packs/shell.toml")),
    ("deserialization", include_str!("packs/deserialization.toml")),
    ("path", include_str!("packs/path.toml")),
    ("input", include_str!("packs/input.toml")),
];

/// All built-in rules and categories.
pub(super) fn load() -> (Vec<Rule>, Vec<Category>) {
    let languages = Languages::built_in();
    let (mut rules, mut categories) = (Vec::new(), Vec::new());
    for (_, text) in PACKS {
        let pack: PackSyntax = toml::from_str(text).expect("a test proves the packs");
        for rule in pack.rules {
            rules.push(Rule::built_in(rule, &pack.category, languages));
        }
        categories.push(Category { name: pack.category, title: pack.title });
    }
    (rules, categories)
}

/// All example lines of all rules.
#[cfg(test)]
pub(super) fn examples() -> impl Iterator<Item = String> {
    let packs = PACKS
        .iter()
        .map(|(_, text)| toml::from_str::<PackSyntax>(text).expect("a test proves the packs"));
    packs.flat_map(|pack| pack.rules).flat_map(|rule| rule.matches.into_iter().chain(rule.leaves))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::super::rule::compiles;
    use super::super::{Rules, Side};
    use super::*;

    fn packs() -> Vec<(&'static str, PackSyntax)> {
        let parse = |text| toml::from_str(text).unwrap_or_else(|error| panic!("{error}"));
        PACKS.iter().map(|&(name, text)| (name, parse(text))).collect()
    }

    #[test]
    fn every_pack_file_is_embedded() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/rules/packs");
        let files: BTreeSet<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let embedded = PACKS.iter().map(|(name, _)| format!("{name}.toml")).collect();
        assert_eq!(files, embedded);
    }

    #[test]
    fn every_rule_stands_in_the_pack_of_its_category_and_is_well_formed() {
        let mut ids = BTreeSet::new();
        for (name, pack) in packs() {
            assert_eq!(pack.category, name);
            for rule in pack.rules {
                assert!(rule.id.starts_with(&format!("{name}/")), "{}", rule.id);
                assert!(ids.insert(rule.id.clone()), "{} stands twice", rule.id);
                assert!(rule.weight > 0.0 && rule.weight <= 1.0, "{}", rule.id);
                assert!(!rule.title.ends_with('.') && !rule.sides.is_empty(), "{}", rule.id);
                assert!(Languages::built_in().bits(&rule.languages).is_ok(), "{}", rule.id);
                assert!(
                    !rule.cwe.is_empty() || rule.sides == [Side::Path],
                    "{} has no CWE",
                    rule.id
                );
                for pattern in &rule.patterns {
                    compiles(pattern).unwrap_or_else(|error| panic!("{}: {error}", rule.id));
                }
            }
        }
    }

    #[test]
    fn every_rule_catches_its_examples_and_leaves_the_others() {
        let mut mistakes = Vec::new();
        for (_, pack) in packs() {
            for syntax in pack.rules {
                let rule = Rules::built_in().find(&syntax.id).unwrap();
                let fires = |line: &str| {
                    let mut regexes = rule.numbered_regexes();
                    regexes.any(|(_, regex)| regex.is_match(line.as_bytes()))
                };
                if syntax.matches.is_empty() || syntax.leaves.is_empty() {
                    mistakes.push(format!("Unproven {}", syntax.id));
                }
                let missing = syntax.matches.iter().filter(|line| !fires(line));
                mistakes.extend(missing.map(|line| format!("Missing {}: {line}", syntax.id)));
                let noisy = syntax.leaves.iter().filter(|line| fires(line));
                mistakes.extend(noisy.map(|line| format!("Noisy {}: {line}", syntax.id)));
            }
        }
        assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    }

    #[test]
    fn every_pattern_is_exercised_by_an_example() {
        let mut idle = Vec::new();
        for (_, pack) in packs() {
            for syntax in pack.rules {
                let rule = Rules::built_in().find(&syntax.id).unwrap();
                for (regex, pattern) in
                    rule.numbered_regexes().map(|(_, regex)| regex).zip(&syntax.patterns)
                {
                    if !syntax.matches.iter().any(|line| regex.is_match(line.as_bytes())) {
                        idle.push(format!("{}: {pattern}", syntax.id));
                    }
                }
            }
        }
        assert!(idle.is_empty(), "{}", idle.join("\n"));
    }
}
