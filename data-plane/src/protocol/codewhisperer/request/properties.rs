use super::tests::{asked, png, result, specifications, state};
use crate::protocol::neutral::makers::{call, text, user};
use crate::protocol::neutral::{Part, Request, Role, Turn};
use crate::protocol::shape::{self, Shape};
use proptest::prelude::*;
use serde_json::Value;

const SHAPE: Shape = Shape { system_in_place: false, tool_name: 63, alternate: true };

fn any_part() -> impl Strategy<Value = Part> {
    let id = "[ab]";
    prop_oneof![
        "[ a-z\"\\\\é]{0,6}".prop_map(Part::Text),
        "[a-z]{0,3}".prop_map(Part::Refusal),
        Just(png("AAAA")),
        "[a-z]{0,3}".prop_map(|text| Part::Thinking { text, signature: None }),
        (id, "[a-zé]{1,4}").prop_map(|(id, name)| call(&id, &name, "{\"x\":1}")),
        (id, "[ a-z]{0,3}").prop_map(|(id, said)| result(&id, vec![text(&said)])),
        any::<bool>().prop_map(|long| Part::CachePoint { long }),
    ]
}

fn any_request() -> impl Strategy<Value = Request> {
    let role = prop::sample::select(vec![Role::User, Role::Assistant, Role::System]);
    let parts =
        prop::collection::vec(any_part().prop_filter("images are the user's", |p| !matches!(p, Part::Image(_))), 0..4);
    let turn = (role, parts).prop_map(|(role, parts)| Turn { role, parts });
    let images = prop::collection::vec(any_part(), 1..4).prop_map(user);
    let turns = prop::collection::vec(prop_oneof![turn, images], 0..8);
    (prop::collection::vec("[a-z ]{0,5}".prop_map(Part::Text), 0..2), turns).prop_map(|(system, turns)| Request {
        system,
        turns,
        ..Request::default()
    })
}

proptest! {
    /// The upstream's own rules, each of which it answers with "Improperly formed request."
    #[test]
    fn every_fitted_request_is_properly_formed(mut request in any_request()) {
        shape::fit(&mut request, SHAPE);
        let state = state(&request);
        let mut messages = state["history"].as_array().cloned().unwrap_or_default();
        messages.push(state["currentMessage"].clone());
        let mut waiting: Vec<Value> = Vec::new();
        let tools = specifications(&request);
        for (index, message) in messages.iter().enumerate() {
            if index % 2 == 0 {
                let said = &message["userInputMessage"];
                let results = said["userInputMessageContext"]["toolResults"].as_array().cloned().unwrap_or_default();
                prop_assert!(!results.is_empty() || said["content"] != "");
                let answered: Vec<Value> = results.iter().map(|result| result["toolUseId"].clone()).collect();
                prop_assert_eq!(&answered, &std::mem::take(&mut waiting));
            } else {
                let answered = &message["assistantResponseMessage"];
                prop_assert_ne!(&answered["content"], "");
                for call in answered["toolUses"].as_array().into_iter().flatten() {
                    waiting.push(call["toolUseId"].clone());
                    let name = call["name"].as_str().expect("a name");
                    let known = |tool: &Value| tool["name"].as_str().is_some_and(|n| n.eq_ignore_ascii_case(name));
                    prop_assert!(tools.iter().any(known), "{} has no specification", name);
                }
            }
        }
        prop_assert_eq!(messages.len() % 2, 1);
    }

    #[test]
    fn every_word_is_carried(said in prop::collection::vec("\\PC{1,20}", 1..6)) {
        let turns = said.iter().enumerate().map(|(index, words)| Turn {
            role: if index % 2 == 0 { Role::User } else { Role::Assistant },
            parts: vec![text(words)],
        });
        let state = state(&asked(turns.collect()));
        let mut messages = state["history"].as_array().cloned().unwrap_or_default();
        messages.push(state["currentMessage"].clone());
        for (message, words) in messages.iter().zip(&said) {
            let content = &message.as_object().and_then(|m| m.values().next()).expect("one member")["content"];
            prop_assert_eq!(content, words);
        }
    }
}
