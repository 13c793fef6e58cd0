//! JSON Object Signing and Encryption: the small part of it that usher needs, and no more.
//!
//! Three signature algorithms, compact serialisation only, keys from a fixed set. Everything RFC
//! 8725 warns about (the algorithm `none`, symmetric keys, keys named or carried by the token
//! itself, critical extensions, encrypted tokens) is refused by construction or by an explicit
//! check, and each check has a test that names it.

mod access;
mod algorithm;
mod claims;
mod compact;
mod error;
mod json;
mod jwk;
mod rsa;
mod signing;
mod verifier;
mod verifying;

#[cfg(test)]
mod tests;

pub use access::{ACCESS_TOKEN_TYPE, AccessClaims};
pub use algorithm::Algorithm;
pub use claims::{Claims, Expected, MAX_LEEWAY_SECONDS};
pub use compact::MAX_TOKEN_BYTES;
pub use error::{KeyError, SignError, TokenError};
pub use jwk::{Jwk, JwkSet, Material};
pub use signing::SigningKey;
pub use verifier::Verifier;
pub use verifying::VerifyingKey;
