//! A real control plane on loopback, nodes that are only streams, and an operator who asks.

use crate::{config::Config, server};
use pointsman_proto::{
    admin::v1::{
        self, ApplyRequest, ExplainRequest, Explanation, GetFleetRequest, GetStatsRequest, RuleTrace,
        config_service_client::ConfigServiceClient,
    },
    convert::EXPLANATION_BYTES,
    fleet::v1::{
        Answer, ControlMessage, Counters, EndpointOpinion, Headroom, HealthBody, HealthReport, Hello, Nack, NackReason,
        NodeMessage, NodeStats, SlotName, answer, control_message::Message as ToNode,
        fleet_service_client::FleetServiceClient, node_message::Message as FromNode, question,
    },
};
use prost::Message;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Streaming, transport::Channel};

struct Rig {
    running: server::Running,
    operator: ConfigServiceClient<Channel>,
    _dir: TempDir,
}

impl Rig {
    async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let config = Config { insecure_dev: true, ..Config::local(dir.path().join("db")) };
        let running = server::start(config).await.expect("it starts");
        let operator =
            ConfigServiceClient::connect(format!("http://{}", running.admin_addr)).await.expect("it listens");
        Self { running, operator, _dir: dir }
    }

    async fn node(&self, name: &str) -> Node {
        let url = format!("http://{}", self.running.fleet_addr);
        let (outbox, outgoing) = mpsc::channel(8);
        let hello = Hello { node_id: name.into(), build: "0.0.9".into(), ..Default::default() };
        outbox.send(NodeMessage { message: Some(FromNode::Hello(hello)) }).await.expect("there is room");
        let mut client = FleetServiceClient::connect(url).await.expect("it listens");
        let inbound = client.sync(ReceiverStream::new(outgoing)).await.expect("it may join").into_inner();
        Node { inbound, outbox }
    }
}

/// A node's end of its stream.
struct Node {
    inbound: Streaming<ControlMessage>,
    outbox: mpsc::Sender<NodeMessage>,
}

impl Node {
    /// The first message that is looked for.
    async fn hear<T>(&mut self, look: impl Fn(ToNode) -> Option<T>) -> T {
        let heard = async {
            loop {
                let message = self.inbound.message().await.expect("it stands").expect("it goes on").message;
                if let Some(found) = message.and_then(&look) {
                    return found;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), heard).await.expect("it comes")
    }

    async fn say(&self, message: FromNode) {
        self.outbox.send(NodeMessage { message: Some(message) }).await.expect("there is room");
    }

    /// Answers every question in this way, until the stream ends.
    fn answers(mut self, reply: impl Fn(&question::Kind) -> answer::Kind + Send + 'static) {
        tokio::spawn(async move {
            while let Ok(Some(message)) = self.inbound.message().await {
                if let Some(ToNode::Question(question)) = message.message {
                    let kind = Some(reply(question.kind.as_ref().expect("something is asked")));
                    self.say(FromNode::Answer(Answer { id: question.id, kind })).await;
                }
            }
        });
    }
}

fn backend(successes: u64) -> NodeStats {
    let row =
        Counters { scope: "backend".into(), provider: "p".into(), model: "u".into(), successes, ..Default::default() };
    NodeStats { rows: vec![row] }
}

#[tokio::test]
async fn what_a_request_would_meet_is_asked_of_the_nodes_themselves() {
    let mut rig = Rig::start().await;
    let none = rig.operator.explain(ExplainRequest::default()).await.expect_err("nobody is connected");
    assert_eq!(none.code(), Code::FailedPrecondition, "{none}");

    rig.node("n1").await.answers(|kind| match kind {
        question::Kind::Explain(request) => {
            let bytes = request.body.as_ref().map_or(0, |body| body.len());
            let refusal = format!("{}, {bytes} bytes, asked of {:?}", request.model, request.node);
            answer::Kind::Explanation(Explanation { node: "somebody else".into(), refusal, ..Default::default() })
        }
        question::Kind::Stats(_) => answer::Kind::Stats(backend(3)),
    });
    rig.node("n2").await.answers(|_| answer::Kind::Stats(backend(4)));

    let ask = ExplainRequest { model: "m".into(), body: Some("{}".into()), ..Default::default() };
    let heard = rig.operator.explain(ask.clone()).await.expect("it is answered").into_inner();
    let told: Vec<_> = heard.explanations.iter().map(|e| (e.node.as_str(), e.refusal.as_str())).collect();
    assert_eq!(told, [("n1", "m, 2 bytes, asked of \"\"")]);
    assert_eq!(heard.silent_nodes, ["n2"], "what answers another question is no answer");

    let of = |node: &str| ExplainRequest { node: node.into(), ..ask.clone() };
    let heard = rig.operator.explain(of("n1")).await.expect("it is answered").into_inner();
    assert_eq!((heard.explanations.len(), heard.silent_nodes.len()), (1, 0));
    let unknown = rig.operator.explain(of("n3")).await.expect_err("there is no such node");
    assert_eq!(unknown.code(), Code::NotFound, "{unknown}");
    let nobodys = ExplainRequest { virtual_key: "team-x".into(), ..ask };
    let nobodys = rig.operator.explain(nobodys).await.expect_err("there is no such key");
    assert_eq!((nobodys.code(), nobodys.message()), (Code::NotFound, "there is no virtual key team-x"));
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_told_from_silence() {
    let mut rig = Rig::start().await;
    rig.node("n1").await.answers(|_| {
        let rule = RuleTrace { rule: "r".repeat(EXPLANATION_BYTES), ..Default::default() };
        answer::Kind::Explanation(Explanation { rules: vec![rule], ..Default::default() })
    });
    let heard = rig.operator.explain(ExplainRequest::default()).await.expect("it is answered").into_inner();
    assert!(heard.explanations.is_empty() && heard.silent_nodes.is_empty());
    assert_eq!(heard.overlong_nodes, ["n1"]);
}

#[tokio::test]
async fn what_an_older_node_does_not_know_is_said_in_words() {
    let mut rig = Rig::start().await;
    let mut node = rig.node("n1").await;
    let (generation, version) = node
        .hear(|message| match message {
            ToNode::Snapshot(snapshot) => Some((snapshot.generation, snapshot.version)),
            _ => None,
        })
        .await;
    let (reason, detail) = (NackReason::Refused.into(), "resource: is missing or malformed".into());
    node.say(FromNode::Nack(Nack { generation, version, reason, detail })).await;
    let told = async {
        loop {
            let reply = rig.operator.get_fleet(GetFleetRequest {}).await.expect("it is answered").into_inner();
            let nodes = reply.fleet.unwrap_or_default().nodes;
            if let Some(node) = nodes.into_iter().find(|node| !node.refused_reason.is_empty()) {
                return node.refused_reason;
            }
        }
    };
    assert_eq!(
        tokio::time::timeout(Duration::from_secs(20), told).await.expect("it is told"),
        "it holds a kind of resource that the node's build (0.0.9) does not know; upgrade the node"
    );
}

#[tokio::test]
async fn a_node_that_reports_too_much_is_heard_later_and_not_less() {
    let mut rig = Rig::start().await;
    let (flood, mut other) = (rig.node("n1").await, rig.node("n2").await);
    let report = |seq| {
        let endpoints = vec![EndpointOpinion::default(); 10_200];
        FromNode::Health(HealthReport { seq, endpoints, ..Default::default() })
    };
    let begun = std::time::Instant::now();
    flood.say(report(1)).await;
    flood.answers(|_| answer::Kind::Stats(backend(3)));
    other.hear(|message| matches!(message, ToNode::Snapshot(_)).then_some(())).await;
    let request = GetStatsRequest { node: "n1".into(), ..Default::default() };
    // It waits a second for the answer, which a busy machine may not read in time.
    while rig.operator.get_stats(request.clone()).await.expect("it is answered").into_inner().stats.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(30), "its answer is read in the end");
    }
    assert!(begun.elapsed() >= Duration::from_millis(150), "after {:?}", begun.elapsed());
}

