//! Service accounts: which there are, one with its keys, a new one, and what can be different about one.

use axum::extract::State;
use axum::response::Response;
use minijinja::value::Serde;
use minijinja::{Value, context};
use schemars::JsonSchema;
use serde::Deserialize;

use super::parameters::{Parameters, address};
use super::service_account_acts as acts;
use super::staff::{Staff, StaffForm};
use crate::api_keys::{self, form};
use crate::app::{App, Ask};
use crate::caller::{Authority, Permission, PermissionSet, Subject};
use crate::db::page::Limit;
use crate::error::{AppError, AppResult, Rejection};
use crate::html::{self, Faults, Field, Members, Notice};
use crate::http::params::Path;
use crate::id::ServiceAccountId;
use crate::languages::now;
use crate::service_accounts::{self, Changes, ServiceAccount, ServiceAccountName};

pub const HERE: &str = "/admin/service-accounts";
const NEW: &str = "/admin/service-accounts/new";
const LIST_PAGE: &str = "console/service_accounts.html";
const PAGE: &str = "console/service_account.html";
const FORM_PAGE: &str = "console/service_account_form.html";

#[derive(Deserialize)]
pub struct AccountPath {
    pub id: ServiceAccountId,
}

/// The page about a service account.
pub fn way(id: ServiceAccountId) -> String {
    format!("{HERE}/{id}")
}

/// The account, which whoever looks may see.
pub async fn look_up(app: &App, staff: &Staff, id: ServiceAccountId) -> AppResult<ServiceAccount> {
    let mut tx = staff.begin(app).await?;
    let account = service_accounts::read_as(&mut tx, staff.authority(), id).await?;
    tx.commit().await?;
    Ok(account)
}

pub async fn list(staff: Staff, parameters: Parameters, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::ServiceAccountsRead)?;
    let wanted = (staff.authority(), parameters.get("cursor").map(ToOwned::to_owned));
    let ask: Ask<(Authority, Option<String>), _> =
        |tx, (by, cursor)| Box::pin(service_accounts::list(tx, *by, Limit::default(), cursor.as_deref()));
    let page = app.read_list(&staff.person().origin, &wanted, ask).await?;
    let values = context! {
        accounts => Serde(page.items),
        next => page.next.as_deref().map(|next| address(HERE, [("cursor", next)])),
        first => wanted.1.map(|_| HERE),
    };
    staff.page(&app, HERE, LIST_PAGE, values, &Faults::default())
}

pub async fn show(staff: Staff, Path(path): Path<AccountPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::ServiceAccountsRead)?;
    let mut tx = staff.begin(&app).await?;
    let account = service_accounts::read_as(&mut tx, staff.authority(), path.id).await?;
    // One page: nobody may hold more keys than that.
    let keys = api_keys::list(&mut tx, Subject::ServiceAccount(account.id), Limit::default(), None).await?;
    tx.commit().await?;
    let permissions: Vec<Value> = account
        .permissions
        .iter()
        .map(|permission| context! { name => permission.name(), about => form::about(*permission) })
        .collect();
    let values = context! {
        way => way(account.id), acts => acts::offered(&staff, &account), permissions => permissions,
        keys => Serde(keys.items), account => Serde(account),
    };
    staff.page(&app, HERE, PAGE, values, &Faults::default())
}

/// What the form says beside the permissions.
#[derive(Deserialize, JsonSchema)]
struct AccountForm {
    name: String,
    #[serde(default)]
    #[schemars(length(max = 500))]
    description: String,
}

/// What somebody wants an account to be.
struct Wanted {
    name: ServiceAccountName,
    description: String,
    permissions: PermissionSet,
}

impl Wanted {
    fn read(members: &Members) -> AppResult<Self> {
        let said: AccountForm = members.parse()?;
        let name = ServiceAccountName::parse(said.name.trim());
        Ok(Self {
            name: name.map_err(|why| Rejection::invalid_field("/name", "invalid", why))?,
            description: said.description.replace("\r\n", "\n").trim().to_owned(),
            permissions: form::permissions(members),
        })
    }
}

