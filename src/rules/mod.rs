//! What is worth a look, as data: one pack per category, the user's own rules beside them.
//!
//! A rule is written in TOML ([`syntax`]), compiled when a changed file first needs it, and proven
//! by the examples that it carries: a test walks all packs.

mod automaton;
mod filing;
mod languages;
mod literals;
mod packs;
mod pattern;
mod places;
mod prefilter;
mod rule;
mod syntax;
mod table;

use std::sync::{Arc, OnceLock};

use bstr::BStr;
use table::Literals;
use thiserror::Error;

use crate::paths::Paths;
use crate::visible;

pub use automaton::Verdict;
pub use languages::{Language, Languages};
pub use prefilter::{Hit, Prefilter};
pub use rule::{Rule, Severity, Side};
pub use syntax::{CategorySyntax, RuleSyntax};

/// More own rules than this are refused: they come with a repository too.
const MAX_OWN: usize = 200;

/// The rules in force: the built-in packs and then the user's own.
#[derive(Debug)]
pub struct Rules {
    rules: Vec<Arc<Rule>>,
    /// For each pattern the index of its rule.
    owners: Vec<u16>,
    /// The path patterns of the built-in rules, all in one set.
    paths: Paths,
    /// For each of these patterns the index of its rule.
    of_path: Vec<u16>,
    /// Where the user's own rules begin.
    own: u16,
    literals: Literals,
    categories: Vec<Category>,
}

/// What a file is to the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// A bit for each language that it can be read as.
    languages: u64,
    /// The rules that name it by its path.
    named: Vec<u16>,
}

/// A category of rules.
#[derive(Debug, Clone)]
pub struct Category {
    /// Its name as it stands in rules and reports, for example `shell`.
    pub name: String,
    /// A heading for people.
    pub title: String,
}

/// What is wrong with a rule as it is written.
#[derive(Debug, Error)]
#[error("rule `{rule}`: {problem}")]
pub struct RuleError {
    /// The rule's id.
    pub rule: String,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl Rules {
    /// The built-in rules and the given ones.
    ///
    /// # Errors
    /// Names the first own rule that cannot be used.
    pub fn with(
        own_rules: &[RuleSyntax],
        own_categories: &[CategorySyntax],
    ) -> Result<Rules, RuleError> {
        let (mut rules, mut categories) = packs::load();
        let built_in = rules.len();
        if own_rules.len() > MAX_OWN || own_categories.len() > MAX_OWN {
            let problem = format!("there are more than {MAX_OWN} own rules or categories");
            return Err(RuleError { rule: String::new(), problem });
        }
        for category in own_categories {
            syntax::check_name(&category.id, &category.id)?;
            categories.push(Category {
                name: category.id.clone(),
                title: visible::line(category.title.as_ref().unwrap_or(&category.id)).into_string(),
            });
        }
        for syntax in own_rules {
            let rule = Rule::own(syntax, Languages::built_in(), &categories)?;
            if rules.iter().any(|other| other.id == rule.id) {
                let problem = "there is another rule of this id".to_owned();
                return Err(RuleError { rule: rule.id.into_owned(), problem });
            }
            rules.push(rule);
        }
        Ok(Rules::of_both(rules, built_in, categories))
    }

    /// The built-in rules alone.
    pub fn built_in() -> &'static Rules {
        static BUILT_IN: OnceLock<Rules> = OnceLock::new();
        BUILT_IN.get_or_init(|| {
            let (rules, categories) = packs::load();
            let built_in = rules.len();
            Rules::of_both(rules, built_in, categories)
        })
    }

    /// Numbers the patterns through, over all rules; the first so many are built in.
    fn of_both(mut rules: Vec<Rule>, built_in: usize, categories: Vec<Category>) -> Rules {
        let mut owners = Vec::new();
        for (at, rule) in (0..).zip(&mut rules) {
            rule.number_patterns_from(to_u32(owners.len()));
            owners.extend(rule.numbers().map(|_| at));
        }
        let of_path = (0..).zip(&rules).flat_map(|(at, rule)| rule.paths.iter().map(move |_| at));
        let of_path = of_path.collect();
        let paths = Paths::new(rules.iter().flat_map(|rule| rule.paths).copied());
        let literals = Literals::with(rules.iter().skip(built_in));
        Rules {
            rules: rules.into_iter().map(Arc::new).collect(),
            owners,
            paths,
            of_path,
            own: u16::try_from(built_in).unwrap_or(u16::MAX),
            literals,
            categories,
        }
    }

    /// All rules, in the order of the packs.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(AsRef::as_ref)
    }

    /// The rule of a pattern, by the number that it has among those of all rules.
    pub fn owner(&self, pattern: u32) -> &Arc<Rule> {
        &self.rules[usize::from(self.owners[pattern as usize])]
    }

    /// The patterns of some of the rules, to be looked for together.
    pub fn prefilter<'a>(&'a self, rules: impl Iterator<Item = &'a Rule>) -> Prefilter<'a> {
        Prefilter::new(&self.literals, rules.flat_map(Rule::numbers))
    }

    /// What a file is to the rules: the same rules read all files of one kind.
    pub fn kind(&self, path: &BStr) -> Kind {
        let languages = Languages::built_in().all_of(path);
        let own = (self.own..).zip(self.rules.iter().skip(self.own.into()));
        let own = own.filter(|(_, rule)| rule.reads_path(path)).map(|(at, _)| at);
        let named = self.paths.matches(path).map(|glob| self.of_path[glob]);
        let mut named: Vec<u16> = named.chain(own).collect();
        named.sort_unstable();
        named.dedup();
        Kind { languages, named }
    }

    /// The rules that read files of a kind.
    pub fn readers(&self, kind: &Kind) -> impl Iterator<Item = &Arc<Rule>> {
        let reads = |&(at, rule): &(u16, &Arc<Rule>)| {
            rule.reads_languages(kind.languages) || kind.named.contains(&at)
        };
        (0..).zip(&self.rules).filter(reads).map(|(_, rule)| rule)
    }

    /// The categories, built-in ones first.
    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    /// The rule of an id.
    pub fn find(&self, id: &str) -> Option<&Rule> {
        self.iter().find(|rule| rule.id == id)
    }
}

/// Patterns are few: the packs have hundreds, and own rules are bounded.
fn to_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
