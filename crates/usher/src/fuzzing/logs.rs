//! What `usher audit verify` reads: checkpoints that were kept elsewhere, verifier keys, and exported logs.

use std::sync::LazyLock;

use usher_log::{Line, Signature, SignedCheckpoint, SigningKey, Verifier, VerifierKey, newest};

use super::text;

/// The key that has signed what is good among the seeds.
static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::parse("fuzz.example/audit", &[7; 32]).expect("32 bytes are a key"));
/// It has signed nothing but the tree of this many leaves.
const SIGNED: u64 = 2;

pub(super) fn note(data: &[u8]) {
    let text = text(data);
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string(), text, "a key has one spelling");
    }
    for read in [SignedCheckpoint::parse(&text), newest(text.as_bytes())].into_iter().flatten() {
        let is_ours = read.verify(KEY.verifier()) == Signature::Good;
        assert!(!is_ours || read.checkpoint.size == SIGNED, "{:?} is a forgery", read.checkpoint);
    }
}

pub(super) fn export(data: &[u8]) {
    let text = text(data);
    let mut lines = text.lines().map_while(|line| Line::parse(line).ok());
    let Some(Line::Header(edge)) = lines.next() else { return };
    let Ok(mut verifier) = Verifier::begin(KEY.verifier().clone(), edge, None) else { return };
    for line in lines {
        let is_good = match line {
            Line::Header(_) => false,
            Line::Entry(entry) => verifier.entry(&entry).is_ok(),
            Line::Checkpoint(note) => SignedCheckpoint::parse(&note).is_ok_and(|note| verifier.checkpoint(&note).is_ok()),
        };
        if !is_good {
            return;
        }
    }
    if let Ok(summary) = verifier.finish() {
        assert_eq!(summary.size, SIGNED, "what nobody has signed was found good: {summary:?}");
        assert!(summary.events <= summary.size && summary.erased <= summary.events, "{summary:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_good_seeds_pass() {
        let key: VerifierKey = include_str!("../../../../fuzz/seeds/note/key").parse().unwrap();
        assert_eq!(&key, KEY.verifier());
        let note = SignedCheckpoint::parse(include_str!("../../../../fuzz/seeds/note/good")).unwrap();
        assert_eq!((note.verify(&key), note.checkpoint.size), (Signature::Good, SIGNED));
        let mut verifier = Verifier::begin(key, usher_log::Edge::default(), Some(&note)).unwrap();
        for line in include_str!("../../../../fuzz/seeds/export/good").lines().skip(1) {
            match Line::parse(line).unwrap() {
                Line::Entry(entry) => verifier.entry(&entry).unwrap(),
                Line::Checkpoint(note) => verifier.checkpoint(&SignedCheckpoint::parse(&note).unwrap()).unwrap(),
                Line::Header(_) => panic!("there is one header"),
            }
        }
        let summary = verifier.finish().unwrap();
        assert_eq!((summary.size, summary.erased), (SIGNED, 1));
    }
}
