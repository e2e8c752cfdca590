//! A provider's stream is translated for any client the same however it is cut. What a reader tells keeps to the grammar
//! of neutral events. What a client gets is of its dialect; it looks complete to that dialect's reader if, and only if,
//! the provider's was.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pointsman_data_plane::protocol::{
    anthropic, bedrock, codewhisperer, frames, gemini,
    neutral::{Broken, Class, Context, Event, Fault},
    openai, openai_responses, sse,
    translate::{ClientForm, ProviderForm, Translation},
};
use pointsman_fuzz::{assert_json, choices, cuts, framing, grammar::Grammar, sides};

/// What a client has been sent, and how the stream ended.
#[derive(Debug, PartialEq)]
struct Sent {
    bytes: Vec<u8>,
    result: Result<(), Broken>,
    begun: bool,
    ended: bool,
}

fuzz_target!(|input: &[u8]| {
    let Some(([provider, client, flags, seed], text)) = choices(input) else { return };
    let provider = sides::READERS[usize::from(provider) % sides::READERS.len()];
    let client = sides::CLIENTS[usize::from(client) % sides::CLIENTS.len()];
    let framed = match provider {
        ProviderForm::Converse | ProviderForm::Assist if flags & 4 != 0 => framing::of_lengths(text).concat(),
        ProviderForm::Converse | ProviderForm::Assist => framing::of_lines(text),
        _ => text.to_vec(),
    };
    keeps_to_the_grammar(provider, &framed, flags & 1 != 0);
    let translation = || sides::translation(client, provider, true, flags & 1 != 0, flags & 2 != 0);
    let whole = sent(translation(), &[&framed]);
    assert_eq!(sent(translation(), &cuts::pieces(&framed, seed)), whole, "cut otherwise");
    is_of_its_dialect(client, &whole);
});

/// As the relay does it.
fn sent(translation: Translation, pieces: &[&[u8]]) -> Sent {
    let (mut streamer, mut bytes) = (translation.streamer(), Vec::new());
    let mut result = Ok(());
    for piece in pieces {
        if result.is_ok() && !streamer.has_ended() {
            result = streamer.feed(piece);
            bytes.extend(streamer.take().into_iter().flatten());
        }
    }
    if result.is_ok() && !streamer.has_ended() {
        result = streamer.finish();
        assert!(result.is_err() || streamer.has_ended(), "a stream that is not whole is an error");
    }
    let (begun, ended) = (streamer.has_begun(), streamer.has_ended());
    if result.is_err() {
        streamer.fail(&fault());
    }
    bytes.extend(streamer.take().into_iter().flatten());
    assert!(streamer.is_drained(), "everything has been taken");
    Sent { bytes, result, begun, ended }
}

fn fault() -> Fault {
    let message = "the upstream \"broke\" off".to_owned();
    Fault { class: Class::Failed, message, field: None, code: Some("stream_broken_off"), request_id: "req_1".into() }
}

fn is_of_its_dialect(client: ClientForm, sent: &Sent) {
    let mut reader = sse::Reader::default();
    let mut check = |event: sse::Event<'_>| {
        if event.data != "[DONE]" {
            assert_json("an event", event.data.as_bytes());
        }
        Ok::<(), sse::TooLong>(())
    };
    reader.feed(&sent.bytes, &mut check).expect("it is short");
    reader.finish(&mut check).expect("it is short");
    let Some(reader) = sides::reader_of(client) else { return };
    let mut again = sides::translation(client, reader, true, false, false).streamer();
    let result = again.feed(&sent.bytes).and_then(|()| again.finish());
    let text = String::from_utf8_lossy(&sent.bytes);
    assert_eq!(result.is_ok(), sent.ended, "{:?} was sent as {text}, which reads as {result:?}", sent.result);
}

fn keeps_to_the_grammar(provider: ProviderForm, bytes: &[u8], tags: bool) {
    let context = Context { model: "m".into(), created: 1, include_usage: true, custom_tools: Vec::new() };
    let mut grammar = Grammar::default();
    let mut take = |event: Event<'_>| grammar.check(&event);
    macro_rules! events {
        ($reader:expr) => {{
            let (mut cutter, mut reader) = (sse::Reader::default(), $reader);
            cutter
                .feed(bytes, |event| reader.read(event, &mut take))
                .and_then(|()| cutter.finish(|event| reader.read(event, &mut take)))
                .and_then(|()| reader.finish(&mut take))
        }};
    }
    macro_rules! frames {
        ($reader:expr) => {{
            let (mut cutter, mut reader) = (frames::Reader::default(), $reader);
            cutter.feed(bytes, |frame| reader.read(&frame, &mut take)).and_then(|()| reader.finish(&mut take))
        }};
    }
    let result = match provider {
        ProviderForm::Chat(_) => events!(openai::stream::Reader::new(&context)),
        ProviderForm::Responses => events!(openai_responses::stream::Reader::new(&context)),
        ProviderForm::Messages => events!(anthropic::stream::Reader::new(&context)),
        ProviderForm::Generate => events!(gemini::stream::Reader::new(&context)),
        ProviderForm::Converse => frames!(bedrock::stream::Reader::new(&context)),
        ProviderForm::Assist => frames!(codewhisperer::stream::Reader::new(&context, tags)),
    };
    assert!(result.is_err() || grammar.ended, "a whole stream has its end");
}
