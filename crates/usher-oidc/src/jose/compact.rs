//! The compact serialisation (RFC 7515, section 7.1) and the header of a token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::error::TokenError;
use super::json;

/// The longest token that is looked at.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The longest key id.
const MAX_KID_CHARACTERS: usize = 128;

/// Header members that make a token unacceptable, whatever their value.
///
/// The first group names or carries a key, and keys come from our own set only. `crit`
/// and `b64` demand extensions we do not have, `enc` and `zip` belong to encrypted tokens
/// . Ignoring them would be allowed for most; refusing shows that somebody tries.
const REFUSED_MEMBERS: [&str; 10] = ["jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "crit", "b64", "enc", "zip"];

/// A token taken apart, of which nothing is believed yet.
pub(super) struct Compact<'a> {
    /// The bytes the signature covers: header, dot and payload as they came.
    pub(super) signing_input: &'a [u8],
    /// What the header says.
    pub(super) header: Header,
    /// The decoded payload.
    pub(super) payload: Vec<u8>,
    /// The decoded signature.
    pub(super) signature: Vec<u8>,
}

/// The members of the header that matter.
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) kid: String,
    pub(super) typ: Option<String>,
}

impl<'a> Compact<'a> {
    /// Takes a token apart and checks everything that needs no key.
    pub(super) fn parse(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(TokenError::NotCompact)?;
        let (header, payload) = signing_input.split_once('.').ok_or(TokenError::NotCompact)?;
        if payload.contains('.') {
            return Err(TokenError::NotCompact);
        }
        Ok(Self {
            signing_input: signing_input.as_bytes(),
            header: Header::parse(&decode_segment(header)?)?,
            payload: decode_segment(payload)?,
            signature: decode_segment(signature)?,
        })
    }
}

impl Header {
    fn parse(bytes: &[u8]) -> Result<Self, TokenError> {
        let members = json::parse_object(bytes).map_err(|_| TokenError::Json)?;
        for name in REFUSED_MEMBERS {
            if members.contains_key(name) {
                return Err(TokenError::HeaderMember(name));
            }
        }
        let algorithm = string(&members, "alg").ok_or(TokenError::Algorithm)?;
        let kid = string(&members, "kid").ok_or(TokenError::Kid)?;
        if !is_kid(kid) {
            return Err(TokenError::Kid);
        }
        let typ = match members.get("typ") {
            None => None,
            Some(Value::String(typ)) => Some(typ.clone()),
            Some(_) => return Err(TokenError::Type),
        };
        Ok(Self { algorithm: algorithm.parse().map_err(|_| TokenError::Algorithm)?, kid: kid.to_owned(), typ })
    }

    /// Whether the header names this type (RFC 7515, section 4.1.9).
    ///
    /// Media types are compared without regard to case, and a sender may write the prefix
    /// `application/` or leave it out.
    pub(super) fn has_type(&self, expected: &str) -> bool {
        self.typ.as_deref().is_some_and(|typ| short_type(typ).eq_ignore_ascii_case(short_type(expected)))
    }
}

/// Whether a key id keeps to the length and the alphabet we allow.
pub(super) fn is_kid(kid: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !kid.is_empty() && kid.len() <= MAX_KID_CHARACTERS && kid.bytes().all(allowed)
}

/// Decodes canonical base64url without padding, or nothing.
///
/// The engine refuses padding, white space and trailing bits that are not zero, so that every
/// byte string has exactly one spelling.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Encodes as base64url without padding.
pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Appends base64url without padding.
pub(super) fn encode_onto(bytes: &[u8], text: &mut String) {
    URL_SAFE_NO_PAD.encode_string(bytes, text);
}

fn decode_segment(text: &str) -> Result<Vec<u8>, TokenError> {
    decode(text).ok_or(TokenError::Base64)
}

fn string<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str)
}

fn short_type(typ: &str) -> &str {
    const PREFIX: &str = "application/";
    match typ.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
        _ => typ,
    }
}
