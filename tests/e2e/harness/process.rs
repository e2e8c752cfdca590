//! The real binaries, as processes whose log is read.

use super::PATIENCE;
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

/// A process of the workspace's own, killed when it is dropped.
pub struct Process {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

/// The folders whose sources end up in each binary.
const SOURCES: [(&str, &[&str]); 3] = [
    ("pointsman-control", &["control-plane/src", "proto/src", "proto/schema", "migrations"]),
    ("pointsman-proxy", &["data-plane/src", "proto/src", "proto/schema"]),
    ("pointsman", &["cli/src", "control-plane/src", "data-plane/src", "tests/src", "proto/src", "proto/schema"]),
];

/// A binary that Cargo built for this test run: neither missing nor older than a source it was made of.
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this test's own path");
    let folder = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/test");
    let path = folder.join(name);
    let Ok(built) = std::fs::metadata(&path).and_then(|m| m.modified()) else {
        panic!("{} is missing; build it with `cargo test --workspace`", path.display());
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let (_, sources) = SOURCES.iter().find(|(n, _)| *n == name).expect("a binary of the workspace");
    if let Some(newer) = sources.iter().find_map(|folder| newer_than(&root.join(folder), built)) {
        panic!("{name} is older than {}; build it with `cargo test --workspace`", newer.display());
    }
    path
}

/// A source newer than `time`. Modules of tests alone, which are in files of that name, are in no binary.
fn newer_than(path: &Path, time: SystemTime) -> Option<PathBuf> {
    if path.ends_with("tests.rs") || path.ends_with("tests") {
        return None;
    }
    if path.is_dir() {
        let entries = std::fs::read_dir(path).expect("a folder of sources");
        return entries.flatten().find_map(|entry| newer_than(&entry.path(), time));
    }
    let modified = std::fs::metadata(path).and_then(|m| m.modified()).expect("a source");
    (modified > time).then(|| path.to_owned())
}

impl Process {
    pub fn start(name: &str, args: &[&str], env: &[(&str, &str)]) -> Self {
        let mut command = Command::new(binary(name));
        command.args(args).args(["--log-format", "json"]).envs(env.iter().copied());
        command.env("POINTSMAN_LOG", "info").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let log = Arc::new(Mutex::new(Vec::new()));
        let (stderr, lines) = (child.stderr.take().expect("it was piped"), log.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                lines.lock().unwrap().push(line);
            }
        });
        Self { child, log }
    }

    /// Everything logged so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Waits for the first log line with this message.
    pub async fn line(&self, message: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self
                .log()
                .iter()
                .filter_map(|l| serde_json::from_str::<Value>(l).ok())
                .find(|l| l["message"].as_str().is_some_and(|m| m.starts_with(message)));
            if let Some(line) = found {
                return line;
            }
            assert!(Instant::now() < deadline, "no line {message:?} in {:#?}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// As `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// Sends a signal by name: `STOP` freezes the process, `CONT` lets it go on.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(status.expect("kill is there").success(), "the process is there");
    }

    /// Asks it to stop, and waits for the end.
    pub async fn terminate(&mut self) -> Option<i32> {
        self.signal("TERM");
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it does not stop");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            for line in log.iter().rev().take(15).rev() {
                eprintln!("{line}");
            }
        }
    }
}
