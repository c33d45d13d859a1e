//! Codex settings that the leash owns, so that nobody's configuration may give them.

/// First parts of keys that the leash sets itself, or that would give Codex something to act with.
const OWNED: [&str; 39] = [
    "agents",
    "allow_login_shell",
    "analytics",
    "approval_policy",
    "approvals_reviewer",
    "apps",
    "base_instructions",
    "compact_prompt",
    "default_permissions",
    "developer_instructions",
    "experimental_compact_prompt_file",
    "experimental_instructions_file",
    "experimental_use_unified_exec_tool",
    "features",
    "history",
    "hooks",
    "include_apps_instructions",
    "include_collaboration_mode_instructions",
    "include_environment_context",
    "include_permissions_instructions",
    "instructions",
    "marketplaces",
    "mcp_servers",
    "memories",
    "model",
    "model_catalog_json",
    "model_instructions_file",
    "model_reasoning_effort",
    "notify",
    "otel",
    "permissions",
    "plugins",
    "profile",
    "profiles",
    "projects",
    "sandbox_mode",
    "sandbox_workspace_write",
    "skills",
    "tools",
];

/// Prefixes with the same meaning.
const OWNED_PREFIXES: [&str; 4] =
    ["project_doc", "project_root", "shell_environment", "web_search"];

/// The first key of a table of settings that the leash owns.
pub(super) fn refused_setting(table: &toml::Table) -> Option<&str> {
    table.keys().map(String::as_str).find(|key| {
        let first = key.split('.').next().unwrap_or(key).trim_matches(['"', '\'', ' ']);
        OWNED.contains(&first) || OWNED_PREFIXES.iter().any(|prefix| first.starts_with(prefix))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_leash_are_refused() {
        for key in [
            "sandbox_mode",
            "\"mcp_servers.x\"",
            "web_search_request",
            "\"features.shell_tool\"",
            "notify",
        ] {
            let table = toml::from_str(&format!("{key} = 1")).unwrap();
            assert!(refused_setting(&table).is_some(), "{key}");
        }
        for key in [
            "model_provider",
            "\"model_providers.x\"",
            "openai_base_url",
            "service_tier",
            "model_verbosity",
        ] {
            let table = toml::from_str(&format!("{key} = 1")).unwrap();
            assert_eq!(refused_setting(&table), None, "{key}");
        }
    }
}
