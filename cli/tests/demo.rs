//! Starts the real `pointsman demo` and does what a newcomer would: pastes what it prints, watches, and stops it.

use std::{
    io::{BufRead, BufReader, Lines, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, ChildStdout, Command, Output, Stdio},
};

/// The real binary, killed when the test fails.
struct Demo {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Demo {
    fn start(temporary: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pointsman"))
            .arg("demo")
            .args(arguments)
            .env("TMPDIR", temporary)
            .env_remove("POINTSMAN_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, lines }
    }

    /// Reads on until a line is as wanted. The demo prints a line every few seconds, so this ends.
    fn line(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let found = self.lines.by_ref().map_while(Result::ok).take(200).find(|line| wanted(line));
        found.unwrap_or_else(|| panic!("in vain: {what}"))
    }

    /// As `kill`; the exit code.
    fn terminate(&mut self) -> Option<i32> {
        let sent = Command::new("kill").arg(self.child.id().to_string()).status().expect("kill is there");
        assert!(sent.success());
        self.child.wait().expect("our own child").code()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Has a shell run the line.
fn paste(line: &str) -> Output {
    Command::new("sh").args(["-c", line]).output().expect("a shell")
}

/// The text between two others.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let from = text.split_once(before).unwrap_or_else(|| panic!("no {before:?} in {text}")).1;
    from.split_once(after).unwrap_or_else(|| panic!("no {after:?} in {text}")).0
}

/// Sends what the printed curl line would, and returns the whole answer.
fn send(curl: &str) -> String {
    let (url, token) = (between(curl, "http://", " "), between(curl, "Bearer ", "'"));
    let body = between(curl, "-d '", "'");
    let (host, path) = url.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(host).expect("the node listens");
    write!(
        stream,
        "POST /{path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn the_demo_does_what_it_prints() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let mut demo = Demo::start(temporary.path(), &[]);

    let curl = demo.line("the curl line", |line| line.starts_with("curl ") && line.contains("chat/completions"));
    let answer = send(&curl);
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("chat.completion"), "{answer}");

    let status = demo.line("the status command", |line| line.ends_with(" status"));
    let status = paste(&status);
    let shown = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(status.status.success() && shown.contains("run by 2 of 2 nodes"), "{shown}");

    demo.line("whole weights", |line| line.contains("alpha 50 -> 50 (50, 50)"));
    demo.line("alpha is out on both nodes", |line| line.contains("alpha 50 -> 0 (0, 0)"));
    let back = demo.line("alpha is back on both nodes", |line| line.contains("alpha 50 -> 50 (50, 50)"));
    assert!(back.ends_with(" 0 failed"), "no client noticed: {back}");

    assert_eq!(demo.terminate(), Some(0));
    let left: Vec<_> = temporary.path().read_dir().expect("a folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn without_its_script_the_demo_is_idle() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let mut demo = Demo::start(temporary.path(), &["--no-script"]);
    let first = demo.line("the weights", |line| line.contains("alpha 50 -> 50 (50, 50)"));
    assert!(first.ends_with("| 0 requests sent, 0 failed"), "{first}");
    assert_eq!(demo.terminate(), Some(0));
}

#[test]
fn the_nodes_tell_what_they_would_do_and_how_they_fare() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let mut demo = Demo::start(temporary.path(), &["--no-script"]);
    let curl = demo.line("the curl line", |line| line.starts_with("curl ") && line.contains("chat/completions"));
    let status = demo.line("the status command", |line| line.ends_with(" status"));
    let command = |rest: &str| format!("{} {rest}", status.trim_end_matches(" status"));
    assert!(send(&curl).starts_with("HTTP/1.1 200 "));

    let run = |rest: &str| {
        let output = paste(&command(rest));
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, text) = run("explain --model demo");
    let parts = ["Node local-1", "Node local-2", "Model demo, by weighted_random", "alpha/fake-large"];
    assert!(code == Some(0) && parts.iter().all(|part| text.contains(part)), "{code:?} {text}");
    let (_, json) = run("explain --model demo --node local-1 -o json");
    let json: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(json["explanations"][0]["node"], "local-1");
    assert_eq!(run("explain --model demo --node nobody").0, Some(3), "there is no such node");

    let (code, text) = run("stats --scope model");
    let counted = text.lines().any(|line| line.starts_with("(fleet)  model  demo") && line.contains("100.0%"));
    assert!(code == Some(0) && counted, "{code:?} {text}");

    let mut top = Command::new("sh")
        .args(["-c", &format!("exec {}", command("top"))])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let lines = BufReader::new(top.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let seen = lines.take(100).any(|line| line.contains("alpha/fake-large req/s=0.0"));
    assert!(seen, "a line for each backend, once a second");
    let asked = Command::new("kill").args(["-INT", &top.id().to_string()]).status().expect("kill is there");
    assert!(asked.success() && top.wait().expect("our own child").success(), "ending it is no failure");
    assert_eq!(demo.terminate(), Some(0));
}
