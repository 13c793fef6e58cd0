//! What a signed-in person may do about themselves: their profile, their password, and leaving.

mod api;
mod deletion;
mod pages;
mod password;

#[cfg(test)]
mod tests;

pub use api::router;
pub use pages::router as pages;
