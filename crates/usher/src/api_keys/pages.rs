//! A person's API keys: which there are, a new one, which is shown by the answer to its form and nowhere again, and their end.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use minijinja::context;
use minijinja::value::Serde;

use super::{NewApiKey, form};
use crate::app::App;
use crate::caller::{PermissionSet, Subject};
use crate::db::page::Limit;
use crate::error::{AppResult, Rejection};
use crate::html::{self, Faults, Members, Notice, SignedForm, SignedIn, see_other};
use crate::id::ApiKeyId;

const PAGE: &str = "api_keys/page.html";
const NEW_PAGE: &str = "api_keys/new.html";
const HERE: &str = "/account/api-keys";
const NEW: &str = "/account/api-keys/new";

pub fn router() -> Router<App> {
    Router::new()
        .route("/account/api-keys", get(show_api_keys))
        .route("/account/api-keys/new", get(show_new).post(submit_new))
        .route("/account/api-keys/{id}/revoke", post(submit_revoke))
}

async fn show_api_keys(signed_in: SignedIn, State(app): State<App>, OriginalUri(uri): OriginalUri) -> AppResult<Response> {
    let person = &signed_in.person;
    let cursor = html::cursor(&uri);
    let mut tx = app.begin(&person.origin).await?;
    let page = super::list(&mut tx, Subject::User(person.user_id), Limit::default(), cursor.as_deref()).await?;
    tx.commit().await?;
    let values = context! {
        keys => Serde(page.items),
        older => html::next_page(HERE, page.next.as_deref()),
        is_first => cursor.is_none(),
    };
    signed_in.page(&app, HERE, PAGE, values, &Faults::default())
}

async fn show_new(signed_in: SignedIn, State(app): State<App>) -> AppResult<Response> {
    if let Some(proof) = signed_in.way_by_proof(&app, NEW) {
        return Ok(proof);
    }
    ask(&app, &signed_in, None, &Faults::default())
}

async fn submit_new(State(app): State<App>, SignedForm { signed_in, members }: SignedForm) -> AppResult<Response> {
    if let Some(proof) = signed_in.way_by_proof(&app, NEW) {
        return Ok(proof);
    }
    let wish = match form::read(&members, app.clock.now()) {
        Ok(wish) => wish,
        Err(error) => return ask(&app, &signed_in, Some(&members), &form::in_fields(error)?),
    };
    let mut tx = app.begin(&signed_in.person.origin).await?;
    match super::create_own(&app, &mut tx, &signed_in.person, &wish).await {
        Ok(made) => {
            tx.commit().await?;
            show_made(&app, &signed_in, &made)
        }
        Err(error) => ask(&app, &signed_in, Some(&members), &form::in_fields(error)?),
    }
}

/// The key is shown by the answer itself: it is not kept, so there is no page to come back to.
fn show_made(app: &App, signed_in: &SignedIn, made: &NewApiKey) -> AppResult<Response> {
    let values = context! {
        state => "made",
        key => made.key.as_str(),
        key_name => made.api_key.name.as_str(),
        expires_at => made.api_key.expires_at.to_string(),
    };
    signed_in.page(app, HERE, NEW_PAGE, values, &Faults::default())
}

fn ask(app: &App, signed_in: &SignedIn, sent: Option<&Members>, faults: &Faults) -> AppResult<Response> {
    let choices = form::choices(app, sent, signed_in.person.permissions, PermissionSet::default());
    signed_in.page(app, HERE, NEW_PAGE, context! { state => "form", ..choices }, faults)
}

async fn submit_revoke(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    SignedForm { signed_in, .. }: SignedForm,
) -> AppResult<Response> {
    let id: ApiKeyId = path.ok().and_then(|Path(id)| id.parse().ok()).ok_or_else(Rejection::not_found)?;
    let mut tx = app.begin(&signed_in.person.origin).await?;
    match super::revoke(&mut tx, Subject::User(signed_in.person.user_id), id).await {
        Ok(()) => {
            tx.commit().await?;
            html::done(&app, HERE, Notice::KeyRevoked)
        }
        // It has ended since the page was shown. The list says what is left.
        Err(error) if error.code() == Some("not_found") => Ok(see_other(HERE)),
        Err(error) => Err(error),
    }
}
