//! How many passwords a second all cores hash: the library, the cost and the kept memory of usher's hashing threads, and nothing else.

use std::thread;
use std::time::{Duration, Instant};

use argon2_rust::params::{Memory, TagLen};
use argon2_rust::{Algorithm, Argon2, Params, Version};

/// `Cost::POLICY` of usher.
const MEMORY_KIB: u64 = 19_456;
const PASSES: u32 = 2;
const OUTPUT_BYTES: usize = 32;

pub fn run(seconds: &str) -> Result<String, String> {
    let seconds: f64 = seconds.parse().map_err(|error| format!("SECONDS: {error}"))?;
    let lasts = Duration::try_from_secs_f64(seconds).map_err(|error| format!("SECONDS: {error}"))?;
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let began = Instant::now();
    let counts = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(|| hash_until(began + lasts))).collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or(Err("a thread panicked".to_owned())))
            .collect::<Result<Vec<u32>, _>>()
    })?;
    let count: f64 = counts.into_iter().map(f64::from).sum();
    Ok(format!("{{\"threads\": {threads}, \"hashes_a_second\": {:.2}}}", count / began.elapsed().as_secs_f64()))
}

fn hash_until(end: Instant) -> Result<u32, String> {
    let tag_len = TagLen::bytes(OUTPUT_BYTES as u64);
    let params = Params::builder().memory(Memory::kib(MEMORY_KIB)).passes(PASSES).lanes(1).tag_len(tag_len).build();
    let params = params.map_err(|error| format!("the cost: {error}"))?;
    let mut hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hasher();
    let mut output = [0; OUTPUT_BYTES];
    let mut count = 0_u32;
    while Instant::now() < end {
        let salt = u128::from(count).to_le_bytes();
        hasher.hash_into(b"plum kettle orbit lantern", &salt, &mut output).map_err(|error| format!("hashing: {error}"))?;
        count += 1;
    }
    Ok(count)
}
