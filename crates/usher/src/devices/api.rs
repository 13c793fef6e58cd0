//! The devices on which one's second factor is not asked for.

use axum::extract::State;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{TrustedDevice, distrust, distrust_all, list_trusted};
use crate::app::App;
use crate::caller::Person;
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::output::{Answer, NoContent};
use crate::http::params::Path;
use crate::id::DeviceId;

pub fn router() -> Routes {
    let op = |method, path, summary| Op::new(method, path, Access::SignedIn, "Second factors", summary);
    Routes::new()
        .op(
            op(Method::GET, "/v1/me/trusted-devices", "List your trusted devices").description(
                "Those on which a sign-in does not ask for the second factor, the newest first. `trust_device` of \
                 `POST /v1/login/second-factor` makes one.",
            ),
            list_my_trusted_devices,
        )
        .op(op(Method::DELETE, "/v1/me/trusted-devices", "Trust none of your devices any more"), forget_my_trusted_devices)
        .op(op(Method::DELETE, "/v1/me/trusted-devices/{id}", "Trust a device no more"), forget_my_trusted_device)
}

/// Devices that are trusted.
#[derive(Serialize, JsonSchema)]
struct TrustedDevices {
    items: Vec<TrustedDevice>,
}

#[derive(Deserialize, JsonSchema)]
struct DevicePath {
    /// The device's id.
    id: DeviceId,
}

async fn list_my_trusted_devices(person: Person, State(app): State<App>) -> AppResult<Answer<TrustedDevices>> {
    let mut tx = app.begin(&person.origin).await?;
    let items = list_trusted(&mut tx, person.user_id, app.config.tokens.trusted_device).await?;
    tx.commit().await?;
    Ok(Answer(TrustedDevices { items }))
}

async fn forget_my_trusted_devices(person: Person, State(app): State<App>) -> AppResult<NoContent> {
    let mut tx = app.begin(&person.origin).await?;
    distrust_all(&mut tx, person.user_id).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn forget_my_trusted_device(person: Person, State(app): State<App>, Path(path): Path<DevicePath>) -> AppResult<NoContent> {
    let mut tx = app.begin(&person.origin).await?;
    distrust(&mut tx, person.user_id, path.id).await?;
    tx.commit().await?;
    Ok(NoContent)
}
