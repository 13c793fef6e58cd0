//! SQL and a plain evaluator find the same, for users and filters that are generated.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value as Json, json};
use usher_oidc::filter::{self, AttributePath, Number, Resource, Value};

use super::filter::{Made, make};
use crate::caller::Authority;
use crate::db::Conditions;
use crate::id::UserId;
use crate::testing::{Client, TestApp};
use crate::users::{self, Filter, Name, User, Written};

/// A user, as the plain evaluator sees them, and the roles that they have by groups.
struct Seen<'a>(&'a User, &'a BTreeSet<&'static str>);

struct SeenEmail<'a>(&'a users::UserEmail);

fn text(text: &str) -> Value<'_> {
    Value::Text(Cow::Borrowed(text))
}

fn time(at: Option<Timestamp>) -> Vec<Value<'static>> {
    at.map(|at| Value::Time(at.as_microsecond())).into_iter().collect()
}

/// As the schema of the test has it.
fn attribute<'a>(name: &str, value: &'a Json) -> Vec<Value<'a>> {
    match value {
        Json::String(at) if name == "start" => time(Some(at.parse().unwrap())),
        Json::String(value) => vec![text(value)],
        Json::Number(number) => vec![Value::Number(Number::parse(&number.to_string()).unwrap())],
        Json::Bool(value) => vec![Value::Boolean(*value)],
        Json::Array(items) => items.iter().map(|item| text(item.as_str().unwrap())).collect(),
        _ => Vec::new(),
    }
}

impl Resource for Seen<'_> {
    fn values(&self, path: &AttributePath) -> Vec<Value<'_>> {
        let user = self.0;
        let name = |name: &'_ Option<Name>| {
            name.as_ref().map(|name| name.0.clone()).into_iter().map(|name| Value::Text(name.into())).collect()
        };
        match path.as_str() {
            "id" => vec![Value::Text(Cow::Owned(user.id.to_string()))],
            "userName" => vec![text(&user.username)],
            "displayName" => name(&user.profile.display_name),
            "givenName" | "name.givenName" => name(&user.profile.given_name),
            "familyName" | "name.familyName" => name(&user.profile.family_name),
            "locale" => user.profile.locale.iter().map(|locale| text(&locale.0)).collect(),
            "timeZone" => user.profile.time_zone.iter().map(|zone| text(&zone.0)).collect(),
            "status" => vec![text(user.status.as_str())],
            "email" => user.email.iter().map(|address| text(address)).collect(),
            "emails" => user.emails.iter().map(|email| text(&email.address)).collect(),
            "emailVerified" => user.email.iter().map(|_| Value::Boolean(user.email_verified)).collect(),
            "roles" => user.roles.iter().map(String::as_str).chain(self.1.iter().copied()).map(text).collect(),
            "createdAt" => time(Some(user.created_at)),
            "updatedAt" => time(Some(user.updated_at)),
            "lockedUntil" => time(user.locked_until),
            "professionalAt" => time(user.professional_at),
            "lastSignInAt" => time(user.last_sign_in_at),
            "deletedAt" => time(user.deleted_at),
            other => match other.strip_prefix("attributes.") {
                Some(name) => user.attributes.get(name).map_or_else(Vec::new, |value| attribute(name, value)),
                None => panic!("the test generates no {other}"),
            },
        }
    }

    fn elements(&self, path: &AttributePath) -> Vec<Box<dyn Resource + '_>> {
        if path.is("emails") {
            self.0.emails.iter().map(|email| Box::new(SeenEmail(email)) as Box<dyn Resource>).collect()
        } else {
            Vec::new()
        }
    }

    fn is_case_exact(&self, _: &AttributePath) -> bool {
        false
    }

    fn time(&self, text: &str) -> Option<i64> {
        text.parse::<Timestamp>().ok().map(Timestamp::as_microsecond)
    }
}

impl Resource for SeenEmail<'_> {
    fn values(&self, path: &AttributePath) -> Vec<Value<'_>> {
        match path.as_str() {
            "value" => vec![text(&self.0.address)],
            "primary" => vec![Value::Boolean(self.0.primary)],
            _ => vec![Value::Boolean(self.0.verified_at.is_some())],
        }
    }

    fn elements(&self, _: &AttributePath) -> Vec<Box<dyn Resource + '_>> {
        Vec::new()
    }

    fn is_case_exact(&self, _: &AttributePath) -> bool {
        false
    }

    fn time(&self, _: &str) -> Option<i64> {
        None
    }
}

