//! What a client sends is read or refused. What is read can be fitted to every provider, once and for all, and is written
//! as valid JSON or refused by field. What routing found in a body stands where routing says it does.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use pointsman_data_plane::{
    protocol::{
        anthropic, bedrock, embeddings, gemini,
        neutral::Request,
        openai::{self, request::Compat},
        openai_responses, surface,
        surface::Surface,
        tokens,
        translate::{ClientForm, ProviderForm, Translation, fitted},
    },
    request::{self, Asked, Place},
};
use pointsman_fuzz::{assert_json, choices, sides};
use pointsman_proto::domain::Protocol;

const SURFACES: [Surface; 7] = [
    Surface::Chat,
    Surface::Completions,
    Surface::Responses,
    Surface::Messages,
    Surface::Generate { stream: true },
    Surface::CountTokens,
    Surface::GeminiCountTokens,
];

const BOUNDARY: &str = "multipart/form-data; boundary=B";

fuzz_target!(|input: &[u8]| {
    let Some(([dialect, model], body)) = choices(input) else { return };
    let model = sides::MODELS[usize::from(model) % sides::MODELS.len()];
    // The letters are those that the seeds begin with.
    match dialect {
        b'a'..=b'g' => translated(SURFACES[usize::from(dialect - b'a')], body, model),
        b'h' => routed(body, "application/json"),
        b'i' => routed(body, BOUNDARY),
        b'j' => embedded(body, model),
        b'k' => cleaned(body, anthropic::request::without_foreign_thinking),
        b'l' => cleaned(body, openai_responses::request::without_foreign_thinking),
        b'm' => cleaned(body, |body| gemini::request::without_foreign_thinking(body, model)),
        b'n' => {
            for compat in [Compat::OpenAi, Compat::Compatible, Compat::Google] {
                cleaned(body, |body| openai::request::without_foreign_thinking(body, compat));
            }
        }
        b'o' => drop(gemini::embeddings::renamed(body, model).inspect(|body| assert_json("what is renamed", body))),
        b'p' => found(body),
        _ => {}
    }
});

fn translated(surface: Surface, body: &[u8], model: &str) {
    let client = ClientForm::of(surface).expect("these are translated");
    let Ok(request) = client.read(surface, body) else { return };
    for provider in sides::PROVIDERS {
        let (once, _) = fitted(&request, provider);
        let (twice, _) = fitted(&once, provider);
        assert_eq!(once, twice, "what fits {provider:?} stays as it is");
        if let Ok((written, _)) = Translation::request(&request, client, provider, model, Some("arn:aws:x"), 1) {
            assert_json(&format!("the request for {provider:?}"), &written);
        }
    }
    if matches!(surface, Surface::CountTokens | Surface::GeminiCountTokens) {
        counted(&request, model);
    }
}

fn counted(request: &Request, model: &str) {
    type Count = fn(&Request, &str) -> Option<Vec<u8>>;
    let counts: [(ProviderForm, Count); 3] = [
        (ProviderForm::Messages, |request, model| Some(anthropic::tokens::count_request(request, model).ok()?.body)),
        (ProviderForm::Generate, |request, model| Some(gemini::tokens::count_request(request, model).ok()?.body)),
        (ProviderForm::Converse, |request, model| Some(bedrock::tokens::count_request(request, model).ok()?.body)),
    ];
    for (provider, count) in counts {
        if let Some(body) = count(&fitted(request, provider).0, model) {
            assert_json(&format!("the count for {provider:?}"), &body);
        }
    }
    let _ = tokens::of_request(request, model);
}

fn routed(body: &[u8], content_type: &str) {
    let Some(asked) = route(body, content_type) else { return };
    let (span, text, name) = match &asked.place {
        Place::Json(span) => (span, serde_json::from_slice(&body[span.clone()]).expect("a JSON string"), "\"other\""),
        Place::Form(span) => (span, String::from_utf8(body[span.clone()].to_vec()).expect("text"), "other"),
        Place::Path => panic!("a body's model is in the body"),
    };
    assert_eq!(text, asked.model);
    let replaced = [&body[..span.start], name.as_bytes(), &body[span.end..]].concat();
    assert_eq!(route(&replaced, content_type).expect("it is as readable as before").model, "other");
}

fn route(body: &[u8], content_type: &str) -> Option<Asked> {
    request::read(Bytes::copy_from_slice(body), content_type).ok()
}

fn embedded(body: &[u8], model: &str) {
    let Ok(asked) = embeddings::read(body) else { return };
    for protocol in [Protocol::Gemini, Protocol::Bedrock] {
        if let Ok(written) = embeddings::write(&asked, protocol, model) {
            assert_json("the embeddings' request", &written);
        }
    }
}

fn cleaned(body: &[u8], clean: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    if let Some(cleaned) = clean(body) {
        assert_json("what is left", &cleaned);
        assert_eq!(clean(&cleaned), None, "nothing foreign is left");
    }
}

fn found(path: &[u8]) {
    let Ok(path) = std::str::from_utf8(path) else { return };
    for method in [http::Method::GET, http::Method::POST] {
        let _ = (surface::asked(&method, path), surface::Dialect::of(&method, path, &http::HeaderMap::new()));
    }
}
