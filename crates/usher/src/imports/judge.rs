//! What comes of a row, given who is there. The same judgement makes the preview and decides when the row is applied.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Fault;
use super::options::{Match, Mode, Options};
use super::record::{Record, Status};
use crate::attributes::Rules;
use crate::caller::{Authority, Permission, PermissionSet, UserStatus};
use crate::error::{FieldError, Rejection};
use crate::id::UserId;
use crate::patch::Patch;
use crate::roles;
use crate::users::{self, User};

/// Who has an address.
#[derive(Clone, Copy, Debug)]
pub struct Holder {
    pub user_id: UserId,
    /// A sign-up that was never verified: it gives way to whoever is known to own the address.
    pub gives_way: bool,
}

/// What the rows of a batch meet.
#[derive(Default)]
pub struct Known {
    pub addresses: HashMap<String, Holder>,
    pub usernames: HashMap<String, UserId>,
    pub users: HashMap<UserId, User>,
    pub roles: HashMap<String, PermissionSet>,
    /// The line of another row that has the key already.
    pub taken_keys: HashMap<String, i64>,
    /// What attributes must fit.
    pub rules: Option<Arc<Rules>>,
    /// The roles that the preview told of, if others that make somebody an administrator may not come or go.
    pub foretold: Option<Vec<String>>,
}

/// What comes of a row.
#[derive(Debug)]
pub enum Verdict {
    Create,
    Update { user_id: UserId, changes: Value },
    Unchanged { user_id: UserId },
    Conflict(Vec<Fault>),
}

/// What no two rows may have.
pub fn keys(record: &Record) -> Vec<String> {
    let addresses = record.addresses().map(|address| format!("e:{}", address.normal()));
    let username = record.username.iter().map(|username| format!("u:{}", username.as_str().to_lowercase()));
    let id = record.id.iter().map(|id| format!("i:{id}"));
    addresses.chain(username).chain(id).collect()
}

impl Known {
    /// Whom the row is about, if they are there.
    pub fn find(&self, record: &Record, options: &Options) -> Option<UserId> {
        match options.matching {
            Match::Email => {
                let holder = self.addresses.get(record.email.as_ref()?.normal())?;
                let gives_way = holder.gives_way && record.email_verified == Some(true);
                (!gives_way).then_some(holder.user_id)
            }
            Match::Username => self.usernames.get(&record.username.as_ref()?.as_str().to_lowercase()).copied(),
            Match::Id => record.id.filter(|id| self.users.contains_key(id)),
        }
    }

    /// Judges a row.
    pub fn judge(&self, by: Authority, options: &Options, record: &Record) -> Verdict {
        let mut faults = Vec::new();
        for key in keys(record) {
            if let Some(line) = self.taken_keys.get(&key) {
                let is_primary = record.email.as_ref().is_some_and(|email| key[2..] == *email.normal());
                let field = match key.as_bytes().first() {
                    Some(b'e') if is_primary => "email",
                    Some(b'e') => "other_emails",
                    Some(b'u') => "username",
                    _ => "id",
                };
                faults.push(Fault::new(field, "duplicate_in_file", format!("The row in line {line} has the same.")));
            }
        }
        for role in record.roles.iter().flatten().filter(|role| !self.roles.contains_key(*role)) {
            faults.push(Fault::new("roles", "unknown_role", format!("There is no role `{role}`.")));
        }
        if !faults.is_empty() {
            return Verdict::Conflict(faults);
        }
        let judged = match self.find(record, options).and_then(|id| self.users.get(&id)) {
            Some(user) => self.judge_update(by, options, record, user),
            None => self.judge_creation(by, options, record),
        };
        judged.and_then(|verdict| self.as_foretold(record, verdict)).unwrap_or_else(Verdict::Conflict)
    }

    /// Refuses what nobody was asked to prove who they are for, since a user has changed after the preview.
    fn as_foretold(&self, record: &Record, verdict: Verdict) -> Result<Verdict, Vec<Fault>> {
        let Some(foretold) = &self.foretold else { return Ok(verdict) };
        let gives_much = |role: &String| self.roles.get(role).is_some_and(|granted| granted.exceeds_manager());
        let moved = self.roles_moved_by(record, &verdict);
        if moved.iter().any(|role| gives_much(role) && !foretold.contains(role)) {
            let detail = "It would give or take a role that the preview did not tell of: import the file again.";
            return Err(vec![Fault::new("roles", "changed_since", detail)]);
        }
        Ok(verdict)
    }

