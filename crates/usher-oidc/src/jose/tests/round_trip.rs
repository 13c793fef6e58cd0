//! What we sign, we verify; and nothing that was changed on the way.

use super::fixtures::{ALL, EXPECTED, NOW, good_claims, good_token, judge, pkcs8, signing_key, verifier, with, without};
use crate::jose::{AccessClaims, Algorithm, Expected, JwkSet, SignError, SigningKey, TokenError, Verifier, compact};
use serde_json::{Value, json};

fn assert_send_and_sync<T: Send + Sync>() {}

#[test]
fn keys_and_verifiers_can_be_shared_between_threads() {
    assert_send_and_sync::<SigningKey>();
    assert_send_and_sync::<Verifier>();
}

#[test]
fn an_access_token_round_trips_with_each_algorithm() {
    let claims: AccessClaims = serde_json::from_value(good_claims()).expect("the claims fit");
    let json = serde_json::to_vec(&claims).expect("claims can be written");
    for algorithm in ALL {
        let token = signing_key(algorithm).sign("at+jwt", &json).expect("signing works");
        let read = verifier().verify_access(&token, &EXPECTED, NOW).expect("our own token is good");
        assert_eq!(read, claims);
    }
}

#[test]
fn another_type_round_trips_and_carries_its_header() {
    let token = signing_key(Algorithm::Es256).sign("logout+jwt", good_claims().to_string().as_bytes()).expect("signing works");
    let header = token.split('.').next().and_then(compact::decode).expect("it is base64url");
    let header: Value = serde_json::from_slice(&header).expect("it is JSON");
    assert_eq!(header, json!({"alg": "ES256", "typ": "logout+jwt", "kid": "ES256"}));
    let expected = Expected { typ: "logout+jwt", ..EXPECTED };
    let claims = verifier().verify(&token, &expected, NOW).expect("our own token is good");
    assert_eq!(claims.string("sub"), Some("account"));
    assert_eq!(claims.get("exp"), Some(&json!(NOW + 300)));
    assert_eq!(Value::Object(claims.into_members()), good_claims());
}

#[test]
fn any_flipped_character_spoils_the_token() {
    let token = good_token();
    assert!(judge(&token).is_ok());
    for position in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).expect("it stays ASCII");
        assert!(judge(&changed).is_err(), "character {position} can be changed");
    }
}

#[test]
fn a_published_set_makes_the_verifier_that_reads_our_tokens() {
    let set = JwkSet { keys: ALL.map(|algorithm| signing_key(algorithm).public_jwk()).to_vec() };
    let json = serde_json::to_vec(&set).expect("a set can be written");
    let read = JwkSet::parse(&json).expect("a set can be read");
    assert_eq!(read, set);
    let verifier = Verifier::from_jwk_set(&read).expect("all keys are good");
    assert!(verifier.verify(&good_token(), &EXPECTED, NOW).is_ok());
}

#[test]
fn a_key_named_by_its_thumbprint_says_so_in_its_public_half() {
    for algorithm in ALL {
        let key = SigningKey::from_pkcs8_by_thumbprint(algorithm, pkcs8(algorithm)).expect("the generated key is good");
        assert_eq!(key.kid(), key.public_jwk().thumbprint());
        assert_eq!(key.algorithm(), algorithm);
    }
}

#[test]
fn a_key_shown_for_debugging_shows_no_secret() {
    let shown = format!("{:?}", signing_key(Algorithm::EdDsa));
    assert_eq!(shown, r#"SigningKey { kid: "EdDSA", algorithm: EdDsa, .. }"#);
}

#[test]
fn a_type_that_would_break_out_of_the_header_is_not_signed() {
    let key = signing_key(Algorithm::EdDsa);
    for typ in ["", "a\"b", "a b", "a\\b", "ä", &"a".repeat(65)] {
        assert_eq!(key.sign(typ, b"{}"), Err(SignError::Type));
    }
}

#[test]
fn a_token_that_our_verifier_would_not_read_is_not_signed() {
    let claims = with(good_claims(), "roles", json!(["r".repeat(8000)])).to_string();
    let key = signing_key(Algorithm::EdDsa);
    assert_eq!(key.sign("at+jwt", claims.as_bytes()), Err(SignError::TooLong));
}

#[test]
fn r128_an_access_token_without_a_required_claim_is_refused() {
    let key = signing_key(Algorithm::EdDsa);
    for name in ["sub", "client_id", "jti", "sid", "auth_time"] {
        let claims = without(good_claims(), name).to_string();
        let token = key.sign("at+jwt", claims.as_bytes()).expect("signing works");
        let read = verifier().verify_access(&token, &EXPECTED, NOW);
        assert_eq!(read, Err(TokenError::Shape), "{name}");
    }
}

#[test]
fn r128_an_audience_given_as_a_list_is_read_as_the_expected_one() {
    let claims = with(good_claims(), "aud", json!(["https://other.example", EXPECTED.audience]));
    let token = signing_key(Algorithm::EdDsa).sign("at+jwt", claims.to_string().as_bytes()).expect("signing works");
    let read = verifier().verify_access(&token, &EXPECTED, NOW).expect("the token is good");
    assert_eq!(read.aud, EXPECTED.audience);
    let written = serde_json::to_value(&read).expect("claims can be written");
    assert_eq!(written["aud"], json!(EXPECTED.audience));
}
