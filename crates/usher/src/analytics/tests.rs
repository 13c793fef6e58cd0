//! Counts equal what is counted by hand.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::json;

use super::{Analytics, By, INACTIVE_DAYS, Range};
use crate::activity::day_of;
use crate::id::UserId;
use crate::testing::TestApp;

struct Someone {
    id: UserId,
    created_at: Timestamp,
    last_sign_in_at: Option<Timestamp>,
    deleted: bool,
    days: BTreeSet<Date>,
    /// `None` without one, else whether it is confirmed.
    app: Option<bool>,
    passkeys: u64,
}

struct Invited {
    created_at: Timestamp,
    opened: bool,
    end: End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    None,
    Accepted,
    Revoked,
    Replaced,
}

/// Numbers that look like chance and are always the same.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn moment(&mut self, from: Date, days: u64) -> Timestamp {
        let day = from + i64::try_from(self.below(days)).unwrap().days();
        // Often right at a border.
        let second = [0, 86_399, 43_200, self.below(86_400)][usize::try_from(self.below(4)).unwrap()];
        super::midnight(day) + SignedDuration::from_secs(i64::try_from(second).unwrap())
    }
}

fn crowd(dice: &mut Dice, first: Date) -> Vec<Someone> {
    let someone = |at: u64| {
        let created_at = dice.moment(first, 700);
        let mut days = BTreeSet::new();
        for _ in 0..dice.below(30) {
            days.insert(day_of(created_at) + i64::try_from(dice.below(500)).unwrap().days());
        }
        let last_sign_in_at =
            (dice.below(3) > 0).then(|| created_at + SignedDuration::from_hours(24 * i64::try_from(dice.below(300)).unwrap()));
        Someone {
            id: UserId::from_uuid(uuid::Uuid::from_u128(u128::from(at) + 1)),
            created_at,
            last_sign_in_at,
            deleted: at.is_multiple_of(11),
            days,
            app: [None, Some(true), Some(false)][usize::try_from(dice.below(3)).unwrap()],
            passkeys: dice.below(4).saturating_sub(1),
        }
    };
    (0..400).map(someone).collect()
}

async fn write(app: &TestApp, people: &[Someone], sign_ins: &[(Timestamp, bool)]) {
    let mut tx = app.tx().await;
    for someone in people {
        let (status, at) = if someone.deleted { ("deleted", Some(someone.created_at)) } else { ("active", None) };
        let before = at.map(|_| "active");
        let sql = "
            insert into users (id, username, status, created_at, updated_at, last_sign_in_at, deleted_at, purge_after, status_before_deletion)
            values ($1, $1::uuid::text, $2, $3, $3, $4, $5, $5, $6)";
        let (created_at, signed_in) = (someone.created_at, someone.last_sign_in_at);
        tx.execute(sql, &[&someone.id, &status, &created_at, &signed_in, &at, &before]).await.unwrap();
        let days: Vec<Date> = someone.days.iter().copied().collect();
        tx.execute("insert into activity_days (day, user_id) select unnest($2::date[]), $1::uuid", &[&someone.id, &days])
            .await
            .unwrap();
        if let Some(confirmed) = someone.app {
            let sql = "
                insert into totp_factors (user_id, secret_sealed, created_at, confirmed_at, accepted_step)
                values ($1, '', $2, case when $3 then $2::timestamptz end, 1)";
            tx.execute(sql, &[&someone.id, &created_at, &confirmed]).await.unwrap();
        }
        for _ in 0..someone.passkeys {
            let sql = "
                insert into passkeys (id, user_id, credential_id, credential, name, is_backed_up, created_at)
                values (gen_random_uuid(), $1, uuid_send(gen_random_uuid()), '{}', 'x', false, $2)";
            tx.execute(sql, &[&someone.id, &created_at]).await.unwrap();
        }
        if let Some(last) = someone.days.last() {
            tx.execute("insert into last_active_days (user_id, day) values ($1, $2)", &[&someone.id, last]).await.unwrap();
        }
    }
    for (at, (moment, succeeded)) in sign_ins.iter().enumerate() {
        let id = uuid::Uuid::from_u128((u128::try_from(moment.as_millisecond()).unwrap() << 80) + (7 << 76) + at as u128);
        let outcome = if *succeeded { "success" } else { "failure" };
        let sql = "
            insert into audit_events (id, occurred_at, action, outcome, actor_kind, details_hash)
            values ($1, $2, 'sign_in', $3, 'anonymous', sha256('x'))";
        tx.execute(sql, &[&id, moment, &outcome]).await.unwrap();
    }
    tx.commit().await.unwrap();
}

