use super::*;
use crate::protocol::neutral::makers::{assistant, text, user};
use crate::protocol::neutral::{Issuer, Media, Signature, Tool, ToolCall, ToolChoice};
use proptest::prelude::*;
use serde_json::json;

const FOLDED: Shape = Shape { system_in_place: false, tool_name: 64, alternate: true };
const IN_PLACE: Shape = Shape { system_in_place: true, tool_name: 64, alternate: false };

fn call(id: &str) -> Part {
    named_call(id, "look")
}

fn named_call(id: &str, name: &str) -> Part {
    Part::ToolCall(ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: String::new(), signature: None })
}

fn result(id: &str, said: &str) -> Part {
    Part::ToolResult { id: id.to_owned(), parts: vec![text(said)], is_error: false }
}

fn stub(id: &str) -> Part {
    result(id, "No result was recorded.")
}

fn system(said: &str) -> Turn {
    Turn { role: Role::System, parts: vec![text(said)] }
}

fn fitted(turns: Vec<Turn>, shape: Shape) -> Vec<Turn> {
    let mut request = Request { turns, ..Request::default() };
    assert_eq!(fit(&mut request, shape), Names::default());
    request.turns
}

#[test]
fn neighbours_of_one_role_become_one_turn() {
    let turns = vec![
        user(vec![text("a")]),
        user(vec![text("b")]),
        assistant(vec![text("c")]),
        assistant(vec![call("1")]),
        user(vec![result("1", "r")]),
        user(vec![text("d")]),
    ];
    let expected = vec![
        user(vec![text("a"), text("b")]),
        assistant(vec![text("c"), call("1")]),
        user(vec![result("1", "r"), text("d")]),
    ];
    assert_eq!(fitted(turns, FOLDED), expected);
}

#[test]
fn results_of_parallel_calls_stand_first_in_the_order_of_the_calls() {
    let turns = vec![
        user(vec![text("a")]),
        assistant(vec![call("1"), call("2"), call("3")]),
        user(vec![text("b"), result("3", "c")]),
        user(vec![result("1", "d")]),
        user(vec![Part::CachePoint { long: false }, result("2", "e")]),
    ];
    let last = fitted(turns, FOLDED).pop().expect("three turns");
    let cache = Part::CachePoint { long: false };
    assert_eq!(last, user(vec![result("1", "d"), result("2", "e"), result("3", "c"), text("b"), cache]));
}

#[test]
fn a_call_that_nobody_answers_gets_a_stub() {
    let asked = || vec![user(vec![text("a")]), assistant(vec![call("1"), call("2")])];
    for (after, expected) in [
        (vec![], vec![user(vec![stub("1"), stub("2")])]),
        (vec![user(vec![text("b")])], vec![user(vec![stub("1"), stub("2"), text("b")])]),
        (vec![user(vec![result("2", "r")])], vec![user(vec![stub("1"), result("2", "r")])]),
        // An answer that comes a turn too late is none.
        (
            vec![user(vec![text("b")]), assistant(vec![text("c")]), user(vec![result("1", "r"), text("d")])],
            vec![user(vec![stub("1"), stub("2"), text("b")]), assistant(vec![text("c")]), user(vec![text("d")])],
        ),
    ] {
        let turns = [asked(), after].concat();
        assert_eq!(fitted(turns, FOLDED), [asked(), expected].concat());
    }
}

#[test]
fn results_that_answer_nothing_are_dropped() {
    let turns = vec![
        user(vec![result("0", "x"), text("a")]),
        assistant(vec![call("1")]),
        user(vec![result("1", "first"), result("1", "second"), result("9", "x")]),
        assistant(vec![text("b")]),
        user(vec![result("1", "again")]),
        assistant(vec![call("2")]),
        user(vec![result("2", "r")]),
    ];
    let expected = vec![
        user(vec![text("a")]),
        assistant(vec![call("1")]),
        user(vec![result("1", "first")]),
        assistant(vec![text("b"), call("2")]),
        user(vec![result("2", "r")]),
    ];
    assert_eq!(fitted(turns, FOLDED), expected);
}

