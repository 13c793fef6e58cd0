//! One user: who they are, where they stand and why they may do what they may do, where they are signed in, and what has happened.

use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::parameters::{Parameters, address};
use super::staff::Staff;
use super::{acts, events, invitations, mails};
use crate::api_keys;
use crate::app::App;
use crate::attributes::{self, Schema};
use crate::audit::{self, Wanted};
use crate::caller::{Permission, Subject};
use crate::db::Tx;
use crate::db::page::{self, Limit, Page};
use crate::emails;
use crate::error::{AppResult, Rejection};
use crate::grants::{self, Held};
use crate::groups;
use crate::html::Faults;
use crate::http::params::Path;
use crate::id::UserId;
use crate::mails::outbox;
use crate::users::{self, User};
use crate::{roles, second_factors, sessions, sign_in};

const PAGE: &str = "console/user.html";
pub const HERE: &str = "/admin/users";
/// So many events, sessions and sign-ins are shown.
const SHOWN: u16 = 20;

#[derive(Deserialize)]
pub struct UserPath {
    pub id: UserId,
}

/// The page about a user.
pub fn way(id: UserId) -> String {
    format!("{HERE}/{id}")
}

/// A role that the user has, and why.
#[derive(Serialize)]
struct HeldRole {
    name: String,
    /// Granted to them, and not through a group.
    granted: bool,
    granted_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    /// The groups on the way to it, the one they are in first.
    groups: Vec<String>,
}

/// An attribute, be it of the schema or not.
#[derive(Serialize)]
struct Attribute {
    name: String,
    /// What the schema calls it.
    title: Option<String>,
    /// Empty where the user has none.
    text: String,
    /// There is a schema, and it does not have it.
    is_unknown: bool,
}

/// The user, whom whoever looks may see. `User::permissions` decides.
pub async fn look_up(app: &App, staff: &Staff, id: UserId) -> AppResult<User> {
    let user = users::look_up(app.db.read(), id, app.clock.now()).await?;
    staff.authority().over(user.permissions)?;
    Ok(user)
}

pub async fn show(
    staff: Staff,
    Path(path): Path<UserPath>,
    parameters: Parameters,
    State(app): State<App>,
) -> AppResult<Response> {
    staff.require(Permission::UsersRead)?;
    let user = look_up(&app, &staff, path.id).await?;
    let schema = attributes::cached(&app).await?;
    let mut tx = staff.begin(&app).await?;
    let held = grants::list_permissions(&mut tx, staff.authority(), user.id, true).await?;
    let own_roles = list_roles(&mut tx, &user, &held).await?;
    let pending = emails::find_pending(&mut tx, user.id).await?;
    let credentials = second_factors::find_credentials(&app, &mut tx, user.id).await?;
    let memberships = groups::list_memberships(&mut tx, user.id).await?;
    let origin = invitations::find_origin(&mut tx, &staff, user.id).await?;
    let lists = list_all(&mut tx, &staff, user.id, &parameters).await?;
    tx.commit().await?;
    let factors = &credentials.second_factors;
    let has_factors = factors.totp_since.is_some() || factors.passkeys > 0;
    let values = context! {
        name => events::name_of(&user), way => way(user.id),
        acts => Serde(acts::offered(&staff, &user, has_factors)),
        held => Serde(held), held_roles => Serde(own_roles), memberships => Serde(memberships), credentials => Serde(credentials),
        pending => Serde(pending), origin => Serde(origin), attributes => Serde(list_attributes(&schema, &user)),
        myself => user.id == staff.person().user_id,
        user => Serde(user),
        ..lists
    };
    staff.page(&app, HERE, PAGE, values, &Faults::default())
}

/// Those of the schema in its order, then what the user has besides.
fn list_attributes(schema: &Schema, user: &User) -> Vec<Attribute> {
    let rules = &schema.document.properties;
    let known = rules.iter().map(|(name, rule)| Attribute {
        name: name.clone(),
        title: rule.title.clone(),
        text: user.attributes.get(name).map(|value| events::of_attribute(schema, name, value)).unwrap_or_default(),
        is_unknown: false,
    });
    let others = user.attributes.iter().filter(|(name, _)| !rules.contains_key(*name));
    let others = others.map(|(name, value)| Attribute {
        name: name.clone(),
        title: None,
        text: events::text(value),
        is_unknown: !rules.is_empty(),
    });
    known.chain(others).collect()
}

/// A part of a list on the page. Each list has its own place in the address.
#[derive(Serialize)]
struct Part<T> {
    items: Vec<T>,
    newest: Option<String>,
    older: Option<String>,
}

