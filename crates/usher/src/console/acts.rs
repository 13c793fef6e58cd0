//! What is done to one user. Each act has a page that says what comes of it and asks for the reason; its button does it.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use minijinja::context;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};

use super::staff::{Staff, StaffForm};
use super::user::{HERE, look_up, way};
use super::{events, words};
use crate::app::App;
use crate::caller::{Permission, UserStatus};
use crate::db::Tx;
use crate::error::{AppError, AppResult, Rejection};
use crate::html::{self, Faults, Notice};
use crate::http::params::Path;
use crate::id::{SessionId, UserId};
use crate::languages::now;
use crate::users::{self, ChangeOfStanding, User};
use crate::{avatars, recovery, second_factors, sessions};

const PAGE: &str = "console/act.html";

/// Something that can be done to a user.
#[derive(Clone, Copy)]
pub struct Act {
    /// As in its address. The catalogues say what its button says, and what comes of it.
    name: &'static str,
    /// It takes something away.
    takes: bool,
    permission: Permission,
    kind: Kind,
}

/// For the templates.
#[derive(Serialize)]
pub struct Offered {
    name: &'static str,
    button: String,
    /// What comes of it.
    means: String,
    takes: bool,
}

#[derive(Clone, Copy)]
enum Kind {
    Standing(ChangeOfStanding),
    MailReset,
    ResetFactors,
    Professional(bool),
    RemovePicture,
}

const fn act(name: &'static str, takes: bool, permission: Permission, kind: Kind) -> Act {
    Act { name, takes, permission, kind }
}

const ACTS: [Act; 11] = [
    act("unlock", false, Permission::UsersWrite, Kind::Standing(ChangeOfStanding::Unlock)),
    act("reactivate", false, Permission::UsersWrite, Kind::Standing(ChangeOfStanding::Reactivate)),
    act("restore", false, Permission::UsersDelete, Kind::Standing(ChangeOfStanding::Restore)),
    act("mail-reset", false, Permission::UsersWrite, Kind::MailReset),
    act("give-professional", false, Permission::UsersWrite, Kind::Professional(true)),
    act("take-professional", true, Permission::UsersWrite, Kind::Professional(false)),
    act("remove-picture", true, Permission::UsersWrite, Kind::RemovePicture),
    act("sign-out", true, Permission::UsersWrite, Kind::Standing(ChangeOfStanding::SignOut)),
    act("reset-factors", true, Permission::SecondFactorsReset, Kind::ResetFactors),
    act("suspend", true, Permission::UsersWrite, Kind::Standing(ChangeOfStanding::Suspend)),
    act("delete", true, Permission::UsersDelete, Kind::Standing(ChangeOfStanding::Delete)),
];

impl Act {
    /// Whether it makes sense of a user who stands there. The rules say so too when it is done.
    fn fits(&self, user: &User, has_factors: bool) -> bool {
        use UserStatus::{Active, Deleted, Pending, Suspended};
        match self.kind {
            Kind::Standing(ChangeOfStanding::Unlock) => user.locked_until.is_some() && user.status != Deleted,
            Kind::Standing(ChangeOfStanding::Reactivate) => user.status == Suspended,
            Kind::Standing(ChangeOfStanding::Restore) => user.status == Deleted,
            Kind::Standing(ChangeOfStanding::SignOut | ChangeOfStanding::Delete) => user.status != Deleted,
            Kind::Standing(ChangeOfStanding::Suspend) | Kind::MailReset => matches!(user.status, Active | Pending),
            Kind::ResetFactors => has_factors && user.status != Deleted,
            Kind::Professional(professional) => user.professional_at.is_some() != professional && user.status != Deleted,
            Kind::RemovePicture => user.avatar.is_some() && user.status != Deleted,
        }
    }

    /// Its page.
    fn way(&self, id: UserId) -> String {
        format!("{}/act/{}", way(id), self.name)
    }

    /// Second factors are taken away by who has proved lately who they are.
    fn way_by_proof(&self, app: &App, staff: &Staff, id: UserId) -> Option<Response> {
        if matches!(self.kind, Kind::ResetFactors) { staff.way_by_proof(app, &self.way(id)) } else { None }
    }