#[test]
fn calls_and_results_of_the_wrong_side_are_dropped() {
    let turns = vec![user(vec![call("1"), text("a")]), assistant(vec![result("1", "x"), text("b")])];
    assert_eq!(fitted(turns, FOLDED), vec![user(vec![text("a")]), assistant(vec![text("b")])]);
}

#[test]
fn blank_texts_and_the_turns_they_leave_empty_are_gone() {
    let turns = vec![
        user(vec![text("a"), text("")]),
        assistant(vec![text(" \n\t"), Part::CachePoint { long: true }]),
        user(vec![text("\u{a0}")]),
        user(vec![text("b")]),
        assistant(vec![Part::Thinking { text: String::new(), signature: None }, Part::Refusal(" ".to_owned())]),
    ];
    let mut request =
        Request { system: vec![text(" "), Part::CachePoint { long: false }], turns, ..Request::default() };
    fit(&mut request, FOLDED);
    assert_eq!(request.turns, vec![user(vec![text("a"), text("b")])]);
    assert_eq!(request.system, vec![]);
}

#[test]
fn blank_texts_of_results_are_gone_and_the_result_stays() {
    let picture = Part::Image(Media::Url("https://example.com/a.png".to_owned()));
    let results = vec![
        result("1", "  "),
        Part::ToolResult { id: "2".to_owned(), parts: vec![text(""), picture.clone()], is_error: true },
    ];
    let turns = vec![user(vec![text("a")]), assistant(vec![call("1"), call("2")]), user(results)];
    let last = fitted(turns, FOLDED).pop().expect("three turns");
    let expected = |id: &str, parts, is_error| Part::ToolResult { id: id.to_owned(), parts, is_error };
    assert_eq!(last, user(vec![expected("1", vec![], false), expected("2", vec![picture], true)]));
}

#[test]
fn thinking_that_is_signed_stays_though_it_is_empty() {
    let signature = Some(Signature { issuer: Issuer::Anthropic, value: "s".to_owned() });
    let thinking = Part::Thinking { text: String::new(), signature };
    let turns = vec![user(vec![text("a")]), assistant(vec![thinking])];
    assert_eq!(fitted(turns.clone(), FOLDED), turns);
}

#[test]
fn the_user_speaks_first() {
    let opening = user(vec![text("Continue.")]);
    let answered = vec![assistant(vec![text("a")]), user(vec![text("b")])];
    assert_eq!(fitted(answered.clone(), FOLDED), [vec![opening.clone()], answered.clone()].concat());
    assert_eq!(fitted(answered.clone(), IN_PLACE), answered);
    assert_eq!(fitted(vec![], FOLDED), vec![opening]);
    assert_eq!(fitted(vec![], IN_PLACE), vec![]);
}

#[test]
fn instructions_in_the_middle_are_said_by_the_user() {
    let turns = vec![
        user(vec![text("a")]),
        assistant(vec![call("1")]),
        system("be brief"),
        user(vec![result("1", "r"), text("b")]),
        assistant(vec![text("c")]),
        system("be kind"),
    ];
    let expected = vec![
        user(vec![text("a")]),
        assistant(vec![call("1")]),
        user(vec![result("1", "r"), text("<system>be brief</system>"), text("b")]),
        assistant(vec![text("c")]),
        user(vec![text("<system>be kind</system>")]),
    ];
    assert_eq!(fitted(turns, FOLDED), expected);
}

#[test]
fn instructions_in_place_do_not_come_between_call_and_result() {
    let turns = vec![
        system("start"),
        user(vec![text("a")]),
        assistant(vec![call("1"), call("2")]),
        user(vec![result("2", "s")]),
        system("be brief"),
        user(vec![result("1", "r"), text("b")]),
        assistant(vec![call("3")]),
        system("be kind"),
        user(vec![text("c")]),
    ];
    let expected = vec![
        system("start"),
        user(vec![text("a")]),
        assistant(vec![call("1"), call("2")]),
        user(vec![result("1", "r"), result("2", "s")]),
        system("be brief"),
        user(vec![text("b")]),
        assistant(vec![call("3")]),
        user(vec![stub("3")]),
        system("be kind"),
        user(vec![text("c")]),
    ];
    assert_eq!(fitted(turns, IN_PLACE), expected);
}

