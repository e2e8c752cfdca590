//! Which control plane to talk to, and as whom: flag before environment before `~/.config/pointsman/config.yaml`.
//!
//! A context's token and authorities belong to that context's server: when another server is named by flag or
//! environment, they are not used, so that a token never goes to a place it was not meant for.
//!
//! `code` in the same file holds what `pointsman code` takes where its flags say nothing.

use crate::{args::ConnectionArgs, error::CliError, input};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

const DEFAULT_SERVER: &str = "http://127.0.0.1:7700";

/// Where to connect. `SecretString` keeps the token out of Debug and errors.
#[derive(Debug)]
pub struct Target {
    pub server: String,
    pub token: Option<SecretString>,
    pub ca_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    current: Option<String>,
    #[serde(default)]
    contexts: Vec<Context>,
    #[serde(default)]
    code: CodeDefaults,
}

/// What `pointsman code` takes where its flags say nothing.
#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct CodeDefaults {
    pub url: Option<String>,
    pub model: Option<String>,
    pub small_model: Option<String>,
    /// Relative to the configuration file's folder.
    pub key_file: Option<PathBuf>,
    pub command: Option<String>,
}

impl CodeDefaults {
    /// Those of the user's configuration file; none when there is no such file.
    pub fn read() -> Result<Self, CliError> {
        Ok(location().map(|path| load(&path)).transpose()?.unwrap_or_default().code)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Context {
    name: String,
    server: Option<String>,
    /// Relative to the configuration file's folder.
    token_file: Option<PathBuf>,
    #[serde(default, deserialize_with = "secret")]
    token: Option<SecretString>,
    /// Relative to the configuration file's folder.
    ca_file: Option<PathBuf>,
}

fn secret<'de, D: Deserializer<'de>>(source: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(source)?.map(SecretString::from))
}

/// What the environment says. It is not left to clap, whose usage would show what it says as if it had to be given.
#[derive(Default)]
struct Environment {
    server: Option<String>,
    context: Option<String>,
    token: Option<String>,
    token_file: Option<PathBuf>,
}

impl Target {
    pub fn resolve(args: &ConnectionArgs) -> Result<Self, CliError> {
        let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let environment = Environment {
            server: set("POINTSMAN_ADDR"),
            context: set("POINTSMAN_CONTEXT"),
            token: set("POINTSMAN_TOKEN"),
            token_file: env::var_os("POINTSMAN_TOKEN_FILE").filter(|path| !path.is_empty()).map(PathBuf::from),
        };
        let file = match location() {
            Some(path) => load(&path)?,
            None => ConfigFile::default(),
        };
        choose(args, environment, file)
    }
}

fn choose(args: &ConnectionArgs, environment: Environment, file: ConfigFile) -> Result<Target, CliError> {
    let context = pick(file, args.context.as_deref().or(environment.context.as_deref()))?;
    let of_file = context.server.clone().unwrap_or_else(|| DEFAULT_SERVER.to_owned());
    let server = args.server.clone().or(environment.server).unwrap_or_else(|| of_file.clone());
    let context = if server == of_file { context } else { Context::default() };
    let token = match (&args.token_file, environment.token, environment.token_file) {
        (Some(path), _, _) => Some(read_token(path)?),
        (None, Some(token), _) => Some(SecretString::from(token.trim())),
        (None, None, Some(path)) => Some(read_token(&path)?),
        (None, None, None) => match &context.token_file {
            Some(path) => Some(read_token(path)?),
            None => context.token,
        },
    };
    Ok(Target { server, token, ca_file: args.ca_file.clone().or(context.ca_file) })
}

fn pick(file: ConfigFile, wanted: Option<&str>) -> Result<Context, CliError> {
    let Some(name) = wanted.map(str::to_owned).or(file.current) else {
        return Ok(Context::default());
    };
    let known: Vec<String> = file.contexts.iter().map(|context| context.name.clone()).collect();
    file.contexts.into_iter().find(|context| context.name == name).ok_or_else(|| {
        CliError::Usage(format!("there is no context `{name}` in the configuration file; it has: {}", known.join(", ")))
    })
}

fn location() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))?;
    Some(base.join("pointsman").join("config.yaml"))
}

fn load(path: &Path) -> Result<ConfigFile, CliError> {
    if !path.exists() {
        return Ok(ConfigFile::default());
    }
    let (name, text) = input::read(path)?;
    let mut documents = input::yaml::<ConfigFile>(&name, &text)?;
    if documents.len() > 1 {
        return Err(CliError::Usage(format!("{name} holds more than one document")));
    }
    let mut file = documents.pop().unwrap_or_default();
    if file.contexts.iter().any(|context| context.token.is_some()) {
        refuse_readable(path)?;
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    for context in &mut file.contexts {
        context.token_file = context.token_file.take().map(|path| folder.join(path));
        context.ca_file = context.ca_file.take().map(|path| folder.join(path));
    }
    file.code.key_file = file.code.key_file.take().map(|path| folder.join(path));
    Ok(file)
}

/// A literal token is for its owner's eyes.
#[cfg(unix)]
fn refuse_readable(path: &Path) -> Result<(), CliError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let name = path.display();
    Err(CliError::Usage(format!("{name} holds a token and others may read it; run: chmod 600 {name}")))
}

#[cfg(not(unix))]
fn refuse_readable(_: &Path) -> Result<(), CliError> {
    Ok(())
}

pub fn read_token(path: &Path) -> Result<SecretString, CliError> {
    let text = fs::read_to_string(path)
        .map_err(|error| CliError::Failed(format!("cannot read the token file {}: {error}", path.display())))?;
    match text.trim() {
        "" => Err(CliError::Failed(format!("the token file {} is empty", path.display()))),
        token => Ok(SecretString::from(token)),
    }
}

#[cfg(test)]
mod tests;
