//! Trusting a device no more, from the page of the second factors.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::post;

use super::{distrust, distrust_all};
use crate::app::App;
use crate::error::{AppResult, Rejection};
use crate::html::{self, Notice, SignedForm, see_other};
use crate::id::DeviceId;

const HERE: &str = "/account/second-factors";

pub fn router() -> Router<App> {
    Router::new()
        .route("/account/second-factors/trusted-devices/forget", post(submit_forget_all))
        .route("/account/second-factors/trusted-devices/{id}/forget", post(submit_forget))
}

async fn submit_forget_all(State(app): State<App>, SignedForm { signed_in, .. }: SignedForm) -> AppResult<Response> {
    let mut tx = app.begin(&signed_in.person.origin).await?;
    distrust_all(&mut tx, signed_in.person.user_id).await?;
    tx.commit().await?;
    html::done(&app, HERE, Notice::DevicesDistrusted)
}

async fn submit_forget(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    SignedForm { signed_in, .. }: SignedForm,
) -> AppResult<Response> {
    let id: DeviceId = path.ok().and_then(|Path(id)| id.parse().ok()).ok_or_else(Rejection::not_found)?;
    let mut tx = app.begin(&signed_in.person.origin).await?;
    match distrust(&mut tx, signed_in.person.user_id, id).await {
        Ok(()) => {
            tx.commit().await?;
            html::done(&app, HERE, Notice::DeviceDistrusted)
        }
        // It has ended since the page was shown. The list says what is left.
        Err(error) if error.code() == Some("not_found") => Ok(see_other(HERE)),
        Err(error) => Err(error),
    }
}
