//! `code`: Claude Code on this fleet. What it needs is checked first and put into its environment; then this process
//! becomes it, so that its exit code and signals are its own.

mod check;

use crate::{
    args::code::CodeArgs,
    config_file::{CodeDefaults, read_token},
    error::CliError,
};
use secrecy::{ExposeSecret, SecretString};
use std::{env, ffi::OsString, io::ErrorKind, os::unix::process::CommandExt, path::PathBuf, process::Command};

const DEFAULT_URL: &str = "http://127.0.0.1:8080";
const DEFAULT_COMMAND: &str = "claude";
const KEY_VARIABLE: &str = "POINTSMAN_VIRTUAL_KEY";
/// What Claude Code bears where the fleet asks for no key: without one it would ask its user to log in.
const NO_KEY: &str = "anonymous";

/// What would make Claude Code ignore what is set here, or is none of its business.
const REMOVED: [&str; 7] = [
    "ANTHROPIC_API_KEY",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
    KEY_VARIABLE,
    "POINTSMAN_TOKEN",
    "POINTSMAN_TOKEN_FILE",
];

/// What was decided.
struct Plan {
    /// Without a slash or version at its end.
    url: String,
    key: Option<SecretString>,
    model: Option<String>,
    small_model: Option<String>,
    command: String,
    args: Vec<OsString>,
}

pub async fn run(args: CodeArgs) -> Result<(), CliError> {
    let key = env::var(KEY_VARIABLE).ok().filter(|key| !key.is_empty());
    let plan = decide(args, CodeDefaults::read()?, key)?;
    check::check(&plan).await?;
    Err(become_it(&plan))
}

/// Flags go before the environment, the environment before the configuration file.
fn decide(args: CodeArgs, defaults: CodeDefaults, environment: Option<String>) -> Result<Plan, CliError> {
    let url = args.url.or(defaults.url).unwrap_or_else(|| DEFAULT_URL.to_owned());
    let is_http = url.starts_with("http://") || url.starts_with("https://");
    if !is_http || url.contains(['?', '#', '@']) || url.contains(char::is_whitespace) {
        return Err(CliError::Usage(format!("the URL `{url}` is none like http://127.0.0.1:8080")));
    }
    let key = match (&args.key_file, environment, &defaults.key_file) {
        (Some(path), _, _) => Some(read_token(path)?),
        (None, Some(key), _) => Some(SecretString::from(key.trim())),
        (None, None, Some(path)) => Some(read_token(path)?),
        (None, None, None) => None,
    };
    let model = args.model.or(defaults.model);
    Ok(Plan {
        url: bare(&url).to_owned(),
        key,
        small_model: args.small_model.or(defaults.small_model).or_else(|| model.clone()),
        model,
        command: args.command.or(defaults.command).unwrap_or_else(|| DEFAULT_COMMAND.to_owned()),
        args: args.args,
    })
}

/// Claude Code adds the version itself.
fn bare(url: &str) -> &str {
    let url = url.trim_end_matches('/');
    url.strip_suffix("/v1").unwrap_or(url).trim_end_matches('/')
}

impl Plan {
    /// The variables that Claude Code is given.
    fn variables(&self) -> Vec<(&'static str, &str)> {
        let key = self.key.as_ref().map_or(NO_KEY, |key| key.expose_secret());
        let mut variables = vec![
            ("ANTHROPIC_BASE_URL", self.url.as_str()),
            ("ANTHROPIC_AUTH_TOKEN", key),
            ("CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY", "1"),
        ];
        variables.extend(self.model.as_deref().map(|model| ("ANTHROPIC_MODEL", model)));
        // The first was replaced by the second; which of them is read depends on the version.
        let names = ["ANTHROPIC_SMALL_FAST_MODEL", "ANTHROPIC_DEFAULT_HAIKU_MODEL"];
        variables.extend(self.small_model.as_deref().into_iter().flat_map(|model| names.map(|name| (name, model))));
        variables
    }
}

/// Returns only when that failed.
fn become_it(plan: &Plan) -> CliError {
    let mut command = Command::new(&plan.command);
    command.args(&plan.args).envs(plan.variables());
    for name in REMOVED {
        command.env_remove(name);
    }
    let error = command.exec();
    match error.kind() {
        ErrorKind::NotFound if plan.command == DEFAULT_COMMAND => CliError::Failed(
            "claude is not installed: npm install -g @anthropic-ai/claude-code (or name another program with --command)"
                .to_owned(),
        ),
        _ => CliError::Failed(format!("cannot run {}: {error}", PathBuf::from(&plan.command).display())),
    }
}

#[cfg(test)]
mod tests;
