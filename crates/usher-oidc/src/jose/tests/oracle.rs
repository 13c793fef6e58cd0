//! A second implementation reads what we write, and we read what it writes.

use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use serde_json::Value;

use super::fixtures::{ALL, EXPECTED, ISSUER, NOW, good_claims, judge, pkcs8, signing_key, verifier};
use crate::jose::Algorithm;

fn theirs(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
    }
}

/// For RSA the other implementation wants the PKCS #1 key, which PKCS #8 wraps in 26 bytes.
fn their_key(algorithm: Algorithm) -> EncodingKey {
    match algorithm {
        Algorithm::EdDsa => EncodingKey::from_ed_der(pkcs8(algorithm)),
        Algorithm::Es256 => EncodingKey::from_ec_der(pkcs8(algorithm)),
        Algorithm::Rs256 => EncodingKey::from_rsa_der(&pkcs8(algorithm)[26..]),
    }
}

#[test]
fn the_other_implementation_verifies_ours_with_our_published_key() {
    for algorithm in ALL {
        let key = signing_key(algorithm);
        let published = serde_json::to_value(key.public_jwk()).expect("a key can be written");
        let published: jsonwebtoken::jwk::Jwk =
            serde_json::from_value(published).expect("the other implementation reads our key");
        let decoding = DecodingKey::from_jwk(&published).expect("it takes our key over");
        let mut validation = Validation::new(theirs(algorithm));
        validation.set_audience(&[ISSUER]);
        validation.set_issuer(&[ISSUER]);
        // It reads the clock of the machine; the times have their own tests.
        validation.validate_exp = false;
        let token = key.sign("at+jwt", good_claims().to_string().as_bytes()).expect("signing works");
        let read =
            jsonwebtoken::decode::<Value>(&token, &decoding, &validation).expect("the other implementation verifies our token");
        assert_eq!(read.claims, good_claims());
        assert_eq!(read.header.kid.as_deref(), Some(algorithm.as_str()));
        assert_eq!(read.header.typ.as_deref(), Some("at+jwt"));
    }
}

#[test]
fn we_verify_what_the_other_implementation_signs() {
    for algorithm in ALL {
        let mut header = Header::new(theirs(algorithm));
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(algorithm.as_str().to_owned());
        let token = jsonwebtoken::encode(&header, &good_claims(), &their_key(algorithm)).expect("the other implementation signs");
        assert!(judge(&token).is_ok(), "{algorithm}");
        let read = verifier().verify_access(&token, &EXPECTED, NOW).expect("it is an access token");
        assert_eq!(read.sub, "account");
    }
}
