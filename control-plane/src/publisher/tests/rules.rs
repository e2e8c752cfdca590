//! Rules and preferences in the database, by hand and on their way to nodes.

use super::*;
use crate::snapshot::ResourceKey;
use pointsman_proto::{domain::Name, fleet::v1::resource::Kind};

fn rule() -> v1::Rule {
    v1::Rule { name: "r".into(), class: "thinking".into(), model: "m".into(), ..Default::default() }
}

impl Rig {
    /// The rule as nodes receive it.
    fn pushed(&self) -> Option<v1::Rule> {
        let key = ResourceKey::Rule(Name::parse("r").expect("a name"));
        match self.publisher.snapshots().borrow().resource(&key)?.kind? {
            Kind::Rule(rule) => Some(rule),
            other => panic!("no rule: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_rule_is_pushed_edited_by_hand_and_taken_away() {
    let rig = Rig::furnished().await;
    rig.make(Edit::Create(rule().into())).await;
    assert_eq!(rig.pushed(), Some(rule()));
    let sql = "UPDATE rules SET position = 7, conditions = json_set(conditions, '$.min_tokens', 500) WHERE name = 'r'";
    rig.by_hand(sql).await;
    rig.until_version(6).await;
    let found = rig.pushed().expect("it is there");
    assert_eq!((found.position, found.when.map(|when| when.min_tokens)), (7, Some(500)));
    assert_eq!(rig.actors().await[0], "external");
    rig.by_hand("DELETE FROM rules").await;
    rig.until_version(7).await;
    assert_eq!(rig.pushed(), None);
    let rig = rig.restart().await;
    assert_eq!(rig.pushed(), None);
}

#[tokio::test]
async fn a_rule_that_makes_no_sense_is_told_with_its_column_and_not_served() {
    let rig = Rig::furnished().await;
    rig.make(Edit::Create(rule().into())).await;
    for (sql, told) in [
        ("UPDATE rules SET conditions = '{\"colour\": 1}'", "rules[\"r\"].conditions: must be a JSON object"),
        ("UPDATE rules SET conditions = '{}', model = 'gone'", "rules[\"r\"].model: there is no model \"gone\""),
        ("UPDATE rules SET model = 'm', class = 'hard'", "rules[\"r\"].class: allowed: long_context"),
    ] {
        rig.by_hand(sql).await;
        let mut problems = rig.publisher.problems();
        let told = problems.wait_for(|problems| problems.iter().any(|problem| problem.starts_with(told)));
        tokio::time::timeout(Duration::from_secs(20), told).await.expect("it is noticed").expect("it runs");
        assert_eq!(rig.pushed(), Some(rule()), "{sql}");
    }
    rig.by_hand("UPDATE rules SET class = 'image'").await;
    rig.until_problems(false).await;
    rig.until_version(6).await;
    assert_eq!(rig.pushed().expect("it is there").class, "image");
}

#[tokio::test]
async fn a_virtual_keys_preferences_reach_nodes() {
    let rig = Rig::furnished().await;
    rig.make(Edit::Create(v1::VirtualKey { name: "v".into(), ..Default::default() }.into())).await;
    rig.by_hand("UPDATE virtual_keys SET preferences = '{\"priority\": \"low\", \"cost_sensitivity\": 0.5}'").await;
    rig.until_version(6).await;
    let key = ResourceKey::VirtualKey(Name::parse("v").expect("a name"));
    let Some(Kind::VirtualKey(key)) = rig.publisher.snapshots().borrow().resource(&key).and_then(|r| r.kind) else {
        panic!("it is there");
    };
    let preferences = key.preferences.expect("it has some");
    assert_eq!((preferences.priority.as_str(), preferences.cost_sensitivity), ("low", Some(0.5)));
}
