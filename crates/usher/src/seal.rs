//! Sealing at rest: AES-256-GCM under a key derived from the deployment's secret key (HKDF-SHA-256, RFC 5869).
//!
//! A sealed value carries the id of the key that sealed it and is bound to the row it belongs to by associated data, so a
//! value moved to another row does not open.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use zeroize::Zeroizing;

use crate::secret::{random_bytes, sha256};

const FORMAT: u8 = 1;
const KEY_ID_LEN: usize = 4;

/// Seals and opens small values.
pub struct Sealer {
    key: LessSafeKey,
    key_id: [u8; KEY_ID_LEN],
    fingerprint: hmac::Key,
}

/// Why a sealed value does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the sealed value is damaged or belongs to another row")]
    Damaged,
    #[error("the value was sealed under another USHER_SECRET_KEY")]
    OtherKey,
}

impl Sealer {
    /// Derives the sealing key from the secret key (at least 32 bytes).
    pub fn new(secret_key: &[u8]) -> Self {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"usher").extract(secret_key);
        let derive = |label: &[u8]| {
            let mut derived = Zeroizing::new([0; 32]);
            prk.expand(&[label], hkdf::HKDF_SHA256)
                .and_then(|okm| okm.fill(derived.as_mut_slice()))
                .expect("32 bytes are within what HKDF gives");
            derived
        };
        let derived = derive(b"sealing at rest");
        let fingerprint = hmac::Key::new(hmac::HMAC_SHA256, derive(b"fingerprints").as_slice());
        let key = UnboundKey::new(&AES_256_GCM, derived.as_slice()).expect("the key has 32 bytes");
        let digest = sha256(derived.as_slice());
        Self { key: LessSafeKey::new(key), key_id: [digest[0], digest[1], digest[2], digest[3]], fingerprint }
    }

    /// A keyed hash (HMAC-SHA-256), to recognise bytes again without keeping them.
    pub fn fingerprint(&self, bytes: &[u8]) -> [u8; 32] {
        hmac::sign(&self.fingerprint, bytes).as_ref().try_into().expect("HMAC-SHA-256 has 32 bytes")
    }

    /// Seals `plain` for the row named by `bound_to`.
    pub fn seal(&self, bound_to: &str, plain: &[u8]) -> Vec<u8> {
        let nonce = random_bytes::<NONCE_LEN>();
        let mut sealed = plain.to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound_to.as_bytes()), &mut sealed)
            .expect("a value of this size can be sealed");
        let mut out = Vec::with_capacity(1 + KEY_ID_LEN + NONCE_LEN + sealed.len());
        out.push(FORMAT);
        out.extend_from_slice(&self.key_id);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        out
    }

    /// Opens what [`Sealer::seal`] made for the same row.
    pub fn open(&self, bound_to: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let rest = sealed.strip_prefix(&[FORMAT]).ok_or(OpenError::Damaged)?;
        let (key_id, rest) = rest.split_at_checked(KEY_ID_LEN).ok_or(OpenError::Damaged)?;
        if key_id != self.key_id {
            return Err(OpenError::OtherKey);
        }
        let (nonce, cipher) = rest.split_at_checked(NONCE_LEN).ok_or(OpenError::Damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| OpenError::Damaged)?;
        let mut buffer = Zeroizing::new(cipher.to_vec());
        let length = self
            .key
            .open_in_place(nonce, Aad::from(bound_to.as_bytes()), buffer.as_mut_slice())
            .map_err(|_| OpenError::Damaged)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_under_its_own_key_and_row() {
        let sealer = Sealer::new(&[7; 32]);
        let closed = sealer.seal("mail:1", b"a link");
        assert_eq!(sealer.open("mail:1", &closed).unwrap().as_slice(), b"a link");
        assert!(matches!(sealer.open("mail:2", &closed), Err(OpenError::Damaged)));
        assert!(matches!(Sealer::new(&[8; 32]).open("mail:1", &closed), Err(OpenError::OtherKey)));
        let mut changed = closed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(matches!(sealer.open("mail:1", &changed), Err(OpenError::Damaged)));
        assert!(matches!(sealer.open("mail:1", &closed[..3]), Err(OpenError::Damaged)));
    }
}
