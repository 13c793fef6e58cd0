//! The gate's rules, one by one.

use jiff::{SignedDuration, Timestamp};

use super::*;

fn standing(status: UserStatus) -> Standing {
    Standing {
        user_id: UserId::new(Timestamp::UNIX_EPOCH),
        status,
        email_verified: true,
        locked_until: None,
        auth_epoch: 3,
        permissions: PermissionSet::default(),
    }
}

fn session(now: Timestamp) -> SessionStanding {
    SessionStanding { id: SessionId::new(now), auth_epoch: 3, expires_at: now + SignedDuration::from_hours(1), ended_at: None }
}

#[test]
fn only_an_active_and_verified_user_may_act() {
    let now = Timestamp::UNIX_EPOCH;
    for (status, refusal) in [
        (UserStatus::Pending, Refusal::Pending),
        (UserStatus::Suspended, Refusal::Suspended),
        (UserStatus::Deleted, Refusal::Deleted),
    ] {
        assert_eq!(may_act(&standing(status), Act::SignIn, now), Err(refusal));
        assert_eq!(may_act(&standing(status), Act::GoOn(&session(now)), now), Err(refusal));
    }
    let unverified = Standing { email_verified: false, ..standing(UserStatus::Active) };
    assert_eq!(may_act(&unverified, Act::SignIn, now), Err(Refusal::Unverified));
    assert_eq!(may_act(&standing(UserStatus::Active), Act::SignIn, now), Ok(()));
    assert_eq!(may_act(&standing(UserStatus::Active), Act::GoOn(&session(now)), now), Ok(()));
}

#[test]
fn r025_a_lock_bars_signing_in_but_not_a_session_in_use() {
    let now = Timestamp::UNIX_EPOCH;
    let locked = Standing { locked_until: Some(now + SignedDuration::from_mins(5)), ..standing(UserStatus::Active) };
    assert_eq!(may_act(&locked, Act::SignIn, now), Err(Refusal::Locked));
    assert_eq!(may_act(&locked, Act::GoOn(&session(now)), now), Ok(()));
    assert_eq!(may_act(&locked, Act::SignIn, now + SignedDuration::from_mins(6)), Ok(()));
}

#[test]
fn an_ended_expired_or_outdated_session_does_not_go_on() {
    let now = Timestamp::UNIX_EPOCH;
    let user = standing(UserStatus::Active);
    let ended = SessionStanding { ended_at: Some(now), ..session(now) };
    assert_eq!(may_act(&user, Act::GoOn(&ended), now), Err(Refusal::SessionEnded));
    let expired = SessionStanding { expires_at: now, ..session(now) };
    assert_eq!(may_act(&user, Act::GoOn(&expired), now), Err(Refusal::SessionExpired));
    let outdated = SessionStanding { auth_epoch: 2, ..session(now) };
    assert_eq!(may_act(&user, Act::GoOn(&outdated), now), Err(Refusal::EpochPassed));
}
