use super::*;
use crate::protocol::neutral::makers::{json, text};
use crate::protocol::neutral::{
    CacheAge, Effort, Extra, Field, Format, Issuer, Media, Part, Reasoning, Request, Role, Signature, Tool, ToolCall,
    ToolChoice, Turn,
};
use serde_json::{Value, json};

/// The least that is a request, with more fields.
fn body(more: Value) -> Vec<u8> {
    let mut body = json!({"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "Hi"}]});
    for (name, value) in more.as_object().expect("it is an object") {
        body[name] = value.clone();
    }
    body.to_string().into_bytes()
}

fn request(more: Value) -> Request {
    read(&body(more), false).expect("it is a request")
}

fn turn(role: Role, parts: impl Into<Vec<Part>>) -> Turn {
    Turn { role, parts: parts.into() }
}

fn call(id: &str, arguments: &str) -> Part {
    let (id, name, arguments) = (id.to_owned(), "get".to_owned(), arguments.to_owned());
    Part::ToolCall(ToolCall { id, name, arguments, signature: None })
}

fn result(id: &str, parts: impl Into<Vec<Part>>) -> Part {
    Part::ToolResult { id: id.to_owned(), parts: parts.into(), is_error: false }
}

fn signed(value: &str, issuer: Issuer) -> Signature {
    Signature { issuer, value: value.to_owned() }
}

fn thinking(text: &str, issuer: Issuer) -> Part {
    Part::Thinking { text: text.to_owned(), signature: Some(signed("sig", issuer)) }
}

fn tool(name: &str) -> Tool {
    Tool {
        name: name.to_owned(),
        description: None,
        schema: json!({"type": "object"}),
        strict: None,
        custom: false,
        cache: None,
    }
}

const OLD: &str = "claude-sonnet-4-5-20250929";
const NEW: &str = "claude-opus-5-5";
const OTHER: &str = "kimi-k3";

fn asked(more: impl FnOnce(&mut Request)) -> Request {
    let turns = vec![turn(Role::User, [text("Hi")])];
    let mut request = Request { turns, max_tokens: Some(1_000), ..Request::default() };
    more(&mut request);
    request
}

/// What is sent, and what is said to be left out.
fn sent(model: &str, more: impl FnOnce(&mut Request)) -> (Value, Vec<Field>) {
    let written = write(&asked(more), model).expect("it can be written");
    (serde_json::from_slice(&written.body).expect("it is JSON"), written.dropped)
}

fn refused(more: impl FnOnce(&mut Request)) -> Field {
    write(&asked(more), OLD).expect_err("it cannot be written").field
}

fn on(effort: Option<Effort>, budget: Option<u64>, adaptive: bool) -> Option<Reasoning> {
    Some(Reasoning::On { effort, budget, adaptive, show: None })
}

mod foreign;
mod generations;
mod reading;
mod writing;
