//! What the provider answers: decided by the last turn of the conversation, in the same way in every protocol.
//!
//! The last turn is all that came after the assistant's last words. Its text is read line by line; these lines are
//! commands, and all others are passed over:
//!
//! | Line | The answer |
//! |---|---|
//! | `call:NAME {"a":1}` | calls this tool; several lines are parallel calls; without the object, no arguments |
//! | `say TEXT` | says this; several lines are lines of one text |
//! | `think` | begins with signed thinking ([`THOUGHT`]) |
//! | `redact` | begins with thinking that only the provider can read, where the protocol has that |
//! | `length` | stops at the token limit |
//! | `filter` | is stopped by a content filter |
//! | `refuse` | is the model's refusal |
//!
//! Its text is made of, in this order: a line `result NAME: TEXT` for each tool result, with the first 40 characters of
//! its text; a line `image image/png 70 bytes` (or `document`, `audio`) for each medium, or `image at URL`; what `say`
//! says. If that leaves neither text nor calls, it is [prose](text::of_length) of the length that the pace orders,
//! which holds a character of several bytes.
//!
//! A protocol that lacks something leaves it out; what stands for `filter` and `refuse` in each is in the table of
//! [`Stop`]. Where thinking is switched on in a protocol that wants it back in front of tool calls, calls are thought
//! about without being told to.

mod heard;
mod signature;
mod text;

pub(crate) use heard::{Heard, Seen};
pub(crate) use signature::{Issuer, is_issued, is_signed, sign};
pub(crate) use text::{pieces, prompt_tokens};

use crate::usage::Usage;
use crate::wire::Voice;

/// What is thought when thinking is asked for.
pub const THOUGHT: &str = "The points are set — so the train may pass.";
/// What is said in place of an answer.
pub const REFUSAL: &str = "I cannot help with that.";
/// In so many pieces arguments come, where the protocol lets them come in pieces.
const ARGUMENT_PIECES: usize = 3;
const THOUGHT_PIECES: usize = 2;
const RESULT_SHOWN: usize = 40;

/// How a protocol's models speak.
pub(crate) struct Manner {
    pub issuer: Issuer,
    /// What ids of calls begin with.
    pub call_prefix: &'static str,
}

/// An answer before it is put into a protocol. The parts come in the order of the fields.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub thinking: Option<Thinking>,
    /// Thinking in a form that only the provider can read.
    pub redacted: Option<String>,
    pub text: String,
    pub calls: Vec<Call>,
    pub stop: Stop,
    pub usage: Usage,
}

#[derive(Clone, Debug)]
pub(crate) struct Thinking {
    pub text: String,
    /// Wanted back unchanged by the protocols that check it.
    pub signature: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub id: String,
    pub name: String,
    /// JSON as the script had it; empty for none.
    pub arguments: String,
}

/// Why the answer ends.
///
/// | | OpenAI chat | Responses | Anthropic | Gemini | Bedrock | Kiro |
/// |---|---|---|---|---|---|---|
/// | `length` | `length` | incomplete | `max_tokens` | `MAX_TOKENS` | `max_tokens` | `ContentLengthExceededException` |
/// | `filter` | `content_filter` | incomplete | `refusal` | `SAFETY` | `content_filtered` | – |
/// | `refuse` | `refusal` text | refusal part | `refusal`, with details | blocked prompt | `guardrail_intervened` | – |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stop {
    #[default]
    End,
    Tools,
    Length,
    Filter,
    Refusal,
}

impl Thinking {
    pub(crate) fn pieces(&self) -> Vec<&str> {
        text::pieces(&self.text, THOUGHT_PIECES)
    }
}

impl Call {
    /// The arguments as a value; an empty object if there are none, or if they are no JSON.
    pub(crate) fn input(&self) -> serde_json::Value {
        serde_json::from_str(&self.arguments).unwrap_or_else(|_| serde_json::json!({}))
    }

    /// No pieces if there are no arguments.
    pub(crate) fn pieces(&self) -> Vec<&str> {
        text::pieces(&self.arguments, ARGUMENT_PIECES)
    }

    /// The arguments as text that is always JSON if the script's were.
    pub(crate) fn arguments_or_empty(&self) -> &str {
        if self.arguments.is_empty() { "{}" } else { &self.arguments }
    }
}

/// What the commands of a turn come to.
#[derive(Default)]
struct Orders<'a> {
    think: bool,
    redact: bool,
    stop: Stop,
    says: Vec<&'a str>,
    calls: Vec<(&'a str, &'a str)>,
}

