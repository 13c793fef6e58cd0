//! The gate's rules, one by one.

use jiff::{SignedDuration, Timestamp};

use Assurance::{OneFactor, TwoFactors};

use super::*;
use crate::testing::TestApp;

const FROM_ANYWHERE: Act<'_> = Act::SignIn { device: Device::Unknown, auth_epoch: 3, assurance: OneFactor };
const ON_A_KNOWN_DEVICE: Act<'_> = Act::SignIn { device: Device::Known, auth_epoch: 3, assurance: OneFactor };

const BEGIN_ANEW: Act<'_> = Act::BeginAnew { assurance: OneFactor };

fn standing(status: UserStatus) -> Standing {
    Standing {
        subject: Subject::User(UserId::new(Timestamp::UNIX_EPOCH)),
        status,
        deleted_by_self: false,
        email_verified: true,
        locked_until: None,
        auth_epoch: 3,
        has_second_factor: false,
        second_factor: Demand::Nobody,
        permissions: PermissionSet::default(),
    }
}

fn session(now: Timestamp) -> SessionStanding {
    SessionStanding {
        id: SessionId::new(now),
        auth_epoch: 3,
        assurance: OneFactor,
        began_at: now,
        expires_at: now + SignedDuration::from_hours(1),
        ended_at: None,
    }
}

fn key(now: Timestamp) -> KeyStanding {
    KeyStanding { id: ApiKeyId::new(now), auth_epoch: Some(3), expires_at: now + SignedDuration::from_hours(1), revoked_at: None }
}

/// The refusal, if there is one; whoever is let through is the subject that asked.
fn asked(standing: &Standing, act: Act<'_>, now: Timestamp) -> Option<Refusal> {
    match may_act(standing, act, now) {
        Ok(cleared) => {
            assert_eq!(cleared.subject(), standing.subject);
            None
        }
        Err(refusal) => Some(refusal),
    }
}

#[test]
fn only_an_active_and_verified_user_may_act() {
    let now = Timestamp::UNIX_EPOCH;
    let session = session(now);
    let key = key(now);
    for act in [FROM_ANYWHERE, ON_A_KNOWN_DEVICE, BEGIN_ANEW, Act::GoOn(&session), Act::UseKey(&key), Act::Work] {
        for (status, refusal) in [
            (UserStatus::Pending, Refusal::Pending),
            (UserStatus::Suspended, Refusal::Suspended),
            (UserStatus::Deleted, Refusal::Deleted),
        ] {
            assert_eq!(asked(&standing(status), act, now), Some(refusal));
        }
        let unverified = Standing { email_verified: false, ..standing(UserStatus::Active) };
        assert_eq!(asked(&unverified, act, now), Some(Refusal::Unverified));
        assert_eq!(asked(&standing(UserStatus::Active), act, now), None);
    }
}

#[test]
fn a_link_serves_whoever_is_neither_suspended_nor_deleted() {
    let now = Timestamp::UNIX_EPOCH;
    for act in [Act::Recover, Act::ConfirmAddress] {
        for status in [UserStatus::Active, UserStatus::Pending] {
            let unverified = Standing { email_verified: false, ..standing(status) };
            assert_eq!(asked(&unverified, act, now), None);
        }
        assert_eq!(asked(&standing(UserStatus::Suspended), act, now), Some(Refusal::Suspended));
        assert_eq!(asked(&standing(UserStatus::Deleted), act, now), Some(Refusal::Deleted));
    }
}

#[test]
fn r025_a_lock_bars_signing_in_but_not_from_a_known_device_nor_a_session_in_use() {
    let now = Timestamp::UNIX_EPOCH;
    let locked = Standing { locked_until: Some(now + SignedDuration::from_mins(5)), ..standing(UserStatus::Active) };
    assert_eq!(asked(&locked, FROM_ANYWHERE, now), Some(Refusal::Locked));
    assert_eq!(asked(&locked, ON_A_KNOWN_DEVICE, now), None);
    assert_eq!(asked(&locked, Act::GoOn(&session(now)), now), None);
    assert_eq!(asked(&locked, Act::UseKey(&key(now)), now), None);
    assert_eq!(asked(&locked, FROM_ANYWHERE, now + SignedDuration::from_mins(6)), None);
}

