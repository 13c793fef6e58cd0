//! A picture of a user that somebody else sets, as the person can themselves. Removing it is an act.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;

use super::staff::{Staff, StaffUpload};
use super::user::{HERE, UserPath, look_up, way};
use super::{acts, events};
use crate::app::App;
use crate::avatars;
use crate::caller::Permission;
use crate::error::{AppError, AppResult};
use crate::html::{self, Faults, Notice};
use crate::http::params::Path;
use crate::id::UserId;

const PAGE: &str = "console/user_picture.html";

pub async fn show(staff: Staff, Path(path): Path<UserPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::UsersWrite)?;
    ask(&app, &staff, path.id, "", &Faults::default()).await
}

pub async fn submit(Path(path): Path<UserPath>, State(app): State<App>, form: StaffUpload) -> AppResult<Response> {
    let StaffUpload { staff, members, file } = form;
    staff.require(Permission::UsersWrite)?;
    let taken = match file.and_then(avatars::sent) {
        Ok(sent) => avatars::set(&app, &staff.origin_because(&members), staff.authority(), path.id, sent).await,
        Err(error) => Err(error),
    };
    match taken {
        Ok(_) => html::done(&app, &way(path.id), Notice::Saved),
        Err(error) => ask(&app, &staff, path.id, members.text("reason"), &as_fault(error)?).await,
    }
}

/// What is wrong with the picture is said at its field; a state that does not allow one, at the button.
fn as_fault(error: AppError) -> AppResult<Faults> {
    avatars::faults(error).or_else(acts::as_fault)
}

async fn ask(app: &App, staff: &Staff, id: UserId, reason: &str, faults: &Faults) -> AppResult<Response> {
    let user = look_up(app, staff, id).await?;
    let values = context! {
        name => events::name_of(&user), back => way(id), action => format!("{}/picture", way(id)), reason => reason,
        is_kept => app.config.avatars.is_some(), user => Serde(user),
    };
    staff.page(app, HERE, PAGE, values, faults)
}
