//! The same reading as [`scan`](super::scan), over values that serde has built.

use super::{
    super::{BYTES_PER_TOKEN, IMAGE, dialect, messages_of},
    Surface,
};
use crate::{
    classify::json::Size,
    features::{Features, Thinking},
};
use pointsman_proto::domain::{ClientDialect, Effort};
use serde_json::{Map, Value};

#[derive(Default)]
struct Sum {
    size: Size,
    images: u64,
    files: u64,
}

impl Sum {
    fn words(&mut self, text: &str) {
        self.size.begin();
        self.size.letters(text.as_bytes());
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => self.size.add(Size::SCALAR),
            Value::String(text) => {
                self.size.add(Size::MARKS);
                self.words(text);
            }
            Value::Array(items) => items.iter().for_each(|item| self.value(item)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    self.size.add(Size::MARKS);
                    self.words(name);
                    self.value(value);
                }
            }
        }
    }

    fn text(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.words(text),
            value => self.value(value),
        }
    }

    /// Whether there is an image in it.
    fn contents(&mut self, value: &Value, depth: u8) -> bool {
        match value {
            Value::Object(fields) if depth < 12 => self.part(fields, depth + 1),
            Value::Array(items) if depth < 12 => {
                // Every one of them is to be counted.
                items.iter().filter(|item| self.contents(item, depth + 1)).count() > 0
            }
            value => {
                self.text(value);
                false
            }
        }
    }

    fn part(&mut self, part: &Map<String, Value>, depth: u8) -> bool {
        let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
        let mut own = ["image", "image_url", "input_image", "computer_screenshot"].contains(&kind);
        let (mut within, mut bytes) = (false, 0);
        for (name, value) in part {
            match name.as_str() {
                "content" | "output" | "parts" | "functionResponse" | "function_response" => {
                    within |= self.contents(value, depth);
                }
                "text" | "refusal" => self.text(value),
                "name"
                | "title"
                | "context"
                | "tool_calls"
                | "function_call"
                | "functionCall"
                | "input"
                | "arguments"
                | "args"
                | "response"
                | "executableCode"
                | "codeExecutionResult" => self.value(value),
                "source" => {
                    if let Some(content) = value.get("content") {
                        within |= self.contents(content, depth);
                    }
                    match (value["type"].as_str(), value.get("data")) {
                        (Some("text"), Some(data)) => self.text(data),
                        (_, Some(data)) => bytes += length(data),
                        _ => {}
                    }
                }
                "inlineData" | "inline_data" | "fileData" | "file_data" | "file" | "input_audio" => match value {
                    Value::Object(fields) => {
                        for (name, value) in fields {
                            if name == "mimeType" || name == "mime_type" {
                                let image = value.as_str().is_some_and(|mime| mime.starts_with("image/"));
                                own |= image;
                            } else {
                                bytes += length(value);
                            }
                        }
                    }
                    value => bytes += length(value),
                },
                _ => {}
            }
        }
        if own {
            self.images += 1;
        } else {
            self.files += bytes / BYTES_PER_TOKEN;
        }
        own || within
    }
}

fn length(value: &Value) -> u64 {
    let mut sum = Sum::default();
    sum.text(value);
    sum.size.bytes()
}

#[derive(PartialEq)]
enum Who {
    System,
    User,
    Model,
}

fn who(message: &Value) -> Who {
    match (message["role"].as_str(), &message["type"]) {
        (Some("assistant" | "model"), _) => Who::Model,
        (Some("system" | "developer"), _) => Who::System,
        (Some(_), _) => Who::User,
        (None, Value::String(kind)) => {
            let users = ["message", "image", "image_url", "input_image", "computer_screenshot"];
            let is_users = kind.ends_with("_output") || users.contains(&kind.as_str());
            if is_users { Who::User } else { Who::Model }
        }
        (None, _) if message.get("type").is_some() => Who::Model,
        (None, _) => Who::User,
    }
}

fn has_new_image(messages: &[Value]) -> bool {
    let said: Vec<&Value> = messages.iter().filter(|message| who(message) != Who::System).collect();
    let users = |message: &&&Value| who(message) == Who::User;
    let mut last = said.iter().rev().skip_while(|message| !users(message)).take_while(users);
    last.any(|message| Sum::default().contents(message, 0))
}

fn thinking(body: &Value) -> Option<Thinking> {
    let effort = |value: &Value| {
        let word = value.as_str()?.to_ascii_lowercase();
        Effort::NAMED.iter().find(|(name, _)| *name == word).map(|(_, effort)| *effort)
    };
    let level = |value: &Value| match value.as_str()?.to_ascii_lowercase().as_str() {
        "none" | "minimal" => Some(Thinking::No),
        _ => effort(value).map(Thinking::Level),
    };
    match body["thinking"]["type"].as_str() {
        Some("enabled") => return Some(Thinking::Yes),
        Some("disabled") => return Some(Thinking::No),
        Some("adaptive") => {
            let stated = effort(&body["output_config"]["effort"]).map(Thinking::Level);
            return stated.or(Some(Thinking::Adaptive(Effort::High)));
        }
        _ => {}
    }
    // Of two fields for one thing, the last.
    let mut said = body.as_object()?.iter().filter_map(|(name, value)| match name.as_str() {
        "reasoning_effort" => Some(level(value)),
        "reasoning" => Some(level(&value["effort"])),
        _ => None,
    });
    said.next_back().flatten()
}

