//! The vectors of Project Wycheproof (see `tests/wycheproof/LICENSE`).
//!
//! How it is decided which vectors are left out. A vector is `run` whenever its key can be taken
//! over. Where the key is refused, a vector that must fail is counted as `key_refused`: without the
//! key it cannot pass. A vector that must pass is then `left_out`, which is allowed for these
//! reasons and no other: the key is symmetric, its algorithm is not ours, or a rule of ours is
//! stricter than the vectors (the alphabet of key ids, the smallest RSA exponent). The exact
//! numbers are asserted, so that a new refusal cannot hide here.

use serde_json::Value;

use crate::jose::{Jwk, JwkSet, KeyError, Material, Verifier, VerifyingKey, compact};

#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    run: usize,
    key_refused: usize,
    left_out: usize,
}

fn load(text: &str) -> Value {
    serde_json::from_str(text).expect("the vectors are JSON")
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map(Vec::as_slice).expect("the list is there")
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().expect("the text is there")
}

fn must_pass(vector: &Value) -> bool {
    match text(vector, "result") {
        "valid" => true,
        "invalid" => false,
        other => panic!("the result {other} needs a decision"),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("it is hexadecimal");
    (0..hex.len()).step_by(2).map(digits).collect()
}

#[test]
fn json_web_signatures() {
    let vectors = load(include_str!("../../../tests/wycheproof/json_web_signature_test.json"));
    let mut count = Count::default();
    for group in list(&vectors, "testGroups") {
        let key = match group.get("public") {
            Some(public) => Jwk::parse(public.to_string().as_bytes()),
            None => Jwk::parse(group["private"].to_string().as_bytes()),
        };
        let key = key.and_then(|jwk| VerifyingKey::from_jwk(&jwk));
        for vector in list(group, "tests") {
            run_signature(vector, &key, &mut count);
        }
    }
    assert_eq!(count, Count { run: 270, key_refused: 93, left_out: 38 });
}

fn run_signature(vector: &Value, key: &Result<VerifyingKey, KeyError>, count: &mut Count) {
    match key {
        Ok(key) => {
            let verifier = Verifier::new([key.clone()]).expect("one key is a set");
            let passed = verifier.verify_signature(text(vector, "jws")).is_ok();
            assert_eq!(passed, must_pass(vector), "{vector}");
            count.run += 1;
        }
        Err(reason) if must_pass(vector) => {
            let allowed = [KeyError::UnsupportedType, KeyError::AlgorithmMismatch, KeyError::Kid];
            assert!(allowed.contains(reason), "{reason}: {vector}");
            count.left_out += 1;
        }
        Err(_) => count.key_refused += 1,
    }
}

#[test]
fn json_web_keys() {
    let vectors = load(include_str!("../../../tests/wycheproof/json_web_key_test.json"));
    let mut count = Count::default();
    for group in list(&vectors, "testGroups") {
        let symmetric = group.get("public").is_none();
        let set = if symmetric { &group["private"] } else { &group["public"] };
        let set = JwkSet::parse(set.to_string().as_bytes()).expect("the set is strict JSON");
        let verifier = Verifier::from_jwk_set(&set);
        for vector in list(group, "tests") {
            let passed = verifier.as_ref().is_ok_and(|verifier| verifier.verify_signature(text(vector, "jws")).is_ok());
            if symmetric && must_pass(vector) {
                assert!(!passed, "{vector}");
                count.left_out += 1;
                continue;
            }
            assert_eq!(passed, must_pass(vector), "{vector}");
            if set.keys.is_empty() || verifier.is_err() {
                count.key_refused += 1;
            } else {
                count.run += 1;
            }
        }
    }
    // Run: a plain RSA set, and a MAC against a set that holds an elliptic key beside the secret.
    assert_eq!(count, Count { run: 2, key_refused: 20, left_out: 4 });
}

/// Signatures and encryptions mixed, for keys and for sets of keys. No encrypted token is accepted at all (R-127), so each of
/// those is tried against a verifier whose keys are good, and those that are valid are counted as left out.
#[test]
fn r127_json_web_crypto() {
    let vectors = load(include_str!("../../../tests/wycheproof/json_web_crypto_test.json"));
    let (mut signed, mut encrypted) = (Count::default(), Count::default());
    let good = super::fixtures::verifier();
    for group in list(&vectors, "testGroups") {
        let key = group.get("public").unwrap_or(&group["private"]).to_string();
        let set = JwkSet::parse(key.as_bytes()).or_else(|_| Jwk::parse(key.as_bytes()).map(|key| JwkSet { keys: vec![key] }));
        let verifier = set.and_then(|set| Verifier::from_jwk_set(&set));
        for vector in list(group, "tests") {
            let (token, count) = match vector.get("jwe") {
                Some(token) => (token, &mut encrypted),
                None => (&vector["jws"], &mut signed),
            };
            // JSON serialisation stands in the vectors as an object.
            let token = token.as_str().map_or_else(|| token.to_string(), ToOwned::to_owned);
            let verifier = if vector.get("jwe").is_some() { Ok(&good) } else { verifier.as_ref() };
            let passed = verifier.is_ok_and(|verifier| verifier.verify_signature(&token).is_ok());
            let symmetric = group.get("public").is_none();
            if symmetric && must_pass(vector) {
                assert!(!passed, "{vector}");
                count.left_out += 1;
                continue;
            }
            assert_eq!(passed, must_pass(vector), "{vector}");
            if verifier.is_ok() { count.run += 1 } else { count.key_refused += 1 }
        }
    }
    assert_eq!(signed, Count { run: 30, key_refused: 17, left_out: 2 });
    assert_eq!(encrypted, Count { run: 32, key_refused: 0, left_out: 2 });
}

#[test]
fn a_key_of_the_broken_rsa_generator_is_recognised() {
    let vectors = load(include_str!("../../../tests/wycheproof/json_web_key_test.json"));
    let group =
        list(&vectors, "testGroups").iter().find(|group| group["comment"] == "jws_rsa_roca_key").expect("the group is there");
    let set = JwkSet::parse(group["public"].to_string().as_bytes()).expect("it is strict JSON");
    let verdict = Verifier::from_jwk_set(&set).map(drop);
    assert_eq!(verdict, Err(KeyError::RsaWeakGenerator));
}

#[test]
fn ed25519_signatures() {
    let vectors = load(include_str!("../../../tests/wycheproof/ed25519_test.json"));
    let count = run_bare(&vectors, |group| {
        let x = compact::encode(&bytes(text(&group["publicKey"], "pk")));
        Material::Okp { crv: "Ed25519".to_owned(), x }
    });
    assert_eq!(count, Count { run: 151, key_refused: 0, left_out: 0 });
}

#[test]
fn ecdsa_p256_signatures() {
    let vectors = load(include_str!("../../../tests/wycheproof/ecdsa_secp256r1_sha256_p1363_test.json"));
    let count = run_bare(&vectors, |group| {
        let point = bytes(text(&group["publicKey"], "uncompressed"));
        let (x, y) = point[1..].split_at(32);
        Material::Ec { crv: "P-256".to_owned(), x: compact::encode(x), y: compact::encode(y) }
    });
    assert_eq!(count, Count { run: 262, key_refused: 0, left_out: 0 });
}

#[test]
fn rsa_2048_sha256_signatures() {
    let vectors = load(include_str!("../../../tests/wycheproof/rsa_signature_2048_sha256_test.json"));
    let count = run_bare(&vectors, |group| Material::Rsa {
        n: text(&group["keyJwk"], "n").to_owned(),
        e: text(&group["keyJwk"], "e").to_owned(),
    });
    // The two that are left out have keys with the exponent 3.
    assert_eq!(count, Count { run: 257, key_refused: 0, left_out: 2 });
}

/// Runs vectors that are bare signatures of bare messages.
fn run_bare(vectors: &Value, material: fn(&Value) -> Material) -> Count {
    let mut count = Count::default();
    for group in list(vectors, "testGroups") {
        let mut jwk =
            Jwk::parse(br#"{"kty":"OKP","crv":"","x":"","kid":"wycheproof"}"#).expect("the frame of a key is strict JSON");
        jwk.material = material(group);
        let key = VerifyingKey::from_jwk(&jwk);
        for vector in list(group, "tests") {
            match &key {
                Ok(key) => {
                    // One vector is "acceptable": an RSA encoding without the NULL parameter,
                    // which RFC 8017 does not allow and which must fail here.
                    let expected = text(vector, "result") == "valid";
                    let (message, signature) = (bytes(text(vector, "msg")), bytes(text(vector, "sig")));
                    assert_eq!(key.check(&message, &signature).is_ok(), expected, "{vector}");
                    count.run += 1;
                }
                Err(reason) => {
                    assert_eq!(*reason, KeyError::RsaExponent, "{vector}");
                    count.left_out += 1;
                }
            }
        }
    }
    count
}
