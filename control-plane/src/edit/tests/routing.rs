//! Rules, and what models, providers and virtual keys say about routing.

use super::*;

fn rule(name: &str, model: &str, fallbacks: &[&str]) -> v1::Rule {
    let fallbacks = fallbacks.iter().map(|name| (*name).into()).collect();
    v1::Rule { fallbacks, ..super::rule(name, model) }
}

/// A model `m` with the alias `also`.
fn desk() -> Desk {
    let mut desk = Desk::furnished();
    desk.make(update(v1::Model { name: "m".into(), aliases: vec!["also".into()], ..Default::default() }));
    desk
}

fn changed(desk: &Desk, id: &Id) -> v1::Rule {
    let record = desk.now.tables.get(id).expect("it is there");
    v1::Rule::try_from(record.body.clone()).expect("a rule")
}

#[test]
fn a_rule_keeps_its_models() {
    let mut desk = desk();
    desk.make(Edit::Create(model("spare", &[("p", 1.0)])));
    desk.make(Edit::Create(rule("r", "also", &["spare"]).into()));
    for name in ["m", "spare"] {
        let refused = desk.attempt(&delete(Id::Model(name.into()))).expect_err("it is used");
        assert_eq!(refused.to_string(), format!("model {name} is used by rule r"));
    }
    // Nor may an alias go that a rule names.
    let mask = Selection::from_paths(Some(vec!["aliases".into()]));
    let without = v1::Model { name: "m".into(), ..Default::default() };
    let edit = Edit::Update { body: without.into(), selection: mask, allow_missing: false };
    assert_eq!(desk.refused(&edit), ["rules[\"r\"].model"]);
    desk.make(delete(Id::Rule("r".into())));
    desk.make(delete(Id::Model("spare".into())));
}

#[test]
fn what_a_rule_refers_to_must_be_there() {
    let desk = desk();
    let create = |rule: v1::Rule| Edit::Create(rule.into());
    let told = |rule: v1::Rule| desk.attempt(&create(rule)).expect_err("it is not valid").to_string();
    assert_eq!(
        told(rule("r", "gone", &["m", "nor"])),
        "rules[\"r\"].fallbacks[1]: there is no model \"nor\"; rules[\"r\"].model: there is no model \"gone\""
    );
    assert_eq!(told(rule("r", "m", &["m"])), "rules[\"r\"].fallbacks[0]: go round in a circle: m → m");
    assert_eq!(
        told(rule("r", "also", &["m"])),
        "rules[\"r\"].fallbacks[0]: go round in a circle: also → m, which is the same model"
    );
}

#[test]
fn the_fallbacks_of_a_rule_do_not_lead_back_to_its_model_whichever_is_edited() {
    let mut desk = desk();
    desk.make(Edit::Create(model("spare", &[("p", 1.0)])));
    desk.make(Edit::Create(rule("r", "also", &["spare"]).into()));
    let back = || update(v1::Model { name: "spare".into(), fallbacks: vec!["m".into()], ..Default::default() });
    let circle = "rules[\"r\"].fallbacks: go round in a circle: m → spare → m";
    assert_eq!(desk.attempt(&back()).expect_err("it is a circle").to_string(), circle);
    desk.make(delete(Id::Rule("r".into())));
    desk.make(back());
    let again = Edit::Create(rule("r", "also", &["spare"]).into());
    assert_eq!(desk.attempt(&again).expect_err("it is a circle").to_string(), circle);
}

#[test]
fn a_fallback_is_listed_once() {
    let mut desk = desk();
    desk.make(Edit::Create(model("spare", &[("p", 1.0)])));
    let told = |config: Config| desk.attempt(&apply_all(config, false)).expect_err("it is not valid").to_string();
    let of_rule =
        |fallbacks: &[&str]| told(Config { rules: vec![rule("r", "spare", fallbacks)], ..Default::default() });
    assert_eq!(of_rule(&["m", "m"]), "rules[\"r\"].fallbacks[1]: \"m\" is listed twice");
    assert_eq!(
        of_rule(&["m", "also"]),
        "rules[\"r\"].fallbacks[1]: also is the same model as m, which is listed before"
    );
    let fallbacks = vec!["also".into(), "m".into()];
    let spare = v1::Model { fallbacks, ..v1::Model::try_from(model("spare", &[("p", 1.0)])).expect("a model") };
    assert_eq!(
        told(Config { models: vec![spare], ..Default::default() }),
        "models[\"spare\"].fallbacks[1]: m is the same model as also, which is listed before"
    );
}

