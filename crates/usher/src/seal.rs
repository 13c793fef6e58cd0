//! Sealing at rest: AES-256-GCM under a key derived from the deployment's secret key (HKDF-SHA-256, RFC 5869).
//!
//! A sealed value carries the id of the key that sealed it and is bound to the row it belongs to by associated data, so a
//! value moved to another row does not open.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use serde::Serialize;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::secret::{random_bytes, sha256};

const FORMAT: u8 = 1;
const KEY_ID_LEN: usize = 4;
const MARK_LEN: usize = 1 + KEY_ID_LEN;

/// Seals and opens small values.
pub struct Sealer {
    present: Derived,
    /// Opens what was sealed before the secret key was changed.
    previous: Option<Derived>,
}

/// What comes from one secret key.
struct Derived {
    /// What every value sealed under this key begins with: the format, and an id of the key. Statements know its length.
    mark: [u8; MARK_LEN],
    key: LessSafeKey,
    fingerprint: hmac::Key,
}

/// Why a sealed value does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the sealed value is damaged or belongs to another row")]
    Damaged,
    #[error("the value was sealed under another USHER_SECRET_KEY; give that one as USHER_SECRET_KEY_PREVIOUS")]
    OtherKey,
}

/// How many values are sealed under which key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    pub present: i64,
    pub previous: i64,
    pub unknown: i64,
}

/// What came of sealing values anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Resealed {
    pub resealed: u64,
    /// Left as they are: damaged, or sealed under a key that is not configured.
    pub unopened: u64,
}

impl Sealer {
    /// Derives the sealing key from the secret key (at least 32 bytes).
    pub fn new(secret_key: &[u8]) -> Self {
        Self { present: Derived::new(secret_key), previous: None }
    }

    /// Opens what was sealed under this secret key too.
    #[must_use]
    pub fn with_previous(self, secret_key: &[u8]) -> Self {
        Self { previous: Some(Derived::new(secret_key)), ..self }
    }

    pub fn has_previous(&self) -> bool {
        self.previous.is_some()
    }

    /// What every value begins with that need not be sealed anew.
    pub fn mark(&self) -> &[u8] {
        &self.present.mark
    }

    /// A keyed hash (HMAC-SHA-256), to recognise bytes again without keeping them.
    pub fn fingerprint(&self, bytes: &[u8]) -> [u8; 32] {
        hmac::sign(&self.present.fingerprint, bytes).as_ref().try_into().expect("HMAC-SHA-256 has 32 bytes")
    }

    /// A keyed hash as a short name: the same for the same bytes, and it tells nothing of them.
    pub fn pseudonym(&self, bytes: &[u8]) -> Uuid {
        Uuid::from_slice(&self.fingerprint(bytes)[..16]).expect("a UUID has 16 bytes")
    }

    /// Whether this is the keyed hash of these bytes, under the present secret key or the previous one.
    pub fn is_fingerprint(&self, bytes: &[u8], fingerprint: &[u8]) -> bool {
        self.keys().any(|key| hmac::verify(&key.fingerprint, bytes, fingerprint).is_ok())
    }

