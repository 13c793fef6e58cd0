//! Where a person is signed in, and how that ends. Nothing of it is done by opening a page.

use axum::Router;
use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use minijinja::context;
use minijinja::value::Serde;

use crate::app::App;
use crate::db::page::Limit;
use crate::error::{AppResult, Rejection};
use crate::html::{self, Cookie, Faults, Notice, SignedForm, SignedIn, cookies, see_other};
use crate::id::SessionId;

const PAGE: &str = "sessions/page.html";
const HERE: &str = "/account/sessions";

pub fn router() -> Router<App> {
    Router::new()
        .route("/sign-out", post(submit_sign_out))
        .route("/account/sessions", get(show_sessions))
        .route("/account/sessions/{id}/end", post(submit_end))
        .route("/account/sessions/end-others", post(submit_end_others))
}

async fn submit_sign_out(State(app): State<App>, SignedForm { signed_in, .. }: SignedForm) -> AppResult<Response> {
    let mut tx = app.begin(&signed_in.person.origin).await?;
    super::end(&mut tx, signed_in.person.session_id, "signed_out").await?;
    tx.commit().await?;
    let mut response = see_other("/sign-in");
    cookies::forget(&app, &mut response, Cookie::Session)?;
    Ok(response)
}

async fn show_sessions(signed_in: SignedIn, State(app): State<App>, OriginalUri(uri): OriginalUri) -> AppResult<Response> {
    let person = &signed_in.person;
    let cursor = html::cursor(&uri);
    let mut tx = app.begin(&person.origin).await?;
    let page = super::list(&mut tx, person.user_id, Some(person.session_id), Limit::default(), cursor.as_deref()).await?;
    tx.commit().await?;
    let older = html::next_page(HERE, page.next.as_deref());
    let has_others = cursor.is_some() || !older.is_empty() || page.items.iter().any(|session| !session.current);
    let values = context! { sessions => Serde(page.items), older => older, has_others => has_others };
    signed_in.page(&app, HERE, PAGE, values, &Faults::default())
}

async fn submit_end(
    State(app): State<App>,
    path: Result<Path<String>, axum::extract::rejection::PathRejection>,
    SignedForm { signed_in, .. }: SignedForm,
) -> AppResult<Response> {
    let id: SessionId = path.ok().and_then(|Path(id)| id.parse().ok()).ok_or_else(Rejection::not_found)?;
    if id != signed_in.person.session_id
        && let Some(proof) = signed_in.way_by_proof(&app, HERE)
    {
        return Ok(proof);
    }
    let mut tx = app.begin(&signed_in.person.origin).await?;
    match super::end_of(&mut tx, signed_in.person.user_id, id, "ended_from_another").await {
        Ok(()) => {
            tx.commit().await?;
            html::done(&app, HERE, Notice::SessionEnded)
        }
        // It has ended since the page was shown. The list says what is left.
        Err(error) if error.code() == Some("not_found") => Ok(see_other(HERE)),
        Err(error) => Err(error),
    }
}

async fn submit_end_others(State(app): State<App>, SignedForm { signed_in, .. }: SignedForm) -> AppResult<Response> {
    if let Some(proof) = signed_in.way_by_proof(&app, HERE) {
        return Ok(proof);
    }
    let mut tx = app.begin(&signed_in.person.origin).await?;
    super::end_others(&mut tx, signed_in.person.user_id, signed_in.person.session_id).await?;
    tx.commit().await?;
    html::done(&app, HERE, Notice::OthersEnded)
}
