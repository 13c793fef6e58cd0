//! usher: user management as one binary beside one PostgreSQL.
//!
//! The modules in reading order. Imports point down this list's groups only: roof, features, kernel; `cargo xtask tidy` checks it.

// Kernel: knows no feature.
pub mod app;
pub mod assets;
pub mod brand;
pub mod caller;
pub mod cells;
pub mod clock;
pub mod config;
pub mod db;
pub mod error;
pub mod faults;
pub mod formats;
pub mod hashing;
pub mod html;
pub mod http;
pub mod id;
pub mod jobs;
pub mod keyring;
pub mod languages;
pub mod mail;
pub mod measures;
pub mod network;
pub mod password_filter;
pub mod patch;
pub mod pictures;
pub mod qr_code;
pub mod seal;
pub mod secret;
pub mod telemetry;
pub mod throttle;

// Features: a folder each; lower ones know nothing of higher ones.
pub mod activity;
pub mod addresses;
pub mod analytics;
pub mod api_keys;
pub mod approvals;
pub mod attempts;
pub mod attributes;
pub mod audit;
pub mod authz;
pub mod avatars;
pub mod branding;
pub mod bulk;
pub mod changes;
pub mod console;
pub mod devices;
pub mod doctor;
pub mod emails;
pub mod exports;
pub mod grants;
pub mod groups;
pub mod imports;
pub mod inactivity;
pub mod inactivity_rules;
pub mod invitations;
pub mod keys;
pub mod live;
pub mod mails;
pub mod me;
pub mod one_time_tokens;
pub mod password;
pub mod recovery;
pub mod registration;
pub mod roles;
pub mod second_factors;
pub mod service_accounts;
pub mod sessions;
pub mod settings;
pub mod setup;
pub mod sign_in;
pub mod users;
pub mod verification;

// Roof: knows all features.
pub mod cli;
pub mod router;

/// The parsers for the fuzzer (`cargo xtask fuzz`), and for an ordinary test over the same inputs.
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
#[cfg(test)]
mod testing;
