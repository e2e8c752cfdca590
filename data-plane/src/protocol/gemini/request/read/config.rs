//! `generationConfig`.

use crate::protocol::{
    gemini::{
        request::{object::Object, thinking},
        schema,
    },
    neutral::{Extra, Format, Request, Unreadable},
};

pub fn read(mut config: Object, request: &mut Request) -> Result<(), Unreadable> {
    request.temperature = config.number("temperature")?;
    request.top_p = config.number("topP")?;
    request.top_k = config.unsigned("topK")?;
    request.max_tokens = config.unsigned("maxOutputTokens")?;
    request.stop = config.strings("stopSequences")?;
    request.seed = config.integer("seed")?;
    request.frequency_penalty = config.number("frequencyPenalty")?;
    request.presence_penalty = config.number("presencePenalty")?;
    if let Some(given) = config.object("thinkingConfig")? {
        request.reasoning = thinking::read(given)?;
    }
    format(&mut config, request)?;
    if config.unsigned("candidateCount")?.is_some_and(|count| count > 1) {
        request.extra.push(Extra::essential(config.at("candidateCount")));
    }
    if config.boolean("responseLogprobs")? == Some(true) {
        request.extra.push(Extra::essential(config.at("responseLogprobs")));
    }
    let modalities = config.strings("responseModalities")?;
    if modalities.iter().any(|modality| !matches!(modality.as_str(), "TEXT" | "text" | "MODALITY_UNSPECIFIED")) {
        request.extra.push(Extra::essential(config.at("responseModalities")));
    }
    for (name, path) in config.left() {
        let essential =
            matches!(name.as_str(), "speechConfig" | "imageConfig" | "responseFormat" | "translationConfig");
        request.extra.push(Extra { field: path, essential });
    }
    Ok(())
}

fn format(config: &mut Object, request: &mut Request) -> Result<(), Unreadable> {
    let schema = config.take("responseSchema").map(|node| schema::to_json_schema(node.value));
    let schema = config.take("responseJsonSchema").map(|node| node.value).or(schema);
    match config.string("responseMimeType")?.as_deref() {
        None | Some("" | "text/plain") if schema.is_none() => {}
        None | Some("" | "text/plain" | "application/json") => {
            request.format = Some(match schema {
                Some(schema) => Format::JsonSchema { name: None, schema, strict: None },
                None => Format::JsonObject,
            });
        }
        // One word out of a list, as bare text.
        Some(_) => request.extra.push(Extra::essential(config.at("responseMimeType"))),
    }
    Ok(())
}
