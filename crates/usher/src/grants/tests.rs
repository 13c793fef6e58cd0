//! Who may do what and through what; grants that end.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Through;
use crate::caller::{Authority, Permission, PermissionSet};
use crate::groups::{self, GroupRef};
use crate::id::{GroupId, UserId};
use crate::jobs;
use crate::roles::{self, RoleName, SecondFactorPolicy};
use crate::testing::{Client, Person, TestApp};
use crate::users::{self, Name};

fn grant_path(person: &Person, role: &str) -> String {
    format!("/v1/users/{}/roles/{role}", person.id)
}

async fn role(client: &Client, name: &str, permissions: &[&str]) {
    client.post("/v1/roles", json!({ "name": name, "permissions": permissions })).await.expect(201);
}

#[tokio::test]
async fn a_grant_ends_at_its_time_without_anybody_doing_anything() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    role(&admin, "reader", &["users:read"]).await;
    let end = app.now() + SignedDuration::from_mins(2);
    let until = json!({ "expires_at": end.to_string() });
    for past in [app.now().to_string(), "0001-01-01T00:00:00Z".to_owned()] {
        let refused = admin.put(&grant_path(&ann, "reader"), json!({ "expires_at": past })).await;
        assert_eq!(refused.expect_problem(422, "invalid_body").fault_at("/expires_at"), Some("in_the_past"));
    }
    let granted = admin.put(&grant_path(&ann, "reader"), until.clone()).await.expect(200);
    assert_eq!(granted.json["roles"], json!(["reader", "user"]));
    // Nothing changes when it is as it was.
    assert_eq!(admin.put(&grant_path(&ann, "reader"), until.clone()).await.expect(200).etag(), granted.etag());
    let key = ann.client.post("/v1/me/api-keys", json!({ "name": "k", "permissions": ["users:read"] })).await;
    let key = app.client_with(&key.expect(201).str("key"));
    key.get("/v1/users").await.expect(200);
    app.advance(SignedDuration::from_mins(2) - SignedDuration::from_micros(1));
    ann.client.get("/v1/users").await.expect(200);
    app.advance(SignedDuration::from_micros(1));
    ann.client.get("/v1/users").await.expect_problem(403, "forbidden");
    key.get("/v1/users").await.expect_problem(403, "forbidden");
    assert_eq!(ann.client.get("/v1/me").await.expect(200).json["roles"], json!(["user"]));
    assert_eq!(admin.get("/v1/users?role=reader").await.expect(200).json["items"], json!([]));
    admin.delete(&grant_path(&ann, "reader")).await.expect_problem(404, "not_found");
    // Given anew it begins anew.
    let roles = format!("/v1/users/{}/roles", ann.id);
    admin.put(&roles, json!({ "roles": ["reader", "user"] })).await.expect(200);
    ann.client.get("/v1/users").await.expect(200);
    let until = json!({ "expires_at": (app.now() + SignedDuration::from_mins(1)).to_string() });
    admin.put(&grant_path(&ann, "reader"), until).await.expect(200);
    // Who reads the roles and writes them back does not make them last.
    admin.put(&roles, json!({ "roles": ["reader", "user"] })).await.expect(200);
    app.advance(SignedDuration::from_mins(1));
    ann.client.get("/v1/users").await.expect_problem(403, "forbidden");
    let before = ann.client.get("/v1/me").await.expect(200).etag();
    // Whom another job is busy with is left for the next time.
    app.run_jobs().await;
    let mut tx = app.tx().await;
    jobs::enqueue(&mut tx, "remove_expired_grants", &json!({})).await.unwrap();
    tx.commit().await.unwrap();
    app.run_jobs().await;
    assert_eq!(app.count("select count(*) from jobs where last_error is not null").await, 0);
    assert_eq!(app.count("select count(*) from user_roles where expires_at is not null").await, 0);
    assert_ne!(ann.client.get("/v1/me").await.expect(200).etag(), before);
    assert_eq!(app.count("select count(*) from audit_events where action = 'user.role_expired'").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn r203_a_single_role_is_granted_and_taken_by_who_holds_it() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    role(&admin, "registrar", &["users:read", "roles:assign"]).await;
    role(&admin, "auditor", &["audit:read"]).await;
    let reg = app.person("reg", &["registrar"]).await.client;
    reg.put(&grant_path(&ann, "auditor"), json!({})).await.expect_problem(403, "grant_exceeds_caller");
    reg.put(&grant_path(&ann, "nobody"), json!({})).await.expect_problem(404, "not_found");
    reg.put(&grant_path(&ann, "registrar"), json!({})).await.expect(200);
    let listed = reg.get(&format!("/v1/users/{}/roles", ann.id)).await.expect(200);
    assert_eq!(listed.json["items"][0]["role"], "registrar");
    reg.delete(&grant_path(&ann, "registrar")).await.expect(204);
    admin.put(&grant_path(&ann, "auditor"), json!({})).await.expect(200);
    for role in ["auditor", "user"] {
        reg.delete(&grant_path(&ann, role)).await.expect_problem(403, "target_outranks_caller");
    }
    app.finish().await;
}