/// What is refused, at the fields of the form.
fn in_fields(error: AppError) -> AppResult<Faults> {
    let now = now();
    match error {
        AppError::Rejected(rejection) if rejection.code == "grant_exceeds_caller" => {
            Ok(Faults::at("permissions", now.problem(rejection.code, &rejection.detail)))
        }
        AppError::Rejected(rejection) if rejection.code == "changed_meanwhile" => Ok(Faults::at("reason", rejection.detail)),
        error => {
            let (subject, missing) = (now.word("service-account-name-subject"), now.word("service-account-name-missing"));
            let name = Field { name: "name", subject: &subject, missing: &missing };
            let subject = now.word("service-account-description-subject");
            Faults::of(error, &[name, Field { name: "description", subject: &subject, missing: "" }])
        }
    }
}

pub async fn show_new(staff: Staff, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::ServiceAccountsWrite)?;
    if let Some(proof) = staff.way_by_proof(&app, NEW) {
        return Ok(proof);
    }
    ask(&app, &staff, None, None, &Faults::default())
}

pub async fn submit_new(State(app): State<App>, StaffForm { staff, members }: StaffForm) -> AppResult<Response> {
    staff.require(Permission::ServiceAccountsWrite)?;
    if let Some(proof) = staff.way_by_proof(&app, NEW) {
        return Ok(proof);
    }
    match create(&app, &staff, &members).await {
        Ok(account) => html::done(&app, &way(account.id), Notice::Made),
        Err(error) => ask(&app, &staff, None, Some(&members), &in_fields(error)?),
    }
}

async fn create(app: &App, staff: &Staff, members: &Members) -> AppResult<ServiceAccount> {
    let wanted = Wanted::read(members)?;
    let mut tx = staff.begin_because(app, members).await?;
    let by = staff.authority();
    let account = service_accounts::create(&mut tx, by, &wanted.name, &wanted.description, wanted.permissions).await?;
    tx.commit().await?;
    Ok(account)
}

pub async fn show_edit(staff: Staff, Path(path): Path<AccountPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::ServiceAccountsWrite)?;
    let account = look_up(&app, &staff, path.id).await?;
    ask(&app, &staff, Some(&account), None, &Faults::default())
}

pub async fn submit_edit(
    Path(path): Path<AccountPath>,
    State(app): State<App>,
    StaffForm { staff, members }: StaffForm,
) -> AppResult<Response> {
    staff.require(Permission::ServiceAccountsWrite)?;
    match change(&app, &staff, path.id, &members).await {
        Ok(()) => html::done(&app, &way(path.id), Notice::Saved),
        Err(error) => {
            let faults = in_fields(error)?;
            let account = look_up(&app, &staff, path.id).await?;
            ask(&app, &staff, Some(&account), Some(&members), &faults)
        }
    }
}

async fn change(app: &App, staff: &Staff, id: ServiceAccountId, members: &Members) -> AppResult<()> {
    let Wanted { name, description, permissions } = Wanted::read(members)?;
    let mut tx = staff.begin_because(app, members).await?;
    let before = service_accounts::lock(&mut tx, staff.authority(), id).await?;
    if before.version.to_string() != members.text("version") {
        return Err(Rejection::conflict("changed_meanwhile", now().word("service-account-changed")).into());
    }
    let changes = Changes { name: Some(name), description: Some(description), permissions: Some(permissions) };
    service_accounts::update(&mut tx, staff.authority(), &before, changes).await?;
    tx.commit().await?;
    Ok(())
}

/// The form, of a new account or of one that is there. Nobody is offered permissions that they lack.
fn ask(
    app: &App,
    staff: &Staff,
    account: Option<&ServiceAccount>,
    sent: Option<&Members>,
    faults: &Faults,
) -> AppResult<Response> {
    let said = |name: &str, is: Option<&str>| sent.map_or(is.unwrap_or_default(), |sent| sent.text(name)).to_owned();
    let chosen: PermissionSet = account.into_iter().flat_map(|account| account.permissions.iter().copied()).collect();
    let values = context! {
        account_name => account.map(|account| account.name.as_str()),
        back => account.map_or_else(|| HERE.to_owned(), |account| way(account.id)),
        action => account.map_or_else(|| NEW.to_owned(), |account| format!("{}/edit", way(account.id))),
        name => said("name", account.map(|account| account.name.as_str())),
        description => said("description", account.map(|account| account.description.as_str())),
        version => said("version", account.map(|account| account.version.to_string()).as_deref()),
        reason => said("reason", None),
        permissions => form::boxes(sent, staff.person().permissions, chosen),
    };
    staff.page(app, HERE, FORM_PAGE, values, faults)
}