impl<'a> Orders<'a> {
    fn read(said: &'a str) -> Self {
        let mut orders = Self::default();
        for line in said.lines().map(str::trim) {
            match line {
                "think" => orders.think = true,
                "redact" => orders.redact = true,
                "length" => orders.stop = Stop::Length,
                "filter" => orders.stop = Stop::Filter,
                "refuse" => orders.stop = Stop::Refusal,
                _ => {
                    if let Some(text) = line.strip_prefix("say ") {
                        orders.says.push(text);
                    } else if let Some(call) = line.strip_prefix("call:") {
                        let (name, arguments) = call.split_once(char::is_whitespace).unwrap_or((call, ""));
                        orders.calls.push((name, arguments.trim()));
                    }
                }
            }
        }
        orders
    }
}

/// The answer to what was heard.
pub(crate) fn answer(heard: &Heard, voice: &Voice<'_>, manner: &Manner) -> Answer {
    let orders = Orders::read(&heard.said);
    let call = |(index, (name, arguments)): (usize, &(&str, &str))| Call {
        id: format!("{}{}{index}", manner.call_prefix, voice.serial),
        name: (*name).to_owned(),
        arguments: (*arguments).to_owned(),
    };
    let calls: Vec<Call> = orders.calls.iter().enumerate().map(call).collect();
    let thinks = orders.think || (heard.thinks_before_calls && !calls.is_empty());
    let stop = match orders.stop {
        Stop::End if !calls.is_empty() => Stop::Tools,
        stop => stop,
    };
    Answer {
        thinking: thinks.then(|| Thinking { text: THOUGHT.into(), signature: sign(manner.issuer, THOUGHT) }),
        redacted: orders.redact.then(|| sign(manner.issuer, "redacted")),
        text: text_of(heard, &orders, voice),
        calls,
        stop,
        usage: Usage::of(thinks, heard.writes_cache),
    }
}

fn text_of(heard: &Heard, orders: &Orders<'_>, voice: &Voice<'_>) -> String {
    if orders.stop == Stop::Refusal {
        return REFUSAL.into();
    }
    let results = heard.results.iter().map(|(name, text)| {
        let shown: String = text.chars().take(RESULT_SHOWN).collect();
        format!("result {name}: {shown}")
    });
    let seen = heard.seen.iter().map(ToString::to_string);
    let says = orders.says.iter().map(ToString::to_string);
    let lines: Vec<String> = results.chain(seen).chain(says).collect();
    match lines.is_empty() && orders.calls.is_empty() {
        true => text::of_length(voice.text_bytes),
        false => lines.join("\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANNER: Manner = Manner { issuer: Issuer::Anthropic, call_prefix: "c_" };

    fn heard(said: &str) -> Heard {
        Heard { said: said.into(), ..Heard::default() }
    }

    fn answer_to(heard: &Heard) -> Answer {
        let voice = Voice { serial: "s", created: 0, fingerprint: "", text_bytes: 64, chunks: 4, models: &[] };
        answer(heard, &voice, &MANNER)
    }

    #[test]
    fn words_that_are_no_commands_get_prose() {
        let answer = answer_to(&heard("Is the line clear? I think: call me."));
        assert_eq!((answer.text.len(), answer.calls.len(), answer.stop), (64, 0, Stop::End));
        assert!(answer.thinking.is_none() && !answer.text.is_ascii());
    }

    #[test]
    fn calls_say_nothing_unless_told_to() {
        let answer = answer_to(&heard("please\n call:one {\"a\": 1}\ncall:two\nthink"));
        let calls: Vec<(&str, &str, &str)> =
            answer.calls.iter().map(|call| (&*call.id, &*call.name, &*call.arguments)).collect();
        assert_eq!(calls, [("c_s0", "one", "{\"a\": 1}"), ("c_s1", "two", "")]);
        assert_eq!((answer.text.as_str(), answer.stop), ("", Stop::Tools));
        assert!(answer.thinking.is_some());
        assert_eq!(answer_to(&heard("say Looking\ncall:one\nlength")).text, "Looking");
        assert_eq!(answer_to(&heard("call:one\nlength")).stop, Stop::Length);
    }

    #[test]
    fn results_and_media_are_told_in_order() {
        let heard = Heard {
            said: "say Done".into(),
            results: vec![("a".into(), "é".repeat(50)), ("b".into(), "ok".into())],
            seen: vec![Seen::inline("image", "image/png", 70)],
            ..Heard::default()
        };
        let expected = format!("result a: {}\nresult b: ok\nimage image/png 70 bytes\nDone", "é".repeat(40));
        assert_eq!(answer_to(&heard).text, expected);
    }

    #[test]
    fn thinking_that_is_wanted_back_comes_before_calls() {
        let calls = Heard { thinks_before_calls: true, ..heard("call:one") };
        assert!(answer_to(&calls).thinking.is_some());
        let text = Heard { thinks_before_calls: true, ..heard("hello") };
        assert!(answer_to(&text).thinking.is_none());
    }
}