    /// The roles that come or go with a row that is judged so, or end at another time.
    pub fn roles_moved_by(&self, record: &Record, verdict: &Verdict) -> Vec<String> {
        match verdict {
            Verdict::Create => record.roles.iter().flatten().filter(|role| *role != roles::USER).cloned().collect(),
            Verdict::Update { user_id, .. } => self.users.get(user_id).map_or_else(Vec::new, |user| moved_roles(record, user)),
            Verdict::Unchanged { .. } | Verdict::Conflict(_) => Vec::new(),
        }
    }

    fn judge_creation(&self, by: Authority, options: &Options, record: &Record) -> Result<Verdict, Vec<Fault>> {
        let mut faults = Vec::new();
        if record.email.is_none() {
            faults.push(Fault::new("email", "required", "is missing: there is no such user yet, and a new one needs an address"));
        }
        if record.status == Some(Status::Active) && record.email_verified != Some(true) {
            let detail = "is `active`, but nothing says that the address is verified: see email_verified";
            faults.push(Fault::new("status", "inconsistent", detail));
        }
        for (at, address) in record.addresses().enumerate() {
            let known = record.other_emails.iter().any(|other| other.normal() == address.normal())
                || (at == 0 && record.email_verified == Some(true));
            if self.addresses.get(address.normal()).is_some_and(|holder| !(holder.gives_way && known)) {
                let field = if at == 0 { "email" } else { "other_emails" };
                faults.push(Fault::new(field, "email_taken", "belongs to another user"));
            }
        }
        if let Some(username) = &record.username
            && self.usernames.contains_key(&username.as_str().to_lowercase())
        {
            faults.push(Fault::new("username", "username_taken", "belongs to another user"));
        }
        if options.keep_ids && record.id.is_some_and(|id| self.users.contains_key(&id)) {
            faults.push(Fault::new("id", "id_taken", "belongs to another user"));
        }
        let assigns = by.permissions.contains(Permission::RolesAssign);
        if !assigns && record.vouches() {
            let detail = "Verified or further addresses and password hashes need the permission roles:assign.";
            faults.push(Fault::new("", "forbidden", detail));
        }
        if !assigns && options.keep_ids && record.id.is_some() {
            faults.push(Fault::new("id", "forbidden", "Keeping ids needs the permission roles:assign."));
        }
        if let Some(given) = &record.roles
            && let Err(rejection) = self.may_assign(by, given.iter().filter(|role| *role != roles::USER))
        {
            faults.push(fault_of("roles", &rejection));
        }
        if let Err(more) = self.fit(record.attributes.clone().unwrap_or_default()) {
            faults.extend(more);
        }
        if faults.is_empty() { Ok(Verdict::Create) } else { Err(faults) }
    }

