//! Who was invited, by whom, and what came of it; and one invitation, which can be sent again or taken back.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};

use super::events::{self, Named};
use super::parameters::{Parameters, address};
use super::staff::{Staff, StaffForm};
use super::{acts, inviting, words};
use crate::app::{App, Ask};
use crate::audit;
use crate::caller::Permission;
use crate::db::Tx;
use crate::db::page::Limit;
use crate::error::{AppError, AppResult, Rejection};
use crate::html::{self, Faults, Notice};
use crate::http::params::Path;
use crate::id::{InvitationId, UserId};
use crate::invitations::{self, Delivery, Invitation, Wanted};
use crate::languages::now;

pub const HERE: &str = "/admin/invitations";
const LIST_PAGE: &str = "console/invitations.html";
const PAGE: &str = "console/invitation.html";
const ACT_PAGE: &str = "console/invitation_act.html";
/// So many on a page.
const SHOWN: u16 = 25;
/// So many events of one.
const EVENTS_SHOWN: i64 = 20;
/// Longest part of an address that is asked for, in characters.
const PART_MAX: usize = 254;

#[derive(Deserialize)]
pub struct InvitationPath {
    id: InvitationId,
}

/// The page about an invitation.
pub fn way(id: InvitationId) -> String {
    format!("{HERE}/{id}")
}

/// An invitation and whom it is about.
#[derive(Serialize)]
struct Shown<'a> {
    invitation: &'a Invitation,
    way: String,
    inviter: Named,
    /// The user who came of it.
    user: Option<Named>,
}

impl<'a> Shown<'a> {
    fn of(invitation: &'a Invitation, people: &HashMap<String, String>) -> Self {
        let by = &invitation.invited_by;
        let name = match (by.kind.as_str(), &by.name) {
            ("cli", _) => now().word("invitation-operator"),
            (_, Some(name)) => name.clone(),
            (_, None) => now().word("invitation-somebody-gone"),
        };
        let way_to = by.id.map(|id| id.to_string()).filter(|id| by.kind == "user" && people.contains_key(id));
        Self {
            invitation,
            way: way(invitation.id),
            inviter: Named { name, way: way_to.map(|id| format!("{}/{id}", super::user::HERE)) },
            user: invitation.accepted_by.map(|id| events::named_user(&id.to_string(), people)),
        }
    }
}

/// How a user came.
#[derive(Serialize)]
pub struct Origin {
    inviter: Named,
    /// To the invitation.
    way: String,
}

/// By which invitation a user came, as long as it is kept and for those who may look at it.
pub async fn find_origin(tx: &mut Tx, staff: &Staff, id: UserId) -> AppResult<Option<Origin>> {
    if !staff.may(Permission::InvitationsRead) {
        return Ok(None);
    }
    let Some(invitation) = invitations::find_accepted_by(tx, id).await? else { return Ok(None) };
    let people = find_people(tx, staff, std::slice::from_ref(&invitation)).await?;
    let Shown { inviter, way, .. } = Shown::of(&invitation, &people);
    Ok(Some(Origin { inviter, way }))
}

/// What the user is called by whose invitations the list is narrowed; the list itself may say it.
async fn name_inviter(tx: &mut Tx, staff: &Staff, id: UserId, found: &[Invitation]) -> AppResult<Named> {
    if let Some(one) = found.first() {
        let people = find_people(tx, staff, std::slice::from_ref(one)).await?;
        return Ok(Shown::of(one, &people).inviter);
    }
    let people = events::find_names(tx, staff, &[id]).await?;
    Ok(events::named_user(&id.to_string(), &people))
}

async fn find_people(tx: &mut Tx, staff: &Staff, shown: &[Invitation]) -> AppResult<HashMap<String, String>> {
    let inviters = shown.iter().map(|one| &one.invited_by).filter(|by| by.kind == "user");
    let inviters = inviters.filter_map(|by| by.id.map(UserId::from_uuid));
    let ids: Vec<UserId> = inviters.chain(shown.iter().filter_map(|one| one.accepted_by)).collect();
    Ok(events::find_names(tx, staff, &ids).await?)
}

pub async fn list(staff: Staff, parameters: Parameters, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::InvitationsRead)?;
    let asked = ["q", "state", "invited_by"].map(|name| (name, parameters.get(name).unwrap_or_default()));
    let [(_, part), (_, named), (_, inviter)] = asked;
    let invited_by = parameters.get("invited_by").map(str::parse::<UserId>).transpose().map_err(|_| Rejection::not_found())?;
    let mut faults = Faults::default();
    let state = invitations::State::parse(named);
    if state.is_none() && !named.is_empty() {
        faults = Faults::at("state", now().word("invitation-state-unknown"));
    }
    let wanted = Wanted {
        limit: Limit::new(SHOWN).unwrap_or_default(),
        cursor: parameters.get("cursor").map(ToOwned::to_owned),
        state,
        q: Some(part.chars().take(PART_MAX).collect()).filter(|part: &String| !part.is_empty()),
        invited_by,
    };
    let ask: Ask<Wanted, _> = |tx, wanted| Box::pin(invitations::list(tx, wanted));
    let page = if faults.is_empty() { Some(app.read_list(&staff.person().origin, &wanted, ask).await?) } else { None };
    let found: Vec<Invitation> = page.iter().flat_map(|page| page.items.clone()).collect();
    let mut tx = staff.begin(&app).await?;
    let counts = invitations::count(&mut tx).await?;
    let people = find_people(&mut tx, &staff, &found).await?;
    let chosen = match invited_by {
        Some(id) => Some(name_inviter(&mut tx, &staff, id, &found).await?),
        None => None,
    };
    tx.commit().await?;
    let next = page.as_ref().and_then(|page| page.next.as_deref());
    let values = context! {
        rows => Serde(found.iter().map(|one| Shown::of(one, &people)).collect::<Vec<_>>()),
        counts => Serde(counts), part => part, state => named, states => states(), is_found => page.is_some(),
        is_narrowed => asked.iter().any(|(_, value)| !value.is_empty()),
        first => wanted.cursor.as_ref().map(|_| address(HERE, asked)),
        next => next.map(|next| address(HERE, asked.into_iter().chain([("cursor", next)]))),
        inviter => inviter, chosen => Serde(chosen), of_anybody => address(HERE, [("q", part), ("state", named)]),
        may_invite => staff.may(Permission::InvitationsWrite),
    };
    staff.page(&app, HERE, LIST_PAGE, values, &faults)
}