#[tokio::test]
async fn r203_the_last_administrator_is_not_one_for_a_time() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let until = json!({ "expires_at": (app.now() + SignedDuration::from_hours(1)).to_string() });
    root.client.put(&grant_path(&root, "admin"), until.clone()).await.expect_problem(409, "last_admin");
    root.client.put(&grant_path(&ada, "admin"), until.clone()).await.expect(200);
    root.client.put(&grant_path(&root, "admin"), until.clone()).await.expect_problem(409, "last_admin");
    root.client.delete(&grant_path(&root, "admin")).await.expect_problem(409, "last_admin");
    root.client.put(&grant_path(&ada, "admin"), json!({})).await.expect(200);
    root.client.put(&grant_path(&root, "admin"), until).await.expect(200);
    root.client.delete(&grant_path(&ada, "admin")).await.expect_problem(409, "last_admin");
    app.advance(SignedDuration::from_hours(1));
    let ada = app.sign_in(&ada.email, crate::testing::PASSWORD).await;
    ada.client.get("/v1/audit-events").await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}

/// A small generator (splitmix64): the same groups at every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) >> 33).unwrap() % count
    }
}

/// What was written, kept beside the database.
#[derive(Default)]
struct Model {
    /// The roles there are, with what they grant.
    roles: BTreeMap<String, BTreeSet<&'static str>>,
    carried: HashMap<GroupId, BTreeSet<String>>,
    parents: HashMap<GroupId, Vec<GroupId>>,
    /// Roles that were granted, and groups.
    users: HashMap<UserId, (BTreeSet<String>, Vec<GroupId>)>,
}

impl Model {
    /// Every role of a user, with the group they are in and the one that carries it: each way is walked.
    fn ways(&self, user: UserId) -> BTreeSet<(String, Option<(String, String)>)> {
        let (granted, groups) = &self.users[&user];
        let mut found: BTreeSet<_> = granted.iter().map(|role| (role.clone(), None)).collect();
        for group in groups {
            let mut next = vec![*group];
            while let Some(at) = next.pop() {
                found.extend(self.carried[&at].iter().map(|role| (role.clone(), Some((group.to_string(), at.to_string())))));
                next.extend(&self.parents[&at]);
            }
        }
        found
    }

    fn giving(&self, user: UserId, permission: Permission) -> BTreeSet<(String, Option<(String, String)>)> {
        self.ways(user).into_iter().filter(|(role, _)| self.roles[role].contains(permission.name())).collect()
    }

    /// Checks that the chain is one, and returns its ends.
    fn read(&self, through: &[Through]) -> BTreeSet<(String, Option<(String, String)>)> {
        let ends = |groups: &[GroupRef]| {
            for pair in groups.windows(2) {
                assert!(self.parents[&pair[0].id].contains(&pair[1].id), "{groups:?}");
            }
            groups.first().zip(groups.last()).map(|(first, last)| (first.id.to_string(), last.id.to_string()))
        };
        through.iter().map(|through| (through.role.clone(), ends(&through.groups))).collect()
    }
}

/// Random groups, roles and users, written through the rules; what is refused is not in the model.
async fn random_house(app: &TestApp, chance: &mut Chance) -> Model {
    let mut model = Model::default();
    let mut tx = app.tx().await;
    let by = Authority::operator();
    for at in 0..6 {
        let wanted: Vec<Permission> = Permission::ALL.into_iter().filter(|_| chance.below(4) == 0).collect();
        let name = RoleName::from(format!("r{at}").as_str());
        roles::create(&mut tx, by, &name, "", &wanted, SecondFactorPolicy::default()).await.unwrap();
        model.roles.insert(name.as_str().to_owned(), wanted.iter().map(|permission| permission.name()).collect());
    }
    let some_roles = |chance: &mut Chance, one_in: usize| -> Vec<RoleName> {
        (0..6).filter(|_| chance.below(one_in) == 0).map(|at| RoleName::from(format!("r{at}").as_str())).collect()
    };
    let names = |roles: &[RoleName]| roles.iter().map(|role| role.as_str().to_owned()).collect();
    let mut ids = Vec::new();
    for at in 0..10 {
        let group = groups::create(&mut tx, &Name(format!("g{at}")), "").await.unwrap();
        let carried = some_roles(chance, 5);
        groups::set_roles(&mut tx, by, &group, &carried).await.unwrap();
        model.carried.insert(group.id, names(&carried));
        model.parents.insert(group.id, Vec::new());
        ids.push(group.id);
    }
    // Twice over, so that what was nested is nested anew.
    for _ in 0..20 {
        let group = groups::read(&mut tx, ids[chance.below(10)]).await.unwrap();
        let wanted: Vec<GroupId> = (0..chance.below(4)).map(|_| ids[chance.below(10)]).collect();
        if groups::set_parents(&mut tx, by, &group, &wanted).await.is_ok() {
            model.parents.insert(group.id, wanted);
        }
    }
    tx.commit().await.unwrap();
    for at in 0..12 {
        let person = app.person(&format!("p{at}"), &[]).await;
        let user: UserId = person.id.parse().unwrap();
        let granted = some_roles(chance, 6);
        let mut tx = app.tx().await;
        let before = users::lock(&mut tx, by, user).await.unwrap();
        users::set_roles(&mut tx, by, &before, &granted).await.unwrap();
        let inside: BTreeSet<usize> = (0..chance.below(3)).map(|_| chance.below(10)).collect();
        let inside: Vec<GroupId> = inside.into_iter().map(|at| ids[at]).collect();
        for group in &inside {
            groups::put_member(&mut tx, by, *group, user, None).await.unwrap();
        }
        tx.commit().await.unwrap();
        model.users.insert(user, (names(&granted), inside));
    }
    model
}

