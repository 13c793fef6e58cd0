//! SQL and a plain evaluator find the same, for users and filters that are generated.

mod dice;
mod seen;

use std::collections::{BTreeSet, HashMap};

use jiff::SignedDuration;
use serde_json::{Value as Json, json};
use usher_oidc::filter;

use self::dice::{Dice, NAMES};
use self::seen::{Known, Seen, Way};
use super::filter::{Made, make};
use crate::activity;
use crate::caller::{Authority, UserStatus};
use crate::db::Conditions;
use crate::id::{UserId, new_uuid};
use crate::testing::{Client, TestApp};
use crate::users::{self, Filter, Written};

/// An administrator, who has set it.
async fn set_schema(app: &TestApp) -> Client {
    let text = |format: Json| json!({ "type": "string", "format": format, "searchable": true });
    let schema = json!({
        "type": "object",
        "properties": {
            "department": { "type": "string", "maxLength": 50, "searchable": true },
            "level": { "type": "number", "searchable": true },
            "start": text(json!("date-time")),
            "born": text(json!("date")),
            "remote": { "type": "boolean", "searchable": true },
            "tags": { "type": "array", "items": { "type": "string" }, "searchable": true },
        },
    });
    let admin = app.admin().await.client;
    let put = admin.put("/v1/attribute-schema", schema).await;
    assert!([200, 202].contains(&put.status.as_u16()), "{}", put.text);
    app.run_jobs().await;
    admin
}

/// A hundred and fifty users that differ in everything a filter can ask for.
async fn crowd(app: &TestApp, dice: &mut Dice) {
    for at in 0..150 {
        app.advance(SignedDuration::from_millis(i64::try_from(dice.throw(700)).unwrap()));
        let username = format!("{}{at:03}", dice.pick(&["ann", "Bob", "zed"]));
        let made = Made {
            username: &username,
            display_name: Some(dice.pick(&NAMES)).filter(|_| dice.throw(5) > 0),
            verified: dice.throw(4) > 0,
            roles: [&["user"][..], &["user", "manager"], &[]][dice.throw(3)],
            suspended: dice.throw(5) == 0,
            attributes: dice.attributes(),
        };
        make(app, made).await;
        complete(app, dice, &username).await;
    }
}

/// Gives a user what nobody is made with.
async fn complete(app: &TestApp, dice: &mut Dice, username: &str) {
    let (given, family) = (dice.pick_or_none(&NAMES), dice.pick_or_none(&NAMES));
    let (locale, zone) = (dice.pick_or_none(&["en", "en-GB", "de-AT"]), dice.pick_or_none(&["Europe/Vienna", "UTC"]));
    let (locked_until, professional_at, updated_at) = (dice.moment(), dice.moment(), dice.moment());
    let (created_at, last_sign_in_at) = (dice.moment_of_a_day(), dice.moment_of_a_day());
    let mut tx = app.tx().await;
    let sql = "
        update users
        set given_name = $2, family_name = $3, locale = $4, time_zone = $5, locked_until = $6, professional_at = $7,
            updated_at = coalesce($8, updated_at), created_at = coalesce($9, created_at), last_sign_in_at = $10
        where username = $1
        returning id";
    let row = tx
        .query_one(
            sql,
            &[
                &username,
                &given,
                &family,
                &locale,
                &zone,
                &locked_until,
                &professional_at,
                &updated_at,
                &created_at,
                &last_sign_in_at,
            ],
        )
        .await
        .unwrap();
    let id: UserId = row.get("id");
    if dice.throw(4) == 0 {
        let address = format!("{username}@other.example").to_lowercase();
        let sql = "
            insert into emails (id, user_id, address, address_normal, is_primary, verified_at, created_at)
            values (gen_random_uuid(), $1, $2, $2, false, $3, '2026-01-01')";
        tx.execute(sql, &[&id, &address, &dice.moment()]).await.unwrap();
    }
    if dice.throw(3) > 0 {
        let sql = "insert into last_active_days (user_id, day) values ($1, $2)";
        tx.execute(sql, &[&id, &dice.day()]).await.unwrap();
    }
    tx.commit().await.unwrap();
    dice.ids.push(id);
}

/// Groups, each with the role that it carries and how many of those before it are above it: interns are press, and the press is staff.
const GROUPS: [(&str, Option<&str>, usize); 4] =
    [("Staff", Some("editor"), 0), ("Zoë's Press", Some("reader"), 1), ("100%_Interns", None, 2), ("Others", None, 0)];

