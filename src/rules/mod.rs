//! What is worth a look, as data: one pack per category, the user's own rules beside them.
//!
//! A rule is written in TOML ([`syntax`]), compiled when a changed file first needs it, and proven
//! by the examples that it carries: a test walks all packs.

mod languages;
mod literals;
mod packs;
mod prefilter;
mod rule;
mod syntax;

use std::sync::OnceLock;

use bstr::BStr;
use thiserror::Error;

use crate::visible;

pub use languages::{Language, Languages};
pub use prefilter::{Candidates, Prefilter};
pub use rule::{Rule, Severity, Side};
pub use syntax::{CategorySyntax, RuleSyntax};

/// More own rules than this are refused: they come with a repository too.
const MAX_OWN: usize = 200;

/// The rules in force: the built-in packs and then the user's own.
#[derive(Debug)]
pub struct Rules {
    rules: Vec<Rule>,
    categories: Vec<Category>,
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
                return Err(RuleError { rule: rule.id, problem });
            }
            rules.push(rule);
        }
        Ok(Rules::of_both(rules, categories))
    }

    /// The built-in rules alone.
    pub fn built_in() -> &'static Rules {
        static BUILT_IN: OnceLock<Rules> = OnceLock::new();
        BUILT_IN.get_or_init(|| {
            let (rules, categories) = packs::load();
            Rules::of_both(rules, categories)
        })
    }

    /// Numbers the patterns through, as the prefilter does.
    fn of_both(mut rules: Vec<Rule>, categories: Vec<Category>) -> Rules {
        let mut next = 0;
        for rule in &mut rules {
            next = rule.number_patterns_from(next);
        }
        Rules { rules, categories }
    }

    /// All rules, in the order of the packs.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// The rules that read files like this one.
    pub fn of(&self, path: &BStr) -> Vec<&Rule> {
        let languages = Languages::built_in().all_of(path);
        self.rules.iter().filter(|rule| rule.reads(path, languages)).collect()
    }

    /// The categories, built-in ones first.
    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    /// The rule of an id.
    pub fn find(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }
}
