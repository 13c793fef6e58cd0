//! Telling others who asks: a program that wants to know what its key is good for, and a proxy that protects another site.
//!
//! The answer is as it is now, like any other: who was suspended a moment ago is let in nowhere.

mod api;
mod identity;

#[cfg(test)]
mod tests;

pub use api::router;
