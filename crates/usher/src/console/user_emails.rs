//! The addresses of a user: one more, which the person confirms, another primary one, and one less.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use minijinja::context;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::acts::{as_fault, commit_end};
use super::question::Question;
use super::staff::{Staff, StaffForm};
use super::user::{HERE, UserPath, look_up, way};
use super::{events, words};
use crate::addresses;
use crate::app::App;
use crate::caller::Permission;
use crate::emails::{self, EmailAddress};
use crate::error::{AppError, AppResult, Rejection};
use crate::html::{self, Faults, Members, Notice};
use crate::http::body;
use crate::http::params::Path;
use crate::id::{EmailId, UserId};
use crate::languages::now;
use crate::users::{self, User};

const ADD_PAGE: &str = "console/email_add.html";

#[derive(Deserialize)]
pub struct EmailPath {
    id: UserId,
    email_id: EmailId,
}

/// An address to be.
#[derive(Deserialize, JsonSchema)]
struct NewEmail {
    email: EmailAddress,
}

pub async fn show_add(staff: Staff, Path(path): Path<UserPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::UsersWrite)?;
    ask_to_add(&app, &staff, path.id, None, &Faults::default()).await
}

pub async fn submit_add(Path(path): Path<UserPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::UsersWrite)?;
    match add(&app, &staff, path.id, &members).await {
        Ok(()) => html::done(&app, &way(path.id), Notice::Sent),
        Err(error) => ask_to_add(&app, &staff, path.id, Some(&members), &in_field(error)?).await,
    }
}

async fn add(app: &App, staff: &Staff, id: UserId, members: &Members) -> AppResult<()> {
    let said = Some(members.text("email").trim()).filter(|said| !said.is_empty());
    let new: NewEmail = body::from_value(said.map_or_else(|| json!({}), |said| json!({ "email": said })))?;
    let mut tx = staff.begin_because(app, members).await?;
    let user = users::lock(&mut tx, staff.authority(), id).await?;
    addresses::request_for(&mut tx, &user, &new.email).await?;
    tx.commit().await?;
    Ok(())
}

fn in_field(error: AppError) -> AppResult<Faults> {
    match words::faults(error, "edit", &["email"]) {
        Err(AppError::Rejected(rejection)) if rejection.status == StatusCode::CONFLICT => {
            Ok(Faults::at("email", now().problem(rejection.code, &rejection.detail)))
        }
        found => found,
    }
}

async fn ask_to_add(app: &App, staff: &Staff, id: UserId, members: Option<&Members>, faults: &Faults) -> AppResult<Response> {
    let user = look_up(app, staff, id).await?;
    let said = |name: &str| members.map(|members| members.text(name)).unwrap_or_default();
    let values = context! {
        name => events::name_of(&user), back => way(id), action => format!("{}/emails/add", way(id)),
        email => said("email"), reason => said("reason"),
    };
    staff.page(app, HERE, ADD_PAGE, values, faults)
}

pub async fn show_primary(staff: Staff, Path(path): Path<EmailPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::UsersWrite)?;
    ask_about_primary(&app, &staff, &path, None, &Faults::default()).await
}

pub async fn submit_primary(Path(path): Path<EmailPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::UsersWrite)?;
    let mut tx = staff.begin_because(&app, &members).await?;
    let before = users::lock(&mut tx, staff.authority(), path.id).await?;
    match addresses::set_primary(&mut tx, &before, path.email_id).await {
        Ok(_) => {
            tx.commit().await?;
            html::done(&app, &way(path.id), Notice::Saved)
        }
        Err(error) => {
            drop(tx);
            ask_about_primary(&app, &staff, &path, Some(&members), &as_fault(error)?).await
        }
    }
}

/// Only one that is verified can be it.
async fn ask_about_primary(
    app: &App,
    staff: &Staff,
    path: &EmailPath,
    members: Option<&Members>,
    faults: &Faults,
) -> AppResult<Response> {
    let user = look_up(app, staff, path.id).await?;
    let chosen = user.emails.iter().find(|email| email.id == path.email_id && email.verified_at.is_some());
    let address = chosen.map(|email| email.address.clone()).ok_or_else(Rejection::not_found)?;
    let question = Question {
        button: now().word("addresses-make-primary"),
        means: now().word("emails-means-primary"),
        action: format!("{}/emails/{}/primary", way(user.id), path.email_id),
        ..about(&user, address, members)
    };
    question.ask(app, staff, HERE, faults)
}

pub async fn show_remove(staff: Staff, Path(path): Path<EmailPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::UsersWrite)?;
    ask_to_remove(&app, &staff, &path, None, &Faults::default()).await
}

pub async fn submit_remove(Path(path): Path<EmailPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::UsersWrite)?;
    let mut tx = staff.begin_because(&app, &members).await?;
    let before = users::lock(&mut tx, staff.authority(), path.id).await?;
    let removed = addresses::remove(&mut tx, &before, path.email_id).await;
    match commit_end(tx, removed).await {
        Ok(()) => html::done(&app, &way(path.id), Notice::Removed),
        Err(error) => ask_to_remove(&app, &staff, &path, Some(&members), &as_fault(error)?).await,
    }
}

/// One of the user's, or the one that waits to be confirmed.
async fn ask_to_remove(
    app: &App,
    staff: &Staff,
    path: &EmailPath,
    members: Option<&Members>,
    faults: &Faults,
) -> AppResult<Response> {
    let user = look_up(app, staff, path.id).await?;
    let mut tx = staff.begin(app).await?;
    let pending = emails::find_pending(&mut tx, user.id).await?.filter(|pending| pending.id == path.email_id);
    tx.commit().await?;
    let held = user.emails.iter().find(|email| email.id == path.email_id).map(|email| email.address.clone());
    let (button, means) = match pending {
        Some(_) => (now().word("addresses-withdraw"), now().word("emails-means-withdraw")),
        None => (now().word("addresses-remove"), now().word("emails-means-remove")),
    };
    let address = pending.map(|pending| pending.address).or(held).ok_or_else(Rejection::not_found)?;
    let question = Question {
        button,
        takes: true,
        means,
        action: format!("{}/emails/{}/remove", way(user.id), path.email_id),
        ..about(&user, address, members)
    };
    question.ask(app, staff, HERE, faults)
}

fn about(user: &User, address: String, members: Option<&Members>) -> Question {
    let name = events::name_of(user);
    Question {
        trail: vec![(HERE.to_owned(), now().word("console-place-users")), (way(user.id), name.clone())],
        subject: address,
        detail: name,
        reason: members.map(|members| members.text("reason")).unwrap_or_default().to_owned(),
        ..Question::default()
    }
}
