//! Every protocol as a client speaks it, so that one test can say of all of them what holds for all of them.

mod framing;
mod told;

use super::*;
use framing::{frames, sse};
pub(super) use told::Told;
use told::*;

/// One protocol, or one of a protocol's endpoints.
pub(super) struct Wire {
    pub name: &'static str,
    /// Where a whole answer is asked for; none if there is no such thing.
    pub whole: Option<&'static str>,
    pub stream: &'static str,
    body: fn(&str, bool) -> Value,
    of_whole: fn(&Value) -> Told,
    of_stream: fn(&[(String, Value)]) -> Told,
}

impl Wire {
    pub(super) fn request(&self, rig: &Rig, text: &str, stream: bool) -> RequestBuilder {
        let path = if stream { self.stream } else { self.whole.unwrap_or(self.stream) };
        let url = format!("{}{path}", rig.fake.root_url());
        // Bearer tokens are taken by all; the version is Anthropic's alone.
        let request = rig.client.post(url).bearer_auth(KEY).json(&(self.body)(text, stream));
        if self.name == "anthropic" { request.header("anthropic-version", "2023-06-01") } else { request }
    }

    pub(super) async fn send(&self, rig: &Rig, text: &str, stream: bool) -> Response {
        self.request(rig, text, stream).send().await.expect("headers come")
    }

    pub(super) async fn ask(&self, rig: &Rig, text: &str) -> Told {
        (self.of_whole)(&value(self.send(rig, text, false).await).await)
    }

    pub(super) async fn listen(&self, rig: &Rig, text: &str) -> Told {
        let response = self.send(rig, text, true).await;
        (self.of_stream)(&self.events(response).await.0)
    }

    /// Names and payloads of a stream's events, and how it ended.
    pub(super) async fn events(&self, response: Response) -> (Vec<(String, Value)>, End) {
        let framed = response.headers()["content-type"] == "application/vnd.amazon.eventstream";
        if !framed {
            let (text, end) = read(response).await;
            return (sse(&text), end);
        }
        let (bytes, end) = read_bytes(response).await;
        (frames(&bytes), end)
    }
}

pub(super) const WIRES: [Wire; 7] = [
    Wire {
        name: "openai",
        whole: Some("/v1/chat/completions"),
        stream: "/v1/chat/completions",
        body: chat_body,
        of_whole: of_chat,
        of_stream: of_chunks,
    },
    Wire {
        name: "responses",
        whole: Some("/v1/responses"),
        stream: "/v1/responses",
        body: |text, stream| json!({"model": "m", "input": text, "stream": stream}),
        of_whole: of_response,
        of_stream: |events| {
            let counted = |kind: &str| events.iter().filter(|(name, _)| name == kind).count();
            let pieces = (counted("response.output_text.delta"), counted("response.function_call_arguments.delta"));
            let last = events.last().map_or_else(Told::default, |(_, event)| of_response(&event["response"]));
            Told { pieces, ..last }
        },
    },
    Wire {
        name: "azure_openai",
        whole: Some("/openai/deployments/m/chat/completions?api-version=2024-10-21"),
        stream: "/openai/v1/chat/completions",
        body: chat_body,
        of_whole: of_chat,
        of_stream: of_chunks,
    },
    Wire {
        name: "anthropic",
        whole: Some("/v1/messages"),
        stream: "/v1/messages",
        body: |text, stream| {
            let messages = json!([{"role": "user", "content": text}]);
            json!({"model": "m", "max_tokens": 9, "stream": stream, "messages": messages})
        },
        of_whole: of_message,
        of_stream: of_message_events,
    },
    Wire {
        name: "gemini",
        whole: Some("/v1beta/models/m:generateContent"),
        stream: "/v1beta/models/m:streamGenerateContent?alt=sse",
        body: |text, _| json!({"contents": [{"role": "user", "parts": [{"text": text}]}]}),
        of_whole: |whole| of_candidates(std::slice::from_ref(whole)),
        of_stream: |events| of_candidates(&events.iter().map(|(_, event)| event.clone()).collect::<Vec<_>>()),
    },
    Wire {
        name: "bedrock",
        whole: Some("/model/m/converse"),
        stream: "/model/m/converse-stream",
        body: |text, _| json!({"messages": [{"role": "user", "content": [{"text": text}]}]}),
        of_whole: of_converse,
        of_stream: of_converse_events,
    },
    Wire {
        name: "codewhisperer",
        whole: None,
        stream: "/generateAssistantResponse",
        body: |text, _| {
            let message = json!({"content": text, "modelId": "m", "origin": "AI_EDITOR"});
            let state = json!({"chatTriggerType": "MANUAL", "currentMessage": {"userInputMessage": message}});
            json!({"conversationState": state})
        },
        of_whole: |_| Told::default(),
        of_stream: of_kiro_events,
    },
];

fn chat_body(text: &str, stream: bool) -> Value {
    json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": text}]})
}
