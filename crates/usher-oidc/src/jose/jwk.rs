//! Public keys as JSON (RFC 7517) and their thumbprints (RFC 7638).

use aws_lc_rs::digest;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::compact;
use super::error::KeyError;
use super::json;

/// Members that only private or symmetric keys have (RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A public key as JSON. Text from outside is read with [`Jwk::parse`], which alone sees duplicate
/// members.
///
/// It has no place for private members, so it cannot leak any. Reading one that carries them
/// remembers only that it did, and [`super::VerifyingKey::from_jwk`] then refuses it: whoever
/// handed it over has given a secret away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Members")]
pub struct Jwk {
    /// What the key consists of.
    pub material: Material,
    /// `kid`: the name of the key in its set.
    pub kid: Option<String>,
    /// `use`: what the key is meant for.
    pub key_use: Option<String>,
    /// `key_ops`: the operations the key is meant for.
    pub key_ops: Option<Vec<String>>,
    /// `alg`: the algorithm the key is meant for.
    pub alg: Option<String>,
    carries_private: bool,
}

/// The numbers of a public key, in base64url as they stand in the JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Material {
    /// `kty` "OKP" (RFC 8037): a point of an Edwards or Montgomery curve.
    Okp {
        /// The curve.
        crv: String,
        /// The point.
        x: String,
    },
    /// `kty` "EC": a point of a Weierstrass curve.
    Ec {
        /// The curve.
        crv: String,
        /// The first coordinate.
        x: String,
        /// The second coordinate.
        y: String,
    },
    /// `kty` "RSA".
    Rsa {
        /// The modulus.
        n: String,
        /// The exponent.
        e: String,
    },
}

impl Jwk {
    /// A key for signatures with a name, the way usher publishes its own.
    #[must_use]
    pub fn for_signatures(material: Material, algorithm: Algorithm, kid: &str) -> Self {
        Self {
            material,
            kid: Some(kid.to_owned()),
            key_use: Some("sig".to_owned()),
            key_ops: None,
            alg: Some(algorithm.as_str().to_owned()),
            carries_private: false,
        }
    }

    /// Reads a key from JSON text and refuses duplicate members.
    ///
    /// # Errors
    /// If the text is not strict JSON or not a key of a known type.
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        json::parse_object(text).map_err(|_| KeyError::Json)?.try_into()
    }

    /// The SHA-256 thumbprint in base64url: a name that follows from the key alone, which is why
    /// usher uses it as `kid`.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let canonical = self.material.canonical();
        compact::encode(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref())
    }

    /// Whether the JSON this key was read from carried private or symmetric members.
    #[must_use]
    pub const fn carries_private(&self) -> bool {
        self.carries_private
    }
}

impl Material {
    /// The required members in lexicographic order without white space (RFC 7638, section 3).
    fn canonical(&self) -> String {
        // Well-formed members never need escapes, but a key may be handed over malformed.
        let quoted = |text: &str| Value::from(text).to_string();
        match self {
            Self::Okp { crv, x } => {
                format!(r#"{{"crv":{},"kty":"OKP","x":{}}}"#, quoted(crv), quoted(x))
            }
            Self::Ec { crv, x, y } => {
                let (crv, x, y) = (quoted(crv), quoted(x), quoted(y));
                format!(r#"{{"crv":{crv},"kty":"EC","x":{x},"y":{y}}}"#)
            }
            Self::Rsa { n, e } => {
                format!(r#"{{"e":{},"kty":"RSA","n":{}}}"#, quoted(e), quoted(n))
            }
        }
    }

    fn take(members: &mut Map<String, Value>) -> Result<Self, KeyError> {
        let kty = required(members, "kty")?;
        match kty.as_str() {
            "OKP" => Ok(Self::Okp { crv: required(members, "crv")?, x: required(members, "x")? }),
            "EC" => Ok(Self::Ec { crv: required(members, "crv")?, x: required(members, "x")?, y: required(members, "y")? }),
            "RSA" => Ok(Self::Rsa { n: required(members, "n")?, e: required(members, "e")? }),
            _ => Err(KeyError::UnsupportedType),
        }
    }
}

impl TryFrom<Map<String, Value>> for Jwk {
    type Error = KeyError;

    fn try_from(mut members: Map<String, Value>) -> Result<Self, KeyError> {
        Ok(Self {
            carries_private: PRIVATE_MEMBERS.iter().any(|name| members.contains_key(*name)),
            material: Material::take(&mut members)?,
            kid: optional(&mut members, "kid")?,
            key_use: optional(&mut members, "use")?,
            key_ops: operations(&mut members)?,
            alg: optional(&mut members, "alg")?,
        })
    }
}

fn optional(members: &mut Map<String, Value>, name: &'static str) -> Result<Option<String>, KeyError> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(KeyError::Member(name)),
    }
}

fn required(members: &mut Map<String, Value>, name: &'static str) -> Result<String, KeyError> {
    optional(members, name)?.ok_or(KeyError::Member(name))
}

fn operations(members: &mut Map<String, Value>) -> Result<Option<Vec<String>>, KeyError> {
    match members.remove("key_ops") {
        None => Ok(None),
        Some(list) => serde_json::from_value(list).map(Some).map_err(|_| KeyError::Member("key_ops")),
    }
}

/// The members of a key in the order they are published.
#[derive(Serialize)]
struct Members {
    kty: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    key_use: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_ops: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
}

impl From<Jwk> for Members {
    fn from(key: Jwk) -> Self {
        let (kty, crv, x, y, n, e) = match key.material {
            Material::Okp { crv, x } => ("OKP", Some(crv), Some(x), None, None, None),
            Material::Ec { crv, x, y } => ("EC", Some(crv), Some(x), Some(y), None, None),
            Material::Rsa { n, e } => ("RSA", None, None, None, Some(n), Some(e)),
        };
        let Jwk { kid, key_use, key_ops, alg, .. } = key;
        Self { kty, crv, x, y, n, e, kid, key_use, key_ops, alg }
    }
}

/// A set of public keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JwkSet {
    /// The keys, in the order they are published.
    #[serde(deserialize_with = "known_keys")]
    pub keys: Vec<Jwk>,
}

impl JwkSet {
    /// Reads a set from JSON text and refuses duplicate members.
    ///
    /// Keys of a type usher does not know, or without the members their type needs, are left out,
    /// as RFC 7517, section 5 asks: a set may hold keys for other readers.
    ///
    /// # Errors
    /// If the text is not strict JSON or has no array `keys`.
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        let members = json::parse_object(text).map_err(|_| KeyError::Json)?;
        serde_json::from_value(Value::Object(members)).map_err(|_| KeyError::Member("keys"))
    }
}

fn known_keys<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<Jwk>, D::Error> {
    let keys = Vec::<Map<String, Value>>::deserialize(reader)?;
    Ok(keys.into_iter().filter_map(|members| members.try_into().ok()).collect())
}