#[test]
fn ids_that_no_provider_takes_are_hashed_alike_in_calls_and_results() {
    let odd = "fc:1/é";
    let turns = vec![user(vec![text("a")]), assistant(vec![call(odd)]), user(vec![result(odd, "r")])];
    let turns = fitted(turns, FOLDED);
    // SHA-256 by coreutils.
    let id = "call_67a4784753e2bd8936b77178";
    assert_eq!(turns[1], assistant(vec![call(id)]));
    assert_eq!(turns[2], user(vec![result(id, "r")]));
}

#[test]
fn an_id_that_is_used_again_becomes_another() {
    let turn = || vec![assistant(vec![call("0"), call("0")]), user(vec![result("0", "a"), result("0", "b")])];
    let turns = fitted([turn(), turn()].concat(), FOLDED);
    let ids = |turn: &Turn| -> Vec<String> {
        let id = |part: &Part| match part {
            Part::ToolCall(call) => call.id.clone(),
            Part::ToolResult { id, .. } => id.clone(),
            other => panic!("{other:?}"),
        };
        turn.parts.iter().map(id).collect()
    };
    let first = ids(&turns[1]);
    assert_eq!((first[0].as_str(), ids(&turns[2])), ("0", first.clone()));
    assert_eq!(ids(&turns[4]), ids(&turns[3]));
    let all: std::collections::HashSet<_> = [first, ids(&turns[3])].concat().into_iter().collect();
    assert_eq!(all.len(), 4);
    assert_eq!(turns[2].parts[1], result(&ids(&turns[1])[1], "b"));
}

#[test]
fn names_are_shortened_everywhere_and_found_again() {
    let long = "mcp__".to_owned() + &"x".repeat(80);
    let tool = |name: &str| Tool {
        name: name.to_owned(),
        description: None,
        schema: json!({}),
        strict: None,
        custom: false,
        cache: None,
    };
    let mut request = Request {
        tools: vec![tool(&long), tool("files.read"), tool("fine-1_A")],
        turns: vec![assistant(vec![named_call("1", &long), named_call("2", "fine-1_A")])],
        tool_choice: Some(ToolChoice::Among { names: vec![long.clone(), "files.read".to_owned()], required: true }),
        ..Request::default()
    };
    let names = fit(&mut request, Shape { tool_name: 63, ..FOLDED });
    let tools: Vec<&str> = request.tools.iter().map(|tool| tool.name.as_str()).collect();
    // SHA-256 by coreutils.
    let short = format!("mcp__{}_6473cc20", "x".repeat(49));
    assert_eq!(tools, [short.as_str(), "files_read_601e4eb6", "fine-1_A"]);
    assert_eq!(short.len(), 63);
    assert_eq!(request.turns[1].parts[0], named_call("1", &short));
    let chosen = vec![short.clone(), "files_read_601e4eb6".to_owned()];
    assert_eq!(request.tool_choice, Some(ToolChoice::Among { names: chosen, required: true }));
    for (name, original) in
        [(short.as_str(), long.as_str()), ("files_read_601e4eb6", "files.read"), ("fine-1_A", "fine-1_A"), ("?", "?")]
    {
        assert_eq!(names.original(name), original);
    }

    request.tool_choice = Some(ToolChoice::One(long));
    fit(&mut request, Shape { tool_name: 63, ..FOLDED });
    assert_eq!(request.tool_choice, Some(ToolChoice::One(short)));
}

fn any_id() -> impl Strategy<Value = String> {
    prop_oneof!["[ab]", "[ab]", Just(String::new()), Just("a b".to_owned()), Just("x".repeat(65))]
}

