//! The fuzz targets over their seeds and a bounded number of random inputs, in every test run.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{TARGETS, Target};

fn seeds(target: &Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target.name);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// A seed with a few bytes changed, left out or put in.
fn mutant(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), 0..3_usize, any::<u8>());
    (prop::sample::select(seeds), prop::collection::vec(change, 1..6)).prop_map(|(mut data, changes)| {
        for (at, kind, byte) in changes {
            let at = at.index(data.len() + 1);
            match (kind, at < data.len()) {
                (0, true) => data[at] = byte,
                (1, true) => drop(data.remove(at)),
                _ => data.insert(at, byte),
            }
        }
        data
    })
}

#[test]
fn r287_every_target_has_seeds() {
    for target in &TARGETS {
        assert!(!seeds(target).is_empty(), "{}", target.name);
    }
}

#[test]
fn r287_no_input_makes_a_parser_panic() {
    for target in &TARGETS {
        let seeds = seeds(target);
        for seed in &seeds {
            (target.run)(seed);
        }
        let inputs = prop_oneof![
            3 => mutant(seeds),
            1 => "\\PC{0,64}".prop_map(String::into_bytes),
            1 => prop::collection::vec(any::<u8>(), 0..64),
        ];
        let config = Config { cases: 256, failure_persistence: None, ..Config::default() };
        TestRunner::new(config)
            .run(&inputs, |input| {
                (target.run)(&input);
                Ok(())
            })
            .unwrap_or_else(|failure| panic!("{}: {failure}", target.name));
    }
}
