//! The key under which usher seals what it keeps secret at rest.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_PAD_INDIFFERENT, URL_SAFE_PAD_INDIFFERENT};
use zeroize::Zeroizing;

use super::Hidden;

/// 32 to 128 bytes of key material; the keys in use are derived from it.
#[derive(Clone, Debug)]
pub struct SecretKey(Hidden<Vec<u8>>);

impl SecretKey {
    /// The fewest bytes of a key.
    pub const BYTES_MIN: usize = 32;
    /// The most bytes of a key.
    pub const BYTES_MAX: usize = 128;

    /// Reads base64, standard or URL-safe, with or without padding.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong and how to mend it, without the text itself.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bytes = STANDARD_PAD_INDIFFERENT
            .decode(text)
            .or_else(|_| URL_SAFE_PAD_INDIFFERENT.decode(text))
            .map_err(|_| format!("is not base64; {GENERATE}"))?;
        Self::from_bytes(bytes)
    }

    /// Takes freshly drawn or decoded key material.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong and how to mend it, without the bytes themselves.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, String> {
        let hidden = Hidden::new(bytes);
        let bytes = hidden.expose();
        if !(Self::BYTES_MIN..=Self::BYTES_MAX).contains(&bytes.len()) {
            return Err(format!(
                "holds {} bytes, but must hold {} to {}; {GENERATE}",
                bytes.len(),
                Self::BYTES_MIN,
                Self::BYTES_MAX
            ));
        }
        if bytes.iter().all(|byte| *byte == bytes[0]) {
            return Err(format!("is one byte over and over, which anybody can guess; {GENERATE}"));
        }
        Ok(Self(hidden))
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.expose()
    }

    /// The form that [`SecretKey::parse`] reads, to be kept in a file that only usher can read.
    #[must_use]
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.as_bytes()))
    }
}

const GENERATE: &str = "generate one with `openssl rand -base64 32`";
