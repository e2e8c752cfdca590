mod routing;

use super::*;
use crate::secrets::MasterKey;
use pointsman_proto::admin::v1;
use proptest::prelude::*;
use secrecy::ExposeSecret;

/// A configuration that edits are made to, one version each.
struct Desk {
    vault: Vault,
    sources: Sources,
    version: u64,
    now: Configuration,
    history: Vec<(u64, Vec<Change>)>,
}

impl Desk {
    fn new() -> Self {
        let (vault, _) = Vault::create(&MasterKey::generate());
        let now = Configuration::check(Tables::default()).expect("the defaults are valid");
        Self { vault, sources: Sources::default(), version: 1, now, history: Vec::new() }
    }

    /// A provider `p` with a key `k`, and a model `m` that uses it.
    fn furnished() -> Self {
        let mut desk = Self::new();
        desk.make(Edit::Create(provider("p")));
        desk.make(Edit::Create(key("p", "k", "sk-0123456789abcdef")));
        desk.make(Edit::Create(model("m", &[("p", 1.0)])));
        desk
    }

    fn attempt(&self, edit: &Edit) -> Result<Outcome, EditError> {
        let context = Context { vault: &self.vault, sources: &self.sources, version: self.version + 1 };
        apply(&self.now, edit, &context)
    }

    fn make(&mut self, edit: Edit) -> Outcome {
        let outcome = self.attempt(&edit).expect("the edit is good");
        if !outcome.changes.is_empty() {
            self.version += 1;
            self.history.push((self.version, outcome.changes.clone()));
        }
        self.now = outcome.configuration.clone();
        outcome
    }

    fn roll_back(&mut self, version: u64) -> Outcome {
        let newer = self.history.iter().rev().filter(|(v, _)| *v > version);
        let undone = newer.flat_map(|(_, changes)| changes.clone()).collect();
        self.make(Edit::Rollback { version, undone })
    }

    fn refused(&self, edit: &Edit) -> Vec<String> {
        match self.attempt(edit) {
            Err(EditError::Invalid(violations)) => violations.into_iter().map(|v| v.field).collect(),
            other => panic!("it should be invalid: {other:?}"),
        }
    }

    fn key(&self) -> v1::Key {
        let id = Id::Key("p".into(), "k".into());
        self.now.tables.get(&id).and_then(|r| r.key()).expect("it is there").clone()
    }

    fn secret(&self) -> String {
        let record = self.now.tables.get(&Id::Key("p".into(), "k".into())).expect("it is there");
        self.vault.unseal("p", "k", &record.hidden).expect("it opens").expose_secret().to_owned()
    }
}

fn provider(name: &str) -> Body {
    v1::Provider { name: name.into(), base_url: "https://api.example.com/v1".into(), ..Default::default() }.into()
}

fn key(provider: &str, name: &str, secret: &str) -> Body {
    let source = Some(v1::key::Source::Secret(secret.into()));
    v1::Key { provider: provider.into(), name: name.into(), source, ..Default::default() }.into()
}

fn model(name: &str, lines: &[(&str, f64)]) -> Body {
    let line = |(provider, w): &(&str, f64)| v1::Backend {
        provider: (*provider).into(),
        weight: Some(*w),
        ..Default::default()
    };
    v1::Model { name: name.into(), backends: lines.iter().map(line).collect(), ..Default::default() }.into()
}

fn rule(name: &str, model: &str) -> v1::Rule {
    v1::Rule { name: name.into(), class: "default".into(), model: model.into(), ..Default::default() }
}

fn update(body: impl Into<Body>) -> Edit {
    Edit::Update { body: body.into(), selection: Selection::Populated, allow_missing: false }
}

fn delete(id: Id) -> Edit {
    Edit::Delete { id, etag: String::new(), allow_missing: false }
}

fn apply_all(config: Config, prune: bool) -> Edit {
    Edit::Apply { config, prune, allow_empty: false }
}

