//! What can go wrong with a key, a signature or a token.
//!
//! The variants are for logs and tests. A caller that answers a stranger must give the same
//! answer for all of them, so that nobody can learn from the difference.

use thiserror::Error;

/// Why a key was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is not one strict JSON object.
    #[error("the key is not a strict JSON object")]
    Json,
    /// The algorithm is not one of `EdDSA`, `ES256` and `RS256`.
    #[error("the algorithm is not supported")]
    UnknownAlgorithm,
    /// The key type or the curve is not one usher works with.
    #[error("the key type or curve is not supported")]
    UnsupportedType,
    /// A member is missing, has the wrong type or is not canonical base64url.
    #[error("the key member `{0}` is missing or malformed")]
    Member(&'static str),
    /// The key carries private or symmetric members, which have no place in a verifying key.
    #[error("the key carries private members")]
    Private,
    /// The `alg` member contradicts the type of the key.
    #[error("the `alg` of the key does not fit its type")]
    AlgorithmMismatch,
    /// `use` or `key_ops` say that the key is not for verifying signatures.
    #[error("the key is not meant for signatures")]
    NotForSignatures,
    /// The `kid` is missing, longer than 128 characters or outside the allowed alphabet.
    #[error("the key id is missing or malformed")]
    Kid,
    /// Two keys of one set carry the same `kid`.
    #[error("two keys carry the same id")]
    DuplicateKid,
    /// The RSA modulus is outside 2,048 to 8,192 bits.
    #[error("the RSA modulus is not between 2048 and 8192 bits")]
    RsaSize,
    /// The RSA exponent is even, below 65,537 or above 32 bits.
    #[error("the RSA exponent is not an odd number from 65537 up to 32 bits")]
    RsaExponent,
    /// The RSA modulus has the fingerprint of the ROCA generator (CVE-2017-15361).
    #[error("the RSA modulus was made by a broken generator")]
    RsaWeakGenerator,
    /// The cryptographic library refused the key, for example a point that is not on the curve.
    #[error("the key is not valid")]
    Rejected,
}

/// Why a token could not be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignError {
    /// The token type has characters that would need escaping in the header.
    #[error("the token type is malformed")]
    Type,
    /// The token would be longer than our own verifier accepts.
    #[error("the token would be too long")]
    TooLong,
    /// The cryptographic library could not sign.
    #[error("signing failed")]
    Failed,
}

/// Why a token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Longer than 8 KiB.
    #[error("the token is too long")]
    TooLong,
    /// Not exactly three segments.
    #[error("the token is not a compact signature of three segments")]
    NotCompact,
    /// A segment is not canonical base64url without padding.
    #[error("a segment is not canonical base64url")]
    Base64,
    /// The header or the claims are not one strict JSON object.
    #[error("the header or the claims are not a strict JSON object")]
    Json,
    /// The header names or carries a key, demands an extension or belongs to another format.
    #[error("the header member `{0}` is refused")]
    HeaderMember(&'static str),
    /// The algorithm is missing, unknown or not the one of the key.
    #[error("the algorithm is not acceptable")]
    Algorithm,
    /// The key id is missing or malformed.
    #[error("the key id is missing or malformed")]
    Kid,
    /// No key has this id.
    #[error("the key is not known")]
    UnknownKey,
    /// The signature does not fit.
    #[error("the signature is wrong")]
    Signature,
    /// The token is of another type.
    #[error("the token type is not acceptable")]
    Type,
    /// The allowed clock difference is negative or above 60 seconds: a mistake of the caller.
    #[error("the leeway is not between 0 and 60 seconds")]
    Leeway,
    /// A required claim is missing.
    #[error("the claim `{0}` is missing")]
    MissingClaim(&'static str),
    /// A claim has the wrong type or is out of range.
    #[error("the claim `{0}` is malformed")]
    MalformedClaim(&'static str),
    /// Another issuer.
    #[error("the issuer is not the expected one")]
    Issuer,
    /// Meant for somebody else.
    #[error("the audience does not contain the expected one")]
    Audience,
    /// No longer valid.
    #[error("the token has expired")]
    Expired,
    /// Not valid yet.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Issued in the future.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// Valid, but without the claims this kind of token must carry.
    #[error("the claims do not have the shape of this kind of token")]
    Shape,
}
