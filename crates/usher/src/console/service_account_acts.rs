//! What is done to a service account: suspended, reactivated, deleted, and its keys made and revoked.

use axum::extract::State;
use axum::response::Response;
use minijinja::{Value, context};
use serde::Deserialize;

use super::acts::commit_end;
use super::question::Question;
use super::service_accounts::{AccountPath, HERE, look_up, way};
use super::staff::{Staff, StaffForm};
use crate::api_keys::{self, NewApiKey, form};
use crate::app::App;
use crate::caller::{Permission, Subject};
use crate::db::Tx;
use crate::error::{AppResult, Rejection};
use crate::html::{self, Faults, Members, Notice};
use crate::http::params::Path;
use crate::id::{ApiKeyId, ServiceAccountId};
use crate::languages::now;
use crate::service_accounts::{self, ServiceAccount, Status};

const KEY_PAGE: &str = "console/service_account_key.html";

/// Something that can be done to an account.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Reactivate,
    Suspend,
    Delete,
}

const ACTS: [Act; 3] = [Act::Reactivate, Act::Suspend, Act::Delete];

impl Act {
    /// As in its address.
    fn name(self) -> &'static str {
        match self {
            Self::Reactivate => "reactivate",
            Self::Suspend => "suspend",
            Self::Delete => "delete",
        }
    }

    fn button(self) -> String {
        match self {
            Self::Reactivate => now().word("console-reactivate"),
            Self::Suspend => now().word("console-suspend"),
            Self::Delete => now().word("console-delete"),
        }
    }

    /// What comes of it.
    fn means(self) -> String {
        match self {
            Self::Reactivate => now().word("service-account-means-reactivate"),
            Self::Suspend => now().word("service-account-means-suspend"),
            Self::Delete => now().word("service-account-means-delete"),
        }
    }

    /// It takes something away.
    fn takes(self) -> bool {
        self != Self::Reactivate
    }

    /// Whether it makes sense of an account that stands there.
    fn fits(self, account: &ServiceAccount) -> bool {
        match self {
            Self::Reactivate => account.status != Status::Active,
            Self::Suspend => account.status != Status::Suspended,
            Self::Delete => true,
        }
    }

    async fn carry_out(self, tx: &mut Tx, account: &ServiceAccount) -> AppResult<()> {
        match self {
            Self::Reactivate => service_accounts::set_status(tx, account, Status::Active).await.map(drop),
            Self::Suspend => service_accounts::set_status(tx, account, Status::Suspended).await.map(drop),
            Self::Delete => service_accounts::delete(tx, account).await,
        }
    }

    fn question(self, account: &ServiceAccount) -> Question {
        Question {
            button: self.button(),
            takes: self.takes(),
            means: self.means(),
            subject: account.name.clone(),
            action: format!("{}/act/{}", way(account.id), self.name()),
            ..of(account)
        }
    }
}

/// Those that fit the account and that whoever looks may do.
pub fn offered(staff: &Staff, account: &ServiceAccount) -> Vec<Value> {
    if !staff.may(Permission::ServiceAccountsWrite) {
        return Vec::new();
    }
    let shown = |act: Act| context! { name => act.name(), button => act.button(), takes => act.takes() };
    ACTS.into_iter().filter(|act| act.fits(account)).map(shown).collect()
}

fn of(account: &ServiceAccount) -> Question {
    let trail = vec![(HERE.to_owned(), now().word("console-place-service-accounts")), (way(account.id), account.name.clone())];
    Question { trail, ..Question::default() }
}

#[derive(Deserialize)]
pub struct ActPath {
    id: ServiceAccountId,
    act: String,
}

fn find(name: &str) -> Result<Act, Rejection> {
    ACTS.into_iter().find(|act| act.name() == name).ok_or_else(Rejection::not_found)
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
    match act {
        Act::Reactivate | Act::Suspend => html::done(&app, &way(path.id), Notice::Saved),
        Act::Delete => html::done(&app, HERE, Notice::Removed),
    }
}

pub async fn show_new_key(staff: Staff, Path(path): Path<AccountPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::ServiceAccountsWrite)?;
    if let Some(proof) = staff.way_by_proof(&app, &key_way(path.id)) {
        return Ok(proof);
    }
    let account = look_up(&app, &staff, path.id).await?;
    ask_for_key(&app, &staff, &account, None, &Faults::default())
}

pub async fn submit_new_key(
    Path(path): Path<AccountPath>,
    State(app): State<App>,
    StaffForm { staff, members }: StaffForm,
) -> AppResult<Response> {
    staff.require(Permission::ServiceAccountsWrite)?;
    if let Some(proof) = staff.way_by_proof(&app, &key_way(path.id)) {
        return Ok(proof);
    }
    match create_key(&app, &staff, path.id, &members).await {
        Ok((account, made)) => show_made(&app, &staff, &account, &made),
        Err(error) => {
            let faults = form::in_fields(error)?;
            let account = look_up(&app, &staff, path.id).await?;
            ask_for_key(&app, &staff, &account, Some(&members), &faults)
        }
    }
}

fn key_way(id: ServiceAccountId) -> String {
    format!("{}/keys/new", way(id))
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
        account_name => account.name.as_str(), back => way(account.id), action => key_way(account.id),
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
    let key = api_keys::read(&mut tx, Subject::ServiceAccount(account.id), path.key_id).await?;
    tx.commit().await?;
    let question = Question::of_key(key, of(&account).trail, format!("{}/keys/{}/revoke", way(account.id), path.key_id));
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
    let revoked = api_keys::revoke(&mut tx, Subject::ServiceAccount(account.id), path.key_id).await;
    commit_end(tx, revoked).await?;
    html::done(&app, &way(path.id), Notice::Revoked)
}
