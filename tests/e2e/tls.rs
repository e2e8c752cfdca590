//! TLS on both of the control plane's listeners, with a certificate of one's own authority.

use crate::harness::{Process, binary, chat, config, eventually, fake, start_node};
use std::{path::Path, process::Command};

/// An authority, and a certificate for `localhost` that it signed, as PEM files in a folder.
fn certificates(folder: &Path) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let signed = server.signed_by(&key, &Issuer::from_params(&authority, &authority_key)).unwrap();
    std::fs::write(folder.join("ca.pem"), root.pem()).unwrap();
    std::fs::write(folder.join("cert.pem"), signed.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

struct Secured {
    dir: tempfile::TempDir,
    _control: Process,
    admin: String,
    fleet: String,
}

impl Secured {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        certificates(dir.path());
        let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let listen = ["--admin-listen", "127.0.0.1:0", "--fleet-listen", "127.0.0.1:0"];
        let files = ["--db", &file("p.db"), "--tls-cert", &file("cert.pem"), "--tls-key", &file("key.pem")];
        let control = Process::start("pointsman-control", &[&listen[..], &files[..]].concat(), &[]);
        let line = control.line("serving").await;
        let port = |name: &str| line[name].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
        let url = |name: &str| format!("https://localhost:{}", port(name));
        Self { admin: url("admin"), fleet: url("fleet"), _control: control, dir }
    }

    fn file(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// Runs the CLI with the admin token; exit code, standard output and standard error.
    fn pointsman(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let output = Command::new(binary("pointsman"))
            .args(["--server", &self.admin])
            .args(args)
            .env("XDG_CONFIG_HOME", self.dir.path())
            .env("POINTSMAN_TOKEN", std::fs::read_to_string(self.file("admin.token")).unwrap().trim())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_and_nodes_come_in_over_tls_and_check_who_answers() {
    let secured = Secured::start().await;
    let ca = secured.file("ca.pem");
    let (code, _, said) = secured.pointsman(&["status"]);
    assert!(code == Some(6) && said.contains("--ca-file"), "an unknown authority: {code:?} {said}");

    let only = fake();
    let body = serde_json::to_string(&config(&[("a", 1.0, &only)])).unwrap();
    std::fs::write(secured.file("config.json"), body).unwrap();
    let (code, _, said) = secured.pointsman(&["--ca-file", &ca, "apply", "-f", &secured.file("config.json")]);
    assert_eq!(code, Some(0), "{said}");
    let (code, join, said) = secured.pointsman(&["--ca-file", &ca, "node", "create", "n0"]);
    assert_eq!(code, Some(0), "{said}");

    let trusting = ["--node", "n0", "--control", &secured.fleet, "--ca-file", &ca];
    let node = start_node(&trusting, &[("POINTSMAN_JOIN_TOKEN", join.trim())]).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    eventually("the node serves what came over TLS", || async {
        let url = format!("{}/v1/chat/completions", node.url);
        (client.post(url).json(&chat("m")).send().await.unwrap().status() == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_sends_its_token_to_nobody_whose_certificate_it_does_not_trust() {
    let secured = Secured::start().await;
    for control in [secured.fleet.clone(), secured.fleet.replace("https", "http")] {
        let node =
            start_node(&["--node", "n0", "--control", &control], &[("POINTSMAN_JOIN_TOKEN", "pmj-not-for-you")]).await;
        node.process.line("not connected to the control plane").await;
        let ready = reqwest::get(format!("{}/readyz", node.ops)).await.unwrap();
        assert_eq!(ready.status(), 503);
        assert!(!node.process.log().join("\n").contains("pmj-not-for-you"));
    }
}
