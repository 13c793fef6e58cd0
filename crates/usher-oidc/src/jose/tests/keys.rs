//! Keys: what is published, what is taken over, what is refused.

use serde_json::{Value, json};

use super::fixtures::{ALL, pkcs8, signing_key, verifying_key, with, without};
use crate::jose::{Algorithm, Jwk, JwkSet, KeyError, SigningKey, Verifier, VerifyingKey, compact};

fn published(algorithm: Algorithm) -> Value {
    serde_json::to_value(signing_key(algorithm).public_jwk()).expect("a key can be written")
}

/// What becomes of a key given as JSON.
fn import(key: &Value) -> Result<Algorithm, KeyError> {
    let jwk = Jwk::parse(key.to_string().as_bytes())?;
    VerifyingKey::from_jwk(&jwk).map(|key| key.algorithm())
}

#[test]
fn published_keys_can_be_taken_over() {
    for algorithm in ALL {
        assert_eq!(import(&published(algorithm)), Ok(algorithm));
        let bare = without(without(published(algorithm), "alg"), "use");
        assert_eq!(import(&bare), Ok(algorithm));
    }
}

#[test]
fn r129_a_published_key_shows_public_members_only() {
    let members = [
        (Algorithm::EdDsa, vec!["alg", "crv", "kid", "kty", "use", "x"]),
        (Algorithm::Es256, vec!["alg", "crv", "kid", "kty", "use", "x", "y"]),
        (Algorithm::Rs256, vec!["alg", "e", "kid", "kty", "n", "use"]),
    ];
    for (algorithm, expected) in members {
        let key = published(algorithm);
        let mut names: Vec<_> = key.as_object().expect("it is an object").keys().collect();
        names.sort();
        assert_eq!(names, expected);
        assert_eq!(key["use"], "sig");
        assert_eq!(key["alg"], algorithm.as_str());
    }
}

#[test]
fn r129_two_keys_of_one_name_are_refused() {
    let key = verifying_key(Algorithm::EdDsa);
    let twice = Verifier::new([key.clone(), key]).map(drop);
    assert_eq!(twice, Err(KeyError::DuplicateKid));
}

#[test]
fn r129_a_key_with_private_members_is_refused() {
    for algorithm in ALL {
        for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            for value in [json!("AQAB"), json!(null), json!([])] {
                let key = with(published(algorithm), name, value);
                assert_eq!(import(&key), Err(KeyError::Private), "{name}");
            }
        }
    }
}

#[test]
fn r129_a_private_key_that_was_read_is_not_written_again() {
    let key = with(published(Algorithm::EdDsa), "d", json!("c2VjcmV0"));
    let jwk: Jwk = serde_json::from_value(key).expect("the public members are there");
    assert!(jwk.carries_private());
    let written = serde_json::to_string(&jwk).expect("a key can be written");
    assert!(!written.contains("c2VjcmV0"));
    assert!(!format!("{jwk:?}").contains("c2VjcmV0"));
}

#[test]
fn r120_a_symmetric_key_is_refused() {
    let key = json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256", "kid": "k"});
    assert_eq!(import(&key), Err(KeyError::UnsupportedType));
}

#[test]
fn r120_a_key_meant_for_another_algorithm_is_refused() {
    for (algorithm, alg) in [
        (Algorithm::EdDsa, "ES256"),
        (Algorithm::Es256, "ES384"),
        (Algorithm::Rs256, "PS256"),
        (Algorithm::Rs256, "HS256"),
        (Algorithm::Rs256, "none"),
    ] {
        let key = with(published(algorithm), "alg", json!(alg));
        assert_eq!(import(&key), Err(KeyError::AlgorithmMismatch), "{alg}");
    }
}

#[test]
fn r120_a_key_meant_for_another_purpose_is_refused() {
    for (name, value) in [("use", json!("enc")), ("use", json!("")), ("key_ops", json!(["encrypt"])), ("key_ops", json!([]))] {
        let key = with(published(Algorithm::Es256), name, value);
        assert_eq!(import(&key), Err(KeyError::NotForSignatures));
    }
    let key = with(published(Algorithm::Es256), "key_ops", json!(["verify"]));
    assert_eq!(import(&key), Ok(Algorithm::Es256));
}

#[test]
fn r122_a_key_without_a_usable_name_is_refused() {
    assert_eq!(import(&without(published(Algorithm::EdDsa), "kid")), Err(KeyError::Kid));
    for kid in ["", "a b", "a/b", &"k".repeat(129)] {
        let key = with(published(Algorithm::EdDsa), "kid", json!(kid));
        assert_eq!(import(&key), Err(KeyError::Kid));
        let der = pkcs8(Algorithm::EdDsa);
        let signing = SigningKey::from_pkcs8(Algorithm::EdDsa, kid, der).map(drop);
        assert_eq!(signing, Err(KeyError::Kid));
    }
}

#[test]
fn a_key_of_another_curve_or_type_is_refused() {
    for (algorithm, crv) in
        [(Algorithm::EdDsa, "X25519"), (Algorithm::EdDsa, "Ed448"), (Algorithm::Es256, "P-384"), (Algorithm::Es256, "secp256k1")]
    {
        let key = with(published(algorithm), "crv", json!(crv));
        assert_eq!(import(&key), Err(KeyError::UnsupportedType), "{crv}");
    }
}

