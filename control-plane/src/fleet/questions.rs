//! Questions that only nodes can answer: each goes out on its node's stream and is answered at once, or not at all.
//!
//! A question has an id of its own, so that an answer which comes late, twice, or from a node that was not asked finds
//! nobody waiting, and is dropped. Who asks waits a second. At most [`AT_ONCE`] ask at the same time, which bounds what
//! questions and answers take.

use super::{Outbox, Registry, registry::Ticket};
use futures_util::future::join_all;
use pointsman_proto::{
    domain::Name,
    fleet::v1::{Answer, ControlMessage, Question, answer, control_message::Message as ToNode, question},
};
use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    sync::{Semaphore, oneshot},
    time::{Instant, timeout_at},
};

/// A node that takes longer is silent.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many may ask at the same time.
const AT_ONCE: usize = 16;

/// What the nodes said, by their names.
#[derive(Debug, Default)]
pub struct Replies {
    pub answers: Vec<(Name, answer::Kind)>,
    /// Connected, but without an answer in time.
    pub silent: Vec<Name>,
}

/// Why nobody was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    #[error("no node is connected; start one, or see `pointsman status`")]
    NobodyConnected,
    #[error("no node named {0:?} is connected; `pointsman status` lists those that are")]
    NotConnected(String),
    #[error("{AT_ONCE} questions are under way; ask again")]
    Busy,
}

/// Those who wait for an answer.
#[derive(Debug)]
pub(super) struct Questions {
    last: AtomicU64,
    waiting: Mutex<HashMap<u64, Waiting>>,
    permits: Semaphore,
}

#[derive(Debug)]
struct Waiting {
    session: Ticket,
    answer: oneshot::Sender<answer::Kind>,
}

impl Default for Questions {
    fn default() -> Self {
        Self { last: AtomicU64::new(0), waiting: Mutex::default(), permits: Semaphore::new(AT_ONCE) }
    }
}

impl Questions {
    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, Waiting>> {
        self.waiting.lock().expect("nothing panics while it holds the questions")
    }

    fn expect(&self, session: Ticket) -> Expected<'_> {
        let id = self.last.fetch_add(1, Relaxed) + 1;
        let (answer, receiver) = oneshot::channel();
        self.waiting().insert(id, Waiting { session, answer });
        Expected { questions: self, id, receiver }
    }

    /// A node's session says something.
    pub(super) fn answered(&self, session: Ticket, answer: Answer) {
        let mut waiting = self.waiting();
        if waiting.get(&answer.id).is_none_or(|asked| asked.session != session) {
            return;
        }
        if let (Some(asked), Some(kind)) = (waiting.remove(&answer.id), answer.kind) {
            // Who asked may have gone.
            let _ = asked.answer.send(kind);
        }
    }

    /// A session ended: nothing more comes of what it was asked.
    pub(super) fn left(&self, session: Ticket) {
        self.waiting().retain(|_, asked| asked.session != session);
    }
}

/// A question that may be answered, until this is dropped.
struct Expected<'a> {
    questions: &'a Questions,
    id: u64,
    receiver: oneshot::Receiver<answer::Kind>,
}

impl Expected<'_> {
    async fn ask(mut self, outbox: Outbox, kind: question::Kind, deadline: Instant) -> Option<answer::Kind> {
        let question = Question { id: self.id, kind: Some(kind) };
        let message = Ok(ControlMessage { message: Some(ToNode::Question(question)) });
        // Straight into the stream, so that it does not wait for the session to have sent a large configuration.
        timeout_at(deadline, outbox.send(message)).await.ok()?.ok()?;
        timeout_at(deadline, &mut self.receiver).await.ok()?.ok()
    }
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        self.questions.waiting().remove(&self.id);
    }
}

