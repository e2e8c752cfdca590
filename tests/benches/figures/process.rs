//! Programs as children of this one, and the two that this one can be itself.

use anyhow::Context;
use pointsman_tests::{FakeProvider, Options, Pace, cpu_time_of, serve_floor};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A child that has said that it is ready; killed when it is dropped.
pub struct Server {
    child: Child,
    /// The line in which it said so.
    ready: Value,
}

/// A binary of the workspace, beside this one's folder.
fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(Path::parent).context("this program is in target/PROFILE/deps")?;
    let path = folder.join(name);
    anyhow::ensure!(path.exists(), "{} is missing: run `cargo build --release --workspace` first", path.display());
    Ok(path)
}

/// Says what to do if a program to be measured is not there.
pub fn require_binaries() -> anyhow::Result<()> {
    ["pointsman-control", "pointsman-proxy"].iter().try_for_each(|name| binary(name).map(drop))
}

pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

impl Server {
    /// Starts a binary of the workspace, under another program if `wrapper` names one, and waits for a line of its log.
    pub fn start(wrapper: &[String], name: &str, args: &[&str], ready: &str) -> anyhow::Result<Self> {
        let mut command = wrapped(wrapper, &binary(name)?);
        command.args(args).args(["--log-format", "json"]).env("POINTSMAN_LOG", "info");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let log = child.stderr.take().context("it was piped")?;
        Self::wait(child, log, ready).with_context(|| format!("{name} did not start"))
    }

    /// Starts this program again.
    pub fn own(wrapper: &[String], args: &[&str]) -> anyhow::Result<Self> {
        let mut command = wrapped(wrapper, &std::env::current_exe()?);
        // It ends when its standard input does, so with this process at the latest.
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let output = child.stdout.take().context("it was piped")?;
        Self::wait(child, output, "ready").with_context(|| format!("{args:?} did not start"))
    }

    fn wait(child: Child, output: impl Read + Send + 'static, ready: &str) -> anyhow::Result<Self> {
        let mut server = Self { child, ready: Value::Null };
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let is_ready = |l: &Value| l["message"].as_str().is_some_and(|m| m.starts_with(ready));
        let found = lines.by_ref().filter_map(|line| serde_json::from_str(&line).ok()).find(is_ready);
        server.ready = found.with_context(|| format!("it ended without saying {ready:?}"))?;
        // What it says from now on is read, so that it never has to wait, and forgotten.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(server)
    }

    /// A field of the line in which it said that it was ready.
    pub fn said(&self, field: &str) -> String {
        self.ready[field].as_str().unwrap_or_default().to_owned()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn cpu_time(&self) -> anyhow::Result<Duration> {
        Ok(cpu_time_of(self.pid())?)
    }

    /// Asks it to stop, and waits for its end.
    pub fn stop(mut self) -> anyhow::Result<()> {
        Command::new("kill").arg(self.pid().to_string()).status()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn wrapped(wrapper: &[String], program: &Path) -> Command {
    match wrapper {
        [] => Command::new(program),
        [outer, args @ ..] => {
            let mut command = Command::new(outer);
            command.args(args).arg(program);
            command
        }
    }
}

/// Is a fake provider until standard input ends.
pub fn be_the_fake() -> anyhow::Result<()> {
    let runtime = runtime()?;
    let _inside = runtime.enter();
    let fake = FakeProvider::start(Options { keep_requests: 0, pace: Pace::default(), ..Default::default() })?;
    println!("{}", json!({"message": "ready", "addr": fake.addr().to_string()}));
    until_input_ends()
}

/// Is the floor until standard input ends.
pub fn be_the_floor(upstream: &str) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    println!("{}", json!({"message": "ready", "addr": listener.local_addr()?.to_string()}));
    runtime.spawn(serve_floor(listener, upstream.parse()?));
    until_input_ends()
}

fn until_input_ends() -> anyhow::Result<()> {
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
