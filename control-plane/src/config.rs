//! Flags and environment, checked. What comes out of here is safe to start with.

use crate::{error::StartError, secrets::MasterKeySource};
use clap::{Parser, ValueEnum};
use secrecy::SecretString;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

const EXIT_CODES: &str = "\
Exit codes:
  0  stopped by a signal
  1  could not start, or failed (a port in use, a certificate that cannot be read)
  2  wrong usage, or flags that are not safe together
  3  the database cannot be used (damaged, of a newer version, not readable); it is left as it is
  4  another server has the database
  5  the master key is missing or not the one the database was sealed under

Secrets are never flags. POINTSMAN_MASTER_KEY and POINTSMAN_ADMIN_TOKEN may hold them in place of files.";

/// The control plane: keeps the configuration, merges the fleet's health, and sends both to every node.
#[derive(Clone, Debug, Parser)]
#[command(name = "pointsman-control", version, after_help = EXIT_CODES)]
pub struct Args {
    /// The SQLite database; made when it is absent, and its folder too
    #[arg(long, env = "POINTSMAN_DB", default_value = "./pointsman.db", value_name = "FILE")]
    pub db: PathBuf,

    /// Where operators connect
    #[arg(long, env = "POINTSMAN_ADMIN_LISTEN", default_value = "127.0.0.1:7700", value_name = "IP:PORT")]
    pub admin_listen: SocketAddr,

    /// Where nodes connect
    #[arg(long, env = "POINTSMAN_FLEET_LISTEN", default_value = "127.0.0.1:7701", value_name = "IP:PORT")]
    pub fleet_listen: SocketAddr,

    /// PEM file with the certificate chain of both listeners
    #[arg(long, env = "POINTSMAN_TLS_CERT", requires = "tls_key", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// PEM file with its private key
    #[arg(long, env = "POINTSMAN_TLS_KEY", requires = "tls_cert", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Listen outside loopback without TLS: tokens and provider keys then travel unencrypted
    #[arg(long, env = "POINTSMAN_INSECURE_PLAINTEXT")]
    pub insecure_plaintext: bool,

    /// Ask operators and nodes for no token; only on loopback
    #[arg(long, env = "POINTSMAN_INSECURE_DEV")]
    pub insecure_dev: bool,

    /// File with the master key, 32 bytes in base64 or hex; by default `master.key` beside the database, made when absent
    #[arg(long, env = "POINTSMAN_MASTER_KEY_FILE", value_name = "FILE")]
    pub master_key_file: Option<PathBuf>,

    /// File with the admin token; by default `admin.token` beside the database, made when absent
    #[arg(long, env = "POINTSMAN_ADMIN_TOKEN_FILE", value_name = "FILE")]
    pub admin_token_file: Option<PathBuf>,

    /// How to log, on standard error; `auto` is text on a terminal and JSON elsewhere
    #[arg(long, env = "POINTSMAN_LOG_FORMAT", default_value = "auto", value_name = "FORMAT")]
    pub log_format: LogFormat,

    /// What to log, for example `info` or `pointsman_control_plane=debug`
    #[arg(long, env = "POINTSMAN_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,
}

/// How to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Auto,
    Json,
    Text,
}

/// Where the admin token comes from.
#[derive(Clone, Debug)]
pub enum TokenSource {
    Value(SecretString),
    File(PathBuf),
    /// A file that is made when it is absent.
    Generated(PathBuf),
}

/// The PEM files of both listeners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// What a server is started with.
#[derive(Clone, Debug)]
pub struct Config {
    pub db: PathBuf,
    pub admin_listen: SocketAddr,
    pub fleet_listen: SocketAddr,
    pub tls: Option<Tls>,
    pub insecure_plaintext: bool,
    pub insecure_dev: bool,
    pub master_key: MasterKeySource,
    pub admin_token: TokenSource,
}

impl Config {
    /// A server on loopback, on ports that the system picks, with its secrets in files beside the database.
    pub fn local(db: PathBuf) -> Self {
        Self {
            admin_listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            fleet_listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            insecure_plaintext: false,
            insecure_dev: false,
            master_key: MasterKeySource::Generated(beside(&db, "master.key")),
            admin_token: TokenSource::Generated(beside(&db, "admin.token")),
            db,
        }
    }

    /// The configuration that flags and environment state.
    pub fn from_args(args: &Args) -> Self {
        let mut config = Self {
            admin_listen: args.admin_listen,
            fleet_listen: args.fleet_listen,
            tls: args.tls_cert.clone().zip(args.tls_key.clone()).map(|(cert, key)| Tls { cert, key }),
            insecure_plaintext: args.insecure_plaintext,
            insecure_dev: args.insecure_dev,
            ..Self::local(args.db.clone())
        };
        if let Some(file) = &args.master_key_file {
            config.master_key = MasterKeySource::File(file.clone());
        } else if let Some(value) = secret_variable("POINTSMAN_MASTER_KEY") {
            config.master_key = MasterKeySource::Value(value);
        }
        if let Some(file) = &args.admin_token_file {
            config.admin_token = TokenSource::File(file.clone());
        } else if let Some(value) = secret_variable("POINTSMAN_ADMIN_TOKEN") {
            config.admin_token = TokenSource::Value(value);
        }
        config
    }

    /// Whether it is safe to start so.
    ///
    /// # Errors
    /// What is not, and what to do about it.
    pub fn check(&self) -> Result<(), StartError> {
        for (flag, address) in [("--admin-listen", self.admin_listen), ("--fleet-listen", self.fleet_listen)] {
            if address.ip().is_loopback() {
                continue;
            }
            if self.insecure_dev {
                return Err(StartError::Usage(format!(
                    "--insecure-dev asks for no token, so it is allowed on loopback only, and {flag} is {address}"
                )));
            }
            if self.tls.is_none() && !self.insecure_plaintext {
                return Err(StartError::Usage(format!(
                    "{flag} {address} is reachable from outside this machine: give --tls-cert and --tls-key, or say \
                     --insecure-plaintext to let tokens and provider keys travel unencrypted"
                )));
            }
        }
        Ok(())
    }
}

fn beside(db: &Path, name: &str) -> PathBuf {
    db.parent().unwrap_or(Path::new("")).join(name)
}

fn secret_variable(name: &str) -> Option<SecretString> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(args: &[&str]) -> Option<String> {
        let args = Args::parse_from(std::iter::once(&"pointsman-control").chain(args));
        Config::from_args(&args).check().err().map(|e| e.to_string())
    }

    #[test]
    fn outside_loopback_needs_tls_or_the_words() {
        assert_eq!(refused(&[]), None);
        let told = refused(&["--fleet-listen", "0.0.0.0:7701"]).expect("it is not safe");
        assert!(told.starts_with("--fleet-listen 0.0.0.0:7701") && told.contains("--insecure-plaintext"), "{told}");
        assert_eq!(refused(&["--fleet-listen", "0.0.0.0:7701", "--insecure-plaintext"]), None);
        assert_eq!(refused(&["--admin-listen", "[::]:1", "--tls-cert", "c", "--tls-key", "k"]), None);
    }

    #[test]
    fn no_tokens_is_for_loopback_alone() {
        assert_eq!(refused(&["--insecure-dev"]), None);
        let told = refused(&["--insecure-dev", "--admin-listen", "10.0.0.1:1", "--insecure-plaintext"]);
        assert!(told.is_some_and(|t| t.contains("loopback only")));
    }
}