#[test]
fn every_violation_of_the_result_is_named_by_its_path() {
    let desk = Desk::furnished();
    let mut config = Config::default();
    config.providers.push(v1::Provider { name: "q".into(), base_url: "ftp://q".into(), ..Default::default() });
    config.keys.push(v1::Key { provider: "q".into(), name: "k".into(), ..Default::default() });
    let lines = [("p", 1.0), ("gone", -1.0)];
    config.models.extend(v1::Model::try_from(model("gpt-4", &lines)).ok());
    config.models.push(v1::Model { aliases: vec!["m".into()], ..config.models[0].clone() });
    let fields = desk.refused(&apply_all(config, false));
    assert_eq!(
        fields,
        [
            "keys[\"q/k\"]",
            "models[\"gpt-4\"]",
            "models[\"gpt-4\"].backends[1].provider",
            "models[\"gpt-4\"].backends[1].weight",
            "providers[\"q\"].base_url"
        ]
    );
}

#[test]
fn two_models_cannot_share_a_name() {
    let mut desk = Desk::furnished();
    let alias = |name: &str, alias: &str| v1::Model {
        aliases: vec![alias.into()],
        ..v1::Model::try_from(model(name, &[("p", 1.0)])).expect("a model")
    };
    assert_eq!(desk.refused(&Edit::Create(alias("n", "m").into())), ["models[\"n\"].aliases[0]"]);
    desk.make(Edit::Create(alias("n", "other").into()));
    assert_eq!(desk.refused(&Edit::Create(model("other", &[("p", 1.0)]))), ["models[\"other\"].name"]);
    // An alias may move from one model to another in a single edit.
    let config = Config { models: vec![alias("m", "other"), alias("n", "free")], ..Default::default() };
    desk.make(apply_all(config, false));
    assert_eq!(desk.refused(&update(alias("n", "other"))), ["models[\"n\"].aliases[0]"]);
}

#[test]
fn what_is_in_use_cannot_be_deleted() {
    let mut desk = Desk::furnished();
    let refused = desk.attempt(&delete(Id::Provider("p".into()))).expect_err("it is used");
    assert_eq!(refused.to_string(), "provider p is used by key p/k, model m");
    desk.make(delete(Id::Model("m".into())));
    desk.make(delete(Id::Key("p".into(), "k".into())));
    desk.make(delete(Id::Provider("p".into())));
    let missing = desk.attempt(&delete(Id::Provider("p".into())));
    assert!(matches!(missing, Err(EditError::NotFound(_))));
}

#[test]
fn a_fallback_keeps_its_model() {
    let mut desk = Desk::furnished();
    let n = v1::Model { fallbacks: vec!["m".into()], ..v1::Model::try_from(model("n", &[("p", 1.0)])).expect("one") };
    desk.make(Edit::Create(n.into()));
    let refused = desk.attempt(&delete(Id::Model("m".into()))).expect_err("it is used");
    assert_eq!(refused.to_string(), "model m is used by model n");
    let circle = v1::Model { name: "m".into(), fallbacks: vec!["n".into()], ..Default::default() };
    assert_eq!(desk.refused(&update(circle)), ["models[\"m\"].fallbacks"]);
}

#[test]
fn an_edit_that_changes_nothing_is_none() {
    let mut desk = Desk::furnished();
    let said_aloud = v1::Provider {
        enabled: Some(true),
        timeouts: Some(v1::Timeouts::default()),
        ..v1::Provider::try_from(provider("p")).expect("a provider")
    };
    assert!(desk.make(update(said_aloud)).changes.is_empty());
    assert!(desk.make(update(key("p", "k", "sk-0123456789abcdef"))).changes.is_empty());
    assert_eq!(desk.make(update(key("p", "k", "sk-another"))).changes.len(), 1);
}

#[test]
fn an_etag_is_of_the_content() {
    let mut desk = Desk::furnished();
    let id = Id::Model("m".into());
    let first = desk.now.tables.get(&id).expect("it is there").etag();
    desk.make(update(model("m", &[("p", 2.0)])));
    let stale = Edit::Delete { id: id.clone(), etag: first.clone(), allow_missing: false };
    assert!(matches!(desk.attempt(&stale), Err(EditError::Stale(_))));
    desk.make(update(model("m", &[("p", 1.0)])));
    assert_eq!(desk.now.tables.get(&id).expect("it is there").etag(), first);
    assert!(desk.attempt(&stale).is_ok());
}

