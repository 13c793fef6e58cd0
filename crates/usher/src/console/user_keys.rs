//! The end of an API key of a user.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::events;
use super::question::Question;
use super::staff::{Staff, StaffForm};
use super::user::{HERE, look_up, way};
use crate::api_keys;
use crate::app::App;
use crate::caller::{Permission, Subject};
use crate::db::page::Limit;
use crate::error::{AppResult, Rejection};
use crate::html::{self, Faults, Notice};
use crate::http::params::Path;
use crate::id::{ApiKeyId, UserId};
use crate::languages::now;

#[derive(Deserialize)]
pub struct KeyPath {
    id: UserId,
    key_id: ApiKeyId,
}

pub async fn show_revoke(staff: Staff, Path(path): Path<KeyPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::UsersWrite)?;
    let user = look_up(&app, &staff, path.id).await?;
    let mut tx = staff.begin(&app).await?;
    let keys = api_keys::list(&mut tx, Subject::User(user.id), Limit::default(), None).await?;
    tx.commit().await?;
    let key = keys.items.into_iter().find(|key| key.id == path.key_id).ok_or_else(Rejection::not_found)?;
    let question = Question {
        trail: vec![(HERE.to_owned(), now().word("console-place-users")), (way(user.id), events::name_of(&user))],
        button: now().word("service-key-revoke"),
        takes: true,
        means: now().word("service-key-revoke-means"),
        subject: key.name,
        detail: format!("{}…", key.prefix),
        action: format!("{}/api-keys/{}/revoke", way(user.id), key.id),
    };
    question.ask(&app, &staff, HERE, &Faults::default())
}

pub async fn submit_revoke(Path(path): Path<KeyPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::UsersWrite)?;
    look_up(&app, &staff, path.id).await?;
    let mut tx = staff.begin_because(&app, &members).await?;
    match api_keys::revoke(&mut tx, Subject::User(path.id), path.key_id).await {
        Ok(()) => tx.commit().await?,
        // It was revoked, or has ended, since the page was shown.
        Err(error) if error.code() == Some("not_found") => {}
        Err(error) => return Err(error),
    }
    html::done(&app, &way(path.id), Notice::Revoked)
}
