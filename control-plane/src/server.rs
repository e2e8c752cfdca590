//! From a configuration to a running server: listeners, database, publisher, services.

mod readiness;

use crate::{
    admin::{Admin, auth::Authenticate},
    checks::Checks,
    config::{Config, Tls, TokenSource},
    error::StartError,
    fleet,
    publisher::{Publisher, PublisherTask},
    secrets::{self, ADMIN_PREFIX, write_private},
    store::Store,
    tokens::{self, Tokens},
    upstream::Upstream,
};
use pointsman_proto::admin::v1::{
    config_service_server::ConfigServiceServer, key_service_server::KeyServiceServer,
    model_service_server::ModelServiceServer, node_service_server::NodeServiceServer,
    provider_service_server::ProviderServiceServer, rule_service_server::RuleServiceServer,
    virtual_key_service_server::VirtualKeyServiceServer,
};
use pointsman_proto::fleet::v1::fleet_service_server::FleetServiceServer;
use readiness::Readiness;
use secrecy::{ExposeSecret, SecretString};
use std::{fs, io, net::SocketAddr, path::Path, time::Duration};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{
    service::{Routes, interceptor::InterceptedService},
    transport::{Identity, Server, ServerTlsConfig, server::TcpIncoming},
};

const MAX_MESSAGE: usize = 16 << 20;
const MAX_STREAMS: u32 = 200;
const PENDING_RESETS: usize = 20;
const LOCAL_RESETS: usize = 1024;
const KEEPALIVE: Duration = Duration::from_secs(10);
/// How long a shutdown waits for calls that are under way.
const DRAIN: Duration = Duration::from_secs(10);

/// A server that serves.
#[derive(Debug)]
pub struct Running {
    pub admin_addr: SocketAddr,
    pub fleet_addr: SocketAddr,
    pub publisher: Publisher,
    readiness: Readiness,
    stop: CancellationToken,
    tasks: TaskTracker,
    writer: PublisherTask,
}

impl Running {
    /// Cancelled when the server stops, whether asked to or because a listener failed.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Says that it no longer serves, stops accepting, lets calls finish, and closes the database.
    pub async fn shutdown(self) {
        self.readiness.end().await;
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(DRAIN, self.tasks.wait()).await.is_err() {
            tracing::warn!("calls were still under way and are cut off");
        }
        self.writer.stop().await;
    }
}

/// Starts a server.
///
/// # Errors
/// Why it cannot serve. What was there before is as it was.
pub async fn start(config: Config) -> Result<Running, StartError> {
    config.check()?;
    let tls = config.tls.as_ref().map(load_tls).transpose()?;
    let (admin_listener, admin_addr) = listen("--admin-listen", config.admin_listen).await?;
    let (fleet_listener, fleet_addr) = listen("--fleet-listen", config.fleet_listen).await?;
    let store = Store::open(&config.db).await?;
    let (publisher, writer) = Publisher::start(store, &config.master_key).await?;
    let token = admin_token(&config)?;
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());

    let (tokens, ends) = Tokens::new();
    let checks = Checks::new();
    let started = fleet::start(&publisher, &tokens, &checks, !config.insecure_dev, stop.clone(), tasks.clone()).await;
    let fleet::Started { fleet, hooks } = started.map_err(|e| StartError::Failed(e.to_string()))?;
    tokens::start(ends, publisher.clone(), fleet.hub.clone(), stop.clone(), &tasks);
    let upstream = Upstream::new(publisher.clone(), fleet.hub.clone());
    upstream.start(stop.clone(), &tasks);
    checks.start(&publisher, fleet.hub.clone(), upstream.clone(), stop.clone(), &tasks);
    let routes = Routes::new(FleetServiceServer::new(fleet).max_decoding_message_size(MAX_MESSAGE));
    tasks.spawn(serve(fleet_listener, tls.clone(), routes, stop.clone()));

    let admin = Admin { publisher: publisher.clone(), fleet: hooks, tokens, upstream, stop: stop.clone() };
    let (routes, readiness) = admin_routes(admin, Authenticate::new(token.as_ref())).await?;
    tasks.spawn(serve(admin_listener, tls, routes, stop.clone()));
    tracing::info!(admin = %admin_addr, fleet = %fleet_addr, db = %config.db.display(), "serving");
    Ok(Running { admin_addr, fleet_addr, publisher, readiness, stop, tasks, writer })
}

