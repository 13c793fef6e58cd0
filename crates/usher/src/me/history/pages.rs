//! The page of what has happened to one's account.

use axum::Router;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use axum::routing::get;
use minijinja::context;
use minijinja::value::Serde;

use crate::app::App;
use crate::db::page::Limit;
use crate::error::AppResult;
use crate::html::{self, Faults, SignedIn};

const PAGE: &str = "me/history/page.html";
const HERE: &str = "/account/activity";

pub fn router() -> Router<App> {
    Router::new().route("/account/activity", get(show_activity))
}

async fn show_activity(signed_in: SignedIn, State(app): State<App>, OriginalUri(uri): OriginalUri) -> AppResult<Response> {
    let person = &signed_in.person;
    let cursor = html::cursor(&uri);
    let mut tx = app.begin(&person.origin).await?;
    let page = super::list(&mut tx, person.user_id, Limit::default(), cursor.as_deref()).await?;
    tx.commit().await?;
    let values = context! {
        entries => Serde(page.items),
        older => html::next_page(HERE, page.next.as_deref()),
        is_first => cursor.is_none(),
    };
    signed_in.page(&app, HERE, PAGE, values, &Faults::default())
}