#[test]
fn a_secret_goes_in_and_shows_no_more() {
    let mut desk = Desk::furnished();
    let key = desk.key();
    assert!(key.source.is_none() && key.last_four == "cdef" && key.fingerprint.len() == 16);
    assert_eq!(desk.secret(), "sk-0123456789abcdef");
    let first = key.secret_revision;
    let renamed = v1::Key { provider: "p".into(), name: "k".into(), account: "team".into(), ..Default::default() };
    desk.make(Edit::Update { body: renamed.into(), selection: Selection::All, allow_missing: false });
    assert_eq!((desk.secret().as_str(), desk.key().secret_revision), ("sk-0123456789abcdef", first));
    desk.make(update(self::key("p", "k", "sk-new")));
    assert!(desk.secret() == "sk-new" && desk.key().secret_revision > first);
}

#[test]
fn a_refused_secret_is_not_repeated() {
    let desk = Desk::furnished();
    let edit = Edit::Create(key("p", "bad", "sk-\nevil"));
    let error = desk.attempt(&edit).expect_err("no header can carry it");
    assert!(!format!("{error} {error:?} {edit:?}").contains("evil"));
}

#[test]
fn weights_are_set_by_line() {
    let mut desk = Desk::furnished();
    let line = |model: &str| v1::Backend { provider: "p".into(), model: model.into(), ..Default::default() };
    let two = v1::Model { name: "two".into(), backends: vec![line("a"), line("b")], ..Default::default() };
    desk.make(Edit::Create(two.into()));
    let set = |provider: &str, upstream: &str, weight| Edit::SetWeights {
        model: "two".into(),
        weights: vec![NewWeight { provider: provider.into(), model: upstream.into(), weight }],
        etag: String::new(),
    };
    assert_eq!(desk.refused(&set("p", "", 2.0)), ["weights[0]"]);
    assert_eq!(desk.refused(&set("q", "", 2.0)), ["weights[0]"]);
    assert_eq!(desk.refused(&set("p", "a", f64::NAN)), ["models[\"two\"].backends[0].weight"]);
    let outcome = desk.make(set("p", "b", 0.0));
    assert_eq!(outcome.warnings.len(), 1, "{:?}", outcome.warnings);
    let Some(Body::Model(two)) = desk.now.tables.get(&Id::Model("two".into())).map(|r| r.body.clone()) else {
        panic!("it is there");
    };
    assert_eq!(two.backends.iter().map(|b| b.weight).collect::<Vec<_>>(), [None, Some(0.0)]);
}

#[test]
fn apply_with_prune_does_not_empty_a_gateway_by_accident() {
    let mut desk = Desk::furnished();
    let nothing = || Config::default();
    assert_eq!(desk.attempt(&apply_all(nothing(), true)).err(), Some(EditError::NothingLeft));
    assert!(desk.make(apply_all(nothing(), false)).changes.is_empty());
    let outcome = desk.make(Edit::Apply { config: nothing(), prune: true, allow_empty: true });
    assert_eq!(outcome.summary, "apply and prune: 0 created, 0 updated, 3 deleted");
    assert!(desk.make(apply_all(nothing(), true)).changes.is_empty());
}

#[test]
fn a_rollback_undoes_but_revives_no_credential_of_clients_and_no_replaced_secret() {
    let mut desk = Desk::furnished();
    let virtual_key = || Body::from(v1::VirtualKey { name: "team".into(), ..Default::default() });
    assert_eq!(desk.make(Edit::Create(virtual_key())).tokens.len(), 1);
    let before = desk.now.tables.clone();
    let version = desk.version;
    desk.make(delete(Id::VirtualKey("team".into())));
    desk.make(update(model("m", &[("p", 7.0)])));
    desk.make(update(key("p", "k", "sk-new")));
    let outcome = desk.roll_back(version);
    assert_eq!(outcome.changes.len(), 1, "the model alone: {:?}", outcome.changes);
    assert!(!desk.now.tables.contains(&Id::VirtualKey("team".into())));
    assert_eq!(desk.secret(), "sk-new");
    assert_eq!(desk.now.tables.get(&Id::Model("m".into())), before.get(&Id::Model("m".into())));
}

