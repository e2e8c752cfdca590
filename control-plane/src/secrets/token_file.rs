//! The tokens of a CodeWhisperer (Kiro) login, in the file that the login and other programs share.
//!
//! The file is JSON with `accessToken`, `refreshToken`, `expiresAt`, `authMethod`, `region` and perhaps `profileArn`; for
//! logins of IAM Identity Center and Builder ID, `clientIdHash` names a file beside it with the client's own credentials.
//! Keys that are not known here are kept when it is written. (Observed; there is no public description.)

use jiff::Timestamp;
use pointsman_proto::domain::CodeWhispererToken;
use secrecy::SecretString;
use serde_json::{Map, Value};
use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::Duration,
};

const DEFAULT_REGION: &str = "us-east-1";

/// How a login refreshes its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// At Kiro's own service.
    Social,
    /// At AWS's, with a client's credentials.
    IdentityCenter,
}

/// The tokens of a login.
#[derive(Clone, PartialEq)]
pub struct TokenFile(Map<String, Value>);

/// Debug output tells none of the tokens.
impl fmt::Debug for TokenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenFile(expires {:?})", self.expires_at())
    }
}

/// What refreshing gave.
#[derive(Debug)]
pub struct Renewed {
    pub access_token: SecretString,
    /// None: the one there was stays good.
    pub refresh_token: Option<SecretString>,
    pub lifetime: Duration,
    pub profile_arn: Option<String>,
}

impl TokenFile {
    /// Reads a file's text.
    ///
    /// # Errors
    /// Why it holds no tokens; nothing of them is repeated.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fields = match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => return Err("is not a JSON object".into()),
            Err(error) => return Err(format!("is not JSON (line {}, column {})", error.line(), error.column())),
        };
        let file = Self(fields);
        if file.text("accessToken").is_none() && file.refresh_token().is_none() {
            return Err("has neither accessToken nor refreshToken".into());
        }
        Ok(file)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Why there are no tokens there.
    pub fn load(path: &str) -> Result<Self, String> {
        super::sources::read_file(path).and_then(|text| Self::parse(&text)).map_err(|why| format!("{path}: {why}"))
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// What refreshes the access token, if the login gave it.
    pub fn refresh_token(&self) -> Option<&str> {
        self.text("refreshToken")
    }

    /// When the access token ends; none when the file does not say.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.text("expiresAt")?.parse().ok()
    }

    /// How it is refreshed. A login that names a client is one of Identity Center, whatever it calls itself.
    pub fn method(&self) -> Method {
        let stated = self.text("authMethod").unwrap_or_default().to_ascii_lowercase();
        let has_client = self.text("clientIdHash").is_some() || self.text("clientId").is_some();
        match stated.as_str() {
            "social" => Method::Social,
            "idc" | "builder-id" | "builderid" | "iam" => Method::IdentityCenter,
            _ if has_client => Method::IdentityCenter,
            _ => Method::Social,
        }
    }

    /// Where it is refreshed.
    ///
    /// # Errors
    /// The region that the file states is none.
    pub fn region(&self) -> Result<&str, String> {
        let region = self.text("region").unwrap_or(DEFAULT_REGION);
        let ok =
            region.len() <= 63 && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if ok { Ok(region) } else { Err("its region is not one of AWS".into()) }
    }

    /// The client's id and secret, from the file itself or the one beside it.
    ///
    /// # Errors
    /// Why there are none.
    pub fn client(&self, path: &str) -> Result<(String, SecretString), String> {
        if let (Some(id), Some(secret)) = (self.text("clientId"), self.text("clientSecret")) {
            return Ok((id.into(), secret.into()));
        }
        let hash = self.text("clientIdHash").ok_or("has neither clientId nor clientIdHash")?;
        if !hash.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err("its clientIdHash is malformed".into());
        }
        let beside = Path::new(path).with_file_name(format!("{hash}.json")).display().to_string();
        let client = super::sources::read_file(&beside)
            .and_then(|text| serde_json::from_str::<Value>(&text).map_err(|_| "is not JSON".into()))
            .map_err(|why| format!("{beside}: {why}"))?;
        let get = |key: &str| client.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        match (get("clientId"), get("clientSecret")) {
            (Some(id), Some(secret)) => Ok((id.into(), secret.into())),
            _ => Err(format!("{beside}: has no clientId and clientSecret")),
        }
    }

    /// What nodes are to send, in its canonical text.
    ///
    /// # Errors
    /// Why there is nothing that could be sent at `now`.
    pub fn secret(&self, now: Timestamp) -> Result<SecretString, String> {
        if let Some(end) = self.expires_at().filter(|end| *end <= now) {
            return Err(format!("its access token ended at {end}"));
        }
        // Only logins of Kiro's own service name a profile in requests.
        let profile = self.text("profileArn").filter(|_| self.method() == Method::Social);
        let token = CodeWhispererToken::new(self.text("accessToken").unwrap_or_default(), profile);
        token.map(|token| token.to_secret()).ok_or_else(|| "has no accessToken that could be sent".into())
    }

    /// The file after a refresh at `now`; what it does not concern stays.
    pub fn renewed(&self, by: &Renewed, now: Timestamp) -> Self {
        use secrecy::ExposeSecret;
        let mut fields = self.0.clone();
        let mut set = |key: &str, value: &str| drop(fields.insert(key.into(), value.into()));
        set("accessToken", by.access_token.expose_secret());
        if let Some(token) = &by.refresh_token {
            set("refreshToken", token.expose_secret());
        }
        if let Some(arn) = &by.profile_arn {
            set("profileArn", arn);
        }
        if let Ok(end) = now.checked_add(by.lifetime) {
            set("expiresAt", &format!("{end:.3}"));
        }
        Self(fields)
    }

    /// Writes the file in place of the one there: all of it or nothing, for its owner's eyes alone.
    ///
    /// # Errors
    /// It cannot be written; the one there is as it was.
    pub fn save(&self, path: &str) -> std::io::Result<()> {
        let target = fs::canonicalize(path)?; // a link stays one
        let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let temporary = target.with_file_name(format!(".{name}.pointsman-{}", std::process::id()));
        let written = self.write_new(&temporary).and_then(|()| fs::rename(&temporary, &target));
        if written.is_err() {
            fs::remove_file(&temporary).ok(); // it may never have been made
        }
        written
    }

    fn write_new(&self, path: &Path) -> std::io::Result<()> {
        let text = serde_json::to_string_pretty(&self.0).expect("what was read as JSON has a JSON form");
        let mut file: File = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }
}

#[cfg(test)]
mod tests;
