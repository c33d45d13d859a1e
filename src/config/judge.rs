//! `[synthesis] judge`: a program of the user's own that reads a checked review and writes prose.

use toml::Value;

use super::keys::{command, strings, variables};
use crate::visible;

/// A second judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judge {
    /// The program: a name looked up in `PATH`, or an absolute path.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Names of further environment variables to pass on.
    pub env: Vec<String>,
}

impl Judge {
    /// Reads `{ command = ["program", "argument"], env = ["NAME"] }`; an empty table is no judge.
    pub(super) fn read(value: &Value) -> Result<Option<Judge>, String> {
        let wanted = "wants a table such as { command = [\"/opt/judge\"] }";
        let table = value.as_table().ok_or(wanted)?;
        if let Some(key) = table.keys().find(|key| !["command", "env"].contains(&key.as_str())) {
            return Err(format!("knows `command` and `env`, not `{}`", visible::line(key)));
        }
        if table.is_empty() {
            return Ok(None);
        }
        let words = table.get("command").map(strings).transpose()?.unwrap_or_default();
        let (first, args) = words.split_first().ok_or(wanted)?;
        if args.iter().any(|arg| arg.contains('\0')) {
            return Err("has an argument with a NUL in it".to_owned());
        }
        Ok(Some(Judge {
            program: command(&Value::from(first.as_str()))?,
            args: args.to_vec(),
            env: table.get("env").map(variables).transpose()?.unwrap_or_default(),
        }))
    }

    /// As it is written.
    pub(super) fn show(judge: Option<&Judge>) -> Value {
        let mut table = toml::Table::new();
        if let Some(Judge { program, args, env }) = judge {
            let words: Vec<&String> = std::iter::once(program).chain(args).collect();
            let words = words.into_iter().cloned().map(Value::String).collect();
            table.insert("command".to_owned(), Value::Array(words));
            if !env.is_empty() {
                table.insert("env".to_owned(), env.clone().into());
            }
        }
        Value::Table(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Judge>, String> {
        let table: toml::Table = toml::from_str(text).unwrap();
        Judge::read(&Value::Table(table))
    }

    #[test]
    fn a_judge_reads_back_as_itself() {
        let judge = read("command = ['/opt/judge', '--short']\nenv = ['KEY']").unwrap().unwrap();
        assert_eq!((judge.program.as_str(), judge.args.len()), ("/opt/judge", 1));
        assert_eq!(Judge::read(&Judge::show(Some(&judge))), Ok(Some(judge)));
        assert_eq!(Judge::read(&Judge::show(None)), Ok(None));
    }

    #[test]
    fn what_is_no_judge_is_refused() {
        for (text, problem) in [
            ("comand = ['x']", "knows `command` and `env`, not `comand`"),
            ("env = ['KEY']", "wants a table such as"),
            ("command = []", "wants a table such as"),
            ("command = 'judge'", "wants a list of strings"),
            ("command = ['./judge']", "wants a name or an absolute path"),
            ("command = ['judge']\nenv = ['A=B']", "is no name of a variable"),
        ] {
            let found = read(text).unwrap_err();
            assert!(found.contains(problem), "{text}: {found}");
        }
    }
}
