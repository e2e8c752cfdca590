//! The stream to the control plane: connect, say Hello, take configuration and health in, acknowledge, report, answer
//! operators' questions; and again, after a pause, when it breaks. The node serves on meanwhile.

mod assemble;

use crate::{
    insight,
    keeper::Keeper,
    table::{Edit, Refused},
};
use assemble::Assembly;
use pointsman_proto::fleet::v1::{
    Ack, ControlMessage, Health, HealthReport, Heartbeat, Hello, Nack, NackReason, NodeMessage, ProbeAnswer,
    ProbeRequest, Question, Subject, control_message::Message as FromWire, fleet_service_client::FleetServiceClient,
    node_message::Message as ToWire,
};
use rand::RngExt;
use secrecy::{ExposeSecret, SecretString};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    transport::{Certificate, ClientTlsConfig, Endpoint},
};

/// Pauses between attempts: doubling from the first to the last, each drawn from its upper half.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A silent control plane is noticed after the sum of these.
const PING_EVERY: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
const HEARTBEAT: Duration = Duration::from_secs(5);
const OUTBOX: usize = 64;

/// How to reach the control plane, and as whom.
#[derive(Clone, Debug)]
pub struct Uplink {
    /// For example `https://control:7701`.
    pub url: String,
    pub node: String,
    pub zone: String,
    pub token: Option<SecretString>,
    /// PEM roots to trust instead of the machine's.
    pub ca: Option<String>,
}

/// From the stream to the keeper.
pub enum FromControl {
    Connected {
        outbox: mpsc::Sender<ToControl>,
        hello: oneshot::Sender<Hello>,
    },
    Lost,
    Config {
        edit: Edit,
        answer: oneshot::Sender<Result<(), Refused>>,
    },
    Health(Health),
    Probe(ProbeAnswer),
    /// The zone that the operator registered; may be empty.
    Zone(String),
}

/// From the keeper to the stream.
pub enum ToControl {
    Health(HealthReport),
    Probe(Subject),
}

/// Whether the node is connected, for the operations port.
#[derive(Debug, Default)]
pub struct Connection(AtomicBool);

impl Connection {
    pub fn is_up(&self) -> bool {
        self.0.load(Relaxed)
    }
}

/// Why a stream ended.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("cannot reach the control plane: {0}")]
    Unreachable(String),
    #[error("the control plane ended the stream: {}", .0.message())]
    Ended(Box<Status>),
    #[error("the control plane closed the stream")]
    Closed,
    #[error("the keeper has stopped")]
    Stopped,
}

impl From<Status> for Broken {
    fn from(status: Status) -> Self {
        Self::Ended(Box::new(status))
    }
}

