//! The page before something is done that can't be taken back easily: what comes of it, the reason, and the button.

use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::staff::Staff;
use crate::app::App;
use crate::error::AppResult;
use crate::html::Faults;

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
    /// Where the form is sent.
    pub action: String,
}

impl Question {
    pub fn ask(&self, app: &App, staff: &Staff, here: &str, faults: &Faults) -> AppResult<Response> {
        staff.page(app, here, PAGE, context! { question => Serde(self) }, faults)
    }
}
