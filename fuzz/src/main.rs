//! libFuzzer around the parsers of usher. `FUZZ_TARGET` names the one to run; `cargo xtask fuzz` sets it.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use usher::fuzzing::{self, Target};

static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names the parser to run");
    fuzzing::find(&name).expect("FUZZ_TARGET is a name in usher's table of parsers")
});

fuzz_target!(|data: &[u8]| (TARGET.run)(data));
