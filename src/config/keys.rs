//! The one table of configuration keys: name, who may set it, how it is read, set and shown.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};
use toml::Value;

use super::{Config, From, Globs, Judge, Provider};
use crate::rules::Severity;

/// Who may set a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Also the repository's tracked `advisor.toml`.
    Anyone,
    /// Only the user: flags, environment, git config and the user's own file.
    User,
}

/// What a key holds, for layers that know only text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A string (durations too).
    Text,
    /// A whole number.
    Number,
    /// A number with a fraction.
    Fraction,
    /// `true` or `false`.
    Switch,
    /// Strings, separated by commas.
    List,
    /// `key=value` lines, as Codex's `-c` takes them.
    Table,
}

/// A configuration key.
#[derive(Debug)]
pub struct Key {
    /// Dotted name.
    pub name: &'static str,
    /// Who may set it.
    pub trust: Trust,
    pub(super) kind: Kind,
    pub(super) set: fn(&mut Config, &Value) -> Result<(), String>,
    /// The value in force, as TOML.
    pub show: fn(&Config) -> Value,
}

/// Every key, in the order of `advisor.toml.example`.
pub const KEYS: &[Key] = &[
    Key {
        name: "codex.command",
        trust: Trust::User,
        kind: Kind::Text,
        set: |config, value| put(&mut config.codex.command, command(value)?),
        show: |config| config.codex.command.as_str().into(),
    },
    Key {
        name: "codex.model",
        trust: Trust::Anyone,
        kind: Kind::Text,
        set: |config, value| put(&mut config.codex.model, slug(value)?),
        show: |config| config.codex.model.as_str().into(),
    },
    Key {
        name: "codex.profile",
        trust: Trust::User,
        kind: Kind::Text,
        set: |config, value| put(&mut config.codex.profile, profile(value)?),
        show: |config| config.codex.profile.as_str().into(),
    },
    Key {
        name: "codex.effort",
        trust: Trust::Anyone,
        kind: Kind::Text,
        set: |config, value| put(&mut config.codex.effort, slug(value)?),
        show: |config| config.codex.effort.as_str().into(),
    },
    Key {
        name: "codex.provider",
        trust: Trust::User,
        kind: Kind::Text,
        set: |config, value| put(&mut config.codex.provider, provider(value)?),
        show: |config| match config.codex.provider {
            Provider::Isolated => "isolated".into(),
            Provider::Builtin => "builtin".into(),
        },
    },
    Key {
        name: "codex.config",
        trust: Trust::User,
        kind: Kind::Table,
        set: |config, value| put(&mut config.codex.config, codex_settings(value)?),
        show: |config| Value::Table(config.codex.config.clone()),
    },
    Key {
        name: "codex.env",
        trust: Trust::User,
        kind: Kind::List,
        set: |config, value| put(&mut config.codex.env, variables(value)?),
        show: |config| config.codex.env.clone().into(),
    },
    Key {
        name: "limits.first_answer",
        trust: Trust::Anyone,
        kind: Kind::Text,
        set: |config, value| put(&mut config.limits.first_answer, clock(value)?),
        show: |config| shown(config.limits.first_answer),
    },
    Key {
        name: "limits.idle",
        trust: Trust::Anyone,
        kind: Kind::Text,
        set: |config, value| put(&mut config.limits.idle, clock(value)?),
        show: |config| shown(config.limits.idle),
    },
    Key {
        name: "limits.deadline",
        trust: Trust::Anyone,
        kind: Kind::Text,
        set: |config, value| put(&mut config.limits.deadline, clock(value)?),
        show: |config| shown(config.limits.deadline),
    },
    Key {
        name: "limits.hook_deadline",
        trust: Trust::Anyone,
        kind: Kind::Text,
        set: |config, value| put(&mut config.limits.hook_deadline, clock(value)?),
        show: |config| shown(config.limits.hook_deadline),
    },
    Key {
        name: "limits.keep",
        trust: Trust::Anyone,
        kind: Kind::Text,
        set: |config, value| put(&mut config.limits.keep, duration(value)?),
        show: |config| shown(config.limits.keep),
    },
    Key {
        name: "limits.prompt_tokens",
        trust: Trust::Anyone,
        kind: Kind::Number,
        set: |config, value| put(&mut config.limits.prompt_tokens, number(value, 1_000, 200_000)?),
        show: |config| count(config.limits.prompt_tokens),
    },
    Key {
        name: "limits.max_context_rounds",
        trust: Trust::Anyone,
        kind: Kind::Number,
        set: |config, value| put(&mut config.limits.max_context_rounds, number(value, 0, 3)?),
        show: |config| count(config.limits.max_context_rounds),
    },
    Key {
        name: "doghouse.duration",
        trust: Trust::User,
        kind: Kind::Text,
        set: |config, value| put(&mut config.doghouse.duration, duration(value)?),
        show: |config| shown(config.doghouse.duration),
    },
    Key {
        name: "doghouse.max",
        trust: Trust::User,
        kind: Kind::Text,
        set: |config, value| put(&mut config.doghouse.max, duration(value)?),
        show: |config| shown(config.doghouse.max),
    },
    Key {
        name: "gate.fail_on",
        trust: Trust::Anyone,
        kind: Kind::Text,
        set: |config, value| put(&mut config.gate.fail_on, fail_on(value)?),
        show: |config| config.gate.fail_on.map_or("never", Severity::name).into(),
    },
    Key {
        name: "select.threshold",
        trust: Trust::Anyone,
        kind: Kind::Fraction,
        set: |config, value| put(&mut config.select.threshold, share(value)?),
        show: |config| config.select.threshold.into(),
    },
    Key {
        name: "select.along",
        trust: Trust::Anyone,
        kind: Kind::Fraction,
        set: |config, value| put(&mut config.select.along, share(value)?),
        show: |config| config.select.along.into(),
    },
    Key {
        name: "select.context_lines",
        trust: Trust::Anyone,
        kind: Kind::Number,
        set: |config, value| {
            let lines = number(value, 0, 50)?;
            put(&mut config.select.context_lines, u32::try_from(lines).unwrap_or(50))
        },
        show: |config| count(config.select.context_lines as usize),
    },
    Key {
        name: "select.include",
        trust: Trust::Anyone,
        kind: Kind::List,
        set: |config, value| put(&mut config.select.include, Globs::new(strings(value)?)?),
        show: |config| config.select.include.written.clone().into(),
    },
    Key {
        name: "select.exclude",
        trust: Trust::Anyone,
        kind: Kind::List,
        set: |config, value| put(&mut config.select.exclude, Globs::new(strings(value)?)?),
        show: |config| config.select.exclude.written.clone().into(),
    },
    Key {
        name: "select.generated",
        trust: Trust::Anyone,
        kind: Kind::Switch,
        set: |config, value| put(&mut config.select.generated, switch(value)?),
        show: |config| config.select.generated.into(),
    },
    Key {
        name: "select.vendored",
        trust: Trust::Anyone,
        kind: Kind::Switch,
        set: |config, value| put(&mut config.select.vendored, switch(value)?),
        show: |config| config.select.vendored.into(),
    },
    Key {
        name: "synthesis.judge",
        trust: Trust::User,
        kind: Kind::Table,
        set: |config, value| put(&mut config.judge, Judge::read(value)?),
        show: |config| Judge::show(config.judge.as_ref()),
    },
    Key {
        name: super::FROM,
        trust: Trust::User,
        kind: Kind::Text,
        set: |config, value| put(&mut config.from, from(value)?),
        show: |config| match config.from {
            From::Auto => "auto".into(),
            From::Worktree => "worktree".into(),
            From::Base => "base".into(),
        },
    },
];

