//! The checks, for whoever looks after the server from elsewhere.

use axum::extract::State;
use http::Method;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::Finding;
use crate::app::App;
use crate::caller::{Caller, Permission};
use crate::http::api::{Access, Op, Routes};
use crate::http::output::Answer;
use crate::languages::{Language, speaking};

pub fn router() -> Routes {
    let op = Op::new(Method::GET, "/v1/checks", Access::Holding(Permission::SystemRead), "Operations", "Check the server");
    Routes::new().op(
        op.description(
            "What `usher doctor` looks at, as this process sees it: settings, database, keys, queues. It takes 20 seconds at most; \
             what is missing then was not looked at. For probes there are `/livez` and `/readyz`.",
        ),
        list_checks,
    )
}

/// What the documentation shows.
pub fn example() -> Value {
    json!({
        "check": "mail", "verdict": "warning", "detail": "an SMTP server is set; 0 held, 3 given up",
        "advice": "See why they were not sent, set USHER_SMTP_URL if there is no mail server, then send them again.",
    })
}

/// How the checks went.
#[derive(Serialize, JsonSchema)]
struct Checks {
    items: Vec<Finding>,
}

async fn list_checks(_: Caller, State(app): State<App>) -> Answer<Checks> {
    // For programs, as the command line is: in English whoever asks.
    Answer(Checks { items: speaking(Language::ENGLISH, super::examine(&app)).await })
}
