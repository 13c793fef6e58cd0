//! The signature algorithms usher signs and verifies with.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::KeyError;

/// A signature algorithm.
///
/// The list is closed and asymmetric, so that `none` and the HMAC family cannot be expressed at
/// all: a token that names them fails to parse instead of failing a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// Ed25519 (RFC 8037): what usher signs with unless told otherwise.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// ECDSA on P-256 with SHA-256 (RFC 7518, section 3.4).
    #[serde(rename = "ES256")]
    Es256,
    /// RSA PKCS #1 v1.5 with SHA-256 (RFC 7518, section 3.3), which `OpenID` Connect obliges
    /// providers to offer.
    #[serde(rename = "RS256")]
    Rs256,
}

impl Algorithm {
    /// The registered name, as it stands in the `alg` member.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = KeyError;

    /// Reads a registered name. Names are case-sensitive (RFC 7515, section 4.1.1).
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "EdDSA" => Ok(Self::EdDsa),
            "ES256" => Ok(Self::Es256),
            "RS256" => Ok(Self::Rs256),
            _ => Err(KeyError::UnknownAlgorithm),
        }
    }
}
