//! The claims of an access token (RFC 9068).

use serde::{Deserialize, Serialize};

use super::claims::Claims;
use super::error::TokenError;

/// The type in the header of an access token (RFC 9068, section 2.1).
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Who issued the token: the public URL of the server.
    pub iss: String,
    /// The account it speaks for.
    pub sub: String,
    /// Whom it is meant for. Always written as one string; after a verification it is the name
    /// the verifier insisted on, even if the token listed several.
    pub aud: String,
    /// The client it was issued to.
    pub client_id: String,
    /// When it ends, in seconds since the Unix epoch.
    pub exp: i64,
    /// When it was issued.
    pub iat: i64,
    /// The name of this one token.
    pub jti: String,
    /// The session it belongs to.
    pub sid: String,
    /// When the person last proved who they are.
    pub auth_time: i64,
    /// How they proved it (RFC 8176).
    #[serde(default)]
    pub amr: Vec<String>,
    /// The roles they had when the token was issued.
    #[serde(default)]
    pub roles: Vec<String>,
}

/// Reads the claims of a verified token that is meant, among others, for `audience`.
pub(super) fn from_verified(claims: Claims, audience: &str) -> Result<AccessClaims, TokenError> {
    claims.narrow("aud", audience).into_typed()
}
