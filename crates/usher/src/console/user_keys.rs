//! The end of an API key of a user.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::acts::commit_end;
use super::events;
use super::question::Question;
use super::staff::{Staff, StaffForm};
use super::user::{HERE, look_up, way};
use crate::api_keys;
use crate::app::App;
use crate::caller::{Permission, Subject};
use crate::error::AppResult;
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
    let key = api_keys::read(&mut tx, Subject::User(user.id), path.key_id).await?;
    tx.commit().await?;
    let trail = vec![(HERE.to_owned(), now().word("console-place-users")), (way(user.id), events::name_of(&user))];
    let question = Question::of_key(key, trail, format!("{}/api-keys/{}/revoke", way(user.id), path.key_id));
    question.ask(&app, &staff, HERE, &Faults::default())
}

pub async fn submit_revoke(Path(path): Path<KeyPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::UsersWrite)?;
    look_up(&app, &staff, path.id).await?;
    let mut tx = staff.begin_because(&app, &members).await?;
    let revoked = api_keys::revoke(&mut tx, Subject::User(path.id), path.key_id).await;
    commit_end(tx, revoked).await?;
    html::done(&app, &way(path.id), Notice::Revoked)
}
