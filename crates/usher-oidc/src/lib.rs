//! The formats of usher that need nothing but their input: JSON Web Tokens, signed, published and verified, and the filter
//! language.
//!
//! This crate is pure. It reads no file, opens no connection and looks at no clock: the present
//! moment is always a parameter, in seconds since the Unix epoch. What it does depends only on
//! what it is given, so every rule in it can be tested without a server.

pub mod filter;
pub mod jose;
