//! Checkpoints (C2SP tlog-checkpoint): origin, size and root of a tree in a text that Ed25519 signs (C2SP signed-note).

use std::fmt;
use std::io::BufRead;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::tree::{Hash, sha256};

/// The longest note that is read, in bytes.
const NOTE_MAX: usize = 16 * 1024;
/// A signature line begins so: an em dash and a space.
const SIGNED_BY: &str = "\u{2014} ";
/// The kind of key in C2SP signed-note.
const ED25519_KIND: u8 = 1;
const KEY_ID_LEN: usize = 4;

/// The state of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the log.
    pub origin: String,
    pub size: u64,
    pub root: Hash,
}

impl Checkpoint {
    fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let origin = lines.next().filter(|origin| !origin.is_empty())?.to_owned();
        let size = lines.next().filter(|size| *size == "0" || !size.starts_with(['0', '+']))?.parse().ok()?;
        let root = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
        Some(Self { origin, size, root })
    }
}

/// A checkpoint as it was signed.
#[derive(Clone, Debug)]
pub struct SignedCheckpoint {
    pub checkpoint: Checkpoint,
    signed: String,
    signatures: Vec<NamedSignature>,
}

#[derive(Clone, Debug)]
struct NamedSignature {
    name: String,
    key_id: [u8; KEY_ID_LEN],
    bytes: Vec<u8>,
}

/// What a key says to a signed checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    Good,
    Bad,
    /// Other keys have signed it.
    Missing,
}

/// A text is no signed checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    #[error("this is no signed checkpoint: origin, size, root, an empty line and a signature are expected")]
    Malformed,
    #[error("no checkpoint that can be read is in it")]
    None,
    #[error("it can't be read")]
    Unreadable(#[from] std::io::Error),
}

impl SignedCheckpoint {
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        Self::read(note).ok_or(NoteError::Malformed)
    }

    fn read(note: &str) -> Option<Self> {
        let is_plain = note.len() <= NOTE_MAX && note.chars().all(|sign| sign == '\n' || !sign.is_control());
        let (text, signatures) = note.split_once("\n\n").filter(|_| is_plain)?;
        let signed = format!("{text}\n");
        let signatures: Vec<_> = signatures.strip_suffix('\n')?.split('\n').map(NamedSignature::parse).collect::<Option<_>>()?;
        Some(Self { checkpoint: Checkpoint::parse(&signed)?, signed, signatures })
    }

    pub fn verify(&self, key: &VerifierKey) -> Signature {
        let ours = |signature: &&NamedSignature| signature.name == key.name && signature.key_id == key.id();
        let Some(signature) = self.signatures.iter().find(ours) else { return Signature::Missing };
        let public = UnparsedPublicKey::new(&ED25519, &key.public);
        match public.verify(self.signed.as_bytes(), &signature.bytes) {
            Ok(()) => Signature::Good,
            Err(_) => Signature::Bad,
        }
    }
}

impl NamedSignature {
    fn parse(line: &str) -> Option<Self> {
        let (name, signature) = line.strip_prefix(SIGNED_BY)?.split_once(' ')?;
        let bytes = STANDARD.decode(signature).ok()?;
        let (key_id, bytes) = bytes.split_first_chunk()?;
        Some(Self { name: name.to_owned(), key_id: *key_id, bytes: bytes.to_vec() })
    }
}

/// The checkpoint of the largest tree among those that stand one after another in a text. One that was cut off is passed over.
pub fn newest(text: impl BufRead) -> Result<SignedCheckpoint, NoteError> {
    let (mut newest, mut note): (Option<SignedCheckpoint>, _) = (None, String::new());
    let mut keep_newer = |note: &str| {
        if let Some(read) = SignedCheckpoint::read(note)
            && newest.as_ref().is_none_or(|newest| newest.checkpoint.size < read.checkpoint.size)
        {
            newest = Some(read);
        }
    };
    let mut after_signature = false;
    for line in text.lines() {
        let line = line?;
        let is_signature = line.starts_with(SIGNED_BY);
        if (after_signature && !is_signature) || note.len() > NOTE_MAX {
            keep_newer(&note);
            note.clear();
        }
        after_signature = is_signature;
        // Checkpoints may stand apart by empty lines.
        if !(note.is_empty() && line.is_empty()) {
            note.push_str(&line);
            note.push('\n');
        }
    }
    keep_newer(&note);
    newest.ok_or(NoteError::None)
}

