//! Headers that make a token unacceptable although its signature is good.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use super::fixtures::{
    ALL, EXPECTED, NOW, forge, good_claims, good_header, judge, judge_header, pkcs8, signing_key, verifier, verifying_key, with,
    without,
};
use crate::jose::{Algorithm, Expected, Material, SigningKey, TokenError, Verifier, compact};

#[test]
fn the_good_header_passes() {
    assert!(judge_header(&good_header()).is_ok());
}

#[test]
fn r120_none_in_any_case_is_refused() {
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let header = with(good_header(), "alg", json!(alg));
        assert_eq!(judge_header(&header), Err(TokenError::Algorithm), "{alg}, signed");
        let (header, claims) = (header.to_string(), good_claims().to_string());
        let bare = format!("{}.{}.", compact::encode(header.as_bytes()), compact::encode(claims.as_bytes()));
        assert_eq!(judge(&bare), Err(TokenError::Algorithm), "{alg}, unsigned");
    }
}

#[test]
fn r120_a_mac_keyed_with_the_public_key_is_refused() {
    let jwk = signing_key(Algorithm::EdDsa).public_jwk();
    let Material::Okp { x, .. } = &jwk.material else { panic!("an Ed25519 key is of type OKP") };
    let secret = compact::decode(x).expect("it is base64url");
    for alg in ["HS256", "hs256", "HS384", "HS512"] {
        let header = with(good_header(), "alg", json!(alg)).to_string();
        let input = format!("{}.{}", compact::encode(header.as_bytes()), compact::encode(good_claims().to_string().as_bytes()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), input.as_bytes());
        let token = format!("{input}.{}", compact::encode(tag.as_ref()));
        assert_eq!(judge(&token), Err(TokenError::Algorithm), "{alg}");
    }
}

#[test]
fn r120_an_algorithm_that_is_not_the_one_of_the_key_is_refused() {
    for algorithm in ALL {
        for named in ALL.into_iter().filter(|named| *named != algorithm) {
            let header = json!({"alg": named, "typ": "at+jwt", "kid": algorithm.as_str()});
            let mut token = format!(
                "{}.{}",
                compact::encode(header.to_string().as_bytes()),
                compact::encode(good_claims().to_string().as_bytes())
            );
            signing_key(algorithm).complete(&mut token).expect("signing works");
            assert_eq!(judge(&token), Err(TokenError::Algorithm), "{named} for {algorithm}");
        }
    }
}

#[test]
fn r120_an_unknown_algorithm_is_refused() {
    let names = ["eddsa", "EDDSA", "ES384", "ES256K", "RS512", "PS256", "RSA1_5", "EdDSA ", "dir"];
    for alg in names {
        let header = with(good_header(), "alg", json!(alg));
        assert_eq!(judge_header(&header), Err(TokenError::Algorithm), "{alg}");
    }
}

#[test]
fn r120_a_header_without_an_algorithm_string_is_refused() {
    assert_eq!(judge_header(&without(good_header(), "alg")), Err(TokenError::Algorithm));
    for alg in [json!(null), json!(["EdDSA"]), json!({"name": "EdDSA"}), json!(1)] {
        let header = with(good_header(), "alg", alg);
        assert_eq!(judge_header(&header), Err(TokenError::Algorithm));
    }
}

#[test]
fn r120_a_verifier_does_not_accept_the_algorithms_of_keys_it_lacks() {
    let only_p256 = Verifier::new([verifying_key(Algorithm::Es256)]).expect("one key is a set");
    let header = with(good_header(), "kid", json!("ES256")).to_string();
    let token = forge(header.as_bytes(), good_claims().to_string().as_bytes());
    assert_eq!(only_p256.verify(&token, &EXPECTED, NOW), Err(TokenError::Algorithm));
}

#[test]
fn r121_a_header_that_names_or_carries_a_key_is_refused() {
    let own_key = serde_json::to_value(signing_key(Algorithm::EdDsa).public_jwk()).expect("a key can be written");
    let members = [
        ("jku", json!("https://id.example/.well-known/jwks.json")),
        ("jwk", own_key),
        ("x5u", json!("https://id.example/chain.pem")),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("dGh1bWI")),
        ("x5t#S256", json!("dGh1bWI")),
        ("jku", json!(null)),
    ];
    for (name, value) in members {
        let header = with(good_header(), name, value);
        assert_eq!(judge_header(&header), Err(TokenError::HeaderMember(name)));
    }
}

