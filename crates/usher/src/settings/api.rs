//! The settings, to be read.

use axum::extract::State;
use http::Method;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::InForce;
use crate::app::App;
use crate::caller::{Caller, Permission};
use crate::http::api::{Access, Op, Routes};
use crate::http::output::Answer;

pub fn router() -> Routes {
    let access = Access::Holding(Permission::SystemRead);
    Routes::new().op(
        Op::new(Method::GET, "/v1/settings", access, "Operations", "List the settings in force").description(
            "Those of the process that answers, as `usher config print` shows them. They come from the environment and are changed \
             there. Of a secret it says whether it is set, and no more.",
        ),
        list_settings,
    )
}

/// What the documentation shows.
pub fn example() -> Value {
    json!({
        "name": "USHER_REGISTRATION", "section": "Server", "description": "Who may register.", "secret": false, "given": true,
        "value": "invite", "default": "open", "default_told": null, "changed": true, "source": "environment", "file": null,
    })
}

/// All settings, section by section.
#[derive(Serialize, JsonSchema)]
struct Settings {
    items: Vec<InForce>,
}

async fn list_settings(_: Caller, State(app): State<App>) -> Answer<Settings> {
    Answer(Settings { items: super::list(&app.config) })
}