/// Where the lists of a page begin.
struct Places<'a> {
    id: UserId,
    parameters: &'a Parameters,
}

impl Places<'_> {
    /// What stands at `anchor`, and the ways to more of it.
    fn part<T>(&self, name: &str, anchor: &str, page: Page<T>) -> Part<T> {
        let to = |cursor: &str| format!("{}#{anchor}", address(&way(self.id), [(name, cursor)]));
        let newest = self.parameters.get(name).map(|_| to(""));
        Part { items: page.items, newest, older: page.next.as_deref().map(to) }
    }
}

/// What there may be many of: sessions, attempts to sign in, API keys, mails, and what has happened.
async fn list_all(tx: &mut Tx, staff: &Staff, id: UserId, parameters: &Parameters) -> AppResult<Value> {
    let limit = Limit::new(SHOWN).unwrap_or_default();
    let places = Places { id, parameters };
    let own_session = Some(staff.person().session_id);
    let sessions = sessions::list(tx, id, own_session, limit, parameters.get("sessions")).await?;
    let keys = api_keys::list(tx, Subject::User(id), limit, parameters.get("api_keys")).await?;
    let mails = outbox::list_to(tx, id, limit, parameters.get("mails")).await?;
    let mails = Page { items: mails.items.into_iter().map(mails::shown).collect(), next: mails.next, total: None };
    let mut attempts = None;
    if staff.may(Permission::SignInsRead) {
        let before: Option<Uuid> = parameters.get("sign_ins").map(page::decode).transpose()?;
        let found = sign_in::list_attempts(tx, id, before, limit.and_one(), false).await?;
        attempts = Some(places.part("sign_ins", "sign-ins", Page::cut(found, limit, |attempt| attempt.id)));
    }
    let history = list_history(tx, staff, id, parameters.get("cursor"), limit).await?;
    Ok(context! {
        sessions => Serde(places.part("sessions", "sessions", sessions)), keys => Serde(places.part("api_keys", "api-keys", keys)),
        mails => Serde(places.part("mails", "mails", mails)), attempts => Serde(attempts),
        history => Serde(places.part("cursor", "history", history)),
    })
}

/// Roles that were granted, then those through groups.
async fn list_roles(tx: &mut Tx, user: &User, held: &[Held]) -> AppResult<Vec<HeldRole>> {
    let granted = roles::list_grants(tx, user.id).await?;
    let mut all: Vec<HeldRole> = granted
        .into_iter()
        .map(|grant| HeldRole {
            name: grant.role,
            granted: true,
            granted_at: Some(grant.granted_at),
            expires_at: grant.expires_at,
            groups: Vec::new(),
        })
        .collect();
    let through = held.iter().flat_map(|held| held.through.iter().flatten()).filter(|through| !through.groups.is_empty());
    for through in through {
        let groups: Vec<String> = through.groups.iter().map(|group| group.name.clone()).collect();
        if !all.iter().any(|role| role.name == through.role && role.groups == groups) {
            let expires_at = through.expires_at;
            all.push(HeldRole { name: through.role.clone(), granted: false, granted_at: None, expires_at, groups });
        }
    }
    // One that names no permission is the reason of none.
    for name in &user.effective_roles {
        if !all.iter().any(|role| role.name == *name) {
            let name = name.clone();
            all.push(HeldRole { name, granted: false, granted_at: None, expires_at: None, groups: Vec::new() });
        }
    }
    Ok(all)
}

async fn list_history(
    tx: &mut Tx,
    staff: &Staff,
    id: UserId,
    cursor: Option<&str>,
    limit: Limit,
) -> AppResult<Page<events::Shown>> {
    let before: Option<Uuid> = cursor.map(page::decode).transpose()?;
    let wanted = Wanted { target_id: Some(id.to_string()), before, limit: limit.and_one(), ..Wanted::default() };
    let page = Page::cut(audit::list(tx, wanted).await?, limit, |event| event.id);
    Ok(Page { items: events::show(tx, staff, &page.items).await?, next: page.next, total: None })
}

/// Locks the user for a change, if the form was shown of how they are now.
pub async fn lock_as_seen(tx: &mut Tx, staff: &Staff, id: UserId, version: &str) -> AppResult<User> {
    let user = users::lock(tx, staff.authority(), id).await?;
    if user.version.to_string() == version {
        return Ok(user);
    }
    let detail = "Somebody has changed this user since the form was shown. Look at what is there now, then change it again.";
    Err(Rejection::conflict("changed_meanwhile", detail).into())
}
