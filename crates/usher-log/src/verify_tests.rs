//! Everything that can be done to a log, and where the verifier finds it.

use proptest::prelude::*;

use super::*;
use crate::entry::{Details, Event};
use crate::note::SigningKey;

/// The entry at this place, with details.
pub fn entry(leaf_index: u64) -> Entry {
    let content =
        format!("{{\"reason\":\"because \\\"{leaf_index}\\\"\",\"changes\":{{\"bio\":{{\"before\":1.50,\"after\":null}}}}}}");
    let details = Details { salt: [3; 16], content };
    let event = Event {
        id: format!("0193e4a1-7c1e-7b52-9d0c-{leaf_index:012}"),
        occurred_at: "2026-01-01T00:00:00.000000Z".to_owned(),
        action: "user.updated".to_owned(),
        outcome: "success".to_owned(),
        actor_kind: "user".to_owned(),
        actor_id: Some("0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d".to_owned()),
        target_kind: None,
        target_id: None,
        subject_id: None,
        request_id: Some("a\n\"request\"".to_owned()),
        details_hash: details.hash(),
    };
    Entry { leaf_index, leaf_hash: event.leaf_hash(), event, details: Some(details) }
}

fn key() -> SigningKey {
    SigningKey::parse("log", &[7; 32]).unwrap()
}

fn entries(count: u64) -> Vec<Entry> {
    (0..count).map(entry).collect()
}

fn note_of(entries: &[Entry], key: &SigningKey) -> SignedCheckpoint {
    let mut edge = Edge::default();
    edge.extend(entries.iter().map(|entry| entry.leaf_hash));
    SignedCheckpoint::parse(&key.sign(edge.size(), edge.root())).unwrap()
}

/// Verifies entries under the checkpoints of the untouched log, one for every ten leaves and one at its end.
fn verify(read: &[Entry], sealed: &[Entry], saved: Option<&SignedCheckpoint>) -> Result<Summary, Fault> {
    let mut verifier = Verifier::begin(key().verifier().clone(), Edge::default(), saved)?;
    for (at, entry) in read.iter().enumerate() {
        verifier.entry(entry)?;
        let size = at + 1;
        if size % 10 == 0 || size == sealed.len() {
            verifier.checkpoint(&note_of(&sealed[..size.min(sealed.len())], &key()))?;
        }
    }
    verifier.finish()
}

/// Has the hashes in the entry follow what was changed in it, as somebody would who owns the database.
fn cover_up(entry: &mut Entry) {
    if let Some(details) = &entry.details {
        entry.event.details_hash = details.hash();
    }
    entry.leaf_hash = entry.event.leaf_hash();
}

#[test]
fn r261_an_untouched_log_is_good() {
    let log = entries(25);
    let summary = verify(&log, &log, Some(&note_of(&log[..17], &key()))).unwrap();
    assert_eq!(summary, Summary { events: 25, erased: 0, dropped: 0, checkpoints: 3, other_keys: 0, size: 25 });
}

#[test]
fn r286_a_log_with_erased_details_is_good_and_says_so() {
    let sealed = entries(25);
    let mut log = sealed.clone();
    log[3].details = None;
    log[14].details = None;
    assert_eq!(verify(&log, &sealed, None).unwrap().erased, 2);
}

#[test]
fn r261_a_changed_event_is_named() {
    let sealed = entries(25);
    let changes: [fn(&mut Entry); 6] = [
        |entry| entry.event.action = "user.updatee".to_owned(),
        |entry| entry.event.occurred_at.replace_range(3..4, "5"),
        |entry| entry.event.actor_id = None,
        |entry| entry.event.target_kind = entry.event.request_id.take(),
        |entry| entry.event.details_hash[0] ^= 1,
        |entry| entry.leaf_hash[31] ^= 128,
    ];
    for change in changes {
        let mut log = sealed.clone();
        change(&mut log[13]);
        let id = log[13].event.id.clone();
        assert_eq!(verify(&log, &sealed, None), Err(Fault::EventChanged { leaf_index: 13, id }));
        cover_up(&mut log[13]);
        let covered = verify(&log, &sealed, None);
        assert!(covered == Err(Fault::RootDiffers { from: 10, size: 20 }) || covered.is_ok() && log == sealed, "{covered:?}");
    }
}

#[test]
fn r261_changed_details_are_named() {
    let sealed = entries(25);
    let mut log = sealed.clone();
    let details = log[13].details.as_mut().unwrap();
    details.content = details.content.replacen("because", "becausf", 1);
    let id = log[13].event.id.clone();
    assert_eq!(verify(&log, &sealed, None), Err(Fault::DetailsChanged { leaf_index: 13, id }));
    cover_up(&mut log[13]);
    assert_eq!(verify(&log, &sealed, None), Err(Fault::RootDiffers { from: 10, size: 20 }));
}

#[test]
fn r261_a_removed_or_swapped_entry_is_found() {
    let sealed = entries(25);
    let mut log = sealed.clone();
    log.remove(13);
    assert_eq!(verify(&log, &sealed, None), Err(Fault::OutOfPlace { expected: 13, found: 14 }));
    for (at, entry) in (0..).zip(&mut log) {
        entry.leaf_index = at;
    }
    assert_eq!(verify(&log, &sealed, None), Err(Fault::RootDiffers { from: 10, size: 20 }));
    let mut log = sealed.clone();
    log.swap(13, 14);
    assert_eq!(verify(&log, &sealed, None), Err(Fault::OutOfPlace { expected: 13, found: 14 }));
    (log[13].leaf_index, log[14].leaf_index) = (13, 14);
    assert_eq!(verify(&log, &sealed, None), Err(Fault::RootDiffers { from: 10, size: 20 }));
}

