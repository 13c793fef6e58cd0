//! The signed-in person's own profile.

mod api;

#[cfg(test)]
mod tests;

pub use api::router;
