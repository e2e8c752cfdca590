//! Each protocol's credential, wherever it stands.

use super::wires::WIRES;
use super::*;

/// A request that has no credential but these headers.
async fn status(rig: &Rig, name: &str, headers: &[(&'static str, &str)]) -> u16 {
    let wire = WIRES.iter().find(|wire| wire.name == name).expect("it is there");
    let mut request = wire.request(rig, "hello", true).build().expect("valid");
    request.headers_mut().remove("authorization");
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().expect("valid"));
    }
    rig.client.execute(request).await.expect("answers").status().as_u16()
}

#[tokio::test]
async fn keys_are_counted_wherever_they_stand() {
    let rig = Rig::with(Options { keys: Some(vec!["k".into()]), ..Options::default() });
    let cases = [
        ("openai", "authorization", "Bearer k", "Bearer x", 401),
        ("responses", "authorization", "Bearer k", "Bearer x", 401),
        ("azure_openai", "api-key", "k", "x", 401),
        ("anthropic", "x-api-key", "k", "x", 401),
        ("anthropic", "authorization", "Bearer k", "Bearer x", 401),
        ("gemini", "x-goog-api-key", "k", "x", 400),
        ("bedrock", "authorization", "Bearer k", "Bearer x", 403),
        ("codewhisperer", "authorization", "Bearer k", "Bearer x", 401),
    ];
    for (name, header, good, bad, refused) in cases {
        assert_eq!(status(&rig, name, &[(header, good)]).await, 200, "{name}");
        assert_eq!(status(&rig, name, &[(header, bad)]).await, refused, "{name}");
        assert!([401, 403].contains(&status(&rig, name, &[]).await), "{name}");
    }
    assert_eq!((rig.fake.stats().key("k").ok, rig.fake.stats().key("x").failed), (8, 8));
    assert_eq!(rig.fake.violations(), []);
}

#[tokio::test]
async fn a_signature_must_be_one() {
    let rig = Rig::new();
    let good = "AWS4-HMAC-SHA256 Credential=AKID/20261121/us-east-1/bedrock/aws4_request, \
                SignedHeaders=host;x-amz-date, \
                Signature=0000000000000000000000000000000000000000000000000000000000000000";
    let date = ("x-amz-date", "20261121T040000Z");
    assert_eq!(status(&rig, "bedrock", &[("authorization", good), date]).await, 200);
    assert_eq!(rig.fake.stats().key("AKID").ok, 1);
    assert_eq!(status(&rig, "bedrock", &[("authorization", good)]).await, 403);
    assert!(rig.fake.violations()[0].message.contains("x-amz-date"));
    rig.fake.verify_signatures("AKID", "secret");
    assert_eq!(status(&rig, "bedrock", &[("authorization", good), date]).await, 403);
    assert!(rig.fake.violations()[1].message.contains("does not match"));
}