/// The public half of a key that signs checkpoints, and its name. Its text is the verifier key of C2SP signed-note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    public: [u8; 32],
}

/// Something is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("is no Ed25519 key: 32 bytes, or PKCS#8")]
    NotEd25519,
    #[error("is no verifier key: `usher audit key` prints one")]
    NotVerifierKey,
    #[error("has a name with a space, a plus or a line's end, or none")]
    BadName,
}

impl VerifierKey {
    pub fn name(&self) -> &str {
        &self.name
    }

    fn id(&self) -> [u8; KEY_ID_LEN] {
        let hash = sha256(&[self.name.as_bytes(), b"\n", &[ED25519_KIND], &self.public]);
        *hash.first_chunk().expect("a hash is longer than an id")
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ED25519_KIND], self.public.as_slice()].concat();
        write!(f, "{}+{:08x}+{}", self.name, u32::from_be_bytes(self.id()), STANDARD.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::NotVerifierKey);
        };
        let key = STANDARD.decode(key).map_err(|_| KeyError::NotVerifierKey)?;
        let Some(Ok(public)) = key.strip_prefix(&[ED25519_KIND]).map(TryInto::try_into) else {
            return Err(KeyError::NotVerifierKey);
        };
        let read = Self { name: good_name(name)?, public };
        if format!("{:08x}", u32::from_be_bytes(read.id())) == id { Ok(read) } else { Err(KeyError::NotVerifierKey) }
    }
}

fn good_name(name: &str) -> Result<String, KeyError> {
    let is_bad = |sign: char| sign.is_whitespace() || sign.is_control() || sign == '+';
    if name.is_empty() || name.contains(is_bad) { Err(KeyError::BadName) } else { Ok(name.to_owned()) }
}

/// Signs checkpoints.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    verifier: VerifierKey,
}

