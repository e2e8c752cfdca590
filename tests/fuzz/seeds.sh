#!/bin/sh
# Makes corpus/ and corpus/words from the fixtures: what the targets start from. Needs jq.
set -eu
cd "$(dirname "$0")"
fixtures=../fixtures/protocols
mkdir -p corpus/sse corpus/frames corpus/requests corpus/replies corpus/streams corpus/hints

# seed TARGET CHOICES: what is piped in, named after its content, so that a second run adds nothing.
seed() {
    { printf '%b' "$2"; cat; } > corpus/new
    mv corpus/new "corpus/$1/$(sha1sum < corpus/new | cut -c 1-40)"
}

# The form that framing::of_lines reads.
lines='.events[] | .headers as $h | "\($h[":message-type"]) \($h[":event-type"] // $h[":exception-type"]) \(.payload | tojson)"'

request() {
    for model in 0 1 2 3 4 5; do jq -c "$2" "$fixtures/$3" | seed requests "$1$model"; done
}
for chat in openai_chat_request_text openai_chat_request_tools_image; do request a . $chat.json; done
request a '{model: "m", messages: [{role: "user", content: "hi"}],
    tools: [{type: "function", function: {name: "f", parameters: .input}}]}' gemini_tool_schema_sanitise.json
request b '{model: "m", prompt: "Say", suffix: null, max_tokens: 5, stop: ["x"], stream: true}' openai_chat_request_text.json
request c . openai_responses_request_tools.json
request d . anthropic_request_tools_image_thinking.json
request e . gemini_request_tools_image.json
request f .request anthropic_count_tokens.json
request g '{generateContentRequest: .}' gemini_request_tools_image.json
request g . gemini_request_tools_image.json
request h . openai_chat_request_tools_image.json
printf -- '--B\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--B\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n\0\r\n--B--\r\n' |
    seed requests i0
request j . openai_embeddings_request.json
request k 'walk(if type == "object" and has("signature") then .signature = "pm1.gemini.x" else . end)' \
    anthropic_request_tools_image_thinking.json
request l '.input += [{type: "reasoning", summary: [], encrypted_content: "pm1.anthropic.x"}]' openai_responses_request_tools.json
request m 'walk(if type == "object" and has("thoughtSignature") then .thoughtSignature = "cG0xLmFudGhyb3BpYy54" else . end)' \
    gemini_request_tools_image.json
request n '.messages += [{role: "assistant", content: "x", reasoning_content: "y",
    reasoning_details: [{type: "reasoning.text", signature: "pm1.gemini.x"}]}]' openai_chat_request_tools_image.json
request o '{model: "m", requests: [{model: "models/m", content: {parts: [{text: "hi"}]}}]}' openai_chat_request_text.json
printf /v1beta/models/a%%2Fb:generateContent | seed requests p0

for client in 0 1 2 3 4 P Q R S T; do
    reply() { seed replies "$1$client"; }
    for chat in "$fixtures"/openai_chat_response_*.json; do jq -c . "$chat" | reply a; done
    jq -c . $fixtures/openai_responses_response.json | reply b
    for messages in "$fixtures"/anthropic_response_*.json; do jq -c . "$messages" | reply c; done
    for generate in "$fixtures"/gemini_response_*.json; do jq -c . "$generate" | reply d; done
    jq -c . $fixtures/bedrock_response_tools.json | reply e
    for assist in "$fixtures"/kiro_stream_*.json; do jq -r "$lines" "$assist" | reply f; done
    printf '{"embeddings":[{"values":[0.5,1]}]}' | reply g
    printf '{"embedding":[0.5,1],"inputTextTokenCount":3}' | reply h
    printf '{"embeddings":{"float":[[0.5,1]]}}' | reply h
    printf '{"input_tokens":3}' | reply i
done

for client in 0 1 2 3 4; do for flags in 0 3; do
    stream() { seed streams "$1$client$flags\\005"; }
    for chat in "$fixtures"/openai_chat_stream_* "$fixtures"/azure_chat_stream_* "$fixtures"/openai_compat_stream_*; do
        stream 0 < "$chat"
    done
    for responses in "$fixtures"/openai_responses_stream_*; do stream 1 < "$responses"; done
    for messages in "$fixtures"/anthropic_stream_*; do stream 2 < "$messages"; done
    for generate in "$fixtures"/gemini_stream_*; do stream 3 < "$generate"; done
    for converse in "$fixtures"/bedrock_stream_*; do jq -r "$lines" "$converse" | stream 4; done
    for assist in "$fixtures"/kiro_stream_*; do jq -r "$lines" "$assist" | stream 5; done
done; done

for stream in "$fixtures"/*.sse; do
    seed sse '\003' < "$stream"
    sed 's/$/\r/' "$stream" | seed sse '\003'
done
for stream in "$fixtures"/bedrock_stream_* "$fixtures"/kiro_stream_*; do
    jq -r .frames_base64 "$stream" | base64 -d | seed frames '0\00050'
done
printf '\046\0\002\015:message-type\007\0\005event\013:event-type\007\0\001xab' | seed frames '1\00050'

for error in "$fixtures"/*_error_*.json; do
    for protocol in 0 1 2 3 4 5; do
        jq -r '(.headers | to_entries[] | "\(.key): \(.value)"), "", (.body | tojson)' "$error" | seed hints $protocol
    done
done

# Every word in quotes that the fixtures or the parsers know.
grep -rohE '"[A-Za-z][A-Za-z0-9_.:-]{1,40}"' "$fixtures" ../../data-plane/src/protocol ../../data-plane/src/hints.rs |
    sort -u | sed 's/^"\(.*\)"$/"\\"\1\\""/' > corpus/words
