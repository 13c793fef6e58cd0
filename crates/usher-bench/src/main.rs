//! What `bench/` asks of a program that costs little: `usher-bench rate` sends requests when they are due, whether or not earlier
//! ones have been answered, and `usher-bench hashes` says how many passwords this machine can hash. Both print one line of JSON.
//! It is no part of usher and knows nothing of it.
#![expect(clippy::print_stdout, reason = "what was measured goes to the terminal")]

mod hashes;
mod rate;

use std::io::Write as _;
use std::process::ExitCode;

const HELP: &str = "\
usher-bench rate ADDRESS RATE SECONDS CONNECTIONS FILE
    Sends the requests of FILE in turn, RATE a second. FILE: each request as it goes over the wire, after a line with its length.
usher-bench hashes SECONDS
    Hashes on all cores under usher's policy.
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["rate", given @ ..] => rate::run(given),
        ["hashes", seconds] => hashes::run(seconds),
        _ => Err(HELP.to_owned()),
    };
    match outcome {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(sentence) => {
            // Nothing is left to do when even standard error is closed.
            let _closed = writeln!(std::io::stderr(), "usher-bench: {sentence}");
            ExitCode::FAILURE
        }
    }
}