/// The key of a name. git config knows no underscores and no case, so neither counts.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| is(name, key.name))
}

/// Whether what was written means this key.
pub(super) fn is(written: &str, name: &str) -> bool {
    plain(written) == plain(name)
}

/// The key that a misspelt name most likely meant.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let wanted = plain(name);
    let distance = |key: &&Key| strsim::damerau_levenshtein(&plain(key.name), &wanted);
    let same_word = |key: &&&Key| key.name.rsplit('.').next() == name.rsplit('.').next();
    let closest = KEYS.iter().min_by_key(distance).filter(|key| distance(key) <= 4);
    KEYS.iter().collect::<Vec<_>>().iter().find(same_word).copied().or(closest).map(|key| key.name)
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

impl Kind {
    /// Reads a value that is given as text.
    pub(super) fn read(self, text: &str) -> Result<Value, String> {
        let number = |what: &str| format!("wants {what}, not `{}`", crate::visible::line(text));
        match self {
            Kind::Text => Ok(Value::String(text.to_owned())),
            Kind::Number => {
                text.trim().parse().map(Value::Integer).map_err(|_| number("a whole number"))
            }
            Kind::Fraction => text.trim().parse().map(Value::Float).map_err(|_| number("a number")),
            Kind::Switch => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" | "" => Ok(Value::Boolean(true)),
                "false" | "no" | "off" | "0" => Ok(Value::Boolean(false)),
                _ => Err(number("true or false")),
            },
            Kind::List => {
                let parts = text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty());
                Ok(parts.map(str::to_owned).collect::<Vec<_>>().into())
            }
            Kind::Table => table(text).map(Value::Table),
        }
    }
}

