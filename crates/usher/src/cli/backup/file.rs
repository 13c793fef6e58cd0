//! The file of a backup: what `pg_dump` wrote (custom format), then one line that says what it is, and one that proves it.
//!
//! The manifest comes last, so that a backup can be written to a pipe; `pg_restore` reads the file as it is and passes over it. The
//! last line is a keyed hash of the manifest, and the manifest holds the hash of the dump: without the secret key nobody changes
//! either unnoticed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context, ensure};
use aws_lc_rs::digest::{Context as Digest, SHA256};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::no_backup;
use crate::seal::Sealer;

pub const FORMAT: u32 = 1;
/// The last two lines are not longer, in bytes.
const TAIL_MAX: u64 = 64 * 1024;

/// What a backup says of itself.
#[derive(Debug, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// The version of usher that made it.
    pub usher: String,
    pub schema_version: i32,
    pub made_at: Timestamp,
    /// The major version of the server, and of the program that wrote the dump.
    pub postgres: u32,
    pub pg_dump: u32,
    /// The ids of the secret keys that its sealed values open with.
    pub secret_keys: Vec<String>,
    /// How many rows each table has.
    pub rows: BTreeMap<String, i64>,
    pub dump_bytes: u64,
    pub dump_sha256: String,
}

/// The id of a secret key: what everything that is sealed under it begins with.
pub fn key_id(mark: &[u8]) -> String {
    hex(mark)
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).expect("half a byte is a digit");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = (0..text.len()).step_by(2).map(|at| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()));
    pairs.collect()
}

/// Writes a backup and hashes it on the way.
pub struct Writer<W> {
    to: W,
    digest: Digest,
    length: u64,
}

impl<W: Write> Writer<W> {
    pub fn new(to: W) -> Self {
        Self { to, digest: Digest::new(&SHA256), length: 0 }
    }

    pub fn write(&mut self, piece: &[u8]) -> std::io::Result<()> {
        self.digest.update(piece);
        self.length += piece.len() as u64;
        self.to.write_all(piece)
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    pub fn sha256(&self) -> String {
        hex(self.digest.clone().finish().as_ref())
    }

    /// Writes the last two lines.
    pub fn finish(mut self, manifest: &Manifest, sealer: &Sealer) -> anyhow::Result<W> {
        let text = serde_json::to_string(manifest)?;
        write!(self.to, "\n{text}\n{}\n", hex(&sealer.fingerprint(&proven(&text))))?;
        self.to.flush()?;
        Ok(self.to)
    }
}

/// What the last line is the keyed hash of.
fn proven(manifest: &str) -> Vec<u8> {
    [b"backup\n", manifest.as_bytes()].concat()
}

/// A backup that is whole.
pub struct Verified {
    pub manifest: Manifest,
    text: String,
    proof: Vec<u8>,
}

impl Verified {
    /// Reads all of the file and compares the hash. That nobody meant it to fit is known after [`Verified::is_ours`] only.
    pub fn read(path: &Path, mut file: &File, progress: impl Fn(u64)) -> anyhow::Result<Self> {
        let length = file.metadata()?.len();
        let (text, proof) = tail(file, length).map_err(|error| no_backup(path, &format!("{error:#}")))?;
        let manifest: Manifest = serde_json::from_str(&text).map_err(|error| no_backup(path, &error.to_string()))?;
        ensure!(manifest.format == FORMAT, "{} was made by a newer usher ({})", path.display(), manifest.usher);
        let after = text.len() + 2 * proof.len() + 3;
        if manifest.dump_bytes.checked_add(after as u64) != Some(length) {
            return Err(no_backup(path, "it has not the length that it says"));
        }
        file.seek(SeekFrom::Start(0))?;
        let mut digest = Digest::new(&SHA256);
        let (mut left, mut piece) = (manifest.dump_bytes, vec![0; 256 * 1024]);
        while left > 0 {
            let wanted = usize::try_from(left.min(piece.len() as u64))?;
            file.read_exact(&mut piece[..wanted]).with_context(|| format!("reading {}", path.display()))?;
            digest.update(&piece[..wanted]);
            left -= wanted as u64;
            progress(manifest.dump_bytes - left);
        }
        if hex(digest.finish().as_ref()) != manifest.dump_sha256 {
            return Err(no_backup(path, "its content was changed: the SHA-256 is another"));
        }
        Ok(Self { manifest, text, proof })
    }

