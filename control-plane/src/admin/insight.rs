//! What only the nodes can tell: what a request would meet, and how upstreams fare. They are asked over their streams.
//!
//! Nothing of a question is sent to a provider, and none may hold a credential: whose virtual key is meant is said by its
//! name. Which node an answer is of, the stream says and not the answer.

use super::{Admin, status};
use crate::{
    edit::record::Id,
    fleet::Replies,
    stats::{self, Wanted},
};
use pointsman_proto::{
    admin::v1::{ExplainRequest, ExplainResponse, Explanation, GetStatsRequest, GetStatsResponse, Header, VirtualKey},
    convert::EXPLANATION_BYTES,
    domain::Name,
    fleet::v1::{NodeStats, answer, question},
    violation::Violation,
};
use prost::Message;
use reqwest::header::{HeaderName, HeaderValue};
use tonic::Status;

const MAX_BODY: usize = 1 << 20;
const MAX_HEADERS: usize = 100;
/// Names and values of all headers together.
const MAX_HEADER_BYTES: usize = 64 << 10;
/// Of a path, or a model's name.
const MAX_TEXT: usize = 2 << 10;
/// Headers by which clients show who they are.
const CREDENTIALS: [&str; 6] =
    ["authorization", "proxy-authorization", "cookie", "x-api-key", "x-goog-api-key", "api-key"];

impl Admin {
    pub(super) async fn explain_request(&self, mut request: ExplainRequest) -> Result<ExplainResponse, Status> {
        check(&request)?;
        if !request.virtual_key.is_empty() {
            self.get::<VirtualKey>(&Id::VirtualKey(request.virtual_key.clone()))?;
        }
        let node = std::mem::take(&mut request.node);
        let mut replies = self.ask(&node, question::Kind::Explain(request)).await?;
        let said = sort_out(&mut replies, |node, kind| match kind {
            answer::Kind::Explanation(said) => Some((node.clone(), said)),
            answer::Kind::Stats(_) => None,
        });
        let (short, long): (Vec<_>, Vec<_>) =
            said.into_iter().partition(|(_, said)| said.encoded_len() <= EXPLANATION_BYTES);
        let explanations = short.into_iter().map(|(node, said)| Explanation { node: node.to_string(), ..said });
        Ok(ExplainResponse {
            explanations: explanations.collect(),
            silent_nodes: names(&replies.silent),
            overlong_nodes: long.into_iter().map(|(node, _)| node.to_string()).collect(),
        })
    }

    pub(super) async fn statistics(&self, request: GetStatsRequest) -> Result<GetStatsResponse, Status> {
        let mut replies = self.ask(&request.node, question::Kind::Stats(true)).await?;
        let counted: Vec<(Name, NodeStats)> = sort_out(&mut replies, |node, kind| match kind {
            answer::Kind::Stats(said) => Some((node.clone(), said)),
            answer::Kind::Explanation(_) => None,
        });
        let weights = (self.fleet.view)().models;
        let fleet = request.node.is_empty();
        let wanted = Wanted { fleet, each_node: request.per_node || !fleet };
        let stats = stats::aggregate(&counted, &weights, wanted);
        Ok(GetStatsResponse { stats, silent_nodes: names(&replies.silent) })
    }

    async fn ask(&self, node: &str, kind: question::Kind) -> Result<Replies, Status> {
        let node = Some(node).filter(|node| !node.is_empty());
        self.fleet.nodes.ask(node, kind).await.map_err(status::of_question)
    }
}

/// What the nodes said, as far as it answers the question; the others count as silent.
fn sort_out<T>(replies: &mut Replies, read: impl Fn(&Name, answer::Kind) -> Option<T>) -> Vec<T> {
    let mut heard = Vec::new();
    for (node, kind) in std::mem::take(&mut replies.answers) {
        match read(&node, kind) {
            Some(said) => heard.push(said),
            None => replies.silent.push(node),
        }
    }
    replies.silent.sort();
    heard
}

fn names(nodes: &[Name]) -> Vec<String> {
    nodes.iter().map(ToString::to_string).collect()
}

