//! Private keys, parsed once and kept, that sign tokens.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};

use super::access::ACCESS_TOKEN_TYPE;
use super::algorithm::Algorithm;
use super::compact::{self, MAX_TOKEN_BYTES};
use super::error::{KeyError, SignError};
use super::jwk::{Jwk, Material};
use super::rsa;

/// A private key bound to one algorithm and one name.
///
/// It is parsed when it is made, because parsing costs as much as signing, and it may be shared
/// between threads.
pub struct SigningKey {
    kid: String,
    pair: Pair,
    /// The encoded header of the type signed most: access tokens.
    access_header: String,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl SigningKey {
    /// Parses an unencrypted PKCS #8 private key.
    ///
    /// # Errors
    /// If the key is not one of this algorithm, if it is too weak, or if `kid` is malformed.
    pub fn from_pkcs8(algorithm: Algorithm, kid: &str, der: &[u8]) -> Result<Self, KeyError> {
        if !compact::is_kid(kid) {
            return Err(KeyError::Kid);
        }
        let pair = Pair::parse(algorithm, der)?;
        let access_header = encoded_header(algorithm, ACCESS_TOKEN_TYPE, kid);
        Ok(Self { kid: kid.to_owned(), pair, access_header })
    }

    /// Parses an unencrypted PKCS #8 private key and names it after its thumbprint.
    ///
    /// # Errors
    /// If the key is not one of this algorithm or too weak.
    pub fn from_pkcs8_by_thumbprint(algorithm: Algorithm, der: &[u8]) -> Result<Self, KeyError> {
        let pair = Pair::parse(algorithm, der)?;
        let kid = Jwk::for_signatures(pair.material(), algorithm, "").thumbprint();
        let access_header = encoded_header(algorithm, ACCESS_TOKEN_TYPE, &kid);
        Ok(Self { kid, pair, access_header })
    }

    /// The name of the key.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The algorithm the key signs with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::Ed25519(_) => Algorithm::EdDsa,
            Pair::P256(_) => Algorithm::Es256,
            Pair::Rsa(_) => Algorithm::Rs256,
        }
    }

    /// The public half, ready to be published.
    #[must_use]
    pub fn public_jwk(&self) -> Jwk {
        Jwk::for_signatures(self.pair.material(), self.algorithm(), &self.kid)
    }

    /// Signs claims, already written as JSON, as a token of the given type.
    ///
    /// # Errors
    /// If the type has characters outside media types, if the token would be longer than our own
    /// verifier accepts, or if the cryptographic library fails.
    pub fn sign(&self, typ: &str, claims_json: &[u8]) -> Result<String, SignError> {
        let mut token = if typ == ACCESS_TOKEN_TYPE {
            self.access_header.clone()
        } else if is_type(typ) {
            encoded_header(self.algorithm(), typ, &self.kid)
        } else {
            return Err(SignError::Type);
        };
        token.push('.');
        compact::encode_onto(claims_json, &mut token);
        self.complete(&mut token)?;
        if token.len() > MAX_TOKEN_BYTES {
            return Err(SignError::TooLong);
        }
        Ok(token)
    }

    /// Signs an encoded header and payload and appends the signature as the last segment.
    pub(super) fn complete(&self, token: &mut String) -> Result<(), SignError> {
        self.pair.sign_onto(token)
    }
}

impl fmt::Debug for SigningKey {
    /// Shows the name and the algorithm, never the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).field("algorithm", &self.algorithm()).finish_non_exhaustive()
    }
}

impl Pair {
    fn parse(algorithm: Algorithm, der: &[u8]) -> Result<Self, KeyError> {
        let rejected = |_| KeyError::Rejected;
        match algorithm {
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8(der).map(Self::Ed25519).map_err(rejected),
            Algorithm::Es256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map(Self::P256).map_err(rejected),
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(der).map_err(rejected)?;
                let (n, e) = rsa_numbers(&pair);
                rsa::check(n, e)?;
                Ok(Self::Rsa(pair))
            }
        }
    }

    fn material(&self) -> Material {
        match self {
            Self::Ed25519(pair) => Material::Okp { crv: "Ed25519".to_owned(), x: compact::encode(pair.public_key().as_ref()) },
            Self::P256(pair) => {
                // The library writes the point as one format byte and two coordinates.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                Material::Ec { crv: "P-256".to_owned(), x: compact::encode(x), y: compact::encode(y) }
            }
            Self::Rsa(pair) => {
                let (n, e) = rsa_numbers(pair);
                Material::Rsa { n: compact::encode(n), e: compact::encode(e) }
            }
        }
    }

    /// Signs what stands in `token` and appends the signature as its last segment.
    fn sign_onto(&self, token: &mut String) -> Result<(), SignError> {
        let failed = |_| SignError::Failed;
        let message = token.as_bytes();
        // The library draws the ECDSA nonce from its own generator; the parameter is there for
        // the compatibility of the interface only and is not read.
        let unread = SystemRandom::new();
        match self {
            Self::Ed25519(pair) => {
                let signature = pair.try_sign(message).map_err(failed)?;
                append_segment(signature.as_ref(), token);
            }
            Self::P256(pair) => {
                let signature = pair.sign(&unread, message).map_err(failed)?;
                append_segment(signature.as_ref(), token);
            }
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &unread, message, &mut signature).map_err(failed)?;
                append_segment(&signature, token);
            }
        }
        Ok(())
    }
}

fn append_segment(bytes: &[u8], token: &mut String) {
    token.push('.');
    compact::encode_onto(bytes, token);
}

fn rsa_numbers(pair: &RsaKeyPair) -> (&[u8], &[u8]) {
    let public = pair.public_key();
    (public.modulus().big_endian_without_leading_zero(), public.exponent().big_endian_without_leading_zero())
}

/// None of the three values can hold a character that JSON would escape.
fn encoded_header(algorithm: Algorithm, typ: &str, kid: &str) -> String {
    compact::encode(format!(r#"{{"alg":"{algorithm}","typ":"{typ}","kid":"{kid}"}}"#).as_bytes())
}

fn is_type(typ: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'/' | b'_');
    !typ.is_empty() && typ.len() <= 64 && typ.bytes().all(allowed)
}
