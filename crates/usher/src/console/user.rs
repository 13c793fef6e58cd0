//! One user: who they are, where they stand and why they may do what they may do, where they are signed in, and what has happened.

use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use minijinja::context;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::parameters::{Parameters, address};
use super::staff::Staff;
use super::{acts, events, mails};
use crate::api_keys;
use crate::app::App;
use crate::attributes;
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

/// An attribute as the schema names it.
#[derive(Serialize)]
struct Attribute {
    name: String,
    text: String,
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
    let limit = Limit::new(SHOWN).unwrap_or_default();
    let mut tx = staff.begin(&app).await?;
    let held = grants::list_permissions(&mut tx, staff.authority(), user.id, true).await?;
    let own_roles = list_roles(&mut tx, &user, &held).await?;
    let own_session = Some(staff.person().session_id);
    let sessions = sessions::list(&mut tx, user.id, own_session, limit, None).await?;
    let attempts = if staff.may(Permission::SignInsRead) {
        let attempts = sign_in::list_attempts(&mut tx, user.id, None, limit.and_one(), false).await?;
        Some(Page::cut(attempts, limit, |attempt| attempt.id))
    } else {
        None
    };
    let pending = emails::find_pending(&mut tx, user.id).await?;
    let credentials = second_factors::find_credentials(&mut tx, user.id).await?;
    let keys = api_keys::list(&mut tx, Subject::User(user.id), limit, None).await?;
    let mails = outbox::list_to(&mut tx, user.id, limit, None).await?;
    let memberships = groups::list_memberships(&mut tx, user.id).await?;
    let (happened, older) = list_history(&mut tx, &staff, user.id, parameters.get("cursor"), limit).await?;
    tx.commit().await?;
    let attributes: Vec<Attribute> =
        user.attributes.iter().map(|(name, value)| Attribute { name: name.clone(), text: events::text(value) }).collect();
    let described: Vec<String> = schema.properties().iter().map(|property| property.name.clone()).collect();
    let values = context! {
        name => events::name_of(&user), way => way(user.id),
        acts => Serde(acts::offered(&staff, &user)),
        held => Serde(held), held_roles => Serde(own_roles), memberships => Serde(memberships),
        sessions => Serde(sessions.items), more_sessions => sessions.next.is_some(),
        credentials => Serde(credentials), keys => Serde(keys.items), more_keys => keys.next.is_some(),
        mails => Serde(mails.items.into_iter().map(mails::shown).collect::<Vec<_>>()), more_mails => mails.next.is_some(),
        attempts => Serde(attempts.map(|attempts| attempts.items)),
        history => Serde(happened), newest => parameters.get("cursor").is_none(),
        older => older.map(|next| format!("{}#history", address(&way(user.id), [("cursor", next.as_str())]))),
        pending => Serde(pending), attributes => Serde(attributes), described => described,
        myself => user.id == staff.person().user_id,
        user => Serde(user),
    };
    staff.page(&app, HERE, PAGE, values, &Faults::default())
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
) -> AppResult<(Vec<events::Shown>, Option<String>)> {
    let before: Option<Uuid> = cursor.map(page::decode).transpose()?;
    let wanted = Wanted { target_id: Some(id.to_string()), before, limit: limit.and_one(), ..Wanted::default() };
    let page = Page::cut(audit::list(tx, wanted).await?, limit, |event| event.id);
    Ok((events::show(tx, staff, &page.items).await?, page.next))
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
