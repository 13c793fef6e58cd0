//! Who is asking, and whether they may act now. Every path that issues or accepts a token goes through [`may_act`].

mod gate;
mod permission;
mod recognition;
mod store;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

pub use gate::{Act, Assurance, Cleared, Demand, Device, Duty, KeyStanding, Refusal, SessionStanding, Standing, may_act};
pub use permission::{Permission, PermissionSet};
pub use recognition::{KeyUse, Presence, Recognised, SessionUse, recognise, recognise_browser};

use crate::db::{Actor, DbResult, Origin, Tx};
use crate::error::{AppResult, Rejection};
use crate::id::{ApiKeyId, ServiceAccountId, SessionId, UserId};

/// How long a proof of who somebody is counts for what needs a fresh one.
pub const FRESH: SignedDuration = SignedDuration::from_mins(10);

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

/// Asks the gate about a user, within a transaction.
pub async fn ask(tx: &mut Tx, user_id: UserId, act: Act<'_>) -> DbResult<Result<Cleared, Refusal>> {
    let standing = store::find_standing(tx, user_id).await?;
    Ok(standing.map_or(Err(Refusal::Unknown), |standing| may_act(&standing, act, tx.now())))
}

/// What the gate looks at, of many users: whoever lets one of them in still asks [`may_act`].
pub async fn find_standings(tx: &mut Tx, user_ids: &[UserId]) -> DbResult<HashMap<UserId, Standing>> {
    store::find_standings(tx, user_ids).await
}

/// What a user may do, if there is such a user.
pub async fn find_permissions(tx: &mut Tx, user_id: UserId) -> DbResult<Option<PermissionSet>> {
    Ok(store::find_standing(tx, user_id).await?.map(|standing| standing.permissions))
}

/// Whether the user is asked for a second factor, be it due or not.
pub async fn is_second_factor_required(tx: &mut Tx, user_id: UserId) -> DbResult<bool> {
    Ok(store::find_standing(tx, user_id).await?.is_some_and(|standing| standing.second_factor != Demand::Nobody))
}

/// Whether they are asked for it, and have none.
pub async fn lacks_second_factor(tx: &mut Tx, user_id: UserId) -> DbResult<bool> {
    Ok(store::find_standing(tx, user_id).await?.is_some_and(|standing| standing.duty(tx.now()).is_some()))
}

/// What somebody may do whose work goes on after their request; nothing if they may not act any more.
pub async fn find_active_permissions(tx: &mut Tx, subject: Subject) -> DbResult<Option<PermissionSet>> {
    let standing = match subject {
        Subject::User(id) => store::find_standing(tx, id).await?,
        Subject::ServiceAccount(id) => store::find_standing_of_program(tx, id).await?,
    };
    let may_go_on =
        |standing: &Standing| may_act(standing, Act::Work, tx.now()).is_ok_and(|cleared| !cleared.owes_second_factor());
    Ok(standing.filter(may_go_on).map(|standing| standing.permissions))
}

/// Nobody looks into or ends what lets a user in who holds permissions that the caller lacks.
pub async fn require_rank(tx: &mut Tx, caller: &Caller, user_id: UserId) -> AppResult<()> {
    let permissions = find_permissions(tx, user_id).await?.ok_or_else(Rejection::not_found)?;
    Ok(caller.authority().over(permissions)?)
}

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    User(UserId),
    ServiceAccount(ServiceAccountId),
}

impl Subject {
    pub fn id(self) -> Uuid {
        match self {
            Self::User(id) => id.uuid(),
            Self::ServiceAccount(id) => id.uuid(),
        }
    }

    pub fn user_id(self) -> Option<UserId> {
        match self {
            Self::User(id) => Some(id),
            Self::ServiceAccount(_) => None,
        }
    }

    fn actor(self) -> Actor {
        match self {
            Self::User(id) => Actor::User(id),
            Self::ServiceAccount(id) => Actor::ServiceAccount(id),
        }
    }
}

/// What a caller has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// An access token of this session.
    Session {
        id: SessionId,
        began_at: Timestamp,
        expires_at: Timestamp,
        assurance: Assurance,
    },
    ApiKey {
        id: ApiKeyId,
        expires_at: Timestamp,
    },
}

/// Who calls an operation, checked against the database for this very request.
#[derive(Clone, Debug)]
pub struct Caller {
    pub cleared: Cleared,
    pub credential: Credential,
    /// Of a key, those that its holder holds too.
    pub permissions: PermissionSet,
    pub origin: Origin,
}