#[test]
fn r122_a_missing_or_malformed_key_id_is_refused() {
    assert_eq!(judge_header(&without(good_header(), "kid")), Err(TokenError::Kid));
    let long = "k".repeat(129);
    let malformed = ["", "a b", "../key", "a/b", "a'--", "a%00", "k\u{0}", "clé", "a@b", long.as_str()];
    for kid in malformed {
        let header = with(good_header(), "kid", json!(kid));
        assert_eq!(judge_header(&header), Err(TokenError::Kid), "{kid:?}");
    }
    for kid in [json!(null), json!(1), json!(["EdDSA"])] {
        assert_eq!(judge_header(&with(good_header(), "kid", kid)), Err(TokenError::Kid));
    }
}

#[test]
fn r122_a_key_id_is_looked_up_exactly() {
    for kid in ["eddsa", "EdDS", "EdDSA1", "-EdDSA"] {
        let header = with(good_header(), "kid", json!(kid));
        assert_eq!(judge_header(&header), Err(TokenError::UnknownKey), "{kid}");
    }
}

#[test]
fn r122_a_key_id_of_128_characters_is_accepted() {
    let kid = "Az09._-k".repeat(16);
    let der = pkcs8(Algorithm::EdDsa);
    let key = SigningKey::from_pkcs8(Algorithm::EdDsa, &kid, der).expect("the name is allowed");
    let public = crate::jose::VerifyingKey::from_jwk(&key.public_jwk()).expect("the key is good");
    let verifier = Verifier::new([public]).expect("one key is a set");
    let token = key.sign("at+jwt", good_claims().to_string().as_bytes()).expect("signing works");
    assert!(verifier.verify(&token, &EXPECTED, NOW).is_ok());
}

#[test]
fn r123_any_critical_extension_is_refused() {
    let lists = [json!(["exp"]), json!(["b64"]), json!([]), json!(null), json!("exp")];
    for crit in lists {
        let header = with(good_header(), "crit", crit);
        assert_eq!(judge_header(&header), Err(TokenError::HeaderMember("crit")));
    }
}

#[test]
fn r123_an_unencoded_payload_is_refused() {
    for b64 in [json!(false), json!(true)] {
        let header = with(good_header(), "b64", b64);
        assert_eq!(judge_header(&header), Err(TokenError::HeaderMember("b64")));
    }
}

#[test]
fn r123_a_harmless_unknown_member_is_ignored() {
    assert!(judge_header(&with(good_header(), "cty", json!("json"))).is_ok());
}

#[test]
fn r124_another_or_missing_type_is_refused() {
    assert_eq!(judge_header(&without(good_header(), "typ")), Err(TokenError::Type));
    let others: [Value; 9] = [
        json!("JWT"),
        json!("logout+jwt"),
        json!("dpop+jwt"),
        json!("at+jwt "),
        json!(""),
        json!("text/at+jwt"),
        json!("application/application/at+jwt"),
        json!(null),
        json!(["at+jwt"]),
    ];
    for typ in others {
        let header = with(good_header(), "typ", typ);
        assert_eq!(judge_header(&header), Err(TokenError::Type), "{header}");
    }
}

#[test]
fn r124_the_type_is_compared_without_case_and_prefix() {
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
        assert!(judge_header(&with(good_header(), "typ", json!(typ))).is_ok(), "{typ}");
    }
}

#[test]
fn r124_an_id_token_never_passes_for_an_access_token() {
    let header = with(good_header(), "typ", json!("JWT")).to_string();
    let token = forge(header.as_bytes(), good_claims().to_string().as_bytes());
    let careless = Expected { typ: "JWT", ..EXPECTED };
    assert!(verifier().verify(&token, &careless, NOW).is_ok());
    assert_eq!(verifier().verify_access(&token, &careless, NOW), Err(TokenError::Type));
}

#[test]
fn r127_a_header_of_an_encrypted_token_is_refused() {
    for (name, value) in [("enc", json!("A128GCM")), ("zip", json!("DEF"))] {
        let header = with(good_header(), name, value);
        assert_eq!(judge_header(&header), Err(TokenError::HeaderMember(name)));
    }
}