/// `key=value` lines; a value that is no TOML is a plain string, as with Codex's own `-c`.
fn table(text: &str) -> Result<toml::Table, String> {
    let mut table = toml::Table::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Some((key, value)) = line.split_once('=') else {
            return Err(format!("wants key=value, not `{}`", crate::visible::line(line)));
        };
        let parsed = toml::from_str::<toml::Table>(&format!("v = {value}"));
        let parsed = parsed.ok().and_then(|mut table| table.remove("v"));
        let value = parsed.unwrap_or_else(|| Value::String(value.trim().to_owned()));
        table.insert(key.trim().to_owned(), value);
    }
    Ok(table)
}

fn put<T>(place: &mut T, value: T) -> Result<(), String> {
    *place = value;
    Ok(())
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("wants a string, not {}", value.type_str()))
}

fn word(value: &Value) -> Result<String, String> {
    let text = text(value)?.trim();
    if text.is_empty() || text.contains('\0') {
        Err("is empty".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// A program: a name to look up, or an absolute path. A relative one would mean another program in
/// every folder.
pub(super) fn command(value: &Value) -> Result<String, String> {
    let word = word(value)?;
    let path = std::path::Path::new(&word);
    if path.components().count() > 1 && !path.is_absolute() {
        return Err(format!(
            "wants a name or an absolute path, not `{}`",
            crate::visible::line(&word)
        ));
    }
    Ok(word)
}

/// A model or an effort: letters, digits and a few signs, so that it is never taken for a flag.
fn slug(value: &Value) -> Result<String, String> {
    let word = word(value)?;
    let fits = word.chars().all(|c| c.is_ascii_alphanumeric() || "._-/:".contains(c));
    if fits && !word.starts_with('-') && word.len() <= 100 {
        Ok(word)
    } else {
        Err(format!("`{}` is no name of letters, digits and `._-/:`", crate::visible::line(word)))
    }
}

/// The name of a profile, so that it never leads out of Codex's home; none is empty.
fn profile(value: &Value) -> Result<String, String> {
    let name = text(value)?;
    if name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)) {
        return Ok(name.to_owned());
    }
    Err(format!("`{}` is no name of letters, digits and `_-`", crate::visible::line(name)))
}

fn provider(value: &Value) -> Result<Provider, String> {
    match text(value)? {
        "isolated" => Ok(Provider::Isolated),
        "builtin" => Ok(Provider::Builtin),
        other => Err(format!("is `isolated` or `builtin`, not `{}`", crate::visible::line(other))),
    }
}

fn from(value: &Value) -> Result<From, String> {
    match text(value)? {
        "auto" => Ok(From::Auto),
        "worktree" => Ok(From::Worktree),
        "base" => Ok(From::Base),
        other => {
            let other = crate::visible::line(other);
            Err(format!("is `auto`, `worktree` or `base`, not `{other}`"))
        }
    }
}

fn codex_settings(value: &Value) -> Result<toml::Table, String> {
    let table = value.as_table().ok_or("wants a table of Codex settings")?;
    match super::owned::refused_setting(table) {
        Some(key) => {
            Err(format!("sets `{}`, which the leash owns; leave it out", crate::visible::line(key)))
        }
        None => Ok(table.clone()),
    }
}

pub(super) fn strings(value: &Value) -> Result<Vec<String>, String> {
    let wrong = || format!("wants a list of strings, not {}", value.type_str());
    let list = value.as_array().ok_or_else(wrong)?;
    list.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
}

pub(super) fn variables(value: &Value) -> Result<Vec<String>, String> {
    let names = strings(value)?;
    let is_name = |name: &String| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    match names.iter().find(|name| !is_name(name)) {
        Some(name) => Err(format!("`{}` is no name of a variable", crate::visible::line(name))),
        None => Ok(names),
    }
}

/// A time of at least 100 ms and at most a day.
fn clock(value: &Value) -> Result<Duration, String> {
    let found = duration(value)?;
    let day = Duration::from_secs(86_400);
    if found < Duration::from_millis(100) || found > day {
        return Err("wants a time between 100ms and 24h".to_owned());
    }
    Ok(found)
}

fn duration(value: &Value) -> Result<Duration, String> {
    let text = text(value)?;
    let wrong = || {
        format!(
            "wants a time such as \"90s\", \"5m\" or \"1h\", not `{}`",
            crate::visible::line(text)
        )
    };
    let span: Span = text.trim().parse().map_err(|_| wrong())?;
    let exact = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    let found = Duration::try_from(exact).map_err(|_| wrong())?;
    if found > Duration::from_secs(366 * 86_400) { Err(wrong()) } else { Ok(found) }
}

fn number(value: &Value, least: usize, most: usize) -> Result<usize, String> {
    let wrong = || format!("wants a whole number from {least} to {most}");
    let number = value.as_integer().ok_or_else(wrong)?;
    let number = usize::try_from(number).map_err(|_| wrong())?;
    if (least..=most).contains(&number) { Ok(number) } else { Err(wrong()) }
}

fn share(value: &Value) -> Result<f64, String> {
    let exact = |whole: i64| i32::try_from(whole).ok().map(f64::from);
    let share = value.as_float().or_else(|| value.as_integer().and_then(exact));
    share
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "wants a number from 0 to 1".to_owned())
}