/// Some are in a group or two, some have been, and some are yet.
async fn join_groups(app: &TestApp, admin: &Client, dice: &mut Dice, known: &mut HashMap<UserId, Known>) {
    for (at, (name, role, above)) in GROUPS.into_iter().enumerate() {
        let id = admin.post("/v1/groups", json!({ "name": name })).await.expect(201).str("id");
        if let Some(role) = role {
            admin.post("/v1/roles", json!({ "name": role, "permissions": [] })).await.expect(201);
            admin.put(&format!("/v1/groups/{id}/roles"), json!({ "roles": [role] })).await.expect(200);
        }
        if above > 0 {
            let parents = json!({ "parents": [dice.groups[at - 1]] });
            admin.put(&format!("/v1/groups/{id}/parents"), parents).await.expect(200);
        }
        dice.groups.push(id);
    }
    let until = |seconds| json!({ "expires_at": (app.now() + SignedDuration::from_secs(seconds)).to_string() });
    for id in dice.ids.clone() {
        for group in 0..GROUPS.len() {
            let (body, has_ended) = match dice.throw(12) {
                0 => (json!({}), false),
                1 => (until(3600), false),
                2 => (until(1), true),
                _ => continue,
            };
            admin.put(&format!("/v1/groups/{}/members/{id}", dice.groups[group]), body).await.expect(200);
            if !has_ended {
                known.entry(id).or_default().join(group, &dice.groups);
            }
        }
    }
    app.advance(SignedDuration::from_secs(2));
}

impl Known {
    /// A member of the group is in those above it, too.
    fn join(&mut self, group: usize, ids: &[String]) {
        let above = GROUPS[group].2;
        for at in group - above..=group {
            let (name, role, _) = GROUPS[at];
            self.groups.push(Way { id: ids[at].clone(), name, is_direct: at == group });
            self.roles.extend(role);
        }
    }
}

/// Some have confirmed an app, some have only begun to, and some have passkeys.
async fn bind_factors(app: &TestApp, dice: &mut Dice, known: &mut HashMap<UserId, Known>) {
    let mut tx = app.tx().await;
    for id in dice.ids.clone() {
        let known = known.entry(id).or_default();
        let (app_at, passkeys) = (dice.throw(4), dice.throw(6));
        if app_at < 2 {
            known.app = app_at == 0;
            let sql = "
                insert into totp_factors (user_id, secret_sealed, created_at, confirmed_at, accepted_step)
                values ($1, '', '2026-01-01', case when $2 then timestamptz '2026-01-01' end, 0)";
            tx.execute(sql, &[&id, &known.app]).await.unwrap();
        }
        known.passkey = passkeys < 2;
        for _ in passkeys..2 {
            let sql = "
                insert into passkeys (id, user_id, credential_id, credential, name, is_backed_up, created_at)
                values ($1, $2, uuid_send($1), '{}', 'Phone', false, '2026-01-01')";
            tx.execute(sql, &[&new_uuid(app.now()), &id]).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn sql_finds_whom_a_plain_evaluator_finds() {
    let app = TestApp::new().await;
    let admin = set_schema(&app).await;
    let mut dice = Dice { state: 0x9e37_79b9_7f4a_7c15, ids: Vec::new(), groups: Vec::new() };
    crowd(&app, &mut dice).await;
    let mut known = HashMap::new();
    join_groups(&app, &admin, &mut dice, &mut known).await;
    bind_factors(&app, &mut dice, &mut known).await;
    let mut tx = app.tx().await;
    let ids: Vec<UserId> = tx.query("select id from users", &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    for (id, day) in activity::list_last_days(&mut tx, &ids).await.unwrap() {
        known.entry(id).or_default().last_day = day;
    }
    let everybody = users::lock_many(&mut tx, &ids).await.unwrap();
    let mut found_some = 0;
    for _ in 0..2500 {
        let text = dice.filter(3);
        let parsed = filter::parse(&text).unwrap();
        let expected: BTreeSet<String> = everybody
            .iter()
            .filter(|user| user.status != UserStatus::Deleted)
            .filter(|user| filter::evaluate(&parsed, &Seen(user, &known[&user.id])))
            .map(|user| user.username.clone())
            .collect();
        for written in [Written::ForFew, Written::ForMany] {
            let mut conditions = Conditions::default();
            let wanted = Filter { filter: Some(text.clone()), ..Filter::default() };
            let around = users::Surroundings::look(&mut tx, Authority::operator(), &wanted).await.unwrap();
            users::select(&wanted, &around, written, &mut conditions).unwrap();
            let sql = format!("select u.username from users u where {}", conditions.sql());
            let rows = tx.query_once(&sql, &conditions.params()).await.unwrap();
            let found: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
            assert_eq!(found, expected, "{text}, {written:?}: {sql}");
        }
        found_some += usize::from(!expected.is_empty() && expected.len() < everybody.len());
    }
    assert!(found_some > 600, "{found_some} of the filters tell users apart");
    tx.commit().await.unwrap();
    app.finish().await;
}
