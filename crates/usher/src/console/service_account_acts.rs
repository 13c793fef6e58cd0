//! What is done to a service account: suspended, reactivated, deleted, and its keys made and revoked.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use serde::{Deserialize, Serialize};

use super::question::Question;
use super::service_accounts::{AccountPath, HERE, look_up, way};
use super::staff::{Staff, StaffForm};
use crate::api_keys::{self, NewApiKey, form};
use crate::app::App;
use crate::caller::{Permission, Subject};
use crate::db::Tx;
use crate::db::page::Limit;
use crate::error::{AppResult, Rejection};
use crate::html::{self, Faults, Members, Notice};
use crate::http::params::Path;
use crate::id::{ApiKeyId, ServiceAccountId};
use crate::service_accounts::{self, ServiceAccount, Status};

const KEY_PAGE: &str = "console/service_account_key.html";

/// Something that can be done to an account.
#[derive(Clone, Copy, Serialize)]
pub struct Act {
    /// As in its address.
    name: &'static str,
    button: &'static str,
    #[serde(skip)]
    means: &'static str,
    takes: bool,
    #[serde(skip)]
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    SetStatus(Status),
    Delete,
}

const ACTS: [Act; 3] = [
    Act {
        name: "reactivate",
        button: "Reactivate",
        means: "Its keys open again what they opened before.",
        takes: false,
        kind: Kind::SetStatus(Status::Active),
    },
    Act {
        name: "suspend",
        button: "Suspend",
        means: "Its keys open nothing from their next request on, until it is reactivated.",
        takes: true,
        kind: Kind::SetStatus(Status::Suspended),
    },
    Act {
        name: "delete",
        button: "Delete",
        means: "It is removed for good, and its keys open nothing from their next request on. What it did stays in the audit trail.",
        takes: true,
        kind: Kind::Delete,
    },
];

impl Act {
    /// Whether it makes sense of an account that stands there.
    fn fits(&self, account: &ServiceAccount) -> bool {
        match self.kind {
            Kind::SetStatus(status) => account.status != status,
            Kind::Delete => true,
        }
    }

    async fn carry_out(&self, tx: &mut Tx, account: &ServiceAccount) -> AppResult<()> {
        match self.kind {
            Kind::SetStatus(status) => service_accounts::set_status(tx, account, status).await.map(drop),
            Kind::Delete => service_accounts::delete(tx, account).await,
        }
    }

    fn question(&self, account: &ServiceAccount) -> Question {
        Question {
            button: self.button.to_owned(),
            takes: self.takes,
            means: self.means.to_owned(),
            subject: account.name.clone(),
            action: format!("{}/act/{}", way(account.id), self.name),
            ..of(account)
        }
    }
}

/// Those that fit the account and that whoever looks may do.
pub fn offered(staff: &Staff, account: &ServiceAccount) -> Vec<Act> {
    if !staff.may(Permission::ServiceAccountsWrite) {
        return Vec::new();
    }
    ACTS.into_iter().filter(|act| act.fits(account)).collect()
}

fn of(account: &ServiceAccount) -> Question {
    let trail = vec![(HERE.to_owned(), "Service accounts".to_owned()), (way(account.id), account.name.clone())];
    Question { trail, ..Question::default() }
}

#[derive(Deserialize)]
pub struct ActPath {
    id: ServiceAccountId,
    act: String,
}

fn find(name: &str) -> Result<Act, Rejection> {
    ACTS.into_iter().find(|act| act.name == name).ok_or_else(Rejection::not_found)
}

pub async fn show(staff: Staff, Path(path): Path<ActPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::ServiceAccountsWrite)?;
    let act = find(&path.act)?;
    let account = look_up(&app, &staff, path.id).await?;
    act.question(&account).ask(&app, &staff, HERE, &Faults::default())
}

pub async fn submit(
    Path(path): Path<ActPath>,
    State(app): State<App>,
    StaffForm { staff, members }: StaffForm,
) -> AppResult<Response> {
    staff.require(Permission::ServiceAccountsWrite)?;
    let act = find(&path.act)?;
    let mut tx = staff.begin_because(&app, &members).await?;
    let account = service_accounts::lock(&mut tx, staff.authority(), path.id).await?;
    act.carry_out(&mut tx, &account).await?;
    tx.commit().await?;
    match act.kind {
        Kind::SetStatus(_) => html::done(&app, &way(path.id), Notice::Saved),
        Kind::Delete => html::done(&app, HERE, Notice::Removed),
    }
}

