//! The conversation.
//!
//! A client that streamed the model's turn sends back its pieces, each a part or even a content of its own. They are put
//! together again, since a piece that is only blanks would otherwise be taken for an empty text and left out.

use super::calls::Calls;
use crate::protocol::{
    gemini::{
        media,
        request::object::{Node, Object, wrong},
        signature::{self, Held},
    },
    neutral::{Extra, Part, Request, Role, Signature, ToolCall, Turn, Unreadable},
};
use serde_json::Value;

pub fn read(contents: Node, request: &mut Request) -> Result<(), Unreadable> {
    let mut conversation = Conversation::default();
    for content in contents.list() {
        conversation.content(content.object()?)?;
    }
    request.turns = conversation.turns;
    request.extra.append(&mut conversation.extra);
    Ok(())
}

#[derive(Default)]
struct Conversation {
    turns: Vec<Turn>,
    calls: Calls,
    extra: Vec<Extra>,
}

impl Conversation {
    fn content(&mut self, mut content: Object) -> Result<(), Unreadable> {
        let role = match content.string("role")?.as_deref() {
            None | Some("" | "user" | "function") => Role::User,
            Some("model") => Role::Assistant,
            Some(other) => {
                return Err(Unreadable::new(
                    content.at("role"),
                    format!("the role is 'user' or 'model', not '{other}'"),
                ));
            }
        };
        let continues = self.turns.pop_if(|last| role == Role::Assistant && last.role == role);
        let mut said = continues.map_or_else(Vec::new, |turn| turn.parts);
        for part in content.list("parts") {
            self.part(part.object()?, role, &mut said)?;
        }
        self.extra.extend(content.left_as_hints());
        if !said.is_empty() {
            self.turns.push(Turn { role, parts: said });
        }
        Ok(())
    }

    fn part(&mut self, mut part: Object, role: Role, said: &mut Vec<Part>) -> Result<(), Unreadable> {
        let model = role == Role::Assistant;
        let thought = part.boolean("thought")?.unwrap_or(false);
        let mut held = part.string("thoughtSignature")?.filter(|_| model).as_deref().and_then(signature::read);
        if let Some(text) = part.string("text")? {
            speak(text, model, thought, said);
        } else if let Some(blob) = part.object("inlineData")? {
            said.push(media::inline(blob)?);
        } else if let Some(file) = part.object("fileData")? {
            said.push(media::file(file)?);
        } else if model && let Some(call) = part.object("functionCall")? {
            said.push(self.call(call, held.take())?);
        } else if !model && let Some(result) = part.object("functionResponse")? {
            said.push(self.result(result)?);
        } else if held.is_none() {
            return Err(unknown(&part, role));
        }
        if let Some(held) = held {
            sign(held, said);
        }
        self.left(&part, role)
    }

    fn call(&mut self, mut call: Object, held: Option<Held>) -> Result<Part, Unreadable> {
        let name = call.string("name")?.ok_or_else(|| call.missing("name"))?;
        let id = self.calls.called(call.string("id")?, &name);
        let arguments = call.take("args").map_or_else(|| Ok("{}".to_owned()), arguments)?;
        let signature: Option<Signature> = match held {
            Some(Held::Signature(signature)) => Some(signature),
            _ => None,
        };
        self.extra.extend(call.left_as_hints());
        Ok(Part::ToolCall(ToolCall { id, name, arguments, signature }))
    }

    fn result(&mut self, mut result: Object) -> Result<Part, Unreadable> {
        let name = result.string("name")?.ok_or_else(|| result.missing("name"))?;
        let id = self.calls.answered(result.string("id")?, &name);
        let (text, is_error) = outcome(result.take("response").map_or(Value::Null, |node| node.value));
        let mut parts = Vec::new();
        for node in result.list("parts") {
            let mut part = node.object()?;
            parts.push(match (part.object("inlineData")?, part.object("fileData")?) {
                (Some(blob), _) => media::inline(blob)?,
                (None, Some(file)) => media::file(file)?,
                (None, None) => return Err(unknown(&part, Role::User)),
            });
        }
        if !text.is_empty() || parts.is_empty() {
            parts.insert(0, Part::Text(text));
        }
        self.extra.extend(result.left_as_hints());
        Ok(Part::ToolResult { id, parts, is_error })
    }

    /// What stands beside a part's data: cutting a video is essential, the rest is not.
    fn left(&mut self, part: &Object, role: Role) -> Result<(), Unreadable> {
        for (name, path) in part.left() {
            match name.as_str() {
                "text"
                | "inlineData"
                | "fileData"
                | "functionCall"
                | "functionResponse"
                | "executableCode"
                | "codeExecutionResult"
                | "toolCall"
                | "toolResponse" => return Err(unknown(part, role)),
                _ => self.extra.push(Extra { field: path, essential: name == "videoMetadata" }),
            }
        }
        Ok(())
    }
}

fn speak(text: String, model: bool, thought: bool, said: &mut Vec<Part>) {
    match said.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Thinking { text: before, signature: None }) if model && thought => before.push_str(&text),
        Some(Part::Text(before)) if model && !thought => before.push_str(&text),
        _ if model && thought => said.push(Part::Thinking { text, signature: None }),
        _ => said.push(Part::Text(text)),
    }
}

/// A signature belongs to the thinking right before it; a text has no place for it and gets an empty thinking after it.
fn sign(held: Held, said: &mut Vec<Part>) {
    match (held, said.last_mut()) {
        (Held::Signature(given), Some(Part::Thinking { signature: signature @ None, .. })) => *signature = Some(given),
        (Held::Signature(given), _) => said.push(Part::Thinking { text: String::new(), signature: Some(given) }),
        (Held::Redacted(given), _) => said.push(Part::RedactedThinking(given)),
    }
}

fn arguments(args: Node) -> Result<String, Unreadable> {
    if args.value.is_object() { Ok(args.value.to_string()) } else { Err(wrong(args.path, "an object")) }
}

/// `output` and `error` have a meaning, if one of them stands alone; any other object is the output itself.
fn outcome(response: Value) -> (String, bool) {
    let text = |value: Value| match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        value => value.to_string(),
    };
    let mut fields = match response {
        Value::Object(fields) => fields,
        other => return (text(other), false),
    };
    let is_error = fields.get("error").is_some_and(|error| !error.is_null());
    let key = if is_error { "error" } else { "output" };
    match fields.remove(key) {
        Some(alone) if fields.is_empty() => (text(alone), is_error),
        Some(value) => {
            fields.insert(key.to_owned(), value);
            (Value::Object(fields).to_string(), is_error)
        }
        None => (Value::Object(fields).to_string(), false),
    }
}

fn unknown(part: &Object, role: Role) -> Unreadable {
    let names: Vec<String> = part.left().map(|(name, _)| name).collect();
    let whose = if role == Role::Assistant { "the model's" } else { "the user's" };
    let what = if names.is_empty() { "a part that holds nothing".to_owned() } else { names.join(", ") };
    Unreadable::new(part.path(), format!("{what} cannot be sent on to another provider as {whose}"))
}
