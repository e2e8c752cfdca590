//! A node that only listens: it takes configuration and health in, decodes and acknowledges them, and serves nobody.

use pointsman_proto::fleet::v1::{
    Ack, ConfigBody, ControlMessage, HealthBody, Heartbeat, Hello, NodeMessage,
    control_message::Message as FromControl, fleet_service_client::FleetServiceClient,
    node_message::Message as ToControl,
};
use prost::Message;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Streaming, transport::Endpoint};

const HEARTBEAT: Duration = Duration::from_secs(5);
/// gRPC's own bytes around a message.
const FRAME: usize = 5;

/// What a node tells of each message.
pub struct Heard {
    pub bytes: usize,
    /// The version that it acknowledged, and when.
    pub acknowledged: Option<(u64, Instant)>,
}

/// Connects, and tells of every message until the stream ends.
pub async fn join(url: String, name: String, heard: mpsc::UnboundedSender<Heard>) -> anyhow::Result<()> {
    let channel = Endpoint::from_shared(url)?.tcp_nodelay(true).connect().await?;
    let (outbox, outgoing) = mpsc::channel(8);
    say(&outbox, ToControl::Hello(Hello { node_id: name, build: "simulated".into(), ..Default::default() })).await?;
    let inbound = FleetServiceClient::new(channel).sync(ReceiverStream::new(outgoing)).await?.into_inner();
    tokio::spawn(async move {
        // The stream ends with the control plane, and this node with it.
        let _ = listen(inbound, outbox, heard).await;
    });
    Ok(())
}

async fn say(outbox: &mpsc::Sender<NodeMessage>, message: ToControl) -> anyhow::Result<()> {
    Ok(outbox.send(NodeMessage { message: Some(message) }).await?)
}

async fn listen(
    mut inbound: Streaming<ControlMessage>,
    outbox: mpsc::Sender<NodeMessage>,
    heard: mpsc::UnboundedSender<Heard>,
) -> anyhow::Result<()> {
    loop {
        let message = tokio::select! {
            message = inbound.message() => message?,
            () = tokio::time::sleep(HEARTBEAT) => {
                say(&outbox, ToControl::Heartbeat(Heartbeat {})).await?;
                continue;
            }
        };
        let Some(message) = message else { return Ok(()) };
        let bytes = message.encoded_len() + FRAME;
        let ack = take(message)?;
        if let Some(ack) = ack {
            say(&outbox, ToControl::Ack(ack)).await?;
        }
        heard.send(Heard { bytes, acknowledged: ack.map(|ack| (ack.version, Instant::now())) })?;
    }
}

/// Decodes what a message carries; the last piece of a configuration is acknowledged.
fn take(message: ControlMessage) -> anyhow::Result<Option<Ack>> {
    let (body, last, generation, version) = match message.message {
        Some(FromControl::Snapshot(piece)) => (piece.body, piece.last, piece.generation, piece.version),
        Some(FromControl::Delta(piece)) => (piece.body, piece.last, piece.generation, piece.to),
        Some(FromControl::Health(health)) => {
            HealthBody::decode(health.body)?;
            return Ok(None);
        }
        _ => return Ok(None),
    };
    ConfigBody::decode(body)?;
    Ok(last.then_some(Ack { generation, version }))
}