#[test]
fn an_ended_expired_or_outdated_session_does_not_go_on() {
    let now = Timestamp::UNIX_EPOCH;
    let user = standing(UserStatus::Active);
    let ended = SessionStanding { ended_at: Some(now), ..session(now) };
    assert_eq!(asked(&user, Act::GoOn(&ended), now), Some(Refusal::SessionEnded));
    let expired = SessionStanding { expires_at: now, ..session(now) };
    assert_eq!(asked(&user, Act::GoOn(&expired), now), Some(Refusal::SessionExpired));
    let outdated = SessionStanding { auth_epoch: 2, ..session(now) };
    assert_eq!(asked(&user, Act::GoOn(&outdated), now), Some(Refusal::EpochPassed));
}

#[test]
fn a_password_that_was_changed_while_it_was_verified_begins_no_session() {
    let now = Timestamp::UNIX_EPOCH;
    let user = standing(UserStatus::Active);
    for device in [Device::Known, Device::Unknown] {
        assert_eq!(asked(&user, Act::SignIn { device, auth_epoch: 2, assurance: OneFactor }, now), Some(Refusal::EpochPassed));
    }
    let cleared = may_act(&user, ON_A_KNOWN_DEVICE, now).unwrap();
    assert_eq!(cleared.auth_epoch(), user.auth_epoch);
}

#[test]
fn r065_who_has_a_second_factor_begins_nothing_and_goes_on_with_nothing_without_it() {
    let now = Timestamp::UNIX_EPOCH;
    let user = Standing { has_second_factor: true, ..standing(UserStatus::Active) };
    for act in [FROM_ANYWHERE, ON_A_KNOWN_DEVICE, BEGIN_ANEW, Act::GoOn(&session(now))] {
        assert_eq!(asked(&user, act, now), Some(Refusal::SecondFactorMissing));
    }
    let strong = SessionStanding { assurance: TwoFactors, ..session(now) };
    let shown = [
        Act::SignIn { device: Device::Unknown, auth_epoch: 3, assurance: TwoFactors },
        Act::BeginAnew { assurance: TwoFactors },
        Act::GoOn(&strong),
        Act::UseKey(&key(now)),
    ];
    for act in shown {
        assert!(may_act(&user, act, now).unwrap().needs_second_factor());
        // It opens nothing that is shut for another reason.
        assert_eq!(asked(&Standing { status: UserStatus::Suspended, ..user.clone() }, act, now), Some(Refusal::Suspended));
    }
    // What else stands in the way is said first: a second factor is asked for only where it would help.
    let locked = Standing { locked_until: Some(now + SignedDuration::from_mins(5)), ..user.clone() };
    assert_eq!(asked(&locked, FROM_ANYWHERE, now), Some(Refusal::Locked));
    // A link opens no session, and is no way around it.
    for act in [Act::Recover, Act::ConfirmAddress] {
        assert!(may_act(&user, act, now).unwrap().needs_second_factor());
    }
}

#[test]
fn r065_whom_a_role_asks_for_a_second_factor_is_let_through_with_that_duty_until_they_have_one() {
    let now = Timestamp::UNIX_EPOCH;
    let due_at = now + SignedDuration::from_hours(24);
    let user = Standing { second_factor: Demand::Role { due_at }, ..standing(UserStatus::Active) };
    let (session, key) = (session(now), KeyStanding { expires_at: Timestamp::MAX, ..key(now) });
    let session = SessionStanding { expires_at: Timestamp::MAX, ..session };
    for act in [FROM_ANYWHERE, BEGIN_ANEW, Act::GoOn(&session), Act::UseKey(&key)] {
        let cleared = may_act(&user, act, now).unwrap();
        assert_eq!((cleared.duty(), cleared.owes_second_factor()), (Some(Duty { due_at, is_overdue: false }), false));
        assert!(may_act(&user, act, due_at).unwrap().owes_second_factor());
        let bound = Standing { has_second_factor: true, ..user.clone() };
        assert!(
            may_act(&bound, act, due_at).is_ok_and(|cleared| cleared.duty().is_none()) || asked(&bound, act, due_at).is_some()
        );
    }
}

