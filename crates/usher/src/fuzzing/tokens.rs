//! Tokens and published keys.

use std::sync::LazyLock;

use usher_oidc::jose::{ACCESS_TOKEN_TYPE, Algorithm, Expected, Jwk, JwkSet, SigningKey, Verifier, VerifyingKey};

use super::text;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://id.example";
const EXPECTED: Expected<'static> = Expected { typ: ACCESS_TOKEN_TYPE, issuer: ISSUER, audience: ISSUER, leeway_seconds: 5 };

/// PKCS #8 around the private key of RFC 8037, appendix A.1, so that tokens among the seeds are good ones.
const KEY: [u8; 48] = *b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20\
    \x9d\x61\xb1\x9d\xef\xfd\x5a\x60\xba\x84\x4a\xf4\x92\xec\x2c\xc4\x44\x49\xc5\x69\x7b\x32\x69\x19\x70\x3b\xac\x03\x1c\xae\x7f\x60";

static SIGNER: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::from_pkcs8(Algorithm::EdDsa, "rfc8037", &KEY).expect("the key of the RFC is good"));
static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let set = JwkSet { keys: vec![SIGNER.public_jwk()] };
    Verifier::from_jwk_set(&set).expect("the public half is good")
});

pub(super) fn token(data: &[u8]) {
    let token = text(data);
    let Ok(claims) = VERIFIER.verify_access(&token, &EXPECTED, NOW) else { return };
    assert!(claims.iss == ISSUER && claims.aud == ISSUER && claims.exp > NOW - 5, "{claims:?} passed");
    // Ed25519 signatures and strict base64url leave one spelling of a token.
    let payload = token.split('.').nth(1).unwrap_or_default();
    let again = SIGNER.sign(ACCESS_TOKEN_TYPE, &base64_decoded(payload)).expect("what was signed can be signed");
    assert_eq!(again.split('.').skip(1).collect::<Vec<_>>(), token.split('.').skip(1).collect::<Vec<_>>(), "a forgery");
}

fn base64_decoded(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).expect("a token that passed is base64url")
}

/// Claims behind a signature that is always good: what a stranger can't reach, but a bug of ours could.
pub(super) fn claims(data: &[u8]) {
    let Ok(token) = SIGNER.sign(ACCESS_TOKEN_TYPE, data) else { return };
    let Ok(claims) = VERIFIER.verify_access(&token, &EXPECTED, NOW) else { return };
    assert!(claims.iss == ISSUER && claims.aud == ISSUER, "{claims:?} passed");
    assert!(claims.exp > NOW - 5 && claims.iat <= NOW + 5, "{claims:?} passed");
}

pub(super) fn keys(data: &[u8]) {
    if let Ok(set) = JwkSet::parse(data) {
        let _verifier = Verifier::from_jwk_set(&set);
        let shown = serde_json::to_vec(&set).expect("a set is plain data");
        let again = JwkSet::parse(&shown).expect("a published set can be read");
        assert_eq!(again.keys.len(), set.keys.len());
    }
    let Ok(key) = Jwk::parse(data) else { return };
    let usable = VerifyingKey::from_jwk(&key).is_ok();
    assert!(!(usable && key.carries_private()), "a key that was given away is in use");
    let shown = serde_json::to_vec(&key).expect("a key is plain data");
    let again = Jwk::parse(&shown).expect("a published key can be read");
    assert!(!again.carries_private(), "a private member was published");
    assert_eq!(again.thumbprint(), key.thumbprint());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_good_seeds_pass() {
        let token = include_str!("../../../../fuzz/seeds/token/good");
        assert!(VERIFIER.verify_access(token, &EXPECTED, NOW).is_ok());
        let claims = include_bytes!("../../../../fuzz/seeds/claims/good");
        let token = SIGNER.sign(ACCESS_TOKEN_TYPE, claims).unwrap();
        assert!(VERIFIER.verify_access(&token, &EXPECTED, NOW).is_ok());
    }
}
