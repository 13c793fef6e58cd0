//! Who is asking, and whether they may act now. Every path that issues or accepts a token goes through [`may_act`].

mod permission;
mod store;

#[cfg(test)]
mod tests;

use jiff::Timestamp;

pub use permission::{Permission, PermissionSet};

use crate::app::App;
use crate::db::{DbResult, Origin, Tx};
use crate::error::{AppResult, Rejection};
use crate::id::{SessionId, UserId};

/// Where a user stands. Only [`UserStatus::Active`] may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// The address is not verified yet.
    Pending,
    Active,
    Suspended,
    /// In the recycle bin.
    Deleted,
}

impl UserStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Active, Self::Suspended, Self::Deleted].into_iter().find(|status| status.as_str() == text)
    }
}

/// What decides whether a user may act.
#[derive(Clone, Debug)]
pub struct Standing {
    pub user_id: UserId,
    pub status: UserStatus,
    pub email_verified: bool,
    pub locked_until: Option<Timestamp>,
    pub auth_epoch: i64,
    pub permissions: PermissionSet,
}

/// What decides whether a session is alive.
#[derive(Clone, Debug)]
pub struct SessionStanding {
    pub id: SessionId,
    pub auth_epoch: i64,
    pub expires_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// What the subject is about to do.
#[derive(Clone, Copy, Debug)]
pub enum Act<'a> {
    /// Begin a session by proving who they are.
    SignIn,
    /// Go on with a session: a request or a refresh.
    GoOn(&'a SessionStanding),
}

/// Why a subject may not act. For the log and the audit trail; callers are told nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Pending,
    Suspended,
    Deleted,
    Unverified,
    Locked,
    SessionEnded,
    SessionExpired,
    /// The password was changed, or everything was signed out, since the session began.
    EpochPassed,
}

impl Refusal {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
            Self::Unverified => "unverified",
            Self::Locked => "locked",
            Self::SessionEnded => "session_ended",
            Self::SessionExpired => "session_expired",
            Self::EpochPassed => "epoch_passed",
        }
    }
}

/// The one gate: may this subject act now?
///
/// A lock after wrong passwords bars signing in only: otherwise anybody could end a person's sessions by guessing.
pub fn may_act(standing: &Standing, act: Act<'_>, now: Timestamp) -> Result<(), Refusal> {
    match standing.status {
        UserStatus::Active => {}
        UserStatus::Pending => return Err(Refusal::Pending),
        UserStatus::Suspended => return Err(Refusal::Suspended),
        UserStatus::Deleted => return Err(Refusal::Deleted),
    }
    if !standing.email_verified {
        return Err(Refusal::Unverified);
    }
    match act {
        Act::SignIn if standing.locked_until.is_some_and(|until| until > now) => Err(Refusal::Locked),
        Act::GoOn(session) if session.ended_at.is_some() => Err(Refusal::SessionEnded),
        Act::GoOn(session) if session.expires_at <= now => Err(Refusal::SessionExpired),
        Act::GoOn(session) if session.auth_epoch != standing.auth_epoch => Err(Refusal::EpochPassed),
        Act::SignIn | Act::GoOn(_) => Ok(()),
    }
}

/// Where this user stands, within a transaction.
pub async fn find_standing(tx: &mut Tx, user_id: UserId) -> DbResult<Option<Standing>> {
    store::find_standing(tx, user_id).await
}

/// A signed-in caller, checked against the database for this very request.
#[derive(Clone, Debug)]
pub struct Caller {
    pub user_id: UserId,
    pub session_id: SessionId,
    pub permissions: PermissionSet,
    pub origin: Origin,
}

/// Who an administrative operation acts for: what they hold bounds what they may do to others and give to others.
#[derive(Clone, Copy, Debug)]
pub struct Authority {
    pub permissions: PermissionSet,
    pub user_id: Option<UserId>,
}

/// Why a caller was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// They lack the permission that the operation needs.
    Lacks(Permission),
    /// They may use the operation, but not for this; the code of the refusal.
    Refused(&'static str),
}

impl Authority {
    /// The operator at the command line, and usher itself.
    pub fn operator() -> Self {
        Self { permissions: PermissionSet::all(), user_id: None }
    }

    /// Nobody acts on a user who holds permissions that they lack themselves.
    pub fn over(self, target: PermissionSet) -> Result<(), Rejection> {
        if self.permissions.covers(target) {
            return Ok(());
        }
        Err(Rejection { code: "target_outranks_caller", ..Rejection::forbidden("This user holds permissions that you lack.") })
    }

    /// Nobody grants, takes or edits what they do not hold themselves.
    pub fn to_grant(self, granted: PermissionSet) -> Result<(), Rejection> {
        if self.permissions.covers(granted) {
            return Ok(());
        }
        Err(Rejection { code: "grant_exceeds_caller", ..Rejection::forbidden("These roles hold permissions that you lack.") })
    }
}

impl Caller {
    pub fn authority(&self) -> Authority {
        Authority { permissions: self.permissions, user_id: Some(self.user_id) }
    }
}

/// Recognises the bearer of an access token: signature and claims, then the session and the user as they are now.
pub async fn recognise(app: &App, token: &str, origin: Origin) -> AppResult<Caller> {
    let now = app.clock.now();
    let Ok(claims) = app.keyring.verify_access(token, now) else {
        return Err(Rejection::token_refused().into());
    };
    let Some((standing, session)) = store::find_by_session(app.db.read(), claims.session_id).await? else {
        return Err(Rejection::token_refused().into());
    };
    if standing.user_id != claims.user_id {
        return Err(Rejection::token_refused().into());
    }
    if let Err(refusal) = may_act(&standing, Act::GoOn(&session), now) {
        tracing::debug!(user.id = %standing.user_id, refusal = refusal.as_str(), "refused an access token");
        return Err(Rejection::token_refused().into());
    }
    Ok(Caller {
        user_id: standing.user_id,
        session_id: session.id,
        permissions: standing.permissions,
        origin: origin.as_user(standing.user_id),
    })
}
