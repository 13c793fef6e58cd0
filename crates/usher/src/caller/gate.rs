//! The gate itself: one function, and the proof that it was asked.

use jiff::Timestamp;

use super::{PermissionSet, Subject, UserStatus};
use crate::id::{ApiKeyId, SessionId};

/// What decides whether a subject may act. A service account has no address to verify, no lock and no epoch.
#[derive(Clone, Debug)]
pub struct Standing {
    pub subject: Subject,
    pub status: UserStatus,
    /// Who is in the recycle bin put themselves there.
    pub deleted_by_self: bool,
    pub email_verified: bool,
    pub locked_until: Option<Timestamp>,
    pub auth_epoch: i64,
    /// They have bound a second factor: nothing begins or goes on without it.
    pub has_second_factor: bool,
    /// Whether they must have a second factor.
    pub second_factor: Demand,
    pub permissions: PermissionSet,
}

impl Standing {
    /// That they must bind a second factor.
    pub fn duty(&self, now: Timestamp) -> Option<Duty> {
        if self.has_second_factor {
            return None;
        }
        let due_at = match self.second_factor {
            Demand::Nobody => return None,
            Demand::Role { due_at } => due_at,
            Demand::All => now,
        };
        Some(Duty { due_at, is_overdue: due_at <= now })
    }
}

/// Who asks somebody for a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    Nobody,
    /// A role of theirs; from `due_at` on it lets them do nothing without one.
    Role {
        due_at: Timestamp,
    },
    /// The configuration asks every person, at once.
    All,
}

/// How surely somebody has shown who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assurance {
    OneFactor,
    /// By a password, and by what they have beside it.
    TwoFactors,
    /// By a password, on a device that spares them the rest. It is as good, and never a fresh proof.
    TrustedDevice,
}

impl Assurance {
    /// What the methods of a session (RFC 8176) say when they are two factors.
    pub const MANY: &str = "mfa";
    /// What they hold beside it when the second one was not shown.
    pub const SPARED: &str = "trusted_device";

    /// That of a session, by whether its methods hold [`Assurance::MANY`] and [`Assurance::SPARED`].
    pub fn of(has_many: bool, is_spared: bool) -> Self {
        match (has_many, is_spared) {
            (false, _) => Self::OneFactor,
            (true, false) => Self::TwoFactors,
            (true, true) => Self::TrustedDevice,
        }
    }
}

/// What a role, or the configuration, asks of somebody who has no second factor: that they bind one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duty {
    pub due_at: Timestamp,
    /// Until it is done they may bind one, and nothing else.
    pub is_overdue: bool,
}

/// What decides whether a session is alive.
#[derive(Clone, Debug)]
pub struct SessionStanding {
    pub id: SessionId,
    pub auth_epoch: i64,
    /// How it was begun.
    pub assurance: Assurance,
    /// When the person last proved who they are: proving it again begins a new session.
    pub began_at: Timestamp,
    pub expires_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// What decides whether an API key is good.
#[derive(Clone, Debug)]
pub struct KeyStanding {
    pub id: ApiKeyId,
    /// The user's epoch when it was made: what ends their sessions ends their keys. None of a service account's.
    pub auth_epoch: Option<i64>,
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

/// What the subject is about to do.
#[derive(Clone, Copy, Debug)]
pub enum Act<'a> {
    /// Begin a session by proving who they are. The proof was read in this epoch: a password that was changed while it was being
    /// verified proves nothing any more.
    SignIn { device: Device, auth_epoch: i64, assurance: Assurance },
    /// Begin a session in the place of the one they had, which a change of theirs ends in this very transaction. `assurance` is that of the old
    /// one, or more, if they have shown more meanwhile.
    BeginAnew { assurance: Assurance },
    /// Go on with a session: a request or a refresh.
    GoOn(&'a SessionStanding),
    /// Send a request with an API key.
    UseKey(&'a KeyStanding),
    /// Choose a password by a link that was mailed to them.
    Recover,
    /// Show by a link that an address is theirs.
    ConfirmAddress,
    /// Come back by a link that was mailed when they deleted themselves.
    UndoDeletion,
    /// Have done, after their request, what they asked for in it. Nothing is shown for it any more, so no session and no
    /// key counts.
    Work,
}

/// Where somebody signs in from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// It has shown a token that an earlier sign-in of this user left there.
    Known,
    Unknown,
}

/// Why a subject may not act. For the log and the audit trail; callers are told nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such subject (any more).
    Unknown,
    Pending,
    Suspended,
    Deleted,
    /// There is nothing to undo.
    NotDeleted,
    Unverified,
    Locked,
    SessionEnded,
    SessionExpired,
    /// The password was changed, or everything was signed out, since it was verified, the session began or the key was made.
    EpochPassed,
    /// They have bound a second factor, and have not shown it. Nothing else stands in their way.
    SecondFactorMissing,
    KeyRevoked,
    KeyExpired,
}

impl Refusal {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Pending => "pending",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
            Self::NotDeleted => "not_deleted",
            Self::Unverified => "unverified",
            Self::Locked => "locked",
            Self::SessionEnded => "session_ended",
            Self::SessionExpired => "session_expired",
            Self::EpochPassed => "epoch_passed",
            Self::SecondFactorMissing => "second_factor_missing",
            Self::KeyRevoked => "key_revoked",
            Self::KeyExpired => "key_expired",
        }
    }
}

