//! Public keys, parsed once and kept, that check signatures.

use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};

use super::algorithm::Algorithm;
use super::compact;
use super::error::{KeyError, TokenError};
use super::jwk::{Jwk, Material};
use super::rsa;

/// The length of an Ed25519 public key and of one P-256 coordinate.
const COORDINATE_BYTES: usize = 32;

/// The first byte of a curve point written with both coordinates (SEC 1, section 2.3.3).
const UNCOMPRESSED_POINT: u8 = 4;

/// A public key bound to one algorithm and one name.
#[derive(Debug, Clone)]
pub struct VerifyingKey {
    kid: String,
    algorithm: Algorithm,
    key: ParsedPublicKey,
}

impl VerifyingKey {
    /// Takes over a public key after checking all of it.
    ///
    /// # Errors
    /// If the key has no usable `kid`, carries private members, is meant for something else, is
    /// too weak, or is not a valid key at all.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        if jwk.carries_private() {
            return Err(KeyError::Private);
        }
        let kid = jwk.kid.as_deref().filter(|kid| compact::is_kid(kid)).ok_or(KeyError::Kid)?;
        check_purpose(jwk)?;
        let (algorithm, key) = match &jwk.material {
            Material::Okp { crv, x } if crv == "Ed25519" => (Algorithm::EdDsa, ed25519(x)?),
            Material::Ec { crv, x, y } if crv == "P-256" => (Algorithm::Es256, p256(x, y)?),
            Material::Rsa { n, e } => (Algorithm::Rs256, rsa_key(n, e)?),
            Material::Okp { .. } | Material::Ec { .. } => return Err(KeyError::UnsupportedType),
        };
        if jwk.alg.as_deref().is_some_and(|alg| alg != algorithm.as_str()) {
            return Err(KeyError::AlgorithmMismatch);
        }
        Ok(Self { kid: kid.to_owned(), algorithm, key })
    }

    /// The name of the key.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The only algorithm this key verifies.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Checks a bare signature.
    pub(super) fn check(&self, message: &[u8], signature: &[u8]) -> Result<(), TokenError> {
        self.key.verify_sig(message, signature).map_err(|_| TokenError::Signature)
    }
}

/// A key that says it is for encryption must not verify signatures (RFC 7517, section 4.2).
fn check_purpose(jwk: &Jwk) -> Result<(), KeyError> {
    let other_use = jwk.key_use.as_deref().is_some_and(|purpose| purpose != "sig");
    let other_operations = jwk.key_ops.as_ref().is_some_and(|operations| !operations.iter().any(|op| op == "verify"));
    if other_use || other_operations {
        return Err(KeyError::NotForSignatures);
    }
    Ok(())
}

fn ed25519(x: &str) -> Result<ParsedPublicKey, KeyError> {
    parse(&ED25519, &coordinate(x, "x")?)
}

fn p256(x: &str, y: &str) -> Result<ParsedPublicKey, KeyError> {
    let point = [&[UNCOMPRESSED_POINT], &*coordinate(x, "x")?, &*coordinate(y, "y")?].concat();
    // The library checks here that the point lies on the curve.
    parse(&ECDSA_P256_SHA256_FIXED, &point)
}

fn rsa_key(n: &str, e: &str) -> Result<ParsedPublicKey, KeyError> {
    let n = compact::decode(n).ok_or(KeyError::Member("n"))?;
    let e = compact::decode(e).ok_or(KeyError::Member("e"))?;
    rsa::check(&n, &e)?;
    RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).map_err(|_| KeyError::Rejected)
}

fn coordinate(text: &str, name: &'static str) -> Result<Vec<u8>, KeyError> {
    compact::decode(text).filter(|bytes| bytes.len() == COORDINATE_BYTES).ok_or(KeyError::Member(name))
}

fn parse(algorithm: &'static dyn signature::VerificationAlgorithm, bytes: &[u8]) -> Result<ParsedPublicKey, KeyError> {
    ParsedPublicKey::new(algorithm, bytes).map_err(|_| KeyError::Rejected)
}