fn invitations(dice: &mut Dice) -> Vec<Invited> {
    let invited = |_| {
        let end = [End::None, End::Accepted, End::Revoked, End::Replaced][usize::try_from(dice.below(4)).unwrap()];
        Invited { created_at: dice.moment(date(2024, 1, 1), 1130), opened: dice.below(2) > 0, end }
    };
    (0..500).map(invited).collect()
}

/// What becomes of one is counted when it was made, however much later it was.
async fn write_invitations(app: &TestApp, invited: &[Invited]) {
    let mut tx = app.tx().await;
    for (at, one) in invited.iter().enumerate() {
        let address = format!("invited{at}@example.org");
        let [later, until] = [6, 7].map(|days| one.created_at + SignedDuration::from_hours(24 * days));
        let (opened_at, ended) = (one.opened.then_some(later), |end: End| (one.end == end).then_some(later));
        let (accepted_at, revoked_at, replaced_at) = (ended(End::Accepted), ended(End::Revoked), ended(End::Replaced));
        let sql = "
            insert into invitations (
                id, address, address_normal, roles, delivery, lifetime_days, inviter_kind, created_at, sent_at, times_sent,
                opened_at, accepted_at, revoked_at, replaced_at, expires_at
            )
            values (gen_random_uuid(), $1, $1, '{user}', 'mail', 7, 'cli', $2, $2, 1, $3, $4, $5, $6, $7)";
        tx.execute(sql, &[&address, &one.created_at, &opened_at, &accepted_at, &revoked_at, &replaced_at, &until]).await.unwrap();
    }
    tx.commit().await.unwrap();
}

fn invited_by_hand(invited: &[Invited], days: &[Date]) -> serde_json::Value {
    let within: Vec<&Invited> = invited.iter().filter(|one| days.contains(&day_of(one.created_at))).collect();
    let count = |found: &dyn Fn(&Invited) -> bool| within.iter().filter(|one| found(one)).count();
    json!({
        "created": within.len(), "opened": count(&|one| one.opened), "accepted": count(&|one| one.end == End::Accepted),
    })
}

/// The Monday, the first of the month, or the day itself; found another way than the rule finds it.
fn start(day: Date, by: By) -> Date {
    match by {
        By::Day => day,
        By::Week => day.iso_week_date().first_of_week().unwrap().date(),
        By::Month => date(day.year(), day.month(), 1),
    }
}

/// Everybody, the attempts to sign in with whether they succeeded, and who was invited.
type Seeded<'a> = (&'a [Someone], &'a [(Timestamp, bool)], &'a [Invited]);

