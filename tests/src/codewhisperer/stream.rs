//! The answer as frames. It says nothing of why it ends: that there were calls, or an exception, is all.

use serde_json::{Value, json};

use crate::frames;
use crate::protocol::Dialect;
use crate::say::{Answer, Call, Stop, pieces};
use crate::usage;
use crate::wire::{Script, Voice};

pub(super) fn script(body: &Value, answer: &Answer, voice: &Voice<'_>) -> Script {
    let mut script = Script::new(Dialect::CodeWhisperer);
    let model = super::model(body).unwrap_or("auto");
    let conversation = &body["conversationState"]["conversationId"];
    let ids = json!({"conversationId": conversation, "utteranceId": voice.serial});
    script.send(frames::event("messageMetadataEvent", &ids));
    if let Some(thinking) = &answer.thinking {
        for piece in thinking.pieces() {
            script.content(frames::event("reasoningContentEvent", &json!({"text": piece})));
        }
        script.send(frames::event("reasoningContentEvent", &json!({"signature": thinking.signature})));
    }
    if let Some(data) = &answer.redacted {
        script.send(frames::event("reasoningContentEvent", &json!({"redactedContent": data})));
    }
    for piece in pieces(&answer.text, voice.chunks) {
        script.content(frames::event("assistantResponseEvent", &json!({"content": piece, "modelId": model})));
    }
    for call in &answer.calls {
        called(&mut script, call);
    }
    end(&mut script, answer);
    script
}

/// The first frame names the tool, the last one ends the call; without arguments they are one.
fn called(script: &mut Script, call: &Call) {
    let event = |field: &str, value: Value| {
        frames::event("toolUseEvent", &json!({"toolUseId": call.id, "name": call.name, field: value}))
    };
    let pieces = call.pieces();
    if !pieces.is_empty() {
        script.send(frames::event("toolUseEvent", &json!({"toolUseId": call.id, "name": call.name})));
    }
    for piece in pieces {
        script.content(event("input", piece.into()));
    }
    script.send(event("stop", true.into()));
}

fn end(script: &mut Script, answer: &Answer) {
    let tokens = json!({
        "uncachedInputTokens": answer.usage.uncached(),
        "outputTokens": usage::OUTPUT,
        "totalTokens": answer.usage.total(),
        "cacheReadInputTokens": usage::CACHED,
        "cacheWriteInputTokens": answer.usage.cache_written,
    });
    script.send(frames::event("contextUsageEvent", &json!({"contextUsagePercentage": 0.61})));
    script.send(frames::event("metadataEvent", &json!({"tokenUsage": tokens})));
    script.send(frames::event("meteringEvent", &json!({"usage": 0.02, "unit": "credit"})));
    if answer.stop == Stop::Length {
        let told = json!({"message": "The answer is too long.", "reason": "CONTENT_LENGTH_EXCEEDS_THRESHOLD"});
        script.send(frames::exception("ContentLengthExceededException", &told));
    }
}
