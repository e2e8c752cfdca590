//! What clients of each dialect send and read, as bare HTTP: enough to tell whether a pair of protocols is understood. The
//! official SDKs are in `tests/clients`.

use super::{World, config, key, seconds};
use pointsman_proto::admin::v1::{Backend, Config, Model, Provider, Timeouts};
use pointsman_tests::FakeProvider;
use serde_json::{Value, json};

/// A client's dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    Chat,
    Responses,
    Messages,
    Generate,
}

pub const CLIENTS: [Client; 4] = [Client::Chat, Client::Responses, Client::Messages, Client::Generate];

/// Providers of every protocol, by name.
pub const PROVIDERS: [&str; 8] =
    ["openai", "compatible", "responses", "azure", "anthropic", "gemini", "bedrock", "codewhisperer"];

/// One provider of each protocol at one fake, and a model `via-NAME` for each.
pub fn every_protocol(fake: &FakeProvider) -> Config {
    let mut config = config(&[]);
    config.models.clear();
    for name in PROVIDERS {
        config.providers.push(provider(name, fake));
        let mut key = key(name, "k");
        if name == "bedrock" {
            key.source = Some(pointsman_proto::admin::v1::key::Source::Secret("AKIAEXAMPLE:secret".into()));
        }
        config.keys.push(key);
        config.models.push(model(&format!("via-{name}"), &[name]));
    }
    config
}

/// A model over the first of these; the others serve where it cannot.
pub fn model(name: &str, providers: &[&str]) -> Model {
    let line = |(priority, provider): (usize, &&str)| Backend {
        provider: (*provider).into(),
        model: upstream_model(provider).into(),
        weight: Some(1.0),
        priority: priority as u32,
        ..Default::default()
    };
    Model { name: name.into(), backends: providers.iter().enumerate().map(line).collect(), ..Default::default() }
}

fn upstream_model(provider: &str) -> &'static str {
    match provider {
        "anthropic" => "claude-sonnet-4-5",
        "gemini" => "gemini-3-flash",
        "bedrock" => "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "codewhisperer" => "claude-sonnet-4.5",
        _ => "gpt-5.1",
    }
}

fn provider(name: &str, fake: &FakeProvider) -> Provider {
    let protocol = match name {
        "compatible" | "responses" => "openai",
        "azure" => "azure_openai",
        other => other,
    };
    Provider {
        protocol: protocol.into(),
        base_url: fake.base_url_of(protocol),
        api: match name {
            "compatible" => "chat".into(),
            "responses" => "responses".into(),
            _ => String::new(),
        },
        compatible: (protocol == "openai").then_some(name == "compatible"),
        timeouts: Some(Timeouts { idle: seconds(5.0), ..Default::default() }),
        ..super::setup::provider(name, fake)
    }
}

impl Client {
    pub fn path(self, model: &str, stream: bool) -> String {
        match (self, stream) {
            (Self::Chat, _) => "/v1/chat/completions".into(),
            (Self::Responses, _) => "/v1/responses".into(),
            (Self::Messages, _) => "/v1/messages".into(),
            (Self::Generate, false) => format!("/v1beta/models/{model}:generateContent"),
            (Self::Generate, true) => format!("/v1beta/models/{model}:streamGenerateContent?alt=sse"),
        }
    }

    /// A request in which the user says this.
    pub fn body(self, model: &str, said: &str, stream: bool) -> Value {
        let messages = json!([{"role": "user", "content": said}]);
        match self {
            Self::Chat => json!({"model": model, "messages": messages, "stream": stream}),
            Self::Responses => json!({"model": model, "input": said, "stream": stream, "store": false}),
            Self::Messages => json!({"model": model, "messages": messages, "max_tokens": 1000, "stream": stream}),
            Self::Generate => json!({"contents": [{"role": "user", "parts": [{"text": said}]}]}),
        }
    }

