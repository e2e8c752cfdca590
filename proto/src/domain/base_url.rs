//! Where an upstream listens.

use super::Protocol;
use std::{fmt, net::IpAddr};

/// Where an upstream listens, taken apart once: a request's URI is `scheme://authority` + `path` + its own path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    pub scheme: http::uri::Scheme,
    pub authority: http::uri::Authority,
    /// Begins with `/` unless empty, and never ends with one.
    pub path: String,
}

impl BaseUrl {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let uri: http::Uri = text.parse().map_err(|e| format!("is not a URL: {e}"))?;
        let scheme = uri.scheme().cloned().ok_or("must begin with https:// or http://")?;
        if scheme != http::uri::Scheme::HTTPS && scheme != http::uri::Scheme::HTTP {
            return Err(format!("must begin with https:// or http://, not {scheme}://"));
        }
        let authority = uri.authority().cloned().ok_or("names no host")?;
        if authority.as_str().contains('@') {
            return Err("must not hold a user or password; add a key instead".into());
        }
        if authority.host().is_empty()
            || (authority.as_str().len() > authority.host().len() && authority.port_u16().is_none())
        {
            return Err("names no valid host and port".into());
        }
        if is_link_local(authority.host()) {
            return Err("must not be a link-local address: those serve machine credentials".into());
        }
        if uri.query().is_some() || text.contains('#') {
            return Err("must not have a query or fragment".into());
        }
        Ok(Self { scheme, authority, path: uri.path().trim_end_matches('/').to_owned() })
    }

    /// Whether it is on the machine of whoever sends there.
    pub fn is_loopback(&self) -> bool {
        let host = self.authority.host().trim_matches(['[', ']']);
        host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }

    /// Whether what is sent there can be read by nobody on the way: it is encrypted, or stays on this machine.
    pub fn is_private_or_local(&self) -> bool {
        self.scheme == http::uri::Scheme::HTTPS || self.is_loopback()
    }

    /// Without the version at the end of its path, which belongs to each request's own path in these protocols, so that
    /// it may be stated with or without.
    pub(super) fn without_version(mut self, protocol: Protocol) -> Self {
        let versions: &[&str] = match protocol {
            Protocol::Anthropic => &["/v1"],
            Protocol::Gemini => &["/v1beta", "/v1"],
            // Azure's v1 form keeps its version: that is what tells it from the classic form.
            Protocol::AzureOpenAi => &["/openai"],
            Protocol::OpenAi | Protocol::Bedrock | Protocol::CodeWhisperer => &[],
        };
        if let Some(version) = versions.iter().find(|version| self.path.ends_with(**version)) {
            self.path.truncate(self.path.len() - version.len());
        }
        self
    }

    /// What stands for a URL that was refused.
    pub(super) fn invalid() -> Self {
        let authority = http::uri::Authority::from_static("invalid");
        Self { scheme: http::uri::Scheme::HTTPS, authority, path: String::new() }
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.path)
    }
}

fn is_link_local(host: &str) -> bool {
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(ip)) => ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_unicast_link_local() || ip.to_ipv4_mapped().is_some_and(|v4| v4.is_link_local()),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_holds_scheme_host_and_path_only() {
        let good = BaseUrl::parse("https://api.openai.com:444/v1/").expect("it is valid");
        assert_eq!((good.authority.as_str(), good.path.as_str()), ("api.openai.com:444", "/v1"));
        assert_eq!(good.to_string(), "https://api.openai.com:444/v1");
        for bad in [
            "",
            "::",
            "api.openai.com",
            "https://",
            "https://u:p@h",
            "https://h?x=1",
            "https://h/#f",
            "file:///etc",
            "http://169.254.169.254/",
            "http://[fe80::1]/",
            "http://h:99999/",
            "https://h/a b",
            "http://h\r\nx: y/",
        ] {
            assert!(BaseUrl::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_version_that_requests_carry_themselves_may_be_stated_or_not() {
        let check = |protocol, url: &str, path: &str| {
            let url = BaseUrl::parse(url).expect("it is valid").without_version(protocol);
            assert_eq!(url.path, path, "{protocol:?}");
        };
        check(Protocol::Anthropic, "https://api.anthropic.com/v1/", "");
        check(Protocol::Anthropic, "https://h/anthropic", "/anthropic");
        check(Protocol::Gemini, "https://h/v1beta", "");
        check(Protocol::OpenAi, "https://h/v1", "/v1");
        check(Protocol::AzureOpenAi, "https://h/openai/", "");
        check(Protocol::AzureOpenAi, "https://h/openai/v1", "/openai/v1");
    }

    #[test]
    fn what_is_sent_in_the_clear_leaves_this_machine_or_not() {
        let check = |url: &str, expected| {
            assert_eq!(BaseUrl::parse(url).expect("it is valid").is_private_or_local(), expected, "{url}");
        };
        check("https://10.0.0.1", true);
        check("http://127.0.0.1:9", true);
        check("http://[::1]:9", true);
        check("http://localhost", true);
        check("http://10.0.0.1", false);
        check("http://localhost.evil.example", false);
    }
}
