//! The conversation, gathered out of items: what one side said in a row is one turn.

use super::{
    content::{self, Place},
    object::{Extras, Object},
};
use crate::protocol::{
    neutral::{Issuer, Part, Role, Signature, ToolCall, Turn, Unreadable},
    openai_responses::draft::REDACTED,
};
use serde_json::json;

#[derive(Default)]
pub(super) struct Conversation {
    system: Vec<Part>,
    turns: Vec<Turn>,
}

impl Conversation {
    /// What `instructions` say.
    pub fn instruct(&mut self, text: Option<String>) {
        self.system.extend(text.map(Part::Text));
    }

    /// An input that is one text.
    pub fn ask(&mut self, text: String) {
        self.say(Role::User, vec![Part::Text(text)]);
    }

    pub fn read(&mut self, items: Vec<Object>, extras: &mut Extras) -> Result<(), Unreadable> {
        items.into_iter().try_for_each(|item| self.item(item, extras))
    }

    /// The instructions before the conversation, and its turns.
    pub fn into_parts(self) -> (Vec<Part>, Vec<Turn>) {
        (self.system, self.turns)
    }

    fn item(&mut self, mut item: Object, extras: &mut Extras) -> Result<(), Unreadable> {
        let kind = match item.text("type")? {
            Some(kind) => kind,
            // Messages may leave their type out, and so may references.
            None if item.has("role") => "message".to_owned(),
            None if item.has("id") => "item_reference".to_owned(),
            None => return Err(item.missing("type")),
        };
        match kind.as_str() {
            "message" => return self.message(item, extras),
            "reasoning" => self.say(Role::Assistant, vec![reasoning(&mut item)?]),
            "function_call" => {
                let arguments = item.text("arguments")?.unwrap_or_default();
                self.call(&mut item, arguments)?;
            }
            "custom_tool_call" => {
                let input = item.needed("input")?;
                self.call(&mut item, json!({"input": input}).to_string())?;
            }
            "function_call_output" | "custom_tool_call_output" => {
                let id = item.needed("call_id")?;
                let output = item.take("output").ok_or_else(|| item.missing("output"))?;
                let parts = content::read(output, &item.path("output"), Place::ToolOutput, extras)?;
                self.say(Role::User, vec![Part::ToolResult { id, parts, is_error: false }]);
            }
            "item_reference" => {
                let message = "responses are not stored here: send the item itself instead of a reference";
                return Err(Unreadable::new(item.place(), message));
            }
            other => return Err(item.unknown("type", other)),
        }
        Ok(())
    }

    fn message(&mut self, mut item: Object, extras: &mut Extras) -> Result<(), Unreadable> {
        let (role, place) = match item.needed("role")?.as_str() {
            "user" => (Role::User, Place::User),
            "assistant" => (Role::Assistant, Place::Assistant),
            "system" | "developer" => (Role::System, Place::System),
            other => return Err(item.unknown("role", other)),
        };
        let content = item.take("content").ok_or_else(|| item.missing("content"))?;
        let parts = content::read(content, &item.path("content"), place, extras)?;
        if item.has("phase") {
            extras.hint_once(&item, "phase");
        }
        self.say(role, parts);
        Ok(())
    }

    fn call(&mut self, item: &mut Object, arguments: String) -> Result<(), Unreadable> {
        let signature = self.take_signature();
        let (id, name) = (item.needed("call_id")?, item.needed("name")?);
        self.say(Role::Assistant, vec![Part::ToolCall(ToolCall { id, name, arguments, signature })]);
        Ok(())
    }

    /// A call's signature travels in a textless item of thinking before it. Only Gemini signs calls.
    fn take_signature(&mut self) -> Option<Signature> {
        let parts = &mut self.turns.last_mut().filter(|turn| turn.role == Role::Assistant)?.parts;
        match parts.pop_if(|part| {
            matches!(part, Part::Thinking { text, signature: Some(Signature { issuer: Issuer::Gemini, .. }) }
                if text.is_empty())
        }) {
            Some(Part::Thinking { signature, .. }) => signature,
            _ => None,
        }
    }

    fn say(&mut self, role: Role, parts: Vec<Part>) {
        if role == Role::System && self.turns.is_empty() {
            self.system.extend(parts);
            return;
        }
        match self.turns.last_mut() {
            Some(turn) if turn.role == role => turn.parts.extend(parts),
            _ => self.turns.push(Turn { role, parts }),
        }
    }
}

/// A summary, or what it sums up where there is none.
fn reasoning(item: &mut Object) -> Result<Part, Unreadable> {
    let mut text = texts(item, "summary")?;
    if text.is_empty() {
        text = texts(item, "content")?;
    }
    let sealed = item.text("encrypted_content")?.unwrap_or_default();
    let signature = Signature::untagged(&sealed, Issuer::OpenAi);
    Ok(match signature {
        Some(Signature { issuer: issuer @ (Issuer::Anthropic | Issuer::Gemini), value })
            if value.starts_with(REDACTED) =>
        {
            Part::RedactedThinking(Signature { issuer, value: value[REDACTED.len()..].to_owned() })
        }
        signature => Part::Thinking { text, signature },
    })
}

fn texts(item: &mut Object, field: &str) -> Result<String, Unreadable> {
    let mut texts = Vec::new();
    for mut part in item.objects(field)?.unwrap_or_default() {
        texts.push(part.needed("text")?);
    }
    texts.retain(|text| !text.is_empty());
    Ok(texts.join("\n\n"))
}
