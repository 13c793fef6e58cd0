//! Tokens under a signature that is good: what keeps them out is what they say, and nothing else.

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use usher_oidc::jose::{Algorithm, JwkSet, SigningKey, Verifier};

use super::claims;
use crate::keyring::Keys;
use crate::testing::{PUBLIC_URL, TestApp};

/// The key that the server signs with, in hands that sign anything.
struct Forger {
    pair: Ed25519KeyPair,
    header: Value,
}

impl Forger {
    fn of(app: &TestApp) -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let signer = SigningKey::from_pkcs8(Algorithm::EdDsa, "ours", pair.to_pkcs8v1().unwrap().as_ref()).unwrap();
        let published = JwkSet { keys: vec![signer.public_jwk()] };
        let verifier = Verifier::from_jwk_set(&published).unwrap();
        app.app.keyring.replace(Keys { signer, verifier, published });
        Self { pair, header: json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": "ours" }) }
    }

    fn sign(&self, header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = URL_SAFE_NO_PAD.encode(self.pair.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

/// `null` leaves the member out.
fn changed(whole: &Value, name: &str, value: Value) -> String {
    let mut changed = whole.clone();
    let members = changed.as_object_mut().unwrap();
    match value {
        Value::Null => drop(members.remove(name)),
        value => drop(members.insert(name.to_owned(), value)),
    }
    changed.to_string()
}

/// With a member that is there already, before the others and behind them.
fn twice(whole: &Value, member: &str) -> [String; 2] {
    let members = whole.to_string();
    let members = members.trim_start_matches('{').trim_end_matches('}');
    [format!("{{{member},{members}}}"), format!("{{{members},{member}}}")]
}

#[tokio::test]
async fn r123_r124_r126_our_own_signature_under_another_header_opens_nothing() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let forger = Forger::of(&app);
    let (header, payload) = (forger.header.clone(), claims(&ann.access_token).to_string());
    let whole = forger.sign(&header.to_string(), &payload);
    app.client_with(&whole).get("/v1/me").await.expect(200);
    let mut headers = Vec::new();
    for typ in ["JWT", "id+jwt", "logout+jwt", "dpop+jwt", "at", "at+jwt ", ""] {
        headers.push(changed(&header, "typ", json!(typ)));
    }
    for (name, value) in [
        ("typ", Value::Null),
        ("typ", json!(["at+jwt"])),
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("crit", json!(["exp"])),
        ("zip", json!("DEF")),
        ("jku", json!("https://e.example/jwks.json")),
    ] {
        headers.push(changed(&header, name, value));
    }
    for member in [r#""typ":"at+jwt""#, r#""typ":"JWT""#, r#""alg":"none""#, r#""kid":"ours""#] {
        headers.extend(twice(&header, member));
    }
    headers.push("[]".to_owned());
    for forged in headers {
        let answer = app.client_with(&forger.sign(&forged, &payload)).get("/v1/me").await;
        assert_eq!((answer.status.as_u16(), answer.json["code"].as_str()), (401, Some("unauthorized")), "{forged}");
    }
    app.client_with(&whole).get("/v1/me").await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r125_r126_our_own_signature_over_other_claims_opens_nothing() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let forger = Forger::of(&app);
    let (header, good, now) = (forger.header.to_string(), claims(&ann.access_token), app.now().as_second());
    let mut payloads = Vec::new();
    for (name, value) in [
        ("aud", json!("https://other.example")),
        ("aud", json!(["https://other.example", "usher"])),
        ("aud", json!([PUBLIC_URL, 5])),
        ("aud", json!([])),
        ("aud", json!({ PUBLIC_URL: true })),
        ("iss", json!("https://other.example")),
        ("iss", json!(format!("{PUBLIC_URL}/"))),
        ("iss", json!([PUBLIC_URL])),
        ("exp", json!(now - 60)),
        ("exp", json!((now + 60).to_string())),
        ("exp", json!(-1)),
        ("exp", json!(1e300)),
        ("iat", json!(now + 3600)),
        ("nbf", json!(now + 3600)),
        ("nbf", json!("0")),
        ("sub", json!("nobody")),
        ("sid", json!("none")),
        ("jti", json!(5)),
    ] {
        payloads.push(changed(&good, name, value));
    }
    for name in ["aud", "iss", "exp", "iat", "sub", "sid", "jti", "client_id"] {
        payloads.push(changed(&good, name, Value::Null));
    }
    for name in ["aud", "iss", "exp", "sub", "sid", "roles"] {
        payloads.extend(twice(&good, &format!("\"{name}\":{}", good[name])));
    }
    payloads.extend([format!("[{good}]"), format!("{good}{good}"), "null".to_owned(), String::new()]);
    for forged in payloads {
        let answer = app.client_with(&forger.sign(&header, &forged)).get("/v1/me").await;
        assert_eq!((answer.status.as_u16(), answer.json["code"].as_str()), (401, Some("unauthorized")), "{forged}");
    }
    // A beginning that has come, and us among others, are as good as nothing said.
    for (name, value) in [("nbf", json!(now)), ("aud", json!(["https://other.example", PUBLIC_URL]))] {
        app.client_with(&forger.sign(&header, &changed(&good, name, value))).get("/v1/me").await.expect(200);
    }
    app.finish().await;
}
