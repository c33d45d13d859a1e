//! A configuration file: tables flattened to dotted keys with their lines, rules read by their type.

use serde::Deserialize;
use toml::de::{DeTable, DeValue};

use super::setting::{Read, Setting, Written};
use super::{Accept, ConfigError, Origin};
use crate::rules::{CategorySyntax, RuleSyntax};

/// More keys than this are no configuration.
const MAX_KEYS: usize = 500;

/// The parts of a file that are no plain keys.
#[derive(Deserialize)]
struct Lists {
    #[serde(default, rename = "rule")]
    rules: Vec<RuleSyntax>,
    #[serde(default, rename = "category")]
    categories: Vec<CategorySyntax>,
    #[serde(default, rename = "accept")]
    accepts: Vec<Accept>,
}

/// Adds what a file says to what the lower layers said.
pub(super) fn read(text: &str, origin: &Origin, into: &mut Read) -> Result<(), ConfigError> {
    let file = origin.to_string();
    let wrong = |error: &toml::de::Error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        let problem = error.message().replace('\n', ", ");
        ConfigError::new(format!("{file}:{line}"), crate::visible::line(problem).into_string())
    };
    let spans = DeTable::parse(text).map_err(|error| wrong(&error))?;
    let values: toml::Table = toml::from_str(text).map_err(|error| wrong(&error))?;
    let lists: Lists = toml::from_str(text).map_err(|error| wrong(&error))?;
    if !lists.rules.is_empty() {
        into.rule_file.clone_from(&file);
    }
    into.rules.extend(lists.rules);
    into.categories.extend(lists.categories);
    into.accepts.extend(lists.accepts);
    if values.values().map(|value| value.as_table().map_or(1, toml::Table::len)).sum::<usize>()
        > MAX_KEYS
    {
        return Err(ConfigError::new(file, format!("has more than {MAX_KEYS} keys")));
    }
    let mut lines = Vec::new();
    collect_lines(spans.get_ref(), "", text, &mut lines);
    flatten(&values, "", &mut |key, value| {
        let line = lines.iter().find(|(name, _)| *name == key).map(|(_, line)| *line);
        into.settings.push(Setting {
            key,
            value: Written::Toml(value.clone()),
            origin: origin.clone(),
            line,
        });
    });
    Ok(())
}

/// Hands out each key with its value: tables are walked, but a table that is a value is not.
fn flatten(table: &toml::Table, prefix: &str, give: &mut impl FnMut(String, &toml::Value)) {
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        match value {
            toml::Value::Array(_) if prefix.is_empty() && is_list(name) => {}
            toml::Value::Table(inner) if prefix.is_empty() => {
                flatten(inner, &format!("{key}."), give);
            }
            _ => give(key, value),
        }
    }
}

fn collect_lines(table: &DeTable<'_>, prefix: &str, text: &str, lines: &mut Vec<(String, usize)>) {
    for (name, value) in table {
        let key = format!("{prefix}{}", name.get_ref());
        lines.push((key.clone(), line_of(text, name.span().start)));
        if let DeValue::Table(inner) = value.get_ref()
            && prefix.is_empty()
        {
            collect_lines(inner, &format!("{key}."), text, lines);
        }
    }
}

fn is_list(name: &str) -> bool {
    matches!(name, "rule" | "category" | "accept")
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|&&byte| byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn load(text: &str, origin: &Origin) -> Result<Config, String> {
        Config::of_file(text, origin).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let origin = Origin::Repository("advisor.toml".to_owned());
        assert_eq!(load(text, &origin).unwrap_err(), expected);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest_one() {
        check(
            "[gate]\n# x\nfail_onn = \"low\"\n",
            "advisor.toml:3: unknown key `gate.fail_onn`; did you mean `gate.fail_on`?",
        );
        check(
            "threshold = 0.3\n",
            "advisor.toml:1: unknown key `threshold`; did you mean `select.threshold`?",
        );
    }

    #[test]
    fn keys_about_safety_are_refused_in_a_repository() {
        check(
            "[codex]\ncommand = \"./evil\"\n",
            "advisor.toml:2: `codex.command` is about safety and is not taken from a repository's file; set it in your own config.toml or with `git config advisor.codex.command`",
        );
        let user = Origin::User("config.toml".to_owned());
        assert_eq!(
            load("[codex]\ncommand = \"/opt/mine\"\n", &user).unwrap().codex.command,
            "/opt/mine"
        );
    }

    #[test]
    fn what_is_no_toml_is_said_with_its_line() {
        let origin = Origin::Repository("advisor.toml".to_owned());
        let error = load("[gate]\nfail_on = \n", &origin).unwrap_err();
        assert!(error.starts_with("advisor.toml:2: "), "{error}");
    }

    #[test]
    fn a_wrong_rule_is_said_with_its_line() {
        check(
            "[[rule]]\nid = \"shell/x\"\ntitle = \"t\"\npatterns = ['a']\nwheight = 1\n",
            "advisor.toml:5: unknown field `wheight`, expected one of `id`, `category`, `title`, `languages`, `globs`, `patterns`, `sides`, `weight`, `severity`, `cwe`, `explicit`, `comments`, `multiline`, `tokens`, `matches`, `leaves`",
        );
    }

    #[test]
    fn codex_settings_keep_their_tables() {
        let user = Origin::User("config.toml".to_owned());
        let text = "[codex]\nconfig = { model_provider = \"g\", \"model_providers.g\" = { name = \"g\" } }\n";
        let config = load(text, &user).unwrap().codex.config;
        assert_eq!(config.len(), 2);
        assert!(
            load("[codex.config.model_providers.g]\nname = \"g\"\n", &user)
                .unwrap()
                .codex
                .config
                .contains_key("model_providers")
        );
    }
}