#[tokio::test]
async fn statistics_are_added_up_over_the_nodes_that_answer() {
    let mut rig = Rig::start().await;
    rig.node("n1").await.answers(|_| answer::Kind::Stats(backend(3)));
    rig.node("n2").await.answers(|_| answer::Kind::Stats(backend(4)));
    let mut get = async |node: &str| {
        let request = GetStatsRequest { node: node.into(), per_node: true };
        let heard = rig.operator.get_stats(request).await.expect("it is answered").into_inner();
        assert!(heard.silent_nodes.is_empty());
        heard.stats.into_iter().map(|s| (s.node, s.successes)).collect::<Vec<_>>()
    };
    assert_eq!(get("").await, [(String::new(), 7), ("n1".into(), 3), ("n2".into(), 4)]);
    assert_eq!(get("n2").await, [("n2".into(), 4)]);
}

#[tokio::test]
async fn what_one_node_reads_of_a_limit_every_node_is_told() {
    let mut rig = Rig::start().await;
    let source = Some(v1::key::Source::Secret("sk-0123456789abcdef".into()));
    let line = v1::Backend { provider: "p".into(), model: "u".into(), ..Default::default() };
    let config = v1::Config {
        providers: vec![v1::Provider { name: "p".into(), base_url: "http://127.0.0.1:1".into(), ..Default::default() }],
        keys: vec![v1::Key { provider: "p".into(), name: "k".into(), source, ..Default::default() }],
        models: vec![v1::Model { name: "m".into(), backends: vec![line], ..Default::default() }],
        ..Default::default()
    };
    rig.operator.apply(ApplyRequest { config: Some(config), ..Default::default() }).await.expect("it is good");
    let (n1, mut n2) = (rig.node("n1").await, rig.node("n2").await);
    let slot = SlotName { provider: "p".into(), account: "k".into(), model: "u".into() };
    let headroom = vec![Headroom { slot: Some(slot.clone()), left_permille: 50, reset_ms: 60_000 }];
    // The edit is pushed in its own time: until then the slot is none that the configuration holds.
    n2.hear(|message| match message {
        ToNode::Snapshot(snapshot) if snapshot.version > 1 => Some(()),
        ToNode::Delta(_) => Some(()),
        _ => None,
    })
    .await;
    n1.say(FromNode::Health(HealthReport { seq: 1, headroom, ..Default::default() })).await;
    let told = n2
        .hear(|message| match message {
            ToNode::Health(health) => HealthBody::decode(health.body).ok()?.headroom.pop(),
            _ => None,
        })
        .await;
    assert_eq!((told.slot, told.left_permille), (Some(slot), 50));
    assert!((50_000..=60_000).contains(&told.reset_ms), "{}", told.reset_ms);
}
