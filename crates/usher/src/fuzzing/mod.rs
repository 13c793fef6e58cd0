//! Every parser of outside input as a function over bytes, for the fuzzer and for an ordinary test.
//!
//! A function returns when the input is refused as it should be, and panics when a promise is broken: a parser that panics, a
//! failure that is not the caller's, a normal form that is not normal. It is compiled for the fuzzer (`cfg(fuzzing)`) and for tests
//! only; `fuzz/seeds/<name>/` holds inputs to begin with.

mod configuration;
mod files;
mod logs;
mod requests;
mod rows;
mod texts;
mod tokens;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

/// A parser under test.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
}

/// All of them. `cargo xtask fuzz` knows them by their folders of seeds.
pub const TARGETS: [Target; 31] = [
    Target { name: "address", run: texts::address },
    Target { name: "username", run: texts::username },
    Target { name: "formats", run: texts::formats },
    Target { name: "like_pattern", run: texts::like_pattern },
    Target { name: "filter", run: texts::filter },
    Target { name: "ids", run: texts::ids },
    Target { name: "recovery_code", run: texts::recovery_code },
    Target { name: "password_hash", run: texts::password_hash },
    Target { name: "color", run: texts::color },
    Target { name: "languages", run: texts::languages },
    Target { name: "body", run: requests::body },
    Target { name: "attribute_schema", run: requests::attribute_schema },
    Target { name: "query", run: requests::query },
    Target { name: "form", run: requests::form },
    Target { name: "cursor", run: requests::cursor },
    Target { name: "headers", run: requests::headers },
    Target { name: "preconditions", run: requests::preconditions },
    Target { name: "forwarded", run: requests::forwarded },
    Target { name: "token", run: tokens::token },
    Target { name: "claims", run: tokens::claims },
    Target { name: "keys", run: tokens::keys },
    Target { name: "dotenv", run: configuration::dotenv },
    Target { name: "urls", run: configuration::urls },
    Target { name: "rows", run: rows::rows },
    Target { name: "invitations", run: rows::invitations },
    Target { name: "image", run: files::image },
    Target { name: "password_filter", run: files::password_filter },
    Target { name: "corpus", run: files::corpus },
    Target { name: "backup", run: files::backup },
    Target { name: "note", run: logs::note },
    Target { name: "export", run: logs::export },
];

/// The target of this name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// What a parser of text gets to see of bytes: nothing in usher reads text that is not UTF-8.
fn text(data: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(data)
}
