//! The token formats of usher: signing, publishing and verifying JSON Web Tokens.
//!
//! This crate is pure. It reads no file, opens no connection and looks at no clock: the present
//! moment is always a parameter, in seconds since the Unix epoch. What it does depends only on
//! what it is given, so every rule in it can be tested without a server.

pub mod jose;
