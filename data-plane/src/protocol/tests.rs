//! What many small things cost: time for their bytes, not for their square; and memory for what was sent, not for each of
//! its repetitions. A body holds as many as fit into it, and a worker thread that compares each with all others serves
//! nobody else meanwhile.

use super::{
    neutral::{Issuer, Part, Request, Role, Signature, Tool, ToolCall, ToolChoice, Turn},
    openai::request::Compat,
    surface::Surface,
    translate::{ClientForm, ProviderForm, Translation},
};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use std::time::Duration;

/// Compared each with each, these take from ten seconds to a minute.
const MANY: usize = 60_000;
/// Of this thread's own, however busy the machine is. What they take otherwise is a tenth of it.
const LONGEST: Duration = Duration::from_secs(6);

fn in_time<T>(what: &str, task: impl FnOnce() -> T) -> T {
    let begun = processor_time();
    let result = task();
    let taken = processor_time().saturating_sub(begun);
    assert!(taken < LONGEST, "{what}: {taken:?}");
    result
}

/// What this thread has used so far.
fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("it only grows")
}

fn written(request: &Request, provider: ProviderForm) -> Vec<u8> {
    let model = if provider == ProviderForm::Generate { "gemini-3-pro" } else { "claude-sonnet-4-5" };
    Translation::request(request, ClientForm::Chat, provider, model, None, 1).expect("it can be carried").0
}

fn tool(name: String, schema: Value) -> Tool {
    Tool { name, description: None, schema, strict: None, custom: false, cache: None }
}

fn names() -> impl Iterator<Item = String> {
    (0..MANY).map(|n| format!("f{n}"))
}

fn said(parts: impl Iterator<Item = Part>) -> Request {
    let user = |text: &str| Turn { role: Role::User, parts: vec![Part::Text(text.to_owned())] };
    let assistant = Turn { role: Role::Assistant, parts: parts.collect() };
    Request { turns: vec![user("a"), assistant, user("b")], ..Request::default() }
}

#[test]
fn many_calls_of_tools_that_are_offered_no_more() {
    let call = |name: String| ToolCall { id: name.clone(), name, arguments: String::new(), signature: None };
    let request = said(names().map(call).map(Part::ToolCall));
    for provider in [ProviderForm::Messages, ProviderForm::Converse, ProviderForm::Assist] {
        in_time(&format!("{provider:?}"), || written(&request, provider));
    }
}

#[test]
fn many_tools_and_a_choice_among_them() {
    let tools = names().map(|name| tool(name, json!({"type": "object"}))).collect();
    let tool_choice = Some(ToolChoice::Among { names: names().collect(), required: false });
    let request = Request { tools, tool_choice, ..said(std::iter::empty()) };
    let chat = ProviderForm::Chat(Compat::Compatible);
    let others = [ProviderForm::Responses, ProviderForm::Messages, ProviderForm::Converse, ProviderForm::Assist];
    for provider in others.into_iter().chain([chat]) {
        in_time(&format!("{provider:?}"), || written(&request, provider));
    }
}

#[test]
fn much_thinking_that_nothing_came_of() {
    let signature = || Some(Signature { issuer: Issuer::OpenAi, value: "s".to_owned() });
    let request = said((0..2 * MANY).map(|_| Part::Thinking { text: String::new(), signature: signature() }));
    in_time("reasoning items", || written(&request, ProviderForm::Responses));
}

#[test]
fn many_results_that_find_their_calls() {
    let list = |each: &dyn Fn(usize) -> String| (0..MANY).map(each).collect::<Vec<_>>().join(",");
    let calls = list(&|n| format!(r#"{{"functionCall":{{"id":"{n}","name":"f"}}}}"#));
    let results = list(&|n| format!(r#"{{"functionResponse":{{"id":"{}","name":"f"}}}}"#, MANY - n - 1));
    let body = format!(r#"{{"contents":[{{"role":"model","parts":[{calls}]}},{{"parts":[{results}]}}]}}"#);
    let read = || ClientForm::Generate.read(Surface::Generate { stream: false }, body.as_bytes());
    assert!(in_time("results", read).is_ok());
}

#[test]
fn many_variants_of_a_schema() {
    let property = json!({"anyOf": vec![json!({}); 4 * MANY]});
    let request = Request {
        tools: vec![tool("f".to_owned(), json!({"type": "object", "properties": {"a": property}}))],
        ..said(std::iter::empty())
    };
    in_time("variants", || written(&request, ProviderForm::Generate));
}

#[test]
fn references_do_not_multiply_what_they_lead_to() {
    let long = "x".repeat(50_000);
    let variants: Vec<Value> = (0..2_000).map(|n| json!({"title": n.to_string(), "$ref": "#/$defs/a"})).collect();
    let referring = json!({"anyOf": variants});
    let described = json!({"description": long, "anyOf": vec![json!({"title": "a"}); 2_000]});
    let typed = json!({"description": long, "type": vec!["string"; 2_000]});
    for property in [referring, described, typed] {
        let schema = json!({
            "type": "object", "properties": {"a": property}, "$defs": {"a": {"type": "string", "enum": [long]}},
        });
        let request = Request { tools: vec![tool("f".to_owned(), schema)], ..said(std::iter::empty()) };
        let length = written(&request, ProviderForm::Generate).len();
        assert!(length < 2 * 1024 * 1024, "100 kB became {length} bytes");
    }
}

#[test]
fn thinking_is_not_told_once_more_for_each_signature() {
    let details = vec![json!({"type": "reasoning.text", "text_range": [0, 50_000], "signature": "s"}); 2_000];
    let message = json!({"role": "assistant", "reasoning_content": "x".repeat(50_000), "reasoning_details": details});
    let body = json!({"messages": [message]}).to_string();
    let request = ClientForm::Chat.read(Surface::Chat, body.as_bytes()).expect("it is readable");
    let told = request.turns[0].parts.iter().map(|part| match part {
        Part::Thinking { text, .. } => text.len(),
        _ => 0,
    });
    assert_eq!(told.sum::<usize>(), 50_000);
}

#[test]
fn a_reply_of_endlessly_many_calls_is_no_reply() {
    let translation = |provider| {
        let request = said(std::iter::empty());
        Translation::request(&request, ClientForm::Messages, provider, "m", None, 1).expect("it can be carried").1
    };
    let calls = vec!["{}"; MANY].join(",");
    let body = format!(r#"{{"choices":[{{"message":{{"tool_calls":[{calls}]}}}}]}}"#);
    let chat = translation(ProviderForm::Chat(Compat::OpenAi));
    assert!(in_time("a whole reply", || chat.reply(body.as_bytes())).is_err());
    let added = |n| {
        let item = json!({"type": "function_call", "id": format!("i{n}"), "call_id": format!("c{n}"), "name": "f"});
        format!("data: {}\n\n", json!({"type": "response.output_item.added", "output_index": n, "item": item}))
    };
    let stream: String = (0..MANY).map(added).collect();
    let mut streamer = translation(ProviderForm::Responses).streamer();
    assert!(in_time("a stream", || streamer.feed(stream.as_bytes())).is_err());
}