fn switch(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "wants true or false".to_owned())
}

fn fail_on(value: &Value) -> Result<Option<Severity>, String> {
    let word = text(value)?;
    if word.eq_ignore_ascii_case("never") {
        return Ok(None);
    }
    let wrong = "is critical, high, medium, low or never";
    match Severity::named(word) {
        Some(Severity::Info) | None => Err(wrong.to_owned()),
        found => Ok(found),
    }
}

fn shown(duration: Duration) -> Value {
    let seconds = duration.as_secs();
    let text = match seconds {
        _ if duration.subsec_millis() > 0 => format!("{}ms", duration.as_millis()),
        0 => "0s".to_owned(),
        _ if seconds.is_multiple_of(86_400) => format!("{}d", seconds / 86_400),
        _ if seconds.is_multiple_of(3_600) => format!("{}h", seconds / 3_600),
        _ => format!("{seconds}s"),
    };
    Value::String(text)
}

fn count(number: usize) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_whatever_their_spelling() {
        for name in [
            "limits.first_answer",
            "limits.firstAnswer",
            "limits.first-answer",
            "LIMITS.FIRST_ANSWER",
        ] {
            assert_eq!(find(name).unwrap().name, "limits.first_answer");
        }
        assert!(find("limits.first").is_none());
        assert_eq!(nearest("gate.failon_"), Some("gate.fail_on"));
        assert_eq!(nearest("limits.promt_tokens"), Some("limits.prompt_tokens"));
        assert_eq!(nearest("command"), Some("codex.command"));
        assert_eq!(nearest("something.else"), None);
    }

    #[test]
    fn each_default_reads_back_as_itself() {
        let mut config = Config::default();
        for key in KEYS {
            let value = (key.show)(&config);
            (key.set)(&mut config, &value)
                .unwrap_or_else(|problem| panic!("{} {problem}", key.name));
            assert_eq!((key.show)(&Config::default()), (key.show)(&config), "{}", key.name);
        }
    }

    #[test]
    fn values_out_of_bounds_are_refused_with_what_would_fit() {
        let check = |name: &str, value: &str, expected: &str| {
            let key = find(name).unwrap();
            let result = key.kind.read(value).and_then(|v| (key.set)(&mut Config::default(), &v));
            assert_eq!(result, Err(expected.to_owned()));
        };
        check("limits.prompt_tokens", "1", "wants a whole number from 1000 to 200000");
        check("select.threshold", "2", "wants a number from 0 to 1");
        check("gate.fail_on", "info", "is critical, high, medium, low or never");
        check("limits.idle", "soon", "wants a time such as \"90s\", \"5m\" or \"1h\", not `soon`");
        check("codex.model", "-x", "`-x` is no name of letters, digits and `._-/:`");
        check("codex.env", "A B", "`A B` is no name of a variable");
    }
}