pub async fn show_new_key(staff: Staff, Path(path): Path<AccountPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::ServiceAccountsWrite)?;
    let account = look_up(&app, &staff, path.id).await?;
    ask_for_key(&app, &staff, &account, None, &Faults::default())
}

pub async fn submit_new_key(
    Path(path): Path<AccountPath>,
    State(app): State<App>,
    StaffForm { staff, members }: StaffForm,
) -> AppResult<Response> {
    staff.require(Permission::ServiceAccountsWrite)?;
    match create_key(&app, &staff, path.id, &members).await {
        Ok((account, made)) => show_made(&app, &staff, &account, &made),
        Err(error) => {
            let faults = form::in_fields(error)?;
            let account = look_up(&app, &staff, path.id).await?;
            ask_for_key(&app, &staff, &account, Some(&members), &faults)
        }
    }
}

async fn create_key(app: &App, staff: &Staff, id: ServiceAccountId, members: &Members) -> AppResult<(ServiceAccount, NewApiKey)> {
    let wish = form::read(members, app.clock.now())?;
    let mut tx = staff.begin_because(app, members).await?;
    let account = service_accounts::lock(&mut tx, staff.authority(), id).await?;
    let made = service_accounts::create_key(app, &mut tx, staff.authority(), &account, &wish).await?;
    tx.commit().await?;
    Ok((account, made))
}

/// The key is shown by the answer itself: it is not kept, so there is no page to come back to.
fn show_made(app: &App, staff: &Staff, account: &ServiceAccount, made: &NewApiKey) -> AppResult<Response> {
    let values = context! {
        account_name => account.name.as_str(), back => way(account.id), key => made.key.as_str(),
        key_name => made.api_key.name.as_str(), expires_at => made.api_key.expires_at.to_string(),
    };
    staff.page(app, HERE, KEY_PAGE, values, &Faults::default())
}

fn ask_for_key(
    app: &App,
    staff: &Staff,
    account: &ServiceAccount,
    sent: Option<&Members>,
    faults: &Faults,
) -> AppResult<Response> {
    let held = account.permissions.iter().copied().collect();
    let values = context! {
        account_name => account.name.as_str(), back => way(account.id), action => format!("{}/keys/new", way(account.id)),
        key => (), reason => sent.map(|sent| sent.text("reason")).unwrap_or_default(),
        ..form::choices(app, sent, held, held)
    };
    staff.page(app, HERE, KEY_PAGE, values, faults)
}

#[derive(Deserialize)]
pub struct KeyPath {
    id: ServiceAccountId,
    key_id: ApiKeyId,
}

pub async fn show_revoke(staff: Staff, Path(path): Path<KeyPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::ServiceAccountsWrite)?;
    let mut tx = staff.begin(&app).await?;
    let account = service_accounts::read_as(&mut tx, staff.authority(), path.id).await?;
    let keys = api_keys::list(&mut tx, Subject::ServiceAccount(account.id), Limit::default(), None).await?;
    tx.commit().await?;
    let key = keys.items.into_iter().find(|key| key.id == path.key_id).ok_or_else(Rejection::not_found)?;
    let question = Question {
        button: "Revoke the key".to_owned(),
        takes: true,
        means: "Nothing opens with it from the next request on. That can't be undone: the program needs a new key then."
            .to_owned(),
        subject: key.name,
        detail: format!("{}…", key.prefix),
        action: format!("{}/keys/{}/revoke", way(account.id), key.id),
        ..of(&account)
    };
    question.ask(&app, &staff, HERE, &Faults::default())
}

pub async fn submit_revoke(
    Path(path): Path<KeyPath>,
    State(app): State<App>,
    StaffForm { staff, members }: StaffForm,
) -> AppResult<Response> {
    staff.require(Permission::ServiceAccountsWrite)?;
    let mut tx = staff.begin_because(&app, &members).await?;
    let account = service_accounts::read_as(&mut tx, staff.authority(), path.id).await?;
    match api_keys::revoke(&mut tx, Subject::ServiceAccount(account.id), path.key_id).await {
        Ok(()) => tx.commit().await?,
        // It has ended since the page was shown.
        Err(error) if error.code() == Some("not_found") => {}
        Err(error) => return Err(error),
    }
    html::done(&app, &way(path.id), Notice::Revoked)
}