/// All holders, page by page.
async fn holders(app: &TestApp, permission: Permission) -> HashMap<UserId, Vec<Through>> {
    let mut found = HashMap::new();
    let mut cursor: Option<String> = None;
    let limit = crate::db::page::Limit::new(3).unwrap();
    loop {
        let mut tx = app.tx().await;
        let page = super::list_holders(&mut tx, Authority::operator(), permission, limit, cursor.as_deref()).await.unwrap();
        tx.commit().await.unwrap();
        for holder in page.items {
            assert!(found.insert(holder.user.id, holder.through).is_none());
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => return found,
        }
    }
}

#[tokio::test]
async fn holders_and_reasons_are_those_that_walking_every_way_finds() {
    for seed in 0..3 {
        let app = TestApp::new().await;
        let model = random_house(&app, &mut Chance(seed)).await;
        for user in model.users.keys() {
            let mut tx = app.tx().await;
            let explained = super::list_permissions(&mut tx, Authority::operator(), *user, true).await.unwrap();
            let plain = super::list_permissions(&mut tx, Authority::operator(), *user, false).await.unwrap();
            tx.commit().await.unwrap();
            let held: BTreeMap<&str, _> =
                explained.iter().map(|held| (held.permission.name(), model.read(held.through.as_ref().unwrap()))).collect();
            let expected: BTreeMap<&str, _> = Permission::ALL
                .iter()
                .map(|permission| (permission.name(), model.giving(*user, *permission)))
                .filter(|(_, ways)| !ways.is_empty())
                .collect();
            assert_eq!(held, expected, "seed {seed}, user {user}");
            assert!(plain.iter().map(|held| held.permission).eq(explained.iter().map(|held| held.permission)));
        }
        for permission in Permission::ALL {
            let found: BTreeMap<String, _> =
                holders(&app, permission).await.iter().map(|(user, through)| (user.to_string(), model.read(through))).collect();
            let users = model.users.keys().map(|user| (user.to_string(), model.giving(*user, permission)));
            let expected: BTreeMap<String, _> = users.filter(|(_, ways)| !ways.is_empty()).collect();
            assert_eq!(found, expected, "seed {seed}, {}", permission.name());
            // The way for many holders finds the same ones.
            let mut tx = app.tx().await;
            let giving = super::store::list_giving(&mut tx, permission).await.unwrap();
            let giving: Vec<&str> = giving.iter().map(String::as_str).collect();
            let walked = super::store::list_having(&mut tx, &giving, PermissionSet::default(), None, 100).await.unwrap();
            assert!(walked.iter().map(|user| user.id.to_string()).eq(expected.into_keys()), "seed {seed}, {}", permission.name());
            tx.commit().await.unwrap();
        }
        app.finish().await;
    }
}

#[tokio::test]
async fn r203_holders_whom_the_caller_may_not_see_are_left_out_and_so_are_the_deleted() {
    let app = TestApp::new().await;
    let (root, boss, ann) = (app.admin().await, app.manager().await, app.user("ann").await);
    role(&root.client, "reader", &["users:read"]).await;
    root.client.put(&grant_path(&ann, "reader"), json!({})).await.expect(200);
    let path = "/v1/permissions/users:read/holders";
    let ids = async |client: &Client| -> BTreeSet<String> {
        let list = client.get(path).await.expect(200);
        list.json["items"].as_array().unwrap().iter().map(|item| item["user"]["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&root.client).await, [&root, &boss, &ann].map(|person| person.id.clone()).into());
    assert_eq!(ids(&boss.client).await, [&boss, &ann].map(|person| person.id.clone()).into());
    root.client.delete(&format!("/v1/users/{}", ann.id)).await.expect(204);
    assert_eq!(ids(&boss.client).await, [boss.id.clone()].into());
    root.client.get("/v1/permissions/users:fly/holders").await.expect_problem(404, "not_found");
    // Both permissions are needed.
    role(&root.client, "half", &["users:read"]).await;
    let half = app.person("half", &["half"]).await.client;
    half.get(path).await.expect_problem(403, "forbidden");
    let through: Value = root.client.get(path).await.expect(200).json["items"][0]["through"].clone();
    assert_eq!(through, json!([{ "role": "admin", "groups": [], "expires_at": null }]));
    app.finish().await;
}
