//! Keys made afresh for each run, and tokens forged with them.

use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use serde_json::{Value, json};

use crate::jose::{Algorithm, Claims, Expected, SigningKey, TokenError, Verifier, VerifyingKey, compact};

pub(super) const NOW: i64 = 1_800_000_000;
pub(super) const ISSUER: &str = "https://id.example";
pub(super) const ALL: [Algorithm; 3] = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256];

pub(super) const EXPECTED: Expected<'static> = Expected { typ: "at+jwt", issuer: ISSUER, audience: ISSUER, leeway_seconds: 5 };

/// The PKCS #8 form of the key of this run.
pub(super) fn pkcs8(algorithm: Algorithm) -> &'static [u8] {
    static KEYS: [OnceLock<Vec<u8>>; 3] = [const { OnceLock::new() }; 3];
    KEYS[algorithm as usize].get_or_init(|| {
        let random = SystemRandom::new();
        match algorithm {
            Algorithm::EdDsa => Ed25519KeyPair::generate_pkcs8(&random).expect("an Ed25519 key can be made").as_ref().to_vec(),
            Algorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                .expect("a P-256 key can be made")
                .as_ref()
                .to_vec(),
            Algorithm::Rs256 => RsaKeyPair::generate(KeySize::Rsa2048)
                .expect("an RSA key can be made")
                .as_der()
                .expect("an RSA key can be written")
                .as_ref()
                .to_vec(),
        }
    })
}

/// The signing key of this run; its name is that of its algorithm.
pub(super) fn signing_key(algorithm: Algorithm) -> SigningKey {
    SigningKey::from_pkcs8(algorithm, algorithm.as_str(), pkcs8(algorithm)).expect("the generated key is good")
}

pub(super) fn verifying_key(algorithm: Algorithm) -> VerifyingKey {
    VerifyingKey::from_jwk(&signing_key(algorithm).public_jwk()).expect("the public half is good")
}

/// A verifier that knows the keys of all three algorithms.
pub(super) fn verifier() -> Verifier {
    Verifier::new(ALL.map(verifying_key)).expect("the names differ")
}

/// Claims that pass every check at [`NOW`].
pub(super) fn good_claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "account", "aud": ISSUER, "client_id": "usher",
        "iat": NOW, "exp": NOW + 300, "jti": "token", "sid": "session",
        "auth_time": NOW - 60, "amr": ["pwd"], "roles": ["user"],
    })
}

/// A header that passes every check.
pub(super) fn good_header() -> Value {
    json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "EdDSA"})
}

/// The good object with one member set to another value.
pub(super) fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

/// The good object without one member.
pub(super) fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().expect("it is an object").remove(name);
    object
}

/// A token with any header and payload, honestly signed with the Ed25519 key.
pub(super) fn forge(header: &[u8], payload: &[u8]) -> String {
    let mut token = format!("{}.{}", compact::encode(header), compact::encode(payload));
    signing_key(Algorithm::EdDsa).complete(&mut token).expect("signing works");
    token
}

/// What the verifier says of an honestly signed token with this header.
pub(super) fn judge_header(header: &Value) -> Result<Claims, TokenError> {
    judge(&forge(header.to_string().as_bytes(), good_claims().to_string().as_bytes()))
}

/// What the verifier says of an honestly signed token with these claims.
pub(super) fn judge_claims(claims: &Value) -> Result<Claims, TokenError> {
    judge(&forge(good_header().to_string().as_bytes(), claims.to_string().as_bytes()))
}

/// What the verifier says of a token.
pub(super) fn judge(token: &str) -> Result<Claims, TokenError> {
    verifier().verify(token, &EXPECTED, NOW)
}

/// A token that passes.
pub(super) fn good_token() -> String {
    forge(good_header().to_string().as_bytes(), good_claims().to_string().as_bytes())
}
