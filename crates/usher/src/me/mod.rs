//! What a signed-in person may do about themselves: their profile, their password, what is known of them and what
//! has happened to their account, and leaving.

mod api;
mod data;
mod deletion;
mod history;
mod pages;
mod password;
mod profile;

#[cfg(test)]
mod tests;

pub use api::router;
pub use pages::{account, router as pages};
