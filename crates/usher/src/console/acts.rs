//! What is done to one user. Each act has a page that says what comes of it and asks for the reason; its button does it.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use minijinja::context;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};

use super::events;
use super::staff::{Staff, StaffForm};
use super::user::{HERE, look_up, way};
use crate::app::App;
use crate::caller::{Permission, UserStatus};
use crate::db::Tx;
use crate::error::{AppError, AppResult, Rejection};
use crate::html::{self, Faults, Notice};
use crate::http::params::Path;
use crate::id::{SessionId, UserId};
use crate::users::{self, ChangeOfStanding, User};
use crate::{recovery, second_factors, sessions};

const PAGE: &str = "console/act.html";

/// Something that can be done to a user.
#[derive(Clone, Copy, Serialize)]
pub struct Act {
    /// As in its address.
    name: &'static str,
    button: &'static str,
    /// What comes of it.
    means: &'static str,
    /// It takes something away.
    takes: bool,
    #[serde(skip)]
    permission: Permission,
    #[serde(skip)]
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Standing(ChangeOfStanding),
    MailReset,
    ResetFactors,
}

const fn standing(
    name: &'static str,
    button: &'static str,
    means: &'static str,
    takes: bool,
    permission: Permission,
    change: ChangeOfStanding,
) -> Act {
    Act { name, button, means, takes, permission, kind: Kind::Standing(change) }
}

const ACTS: [Act; 8] = [
    standing(
        "unlock",
        "Unlock",
        "The lock after wrong passwords ends, and they are forgotten.",
        false,
        Permission::UsersWrite,
        ChangeOfStanding::Unlock,
    ),
    standing("reactivate", "Reactivate", "They can sign in again.", false, Permission::UsersWrite, ChangeOfStanding::Reactivate),
    standing(
        "restore",
        "Restore",
        "They come out of the recycle bin with their roles, into the status they had. They sign in anew.",
        false,
        Permission::UsersDelete,
        ChangeOfStanding::Restore,
    ),
    Act {
        name: "mail-reset",
        button: "Mail a link for a new password",
        means: "A link to choose a new password goes to their primary address. Nothing changes until they use it.",
        takes: false,
        permission: Permission::UsersWrite,
        kind: Kind::MailReset,
    },
    standing(
        "sign-out",
        "Sign out everywhere",
        "Every session of theirs ends at once, and their API keys stop working.",
        true,
        Permission::UsersWrite,
        ChangeOfStanding::SignOut,
    ),
    Act {
        name: "reset-factors",
        button: "Remove second factors",
        means: "Their authenticator app and recovery codes are removed; the password alone signs them in then. They are told by mail.",
        takes: true,
        permission: Permission::SecondFactorsReset,
        kind: Kind::ResetFactors,
    },
    standing(
        "suspend",
        "Suspend",
        "They can't sign in until they are reactivated, and every session of theirs ends at once.",
        true,
        Permission::UsersWrite,
        ChangeOfStanding::Suspend,
    ),
    standing(
        "delete",
        "Delete",
        "They go to the recycle bin for 30 days, and every session of theirs ends at once. Until they are purged they can be restored.",
        true,
        Permission::UsersDelete,
        ChangeOfStanding::Delete,
    ),
];

impl Act {
    /// Whether it makes sense of a user who stands there. The rules say so too when it is done.
    fn fits(&self, user: &User) -> bool {
        use UserStatus::{Active, Deleted, Pending, Suspended};
        match self.kind {
            Kind::Standing(ChangeOfStanding::Unlock) => user.locked_until.is_some() && user.status != Deleted,
            Kind::Standing(ChangeOfStanding::Reactivate) => user.status == Suspended,
            Kind::Standing(ChangeOfStanding::Restore) => user.status == Deleted,
            Kind::Standing(ChangeOfStanding::SignOut | ChangeOfStanding::Delete) | Kind::ResetFactors => user.status != Deleted,
            Kind::Standing(ChangeOfStanding::Suspend) | Kind::MailReset => matches!(user.status, Active | Pending),
        }
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
        }
    }
}

/// Those that fit the user and that whoever looks may do.
pub fn offered(staff: &Staff, user: &User) -> Vec<Act> {
    ACTS.into_iter().filter(|act| staff.may(act.permission) && act.fits(user)).collect()
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
    ask(&app, &staff, &act, path.id, &Faults::default()).await
}

pub async fn submit(Path(path): Path<ActPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    let act = find(&path.act)?;
    staff.require(act.permission)?;
    let mut tx = staff.begin_because(&app, &members).await?;
    match act.carry_out(&mut tx, &staff, path.id).await {
        Ok(notice) => {
            tx.commit().await?;
            html::done(&app, &way(path.id), notice)
        }
        Err(error) => {
            drop(tx);
            ask(&app, &staff, &act, path.id, &as_fault(error)?).await
        }
    }
}

/// A state that does not allow it is said at the button. Everything else goes on as it is.
pub fn as_fault(error: AppError) -> AppResult<Faults> {
    match error {
        AppError::Rejected(rejection) if rejection.status == StatusCode::CONFLICT => {
            Ok(Faults::at("reason", rejection.detail.clone()))
        }
        other => Err(other),
    }
}

async fn ask(app: &App, staff: &Staff, act: &Act, id: UserId, faults: &Faults) -> AppResult<Response> {
    let user = look_up(app, staff, id).await?;
    let values = context! {
        name => events::name_of(&user), back => way(id), action => format!("{}/act/{}", way(id), act.name), act => Serde(act),
        user => Serde(user),
    };
    staff.page(app, HERE, PAGE, values, faults)
}

const END: &str = "End the session";
const END_MEANS: &str = "They are signed out there at once. Other sessions of theirs go on.";

#[derive(Deserialize)]
pub struct SessionPath {
    id: UserId,
    session_id: SessionId,
}

pub async fn show_end(staff: Staff, Path(path): Path<SessionPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::UsersWrite)?;
    let user = look_up(&app, &staff, path.id).await?;
    let values = context! {
        name => events::name_of(&user), back => way(path.id), act => context! { button => END, means => END_MEANS, takes => true },
        action => format!("{}/sessions/{}/end", way(path.id), path.session_id), user => Serde(user),
    };
    staff.page(&app, HERE, PAGE, values, &Faults::default())
}

pub async fn submit_end(Path(path): Path<SessionPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::UsersWrite)?;
    look_up(&app, &staff, path.id).await?;
    let mut tx = staff.begin_because(&app, &members).await?;
    match sessions::end_of(&mut tx, path.id, path.session_id, "ended_by_administrator").await {
        Ok(()) => tx.commit().await?,
        // It has ended since the page was shown.
        Err(error) if error.code() == Some("not_found") => {}
        Err(error) => return Err(error),
    }
    html::done(&app, &way(path.id), Notice::SessionEnded)
}