/// Keeps the stream up until `shutdown`.
pub async fn run(
    uplink: Uplink,
    keeper: Arc<Keeper>,
    inbox: mpsc::Sender<FromControl>,
    connection: Arc<Connection>,
    shutdown: CancellationToken,
) {
    let mut pause = FIRST_PAUSE;
    loop {
        let mut stream = Stream { uplink: &uplink, keeper: &keeper, inbox: &inbox, connection: &connection };
        let ended = tokio::select! {
            ended = stream.run() => ended,
            () = shutdown.cancelled() => return,
        };
        if connection.0.swap(false, Relaxed) {
            pause = FIRST_PAUSE;
        }
        // Also of a stream that was refused: the keeper asks nobody for probes before there is one that stands.
        let _ = inbox.send(FromControl::Lost).await;
        let wait = pause.mul_f64(rand::rng().random_range(0.5..=1.0));
        if let Err(why) = ended {
            tracing::warn!(%why, ?wait, "not connected to the control plane; serving on with what is known");
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shutdown.cancelled() => return,
        }
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

struct Stream<'a> {
    uplink: &'a Uplink,
    keeper: &'a Arc<Keeper>,
    inbox: &'a mpsc::Sender<FromControl>,
    connection: &'a Connection,
}

impl Stream<'_> {
    async fn run(&mut self) -> Result<(), Broken> {
        let (messages, outgoing) = mpsc::channel(OUTBOX);
        let (outbox, mut reports) = mpsc::channel(OUTBOX);
        let channel = self.endpoint()?.connect().await.map_err(|e| Broken::Unreachable(explain(&e)))?;
        send(&messages, ToWire::Hello(self.hello(outbox).await?)).await?;
        let mut request = Request::new(ReceiverStream::new(outgoing));
        if let Some(bearer) = self.bearer()? {
            request.metadata_mut().insert("authorization", bearer);
        }
        let mut client = FleetServiceClient::new(channel);
        let mut inbound = client.sync(request).await?.into_inner();
        self.connection.0.store(true, Relaxed);
        tracing::info!(url = %self.uplink.url, "connected to the control plane");
        let mut assembly = Assembly::default();
        let mut heartbeat = tokio::time::interval(HEARTBEAT.mul_f64(rand::rng().random_range(0.8..=1.2)));
        loop {
            tokio::select! {
                message = inbound.message() => match message? {
                    Some(message) => self.take(message, &mut assembly, &messages).await?,
                    None => return Err(Broken::Closed),
                },
                report = reports.recv() => match report.ok_or(Broken::Stopped)? {
                    ToControl::Health(report) => send(&messages, ToWire::Health(report)).await?,
                    ToControl::Probe(subject) => {
                        send(&messages, ToWire::Probe(ProbeRequest { subject: Some(subject) })).await?;
                    }
                },
                _ = heartbeat.tick() => send(&messages, ToWire::Heartbeat(Heartbeat {})).await?,
            }
        }
    }

    fn endpoint(&self) -> Result<Endpoint, Broken> {
        let invalid = |e: tonic::transport::Error| Broken::Unreachable(explain(&e));
        let endpoint = Endpoint::from_shared(self.uplink.url.clone()).map_err(invalid)?;
        let endpoint = endpoint
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(true);
        if !self.uplink.url.starts_with("https://") {
            return Ok(endpoint);
        }
        let tls = match &self.uplink.ca {
            Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
            None => ClientTlsConfig::new().with_native_roots(),
        };
        endpoint.tls_config(tls).map_err(invalid)
    }

    async fn hello(&self, outbox: mpsc::Sender<ToControl>) -> Result<Hello, Broken> {
        let (hello, said) = oneshot::channel();
        self.tell(FromControl::Connected { outbox, hello }).await?;
        let hello = said.await.map_err(|_| Broken::Stopped)?;
        Ok(Hello {
            node_id: self.uplink.node.clone(),
            build: env!("CARGO_PKG_VERSION").into(),
            zone: self.uplink.zone.clone(),
            ..hello
        })
    }

    fn bearer(&self) -> Result<Option<MetadataValue<Ascii>>, Broken> {
        let Some(token) = &self.uplink.token else { return Ok(None) };
        let value = format!("Bearer {}", token.expose_secret());
        let mut value = MetadataValue::try_from(value)
            .map_err(|_| Broken::Unreachable("the join token holds characters that no header can carry".into()))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    async fn tell(&self, message: FromControl) -> Result<(), Broken> {
        self.inbox.send(message).await.map_err(|_| Broken::Stopped)
    }

    async fn take(
        &self,
        message: ControlMessage,
        assembly: &mut Assembly,
        messages: &mpsc::Sender<NodeMessage>,
    ) -> Result<(), Broken> {
        match message.message {
            Some(FromWire::Health(health)) => self.tell(FromControl::Health(health)).await,
            Some(FromWire::Probe(answer)) => self.tell(FromControl::Probe(answer)).await,
            Some(FromWire::Place(place)) => self.tell(FromControl::Zone(place.zone)).await,
            Some(FromWire::Snapshot(snapshot)) => self.configure(assembly.snapshot(snapshot), messages).await,
            Some(FromWire::Delta(delta)) => self.configure(assembly.delta(delta), messages).await,
            Some(FromWire::Question(question)) => {
                self.answer(question, messages.clone());
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Answers when it can: explaining a long request takes a while, in which the stream goes on.
    fn answer(&self, question: Question, messages: mpsc::Sender<NodeMessage>) {
        let keeper = self.keeper.clone();
        tokio::spawn(async move {
            let answer = tokio::task::spawn_blocking(move || insight::answer(&keeper, question)).await;
            if let Ok(answer) = answer {
                // Without a stream there is nobody left who asked.
                let _ = send(&messages, ToWire::Answer(answer)).await;
            }
        });
    }

    /// Hands a complete configuration to the keeper, and answers for it.
    async fn configure(&self, step: assemble::Step, messages: &mpsc::Sender<NodeMessage>) -> Result<(), Broken> {
        let (generation, version, result) = match step {
            assemble::Step::More => return Ok(()),
            assemble::Step::Refused { generation, version, refused } => (generation, version, Err(refused)),
            assemble::Step::Complete { from, edit } => {
                let (generation, version) = (edit.generation, edit.version);
                if from.is_some_and(|base| !self.holds(generation, base)) {
                    let reason = NackReason::UnknownBase.into();
                    let nack = Nack { generation, version, reason, detail: String::new() };
                    return send(messages, ToWire::Nack(nack)).await;
                }
                let (answer, swapped) = oneshot::channel();
                self.tell(FromControl::Config { edit, answer }).await?;
                (generation, version, swapped.await.map_err(|_| Broken::Stopped)?)
            }
        };
        match result {
            Ok(()) => {
                tracing::info!(version, "configuration in use");
                send(messages, ToWire::Ack(Ack { generation, version })).await
            }
            Err(refused) => {
                tracing::error!(version, why = %refused, "configuration refused; the one before stays in use");
                let (reason, detail) = (NackReason::Refused.into(), refused.to_string());
                send(messages, ToWire::Nack(Nack { generation, version, reason, detail })).await
            }
        }
    }

    fn holds(&self, generation: u64, version: u64) -> bool {
        let table = self.keeper.tables.load();
        (table.generation, table.version) == (generation, version)
    }
}

async fn send(messages: &mpsc::Sender<NodeMessage>, message: ToWire) -> Result<(), Broken> {
    messages.send(NodeMessage { message: Some(message) }).await.map_err(|_| Broken::Closed)
}

/// An error with what caused it, since the outermost says little.
fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