    /// The secret keys that it needs and these are not.
    pub fn missing_keys(&self, sealer: &Sealer) -> Vec<&str> {
        let known = |id: &&String| unhex(id).is_some_and(|mark| sealer.census([(mark, 1)]).unknown == 0);
        self.manifest.secret_keys.iter().filter(|id| !known(id)).map(String::as_str).collect()
    }

    /// Whether it was made by an installation that has this secret key, and not changed since.
    pub fn is_ours(&self, sealer: &Sealer) -> bool {
        sealer.is_fingerprint(&proven(&self.text), &self.proof)
    }
}

/// The end of the file.
fn tail(mut file: &File, length: u64) -> anyhow::Result<(String, Vec<u8>)> {
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_MAX)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    last_lines(&bytes)
}

/// The last two lines: the manifest and its proof.
pub fn last_lines(bytes: &[u8]) -> anyhow::Result<(String, Vec<u8>)> {
    let cut_off = "its end is missing";
    let bytes = bytes.strip_suffix(b"\n").context(cut_off)?;
    let mut lines = bytes.rsplitn(3, |byte| *byte == b'\n');
    let (proof, manifest) = (lines.next().context(cut_off)?, lines.next().context(cut_off)?);
    ensure!(lines.next().is_some() && manifest.starts_with(b"{"), cut_off);
    let proof = std::str::from_utf8(proof).ok().and_then(unhex).context(cut_off)?;
    Ok((String::from_utf8(manifest.to_vec())?, proof))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(writer: &Writer<Vec<u8>>) -> Manifest {
        Manifest {
            format: FORMAT,
            usher: "0.1.0".to_owned(),
            schema_version: 10,
            made_at: Timestamp::UNIX_EPOCH,
            postgres: 15,
            pg_dump: 15,
            secret_keys: vec![key_id(Sealer::new(&[7; 32]).mark())],
            rows: BTreeMap::from([("users".to_owned(), 2)]),
            dump_bytes: writer.length(),
            dump_sha256: writer.sha256(),
        }
    }

    fn made() -> Vec<u8> {
        let mut writer = Writer::new(Vec::new());
        writer.write(b"PGDMP\n{\n").unwrap();
        writer.write(&[0, 10, 255]).unwrap();
        let manifest = manifest(&writer);
        writer.finish(&manifest, &Sealer::new(&[7; 32])).unwrap()
    }

    fn read(bytes: &[u8]) -> anyhow::Result<Verified> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Verified::read(Path::new("b"), &file, |_| {})
    }

    #[test]
    fn what_was_written_is_verified() {
        let bytes = made();
        assert!(bytes.starts_with(b"PGDMP\n{\n\0\n\xff\n{"));
        let verified = read(&bytes).unwrap();
        assert_eq!((verified.manifest.rows["users"], verified.manifest.dump_bytes), (2, 11));
        let (own, other) = (Sealer::new(&[7; 32]), Sealer::new(&[8; 32]));
        assert!(verified.is_ours(&own) && !verified.is_ours(&other));
        assert!(verified.missing_keys(&own).is_empty());
        assert_eq!(verified.missing_keys(&other), [key_id(own.mark())]);
        let changed = Sealer::new(&[8; 32]).with_previous(&[7; 32]);
        assert!(verified.is_ours(&changed) && verified.missing_keys(&changed).is_empty());
    }

    #[test]
    fn every_changed_or_missing_byte_is_noticed() {
        let (bytes, own) = (made(), Sealer::new(&[7; 32]));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let taken = read(&changed).is_ok_and(|verified| verified.is_ours(&own));
            assert!(!taken, "byte {at} of {}", bytes.len());
            let cut = read(&bytes[..at]);
            assert!(cut.is_err(), "cut at {at} of {}", bytes.len());
        }
        let mut longer = bytes.clone();
        longer.insert(5, b'x');
        assert!(read(&longer).is_err());
    }

    #[test]
    fn other_files_are_told_as_such() {
        for other in [b"".as_slice(), b"\n\n\n", b"PGDMP", b"a\nb\nc\n", b"\n{}\n00\n", b"\n{\"format\":1}\nzz\n"] {
            let error = read(other).err().unwrap().to_string();
            assert!(error.contains("is no backup of usher"), "{error}");
        }
    }
}