    fn judge_update(&self, by: Authority, options: &Options, record: &Record, user: &User) -> Result<Verdict, Vec<Fault>> {
        by.over(user.permissions).map_err(|rejection| vec![fault_of("", &rejection)])?;
        if user.status == UserStatus::Deleted {
            let detail = "The user is in the recycle bin: restore them first.";
            return Err(vec![Fault::new("", "invalid_state", detail)]);
        }
        let mut faults = Vec::new();
        let has = |normal: &str| {
            let own = self.addresses.get(normal).is_some_and(|holder| holder.user_id == user.id);
            own || user.emails.iter().any(|email| email.address == normal)
        };
        if record.addresses().any(|address| !has(address.normal())) {
            let detail = "is not an address of this user: an import changes no addresses of users who are there";
            faults.push(Fault::new("email", "email_differs", detail));
        }
        if let Some(username) = &record.username
            && self.usernames.get(&username.as_str().to_lowercase()).is_some_and(|owner| *owner != user.id)
        {
            faults.push(Fault::new("username", "username_taken", "belongs to another user"));
        }
        let changes = changes(record, user);
        if let Err(rejection) = self.may_assign(by, moved_roles(record, user).iter()) {
            faults.push(fault_of("roles", &rejection));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        if let Some(after) = changes.get("attributes").and_then(|change| change["after"].as_object()) {
            self.fit(after.clone())?;
        }
        if changes.is_empty() {
            return Ok(Verdict::Unchanged { user_id: user.id });
        }
        if options.mode == Mode::CreateOnly {
            let field = options.matching.field();
            let code = if options.matching == Match::Email { "email_taken" } else { "user_exists" };
            let names = changes.keys().cloned().collect::<Vec<_>>().join(", ");
            let detail = format!("belongs to a user who is there; they differ in {names}. The mode `upsert` would change them.");
            return Err(vec![Fault::new(field, code, detail)]);
        }
        Ok(Verdict::Update { user_id: user.id, changes: Value::Object(changes) })
    }

    /// The attributes as they are kept, if they fit the schema.
    pub fn fit(&self, attributes: Map<String, Value>) -> Result<Map<String, Value>, Vec<Fault>> {
        let Some(rules) = &self.rules else { return Ok(attributes) };
        rules.fit(attributes).map_err(|rejection| {
            let place =
                |error: &FieldError| error.pointer.as_deref().unwrap_or_default().trim_start_matches('/').replace('/', ".");
            rejection.errors.iter().map(|error| Fault::new(&place(error), &error.code, error.detail.clone())).collect()
        })
    }

    fn may_assign<'a>(&self, by: Authority, names: impl Iterator<Item = &'a String>) -> Result<(), Rejection> {
        for name in names {
            if !by.permissions.contains(Permission::RolesAssign) {
                return Err(Rejection::forbidden("Roles other than `user` need the permission roles:assign."));
            }
            by.to_grant(self.roles.get(name).copied().unwrap_or_default())?;
        }
        Ok(())
    }
}

fn fault_of(field: &str, rejection: &Rejection) -> Fault {
    Fault::new(field, rejection.code, rejection.detail.clone())
}

/// Field by field, what the row changes of a user. Addresses, passwords and times say nothing of a user who is there.
fn changes(record: &Record, user: &User) -> Map<String, Value> {
    let mut changes = Map::new();
    let mut compare = |name: &str, before: Value, after: Value| {
        if before != after {
            changes.insert(name.to_owned(), json!({ "before": before, "after": after }));
        }
    };
    if let Some(username) = &record.username {
        compare("username", json!(user.username), json!(username.as_str()));
    }
    let before = serde_json::to_value(&user.profile).unwrap_or_default();
    for (name, after) in &record.profile {
        compare(name, before[name].clone(), after.clone());
    }
    let mut at = user.professional_at;
    record.professional_at.clone().apply(&mut at);
    compare("professional_at", json!(user.professional_at), json!(at));
    if let Some(attributes) = &record.attributes {
        let after = users::merged(&user.attributes, attributes);
        compare("attributes", Value::Object(user.attributes.clone()), after);
    }
    if let Some(roles) = &record.roles {
        compare("roles", json!(user.roles), json!(roles));
        if let Some(ends) = &record.role_ends {
            compare("role_ends", json!(user.role_ends), json!(ends));
        }
    }
    let status = match (record.status, user.status) {
        (Some(Status::Suspended), UserStatus::Active | UserStatus::Pending) => UserStatus::Suspended,
        (Some(Status::Active | Status::Pending), UserStatus::Suspended) if user.email_verified => UserStatus::Active,
        (Some(Status::Active | Status::Pending), UserStatus::Suspended) => UserStatus::Pending,
        (_, status) => status,
    };
    compare("status", json!(user.status), json!(status));
    changes
}

/// The roles that the row gives to a user, takes from them, or gives another end.
fn moved_roles(record: &Record, user: &User) -> Vec<String> {
    let Some(roles) = &record.roles else { return Vec::new() };
    let has_moved = |role: &&String| {
        let (held, wanted) = (user.roles.contains(role), roles.contains(role));
        let ends = record.role_ends.as_ref();
        held != wanted || (held && ends.is_some_and(|ends| ends.get(*role) != user.role_ends.get(*role)))
    };
    let mut moved: Vec<String> = user.roles.iter().chain(roles).filter(has_moved).cloned().collect();
    moved.sort();
    moved.dedup();
    moved
}

/// What the row says of the attributes, as a change of them.
pub fn attributes_patch(record: &Record) -> Patch<Map<String, Value>> {
    record.attributes.clone().map_or(Patch::Keep, Patch::Set)
}