/// The gate has let this subject through. Only [`may_act`] makes one, and whatever issues a token or accepts one asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cleared {
    subject: Subject,
    auth_epoch: i64,
    has_second_factor: bool,
    duty: Option<Duty>,
}

impl Cleared {
    pub fn subject(self) -> Subject {
        self.subject
    }

    /// The epoch in which it was let through: what begins now begins in it, and so ends with it, even if it is over by then.
    pub fn auth_epoch(self) -> i64 {
        self.auth_epoch
    }

    /// Whether a session that begins must be one of two factors.
    pub fn needs_second_factor(self) -> bool {
        self.has_second_factor
    }

    /// That they must bind a second factor.
    pub fn duty(self) -> Option<Duty> {
        self.duty
    }

    /// They may bind a second factor, and nothing else. Whoever lets somebody do anything else asks this.
    pub fn owes_second_factor(self) -> bool {
        self.duty.is_some_and(|duty| duty.is_overdue)
    }
}

/// The one gate: may this subject act now?
///
/// A lock after wrong passwords bars signing in from unknown devices only: otherwise anybody could end a person's sessions, or
/// keep them from a device they use, by guessing. An API key is no session: making one takes both factors,
/// and then it shows itself alone.
///
/// Whoever is asked for a second factor that they do not have is let through with that duty: they could not bind one otherwise.
pub fn may_act(standing: &Standing, act: Act<'_>, now: Timestamp) -> Result<Cleared, Refusal> {
    let Standing { subject, auth_epoch, has_second_factor, .. } = *standing;
    let cleared = Ok(Cleared { subject, auth_epoch, has_second_factor, duty: standing.duty(now) });
    match (standing.status, act) {
        (UserStatus::Deleted, Act::UndoDeletion) if standing.deleted_by_self => return cleared,
        (UserStatus::Active | UserStatus::Pending, Act::UndoDeletion) => return Err(Refusal::NotDeleted),
        (UserStatus::Active, _) | (UserStatus::Pending, Act::Recover | Act::ConfirmAddress) => {}
        (UserStatus::Pending, _) => return Err(Refusal::Pending),
        (UserStatus::Suspended, _) => return Err(Refusal::Suspended),
        (UserStatus::Deleted, _) => return Err(Refusal::Deleted),
    }
    match act {
        // The link is the proof of the address.
        Act::Recover | Act::ConfirmAddress | Act::UndoDeletion => cleared,
        _ if !standing.email_verified => Err(Refusal::Unverified),
        Act::SignIn { auth_epoch: read_in, .. } if read_in != auth_epoch => Err(Refusal::EpochPassed),
        Act::SignIn { device: Device::Unknown, .. } if standing.locked_until.is_some_and(|until| until > now) => {
            Err(Refusal::Locked)
        }
        Act::GoOn(session) if session.ended_at.is_some() => Err(Refusal::SessionEnded),
        Act::GoOn(session) if session.expires_at <= now => Err(Refusal::SessionExpired),
        Act::GoOn(session) if session.auth_epoch != auth_epoch => Err(Refusal::EpochPassed),
        Act::SignIn { assurance: Assurance::OneFactor, .. } | Act::BeginAnew { assurance: Assurance::OneFactor }
            if has_second_factor =>
        {
            Err(Refusal::SecondFactorMissing)
        }
        Act::GoOn(session) if has_second_factor && session.assurance == Assurance::OneFactor => Err(Refusal::SecondFactorMissing),
        Act::UseKey(key) if key.revoked_at.is_some() => Err(Refusal::KeyRevoked),
        Act::UseKey(key) if key.expires_at <= now => Err(Refusal::KeyExpired),
        Act::UseKey(key) if key.auth_epoch.is_some_and(|epoch| epoch != auth_epoch) => Err(Refusal::EpochPassed),
        Act::SignIn { .. } | Act::BeginAnew { .. } | Act::GoOn(_) | Act::UseKey(_) | Act::Work => cleared,
    }
}