#[test]
fn bad_input_is_named_with_what_is_allowed() {
    let mut desk = desk();
    desk.make(Edit::Create(rule("r", "m", &[]).into()));
    let line = |price| v1::Backend { provider: "p".into(), price: Some(price), ..Default::default() };
    let wrong = v1::Model {
        name: "m".into(),
        strategy: "fastest".into(),
        backends: vec![line(v1::Price { input: -1.0, ..Default::default() })],
        ..Default::default()
    };
    // Those that refer to the model are not called wrong as well.
    let told = desk.attempt(&update(wrong)).expect_err("it is not valid").to_string();
    assert_eq!(
        told,
        "models[\"m\"].backends[0].price.input: must be from 0 to 1000000 per million tokens, found -1; \
         models[\"m\"].strategy: allowed: weighted_random, random, round_robin, weighted_round_robin, least_connections, \
         least_latency, health_based, adaptive, geographic, failover, single, cheapest, auto; found \"fastest\""
    );
}

#[test]
fn an_update_reaches_into_parts_and_leaves_absent_ones_absent() {
    let mut desk = desk();
    let id = Id::Rule("r".into());
    let first = v1::Rule {
        preferences: Some(v1::Preferences { region: "eu".into(), ..Default::default() }),
        ..rule("r", "m", &[])
    };
    desk.make(Edit::Create(first.into()));
    let when = v1::Condition { stream: Some(true), ..Default::default() };
    desk.make(update(v1::Rule { name: "r".into(), when: Some(when.clone()), ..Default::default() }));
    let now = changed(&desk, &id);
    assert_eq!((now.when.as_ref(), now.preferences.as_ref().map(|p| p.region.as_str())), (Some(&when), Some("eu")));
    let mask = |paths: &[&str]| Selection::from_paths(Some(paths.iter().map(|path| (*path).into()).collect()));
    let bare = || Body::from(v1::Rule { name: "r".into(), ..Default::default() });
    let selection = mask(&["when.stream", "preferences.region"]);
    desk.make(Edit::Update { body: bare(), selection, allow_missing: false });
    let now = changed(&desk, &id);
    assert_eq!((now.when, now.preferences), (None, None));
    assert_eq!(
        desk.refused(&Edit::Update { body: bare(), selection: mask(&["when.colour"]), allow_missing: false }),
        ["update_mask"]
    );
}

#[test]
fn a_part_whose_presence_counts_is_neither_made_nor_lost_in_passing() {
    let mut desk = desk();
    let affinity = |desk: &Desk| {
        let models = desk.now.tables.models();
        models.into_iter().find(|model| model.name == "m").and_then(|model| model.affinity.clone())
    };
    let bare = || v1::Model { name: "m".into(), ..Default::default() };
    desk.make(update(v1::Model { strategy: "auto".into(), ..bare() }));
    assert_eq!(affinity(&desk), None);
    desk.make(update(v1::Model { affinity: Some(v1::Affinity::default()), ..bare() }));
    assert_eq!(affinity(&desk), Some(v1::Affinity::default()));
    desk.make(update(v1::Model { headroom: true, ..bare() }));
    assert_eq!(affinity(&desk), Some(v1::Affinity::default()));
    let selection = Selection::from_paths(Some(vec!["affinity".into()]));
    desk.make(Edit::Update { body: bare().into(), selection, allow_missing: false });
    assert_eq!(affinity(&desk), None);
}

#[test]
fn rules_are_applied_pruned_and_rolled_back_with_the_rest() {
    let mut desk = desk();
    let config = || Config { rules: vec![rule("a", "m", &[]), rule("b", "m", &[])], ..Default::default() };
    assert_eq!(desk.make(apply_all(config(), false)).summary, "apply: 2 created, 0 updated, 0 deleted");
    assert!(desk.make(apply_all(config(), false)).changes.is_empty());
    let version = desk.version;
    let kept = Config {
        rules: vec![rule("a", "m", &[])],
        models: desk.now.tables.models().cloned().collect(),
        providers: vec![v1::Provider::try_from(provider("p")).expect("a provider")],
        keys: vec![v1::Key { provider: "p".into(), name: "k".into(), ..Default::default() }],
        ..Default::default()
    };
    assert_eq!(desk.make(apply_all(kept, true)).changes.len(), 1);
    assert!(!desk.now.tables.contains(&Id::Rule("b".into())));
    desk.roll_back(version);
    assert_eq!(changed(&desk, &Id::Rule("b".into())).model, "m");
    let twice = Config { rules: vec![rule("a", "m", &[]), rule("a", "m", &[])], ..Default::default() };
    assert_eq!(desk.refused(&apply_all(twice, false)), ["rules[\"a\"]"]);
}
