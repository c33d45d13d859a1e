//! `git advisor rules`: the rules in force, what one of them says, and where they fire.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::print;
use super::session::Session;
use crate::change;
use crate::classify::{self, Classifier};
use crate::cli::{RulesArgs, RulesCommand};
use crate::config::Config;
use crate::exit::Exit;
use crate::rules::{Rule, RuleSyntax, Rules, Side};
use crate::source::{self, Comparison};
use crate::visible;

pub(super) fn run(args: &RulesArgs, flags: &[(String, String)]) -> Result<Exit> {
    // Without a repository the built-in rules and those of the user's own file are in force.
    let session = Session::within(source::open().ok(), flags)?;
    match &args.what {
        RulesCommand::List { category } => print(&list(&session.rules, category.as_deref())?)?,
        RulesCommand::Explain { rule } => print(&explain(&session, rule)?)?,
        RulesCommand::Test { paths } => {
            print(&proofs(&session)?)?;
            for path in paths {
                print(&fired(&session, path)?)?;
            }
        }
    }
    Ok(Exit::Clean)
}

fn list(rules: &Rules, category: Option<&str>) -> Result<String> {
    let known: Vec<&str> = rules.categories().iter().map(|known| known.name.as_str()).collect();
    if let Some(category) = category.filter(|category| !known.contains(category)) {
        bail!("there is no category `{}`; there are {}", visible::line(category), known.join(", "));
    }
    let listed =
        rules.iter().filter(|rule| category.is_none_or(|category| rule.category == category));
    let width = rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let row = |rule: &Rule| {
        format!(
            "{:.2} {:<8} {:<13} {:<width$}  {}\n",
            rule.weight,
            rule.severity.name(),
            sides(rule),
            rule.id,
            rule.title
        )
    };
    Ok(listed.map(row).collect())
}

fn explain(session: &Session, id: &str) -> Result<String> {
    let Some(rule) = session.rules.find(id) else {
        let near = session.rules.iter().max_by(|a, b| {
            strsim::jaro_winkler(&a.id, id).total_cmp(&strsim::jaro_winkler(&b.id, id))
        });
        let near = near.map_or(String::new(), |rule| format!("; did you mean `{}`?", rule.id));
        bail!("there is no rule `{}`{near}", visible::line(id));
    };
    let own = own(&session.config, id);
    let languages = rule.languages();
    let reads = if languages.is_empty() {
        "files of every language, or those that its globs name".to_owned()
    } else {
        languages.join(", ")
    };
    let mut out = format!("{}\n  {}\n\n", rule.id, rule.title);
    let mut field =
        |name: &str, value: &str| out.push_str(&format!("  {name:<9} {}\n", visible::line(value)));
    field("origin", if own.is_some() { "your configuration" } else { "built in" });
    field("category", &rule.category);
    field("weight", &format!("{:.2} of 1", rule.weight));
    field("severity", rule.severity.name());
    field(
        "explicit",
        if rule.explicit { "yes: a match is itself the proof, and may block alone" } else { "no" },
    );
    field("sides", &sides(rule));
    field("reads", &reads);
    field("cwe", &rule.cwe.join(", "));
    rule.patterns().for_each(|(_, pattern)| field("pattern", pattern));
    if let Some(own) = own {
        own.matches.iter().for_each(|text| field("matches", text));
        own.leaves.iter().for_each(|text| field("leaves", text));
    }
    Ok(out)
}

fn sides(rule: &Rule) -> String {
    let name = |side: &Side| match side {
        Side::Added => "added",
        Side::Removed => "removed",
        Side::Context => "context",
        Side::Path => "path",
    };
    rule.sides.iter().map(name).collect::<Vec<_>>().join("+")
}

fn own<'a>(config: &'a Config, id: &str) -> Option<&'a RuleSyntax> {
    config.own_rules.iter().find(|rule| rule.id == id)
}

/// Tries each own rule on the lines that it must catch and on those that it must leave.
fn proofs(session: &Session) -> Result<String> {
    let mut out = String::new();
    let mut mistakes = Vec::new();
    for own in &session.config.own_rules {
        let Some(rule) = session.rules.find(&own.id) else { continue };
        let fires =
            |text: &&String| rule.regexes().any(|(_, regex)| regex.is_match(text.as_bytes()));
        let mistake =
            |what: &str, text: &String| format!("{} {what}: {}", own.id, visible::line(text));
        mistakes.extend(
            own.matches.iter().filter(|text| !fires(text)).map(|text| mistake("misses", text)),
        );
        mistakes.extend(own.leaves.iter().filter(fires).map(|text| mistake("fires on", text)));
        let (caught, left) = (own.matches.len(), own.leaves.len());
        out.push_str(&match caught + left {
            0 => format!("{}: no proof; give it `matches` and `leaves`\n", own.id),
            _ => format!("{}: tried on {caught} lines to catch and {left} to leave\n", own.id),
        });
    }
    if !mistakes.is_empty() {
        bail!("{} of the own rules' examples do not hold: {}", mistakes.len(), mistakes.join("; "));
    }
    Ok(out)
}

/// Where the rules fire in a file, read as if it were new.
fn fired(session: &Session, path: &Path) -> Result<String> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let comparison = Comparison::of_patch(as_new(path, &text));
    let select = &session.config.select;
    let classifier = Classifier::new(&session.rules, select);
    let (change, found) = change::read(&comparison, select, &classifier)?;
    let classified = classify::settle(&change, found, select);
    let mut out = String::new();
    for signal in classified.hunks.iter().flat_map(|hunk| &hunk.signals) {
        let place = match signal.side {
            Side::Path => visible::line(path.as_os_str().as_encoded_bytes()).into_string(),
            _ => format!(
                "{}:{}",
                visible::line(path.as_os_str().as_encoded_bytes()),
                signal.lines.start
            ),
        };
        out.push_str(&format!(
            "{place}: {} {:.2}: {}\n",
            signal.rule.id, signal.weight, signal.excerpt
        ));
    }
    if out.is_empty() {
        let skipped = change.files.iter().find_map(|file| file.skipped);
        let why = skipped.map_or(String::new(), |skip| format!(" (passed over: {})", skip.name()));
        out =
            format!("{}: no rule fires{why}\n", visible::line(path.as_os_str().as_encoded_bytes()));
    }
    Ok(out)
}

/// A patch that adds a file. Every byte of the name that could mean something else is escaped.
fn as_new(path: &Path, text: &[u8]) -> Vec<u8> {
    let name = path.as_os_str().as_encoded_bytes();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    let escaped: String = name
        .iter()
        .map(
            |&byte| {
                if plain(byte) { char::from(byte).to_string() } else { format!("\\{byte:03o}") }
            },
        )
        .collect();
    let lines: Vec<&[u8]> =
        text.strip_suffix(b"\n").unwrap_or(text).split(|&byte| byte == b'\n').collect();
    let mut patch =
        format!("--- /dev/null\n+++ \"b/{escaped}\"\n@@ -0,0 +1,{} @@\n", lines.len()).into_bytes();
    for line in lines {
        patch.push(b'+');
        patch.extend_from_slice(line);
        patch.push(b'\n');
    }
    patch
}
