//! The console: pages for those who look after users. A page calls what the operations of the API call, with the permissions of whoever
//! opens it, and nothing else; what they may not do it does not show, and refuses all the same. It owns no table.

mod access;
mod acts;
mod analytics;
mod attributes;
mod audit;
mod audit_seal;
mod branding;
mod bulk;
mod changes;
mod chart;
mod choice;
mod dashboard;
mod edit;
mod events;
mod export;
mod faults;
mod filter;
mod import_new;
mod imports;
mod inactivity;
mod invitations;
mod inviting;
mod live;
mod mail_texts;
mod mails;
mod new_user;
mod pages;
mod parameters;
mod profile_form;
mod question;
mod recycle_bin;
mod requests;
mod roles;
mod service_account_acts;
mod service_accounts;
mod settings;
mod signing_keys;
mod staff;
mod system;
mod user;
mod user_emails;
mod user_keys;
mod user_picture;
mod users;
mod whom;
mod words;

#[cfg(test)]
mod tests;

pub use pages::router as pages;
