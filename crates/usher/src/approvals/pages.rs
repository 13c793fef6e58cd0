//! The page on which a person asks for professional status, and sees what became of it.

use axum::Router;
use axum::extract::Path;
use axum::extract::State as Extension;
use axum::extract::rejection::PathRejection;
use axum::response::Response;
use axum::routing::{get, post};
use minijinja::context;
use minijinja::value::Serde;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ApprovalRequest, Kind, NewRequest, State, Wanted};
use crate::app::App;
use crate::db::Tx;
use crate::error::{AppError, AppResult, Rejection};
use crate::html::{self, Faults, Field, Members, Notice, SignedForm, SignedIn, see_other};
use crate::id::{ApprovalRequestId, UserId};
use crate::languages::now;
use crate::users;

const PAGE: &str = "approvals/page.html";
const HERE: &str = "/account/professional";

pub fn router() -> Router<App> {
    Router::new()
        .route("/account/professional", get(show_professional).post(submit_request))
        .route("/account/professional/{id}/withdraw", post(submit_withdrawal))
}

async fn show_professional(signed_in: SignedIn, Extension(app): Extension<App>) -> AppResult<Response> {
    respond(&app, &signed_in, "", &Faults::default()).await
}

/// What is said with it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RequestForm {
    #[schemars(length(min = 1, max = 2000))]
    message: Option<String>,
}

async fn submit_request(Extension(app): Extension<App>, form: SignedForm) -> AppResult<Response> {
    let SignedForm { signed_in, members } = form;
    match ask(&app, &signed_in, &members).await {
        Ok(()) => html::done(&app, HERE, Notice::ApprovalAsked),
        // Something has changed since the page was shown; it says what.
        Err(AppError::Rejected(rejection))
            if ["already_granted", "already_requested", "not_offered", "profile_incomplete"].contains(&rejection.code) =>
        {
            Ok(see_other(HERE))
        }
        Err(error) => respond(&app, &signed_in, members.text("message"), &mended(error)?).await,
    }
}

/// What is to be mended, at the field.
fn mended(error: AppError) -> AppResult<Faults> {
    let (subject, missing) = (now().word("approval-message-subject"), now().word("approval-message-missing"));
    Faults::of(error, &[Field { name: "message", subject: &subject, missing: &missing }])
}

async fn ask(app: &App, signed_in: &SignedIn, members: &Members) -> AppResult<()> {
    let form: RequestForm = members.parse()?;
    let mut tx = app.begin(&signed_in.person.origin).await?;
    super::ask(app, &mut tx, &signed_in.person, &NewRequest { kind: Kind::Professional, message: form.message }).await?;
    tx.commit().await?;
    Ok(())
}

async fn submit_withdrawal(
    Extension(app): Extension<App>,
    path: Result<Path<String>, PathRejection>,
    SignedForm { signed_in, .. }: SignedForm,
) -> AppResult<Response> {
    let id: ApprovalRequestId = path.ok().and_then(|Path(id)| id.parse().ok()).ok_or_else(Rejection::not_found)?;
    let mut tx = app.begin(&signed_in.person.origin).await?;
    match super::withdraw(&mut tx, &signed_in.person, id).await {
        Ok(()) => {
            tx.commit().await?;
            html::done(&app, HERE, Notice::ApprovalWithdrawn)
        }
        // It has been decided since the page was shown.
        Err(error) if error.code() == Some("invalid_state") => Ok(see_other(HERE)),
        Err(error) => Err(error),
    }
}

async fn respond(app: &App, signed_in: &SignedIn, message: &str, faults: &Faults) -> AppResult<Response> {
    let person = &signed_in.person;
    let mut tx = app.begin(&person.origin).await?;
    let user = users::read(&mut tx, person.user_id).await?;
    let requests = own(&mut tx, person.user_id).await?;
    tx.commit().await?;
    let missing = Kind::Professional.missing(app, &user)?;
    let waiting = requests.iter().find(|request| request.state == State::Waiting).cloned();
    let state = match (user.professional_at.is_some(), &waiting) {
        (true, _) => "done",
        (false, Some(_)) => "sent",
        _ if !Kind::Professional.is_offered(app) => "closed",
        _ if !missing.is_empty() => "choose",
        _ => "form",
    };
    let values = context! {
        state => state,
        message => message,
        missing => missing,
        since => user.professional_at.map(|at| at.to_string()),
        waiting => Serde(waiting),
        earlier => Serde(requests.into_iter().filter(|request| request.state != State::Waiting).collect::<Vec<_>>()),
    };
    signed_in.page(app, HERE, PAGE, values, faults)
}

/// The newest of one's own requests for professional status.
async fn own(tx: &mut Tx, user_id: UserId) -> AppResult<Vec<ApprovalRequest>> {
    let wanted = Wanted { kind: Some(Kind::Professional), ..Wanted::default() };
    Ok(super::list_own(tx, user_id, &wanted).await?.items)
}
