//! How the service is called and how it looks, for programs.

use axum::extract::State;
use http::Method;
use serde_json::{Value, json};

use super::Branding;
use crate::app::App;
use crate::avatars::Sent;
use crate::brand::{self, Chosen, Standing};
use crate::caller::{Caller, Permission};
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::body::Json;
use crate::http::etag::IfMatch;
use crate::http::output::{NoContent, Tagged};
use crate::throttle::Limit;

const READ: Access = Access::Holding(Permission::SystemRead);
const WRITE: Access = Access::Holding(Permission::SystemWrite);
/// Drawing a picture is work.
const DRAWN: Limit = Limit::per_minutes("logos", 30, 10);
const LOGO: &str = "/v1/branding/logo";

pub fn router() -> Routes {
    let op = |method, path, access, summary| Op::new(method, path, access, "Branding", summary);
    Routes::new()
        .op(
            op(Method::GET, "/v1/branding", READ, "Read how the service looks")
                .description("What was chosen, and what holds: that, else what the settings say, else what usher comes with."),
            read_branding,
        )
        .op(
            op(Method::PUT, "/v1/branding", WRITE, "Choose how the service looks").description(
                "In the place of what was chosen before; what is left out is as the settings say. It counts in all processes within a \
                 moment. A colour in which, or on which, something could not be read is refused with the contrast that it reaches \
                 (`low_contrast`). The logo stays.",
            ),
            choose_branding,
        )
        .op(
            op(Method::PUT, LOGO, WRITE, "Set the logo")
                .limited_to(DRAWN)
                .description(
                    "PNG, JPEG or WebP of at most 5 MiB and 25 megapixels, drawn anew in at most 768 by 192 pixels: nothing else of the \
                     file is kept. One that is more than twice as wide as high stands for the name.",
                )
                .fails(
                    422,
                    "It is no picture of the type that it is said to be, is damaged, or has too many pixels or too few \
                     (`invalid_image`, `image_too_large`, `image_too_small`).",
                ),
            set_logo,
        )
        .op(op(Method::DELETE, LOGO, WRITE, "Remove the logo"), remove_logo)
}

/// What the documentation shows.
pub fn example() -> Value {
    json!({
        "chosen": {
            "name": "Accounts of Example", "color": "#8a1c5b", "color_dark": null,
            "links": [{ "label": "Imprint", "url": "https://www.example.org/imprint" }],
            "footer": "Example Ltd, Vienna", "sign_in_text": null, "register_text": null, "account_text": null,
        },
        "logo_url": "/branding/logo/0123456789abcdef0123456789abcdef.png",
        "in_force": { "name": "Accounts of Example", "color": "#8a1c5b", "color_dark": "#7fcdcf" },
        "version": 3, "updated_at": "2026-01-02T03:04:05Z",
    })
}

async fn read_branding(caller: Caller, State(app): State<App>) -> AppResult<Tagged<Branding>> {
    let mut tx = app.begin(&caller.origin).await?;
    let standing = brand::read(&mut tx).await?;
    tx.commit().await?;
    Ok(tagged(&app, standing))
}

async fn choose_branding(
    caller: Caller,
    State(app): State<App>,
    if_match: IfMatch,
    Json(chosen): Json<Chosen>,
) -> AppResult<Tagged<Branding>> {
    let mut tx = app.begin(&caller.origin).await?;
    let before = brand::lock(&mut tx).await?;
    if_match.require(before.version)?;
    let standing = super::set(&mut tx, before, chosen).await?;
    tx.commit().await?;
    brand::forget(&app);
    Ok(tagged(&app, standing))
}

async fn set_logo(caller: Caller, State(app): State<App>, sent: Sent) -> AppResult<Tagged<Branding>> {
    let standing = super::set_logo(&app, &caller.origin, sent).await?;
    Ok(tagged(&app, standing))
}

async fn remove_logo(caller: Caller, State(app): State<App>) -> AppResult<NoContent> {
    let mut tx = app.begin(&caller.origin).await?;
    let before = brand::lock(&mut tx).await?;
    super::remove_logo(&mut tx, &before).await?;
    tx.commit().await?;
    brand::forget(&app);
    Ok(NoContent)
}

fn tagged(app: &App, standing: Standing) -> Tagged<Branding> {
    let version = standing.version;
    Tagged { version, body: Branding::of(app, standing) }
}
