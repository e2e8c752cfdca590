//! The binary as its operator meets it: flags, exit codes, messages, and the admin API over a real connection.

use pointsman_proto::admin::v1::{
    self, CreateProviderRequest, ListProvidersRequest, config_service_client::ConfigServiceClient, key::Source,
    key_service_client::KeyServiceClient, provider_service_client::ProviderServiceClient,
};
use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, ChildStderr, Command, Output, Stdio},
};
use tonic::{Code, Request, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_types::StatusExt;

fn command(db: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pointsman-control"));
    let ports = ["--admin-listen", "127.0.0.1:0", "--fleet-listen", "127.0.0.1:0"];
    command.env_clear().arg("--db").arg(db).args(ports).args(["--log-format", "json"]);
    command
}

fn run(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command.output().expect("the binary runs");
    (status.code(), String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr))
}

/// The last line, without the log's.
fn message(output: &str) -> &str {
    output.lines().rfind(|line| !line.starts_with('{')).expect("it says something")
}

/// A server that runs until it is stopped, or the test ends.
struct Server {
    child: Child,
    log: BufReader<ChildStderr>,
    admin: String,
}

impl Server {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the binary runs");
        let mut log = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut line = String::new();
        while !line.contains("\"serving\"") {
            line.clear();
            assert_ne!(log.read_line(&mut line).expect("it is text"), 0, "the server ended before it served");
        }
        let (_, rest) = line.split_once("\"admin\":\"").expect("it says where");
        let admin = format!("http://{}", rest.split('"').next().expect("it is quoted"));
        Self { child, log, admin }
    }

    async fn connect(&self) -> Channel {
        Channel::from_shared(self.admin.clone()).expect("an address").connect().await.expect("it listens")
    }

    fn stop(mut self) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).expect("it is text");
        (self.child.wait().expect("it ends").code(), rest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok(); // it may have ended
    }
}

#[tokio::test]
async fn a_server_that_stops_says_that_it_does_not_serve() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Server::start(command(&dir.path().join("db")).arg("--insecure-dev"));
    let mut client = HealthClient::new(server.connect().await);
    let mut watches = Vec::new();
    for service in ["", "pointsman.admin.v1.RuleService"] {
        let request = HealthCheckRequest { service: service.into() };
        let mut told = client.watch(request).await.expect("it is there").into_inner();
        let now = told.message().await.expect("it goes on").expect("it says how it is");
        assert_eq!(now.status(), ServingStatus::Serving, "{service:?}");
        watches.push(told);
    }
    let stopped = tokio::task::spawn_blocking(move || server.stop());
    for mut told in watches {
        let then = told.message().await.expect("the connection outlives the listener").expect("it says so");
        assert_eq!(then.status(), ServingStatus::NotServing);
    }
    drop(client);
    assert_eq!(stopped.await.expect("it ends").0, Some(0));
}

#[test]
fn help_explains_flags_environment_and_exit_codes() {
    let (code, text) = run(Command::new(env!("CARGO_BIN_EXE_pointsman-control")).arg("--help"));
    assert_eq!(code, Some(0));
    for part in
        ["--admin-listen", "POINTSMAN_DB", "--insecure-plaintext", "Exit codes:", "another server has the database"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn flags_that_are_not_safe_together_are_wrong_usage() {
    let dir = tempfile::tempdir().expect("a directory");
    let db = dir.path().join("db");
    for (flags, says) in [
        (&["--no-such-flag"][..], "--help"),
        (&["--tls-cert", "x"], "--help"),
        (&["--insecure-dev", "--insecure-plaintext", "--admin-listen", "0.0.0.0:0"], "loopback only"),
        (&["--fleet-listen", "0.0.0.0:0"], "--insecure-plaintext"),
        (&["--log", "a=b=c"], "--log"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pointsman-control"));
        let (code, text) = run(command.env_clear().arg("--db").arg(&db).args(flags));
        assert!(code == Some(2) && message(&text).contains(says), "{flags:?}: {code:?} {text}");
        assert!(!db.exists(), "nothing was made");
    }
}

#[test]
fn the_folder_of_the_database_is_made_for_its_owner_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let db = dir.path().join("new/fleet/pointsman.db");
    let server = Server::start(&mut command(&db));
    for folder in ["new", "new/fleet"] {
        let mode = std::fs::metadata(dir.path().join(folder)).expect("it was made").permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{folder}");
    }
    assert!(db.with_file_name("admin.token").exists());
    drop(server);
    let file = dir.path().join("file");
    std::fs::write(&file, "no folder").expect("it is written");
    let (code, text) = run(&mut command(&file.join("sub/pointsman.db")));
    assert_eq!(code, Some(3), "{text}");
    let says = |part: &str| assert!(message(&text).contains(part), "{part}: {text}");
    says("cannot make the folder");
    says("make it, or name another database");
}

#[test]
fn a_database_that_is_none_is_refused_in_one_line_and_kept() {
    let dir = tempfile::tempdir().expect("a directory");
    let db = dir.path().join("db");
    std::fs::write(&db, "somebody's notes").expect("it is written");
    let (code, text) = run(&mut command(&db));
    assert_eq!(code, Some(3), "{text}");
    assert_eq!(
        message(&text),
        format!(
            "pointsman-control: {}: is not a Pointsman database (not SQLite, or its header is damaged)",
            db.display()
        )
    );
    assert_eq!(std::fs::read_to_string(&db).expect("it is there"), "somebody's notes");
}

#[test]
fn a_port_in_use_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pointsman-control"));
    let flags = ["--admin-listen", &address, "--fleet-listen", "127.0.0.1:0"];
    let (code, text) = run(command.env_clear().arg("--db").arg(dir.path().join("db")).args(flags));
    assert_eq!(code, Some(1));
    let expected =
        format!("pointsman-control: cannot listen on {address} (--admin-listen): another program listens there");
    assert_eq!(message(&text), expected);
}

#[test]
fn a_second_server_on_the_same_database_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let db = dir.path().join("db");
    let first = Server::start(&mut command(&db));
    let (code, text) = run(&mut command(&db));
    assert!(code == Some(4) && message(&text).contains("in use by another server"), "{text}");
    let (code, _) = first.stop();
    assert_eq!(code, Some(0), "a signal ends it cleanly");
    Server::start(&mut command(&db));
}

