//! Rules on users who have not been active for so many days: they are warned, suspended or deleted. Every day each rule that is enabled
//! makes the set of whom it is about and begins a run in bulk; so what it does is previewed, paused and undone like any run. What the
//! rules say is kept by `inactivity_rules`.

mod api;
mod jobs;
mod turn;

#[cfg(test)]
mod tests;

pub use api::{NewRule, router};
pub use jobs::register;
pub use turn::{Turn, apply, preview};

pub use crate::inactivity_rules::{Rule, RuleAction, Terms, create, delete, find_by_name, list, lock, read, update};
