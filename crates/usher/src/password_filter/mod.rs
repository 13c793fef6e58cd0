//! Passwords that are known to others, as a compact filter: it answers "is this one listed?" from the few bytes it needs, wherever
//! the filter lies, and takes no memory of its own.
//!
//! A filter is 256 binary fuse filters with fingerprints of 16 bits, one for each first byte of the passwords' SHA-1. A listed
//! password is always found. Another one is taken for listed at a look-up with the chance of [`FALSE_POSITIVE_RATE`].

mod build;
pub(crate) mod format;
pub(crate) mod input;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use unicode_normalization::UnicodeNormalization;

pub use build::{BuildError, Built, Progress, build};
pub use input::Form;

use format::{Header, SHARDS};

/// Of one look-up. A password in mixed case takes two.
pub const FALSE_POSITIVE_RATE: f64 = 1.0 / 65536.0;

/// An opened filter. Any number of threads may ask it at the same time.
#[derive(Debug)]
pub struct Filter {
    source: Source,
    header: Header,
}

#[derive(Debug)]
enum Source {
    File(File),
    Bytes(&'static [u8]),
}

/// Why a file is no filter that can be used.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    #[error("can't be read")]
    Unreadable(#[from] io::Error),
    #[error("is no password filter; build one with `usher password-filter build`")]
    NotAFilter,
    #[error("is a password filter of another release of usher (version {0}); build it anew")]
    Version(u32),
    #[error("is damaged: {0}; build it anew or copy it again")]
    Damaged(&'static str),
}

/// The same with the file's name.
#[derive(Debug, thiserror::Error)]
#[error("the password filter {}", path.display())]
pub struct OpenError {
    path: PathBuf,
    source: FilterError,
}

impl Filter {
    /// Opens a file that [`build`] has written, and checks its header and its length. The rest is for [`Filter::verify`].
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let open = || {
            let file = File::open(path)?;
            let bytes = file.metadata()?.len();
            Self::new(Source::File(file), bytes)
        };
        open().map_err(|source| OpenError { path: path.to_owned(), source })
    }

    /// A filter that is part of the program.
    pub fn embedded(bytes: &'static [u8]) -> Result<Self, FilterError> {
        Self::new(Source::Bytes(bytes), bytes.len() as u64)
    }

    fn new(source: Source, bytes: u64) -> Result<Self, FilterError> {
        let mut start = vec![0; format::HEADER_BYTES.min(usize::try_from(bytes).unwrap_or(usize::MAX))];
        source.read_at(&mut start, 0)?;
        let header = Header::decode(&start)?;
        if header.file_bytes() != bytes {
            return Err(FilterError::Damaged("its length is not what its header says"));
        }
        Ok(Self { source, header })
    }

    /// Reads all of it and compares the checksums.
    pub fn verify(&self) -> Result<(), FilterError> {
        let mut fingerprints = Vec::new();
        for shard in &self.header.shards {
            fingerprints.resize(shard.bytes(), 0);
            self.source.read_at(&mut fingerprints, shard.offset)?;
            if crate::secret::sha256(&fingerprints) != shard.checksum {
                return Err(FilterError::Damaged("a checksum does not match"));
            }
        }
        Ok(())
    }

    /// Whether the password, or the password in lower case, is listed. Reads six bytes for each.
    pub fn lists(&self, password: &str) -> io::Result<bool> {
        let exact: String = password.nfc().collect();
        let folded = fold(&exact);
        Ok(self.has(&sha1(&folded))? || (folded != exact && self.has(&sha1(&exact))?))
    }

    /// How many passwords are listed.
    pub fn entries(&self) -> u64 {
        self.header.entries()
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> u64 {
        self.header.file_bytes()
    }

    fn has(&self, digest: &Sha1) -> io::Result<bool> {
        let (shard, key) = place(digest);
        let shard = &self.header.shards[shard];
        let (mut found, positions) = shard.probe(key);
        for position in positions {
            let mut fingerprint = [0; 2];
            self.source.read_at(&mut fingerprint, shard.offset + 2 * u64::from(position))?;
            found ^= u16::from_le_bytes(fingerprint);
        }
        Ok(found == 0)
    }
}

impl Source {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        match self {
            Self::File(file) => file.read_exact_at(into, offset),
            Self::Bytes(bytes) => {
                let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..));
                let part = rest.and_then(|rest| rest.get(..into.len())).ok_or(io::ErrorKind::UnexpectedEof)?;
                into.copy_from_slice(part);
                Ok(())
            }
        }
    }
}

type Sha1 = [u8; 20];

/// The form in which words and passwords are compared: NFC, in lower case.
pub fn fold(text: &str) -> String {
    text.nfc().flat_map(char::to_lowercase).collect()
}

/// The hash of published lists of breached passwords. Nothing is protected by it: it only spreads.
fn sha1(text: &str) -> Sha1 {
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    digest.as_ref().try_into().expect("SHA-1 has 20 bytes")
}

/// The shard of a hash, and its key within.
fn place(digest: &Sha1) -> (usize, u64) {
    let [shard, key @ ..] = digest;
    let key = key.first_chunk().expect("a SHA-1 has more than nine bytes");
    (usize::from(*shard), u64::from_be_bytes(*key))
}

const _: () = assert!(SHARDS == 256, "the first byte of a hash names its shard");
