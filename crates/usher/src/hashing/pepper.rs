//! The keyed step before the hash: HMAC-SHA-256 of the password under a key that is kept outside the database, so that a
//! stolen database alone gives nothing to guess against. The stored hash names the key by its id, as the PHC format of Argon2 has it.

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::config::SecretKey;
use crate::secret::sha256;

/// A name for a pepper that tells nothing about it: the beginning of a SHA-256 over it.
pub type KeyId = [u8; 6];

/// One pepper.
pub struct Pepper {
    id: KeyId,
    key: hmac::Key,
}

impl Pepper {
    pub fn new(key: &SecretKey) -> Self {
        let named = Zeroizing::new([b"usher password pepper\0", key.as_bytes()].concat());
        let digest = sha256(&named);
        let id = digest.first_chunk().copied().expect("SHA-256 has 32 bytes");
        Self { id, key: hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()) }
    }

    fn apply(&self, password: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(hmac::sign(&self.key, password).as_ref().to_vec())
    }
}

/// The peppers in use. Without a current one new hashes have no keyed step; the previous one is for hashes made before a change.
#[derive(Default)]
pub struct Peppers {
    pub current: Option<Pepper>,
    pub previous: Option<Pepper>,
}

impl Peppers {
    /// Which pepper new hashes name.
    pub fn current_id(&self) -> Option<KeyId> {
        self.current.as_ref().map(|pepper| pepper.id)
    }

    /// What is hashed in place of the password when the stored hash names this key; `None` when nobody knows the key.
    pub fn apply(&self, id: Option<KeyId>, password: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let Some(id) = id else { return Some(Zeroizing::new(password.to_vec())) };
        self.find(id).map(|pepper| pepper.apply(password))
    }

    /// Whether hashes that name this key can be verified.
    pub fn know(&self, id: KeyId) -> bool {
        self.find(id).is_some()
    }

    fn find(&self, id: KeyId) -> Option<&Pepper> {
        [&self.current, &self.previous].into_iter().flatten().find(|pepper| pepper.id == id)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;

    use super::*;

    #[test]
    fn r010_a_pepper_is_an_hmac_and_its_id_does_not_show_it() {
        let key: Vec<u8> = (0..32).collect();
        let pepper = Pepper::new(&SecretKey::from_bytes(key).unwrap());
        // Of Python's hmac.new(bytes(range(32)), b"correct horse", "sha256") and hashlib.
        assert_eq!(STANDARD_NO_PAD.encode(pepper.apply(b"correct horse")), "6GTfGops8lUcZMejSEv+bhVzRfoYVrFiZZpsfytvCQ4");
        assert_eq!(STANDARD_NO_PAD.encode(pepper.id), "w8VnDVO6");
    }
}
