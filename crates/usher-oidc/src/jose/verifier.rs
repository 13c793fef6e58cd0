//! The one place where a token becomes believable.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::access::{self, ACCESS_TOKEN_TYPE, AccessClaims};
use super::claims::{self, Claims, Expected};
use super::compact::{Compact, Header};
use super::error::{KeyError, TokenError};
use super::jwk::JwkSet;
use super::verifying::VerifyingKey;

/// A fixed set of keys, each with the one algorithm it may be used with.
///
/// The algorithms a verifier accepts are those of its keys, so a token cannot choose, and
/// a key is found by its exact name in this set and nowhere else.
#[derive(Debug, Clone, Default)]
pub struct Verifier {
    keys: HashMap<String, VerifyingKey>,
}

/// A token whose signature was found good, and nothing else about it yet.
pub(super) struct Signed {
    pub(super) header: Header,
    pub(super) payload: Vec<u8>,
}

impl Verifier {
    /// Makes a verifier of these keys.
    ///
    /// # Errors
    /// If two keys carry the same name: which of them a token means would be a guess.
    pub fn new(keys: impl IntoIterator<Item = VerifyingKey>) -> Result<Self, KeyError> {
        let mut by_kid = HashMap::new();
        for key in keys {
            match by_kid.entry(key.kid().to_owned()) {
                Entry::Occupied(_) => return Err(KeyError::DuplicateKid),
                Entry::Vacant(slot) => slot.insert(key),
            };
        }
        Ok(Self { keys: by_kid })
    }

    /// Makes a verifier of all keys of a set.
    ///
    /// # Errors
    /// If any key is refused by [`VerifyingKey::from_jwk`], or two carry the same name.
    pub fn from_jwk_set(set: &JwkSet) -> Result<Self, KeyError> {
        let keys: Vec<_> = set.keys.iter().map(VerifyingKey::from_jwk).collect::<Result<_, _>>()?;
        Self::new(keys)
    }

    /// Verifies a token completely: form, key, algorithm, signature, type and claims.
    ///
    /// `now` is in seconds since the Unix epoch.
    ///
    /// # Errors
    /// With the first rule that is broken. The claims are not looked at before the signature is
    /// found good.
    pub fn verify(&self, token: &str, expected: &Expected<'_>, now: i64) -> Result<Claims, TokenError> {
        let signed = self.verify_signature(token)?;
        if !signed.header.has_type(expected.typ) {
            return Err(TokenError::Type);
        }
        claims::check(&signed.payload, expected, now)
    }

    /// Verifies an access token (RFC 9068) and gives its claims.
    ///
    /// The type is always `at+jwt`, whatever `expected` says, so that an ID token can never pass
    /// for an access token by a slip of the caller.
    ///
    /// # Errors
    /// As [`Verifier::verify`], and if a claim that every access token carries is missing.
    pub fn verify_access(&self, token: &str, expected: &Expected<'_>, now: i64) -> Result<AccessClaims, TokenError> {
        let expected = Expected { typ: ACCESS_TOKEN_TYPE, ..*expected };
        let claims = self.verify(token, &expected, now)?;
        access::from_verified(claims, expected.audience)
    }

    /// Checks the form and the signature only.
    pub(super) fn verify_signature(&self, token: &str) -> Result<Signed, TokenError> {
        let Compact { signing_input, header, payload, signature } = Compact::parse(token)?;
        let key = self.keys.get(&header.kid).ok_or(TokenError::UnknownKey)?;
        if key.algorithm() != header.algorithm {
            return Err(TokenError::Algorithm);
        }
        key.check(signing_input, &signature)?;
        Ok(Signed { header, payload })
    }
}
