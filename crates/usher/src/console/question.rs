//! The page before something is done that can't be taken back easily: what comes of it, the reason, and the button.

use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::staff::Staff;
use crate::api_keys::ApiKey;
use crate::app::App;
use crate::error::AppResult;
use crate::html::Faults;
use crate::languages::now;

const PAGE: &str = "console/question.html";

#[derive(Default, Serialize)]
pub struct Question {
    /// The pages above this one, with what to call them; the last is the way back.
    pub trail: Vec<(String, String)>,
    pub button: String,
    /// It takes something away.
    pub takes: bool,
    /// What it is done to, and what else tells it from others.
    pub subject: String,
    pub detail: String,
    /// What comes of it.
    pub means: String,
    /// What was said as the reason before it was refused.
    pub reason: String,
    /// Where the form is sent.
    pub action: String,
}

impl Question {
    /// Before an API key ends.
    pub fn of_key(key: ApiKey, trail: Vec<(String, String)>, action: String) -> Self {
        Self {
            trail,
            button: now().word("service-key-revoke"),
            takes: true,
            subject: key.name,
            detail: format!("{}…", key.prefix),
            means: now().word("service-key-revoke-means"),
            action,
            ..Self::default()
        }
    }

    pub fn ask(&self, app: &App, staff: &Staff, here: &str, faults: &Faults) -> AppResult<Response> {
        staff.page(app, here, PAGE, context! { question => Serde(self) }, faults)
    }
}