impl Registry {
    /// Asks one node, or every one that is connected.
    ///
    /// # Errors
    /// There is nobody to ask, or too many ask.
    pub async fn ask(&self, node: Option<&str>, kind: question::Kind) -> Result<Replies, AskError> {
        let _permit = self.questions.permits.try_acquire().map_err(|_| AskError::Busy)?;
        let asked = self.connected(node);
        match node {
            Some(node) if asked.is_empty() => return Err(AskError::NotConnected(node.to_owned())),
            None if asked.is_empty() => return Err(AskError::NobodyConnected),
            _ => {}
        }
        let deadline = Instant::now() + PATIENCE;
        let ask = |(node, session, outbox): (Name, Ticket, Outbox)| {
            let (expected, kind) = (self.questions.expect(session), kind.clone());
            async move { (node, expected.ask(outbox, kind, deadline).await) }
        };
        let mut replies = Replies::default();
        for (node, answer) in join_all(asked.into_iter().map(ask)).await {
            match answer {
                Some(answer) => replies.answers.push((node, answer)),
                None => replies.silent.push(node),
            }
        }
        Ok(replies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pointsman_proto::{
        admin::v1::Explanation,
        fleet::v1::{Hello, NodeStats},
    };
    use std::sync::Arc;
    use tokio::sync::mpsc;
    use tonic::Status;

    const STATS: question::Kind = question::Kind::Stats(true);

    /// A node's end of its stream.
    struct Node {
        name: Name,
        ticket: Ticket,
        inbox: mpsc::Receiver<Result<ControlMessage, Status>>,
    }

    impl Node {
        fn join(registry: &Registry, name: &str) -> Self {
            let (outbox, inbox) = mpsc::channel(1);
            let name = Name::parse(name).expect("a name");
            let ticket = registry.join(&name, &Hello::default(), outbox).expect("nobody else has the name");
            Self { name, ticket, inbox }
        }

        async fn asked(&mut self) -> u64 {
            let message = self.inbox.recv().await.expect("it is asked").expect("it is no error");
            let Some(ToNode::Question(question)) = message.message else { panic!("it is no question") };
            question.id
        }
    }

    fn stats(id: u64) -> Answer {
        Answer { id, kind: Some(answer::Kind::Stats(NodeStats::default())) }
    }

    fn names(nodes: &[Name]) -> Vec<&str> {
        nodes.iter().map(|name| &**name).collect()
    }

    /// Asks everybody, in the background.
    fn ask(registry: &Arc<Registry>) -> tokio::task::JoinHandle<Replies> {
        let registry = registry.clone();
        tokio::spawn(async move { registry.ask(None, STATS).await.expect("somebody is connected") })
    }

    #[tokio::test(start_paused = true)]
    async fn who_answers_in_time_is_heard_and_who_does_not_is_named() {
        let registry = Arc::new(Registry::default());
        let (mut n1, mut n2) = (Node::join(&registry, "n1"), Node::join(&registry, "n2"));
        let replies = ask(&registry);
        let (first, second) = (n1.asked().await, n2.asked().await);
        assert_ne!(first, second, "each question has an id of its own");
        registry.answered(n1.ticket, stats(first));
        let replies = replies.await.expect("it ends");
        assert_eq!((names(&replies.silent), &replies.answers[0].0), (vec!["n2"], &n1.name));
        registry.answered(n2.ticket, stats(second));
        assert!(registry.questions.waiting().is_empty(), "late answers find nobody");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_counts_once_and_from_the_node_that_was_asked() {
        let registry = Arc::new(Registry::default());
        let (mut n1, mut n2) = (Node::join(&registry, "n1"), Node::join(&registry, "n2"));
        let replies = ask(&registry);
        let (first, second) = (n1.asked().await, n2.asked().await);
        registry.answered(n2.ticket, stats(first));
        registry.answered(n2.ticket, stats(u64::MAX));
        registry.answered(n2.ticket, Answer { id: second, kind: None });
        let explanation = Answer { id: first, kind: Some(answer::Kind::Explanation(Explanation::default())) };
        registry.answered(n1.ticket, explanation);
        registry.answered(n1.ticket, stats(first));
        let replies = replies.await.expect("it ends");
        assert_eq!(names(&replies.silent), ["n2"], "an empty answer is none");
        assert!(matches!(replies.answers.as_slice(), [(_, answer::Kind::Explanation(_))]), "the first stands");
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_leaves_keeps_nobody_waiting() {
        let registry = Arc::new(Registry::default());
        let mut n1 = Node::join(&registry, "n1");
        let (replies, begun) = (ask(&registry), Instant::now());
        n1.asked().await;
        registry.leave(&n1.name, n1.ticket);
        assert_eq!(names(&replies.await.expect("it ends").silent), ["n1"]);
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert!(n1.inbox.recv().await.is_none(), "its stream is let go");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_stream_that_does_not_move() {
        let registry = Arc::new(Registry::default());
        let (_stuck, mut n2) = (Node::join(&registry, "n1"), Node::join(&registry, "n2"));
        for _ in 0..3 {
            let replies = ask(&registry);
            let id = n2.asked().await;
            registry.answered(n2.ticket, stats(id));
            let replies = replies.await.expect("it ends");
            assert_eq!((replies.answers.len(), names(&replies.silent)), (1, vec!["n1"]));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn there_must_be_somebody_to_ask_and_not_too_many_who_do() {
        let registry = Arc::new(Registry::default());
        assert_eq!(registry.ask(None, STATS).await.expect_err("nobody is asked"), AskError::NobodyConnected);
        let _n1 = Node::join(&registry, "n1");
        assert_eq!(
            registry.ask(Some("n2"), STATS).await.expect_err("nobody is asked"),
            AskError::NotConnected("n2".into())
        );
        let asking: Vec<_> = (0..AT_ONCE).map(|_| ask(&registry)).collect();
        tokio::task::yield_now().await;
        assert_eq!(registry.ask(None, STATS).await.expect_err("nobody is asked"), AskError::Busy);
        for asking in asking {
            asking.await.expect("it ends");
        }
        assert_eq!(registry.ask(Some("n1"), STATS).await.expect("it is free again").silent.len(), 1);
    }
}