/// Serves until told to stop. A listener that fails stops the server.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<ServerTlsConfig>,
    routes: Routes,
    stop: CancellationToken,
) {
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true)).with_keepalive(Some(Duration::from_secs(30)));
    let served = match builder(tls) {
        Ok(mut server) => {
            let router = server.add_routes(routes);
            router.serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned()).await
        }
        Err(error) => Err(error),
    };
    if let Err(error) = served {
        tracing::error!(%error, "a listener failed");
    }
    stop.cancel();
}

/// tonic leaves streams and resets without a bound unless told otherwise.
fn builder(tls: Option<ServerTlsConfig>) -> Result<Server, tonic::transport::Error> {
    let server = Server::builder()
        .max_concurrent_streams(Some(MAX_STREAMS))
        .http2_max_pending_accept_reset_streams(Some(PENDING_RESETS))
        .http2_max_local_error_reset_streams(Some(LOCAL_RESETS))
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE));
    match tls {
        Some(tls) => server.tls_config(tls),
        None => Ok(server),
    }
}

async fn admin_routes(admin: Admin, auth: Authenticate) -> Result<(Routes, Readiness), StartError> {
    let (mut readiness, health) = Readiness::new();
    let mut routes = Routes::default();
    macro_rules! add {
        ($($server:ident),*) => {$(
            let service = $server::new(admin.clone()).max_decoding_message_size(MAX_MESSAGE);
            routes = routes.add_service(InterceptedService::new(service, auth.clone()));
            readiness.add::<$server<Admin>>().await;
        )*};
    }
    add!(
        ProviderServiceServer,
        KeyServiceServer,
        ModelServiceServer,
        RuleServiceServer,
        VirtualKeyServiceServer,
        NodeServiceServer,
        ConfigServiceServer
    );
    let broken = |e: tonic_reflection::server::Error| StartError::Failed(format!("reflection: {e}"));
    let v1 = reflection().build_v1().map_err(broken)?;
    let v1alpha = reflection().build_v1alpha().map_err(broken)?;
    Ok((routes.add_service(v1).add_service(v1alpha).add_service(health), readiness))
}

/// The error details' types are among them, so that clients can print those.
fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(pointsman_proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
}

async fn listen(flag: &str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let refuse = |e: io::Error| {
        let why = match e.kind() {
            io::ErrorKind::AddrInUse => "another program listens there".into(),
            _ => e.to_string(),
        };
        StartError::Failed(format!("cannot listen on {address} ({flag}): {why}"))
    };
    let listener = TcpListener::bind(address).await.map_err(refuse)?;
    let bound = listener.local_addr().map_err(refuse)?;
    Ok((listener, bound))
}

fn load_tls(tls: &Tls) -> Result<ServerTlsConfig, StartError> {
    // Whoever embeds the server may have chosen a provider; the first choice stands.
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let identity = Identity::from_pem(read(&tls.cert)?, read(&tls.key)?);
    let config = ServerTlsConfig::new().identity(identity).timeout(Duration::from_secs(10));
    builder(Some(config.clone())).map_err(|e| {
        let cause = std::error::Error::source(&e).map(|s| format!(": {s}")).unwrap_or_default();
        StartError::Failed(format!("{} and {} are no TLS identity{cause}", tls.cert.display(), tls.key.display()))
    })?;
    Ok(config)
}

fn read(path: &Path) -> Result<Vec<u8>, StartError> {
    fs::read(path).map_err(|e| StartError::Failed(format!("{}: {e}", path.display())))
}

/// The token that operators must send; none under `--insecure-dev`.
fn admin_token(config: &Config) -> Result<Option<SecretString>, StartError> {
    if config.insecure_dev {
        tracing::warn!("--insecure-dev: operators and nodes are asked for no token");
        return Ok(None);
    }
    let token = match &config.admin_token {
        TokenSource::Value(token) => token.clone(),
        TokenSource::File(path) => read_token(path)?,
        TokenSource::Generated(path) if path.exists() => read_token(path)?,
        TokenSource::Generated(path) => {
            let token = secrets::mint_token(ADMIN_PREFIX);
            let failed = |e: io::Error| StartError::Failed(format!("{}: {e}", path.display()));
            write_private(path, &format!("{}\n", token.expose_secret())).map_err(failed)?;
            tracing::info!(path = %path.display(), "made an admin token; operators read it from this file");
            token
        }
    };
    Ok(Some(token))
}

fn read_token(path: &Path) -> Result<SecretString, StartError> {
    let failed = |why: String| StartError::Failed(format!("{}: {why}", path.display()));
    let text: SecretString = fs::read_to_string(path).map_err(|e| failed(e.to_string()))?.trim().into();
    secrets::warn_if_readable_by_others(path);
    if text.expose_secret().is_empty() { Err(failed("holds no token".into())) } else { Ok(text) }
}
