//! The connection to the control plane.

use crate::{
    args::ConnectionArgs,
    config_file::Target,
    error::{CliError, root_cause},
};
use pointsman_proto::admin::v1::config_service_client::ConfigServiceClient;
use secrecy::{ExposeSecret, SecretString};
use std::{fs, time::Duration};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Of one call's answer; of a stream, of its beginning.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
const KEEPALIVE: Duration = Duration::from_secs(10);
/// A configuration and a fleet may be large.
pub const MAX_MESSAGE: usize = 64 << 20;

/// What the generated clients run on.
pub type Service = InterceptedService<Channel, Bearer>;

/// Adds the token to each call.
#[derive(Clone)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}

impl Bearer {
    fn new(token: Option<&SecretString>) -> Result<Self, CliError> {
        let Some(token) = token else { return Ok(Self(None)) };
        let mut value = MetadataValue::try_from(format!("Bearer {}", token.expose_secret()))
            .map_err(|_| CliError::Usage("the token holds characters that a header cannot carry".to_owned()))?;
        value.set_sensitive(true);
        Ok(Self(Some(value)))
    }
}

/// Where commands get their connection; nothing is read or opened before one is wanted.
pub struct Session {
    connection: ConnectionArgs,
}

impl Session {
    pub fn new(connection: ConnectionArgs) -> Self {
        Self { connection }
    }

    /// For questions: on which control plane something would be done.
    pub fn server(&self) -> Result<String, CliError> {
        Ok(Target::resolve(&self.connection)?.server)
    }

    pub async fn connect(&self) -> Result<Service, CliError> {
        let target = Target::resolve(&self.connection)?;
        let bearer = Bearer::new(target.token.as_ref())?;
        let endpoint = endpoint(&target)?;
        if target.token.is_some() && in_the_clear(&endpoint) {
            eprintln!("warning: the token is sent unencrypted to {}; use https", target.server);
        }
        let channel = endpoint.connect().await.map_err(|error| unreachable(&target.server, &error))?;
        Ok(InterceptedService::new(channel, bearer))
    }

    pub async fn config_service(&self) -> Result<ConfigServiceClient<Service>, CliError> {
        Ok(config_service(self.connect().await?))
    }
}

pub fn config_service(service: Service) -> ConfigServiceClient<Service> {
    ConfigServiceClient::new(service).max_decoding_message_size(MAX_MESSAGE)
}

fn endpoint(target: &Target) -> Result<Endpoint, CliError> {
    let server = &target.server;
    let https = server.starts_with("https://");
    if !https && !server.starts_with("http://") {
        return Err(CliError::Usage(format!("the server `{server}` must start with http:// or https://")));
    }
    let endpoint = Endpoint::from_shared(server.clone())
        .map_err(|_| CliError::Usage(format!("the server `{server}` is no URL like http://127.0.0.1:7700")))?
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(CALL_TIMEOUT)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .keep_alive_while_idle(true);
    if https { endpoint.tls_config(tls(target)?).map_err(|error| unreachable(server, &error)) } else { Ok(endpoint) }
}

fn tls(target: &Target) -> Result<ClientTlsConfig, CliError> {
    let Some(path) = &target.ca_file else {
        return Ok(ClientTlsConfig::new().with_native_roots());
    };
    let pem = fs::read(path).map_err(|error| CliError::Failed(format!("cannot read {}: {error}", path.display())))?;
    Ok(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)))
}

fn in_the_clear(endpoint: &Endpoint) -> bool {
    let host = endpoint.uri().host().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    endpoint.uri().scheme_str() == Some("http") && !loopback
}

fn unreachable(server: &str, error: &tonic::transport::Error) -> CliError {
    CliError::Unreachable { server: server.to_owned(), reason: root_cause(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(server: &str) -> Target {
        Target { server: server.to_owned(), token: None, ca_file: None }
    }

    #[test]
    fn the_scheme_is_needed() {
        assert!(endpoint(&target("http://127.0.0.1:7700")).is_ok());
        for bad in ["127.0.0.1:7700", "ftp://x", "http://", "http://a b"] {
            assert!(matches!(endpoint(&target(bad)), Err(CliError::Usage(_))), "{bad}");
        }
    }

    #[test]
    fn only_the_loopback_is_private() {
        let check = |server: &str, clear: bool| {
            let endpoint = Endpoint::from_shared(server.to_owned()).expect("a URL");
            assert_eq!(in_the_clear(&endpoint), clear, "{server}");
        };
        check("http://127.0.0.1:7700", false);
        check("http://[::1]:7700", false);
        check("http://localhost:7700", false);
        check("http://10.0.0.1:7700", true);
        check("https://10.0.0.1:7700", false);
    }

    #[test]
    fn the_header_is_marked_sensitive() {
        let bearer = Bearer::new(Some(&SecretString::from("s3cret"))).expect("legal");
        assert!(!format!("{:?}", bearer.0).contains("s3cret"));
        assert!(Bearer::new(Some(&SecretString::from("a\nb"))).is_err());
    }
}