    /// The same with a tool, `look`, that takes a string `q`.
    pub fn body_with_tool(self, model: &str, said: &str, stream: bool) -> Value {
        let schema = json!({"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]});
        let function = json!({"name": "look", "description": "Looks it up.", "parameters": schema});
        let tools = match self {
            Self::Chat => json!([{"type": "function", "function": function}]),
            Self::Responses => json!([{"type": "function", "name": "look", "parameters": schema, "strict": false}]),
            Self::Messages => json!([{"name": "look", "description": "Looks it up.", "input_schema": schema}]),
            Self::Generate => json!([{"functionDeclarations": [function]}]),
        };
        let mut body = self.body(model, said, stream);
        body["tools"] = tools;
        body
    }

    /// Sends a request to the first node.
    pub async fn send(self, world: &World, model: &str, body: &Value, stream: bool) -> reqwest::Response {
        world.post(0, &self.path(model, stream), body).send().await.expect("the node answers")
    }

    /// The words of a whole reply.
    pub fn text(self, reply: &Value) -> String {
        let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match self {
            Self::Chat => words(&reply["choices"][0]["message"]["content"]),
            Self::Responses => {
                let items = reply["output"].as_array().into_iter().flatten();
                items.map(|item| words(&item["content"][0]["text"])).collect()
            }
            Self::Messages => {
                reply["content"].as_array().into_iter().flatten().map(|block| words(&block["text"])).collect()
            }
            Self::Generate => parts(reply).iter().map(|part| words(&part["text"])).collect(),
        }
    }

    /// The calls of a whole reply: names and arguments.
    pub fn calls(self, reply: &Value) -> Vec<(String, Value)> {
        let parsed = |text: &Value| serde_json::from_str(text.as_str().unwrap_or("null")).unwrap_or(Value::Null);
        let named = |name: &Value, arguments| (name.as_str().unwrap_or_default().to_owned(), arguments);
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        match self {
            Self::Chat => list(&reply["choices"][0]["message"]["tool_calls"])
                .iter()
                .map(|call| named(&call["function"]["name"], parsed(&call["function"]["arguments"])))
                .collect(),
            Self::Responses => list(&reply["output"])
                .iter()
                .filter(|item| item["type"] == "function_call")
                .map(|item| named(&item["name"], parsed(&item["arguments"])))
                .collect(),
            Self::Messages => list(&reply["content"])
                .iter()
                .filter(|block| block["type"] == "tool_use")
                .map(|block| named(&block["name"], block["input"].clone()))
                .collect(),
            Self::Generate => parts(reply)
                .iter()
                .filter(|part| part["functionCall"].is_object())
                .map(|part| named(&part["functionCall"]["name"], part["functionCall"]["args"].clone()))
                .collect(),
        }
    }

    /// The words of a stream.
    pub fn streamed(self, stream: &str) -> String {
        let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let events = events(stream).into_iter();
        match self {
            Self::Chat => events.map(|event| words(&event["choices"][0]["delta"]["content"])).collect(),
            Self::Responses => events
                .filter(|event| event["type"] == "response.output_text.delta")
                .map(|event| words(&event["delta"]))
                .collect(),
            Self::Messages => events.map(|event| words(&event["delta"]["text"])).collect(),
            Self::Generate => events.map(|event| self.text(&event)).collect(),
        }
    }

    /// The pieces of a call's arguments in a stream, joined; Gemini's come whole.
    pub fn streamed_arguments(self, stream: &str) -> Value {
        let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let events = events(stream).into_iter();
        let joined: String = match self {
            Self::Chat => events
                .map(|event| words(&event["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"]))
                .collect(),
            Self::Responses => events
                .filter(|event| event["type"] == "response.function_call_arguments.delta")
                .map(|event| words(&event["delta"]))
                .collect(),
            Self::Messages => events.map(|event| words(&event["delta"]["partial_json"])).collect(),
            Self::Generate => return events.flat_map(|event| self.calls(&event)).map(|(_, args)| args).collect(),
        };
        serde_json::from_str(&joined).map_or(Value::Null, |arguments: Value| json!([arguments]))
    }

    /// Whether a stream has its dialect's own end.
    pub fn has_ended(self, stream: &str) -> bool {
        match self {
            Self::Chat => stream.contains("data: [DONE]"),
            Self::Responses => stream.contains("event: response.completed"),
            Self::Messages => stream.contains("event: message_stop"),
            Self::Generate => stream.contains("\"finishReason\""),
        }
    }

    /// Whether a stream tells of an error as its dialect does.
    pub fn tells_an_error(self, stream: &str) -> bool {
        events(stream).iter().any(|event| match self {
            Self::Chat | Self::Generate => event["error"]["message"].is_string(),
            Self::Responses => event["type"] == "response.failed" || event["type"] == "error",
            Self::Messages => event["type"] == "error" && event["error"]["type"].is_string(),
        })
    }

    /// The message of an error body, if it is of the dialect.
    pub fn error(self, body: &Value) -> Option<String> {
        let of_dialect = match self {
            Self::Chat | Self::Responses => body["error"]["type"].is_string(),
            Self::Messages => body["type"] == "error" && body["error"]["type"].is_string(),
            Self::Generate => body["error"]["code"].is_u64() && body["error"]["status"].is_string(),
        };
        of_dialect.then(|| body["error"]["message"].as_str().map(str::to_owned)).flatten()
    }
}

fn parts(reply: &Value) -> Vec<Value> {
    reply["candidates"][0]["content"]["parts"].as_array().cloned().unwrap_or_default()
}

fn events(stream: &str) -> Vec<Value> {
    let data = stream.lines().filter_map(|line| line.strip_prefix("data:"));
    data.filter_map(|data| serde_json::from_str(data.trim()).ok()).collect()
}
