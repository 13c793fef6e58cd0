//! Who opens a page of the console: somebody who is signed in and holds a permission that one of its pages needs.

use std::sync::{Arc, OnceLock};

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{Extensions, StatusCode};
use minijinja::value::Serde;
use minijinja::{Value, context};

use crate::app::App;
use crate::caller::{Authority, Permission, PermissionSet, Person};
use crate::db::{DbResult, Origin, Tx};
use crate::error::{AppResult, Rejection};
use crate::html::{Faults, Members, SentFile, SignedForm, SignedIn, SignedUpload, StreamedForm};

/// Longest reason, in characters; as that of `X-Reason`.
const REASON_MAX: usize = 500;

/// What is known of who asks, for a refusal to be noted.
#[derive(Clone, Default)]
pub struct Asker(Arc<Asked>);

#[derive(Default)]
struct Asked {
    origin: OnceLock<Origin>,
    lacks: OnceLock<Permission>,
    refused: OnceLock<&'static str>,
}

impl Asker {
    fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or_default()
    }

    pub fn origin(&self) -> Option<Origin> {
        self.0.origin.get().cloned()
    }

    pub fn lacks(&self) -> Option<Permission> {
        self.0.lacks.get().copied()
    }

    /// The code of a refusal that is said at a form.
    pub fn refused(&self) -> Option<&'static str> {
        self.0.refused.get().copied()
    }
}

pub struct Staff {
    signed_in: SignedIn,
    asker: Asker,
}

impl Staff {
    fn admit(signed_in: SignedIn, asker: Asker) -> Result<Self, Rejection> {
        asker.0.origin.get_or_init(|| signed_in.person.origin.clone());
        if signed_in.person.permissions.opens_console() {
            return Ok(Self { signed_in, asker });
        }
        Err(Rejection::forbidden(
            "This is for those who look after users here, and you hold no permission that opens a part of it.",
        ))
    }

    /// The same as they stand now, if a part of the console is still open to them.
    pub async fn again(&self, app: &App) -> AppResult<Option<Self>> {
        let signed_in = self.signed_in.again(app).await?.filter(|found| found.person.permissions.opens_console());
        Ok(signed_in.map(|signed_in| Self { signed_in, asker: self.asker.clone() }))
    }

    pub fn person(&self) -> &Person {
        &self.signed_in.person
    }

    pub fn authority(&self) -> Authority {
        self.person().authority()
    }

    pub fn may(&self, permission: Permission) -> bool {
        self.person().permissions.contains(permission)
    }

    /// For what needs the permission.
    pub fn require(&self, permission: Permission) -> Result<(), Rejection> {
        if self.may(permission) {
            return Ok(());
        }
        self.asker.0.lacks.get_or_init(|| permission);
        Err(Rejection::forbidden(format!("This needs the permission {}.", permission.name())))
    }

    /// They may send the form, but not what it says: the page that shows it again is a refusal, and is noted as one.
    pub fn refuse(&self, code: &'static str) {
        self.asker.0.refused.get_or_init(|| code);
    }

    /// A transaction that only reads.
    pub async fn begin(&self, app: &App) -> DbResult<Tx> {
        app.begin(&self.person().origin).await
    }

    /// A transaction of a form; its reason goes to the audit trail.
    pub async fn begin_because(&self, app: &App, members: &Members) -> DbResult<Tx> {
        app.begin(&self.origin_because(members)).await
    }

    /// Who sends a form, and for which reason.
    pub fn origin_because(&self, members: &Members) -> Origin {
        let said: String = members.text("reason").trim().chars().filter(|c| !c.is_control()).take(REASON_MAX).collect();
        let reason = Some(said).filter(|reason| !reason.is_empty());
        let mut origin = self.person().origin.clone();
        origin.reason = reason.or(origin.reason);
        origin
    }

    /// The way by a fresh proof and back, where what they want to do needs one.
    pub fn way_by_proof(&self, app: &App, back: &str) -> Option<Response> {
        self.signed_in.way_by_proof(app, back)
    }

    /// The same, where that goes for what is given or taken only.
    pub fn way_by_proof_of(&self, app: &App, granted: PermissionSet, back: &str) -> Option<Response> {
        if granted.exceeds_manager() { self.way_by_proof(app, back) } else { None }
    }

    /// A page. `here` is the place in the navigation that it belongs to.
    pub fn page(&self, app: &App, here: &str, name: &str, values: Value, faults: &Faults) -> AppResult<Response> {
        let may = self.person().permissions.names();
        let mut response = self.signed_in.page(app, here, name, context! { may => Serde(may), ..values }, faults)?;
        if self.asker.refused().is_some() {
            *response.status_mut() = StatusCode::FORBIDDEN;
        }
        Ok(response)
    }
}

impl FromRequestParts<App> for Staff {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let signed_in = SignedIn::from_request_parts(parts, app).await?;
        Self::admit(signed_in, Asker::of(&parts.extensions)).map_err(IntoResponse::into_response)
    }
}

/// A form of the console that was sent.
pub struct StaffForm {
    pub staff: Staff,
    pub members: Members,
}

impl FromRequest<App> for StaffForm {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Self::Rejection> {
        let asker = Asker::of(request.extensions());
        let SignedForm { signed_in, members } = SignedForm::from_request(request, app).await?;
        let staff = Staff::admit(signed_in, asker).map_err(IntoResponse::into_response)?;
        Ok(Self { staff, members })
    }
}

/// A form of the console with a file that is on its way.
pub struct StaffStream {
    pub staff: Staff,
    pub members: Members,
    pub file: Option<SentFile>,
}

impl FromRequest<App> for StaffStream {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Self::Rejection> {
        let (mut parts, body) = request.into_parts();
        // Nothing as large is read of somebody who may not send it.
        let staff = Staff::from_request_parts(&mut parts, app).await?;
        let request = Request::from_parts(parts, body);
        let read = StreamedForm::read(app, request, &staff.signed_in).await;
        let StreamedForm { members, file } = read.map_err(IntoResponse::into_response)?;
        Ok(Self { staff, members, file })
    }
}

/// A form of the console with a picture.
pub struct StaffUpload {
    pub staff: Staff,
    pub members: Members,
    /// As that of [`SignedUpload`].
    pub file: AppResult<Bytes>,
}

impl FromRequest<App> for StaffUpload {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Self::Rejection> {
        let (mut parts, body) = request.into_parts();
        // Nothing as large is read of somebody who may not send it.
        let Staff { signed_in, asker } = Staff::from_request_parts(&mut parts, app).await?;
        let read = SignedUpload::read(app, Request::from_parts(parts, body), signed_in).await;
        let SignedUpload { signed_in, members, file } = read.map_err(IntoResponse::into_response)?;
        Ok(Self { staff: Staff { signed_in, asker }, members, file })
    }
}