impl SigningKey {
    /// Reads a private key: a seed of 32 bytes, or PKCS#8 (DER). `name` is also the origin of the checkpoints.
    pub fn parse(name: &str, private: &[u8]) -> Result<Self, KeyError> {
        let pair = match private.len() {
            32 => Ed25519KeyPair::from_seed_unchecked(private),
            _ => Ed25519KeyPair::from_pkcs8(private),
        };
        let pair = pair.map_err(|_| KeyError::NotEd25519)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| KeyError::NotEd25519)?;
        Ok(Self { pair, verifier: VerifierKey { name: good_name(name)?, public } })
    }

    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The signed checkpoint of a tree.
    pub fn sign(&self, size: u64, root: Hash) -> String {
        let text = Checkpoint { origin: self.verifier.name.clone(), size, root }.text();
        let signature = self.pair.sign(text.as_bytes());
        let signature = STANDARD.encode([self.verifier.id().as_slice(), signature.as_ref()].concat());
        format!("{text}\n{SIGNED_BY}{} {signature}\n", self.verifier.name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> SigningKey {
        SigningKey::parse("id.example.org/audit", &[7; 32]).unwrap()
    }

    /// The key and the note of the package `golang.org/x/mod/sumdb/note`, which defined the format.
    #[test]
    fn r261_a_known_key_is_read_and_written() {
        let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let key: VerifierKey = text.parse().unwrap();
        assert_eq!((key.name(), key.to_string().as_str()), ("PeterNeumann", text));
        let signed = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
        let note = format!(
            "{signed}\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
        );
        let line = note.lines().last().unwrap();
        let signature = NamedSignature::parse(line).unwrap();
        let checkpoint = Checkpoint { origin: String::new(), size: 0, root: [0; 32] };
        let signed = SignedCheckpoint { checkpoint, signed: signed.to_owned(), signatures: vec![signature] };
        assert_eq!(signed.verify(&key), Signature::Good);
    }

    #[test]
    fn r261_a_checkpoint_is_good_only_as_it_was_signed_and_by_its_key() {
        let note = key().sign(42, [9; 32]);
        let read = SignedCheckpoint::parse(&note).unwrap();
        let checkpoint = Checkpoint { origin: "id.example.org/audit".to_owned(), size: 42, root: [9; 32] };
        assert_eq!((&read.checkpoint, read.verify(key().verifier())), (&checkpoint, Signature::Good));
        let other = SigningKey::parse("id.example.org/audit", &[8; 32]).unwrap();
        let renamed = SigningKey::parse("id.example.com/audit", &[7; 32]).unwrap();
        assert_eq!(read.verify(other.verifier()), Signature::Missing);
        assert_eq!(read.verify(renamed.verifier()), Signature::Missing);
        let larger = SignedCheckpoint::parse(&note.replacen("\n42\n", "\n43\n", 1)).unwrap();
        assert_eq!(larger.verify(key().verifier()), Signature::Bad);
    }

    #[test]
    fn r261_what_is_no_checkpoint_is_refused() {
        let note = key().sign(42, [9; 32]);
        for (from, to) in
            [("\n42\n", "\n042\n"), ("\n42\n", "\n+42\n"), ("\n42\n", "\n-1\n"), ("\n\n", "\n"), ("\u{2014} ", "- ")]
        {
            assert!(SignedCheckpoint::parse(&note.replacen(from, to, 1)).is_err(), "{to:?}");
        }
        assert!(SignedCheckpoint::parse(note.trim_end()).is_err());
        assert!(SignedCheckpoint::parse("").is_err());
        assert!(SignedCheckpoint::parse(&format!("{note}{}", "x".repeat(NOTE_MAX))).is_err());
    }

    #[test]
    fn keys_are_refused_that_are_none() {
        for private in [[7; 31].as_slice(), &[7; 33], &[]] {
            assert_eq!(SigningKey::parse("log", private).err(), Some(KeyError::NotEd25519));
        }
        for name in ["", "a b", "a+b", "a\nb"] {
            assert_eq!(SigningKey::parse(name, &[7; 32]).err(), Some(KeyError::BadName), "{name:?}");
        }
        let good = key().verifier().to_string();
        for text in ["", "a+b", &good.replacen('.', "-", 1), &good[..good.len() - 4]] {
            assert_eq!(text.parse::<VerifierKey>(), Err(KeyError::NotVerifierKey), "{text}");
        }
        assert_eq!(good.parse::<VerifierKey>().as_ref(), Ok(key().verifier()));
    }

    #[test]
    fn r261_the_newest_of_many_checkpoints_is_taken_and_a_torn_one_passed_over() {
        let note = |size| key().sign(size, [9; 32]);
        let torn = &note(99)[..40];
        let text = format!("{}\n{}{}\n{torn}", note(3), note(17), note(5));
        assert_eq!(newest(text.as_bytes()).unwrap().checkpoint.size, 17);
        let text = format!("{torn}\n{}\n{}", note(3), note(4));
        assert_eq!(newest(text.as_bytes()).unwrap().checkpoint.size, 4);
        assert!(matches!(newest(torn.as_bytes()), Err(NoteError::None)));
        assert!(matches!(newest(&b""[..]), Err(NoteError::None)));
    }

    proptest! {
        #[test]
        fn no_text_upsets_the_parsers(text in any::<String>(), cut in 0_usize..200) {
            let _ = SignedCheckpoint::parse(&text);
            let _ = text.parse::<VerifierKey>();
            let mut note = key().sign(42, [9; 32]);
            note.insert_str(note.char_indices().map(|(at, _)| at).nth(cut).unwrap_or(0), &text);
            let _ = SignedCheckpoint::parse(&note);
            let _ = newest(note.as_bytes());
        }
    }
}