fn bearing<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    let value = format!("Bearer {token}").parse().expect("a header");
    request.metadata_mut().insert("authorization", value);
    request
}

fn create(name: &str, base_url: &str) -> CreateProviderRequest {
    let provider = v1::Provider { name: name.into(), base_url: base_url.into(), ..Default::default() };
    CreateProviderRequest { provider: Some(provider), validate_only: false }
}

// More than one thread: waiting for the binary must not keep the client from hearing it.
#[tokio::test(flavor = "multi_thread")]
async fn operators_bear_the_token_that_was_made_and_never_logged() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Server::start(&mut command(&dir.path().join("db")));
    let token = std::fs::read_to_string(dir.path().join("admin.token")).expect("it was made");
    let token = token.trim();
    let mut providers = ProviderServiceClient::new(server.connect().await);
    let refused = providers.create_provider(create("p", "https://h")).await.expect_err("nobody was named");
    assert_eq!(refused.code(), Code::Unauthenticated);
    let wrong = providers.create_provider(bearing(create("p", "https://h"), "pma_wrong")).await;
    assert_eq!(wrong.map_err(|e| e.code()).err(), Some(Code::Unauthenticated));
    let made = providers.create_provider(bearing(create("p", "https://h"), token)).await.expect("it is good");
    assert_eq!(made.into_inner().commit.map(|c| c.version), Some(2));
    let (code, log) = server.stop();
    assert_eq!(code, Some(0));
    assert!(log.contains("configuration changed") && !log.contains(token), "{log}");
}

// More than one thread: waiting for the binary must not keep the client from hearing it.
#[tokio::test(flavor = "multi_thread")]
async fn the_admin_api_pages_explains_and_watches() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Server::start(command(&dir.path().join("db")).arg("--insecure-dev"));
    let channel = server.connect().await;
    let mut providers = ProviderServiceClient::new(channel.clone());
    for i in 0..5 {
        providers.create_provider(create(&format!("p{i}"), "https://h")).await.expect("it is good");
    }
    let bad =
        providers.create_provider(create("bad/name", "ftp://h")).await.expect_err("it is invalid").get_error_details();
    let fields: Vec<_> = bad.bad_request().expect("it says which").field_violations.iter().map(|v| &*v.field).collect();
    assert_eq!(fields, ["providers[\"bad/name\"].base_url", "providers[\"bad/name\"].name"]);
    let again = providers.create_provider(create("p0", "https://h")).await.expect_err("it exists");
    assert_eq!(
        (again.code(), again.get_error_details().resource_info().map(|r| &*r.resource_name)),
        (Code::AlreadyExists, Some("p0"))
    );

    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = providers
            .list_providers(ListProvidersRequest { page_size: 2, page_token })
            .await
            .expect("a page")
            .into_inner();
        names.extend(page.providers.into_iter().map(|p| p.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["p0", "p1", "p2", "p3", "p4"]);

    let mut config = ConfigServiceClient::new(channel);
    let exported = config.export(v1::ExportRequest {}).await.expect("it is exported").into_inner();
    let apply = v1::ApplyRequest { config: exported.config, prune: true, ..Default::default() };
    let applied = config.apply(apply).await.expect("it applies").into_inner();
    assert_eq!((applied.commit.map(|c| c.version), applied.changes.len()), (Some(exported.version), 0));
    let mut watch = config.watch(v1::WatchRequest::default()).await.expect("it watches").into_inner();
    let first = watch.message().await.expect("it answers").and_then(|a| a.fleet).expect("at once");
    assert_eq!(first.version, exported.version);
    let (code, _) = server.stop();
    assert_eq!(code, Some(0), "a watch does not hold up the end");
}