/// A person in a session of theirs. What is a person's own to do asks for one; a program's key does not make one.
#[derive(Clone, Debug)]
pub struct Person {
    pub user_id: UserId,
    pub session_id: SessionId,
    /// In which the gate let them through.
    pub auth_epoch: i64,
    /// When they last proved who they are.
    pub authenticated_at: Timestamp,
    /// How their session was begun.
    pub assurance: Assurance,
    /// That they must bind a second factor.
    pub duty: Option<Duty>,
    pub permissions: PermissionSet,
    pub origin: Origin,
}

/// Who an administrative operation acts for: what they hold bounds what they may do to others and give to others.
#[derive(Clone, Copy, Debug)]
pub struct Authority {
    pub permissions: PermissionSet,
    pub user_id: Option<UserId>,
    /// Of a person in a session: until when the proof of who they are is fresh. Nobody else is asked for one.
    proven_until: Option<Timestamp>,
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
        Self::without_session(PermissionSet::all(), None)
    }

    /// A program, and what goes on in somebody's name after their request: nobody is there who could prove who they are.
    pub fn without_session(permissions: PermissionSet, user_id: Option<UserId>) -> Self {
        Self { permissions, user_id, proven_until: None }
    }

    /// As far as these go.
    #[must_use]
    pub fn within(self, permissions: PermissionSet) -> Self {
        Self { permissions: self.permissions.intersection(permissions), ..self }
    }

    /// For what is decided by what it comes to; an operation declares what it needs.
    pub fn require(self, permission: Permission) -> Result<(), Rejection> {
        if self.permissions.contains(permission) {
            return Ok(());
        }
        Err(Rejection::forbidden(format!("This needs the permission {}.", permission.name())))
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
        Err(Rejection {
            code: "grant_exceeds_caller",
            ..Rejection::forbidden("Nobody can give, take or edit permissions that they lack.")
        })
    }

    /// The same for what users get or lose by it. More than the built-in `manager` holds makes somebody an administrator, and is given
    /// and taken after a fresh proof only.
    pub fn to_grant_now(self, granted: PermissionSet, now: Timestamp) -> Result<(), Rejection> {
        self.to_grant(granted)?;
        self.require_proof_for(granted, now)
    }

    /// The proof alone, where each user tells whether they may give and take that.
    pub fn require_proof_for(self, granted: PermissionSet, now: Timestamp) -> Result<(), Rejection> {
        if granted.exceeds_manager() { self.require_proof(now) } else { Ok(()) }
    }

    /// Refuses a person in a session who has not proved lately who they are.
    pub fn require_proof(self, now: Timestamp) -> Result<(), Rejection> {
        if self.proven_until.is_some_and(|until| until <= now) {
            return Err(Rejection::fresh_authentication_required(FRESH.as_secs()));
        }
        Ok(())
    }
}

impl Caller {
    pub fn authority(&self) -> Authority {
        match self.person() {
            Some(person) => person.authority(),
            None => Authority::without_session(self.permissions, self.cleared.subject().user_id()),
        }
    }

    /// For what needs a second permission beside that of the operation.
    pub fn require(&self, permission: Permission) -> Result<(), Rejection> {
        if self.permissions.contains(permission) {
            return Ok(());
        }
        Err(Rejection::forbidden(format!("This needs the permission {} too.", permission.name())))
    }

    /// The person, if it is one in a session of theirs.
    pub fn person(&self) -> Option<Person> {
        let Subject::User(user_id) = self.cleared.subject() else { return None };
        let Credential::Session { id, began_at, assurance, .. } = self.credential else { return None };
        let origin = self.origin.clone();
        Some(Person {
            user_id,
            session_id: id,
            auth_epoch: self.cleared.auth_epoch(),
            authenticated_at: began_at,
            assurance,
            duty: self.cleared.duty(),
            permissions: self.permissions,
            origin,
        })
    }
}

impl Person {
    /// They may bind a second factor, and nothing else.
    pub fn owes_second_factor(&self) -> bool {
        self.duty.is_some_and(|duty| duty.is_overdue)
    }

    pub fn authority(&self) -> Authority {
        let proven_until = Some(self.proven_until());
        Authority { permissions: self.permissions, user_id: Some(self.user_id), proven_until }
    }

    /// A trusted device has proved nothing.
    fn proven_until(&self) -> Timestamp {
        if self.assurance == Assurance::TrustedDevice { self.authenticated_at } else { self.authenticated_at + FRESH }
    }

    /// Refuses who has not proved lately who they are.
    pub fn require_proof(&self, now: Timestamp) -> Result<(), Rejection> {
        self.authority().require_proof(now)
    }
}