fn states() -> Vec<(&'static str, String)> {
    let named = invitations::State::ALL.map(|state| (state.as_str(), words::of("invitation-state-", state.as_str())));
    [("", now().word("console-any"))].into_iter().chain(named).collect()
}

pub async fn show(staff: Staff, Path(path): Path<InvitationPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::InvitationsRead)?;
    let mut tx = staff.begin(&app).await?;
    let invitation = invitations::read(&mut tx, path.id).await?;
    let people = find_people(&mut tx, &staff, std::slice::from_ref(&invitation)).await?;
    let may_change = invitation.is_open() && may_change(&mut tx, &staff, &invitation).await?;
    let history = if staff.may(Permission::AuditRead) {
        let wanted = audit::Wanted { target_id: Some(path.id.to_string()), limit: EVENTS_SHOWN, ..audit::Wanted::default() };
        let happened = audit::list(&mut tx, wanted).await?;
        Some(events::show(&mut tx, &staff, &happened).await?)
    } else {
        None
    };
    tx.commit().await?;
    let values = context! {
        shown => Serde(Shown::of(&invitation, &people)), history => Serde(history),
        acts => Serde(if may_change { acts_of(&invitation) } else { Vec::new() }),
    };
    staff.page(&app, HERE, PAGE, values, &Faults::default())
}

async fn may_change(tx: &mut Tx, staff: &Staff, invitation: &Invitation) -> AppResult<bool> {
    if !staff.may(Permission::InvitationsWrite) {
        return Ok(false);
    }
    match invitations::require_giving(tx, staff.authority(), invitation).await {
        Ok(()) => Ok(true),
        Err(AppError::Rejected(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Something that can be done to an invitation.
#[derive(Serialize)]
struct Act {
    /// As in its address.
    name: &'static str,
    button: String,
    /// What comes of it.
    means: String,
    /// It takes something away.
    takes: bool,
}

fn revoke() -> Act {
    Act { name: "revoke", button: now().word("invitation-revoke"), means: now().word("invitation-revoke-means"), takes: true }
}

fn resend(delivery: Delivery) -> Act {
    let now = now();
    let (button, means) = match delivery {
        Delivery::Mail => (now.word("invitation-resend"), now.word("invitation-resend-means")),
        Delivery::Link => (now.word("invitation-new-link"), now.word("invitation-new-link-means")),
    };
    Act { name: "resend", button, means, takes: false }
}

fn acts_of(invitation: &Invitation) -> Vec<Act> {
    vec![resend(invitation.delivery), revoke()]
}

pub async fn show_resend(staff: Staff, Path(path): Path<InvitationPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::InvitationsWrite)?;
    let invitation = read(&app, &staff, path.id).await?;
    ask(&app, &staff, &invitation, &resend(invitation.delivery), &Faults::default())
}

pub async fn submit_resend(Path(path): Path<InvitationPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::InvitationsWrite)?;
    let mut tx = staff.begin_because(&app, &members).await?;
    let before = invitations::lock(&mut tx, staff.authority(), path.id).await?;
    let renewed = invitations::resend(&app, &mut tx, &before).await;
    match invitations::or_note(tx, renewed).await {
        Ok((tx, issued)) => {
            tx.commit().await?;
            inviting::answer(&app, &staff, &issued)
        }
        Err(error) => ask(&app, &staff, &before, &resend(before.delivery), &acts::as_fault(error)?),
    }
}

pub async fn show_revoke(staff: Staff, Path(path): Path<InvitationPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::InvitationsWrite)?;
    let invitation = read(&app, &staff, path.id).await?;
    ask(&app, &staff, &invitation, &revoke(), &Faults::default())
}

pub async fn submit_revoke(Path(path): Path<InvitationPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::InvitationsWrite)?;
    let mut tx = staff.begin_because(&app, &members).await?;
    let before = invitations::lock(&mut tx, staff.authority(), path.id).await?;
    match invitations::revoke(&mut tx, &before).await {
        Ok(()) => {
            tx.commit().await?;
            html::done(&app, &way(path.id), Notice::Revoked)
        }
        Err(error) => {
            drop(tx);
            ask(&app, &staff, &before, &revoke(), &acts::as_fault(error)?)
        }
    }
}

async fn read(app: &App, staff: &Staff, id: InvitationId) -> AppResult<Invitation> {
    let mut tx = staff.begin(app).await?;
    let invitation = invitations::read(&mut tx, id).await?;
    tx.commit().await?;
    Ok(invitation)
}

fn ask(app: &App, staff: &Staff, invitation: &Invitation, act: &Act, faults: &Faults) -> AppResult<Response> {
    let values = context! {
        invitation => Serde(invitation), back => way(invitation.id), action => format!("{}/{}", way(invitation.id), act.name),
        act => Serde(act),
    };
    staff.page(app, HERE, ACT_PAGE, values, faults)
}