    /// Seals `plain` for the row named by `bound_to`.
    pub fn seal(&self, bound_to: &str, plain: &[u8]) -> Vec<u8> {
        let nonce = random_bytes::<NONCE_LEN>();
        let mut sealed = plain.to_vec();
        self.present
            .key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound_to.as_bytes()), &mut sealed)
            .expect("a value of this size can be sealed");
        let mut out = Vec::with_capacity(MARK_LEN + NONCE_LEN + sealed.len());
        out.extend_from_slice(&self.present.mark);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        out
    }

    /// Opens what [`Sealer::seal`] made for the same row.
    pub fn open(&self, bound_to: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (mark, rest) = sealed.split_at_checked(MARK_LEN).ok_or(OpenError::Damaged)?;
        if mark[0] != FORMAT {
            return Err(OpenError::Damaged);
        }
        let key = self.keys().find(|key| key.mark == mark).ok_or(OpenError::OtherKey)?;
        let (nonce, cipher) = rest.split_at_checked(NONCE_LEN).ok_or(OpenError::Damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| OpenError::Damaged)?;
        let mut buffer = Zeroizing::new(cipher.to_vec());
        let length = key
            .key
            .open_in_place(nonce, Aad::from(bound_to.as_bytes()), buffer.as_mut_slice())
            .map_err(|_| OpenError::Damaged)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }

    /// Seals under the present key what was sealed under the previous one.
    pub fn reseal(&self, bound_to: &str, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        Ok(self.seal(bound_to, &self.open(bound_to, sealed)?))
    }

    /// Sorts counts by the mark that the counted values begin with.
    pub fn census(&self, counts: impl IntoIterator<Item = (Vec<u8>, i64)>) -> Census {
        let mut census = Census::default();
        for (mark, count) in counts {
            if mark == self.present.mark {
                census.present += count;
            } else if self.previous.as_ref().is_some_and(|previous| mark == previous.mark) {
                census.previous += count;
            } else {
                census.unknown += count;
            }
        }
        census
    }

    fn keys(&self) -> impl Iterator<Item = &Derived> {
        std::iter::once(&self.present).chain(&self.previous)
    }
}

impl Derived {
    fn new(secret_key: &[u8]) -> Self {
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
        let id = sha256(derived.as_slice());
        Self { mark: [FORMAT, id[0], id[1], id[2], id[3]], key: LessSafeKey::new(key), fingerprint }
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

    #[test]
    fn the_previous_key_opens_and_seals_nothing() {
        let old = Sealer::new(&[7; 32]);
        let new = Sealer::new(&[8; 32]).with_previous(&[7; 32]);
        let closed = old.seal("mail:1", b"a link");
        assert_eq!(new.open("mail:1", &closed).unwrap().as_slice(), b"a link");
        assert!(matches!(new.open("mail:2", &closed), Err(OpenError::Damaged)));
        let anew = new.reseal("mail:1", &closed).unwrap();
        assert!(anew.starts_with(new.mark()) && !closed.starts_with(new.mark()));
        assert_eq!(Sealer::new(&[8; 32]).open("mail:1", &anew).unwrap().as_slice(), b"a link");
        assert!(matches!(old.open("mail:1", &anew), Err(OpenError::OtherKey)));
        assert!(matches!(new.reseal("mail:2", &closed), Err(OpenError::Damaged)));
        assert!(matches!(new.reseal("mail:1", &Sealer::new(&[9; 32]).seal("mail:1", b"")), Err(OpenError::OtherKey)));
    }

    #[test]
    fn r131_a_fingerprint_is_recognised_under_both_keys_and_only_whole() {
        let old = Sealer::new(&[7; 32]);
        let new = Sealer::new(&[8; 32]).with_previous(&[7; 32]);
        for fingerprint in [old.fingerprint(b"a body"), new.fingerprint(b"a body")] {
            assert!(new.is_fingerprint(b"a body", &fingerprint));
            assert!(!new.is_fingerprint(b"another", &fingerprint));
            assert!(!new.is_fingerprint(b"a body", &fingerprint[..31]));
        }
        assert!(!new.is_fingerprint(b"a body", b""));
        assert!(!old.is_fingerprint(b"a body", &new.fingerprint(b"a body")));
    }

    #[test]
    fn the_census_tells_the_keys_apart() {
        let sealer = Sealer::new(&[8; 32]).with_previous(&[7; 32]);
        let mark = |key: u8| Sealer::new(&[key; 32]).mark().to_vec();
        let census = sealer.census([(mark(8), 3), (mark(7), 2), (mark(9), 1), (Vec::new(), 1)]);
        assert_eq!(census, Census { present: 3, previous: 2, unknown: 2 });
    }
}