/// Numbers that look random and are the same in every run.
struct Dice {
    state: u64,
    /// Of everybody there is.
    ids: Vec<UserId>,
}

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state % u64::try_from(sides).unwrap()).unwrap()
    }

    fn pick(&mut self, of: &[&'static str]) -> &'static str {
        of[self.throw(of.len())]
    }

    fn comparison(&mut self) -> String {
        const PARTS: [&str; 6] = ["eq", "ne", "co", "sw", "ew", "pr"];
        const TEXTS: [&str; 13] =
            ["ann", "ANN00", "bob01", "Ann Baker", "_", "%", "100%", "ß", "Zoë", "mail.example", "@o", "zed02@mail.example", "b"];
        let (path, operator, value) = match self.throw(16) {
            0 => ("userName", self.pick(&PARTS), json!(self.pick(&TEXTS))),
            1 => (self.pick(&NAME_PATHS), self.pick(&PARTS), json!(self.pick(&TEXTS))),
            2 => (self.pick(&["email", "emails"]), self.pick(&PARTS), json!(self.pick(&TEXTS))),
            3 => ("status", self.pick(&["eq", "ne"]), json!(self.pick(&["active", "pending", "suspended"]))),
            4 | 7 => ("roles", self.pick(&["eq", "ne", "pr"]), json!(self.pick(&ROLES))),
            5 => ("emailVerified", self.pick(&["eq", "ne"]), json!(self.throw(2) == 0)),
            6 => (self.pick(&TIME_PATHS), self.pick(&ORDER), json!(format!("2026-01-01T00:00:{:02}Z", self.throw(45)))),
            8 => ("id", self.pick(&["eq", "ne", "pr"]), json!(self.id())),
            9 => (self.pick(&["locale", "timeZone"]), self.pick(&["eq", "ne", "pr"]), json!(self.pick(&CODES))),
            10..=13 => self.of_attribute(),
            _ => {
                let inner = match self.throw(3) {
                    0 => format!("value {} {}", self.pick(&["eq", "co", "sw", "ew"]), json!(self.pick(&TEXTS))),
                    1 => format!("verified eq {}", self.throw(2) == 0),
                    _ => format!("primary eq true and not (value co {})", json!(self.pick(&TEXTS))),
                };
                return format!("emails[{inner}]");
            }
        };
        if operator == "pr" { format!("{path} pr") } else { format!("{path} {operator} {value}") }
    }

    /// Of somebody, or of nobody; a UUID minds no case either.
    fn id(&mut self) -> String {
        let at = self.throw(self.ids.len() + 1);
        let id = self.ids.get(at).map_or("0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d".to_owned(), ToString::to_string);
        if self.throw(2) == 0 { id.to_uppercase() } else { id }
    }

    fn pick_or_none(&mut self, of: &[&'static str]) -> Option<&'static str> {
        Some(self.pick(of)).filter(|_| self.throw(4) > 0)
    }

    /// One in the first seconds, or none.
    fn moment(&mut self) -> Option<Timestamp> {
        let second = self.throw(60);
        format!("2026-01-01T00:00:{second:02}Z").parse().ok().filter(|_| second < 45)
    }

    fn of_attribute(&mut self) -> (&'static str, &'static str, Json) {
        match self.throw(6) {
            0 => (
                "attributes.department",
                self.pick(&["eq", "ne", "sw", "gt", "ge", "lt", "le", "pr"]),
                json!(self.pick(&DEPARTMENTS)),
            ),
            1 => ("attributes.level", self.pick(&ORDER), json!(self.level())),
            2 => ("attributes.start", self.pick(&ORDER), json!(self.start())),
            3 => ("attributes.born", self.pick(&ORDER), json!(self.born())),
            4 => ("attributes.remote", self.pick(&["eq", "ne", "pr"]), json!(self.throw(2) == 0)),
            _ => ("attributes.tags", self.pick(&["eq", "ne", "pr"]), json!(self.pick(&TAGS))),
        }
    }

    fn level(&mut self) -> f64 {
        [-1.0, 0.0, 2.5, 3.0, 3.5, 1e12][self.throw(6)]
    }

    /// The same moments, written in several zones.
    fn start(&mut self) -> String {
        let hour = self.throw(5);
        if self.throw(2) == 0 { format!("2026-01-01T0{}:00:00+01:00", hour + 1) } else { format!("2026-01-01T0{hour}:00:00Z") }
    }

    fn born(&mut self) -> String {
        format!("19{}0-0{}-15", 5 + self.throw(5), 1 + self.throw(9))
    }

    /// Each is there or not.
    fn attributes(&mut self) -> Map<String, Json> {
        let all = [
            ("department", json!(self.pick(&DEPARTMENTS))),
            ("level", json!(self.level())),
            ("start", json!(self.start())),
            ("born", json!(self.born())),
            ("remote", json!(self.throw(2) == 0)),
            ("tags", json!(TAGS[..self.throw(TAGS.len())])),
        ];
        all.into_iter().filter(|_| self.throw(4) > 0).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn filter(&mut self, depth: usize) -> String {
        match if depth == 0 { 0 } else { self.throw(6) } {
            0..=2 => self.comparison(),
            3 => format!("not ({})", self.filter(depth - 1)),
            at => {
                let word = if at == 4 { "and" } else { "or" };
                let mut text = String::new();
                write!(text, "({}) {word} ({})", self.filter(depth - 1), self.filter(depth - 1)).unwrap();
                text
            }
        }
    }
}

const DEPARTMENTS: [&str; 8] = ["Sales", "sales", "SUPPORT", "Straße", "", "sal", "_%", "Zoë"];
const TAGS: [&str; 4] = ["a", "B", "ß", "100%"];
const ORDER: [&str; 7] = ["eq", "ne", "gt", "ge", "lt", "le", "pr"];
const NAMES: [&str; 6] = ["Ann Baker", "ANN", "Bob_100%", "Zoë Groß", "a b c", "%"];
const NAME_PATHS: [&str; 6] = ["displayName", "displayName", "givenName", "familyName", "name.givenName", "name.familyName"];
const TIME_PATHS: [&str; 6] = ["createdAt", "updatedAt", "lastSignInAt", "lockedUntil", "professionalAt", "deletedAt"];
const CODES: [&str; 6] = ["en", "EN-gb", "de-AT", "Europe/Vienna", "europe/VIENNA", "UTC"];
const ROLES: [&str; 5] = ["user", "manager", "admin", "editor", "READER"];

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
    let mut tx = app.tx().await;
    let sql = "
        update users
        set given_name = $2, family_name = $3, locale = $4, time_zone = $5, locked_until = $6, professional_at = $7,
            updated_at = coalesce($8, updated_at)
        where username = $1
        returning id";
    let row = tx
        .query_one(sql, &[&username, &given, &family, &locale, &zone, &locked_until, &professional_at, &updated_at])
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
    tx.commit().await.unwrap();
    dice.ids.push(id);
}

/// Some are in a group, some in one below it, and some have been: the roles that each has by that.
async fn join_groups(app: &TestApp, admin: &Client, dice: &mut Dice) -> HashMap<UserId, BTreeSet<&'static str>> {
    let mut groups = Vec::new();
    for (name, role) in [("Staff", "editor"), ("Press", "reader")] {
        admin.post("/v1/roles", json!({ "name": role, "permissions": [] })).await.expect(201);
        let group = admin.post("/v1/groups", json!({ "name": name })).await.expect(201).str("id");
        admin.put(&format!("/v1/groups/{group}/roles"), json!({ "roles": [role] })).await.expect(200);
        groups.push(group);
    }
    let (staff, press) = (&groups[0], &groups[1]);
    admin.put(&format!("/v1/groups/{press}/parents"), json!({ "parents": [staff] })).await.expect(200);
    let soon = json!({ "expires_at": (app.now() + SignedDuration::from_secs(1)).to_string() });
    let mut carried = HashMap::new();
    for id in dice.ids.clone() {
        let (group, body, roles): (&String, Json, &[&'static str]) = match dice.throw(6) {
            0 => (staff, json!({}), &["editor"]),
            1 => (press, json!({}), &["editor", "reader"]),
            2 => (press, soon.clone(), &[]),
            _ => continue,
        };
        admin.put(&format!("/v1/groups/{group}/members/{id}"), body).await.expect(200);
        carried.insert(id, roles.iter().copied().collect());
    }
    app.advance(SignedDuration::from_secs(2));
    carried
}

#[tokio::test]
async fn sql_finds_whom_a_plain_evaluator_finds() {
    let app = TestApp::new().await;
    let admin = set_schema(&app).await;
    let mut dice = Dice { state: 0x9e37_79b9_7f4a_7c15, ids: Vec::new() };
    crowd(&app, &mut dice).await;
    let carried = join_groups(&app, &admin, &mut dice).await;
    let by_none = BTreeSet::new();
    let mut tx = app.tx().await;
    let ids: Vec<UserId> = tx.query("select id from users", &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    let everybody = users::lock_many(&mut tx, &ids).await.unwrap();
    let mut found_some = 0;
    for _ in 0..2000 {
        let text = dice.filter(3);
        let parsed = filter::parse(&text).unwrap();
        let expected: BTreeSet<String> = everybody
            .iter()
            .filter(|user| user.status != crate::caller::UserStatus::Deleted)
            .filter(|user| filter::evaluate(&parsed, &Seen(user, carried.get(&user.id).unwrap_or(&by_none))))
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
    assert!(found_some > 500, "{found_some} of the filters tell users apart");
    tx.commit().await.unwrap();
    app.finish().await;
}