fn any_part() -> impl Strategy<Value = Part> {
    // Letters of their own, so that what `fit` adds is told from what was there.
    let words = prop_oneof!["[ \n]{0,2}", "[0-9]{1,3}", "[0-9]{1,3}"];
    let name = prop_oneof![Just("look".to_owned()), "[a-zé.]{1,30}"];
    prop_oneof![
        words.clone().prop_map(Part::Text),
        words.clone().prop_map(Part::Text),
        words.clone().prop_map(Part::Refusal),
        words.clone().prop_map(|text| Part::Thinking { text, signature: None }),
        any::<bool>().prop_map(|long| Part::CachePoint { long }),
        (any_id(), name).prop_map(|(id, name)| named_call(&id, &name)),
        (any_id(), words).prop_map(|(id, said)| result(&id, &said)),
    ]
}

fn any_request() -> impl Strategy<Value = Request> {
    let role = prop_oneof![
        Just(Role::User),
        Just(Role::Assistant),
        Just(Role::User),
        Just(Role::Assistant),
        Just(Role::System)
    ];
    let turn = (role, prop::collection::vec(any_part(), 0..5)).prop_map(|(role, parts)| Turn { role, parts });
    let system = prop::collection::vec(any_part().prop_filter("text", |p| matches!(p, Part::Text(_))), 0..3);
    (system, prop::collection::vec(turn, 0..10)).prop_map(|(system, turns)| Request {
        system,
        turns,
        ..Request::default()
    })
}

fn any_shape() -> impl Strategy<Value = Shape> {
    (any::<bool>(), 10_usize..40, any::<bool>()).prop_map(|(system_in_place, tool_name, alternate)| Shape {
        system_in_place,
        tool_name,
        alternate,
    })
}

/// The digits of everything that was said outside results, in order.
fn said(turns: &[Turn]) -> String {
    let parts = turns.iter().flat_map(|turn| &turn.parts);
    let texts = parts.filter_map(|part| match part {
        Part::Text(text) | Part::Refusal(text) | Part::Thinking { text, .. } => Some(text.as_str()),
        _ => None,
    });
    texts.flat_map(str::chars).filter(char::is_ascii_digit).collect()
}

proptest! {
    #[test]
    fn fitting_twice_is_fitting_once(mut request in any_request(), shape in any_shape()) {
        fit(&mut request, shape);
        let once = request.clone();
        prop_assert_eq!(fit(&mut request, shape), Names::default());
        prop_assert_eq!(request, once);
    }

    #[test]
    fn roles_alternate(mut request in any_request(), mut shape in any_shape()) {
        shape.system_in_place = false;
        fit(&mut request, shape);
        for (index, pair) in request.turns.windows(2).enumerate() {
            prop_assert_ne!(pair[0].role, pair[1].role, "{}", index);
        }
        prop_assert!(request.turns.iter().all(|turn| turn.role != Role::System && !turn.parts.is_empty()));
        if shape.alternate {
            prop_assert_eq!(request.turns[0].role, Role::User);
        }
    }

    #[test]
    fn every_call_is_answered_once_in_the_next_turn(mut request in any_request(), shape in any_shape()) {
        fit(&mut request, shape);
        let mut waiting: Vec<String> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for turn in &request.turns {
            let answered: Vec<String> = turn.parts.iter().map_while(|part| match part {
                Part::ToolResult { id, .. } => Some(id.clone()),
                _ => None,
            }).collect();
            prop_assert_eq!(&answered, &waiting);
            let later = turn.parts[answered.len()..].iter().any(|part| matches!(part, Part::ToolResult { .. }));
            prop_assert!(!later, "results stand first");
            waiting.clear();
            for part in &turn.parts {
                let Part::ToolCall(call) = part else { continue };
                prop_assert!(turn.role == Role::Assistant && call.name.len() <= shape.tool_name);
                prop_assert!(call.id.len() <= 64 && seen.insert(call.id.clone()), "{} is used twice", call.id);
                waiting.push(call.id.clone());
            }
        }
        prop_assert!(waiting.is_empty());
    }

    #[test]
    fn what_was_said_is_said_in_the_same_order(mut request in any_request(), shape in any_shape()) {
        let (system, before) = (said(&[user(request.system.clone())]), said(&request.turns));
        fit(&mut request, shape);
        prop_assert_eq!(said(&request.turns), before);
        prop_assert_eq!(said(&[user(request.system)]), system);
    }
}
