//! The console: pages for those who look after users. A page calls what the operations of the API call, with the permissions of whoever
//! opens it, and nothing else; what they may not do it does not show, and refuses all the same. It owns no table.

mod acts;
mod audit;
mod bulk;
mod changes;
mod chart;
mod dashboard;
mod edit;
mod events;
mod filter;
mod invitations;
mod inviting;
mod pages;
mod parameters;
mod recycle_bin;
mod requests;
mod roles;
mod staff;
mod user;
mod users;

#[cfg(test)]
mod tests;

pub use pages::router as pages;
