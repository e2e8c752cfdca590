//! CodeWhisperer's sign-in.

use std::time::Duration;

use super::wires::WIRES;
use super::*;
use crate::REFRESH;
use crate::fake::ModeSetting;

async fn refresh(rig: &Rig, path: &str, body: Value) -> (u16, Value) {
    let response = rig.client.post(format!("{}{path}", rig.fake.root_url())).json(&body).send().await.expect("answers");
    (response.status().as_u16(), value(response).await)
}

async fn call(rig: &Rig, token: &str) -> (u16, Value) {
    let kiro = WIRES.iter().find(|wire| wire.name == "codewhisperer").expect("it is there");
    let mut request = kiro.request(rig, "hello", true).build().expect("valid");
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().expect("valid"));
    let response = rig.client.execute(request).await.expect("answers");
    let status = response.status().as_u16();
    (status, if status == 200 { Value::Null } else { value(response).await })
}

#[tokio::test]
async fn both_endpoints_rotate_and_refuse_what_is_used_up() {
    let rig = Rig::new();
    let (status, first) = refresh(&rig, "/refreshToken", json!({"refreshToken": "aor1"})).await;
    assert_eq!((status, &first["expiresIn"]), (200, &json!(3600)));
    assert!(first["profileArn"].is_string());
    let idc = |token: &Value| {
        let client = json!({"clientId": "a", "clientSecret": "b", "grantType": "refresh_token"});
        crate::protocol::tests::merged(&client, &json!({"refreshToken": token}))
    };
    let (status, second) = refresh(&rig, "/token", idc(&first["refreshToken"])).await;
    assert_eq!((status, &second["tokenType"]), (200, &json!("Bearer")));
    for (path, body) in [("/refreshToken", json!({"refreshToken": "aor1"})), ("/token", idc(&first["refreshToken"]))] {
        let (status, error) = refresh(&rig, path, body).await;
        assert_eq!((status, &error["error"]), (400, &json!("invalid_grant")));
    }
    assert_eq!((rig.fake.refreshes(), rig.fake.refused_refreshes()), (2, 2));
    assert_eq!(rig.fake.stats().total.received, 0);
    assert_eq!(rig.fake.requests()[0].path, "/refreshToken");
    assert_eq!(rig.fake.violations(), []);
}

#[tokio::test]
async fn tokens_expire_when_told_to_and_refreshed_ones_are_good() {
    let rig = Rig::with(Options { keys: Some(vec!["aoa1".into()]), ..Options::default() });
    rig.fake.demand_refresh_token("aor1");
    rig.fake.set_token_lifetime(Duration::from_secs(60));
    assert_eq!((call(&rig, "aoa1").await.0, call(&rig, "aoa2").await.0), (200, 401));
    rig.fake.expire_tokens();
    let (status, error) = call(&rig, "aoa1").await;
    assert_eq!(status, 403);
    assert!(error["message"].as_str().is_some_and(|words| words.contains("bearer token included")));
    assert_eq!(refresh(&rig, "/refreshToken", json!({"refreshToken": "another"})).await.0, 400);
    let (_, tokens) = refresh(&rig, "/refreshToken", json!({"refreshToken": "aor1"})).await;
    assert_eq!(tokens["expiresIn"], 60);
    assert_eq!(call(&rig, tokens["accessToken"].as_str().expect("a token")).await.0, 200);
}

#[tokio::test]
async fn a_refresh_has_modes_of_its_own() {
    let rig = Rig::in_mode(Mode::Status { code: 503 });
    assert_eq!(refresh(&rig, "/refreshToken", json!({"refreshToken": "aor1"})).await.0, 200);
    rig.fake.apply(ModeSetting::of(Mode::Status { code: 500 }).model(REFRESH).times(1));
    assert_eq!(refresh(&rig, "/refreshToken", json!({"refreshToken": "aor2"})).await.0, 500);
    assert_eq!(refresh(&rig, "/refreshToken", json!({"refreshToken": "aor2"})).await.0, 200);
}

#[tokio::test]
async fn a_malformed_refresh_is_a_violation() {
    let rig = Rig::new();
    assert_eq!(refresh(&rig, "/refreshToken", json!({"refresh_token": "aor1"})).await.0, 400);
    assert_eq!(refresh(&rig, "/token", json!({"refreshToken": "aor1"})).await.0, 400);
    assert_eq!(rig.fake.stats().violations, 2);
    assert_eq!(rig.fake.refreshes(), 0);
}
