//! A profile of the user's own Codex. Codex cannot keep one while it drops the rest of the user's settings, so
//! what says whom to ask is read out of it: the model, its effort, the tier and the verbosity.

use toml::{Table, Value};

use super::layers::{Links, on_disk};
use super::setting::{Setting, Written};
use super::{Config, ConfigError, Origin, keys};
use crate::env;

/// The key that names the profile.
const PROFILE: &str = "codex.profile";

/// Settings of a profile that have keys of our own.
const OURS: [(&str, &str); 2] =
    [("model", "codex.model"), ("model_reasoning_effort", "codex.effort")];

/// Settings of a profile that are handed on.
const HANDED_ON: [&str; 2] = ["service_tier", "model_verbosity"];

/// What a profile says: settings below every layer, and settings for Codex.
#[derive(Default)]
pub(super) struct Profile {
    pub(super) settings: Vec<Setting>,
    pub(super) codex: Table,
}

/// The profile that the layers name, if they name one: `$CODEX_HOME/NAME.config.toml`.
pub(super) fn named(settings: &[Setting]) -> Result<Profile, ConfigError> {
    let mut config = Config::default();
    let naming: Vec<&Setting> =
        settings.iter().filter(|setting| keys::is(&setting.key, PROFILE)).collect();
    for setting in &naming {
        config.apply(setting)?;
    }
    let name = config.codex.profile;
    let (Some(setting), false) = (naming.last(), name.is_empty()) else {
        return Ok(Profile::default());
    };
    let home = env::codex_home().unwrap_or_default();
    let path = home.join(format!("{name}.config.toml"));
    let shown = path.display().to_string();
    match on_disk(&path, &shown, Links::Followed)? {
        Some(text) => read(&text, &shown),
        None => Err(ConfigError::value(setting, PROFILE, &format!("has no file `{shown}`"))),
    }
}

fn read(text: &str, shown: &str) -> Result<Profile, ConfigError> {
    let table: Table = toml::from_str(text).map_err(|error| {
        let problem = error.message().replace('\n', ", ");
        ConfigError::new(shown, crate::visible::line(problem).into_string())
    })?;
    let ours = OURS.iter().filter_map(|(theirs, key)| {
        let value: &Value = table.get(*theirs)?;
        Some(Setting {
            key: (*key).to_owned(),
            value: Written::Toml(value.clone()),
            origin: Origin::User(shown.to_owned()),
            line: None,
        })
    });
    let handed_on = HANDED_ON.iter().filter_map(|key| table.get_key_value(*key));
    Ok(Profile {
        settings: ours.collect(),
        codex: handed_on.map(|(key, value)| (key.clone(), value.clone())).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_profile_only_what_says_whom_to_ask_is_taken() {
        let text = "model = \"gpt-6.1-sol\"\nmodel_reasoning_effort = \"high\"\nservice_tier = \"priority\"\n\
                    notify = [\"touch\", \"x\"]\n[mcp_servers.x]\ncommand = \"x\"\n";
        let profile = read(text, "heavy.config.toml").unwrap_or_else(|error| panic!("{error}"));
        let keys: Vec<&str> = profile.settings.iter().map(|setting| &*setting.key).collect();
        assert_eq!(keys, ["codex.model", "codex.effort"]);
        assert_eq!(profile.codex.to_string(), "service_tier = \"priority\"\n");
    }
}