/// Refuses what is too large, malformed, or secret; every field of it at once.
fn check(request: &ExplainRequest) -> Result<(), Status> {
    let mut found = Vec::new();
    let mut refuse = |field: String, description: &str| {
        found.push(Violation { field, description: description.into() });
    };
    if request.body.as_ref().is_some_and(|body| body.len() > MAX_BODY) {
        refuse("body".into(), "has more than 1 MiB; leave out what routing does not look at");
    }
    if request.model.len() > MAX_TEXT {
        refuse("model".into(), "is too long to be a model's name");
    }
    if let Some(why) = wrong_path(&request.path) {
        refuse("path".into(), why);
    }
    let bytes: usize = request.headers.iter().map(|header| header.name.len() + header.value.len()).sum();
    if request.headers.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        refuse("headers".into(), "are more than 100, or more than 64 KiB");
    } else {
        for (i, header) in request.headers.iter().enumerate() {
            if let Some(why) = wrong_header(header) {
                refuse(format!("headers[{i}]"), why);
            }
        }
    }
    if found.is_empty() { Ok(()) } else { Err(status::invalid(&found)) }
}

fn wrong_path(path: &str) -> Option<&'static str> {
    let (before, query) = path.split_once('?').unwrap_or((path, ""));
    match () {
        () if path.is_empty() => None,
        () if !before.starts_with('/') || path.len() > MAX_TEXT || !path.bytes().all(|b| b.is_ascii_graphic()) => {
            Some("must begin with '/' and hold nothing that a URL's path may not; at most 2 KiB")
        }
        () if query.split('&').any(|part| part.starts_with("key=")) => {
            Some("holds a key; name the virtual key in `virtual_key` instead")
        }
        () => None,
    }
}

fn wrong_header(header: &Header) -> Option<&'static str> {
    match (HeaderName::try_from(&header.name), HeaderValue::try_from(&header.value)) {
        (Ok(name), _) if CREDENTIALS.contains(&name.as_str()) => {
            Some("is a credential; name the virtual key in `virtual_key` instead")
        }
        (Ok(_), Ok(_)) => None,
        _ => Some("is no header that a request could carry"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::StatusExt;

    fn refused(request: ExplainRequest) -> Vec<String> {
        let Err(status) = check(&request) else { return Vec::new() };
        let details = status.get_error_details();
        let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
        violations.into_iter().map(|violation| violation.field).collect()
    }

    fn header(name: &str, value: &str) -> Header {
        Header { name: name.into(), value: value.into() }
    }

    #[test]
    fn a_question_is_bounded_and_holds_no_credential() {
        let check = |request: ExplainRequest, expected: &[&str]| {
            let said = format!("{:?}", (request.path.clone(), request.headers.first().cloned()));
            assert_eq!(refused(request), expected, "{said}");
        };
        let of = |headers: Vec<Header>| ExplainRequest { headers, ..Default::default() };
        let at = |path: &str| ExplainRequest { path: path.into(), ..Default::default() };
        check(ExplainRequest::default(), &[]);
        check(ExplainRequest { body: Some(vec![b'x'; MAX_BODY].into()), ..Default::default() }, &[]);
        check(ExplainRequest { body: Some(vec![b'x'; MAX_BODY + 1].into()), ..Default::default() }, &["body"]);
        check(ExplainRequest { model: "x".repeat(MAX_TEXT + 1), ..Default::default() }, &["model"]);
        check(of(vec![header("X-Claude-Code-Session-Id", "s"), header("accept", "")]), &[]);
        check(of(vec![header("a", "b"), header("Authorization", "Bearer x")]), &["headers[1]"]);
        check(of(vec![header("X-Api-Key", "x\n"), header("x-goog-api-key", "")]), &["headers[0]", "headers[1]"]);
        check(of(vec![header("a b", ""), header("c", "x\ny")]), &["headers[0]", "headers[1]"]);
        check(of(vec![header("a", "b"); MAX_HEADERS + 1]), &["headers"]);
        check(of(vec![header("a", &"b".repeat(MAX_HEADER_BYTES))]), &["headers"]);
        check(at("/v1/messages?beta=true"), &[]);
        check(at("v1/messages"), &["path"]);
        check(at("/v1/mess ages"), &["path"]);
        check(at("/v1beta/models/m:generateContent?alt=sse&key=k"), &["path"]);
        check(ExplainRequest { body: Some(vec![b'x'; MAX_BODY + 1].into()), ..at("x") }, &["body", "path"]);
    }

    #[test]
    fn an_answer_to_another_question_is_silence() {
        let name = |text| Name::parse(text).expect("a name");
        let stats = answer::Kind::Stats(NodeStats::default());
        let mut replies = Replies { answers: vec![(name("n1"), stats)], silent: vec![name("n0"), name("n2")] };
        let heard = sort_out(&mut replies, |_, kind| match kind {
            answer::Kind::Explanation(said) => Some(said),
            answer::Kind::Stats(_) => None,
        });
        assert!(heard.is_empty());
        assert_eq!(names(&replies.silent), ["n0", "n1", "n2"]);
    }
}
