//! The real binaries, as processes whose log is read.

use super::PATIENCE;
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// A process of the workspace's own, killed when it is dropped.
pub struct Process {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

/// A binary that Cargo built for this test run: neither missing nor older than a source that Cargo says it was made of.
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this test's own path");
    let folder = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/test");
    let path = folder.join(name);
    let modified = |path: &Path| std::fs::metadata(path).and_then(|m| m.modified()).ok();
    let (built, sources) = (modified(&path), std::fs::read_to_string(path.with_extension("d")));
    let (Some(built), Ok(sources)) = (built, sources) else {
        panic!("{} is missing; build it with `cargo test --workspace`", path.display());
    };
    let sources = sources.split_once(": ").expect("a line of make's").1.replace("\\ ", "\0");
    for source in sources.split_whitespace().map(|s| PathBuf::from(s.replace('\0', " "))) {
        let newer = modified(&source).is_none_or(|time| time > built);
        assert!(!newer, "{name} is older than {}; build it with `cargo test --workspace`", source.display());
    }
    path
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
