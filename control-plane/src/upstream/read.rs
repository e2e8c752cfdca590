//! What a page of a provider's list means. Pure. Providers differ in what they tell beyond the name, so what is not
//! understood is left out rather than refused.

use pointsman_proto::{admin::v1::UpstreamModel, domain::Protocol};
use serde_json::Value;

/// Longer names are no names.
const MAX_NAME: usize = 512;

/// One page.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Page {
    pub(super) models: Vec<UpstreamModel>,
    /// What names the next one.
    pub(super) next: Option<String>,
}

/// Reads a page.
///
/// # Errors
/// It is not what the protocol's providers answer.
pub(super) fn page(protocol: Protocol, body: &[u8]) -> Result<Page, String> {
    let json: Value = serde_json::from_slice(body).map_err(|_| "the answer is not JSON")?;
    let (list, model): (_, fn(&Value) -> Option<UpstreamModel>) = match protocol {
        Protocol::OpenAi | Protocol::AzureOpenAi => ("data", openai),
        Protocol::Anthropic => ("data", anthropic),
        Protocol::Gemini => ("models", gemini),
        Protocol::Bedrock => ("modelSummaries", bedrock),
        Protocol::CodeWhisperer => ("models", codewhisperer),
    };
    // Some imitators of OpenAI answer with the bare list.
    let entries = json.as_array().or_else(|| json.get(list).and_then(Value::as_array));
    let entries = entries.ok_or_else(|| format!("the answer holds no list {list:?}"))?;
    let is_name = |model: &UpstreamModel| model.name.len() <= MAX_NAME && !model.name.chars().any(char::is_control);
    let models = entries.iter().filter_map(model).filter(is_name).collect();
    Ok(Page { models, next: next(protocol, &json) })
}

fn next(protocol: Protocol, json: &Value) -> Option<String> {
    match protocol {
        Protocol::Anthropic if json.get("has_more") == Some(&Value::Bool(true)) => text(json, "last_id"),
        Protocol::Gemini => text(json, "nextPageToken"),
        Protocol::CodeWhisperer => text(json, "nextToken"),
        _ => None,
    }
}

fn text(json: &Value, key: &str) -> Option<String> {
    json.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(ToOwned::to_owned)
}

/// The first of `keys` that is there, for people; without characters that would disturb a terminal.
fn label(json: &Value, keys: &[&str]) -> String {
    let found = keys.iter().find_map(|key| text(json, key)).unwrap_or_default();
    found.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect()
}

