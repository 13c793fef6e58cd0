//! What a stored password hash is: ours, or one that another program made. Others are verified, never made, and replaced at the
//! next sign-in. Each kind has an upper bound of work and memory: a text that would take the machine is refused, not computed.

use std::fmt;

use super::argon::Argon2Hash;
use super::bcrypt::BcryptHash;
use super::crypt::{PhpassHash, ShaCryptHash};
use super::pbkdf2::Pbkdf2Hash;
use super::scrypt::{FirebaseHash, ScryptHash};

/// What a text is that looks like a password hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheme {
    pub name: &'static str,
    /// Why it can't be verified, if so.
    pub obstacle: Option<Obstacle>,
}

/// Why a hash can't be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A part is missing, in excess or out of range.
    Unreadable,
    /// It asks for more work or memory than usher spends on a password.
    TooCostly,
    /// It names a pepper that is not configured.
    OtherPepper,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "it is not complete, or a part of it is out of range",
            Self::TooCostly => "it costs more work or memory than is spent on a password",
            Self::OtherPepper => "it was made with a pepper that is not configured",
        })
    }
}

/// Says what scheme a password hash is of; `None` when usher knows no such scheme.
pub fn recognise(text: &str) -> Option<Scheme> {
    let kind = Kind::of(text)?;
    Some(Scheme { name: kind.name, obstacle: kind.read(text).err() })
}

/// A hash that has been read.
#[derive(Debug)]
pub enum Stored {
    Argon2(Argon2Hash),
    Foreign(Box<dyn ForeignHash>),
}

/// A hash that only other programs make.
pub trait ForeignHash: fmt::Debug + Send {
    /// Whether it is within the work and memory that are spent on one password.
    fn is_affordable(&self) -> bool;

    /// The memory that verifying takes beyond a few KiB.
    fn memory_kib(&self) -> u64 {
        0
    }

    /// Whether the password is the one behind the hash. The comparison takes the same time wherever the difference is.
    fn verify(&self, password: &[u8]) -> bool;
}

impl Stored {
    /// Reads a text; `Unreadable` also stands for a scheme that nobody knows.
    pub fn parse(text: &str) -> Result<Self, Obstacle> {
        Kind::of(text).ok_or(Obstacle::Unreadable)?.read(text)
    }

    /// The memory that verifying takes beyond a few KiB.
    pub fn memory_kib(&self) -> usize {
        let kib = match self {
            Self::Argon2(hash) => u64::from(hash.memory_kib()),
            Self::Foreign(hash) => hash.memory_kib(),
        };
        usize::try_from(kib).unwrap_or(usize::MAX)
    }

    fn is_affordable(&self) -> bool {
        match self {
            Self::Argon2(hash) => hash.is_affordable(),
            Self::Foreign(hash) => hash.is_affordable(),
        }
    }
}

/// A way of writing a hash: how it begins, what it is called, how it is read.
struct Kind {
    begins: &'static str,
    name: &'static str,
    parse: fn(&str) -> Option<Stored>,
}

/// Longest text of a hash.
const TEXT_BYTES_MAX: usize = 512;

impl Kind {
    const ALL: [Self; 20] = [
        Self::new("$argon2id$", "Argon2id", |text| Argon2Hash::parse(text).map(Stored::Argon2)),
        Self::new("$argon2i$", "Argon2i", |text| Argon2Hash::parse(text).map(Stored::Argon2)),
        Self::new("$argon2d$", "Argon2d", |text| Argon2Hash::parse(text).map(Stored::Argon2)),
        Self::new("argon2$argon2", "Argon2 of Django", |text| Argon2Hash::parse(text).map(Stored::Argon2)),
        Self::new("$2a$", "bcrypt", |text| foreign(BcryptHash::parse(text))),
        Self::new("$2b$", "bcrypt", |text| foreign(BcryptHash::parse(text))),
        Self::new("$2y$", "bcrypt", |text| foreign(BcryptHash::parse(text))),
        Self::new("bcrypt$$", "bcrypt of Django", |text| foreign(BcryptHash::parse(text))),
        Self::new("bcrypt_sha256$", "bcrypt-SHA-256 of Django", |text| foreign(BcryptHash::parse_django_sha256(text))),
        Self::new("$scrypt$", "scrypt", |text| foreign(ScryptHash::parse(text))),
        Self::new("scrypt$", "scrypt of Django", |text| foreign(ScryptHash::parse_django(text))),
        Self::new("$firebase-scrypt$", "scrypt of Firebase", |text| foreign(FirebaseHash::parse(text))),
        Self::new("$pbkdf2$", "PBKDF2", |text| foreign(Pbkdf2Hash::parse(text))),
        Self::new("$pbkdf2-", "PBKDF2", |text| foreign(Pbkdf2Hash::parse(text))),
        Self::new("pbkdf2_sha1$", "PBKDF2 of Django", |text| foreign(Pbkdf2Hash::parse_django(text))),
        Self::new("pbkdf2_sha256$", "PBKDF2 of Django", |text| foreign(Pbkdf2Hash::parse_django(text))),
        Self::new("$5$", "SHA-256-crypt", |text| foreign(ShaCryptHash::parse(text))),
        Self::new("$6$", "SHA-512-crypt", |text| foreign(ShaCryptHash::parse(text))),
        Self::new("$P$", "phpass", |text| foreign(PhpassHash::parse(text))),
        Self::new("$H$", "phpass", |text| foreign(PhpassHash::parse(text))),
    ];

    const fn new(begins: &'static str, name: &'static str, parse: fn(&str) -> Option<Stored>) -> Self {
        Self { begins, name, parse }
    }

    fn of(text: &str) -> Option<&'static Self> {
        const { &Self::ALL }.iter().find(|kind| text.starts_with(kind.begins))
    }

    fn read(&self, text: &str) -> Result<Stored, Obstacle> {
        let short = Some(text).filter(|text| text.len() <= TEXT_BYTES_MAX);
        let stored = short.and_then(self.parse).ok_or(Obstacle::Unreadable)?;
        if stored.is_affordable() { Ok(stored) } else { Err(Obstacle::TooCostly) }
    }
}

fn foreign(hash: Option<impl ForeignHash + 'static>) -> Option<Stored> {
    Some(Stored::Foreign(Box::new(hash?)))
}