fn by_hand(range: &Range, today: Date, (people, sign_ins, invited): Seeded<'_>) -> serde_json::Value {
    let days: Vec<Date> = range.from.series(1.day()).take_while(|day| *day <= range.to).collect();
    let mut periods: BTreeMap<Date, Vec<Date>> = BTreeMap::new();
    for day in &days {
        periods.entry(start(*day, range.by)).or_default().push(*day);
    }
    let living: Vec<&Someone> = people.iter().filter(|someone| !someone.deleted).collect();
    let count = |found: &dyn Fn(&Someone) -> bool| living.iter().filter(|someone| found(someone)).count();
    let rows: Vec<_> = periods
        .values()
        .map(|days| {
            let within = |at: Timestamp| days.contains(&day_of(at));
            json!({
                "from": days[0], "to": days.last(),
                "sign_ups": count(&|someone| within(someone.created_at)),
                "active_users": people.iter().filter(|someone| someone.days.iter().any(|day| days.contains(day))).count(),
                "sign_ins": {
                    "succeeded": sign_ins.iter().filter(|(at, succeeded)| *succeeded && within(*at)).count(),
                    "failed": sign_ins.iter().filter(|(at, succeeded)| !*succeeded && within(*at)).count(),
                },
                "invitations": invited_by_hand(invited, days),
            })
        })
        .collect();
    let idle = |someone: &Someone| {
        let known = [Some(someone.created_at), someone.last_sign_in_at].into_iter().flatten().map(day_of);
        let last = known.chain(someone.days.last().copied()).max().unwrap();
        (today - last).get_days() - 1
    };
    let since: Vec<_> =
        INACTIVE_DAYS.iter().map(|days| json!({ "days": days, "users": count(&|someone| idle(someone) >= *days) })).collect();
    let months: BTreeSet<Date> = days.iter().map(|day| start(*day, By::Month)).collect();
    let cohorts: Vec<_> = months
        .iter()
        .map(|month| {
            let joined: Vec<&&Someone> = living
                .iter()
                .filter(|someone| {
                    let day = day_of(someone.created_at);
                    start(day, By::Month) == *month && days.contains(&day)
                })
                .collect();
            let active = |later: &Date| {
                joined
                    .iter()
                    .filter(|someone| someone.days.iter().any(|day| start(*day, By::Month) == *later && days.contains(day)))
                    .count()
            };
            json!({ "month": month, "sign_ups": joined.len(), "active": months.range(month..).map(active).collect::<Vec<_>>() })
        })
        .collect();
    json!({
        "from": range.from, "to": range.to, "by": range.by, "periods": rows,
        "inactive": { "users": living.len(), "since": since }, "cohorts": cohorts,
        "second_factors": {
            "app": count(&|someone| someone.app == Some(true)), "passkey": count(&|someone| someone.passkeys > 0),
            "any": count(&|someone| someone.app == Some(true) || someone.passkeys > 0),
        },
    })
}

async fn counted(app: &TestApp, range: &Range) -> Analytics {
    let mut tx = app.tx().await;
    let counted = super::count(&mut tx, range).await.unwrap();
    tx.commit().await.unwrap();
    counted
}

#[tokio::test]
async fn what_is_counted_is_what_is_counted_by_hand() {
    let app = TestApp::new().await;
    // With a leap day and, at the end of 2026, a week 53.
    let first = date(2023, 12, 1);
    app.advance(SignedDuration::from_hours(24 * 370));
    let today = day_of(app.now());
    let mut dice = Dice(17);
    let people = crowd(&mut dice, first);
    let sign_ins: Vec<_> = (0..600).map(|_| (dice.moment(date(2024, 2, 1), 1100), dice.below(4) > 0)).collect();
    let invited = invitations(&mut dice);
    write(&app, &people, &sign_ins).await;
    write_invitations(&app, &invited).await;
    let range = |from, to, by| Range::read(today, Some(from), Some(to), by).unwrap();
    for range in [
        range(date(2024, 2, 27), date(2024, 3, 2), By::Day),
        range(date(2024, 1, 31), date(2024, 3, 1), By::Month),
        range(date(2024, 1, 1), date(2024, 12, 31), By::Week),
        range(date(2024, 1, 3), date(2024, 1, 3), By::Week),
        range(date(2024, 12, 28), date(2025, 1, 8), By::Week),
        range(date(2026, 12, 20), date(2027, 1, 6), By::Week),
        range(date(2024, 1, 10), date(2026, 12, 31), By::Month),
        range(date(2024, 1, 1), date(2024, 12, 31), By::Day),
        Range::read(today, None, None, By::Day).unwrap(),
        Range::read(today, None, None, By::Week).unwrap(),
        Range::read(today, None, None, By::Month).unwrap(),
    ] {
        let mut found = serde_json::to_value(counted(&app, &range).await).unwrap();
        found.as_object_mut().unwrap().remove("counted_at");
        assert_eq!(found, by_hand(&range, today, (&people, &sign_ins, &invited)), "{range:?}");
    }
    app.finish().await;
}

