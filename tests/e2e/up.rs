//! `pointsman up`: a user's own configuration in one process, on a lasting database.

use crate::harness::{binary, chat, fake};
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

struct Up(Child);

impl Drop for Up {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Starts it, and reads what it prints until it tells where clients connect and, if one was made, the token.
fn up(dir: &Path, args: &[&str], token_follows: bool) -> (Up, String, Option<String>) {
    let db = dir.join("p.db");
    let mut child = Command::new(binary("pointsman"))
        .args(["up", "--db", db.to_str().unwrap(), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let (mut url, mut token, mut seen) = (None, None, Vec::new());
    while url.is_none() || (token_follows && token.is_none()) {
        let Some(line) = lines.next() else { panic!("it ended: {seen:#?}") };
        let word = |start: &str| line.split_whitespace().find(|w| w.starts_with(start)).map(str::to_owned);
        token = token.or_else(|| word("pmk_"));
        url = url.or_else(|| word("http://").filter(|w| w.ends_with("/v1")));
        seen.push(line);
    }
    std::thread::spawn(move || lines.for_each(drop));
    (Up(child), url.unwrap(), token)
}

async fn ask(url: &str, token: &str) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("{url}/chat/completions")).bearer_auth(token).json(&chat("m"));
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_own_configuration_is_served_and_outlives_the_process() {
    let (only, dir) = (fake(), tempfile::tempdir().unwrap());
    let file = dir.path().join("config.yaml");
    let yaml = format!(
        "providers:\n- name: a\n  base_url: {}\nkeys:\n- {{provider: a, name: k, secret: sk-a-k}}\n\
         models:\n- name: m\n  backends:\n  - provider: a\nvirtual_keys:\n- name: me\n",
        only.base_url()
    );
    std::fs::write(&file, yaml).unwrap();
    let (first, url, token) = up(dir.path(), &["-f", file.to_str().unwrap()], true);
    let token = token.unwrap();
    assert_eq!(ask(&url, &token).await, 200);
    assert_eq!(ask(&url, "wrong").await, 401);
    drop(first);
    let (_second, url, _) = up(dir.path(), &[], false);
    assert_eq!(ask(&url, &token).await, 200, "without a file the database is served as it is");
}

#[tokio::test(flavor = "multi_thread")]
async fn its_nodes_may_be_told_their_zone() {
    let (west, east, dir) = (fake(), fake(), tempfile::tempdir().unwrap());
    let file = dir.path().join("config.yaml");
    let provider =
        |name: &str, zone: &str, url: String| format!("- {{name: {name}, zone: {zone}, base_url: '{url}'}}\n");
    let yaml = format!(
        "providers:\n{}{}keys:\n- {{provider: west, name: k, secret: sk-w-k}}\n- {{provider: east, name: k, secret: sk-e-k}}\n\
         models:\n- name: m\n  strategy: geographic\n  backends:\n  - provider: west\n  - provider: east\n\
         virtual_keys:\n- name: me\n",
        provider("west", "eu-west-1a", west.base_url()),
        provider("east", "us-east-1b", east.base_url()),
    );
    std::fs::write(&file, yaml).unwrap();
    let (_up, url, token) = up(dir.path(), &["--zone", "us-east-1b", "-f", file.to_str().unwrap()], true);
    for _ in 0..10 {
        assert_eq!(ask(&url, token.as_deref().unwrap()).await, 200);
    }
    assert_eq!((west.stats().total.received, east.stats().total.received), (0, 10));
}

#[test]
fn a_bad_configuration_is_told_whole_and_nothing_is_started() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    std::fs::write(&file, "providers:\n- name: a\n  base_url: '::'\nmodels:\n- name: m\n  backends: []\n").unwrap();
    let db = dir.path().join("p.db");
    let args = ["up", "--db", db.to_str().unwrap(), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "-f"];
    let output = Command::new(binary("pointsman")).args(args).arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("base_url") && said.contains("backends"), "{said}");
}