/// A connection of its own to a server that asks for no token.
struct Operator {
    providers: ProviderServiceClient<Channel>,
    keys: KeyServiceClient<Channel>,
    config: ConfigServiceClient<Channel>,
}

impl Operator {
    async fn of(server: &Server) -> Self {
        let channel = server.connect().await;
        Self {
            providers: ProviderServiceClient::new(channel.clone()),
            keys: KeyServiceClient::new(channel.clone()),
            config: ConfigServiceClient::new(channel),
        }
    }

    async fn create_provider(&mut self, name: &str, preset: &str) {
        let provider = v1::Provider { name: name.into(), preset: preset.into(), ..Default::default() };
        let request = CreateProviderRequest { provider: Some(provider), validate_only: false };
        self.providers.create_provider(request).await.expect("it is good");
    }

    async fn create_key(&mut self, name: &str, source: Source) -> v1::CreateKeyResponse {
        let key = v1::Key { provider: "aws".into(), name: name.into(), source: Some(source), ..Default::default() };
        let request = v1::CreateKeyRequest { key: Some(key), validate_only: false };
        self.keys.create_key(request).await.expect("it is good").into_inner()
    }

    async fn key(&mut self, name: &str) -> v1::Key {
        let request = v1::GetKeyRequest { provider: "aws".into(), name: name.into() };
        self.keys.get_key(request).await.expect("it is there").into_inner().key.expect("it is told")
    }

    async fn summaries(&mut self) -> Vec<String> {
        let listed = self.config.list_revisions(v1::ListRevisionsRequest::default()).await.expect("it is listed");
        listed.into_inner().revisions.into_iter().map(|r| r.summary).collect()
    }
}

// More than one thread: waiting for the binary must not keep the client from hearing it.
#[tokio::test(flavor = "multi_thread")]
async fn keys_of_aws_come_from_its_own_places_and_follow_them() {
    let dir = tempfile::tempdir().expect("a directory");
    let credentials = dir.path().join("credentials");
    let profile = |id: &str| format!("[work]\naws_access_key_id = {id}\naws_secret_access_key = s3cret\n");
    std::fs::write(&credentials, profile("AKIAFIRSTFIRST1111")).expect("it is written");
    let mut command = command(&dir.path().join("db"));
    command.arg("--insecure-dev").env("AWS_SHARED_CREDENTIALS_FILE", &credentials);
    command.env("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT222").env("AWS_SECRET_ACCESS_KEY", "s3cret");
    let server = Server::start(&mut command);
    let mut operator = Operator::of(&server).await;
    operator.create_provider("aws", "bedrock").await;
    let made = operator.create_key("profile", Source::AwsProfile("work".into())).await.key.expect("it is told");
    assert_eq!((made.last_four.as_str(), made.fingerprint.len()), ("1111", 16));
    let made = operator.create_key("environment", Source::AwsEnvironment(true)).await.key.expect("it is told");
    assert_eq!(made.last_four, "T222");
    let missing = operator.create_key("missing", Source::AwsProfile("none".into())).await;
    let warnings = missing.commit.expect("it is told").warnings;
    assert!(warnings.iter().any(|w| w.contains("there is no profile \"none\"")), "{warnings:?}");
    assert!(
        operator.key("missing").await.problem.contains("there is no profile"),
        "and it is told as long as it lasts"
    );

    std::fs::write(&credentials, profile("AKIASECONDSECO3333")).expect("it is written");
    let mut waits = 0;
    while operator.key("profile").await.last_four != "3333" {
        waits += 1;
        assert!(waits < 200, "the new key pair is not taken in");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let summaries = operator.summaries().await;
    assert_eq!(summaries.len(), 4, "a renewed key pair is no event of the history: {summaries:?}");
    let (code, log) = server.stop();
    assert_eq!(code, Some(0));
    assert!(!log.contains("s3cret"), "{log}");
}
