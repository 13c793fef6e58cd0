//! What operators choose of how the service is called and how it looks: one row, judged before it counts. All processes go by it within a
//! moment, in the next page and the next mail; an upgrade changes nothing of it.

mod api;
mod pages;
mod store;

#[cfg(test)]
mod tests;

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use url::Url;

pub use api::router;
pub use pages::router as pages;

use crate::app::App;
use crate::audit::{self, Event};
use crate::avatars::{self, Sent};
use crate::brand::{self, Brand, CONTRAST_MIN, Chosen, Color, DARK, LIGHT, Link, Logo, Scheme, Standing};
use crate::db::{DbResult, Origin, Tx};
use crate::error::{AppResult, FieldError, Rejection};
use crate::formats;
use crate::secret::sha256;

/// A logo is kept no larger, in pixels: three times what pages show of it.
const LOGO_MAX: (u32, u32) = (768, 192);

/// How the service is called and how it looks.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(extend("example" = api::example()))]
pub struct Branding {
    pub chosen: Chosen,
    /// Below the public URL; it changes with the picture.
    pub logo_url: Option<String>,
    pub in_force: InForce,
    /// 0 while nothing was ever chosen.
    pub version: i64,
    pub updated_at: Option<Timestamp>,
}

/// What holds: as was chosen, else as the settings say, else as usher comes.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "BrandingInForce")]
pub struct InForce {
    pub name: String,
    pub color: Color,
    pub color_dark: Color,
}

impl Branding {
    fn of(app: &App, standing: Standing) -> Self {
        let Brand { name, color, color_dark, .. } = Brand::of(&app.config.branding, standing.clone());
        Self {
            chosen: standing.chosen,
            logo_url: standing.logo.as_ref().map(Logo::url),
            in_force: InForce { name, color, color_dark },
            version: standing.version,
            updated_at: standing.updated_at,
        }
    }
}

/// Puts this in the place of what was chosen before. The logo stays. After the commit, [`brand::forget`] what was known.
pub async fn set(tx: &mut Tx, before: Standing, chosen: Chosen) -> AppResult<Standing> {
    let chosen = judge(chosen)?;
    if chosen == before.chosen {
        return Ok(before);
    }
    store::update_chosen(tx, &chosen).await?;
    audit::record(tx, Event::success("branding.changed").changed(&before.chosen, &chosen)).await?;
    brand::read(tx).await
}

/// Gives the service this logo, drawn anew. Begins a transaction of its own: nothing is drawn within one.
pub async fn set_logo(app: &App, origin: &Origin, sent: Sent) -> AppResult<Standing> {
    let drawn = avatars::draw_within(app, sent, LOGO_MAX).await?;
    let side = |pixels: u32| i32::try_from(pixels).unwrap_or(i32::MAX);
    let hash = HEXLOWER.encode(&sha256(&drawn.png)[..16]);
    let logo = Logo { hash, width: side(drawn.width), height: side(drawn.height) };
    let mut tx = app.begin(origin).await?;
    let before = brand::lock(&mut tx).await?;
    if before.logo.as_ref() == Some(&logo) {
        return Ok(before);
    }
    store::update_logo(&mut tx, &logo, &drawn.png).await?;
    record_logo(&mut tx, "branding.logo_set", before.logo.as_ref(), Some(&logo)).await?;
    let after = brand::read(&mut tx).await?;
    tx.commit().await?;
    brand::forget(app);
    Ok(after)
}

/// The service has no logo any more. After the commit, [`brand::forget`] what was known.
pub async fn remove_logo(tx: &mut Tx, before: &Standing) -> DbResult<()> {
    if before.logo.is_some() {
        store::delete_logo(tx).await?;
        record_logo(tx, "branding.logo_removed", before.logo.as_ref(), None).await?;
    }
    Ok(())
}

/// All is as the settings say again. After the commit, [`brand::forget`] what was known.
pub async fn restore(tx: &mut Tx, before: Standing) -> AppResult<()> {
    remove_logo(tx, &before).await?;
    set(tx, before, Chosen::default()).await?;
    Ok(())
}

async fn record_logo(tx: &mut Tx, action: &'static str, before: Option<&Logo>, after: Option<&Logo>) -> DbResult<()> {
    let said = |logo: Option<&Logo>| json!({ "logo": logo.map(Logo::url) });
    audit::record(tx, Event::success(action).changed(&said(before), &said(after))).await
}

/// What was chosen as it is kept, or everything that is wrong with it.
pub fn judge(chosen: Chosen) -> Result<Chosen, Rejection> {
    let mut faults = Vec::new();
    faults.extend(chosen.color.and_then(|color| low_contrast("/color", color, &LIGHT)));
    faults.extend(chosen.color_dark.and_then(|color| low_contrast("/color_dark", color, &DARK)));
    let mut links = Vec::new();
    for (at, link) in chosen.links.into_iter().enumerate() {
        match (formats::line(&link.label), address(&link.url)) {
            (Some(label), Some(url)) => links.push(Link { label, url }),
            (_, None) => {
                let detail = "must be an https:// or mailto: address";
                faults.push(FieldError::at_pointer(format!("/links/{at}/url"), "invalid", detail));
            }
            (None, _) => {
                let detail = "must have visible characters and no control characters";
                faults.push(FieldError::at_pointer(format!("/links/{at}/label"), "invalid", detail));
            }
        }
    }
    if !faults.is_empty() {
        return Err(Rejection::invalid_body(faults));
    }
    let text =
        |text: Option<String>| text.map(|text| text.replace("\r\n", "\n").trim().to_owned()).filter(|text| !text.is_empty());
    Ok(Chosen {
        name: chosen.name.as_deref().and_then(formats::line),
        color: chosen.color,
        color_dark: chosen.color_dark,
        links,
        footer: text(chosen.footer),
        sign_in_text: text(chosen.sign_in_text),
        register_text: text(chosen.register_text),
        account_text: text(chosen.account_text),
    })
}

fn low_contrast(pointer: &str, color: Color, scheme: &Scheme) -> Option<FieldError> {
    if scheme.contrast(color) >= CONTRAST_MIN {
        return None;
    }
    let (ratio, remedy) = (scheme.ratio(color), scheme.remedy);
    let detail =
        format!("reaches a contrast of {ratio}:1 only, and needs {CONTRAST_MIN}:1 to be read (WCAG 2.2, 1.4.3): choose {remedy}");
    Some(FieldError::at_pointer(pointer, "low_contrast", detail))
}

/// Where a link may lead, in its normal form.
fn address(text: &str) -> Option<String> {
    if text.starts_with("mailto:") {
        let url = Url::parse(text).ok()?;
        let (name, host) = url.path().split_once('@')?;
        return (!name.is_empty() && !host.is_empty()).then(|| url.into());
    }
    formats::web_url(text).filter(|url| url.starts_with("https://"))
}

/// The file of a logo, while it is the one of the service.
async fn find_logo(app: &App, hash: &str) -> AppResult<Option<Vec<u8>>> {
    if !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(None);
    }
    Ok(store::look_up_logo(app.db.pipeline(), hash).await?)
}