/// The first of `keys` that is a number.
fn number(json: &Value, keys: &[&str]) -> u32 {
    let found = keys.iter().find_map(|key| json.get(key).and_then(Value::as_u64));
    found.and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

fn openai(json: &Value) -> Option<UpstreamModel> {
    let top = json.get("top_provider").unwrap_or(&Value::Null);
    Some(UpstreamModel {
        name: text(json, "id")?,
        display_name: label(json, &["display_name", "name"]),
        context_window: number(json, &["context_window", "context_length", "max_context_length", "max_model_len"]),
        max_output_tokens: number(json, &["max_completion_tokens", "max_output_tokens"])
            .max(number(top, &["max_completion_tokens"])),
    })
}

fn anthropic(json: &Value) -> Option<UpstreamModel> {
    Some(UpstreamModel {
        name: text(json, "id")?,
        display_name: label(json, &["display_name"]),
        context_window: number(json, &["max_input_tokens"]),
        max_output_tokens: number(json, &["max_tokens"]),
    })
}

/// Only what answers prompts or embeds: the list also holds models for images, sound and questions about documents.
fn gemini(json: &Value) -> Option<UpstreamModel> {
    let methods = json.get("supportedGenerationMethods")?.as_array()?;
    let is_of_use = methods.iter().any(|method| matches!(method.as_str(), Some("generateContent" | "embedContent")));
    let name = text(json, "name").filter(|_| is_of_use)?;
    Some(UpstreamModel {
        name: name.strip_prefix("models/").unwrap_or(&name).to_owned(),
        display_name: label(json, &["displayName"]),
        context_window: number(json, &["inputTokenLimit"]),
        max_output_tokens: number(json, &["outputTokenLimit"]),
    })
}

fn bedrock(json: &Value) -> Option<UpstreamModel> {
    Some(UpstreamModel {
        name: text(json, "modelId")?,
        display_name: label(json, &["modelName"]),
        ..Default::default()
    })
}

fn codewhisperer(json: &Value) -> Option<UpstreamModel> {
    let limits = json.get("tokenLimits").unwrap_or(&Value::Null);
    Some(UpstreamModel {
        name: text(json, "modelId")?,
        display_name: label(json, &["modelName"]),
        context_window: number(limits, &["maxInputTokens"]),
        max_output_tokens: number(limits, &["maxOutputTokens"]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(protocol: Protocol, body: &str) -> Vec<(String, String, u32, u32)> {
        let page = page(protocol, body.as_bytes()).expect("it is a page");
        let parts = |m: UpstreamModel| (m.name, m.display_name, m.context_window, m.max_output_tokens);
        page.models.into_iter().map(parts).collect()
    }

    fn model(name: &str, label: &str, window: u32, output: u32) -> (String, String, u32, u32) {
        (name.into(), label.into(), window, output)
    }

    #[test]
    fn openai_and_those_who_imitate_it_tell_what_they_tell() {
        let body = r#"{"object":"list","data":[{"id":"gpt-4o","object":"model","owned_by":"openai"},
            {"id":"llama","context_window":131072,"max_completion_tokens":32768},
            {"id":"a/b","name":"A: B","context_length":9,"top_provider":{"max_completion_tokens":7}},
            {"id":"local","max_model_len":4096},{"id":5},{"object":"model"}]}"#;
        let expected = [
            model("gpt-4o", "", 0, 0),
            model("llama", "", 131_072, 32_768),
            model("a/b", "A: B", 9, 7),
            model("local", "", 4096, 0),
        ];
        assert_eq!(read(Protocol::OpenAi, body), expected);
        assert_eq!(read(Protocol::OpenAi, r#"[{"id":"bare"}]"#), [model("bare", "", 0, 0)]);
    }

    #[test]
    fn the_others_have_words_of_their_own() {
        let body = r#"{"data":[{"type":"model","id":"claude-x","display_name":"Claude X","max_input_tokens":200000,"max_tokens":64000}],"has_more":false}"#;
        assert_eq!(read(Protocol::Anthropic, body), [model("claude-x", "Claude X", 200_000, 64_000)]);
        let body = r#"{"models":[
            {"name":"models/gemini-x","displayName":"Gemini X","inputTokenLimit":1048576,"outputTokenLimit":65536,"supportedGenerationMethods":["generateContent","countTokens"]},
            {"name":"models/embed","supportedGenerationMethods":["embedContent"]},
            {"name":"models/aqa","supportedGenerationMethods":["generateAnswer"]},{"name":"models/none"}]}"#;
        let expected = [model("gemini-x", "Gemini X", 1_048_576, 65_536), model("embed", "", 0, 0)];
        assert_eq!(read(Protocol::Gemini, body), expected);
        let body = r#"{"modelSummaries":[{"modelId":"amazon.nova-v1:0","modelName":"Nova"}]}"#;
        assert_eq!(read(Protocol::Bedrock, body), [model("amazon.nova-v1:0", "Nova", 0, 0)]);
        let body = r#"{"defaultModel":{},"models":[{"modelId":"claude-sonnet-4.5","modelName":"Sonnet","tokenLimits":{"maxInputTokens":200000,"maxOutputTokens":null}}]}"#;
        assert_eq!(read(Protocol::CodeWhisperer, body), [model("claude-sonnet-4.5", "Sonnet", 200_000, 0)]);
    }

    #[test]
    fn a_page_names_the_next() {
        let next = |protocol, body: &str| page(protocol, body.as_bytes()).expect("it is a page").next;
        let more = r#"{"data":[],"has_more":true,"last_id":"claude-b"}"#;
        assert_eq!(next(Protocol::Anthropic, more).as_deref(), Some("claude-b"));
        assert_eq!(next(Protocol::Anthropic, r#"{"data":[],"has_more":false,"last_id":"claude-b"}"#), None);
        assert_eq!(next(Protocol::Gemini, r#"{"models":[],"nextPageToken":"t"}"#).as_deref(), Some("t"));
        assert_eq!(next(Protocol::Gemini, r#"{"models":[],"nextPageToken":""}"#), None);
        assert_eq!(next(Protocol::CodeWhisperer, r#"{"models":[],"nextToken":"n"}"#).as_deref(), Some("n"));
    }

    #[test]
    fn what_is_no_list_is_refused_and_what_no_terminal_should_see_left_out() {
        for bad in ["", "<html>", "{}", "5", r#"{"data":{}}"#] {
            assert!(page(Protocol::OpenAi, bad.as_bytes()).is_err(), "{bad}");
        }
        let odd = format!(
            r#"{{"data":[{{"id":"a\u001b[2J"}},{{"id":"{}"}},{{"id":"b","name":"x\u0007y"}}]}}"#,
            "x".repeat(600)
        );
        assert_eq!(read(Protocol::OpenAi, &odd), [model("b", "xy", 0, 0)]);
    }
}