#[test]
fn r001_where_all_are_asked_for_a_second_factor_nobody_has_a_grace() {
    let now = Timestamp::UNIX_EPOCH;
    let user = Standing { second_factor: Demand::All, ..standing(UserStatus::Active) };
    let (session, key) = (session(now), key(now));
    for act in [FROM_ANYWHERE, BEGIN_ANEW, Act::GoOn(&session), Act::UseKey(&key), Act::Work] {
        let cleared = may_act(&user, act, now).unwrap();
        assert_eq!((cleared.duty(), cleared.owes_second_factor()), (Some(Duty { due_at: now, is_overdue: true }), true));
    }
    let bound = Standing { has_second_factor: true, ..user };
    let strong = SessionStanding { assurance: TwoFactors, ..session };
    for act in [Act::GoOn(&strong), Act::UseKey(&key), Act::Work] {
        assert!(!may_act(&bound, act, now).unwrap().owes_second_factor());
    }
}

#[test]
fn work_goes_on_without_anything_that_was_shown_for_it() {
    let now = Timestamp::UNIX_EPOCH;
    let user = Standing { locked_until: Some(Timestamp::MAX), has_second_factor: true, ..standing(UserStatus::Active) };
    assert_eq!(asked(&user, Act::Work, now), None);
}

#[test]
fn a_revoked_expired_or_outdated_key_opens_nothing() {
    let now = Timestamp::UNIX_EPOCH;
    let user = standing(UserStatus::Active);
    let revoked = KeyStanding { revoked_at: Some(now), ..key(now) };
    assert_eq!(asked(&user, Act::UseKey(&revoked), now), Some(Refusal::KeyRevoked));
    let expired = KeyStanding { expires_at: now, ..key(now) };
    assert_eq!(asked(&user, Act::UseKey(&expired), now), Some(Refusal::KeyExpired));
    let outdated = KeyStanding { auth_epoch: Some(2), ..key(now) };
    assert_eq!(asked(&user, Act::UseKey(&outdated), now), Some(Refusal::EpochPassed));
    let service = Standing { subject: Subject::ServiceAccount(ServiceAccountId::new(now)), auth_epoch: 0, ..user };
    assert_eq!(asked(&service, Act::UseKey(&KeyStanding { auth_epoch: None, ..key(now) }), now), None);
}

#[test]
fn only_who_deleted_themselves_may_undo_it() {
    let now = Timestamp::UNIX_EPOCH;
    let by_self = |status| Standing { deleted_by_self: true, ..standing(status) };
    assert_eq!(asked(&by_self(UserStatus::Deleted), Act::UndoDeletion, now), None);
    assert_eq!(asked(&standing(UserStatus::Deleted), Act::UndoDeletion, now), Some(Refusal::Deleted));
    assert_eq!(asked(&standing(UserStatus::Suspended), Act::UndoDeletion, now), Some(Refusal::Suspended));
    for status in [UserStatus::Active, UserStatus::Pending] {
        assert_eq!(asked(&by_self(status), Act::UndoDeletion, now), Some(Refusal::NotDeleted));
    }
    // Nothing else is open to them.
    for act in [FROM_ANYWHERE, BEGIN_ANEW, Act::Recover, Act::ConfirmAddress, Act::GoOn(&session(now)), Act::UseKey(&key(now))] {
        assert_eq!(asked(&by_self(UserStatus::Deleted), act, now), Some(Refusal::Deleted));
    }
}

/// With a million users a statement of every request must look up, not read through.
#[tokio::test]
async fn the_gate_looks_up_one_users_roles_by_indexes() {
    let app = TestApp::new().await;
    let mut tx = app.tx().await;
    // Empty tables would be read through: that costs nothing there.
    tx.execute("set local enable_seqscan = off", &[]).await.unwrap();
    let sql = store::FIND_BY_SESSION
        .replace("$1", "array['0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d']::uuid[]")
        .replace("$2", "timestamptz '2026-01-01 00:00:00Z'");
    let rows = tx.query(&format!("explain {sql}"), &[]).await.unwrap();
    let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    assert!(!plan.contains("Seq Scan") && !plan.contains("Function Scan on role_ways"), "{plan}");
    for condition in ["(user_id = u.id)", "(group_id = m.group_id)", "(group_id = c.ancestor_id)"] {
        assert!(plan.contains(&format!("Index Cond: {condition}")), "{condition}\n{plan}");
    }
    drop(tx);
    app.finish().await;
}
