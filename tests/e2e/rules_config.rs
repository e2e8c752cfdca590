//! What an operator says about routing is kept, pushed, shown, compared and warned of.

use crate::{
    cli::{ok, pointsman},
    harness::{World, config, eventually, fake},
};
use sqlx::Connection;

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_keeps_rules_by_the_command_line_and_by_hand() {
    let (a, b) = (fake(), fake());
    let world = World::with(2, config(&[("a", 1.0, &a), ("b", 1.0, &b)])).await;
    ok(&world, &["model", "create", "small", "--backend", "a/small", "--wait"], "");
    ok(&world, &["rule", "create", "long", "--class", "long_context", "--model", "m", "--position", "2", "--wait"], "");
    let words =
        ["--when-dialect", "messages", "--when-tools", "false", "--when-header", "x-batch=1", "--priority", "low"];
    ok(&world, &[&["rule", "create", "batch", "--model", "small", "--position", "1"], &words[..]].concat(), "");
    let listed = ok(&world, &["rule", "list"], "");
    let rows: Vec<&str> = listed.lines().collect();
    assert!(rows[1].starts_with("1 ") && rows[1].contains("batch") && rows[2].contains("long_context"), "{listed}");
    assert!(rows[1].contains("messages, no tools, header x-batch=1"), "{listed}");
    // A rule that takes everything is told to hide those behind it, by both names.
    let said = pointsman(&world, &["rule", "create", "all", "--class", "default", "--model", "m"], "");
    for hidden in ["rule batch", "rule long"] {
        let told = said.err.lines().any(|line| line.contains(hidden) && line.contains("rule all"));
        assert!(said.code == 0 && told, "{hidden}: {}", said.err);
    }
    let said = pointsman(&world, &["model", "delete", "small", "--yes"], "");
    assert!(said.code == 1 && said.err.contains("rule batch"), "{}", said.err);
    // By hand, as the sqlite3 shell would.
    let mut shell = sqlx::SqliteConnection::connect(&format!("sqlite://{}", world.db().display())).await.unwrap();
    sqlx::query("UPDATE rules SET position = 9 WHERE name = 'all'").execute(&mut shell).await.unwrap();
    eventually("the edit by hand is served", || async {
        let last = ok(&world, &["rule", "list", "-o", "name"], "");
        (last.lines().last() == Some("all")).then_some(())
    })
    .await;
    world.settled(world.fleet().await.version).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_about_routing_goes_out_and_comes_in_again() {
    let (a, b) = (fake(), fake());
    let world = World::with(1, config(&[("a", 1.0, &a), ("b", 1.0, &b)])).await;
    let model = ["--strategy", "cheapest", "--affinity", "header:x-team,max_load=2", "--hedge-percentile", "95"];
    let lines = ["--backend", "a,price=1/2/0.5,tools=false,region=eu", "--backend", "b,price=3/4,context=1000"];
    ok(&world, &[&["model", "update", "m"], &model[..], &lines[..], &["--headroom", "true"]].concat(), "");
    let check = ["--health-check", "http:/healthz", "--health-interval", "10s", "--zone", "z1"];
    ok(&world, &[&["provider", "update", "a"], &check[..]].concat(), "");
    let likes =
        ["--prefer-region", "eu", "--cost-sensitivity", "0.5", "--latency-tolerance", "2s", "--prefer-provider", "a"];
    ok(&world, &[&["virtual-key", "create", "v"], &likes[..]].concat(), "");
    let rule =
        ["--when-time", "mon-fri 08:00-18:00 +02:00", "--when-model", "gpt-*", "--model", "m", "--quality", "basic"];
    ok(&world, &[&["rule", "create", "day", "--wait"], &rule[..]].concat(), "");
    for form in ["yaml", "json"] {
        let exported = ok(&world, &["export", "-o", form], "");
        for part in
            ["cheapest", "x-team", "max_load", "percentile", "headroom", "cached_input", "context_window", "healthz"]
        {
            assert!(exported.contains(part), "{part} is not in {exported}");
        }
        let same = pointsman(&world, &["diff", "--prune", "-f", "-"], &exported);
        assert_eq!((same.code, same.out.as_str()), (0, ""), "{form}: {}", same.err);
    }
    let version = world.fleet().await.version.to_string();
    ok(&world, &["rule", "delete", "day", "--yes"], "");
    ok(&world, &["rollback", &version, "--yes", "--wait"], "");
    let back = ok(&world, &["rule", "get", "day", "-o", "yaml"], "");
    assert!(back.contains("08:00") && back.contains("gpt-*") && back.contains("basic"), "{back}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_meant_is_refused_and_named() {
    let only = fake();
    let world = World::with(1, config(&[("a", 1.0, &only)])).await;
    ok(&world, &["model", "create", "n", "--backend", "a", "--fallback", "m"], "");
    for (args, words) in [
        (vec!["model", "update", "m", "--strategy", "fastest"], "weighted_random, random, round_robin"),
        (vec!["model", "update", "m", "--fallback", "n"], "m → n → m"),
        (vec!["model", "update", "m", "--hedge-percentile", "30"], "50 to 99"),
        (vec!["rule", "create", "r", "--class", "default", "--model", "m", "--fallback", "n"], "m → n → m"),
        (vec!["rule", "create", "r", "--class", "hard", "--model", "m"], "long_context"),
        (vec!["rule", "create", "r", "--class", "default", "--model", "gone"], "there is no model \"gone\""),
        (vec!["rule", "create", "r", "--model", "m"], "must say something"),
        (vec!["rule", "create", "r", "--model", "m", "--when-header", "Authorization=x"], "virtual_key_tags"),
        (vec!["virtual-key", "create", "v", "--cost-sensitivity", "2"], "from 0 to 1"),
        (vec!["virtual-key", "create", "v", "--priority", "urgent"], "critical, high, normal, low"),
    ] {
        let said = pointsman(&world, &args, "");
        assert!(said.code == 1 && said.err.contains(words), "{args:?}: {} {}", said.code, said.err);
    }
    let negative = "models:\n- name: m\n  backends:\n  - provider: a\n    price: {input: -1, output: 2}\n";
    let said = pointsman(&world, &["apply", "-f", "-"], negative);
    assert!(said.code == 1 && said.err.contains("backends[0].price.input"), "{}", said.err);
    assert_eq!(world.chat(0, "m").await.0, 200);
}
