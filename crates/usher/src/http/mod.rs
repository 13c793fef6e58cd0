//! The HTTP edge: extractors that explain what is wrong, answers as RFC 9457 problems, entity tags, limits before work,
//! and the one way to declare an operation ([`api::Routes`]) that enforces its access rule and documents it.

pub mod api;
pub mod body;
pub mod docs;
pub mod etag;
pub mod idempotency;
pub mod layers;
pub mod limits;
pub mod origin;
pub mod output;
pub mod params;
pub mod probes;
pub mod problem;
pub mod serve;
pub mod stream;
pub mod upload;
pub mod validate;

#[cfg(test)]
mod tests;
