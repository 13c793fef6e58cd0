//! Tests of the token formats: published vectors, refusals, and a second implementation.

mod fixtures;
mod keys;
mod oracle;
mod refused_claims;
mod refused_headers;
mod refused_shapes;
mod round_trip;
mod vectors;
mod wycheproof;
