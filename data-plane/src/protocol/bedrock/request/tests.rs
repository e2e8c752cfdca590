use super::super::response;
use super::*;
use crate::protocol::neutral::makers::{assistant, call, text, user};
use crate::protocol::neutral::{
    CacheAge, Context, Effort, Issuer, Media, Reasoning, Role, Signature, Tool, ToolChoice, Turn,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const LLAMA: &str = "meta.llama3-3-70b-instruct-v1:0";

fn result(id: &str, parts: Vec<Part>) -> Part {
    Part::ToolResult { id: id.into(), parts, is_error: false }
}

fn signed(issuer: Issuer) -> Option<Signature> {
    Some(Signature { issuer, value: "c2ln".into() })
}

fn thinking(signature: Option<Signature>) -> Part {
    Part::Thinking { text: "Hm.".into(), signature }
}

fn tool(name: &str) -> Tool {
    let schema = json!({"type": "object"});
    Tool { name: name.into(), description: None, schema, strict: None, custom: false, cache: None }
}

fn asking() -> Request {
    Request { turns: vec![user(vec![text("Hi")])], ..Request::default() }
}

/// A conversation in which a tool was called.
fn calling() -> Request {
    let turns =
        vec![user(vec![text("Hi")]), assistant(vec![call("t1", "f", "")]), user(vec![result("t1", vec![text("1")])])];
    Request { turns, ..Request::default() }
}

fn on(effort: Option<Effort>, budget: Option<u64>) -> Option<Reasoning> {
    Some(Reasoning::On { effort, budget, adaptive: false, show: None })
}

#[track_caller]
fn written(request: &Request, model: &str) -> (Value, Vec<Field>) {
    let written = write(request, model).expect("it can be written");
    (serde_json::from_slice(&written.body).expect("JSON"), written.dropped)
}

#[track_caller]
fn refused(parts: Vec<Part>) -> Field {
    let request = Request { turns: vec![user(parts)], ..Request::default() };
    write(&request, CLAUDE).expect_err("it cannot be written").field
}

#[track_caller]
fn content(parts: Vec<Part>, model: &str) -> (Value, Vec<Field>) {
    let request = Request { turns: vec![user(parts)], ..Request::default() };
    let (body, dropped) = written(&request, model);
    (body["messages"][0]["content"].clone(), dropped)
}

fn image(mime: &str) -> Part {
    Part::Image(Media::Inline { mime: mime.into(), data: "AAAA".into() })
}

fn document(mime: &str, name: Option<&str>) -> Part {
    let media = Media::Inline { mime: mime.into(), data: "AAAA".into() };
    Part::Document { media, name: name.map(str::to_owned) }
}

mod body;
mod conversation;
mod reasoning;