#[test]
fn a_member_that_is_missing_or_malformed_is_refused() {
    let cases = [
        (Algorithm::EdDsa, "x"),
        (Algorithm::Es256, "x"),
        (Algorithm::Es256, "y"),
        (Algorithm::Rs256, "n"),
        (Algorithm::Rs256, "e"),
    ];
    for (algorithm, name) in cases {
        assert_eq!(import(&without(published(algorithm), name)), Err(KeyError::Member(name)));
        for value in [json!(""), json!("A==="), json!("+/+/"), json!(1), json!("AAEC")] {
            let key = with(published(algorithm), name, value);
            assert_eq!(import(&key), Err(KeyError::Member(name)), "{name} of {algorithm}");
        }
    }
}

#[test]
fn a_point_of_the_wrong_length_is_refused() {
    for length in [31, 33, 64] {
        let bytes = compact::encode(&vec![1; length]);
        for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
            let key = with(published(algorithm), "x", json!(bytes));
            assert_eq!(import(&key), Err(KeyError::Member("x")));
        }
    }
}

#[test]
fn a_point_off_the_curve_is_refused() {
    let key = published(Algorithm::Es256);
    let swapped = with(with(key.clone(), "x", key["y"].clone()), "y", key["x"].clone());
    assert_eq!(import(&swapped), Err(KeyError::Rejected));
    let zero = json!(compact::encode(&[0; 32]));
    assert_eq!(import(&with(with(key, "x", zero.clone()), "y", zero)), Err(KeyError::Rejected));
}

#[test]
fn r130_an_rsa_key_outside_the_sizes_is_refused() {
    for bytes in [64, 128, 255, 1025] {
        let n = compact::encode(&vec![0xff; bytes]);
        let key = with(published(Algorithm::Rs256), "n", json!(n));
        assert_eq!(import(&key), Err(KeyError::RsaSize), "{bytes} bytes");
    }
    let mut just_short = vec![0xff; 256];
    just_short[0] = 0x7f;
    let key = with(published(Algorithm::Rs256), "n", json!(compact::encode(&just_short)));
    assert_eq!(import(&key), Err(KeyError::RsaSize));
}

#[test]
fn r130_an_rsa_exponent_that_is_weak_or_costly_is_refused() {
    let exponents: [&[u8]; 5] = [&[1], &[3], &[0xff, 0xff], &[1, 0, 0], &[1, 0, 0, 0, 1]];
    for exponent in exponents {
        let key = with(published(Algorithm::Rs256), "e", json!(compact::encode(exponent)));
        assert_eq!(import(&key), Err(KeyError::RsaExponent), "{exponent:?}");
    }
}

#[test]
fn a_signing_key_of_another_algorithm_is_refused() {
    for algorithm in ALL {
        for other in ALL.into_iter().filter(|other| *other != algorithm) {
            let key = SigningKey::from_pkcs8(algorithm, "k", pkcs8(other)).map(drop);
            assert_eq!(key, Err(KeyError::Rejected));
        }
        let cut = &pkcs8(algorithm)[1..];
        assert_eq!(SigningKey::from_pkcs8(algorithm, "k", cut).map(drop), Err(KeyError::Rejected));
    }
}

#[test]
fn r126_a_key_with_a_duplicate_member_is_refused() {
    let text = r#"{"kty":"OKP","crv":"Ed25519","x":"a","x":"b"}"#;
    assert_eq!(Jwk::parse(text.as_bytes()), Err(KeyError::Json));
    let set = format!(r#"{{"keys":[{text}]}}"#);
    assert_eq!(JwkSet::parse(set.as_bytes()), Err(KeyError::Json));
}

#[test]
fn a_set_leaves_out_keys_of_unknown_types_and_ignores_unknown_members() {
    let set = json!({"keys": [
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"},
        {"kty": "EC", "crv": "P-256"},
        with(published(Algorithm::EdDsa), "x-note", json!({"any": "thing"})),
    ], "more": 1});
    let read = JwkSet::parse(set.to_string().as_bytes()).expect("the set is strict JSON");
    assert_eq!(read.keys, [signing_key(Algorithm::EdDsa).public_jwk()]);
}

#[test]
fn a_text_that_is_no_set_is_refused() {
    for text in ["{}", r#"{"keys":{}}"#, r#"{"keys":[1]}"#] {
        assert_eq!(JwkSet::parse(text.as_bytes()), Err(KeyError::Member("keys")), "{text}");
    }
}

#[test]
fn algorithm_names_are_read_and_written_exactly() {
    for algorithm in ALL {
        assert_eq!(algorithm.as_str().parse(), Ok(algorithm));
        let json = serde_json::to_value(algorithm).expect("a name can be written");
        assert_eq!(json, json!(algorithm.as_str()));
        assert_eq!(serde_json::from_value::<Algorithm>(json).ok(), Some(algorithm));
        assert_eq!(algorithm.to_string(), algorithm.as_str());
    }
    for name in ["none", "HS256", "eddsa", "Ed25519", ""] {
        assert_eq!(name.parse::<Algorithm>(), Err(KeyError::UnknownAlgorithm));
    }
}
