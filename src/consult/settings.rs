//! The user's own Codex settings, handed on as `-c key=value`.

use toml::Value;

use super::codex::Destination;
use crate::config::Provider;

/// Settings of the provider, and the variable that holds its key where it names one.
pub(super) struct Handed {
    /// `key=value`, as Codex's `-c` takes them.
    pub(super) settings: Vec<String>,
    /// Name of the variable with the provider's key.
    pub(super) key_variable: Option<String>,
}

/// The settings to hand on: the user's own, and a provider table without retries.
///
/// Retries are switched off because a limit must be seen at its first sign; Codex's own would hide
/// it for seconds to hours.
pub(super) fn handed(
    user: &toml::Table,
    provider: Provider,
    idle_ms: i64,
    destination: Destination<'_>,
) -> Handed {
    let mut flat = expanded(user);
    let chosen = flat.iter().find(|(key, _)| key == "model_provider");
    let chosen = chosen.and_then(|(_, value)| value.as_str()).map(str::to_owned);
    let own_table = chosen.as_ref().and_then(|name| {
        let key = format!("model_providers.{name}");
        flat.iter_mut().find(|(other, value)| *other == key && value.is_table())
    });
    let key_variable =
        own_table.as_ref().and_then(|(_, table)| table.get("env_key")?.as_str().map(str::to_owned));
    if provider == Provider::Isolated {
        match own_table {
            Some((_, Value::Table(table))) => table.extend(without_retries(idle_ms)),
            _ if chosen.as_deref().is_none_or(|name| name == "openai") => {
                isolate(&mut flat, idle_ms);
            }
            _ => {}
        }
    }
    if let Destination::Listener(address) = destination {
        turn_to(&mut flat, address);
    }
    let settings = flat.iter().map(|(key, value)| format!("{key}={value}")).collect();
    Handed { settings, key_variable }
}

/// Everything that Codex would ask of the service is asked of an address of ours.
fn turn_to(flat: &mut Vec<(String, Value)>, address: &str) {
    let moved = ["openai_base_url", "chatgpt_base_url"];
    flat.retain(|(key, _)| !moved.contains(&key.as_str()));
    let tables = flat.iter_mut().filter(|(key, _)| key.starts_with("model_providers."));
    for table in tables.filter_map(|(_, value)| value.as_table_mut()) {
        table.insert("base_url".to_owned(), address.into());
    }
    flat.extend(moved.map(|key| (key.to_owned(), address.into())));
}

/// Our own provider in place of the built-in one, which cannot be told to leave out retries.
fn isolate(flat: &mut Vec<(String, Value)>, idle_ms: i64) {
    let base =
        flat.iter().find(|(key, _)| key == "openai_base_url").map(|(_, value)| value.clone());
    flat.retain(|(key, _)| key != "model_provider" && key != "openai_base_url");
    let mut table = toml::Table::new();
    table.insert("name".to_owned(), "OpenAI".into());
    table.insert("requires_openai_auth".to_owned(), true.into());
    table.insert("wire_api".to_owned(), "responses".into());
    if let Some(base) = base {
        table.insert("base_url".to_owned(), base);
    }
    table.extend(without_retries(idle_ms));
    flat.push(("model_providers.adv".to_owned(), Value::Table(table)));
    flat.push(("model_provider".to_owned(), "adv".into()));
}

/// Our own idle clock is the one that speaks: Codex's is set above it.
fn without_retries(idle_ms: i64) -> [(String, Value); 3] {
    [
        ("request_max_retries".to_owned(), 0.into()),
        ("stream_max_retries".to_owned(), 0.into()),
        ("stream_idle_timeout_ms".to_owned(), idle_ms.into()),
    ]
}

/// The settings with `model_providers` as one setting for each provider, in place of nested tables.
fn expanded(user: &toml::Table) -> Vec<(String, Value)> {
    let mut flat = Vec::new();
    for (key, value) in user {
        match value {
            Value::Table(providers) if key == "model_providers" => {
                let each =
                    providers.iter().map(|(name, table)| (format!("{key}.{name}"), table.clone()));
                flat.extend(each);
            }
            _ => flat.push((key.clone(), value.clone())),
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(user: &str, provider: Provider, expected: &[&str]) {
        let table = toml::from_str(user).unwrap();
        assert_eq!(handed(&table, provider, 1000, Destination::Service).settings, expected);
    }

    #[test]
    fn without_a_provider_of_the_user_ours_is_used() {
        check(
            "",
            Provider::Isolated,
            &[
                r#"model_providers.adv={ name = "OpenAI", requires_openai_auth = true, wire_api = "responses", request_max_retries = 0, stream_max_retries = 0, stream_idle_timeout_ms = 1000 }"#,
                r#"model_provider="adv""#,
            ],
        );
        check("", Provider::Builtin, &[]);
    }

    #[test]
    fn a_provider_of_the_user_is_copied_without_retries() {
        let expected = [
            r#"model_provider="g""#,
            r#"model_providers.g={ base_url = "http://x", env_key = "K", request_max_retries = 0, stream_max_retries = 0, stream_idle_timeout_ms = 1000 }"#,
        ];
        check(
            "model_provider = \"g\"\n[model_providers.g]\nbase_url = \"http://x\"\nenv_key = \"K\"\n",
            Provider::Isolated,
            &expected,
        );
        check(
            "model_provider = \"g\"\n\"model_providers.g\" = { base_url = \"http://x\", env_key = \"K\" }\n",
            Provider::Isolated,
            &expected,
        );
    }

    #[test]
    fn a_moved_address_of_the_builtin_provider_moves_ours() {
        let table = toml::from_str("openai_base_url = \"http://127.0.0.1:1/v1\"").unwrap();
        let settings = handed(&table, Provider::Isolated, 1000, Destination::Service).settings;
        assert!(settings[0].contains(r#"base_url = "http://127.0.0.1:1/v1""#), "{settings:?}");
    }

    #[test]
    fn for_the_proof_no_address_but_ours_is_left() {
        let address = "http://127.0.0.1:1/v1";
        for user in [
            "",
            "openai_base_url = \"https://a.example\"",
            "chatgpt_base_url = \"https://a.example\"",
            "model_provider = \"g\"\n[model_providers.g]\nbase_url = \"https://a.example\"\n",
        ] {
            for provider in [Provider::Isolated, Provider::Builtin] {
                let table = toml::from_str(user).unwrap();
                let handed = handed(&table, provider, 1000, Destination::Listener(address));
                let settings = handed.settings.join("\n");
                assert!(!settings.contains("a.example"), "{settings}");
                assert!(settings.contains("openai_base_url=\"http://127.0.0.1:1/v1\""));
            }
        }
    }
}
