//! What Azure's content filters leave in answers: results beside each choice, a chunk without choices at the beginning
//! of a stream, and a choice without a delta near its end.

use serde_json::{Value, json};

use crate::wire::{Beat, Reply, data};

pub(super) fn traced(reply: Reply, path: &str) -> Reply {
    if path != "/v1/chat/completions" {
        return reply;
    }
    match reply {
        Reply::Whole(mut whole) => {
            whole["prompt_filter_results"] = prompt_results();
            for choice in whole["choices"].as_array_mut().into_iter().flatten() {
                choice["content_filter_results"] = results();
            }
            Reply::Whole(whole)
        }
        Reply::Stream(mut script) => {
            let nameless =
                |choices: Value| json!({"id": "", "object": "", "created": 0, "model": "", "choices": choices});
            let mut first = nameless(json!([]));
            first["prompt_filter_results"] = prompt_results();
            let offsets = json!({"check_offset": 4, "start_offset": 4, "end_offset": 6});
            let checked = nameless(json!([{
                "index": 0,
                "finish_reason": null,
                "content_filter_offsets": offsets,
                "content_filter_results": results(),
            }]));
            let spoken = script.beats.iter().rposition(|beat| matches!(beat, Beat::Content(_)));
            script.beats.insert(spoken.map_or(script.beats.len(), |index| index + 1), Beat::Send(data(&checked)));
            script.beats.insert(0, Beat::Send(data(&first)));
            Reply::Stream(script)
        }
    }
}

fn prompt_results() -> Value {
    json!([{"prompt_index": 0, "content_filter_results": results()}])
}

fn results() -> Value {
    json!({
        "hate": {"filtered": false, "severity": "safe"},
        "violence": {"filtered": false, "severity": "safe"},
    })
}