#[test]
fn r261_a_cut_off_end_is_found_against_a_saved_checkpoint() {
    let sealed = entries(25);
    assert_eq!(verify(&sealed[..23], &sealed, None), Err(Fault::EndNotSigned { leaf: 19 }));
    // At a checkpoint the log looks whole, but for the one that was saved.
    assert!(verify(&sealed[..20], &sealed, None).is_ok());
    let saved = note_of(&sealed, &key());
    assert_eq!(verify(&sealed[..20], &sealed, Some(&saved)), Err(Fault::CutOff { saved: 25, size: 20 }));
    assert_eq!(verify(&[], &sealed, Some(&saved)), Err(Fault::CutOff { saved: 25, size: 0 }));
    assert_eq!(verify(&[], &sealed, None), Err(Fault::NoCheckpoint));
}

#[test]
fn r261_a_log_that_was_written_anew_is_found_against_a_saved_checkpoint() {
    let (sealed, mut log) = (entries(25), entries(25));
    log[3].event.action = "user.deleted".to_owned();
    cover_up(&mut log[3]);
    assert!(verify(&log, &log, None).is_ok());
    let saved = note_of(&sealed[..17], &key());
    assert_eq!(verify(&log, &log, Some(&saved)), Err(Fault::SavedDiffers { size: 17 }));
    let foreign = note_of(&log[..17], &SigningKey::parse("log", &[8; 32]).unwrap());
    assert_eq!(verify(&log, &log, Some(&foreign)), Err(Fault::SavedNotSigned { key: "log".to_owned() }));
}

#[test]
fn r261_checkpoints_of_another_key_do_only_in_the_middle() {
    let log = entries(3);
    let old = SigningKey::parse("log", &[8; 32]).unwrap();
    let mut verifier = Verifier::begin(key().verifier().clone(), Edge::default(), None).unwrap();
    verifier.entry(&log[0]).unwrap();
    verifier.checkpoint(&note_of(&log[..1], &old)).unwrap();
    let mut replaced = Verifier::begin(key().verifier().clone(), Edge::default(), None).unwrap();
    replaced.entry(&log[0]).unwrap();
    replaced.checkpoint(&note_of(&log[..1], &old)).unwrap();
    assert_eq!(replaced.finish(), Err(Fault::SignatureMissing { size: 1, key: "log".to_owned() }));
    verifier.entry(&log[1]).unwrap();
    verifier.checkpoint(&note_of(&log[..2], &key())).unwrap();
    assert_eq!(verifier.finish().unwrap().other_keys, 1);
}

#[test]
fn r261_a_part_of_the_log_is_verified_from_its_edge_on() {
    let log = entries(25);
    let mut edge = Edge::default();
    edge.extend(log[..13].iter().map(|entry| entry.leaf_hash));
    let saved = note_of(&log[..13], &key());
    let mut verifier = Verifier::begin(key().verifier().clone(), edge.clone(), Some(&saved)).unwrap();
    for entry in &log[13..] {
        verifier.entry(entry).unwrap();
    }
    verifier.checkpoint(&note_of(&log, &key())).unwrap();
    assert_eq!(verifier.finish().unwrap(), Summary { events: 12, checkpoints: 1, size: 25, ..Summary::default() });
    let earlier = note_of(&log[..9], &key());
    let fault = Verifier::begin(key().verifier().clone(), edge, Some(&earlier)).unwrap_err();
    assert_eq!(fault, Fault::SavedEarlier { saved: 9, after: 13 });
}

proptest! {
    /// One changed bit anywhere in the text of an export is found: by the line's spelling, a hash, the tree or the signature.
    #[test]
    fn r261_one_changed_bit_of_an_export_is_found(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let log = entries(4);
        let mut edge = Edge::default();
        edge.extend(log.iter().map(|entry| entry.leaf_hash));
        let mut lines = vec![crate::Line::Header(Edge::default())];
        lines.extend(log.iter().map(|entry| crate::Line::Entry(Box::new(entry.clone()))));
        lines.push(crate::Line::Checkpoint(key().sign(edge.size(), edge.root())));
        let mut text: Vec<u8> = lines.iter().flat_map(|line| format!("{}\n", line.to_text().unwrap()).into_bytes()).collect();
        prop_assert!(is_good(&text));
        let at = at.index(text.len());
        text[at] ^= 1 << bit;
        prop_assert!(!is_good(&text));
    }
}

fn is_good(text: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(text) else { return false };
    let mut verifier = None;
    for line in text.split_terminator('\n') {
        let good = match (crate::Line::parse(line), &mut verifier) {
            (Ok(crate::Line::Header(edge)), None) => {
                verifier = Verifier::begin(key().verifier().clone(), edge, None).ok();
                verifier.is_some()
            }
            (Ok(crate::Line::Entry(entry)), Some(verifier)) => verifier.entry(&entry).is_ok(),
            (Ok(crate::Line::Checkpoint(note)), Some(verifier)) => {
                SignedCheckpoint::parse(&note).is_ok_and(|note| verifier.checkpoint(&note).is_ok())
            }
            _ => false,
        };
        if !good {
            return false;
        }
    }
    verifier.is_some_and(|verifier| verifier.finish().is_ok())
}