#[test]
fn weeks_are_those_of_iso_8601() {
    let weeks = |from, to| {
        let range = Range::read(to, Some(from), Some(to), By::Week).unwrap();
        range.periods().iter().map(|(_, period)| (period.from, period.to)).collect::<Vec<_>>()
    };
    // 2026 has a week 53, which ends in 2027.
    assert_eq!(
        weeks(date(2026, 12, 27), date(2027, 1, 4)),
        [(date(2026, 12, 27), date(2026, 12, 27)), (date(2026, 12, 28), date(2027, 1, 3)), (date(2027, 1, 4), date(2027, 1, 4))]
    );
    assert_eq!(weeks(date(2024, 2, 29), date(2024, 2, 29)), [(date(2024, 2, 29), date(2024, 2, 29))]);
}

#[tokio::test]
async fn it_is_for_those_who_may_and_ranges_have_bounds() {
    let app = TestApp::new().await;
    let (admin, boss) = (app.admin().await.client, app.manager().await.client);
    boss.get("/v1/analytics").await.expect_problem(403, "forbidden");
    app.client().get("/v1/analytics").await.expect(401);
    let answer = admin.get("/v1/analytics").await.expect(200).json;
    assert_eq!((&answer["from"], &answer["to"], &answer["by"]), (&json!("2025-12-03"), &json!("2026-01-01"), &json!("day")));
    assert_eq!(answer["periods"].as_array().unwrap().len(), 30);
    assert_eq!(answer["periods"][29]["active_users"], 2);
    assert_eq!(answer["periods"][29]["sign_ins"], json!({ "succeeded": 2, "failed": 0 }));
    assert_eq!(answer["inactive"]["since"][0], json!({ "days": 1, "users": 0 }));
    for (query, parameter, code) in [
        ("from=2026-01-02&to=2026-01-01", "from", "after_to"),
        ("from=2022-12-31&to=2026-01-01&by=month", "from", "too_long"),
        ("from=2024-11-27&to=2026-01-01", "by", "too_many_periods"),
        ("to=9999-12-31", "to", "out_of_range"),
        ("from=1999-12-31&to=2000-01-01", "from", "out_of_range"),
        ("from=2026-02-30", "from", "invalid"),
        ("by=year", "by", "enum"),
    ] {
        let answer = admin.get(&format!("/v1/analytics?{query}")).await.expect_problem(422, "invalid_query");
        assert_eq!(
            (&answer.json["errors"][0]["parameter"], &answer.json["errors"][0]["code"]),
            (&json!(parameter), &json!(code)),
            "{query}"
        );
    }
    admin.get("/v1/analytics?from=2023-01-01&to=2025-12-31&by=week").await.expect(200);
    admin.get("/v1/analytics?from=2999-01-01&to=2999-12-31&by=month").await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn what_takes_too_long_is_told() {
    let app = TestApp::new().await;
    let mut tx = app.tx().await;
    let many = "
        insert into users (id, username, status, created_at, updated_at)
        select gen_random_uuid(), 'user' || at, 'active', '2026-01-01', '2026-01-01'
        from generate_series(1, 20000) at";
    tx.execute(many, &[]).await.unwrap();
    tx.execute("set local statement_timeout = 1", &[]).await.unwrap();
    let range = Range::read(date(2026, 1, 1), None, None, By::Month).unwrap();
    let error = super::count(&mut tx, &range).await.unwrap_err();
    assert_eq!(error.code(), Some("too_much_to_count"));
    drop(tx);
    app.finish().await;
}