    async fn carry_out(&self, tx: &mut Tx, staff: &Staff, id: UserId) -> AppResult<Notice> {
        let by = staff.authority();
        match self.kind {
            Kind::Standing(change) => {
                let user = users::lock(tx, by, id).await?;
                users::change_standing(tx, &user, change).await?;
                Ok(Notice::ChangeMade)
            }
            Kind::MailReset => {
                let user = users::lock(tx, by, id).await?;
                recovery::start(tx, &user).await?;
                Ok(Notice::LinkMailed)
            }
            Kind::ResetFactors => {
                second_factors::reset(tx, by, id).await?;
                Ok(Notice::ChangeMade)
            }
            Kind::Professional(professional) => {
                let user = users::lock(tx, by, id).await?;
                users::recognise(tx, &user, professional).await?;
                Ok(Notice::Saved)
            }
            Kind::RemovePicture => {
                let user = users::lock(tx, by, id).await?;
                avatars::remove(tx, &user).await?;
                Ok(Notice::Removed)
            }
        }
    }
}

/// Those that fit the user and that whoever looks may do.
pub fn offered(staff: &Staff, user: &User, has_factors: bool) -> Vec<Offered> {
    let fitting = ACTS.into_iter().filter(|act| staff.may(act.permission) && act.fits(user, has_factors));
    fitting.map(|act| in_words(act.name, act.takes)).collect()
}

fn in_words(name: &'static str, takes: bool) -> Offered {
    Offered { name, button: words::of("acts-", name), means: words::of("acts-means-", name), takes }
}

#[derive(Deserialize)]
pub struct ActPath {
    id: UserId,
    act: String,
}

fn find(name: &str) -> Result<Act, Rejection> {
    ACTS.into_iter().find(|act| act.name == name).ok_or_else(Rejection::not_found)
}

pub async fn show(staff: Staff, Path(path): Path<ActPath>, State(app): State<App>) -> AppResult<Response> {
    let act = find(&path.act)?;
    staff.require(act.permission)?;
    if let Some(proof) = act.way_by_proof(&app, &staff, path.id) {
        return Ok(proof);
    }
    ask(&app, &staff, &act, path.id, "", &Faults::default()).await
}

pub async fn submit(Path(path): Path<ActPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    let act = find(&path.act)?;
    staff.require(act.permission)?;
    if let Some(proof) = act.way_by_proof(&app, &staff, path.id) {
        return Ok(proof);
    }
    let mut tx = staff.begin_because(&app, &members).await?;
    match act.carry_out(&mut tx, &staff, path.id).await {
        Ok(notice) => {
            tx.commit().await?;
            html::done(&app, &way(path.id), notice)
        }
        Err(error) => {
            drop(tx);
            ask(&app, &staff, &act, path.id, members.text("reason"), &as_fault(error)?).await
        }
    }
}

/// A state that does not allow it is said at the button. Everything else goes on as it is.
pub fn as_fault(error: AppError) -> AppResult<Faults> {
    match error {
        AppError::Rejected(rejection) if rejection.status == StatusCode::CONFLICT => {
            Ok(Faults::at("reason", now().problem(rejection.code, &rejection.detail)))
        }
        other => Err(other),
    }
}

async fn ask(app: &App, staff: &Staff, act: &Act, id: UserId, reason: &str, faults: &Faults) -> AppResult<Response> {
    let user = look_up(app, staff, id).await?;
    let values = context! {
        name => events::name_of(&user), back => way(id), action => act.way(id),
        act => Serde(in_words(act.name, act.takes)), reason => reason,
        user => Serde(user),
    };
    staff.page(app, HERE, PAGE, values, faults)
}

/// Commits that something has ended. If it had, since the page was shown, all is as it should be.
pub async fn commit_end(tx: Tx, ended: AppResult<()>) -> AppResult<()> {
    match ended {
        Ok(()) => Ok(tx.commit().await?),
        Err(error) if error.code() == Some("not_found") => Ok(()),
        Err(error) => Err(error),
    }
}

#[derive(Deserialize)]
pub struct SessionPath {
    id: UserId,
    session_id: SessionId,
}

pub async fn show_end(staff: Staff, Path(path): Path<SessionPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::UsersWrite)?;
    let user = look_up(&app, &staff, path.id).await?;
    let values = context! {
        name => events::name_of(&user), back => way(path.id), act => Serde(in_words("end-session", true)),
        reason => "",
        action => format!("{}/sessions/{}/end", way(path.id), path.session_id), user => Serde(user),
    };
    staff.page(&app, HERE, PAGE, values, &Faults::default())
}

pub async fn submit_end(Path(path): Path<SessionPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::UsersWrite)?;
    look_up(&app, &staff, path.id).await?;
    let mut tx = staff.begin_because(&app, &members).await?;
    let ended = sessions::end_of(&mut tx, path.id, path.session_id, "ended_by_administrator").await;
    commit_end(tx, ended).await?;
    html::done(&app, &way(path.id), Notice::SessionEnded)
}
