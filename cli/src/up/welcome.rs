//! What is printed first: where everything is, and lines to paste into another terminal.

use super::AllInOne;
use pointsman_tests::FakeProvider;
use std::{env, path::absolute};

pub fn addresses(all: &AllInOne) -> String {
    let mut text = String::new();
    for node in &all.nodes {
        let (addr, ops) = (node.running.addr, node.running.ops_addr);
        text.push_str(&format!("{:<10} http://{addr}/v1  (health and metrics: http://{ops})\n", node.name));
    }
    text.push_str(&format!("admin API  http://{}\n", all.admin_addr));
    text
}

pub fn status_command(all: &AllInOne) -> String {
    let file = absolute(&all.token_file).unwrap_or_else(|_| all.token_file.clone());
    let file = quoted(&file.display().to_string());
    format!("{} --server http://{} --token-file {file} status", program(), all.admin_addr)
}

/// What the demo says of itself. Every line under a heading works as pasted.
pub fn demo(all: &AllInOne, token: &str, providers: &[FakeProvider], to_trip: &FakeProvider) -> String {
    let mut text =
        format!("Pointsman, all in one: a control plane, two nodes, three fake providers.\n\n{}", addresses(all));
    for fake in providers {
        text.push_str(&format!("{:<10} {}\n", fake.name(), fake.base_url()));
    }
    let first = all.nodes.first().map(|node| node.running.addr.to_string()).unwrap_or_default();
    let trip = r#"{"mode":{"kind":"rate_limited","retry_after":"seconds","value":6}}"#;
    let heal = r#"{"mode":{"kind":"ok"}}"#;
    let (name, mode) = (to_trip.name(), format!("http://{}/_fake/mode", to_trip.addr()));
    text.push_str(&format!(
        r#"
# a request (any node will do)
curl -s http://{first}/v1/chat/completions -H 'authorization: Bearer {token}' -H 'content-type: application/json' -d '{{"model":"demo","messages":[{{"role":"user","content":"hello"}}]}}'

# the same from Python (pip install openai)
from openai import OpenAI
client = OpenAI(base_url="http://{first}/v1", api_key="{token}")
print(client.chat.completions.create(model="demo", messages=[{{"role": "user", "content": "hello"}}]).choices[0].message.content)

# the fleet
{status}

# make {name} answer 429, and make it well again
curl -s -X PUT {mode} -d '{trip}'
curl -s -X PUT {mode} -d '{heal}'

"#,
        status = status_command(all),
    ));
    text
}

/// As it can be typed anywhere: found through PATH it is what was typed, else the binary's own path.
fn program() -> String {
    let typed = env::args().next().unwrap_or_default();
    let path = env::current_exe().map(|path| path.display().to_string());
    match path {
        Ok(path) if typed.contains('/') || typed.is_empty() => quoted(&path),
        _ => quoted(&typed),
    }
}

/// For a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_the_shell() {
        assert_eq!(quoted("/tmp/.tmpA1/admin.token"), "/tmp/.tmpA1/admin.token");
        assert_eq!(quoted("/home/a b/it's"), r"'/home/a b/it'\''s'");
    }
}
