//! A provider's whole reply is translated or refused; what a client gets is valid JSON that its own dialect's reader reads.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pointsman_data_plane::protocol::{
    anthropic, bedrock,
    embeddings::{self, Asked},
    gemini,
    neutral::Broken,
    translate::{ClientForm, ProviderForm, Translated},
};
use pointsman_fuzz::{assert_json, choices, framing, sides};
use pointsman_proto::domain::Protocol;

fuzz_target!(|input: &[u8]| {
    let Some(([provider, client], body)) = choices(input) else { return };
    match provider {
        b'a'..=b'f' => {
            let provider = sides::READERS[usize::from(provider - b'a')];
            let framed = (provider == ProviderForm::Assist).then(|| framing::of_lines(body));
            translated(provider, sides::CLIENTS[usize::from(client) % 5], client, framed.as_deref().unwrap_or(body));
        }
        b'g' => embedded(Protocol::Gemini, body),
        b'h' => embedded(Protocol::Bedrock, body),
        b'i' => {
            let _ = (anthropic::tokens::count(body), gemini::tokens::count(body), bedrock::tokens::count(body));
        }
        _ => {}
    }
});

fn translated(provider: ProviderForm, client: ClientForm, flags: u8, body: &[u8]) {
    let translation = sides::translation(client, provider, false, flags & 32 != 0, flags & 64 != 0);
    let Ok(Translated { body: Some(reply), .. }) = translation.reply(body) else { return };
    assert_json("the reply", &reply);
    let Some(reader) = sides::reader_of(client) else { return };
    // That a call could not be parsed, and that there was no telling of it but as an error, are replies as well.
    let again = sides::translation(client, reader, false, false, false).reply(&reply);
    let is_read = matches!(again, Ok(_) | Err(Broken::Told(_)));
    assert!(is_read, "{reader:?} does not read {}: {again:?}", String::from_utf8_lossy(&reply));
}

fn embedded(protocol: Protocol, body: &[u8]) {
    let inputs = vec!["hello".into()];
    let asked = Asked { inputs, dimensions: None, base64: body.len() % 2 == 0, dropped: Vec::new() };
    if let Ok(Translated { body: Some(reply), .. }) = embeddings::reply(&asked, protocol, "m", body) {
        assert_json("the embeddings' reply", &reply);
    }
}
