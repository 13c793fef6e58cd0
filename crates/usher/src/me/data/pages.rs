//! The page of one's data: all of it as a file, and the end of the account.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderValue, header};
use minijinja::context;
use minijinja::value::Serde;

use crate::app::App;
use crate::error::{AppError, AppResult};
use crate::html::{self, Cookie, Faults, SignedForm, SignedIn, cookies};
use crate::languages::now;
use crate::me::deletion;
use crate::users;

const PAGE: &str = "me/data/page.html";
const DELETE_PAGE: &str = "me/data/delete.html";
const DELETED_PAGE: &str = "me/data/deleted.html";
const HERE: &str = "/account/data";
const DELETE: &str = "/account/delete";

const HOURS_A_DAY: i64 = 24;

pub fn router() -> Router<App> {
    Router::new()
        .route("/account/data", get(show_data))
        .route("/account/data/download", post(submit_download))
        .route("/account/delete", get(show_delete).post(submit_delete))
}

async fn show_data(signed_in: SignedIn, State(app): State<App>) -> AppResult<Response> {
    signed_in.page(&app, HERE, PAGE, context! { days => users::KEPT_FOR.as_hours() / HOURS_A_DAY }, &Faults::default())
}

/// The same as the API answers with, and as readable as JSON can be.
async fn submit_download(State(app): State<App>, SignedForm { signed_in, .. }: SignedForm) -> AppResult<Response> {
    let data = super::gather(&app, &signed_in.person).await?;
    let name = format!("attachment; filename=\"usher-data-{}.json\"", data.made_at.strftime("%Y-%m-%d"));
    let disposition = HeaderValue::try_from(name).map_err(anyhow::Error::from)?;
    let headers =
        [(header::CONTENT_TYPE, HeaderValue::from_static("application/json")), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, serde_json::to_vec_pretty(&data)?).into_response())
}

async fn show_delete(signed_in: SignedIn, State(app): State<App>) -> AppResult<Response> {
    if let Some(proof) = signed_in.way_by_proof(&app, DELETE) {
        return Ok(proof);
    }
    ask(&app, &signed_in, &Faults::default()).await
}

async fn ask(app: &App, signed_in: &SignedIn, faults: &Faults) -> AppResult<Response> {
    let user = users::look_up(app.db.read(), signed_in.person.user_id, app.clock.now()).await?;
    let values = context! {
        until => (app.clock.now() + users::KEPT_FOR).to_string(),
        email => user.email,
        username => user.username,
    };
    signed_in.page(app, HERE, DELETE_PAGE, values, faults)
}

async fn submit_delete(State(app): State<App>, SignedForm { signed_in, .. }: SignedForm) -> AppResult<Response> {
    if let Some(proof) = signed_in.way_by_proof(&app, DELETE) {
        return Ok(proof);
    }
    let mut tx = app.begin(&signed_in.person.origin).await?;
    match deletion::delete(&mut tx, &signed_in.person).await {
        Ok(user) => {
            tx.commit().await?;
            let until = user.purge_after.map(|until| until.to_string());
            let values = context! { until => until, email => user.email, zone => Serde(user.profile.time_zone) };
            let mut response = html::page(DELETED_PAGE, values)?;
            cookies::forget(&app, &mut response, Cookie::Session)?;
            Ok(response)
        }
        Err(AppError::Rejected(rejection)) if rejection.code == "last_admin" => {
            drop(tx);
            ask(&app, &signed_in, &Faults::at("delete", now().problem(rejection.code, &rejection.detail))).await
        }
        Err(error) => Err(error),
    }
}