#[test]
fn a_rollback_brings_a_deleted_key_back_with_its_secret_through_the_journal() {
    let mut desk = Desk::furnished();
    let version = desk.version;
    desk.make(delete(Id::Model("m".into())));
    desk.make(delete(Id::Key("p".into(), "k".into())));
    for (_, changes) in &mut desk.history {
        let text = journal::write_changes(changes);
        assert!(!text.contains("0123456789abcdef"), "nothing is written in the clear");
        *changes = journal::read_changes(&text).expect("it was written here");
    }
    desk.roll_back(version);
    assert_eq!(desk.secret(), "sk-0123456789abcdef");
    desk.roll_back(1);
    assert_eq!(desk.now.tables.iter().count(), 1, "only the settings are left");
}

#[test]
fn warnings_say_what_may_not_be_meant() {
    let mut desk = Desk::furnished();
    let plain = v1::Provider { name: "q".into(), base_url: "http://api.example.com".into(), ..Default::default() };
    assert!(desk.make(Edit::Create(plain.into())).warnings[0].contains("unencrypted"));
    let local = v1::Provider { name: "r".into(), base_url: "http://10.0.0.7:8000".into(), ..Default::default() };
    assert!(desk.make(Edit::Create(local.into())).warnings.is_empty());
    let outcome = desk.make(Edit::Create(model("n", &[("q", 1.0), ("p", 0.0)])));
    assert_eq!(outcome.warnings.len(), 2, "{:?}", outcome.warnings);
    assert!(outcome.warnings[0].contains("provider q has no key"));
    let off = v1::Key { provider: "p".into(), name: "k".into(), enabled: Some(false), ..Default::default() };
    let warnings = desk.make(update(off)).warnings;
    assert!(warnings.iter().any(|w| w.starts_with("model m: provider p has no key")), "{warnings:?}");
}

proptest! {
    /// What an edit costs is what it touches; what it finds is what a check of everything would have found.
    #[test]
    fn an_edit_is_accepted_exactly_when_the_whole_result_is_valid(steps in prop::collection::vec((0..9_u8, 0..3_u8, 0..3_u8), 1..40)) {
        let mut desk = Desk::new();
        for (what, a, b) in steps {
            let (from, to) = (format!("n{a}"), format!("n{b}"));
            let line = vec![v1::Backend { provider: to.clone(), ..Default::default() }];
            let model = v1::Model { name: from.clone(), backends: line, ..Default::default() };
            let edit = match what {
                0 => Edit::Create(provider(&from)),
                1 => delete(Id::Provider(from)),
                2 => Edit::Create(model.into()),
                3 => update(v1::Model { aliases: vec![format!("a{b}")], ..model }),
                4 => update(v1::Model { fallbacks: vec![to, format!("a{a}")], ..model }),
                5 => delete(Id::Model(from)),
                6 => Edit::Create(rule(&from, &to).into()),
                7 => update(v1::Rule { fallbacks: vec![format!("a{b}")], ..rule(&from, &to) }),
                _ => delete(Id::Rule(from)),
            };
            if let Ok(outcome) = desk.attempt(&edit) {
                prop_assert!(Configuration::check(outcome.configuration.tables.clone()).is_ok(), "{edit:?}");
                desk.make(edit);
            }
        }
        let before = desk.now.tables.clone();
        desk.roll_back(1);
        prop_assert_eq!(desk.now.tables.iter().count(), 1);
        let config = v1::Config {
            models: before.models().cloned().collect(),
            rules: before.rules().cloned().collect(),
            providers: before.iter().filter_map(|(_, r)| v1::Provider::try_from(r.body.clone()).ok()).collect(),
            ..Default::default()
        };
        desk.make(apply_all(config, false));
        prop_assert!(desk.now.tables.diff(&before).is_empty(), "applying what was there brings it back");
    }
}