fn last<'a>(value: &'a Value, names: &[&str]) -> Option<&'a Value> {
    value.as_object()?.iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(_, value)| value).next_back()
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn count(value: &Value) -> Option<u64> {
    number(value).filter(|number| *number >= 0.0).map(|number| number as u64)
}

fn is_something(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

struct Generation {
    thinking: Thinking,
    json_schema: bool,
    max_output: Option<u64>,
}

fn generation(body: &Value) -> Generation {
    let empty = Value::Null;
    let config = last(body, &["generationConfig", "generation_config"]).unwrap_or(&empty);
    let thinking = last(config, &["thinkingConfig", "thinking_config"]).unwrap_or(&empty);
    let budget = last(thinking, &["thinkingBudget", "thinking_budget"]).and_then(number);
    let shown = last(thinking, &["includeThoughts", "include_thoughts"]).and_then(Value::as_bool) == Some(true);
    let level = last(thinking, &["thinkingLevel", "thinking_level"]).and_then(|level| {
        let word = level.as_str()?.to_ascii_lowercase();
        let named = Effort::NAMED.iter().find(|(name, _)| *name == word);
        let none = ["none", "minimal"].contains(&word.as_str()).then_some(Thinking::No);
        none.or(named.map(|(_, effort)| Thinking::Level(*effort)))
    });
    let left_to_it = budget.is_some() || shown;
    let thinking = match (budget, level) {
        (Some(0.0), _) => Thinking::No,
        (Some(budget), _) if budget > 0.0 => Thinking::Yes,
        (_, Some(level)) => level,
        (_, None) if left_to_it => Thinking::Adaptive(Effort::High),
        (_, None) => Thinking::No,
    };
    let schemas = ["responseSchema", "response_schema", "responseJsonSchema", "response_json_schema"];
    Generation {
        thinking,
        json_schema: schemas.iter().any(|name| config.get(name).is_some_and(is_something)),
        max_output: last(config, &["maxOutputTokens", "max_output_tokens"]).and_then(count),
    }
}

pub fn features(body: &Value, surface: Surface) -> Features {
    let dialect = dialect(surface);
    let mut found = Features { dialect, stream: surface == Surface::Generate { stream: true }, ..Features::default() };
    if dialect == ClientDialect::Other {
        return found;
    }
    let body = &flattened(body);
    let messages = std::str::from_utf8(messages_of(dialect)).expect("a name");
    let mut sum = Sum::default();
    if let Some(system) = last(body, &["system", "instructions", "systemInstruction", "system_instruction"]) {
        sum.contents(system, 0);
    }
    if let Some(talk) = body.get(messages) {
        let all = match talk {
            Value::Array(all) => all.as_slice(),
            one => std::slice::from_ref(one),
        };
        for message in all {
            sum.contents(message, 0);
        }
        found.new_image = has_new_image(all);
    }
    found.images = sum.images > 0;
    let tools = last(body, &["tools", "functions"]).and_then(Value::as_array);
    found.tools = tools.is_some_and(|tools| !tools.is_empty());
    let searches = ["googleSearch", "google_search", "googleSearchRetrieval", "google_search_retrieval"];
    for (name, value) in tools.into_iter().flatten().filter_map(Value::as_object).flatten() {
        match name.as_str() {
            "cache_control" => {}
            "type" => found.web_search |= value.as_str().is_some_and(|kind| kind.starts_with("web_search")),
            name => {
                found.web_search |= searches.contains(&name);
                sum.value(value);
            }
        }
    }
    found.web_search |= body.get("web_search_options").is_some_and(is_something);
    let is_schema = |format: &Value| format["type"] == "json_schema";
    let formats =
        [&body["response_format"], &body["output_format"], &body["text"]["format"], &body["output_config"]["format"]];
    let config = generation(body);
    found.json_schema = formats.into_iter().any(is_schema) || config.json_schema;
    found.stream = body.get("stream").map_or(found.stream, |stream| stream == true);
    let most = last(body, &["max_tokens", "max_completion_tokens", "max_output_tokens"]).and_then(count);
    found.max_output = config.max_output.or(most);
    found.thinking = thinking(body).unwrap_or(config.thinking);
    found.tokens = sum.images * IMAGE + sum.files + sum.size.tokens();
    found
}

/// With the fields of Gemini's `generateContentRequest` in its place, where they are read.
fn flattened(body: &Value) -> Value {
    let mut flat = Map::new();
    for (name, value) in body.as_object().into_iter().flatten() {
        let inner = value.as_object().filter(|_| name == "generateContentRequest");
        for (name, value) in inner.into_iter().flatten().filter(|(name, _)| *name != "generateContentRequest") {
            flat.shift_remove(name);
            flat.insert(name.clone(), value.clone());
        }
        if name != "generateContentRequest" {
            flat.shift_remove(name);
            flat.insert(name.clone(), value.clone());
        }
    }
    Value::Object(flat)
}
