//! How the service is called and how it looks: as was chosen (by the feature `branding`, which writes it down), else as the settings say,
//! else as usher comes. It is known where a request comes in, and used where pages and mails are made: deep below.

mod color;
mod store;
mod style;

use std::sync::Arc;
use std::time::Duration;

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use color::Color;
pub use store::{lock, read};
pub use style::{CONTRAST_MIN, DARK, LIGHT, Scheme, picture, stylesheet};

use crate::app::App;
use crate::config;
use crate::db::followed::Followed;
use crate::db::listen::Listener;
use crate::formats;
use crate::secret::sha256;

pub const LINKS_MAX: usize = 6;
/// Longest name, in characters.
pub const NAME_MAX: usize = 60;
/// Longest text, in characters.
pub const TEXT_MAX: usize = 500;
/// No page waits longer to learn how it looks.
const WITHIN: Duration = Duration::from_secs(1);
/// Where no page is.
const PAGELESS: [&str; 7] = ["/v1/", "/assets/", "/avatars/", "/branding", "/livez", "/readyz", "/metrics"];
/// A logo that is so much wider than high holds the name.
const WORDMARK_FROM: i32 = 2;

/// What was chosen. What is left out is as the settings say, or as usher comes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewBranding", extend("example" = serde_json::json!({
    "name": "Accounts of Example", "color": "#8a1c5b", "color_dark": "#f0a6cf",
    "links": [{ "label": "Imprint", "url": "https://www.example.org/imprint" }],
    "footer": "Example Ltd, Vienna", "sign_in_text": "Members only. Not one yet? Ask the office.",
})))]
pub struct Chosen {
    /// How the service is called.
    #[serde(default)]
    #[schemars(length(max = NAME_MAX), extend("format" = formats::LINE))]
    pub name: Option<String>,
    /// The colour of buttons and links, `#rrggbb`. It is refused unless what is written in it and on it reaches a contrast of 4.5:1.
    #[serde(default)]
    pub color: Option<Color>,
    /// The same where people like it dark.
    #[serde(default)]
    pub color_dark: Option<Color>,
    /// At the foot of every page, in this order.
    #[serde(default)]
    #[schemars(length(max = LINKS_MAX))]
    pub links: Vec<Link>,
    /// At the foot of every page.
    #[serde(default)]
    #[schemars(length(max = TEXT_MAX), extend("format" = formats::PARAGRAPHS))]
    pub footer: Option<String>,
    /// Above the form that signs in.
    #[serde(default)]
    #[schemars(length(max = TEXT_MAX), extend("format" = formats::PARAGRAPHS))]
    pub sign_in_text: Option<String>,
    /// Above the form that signs up.
    #[serde(default)]
    #[schemars(length(max = TEXT_MAX), extend("format" = formats::PARAGRAPHS))]
    pub register_text: Option<String>,
    /// At the top of everybody's account.
    #[serde(default)]
    #[schemars(length(max = TEXT_MAX), extend("format" = formats::PARAGRAPHS))]
    pub account_text: Option<String>,
}

/// A link at the foot of every page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "BrandingLink")]
pub struct Link {
    #[schemars(length(max = 40), extend("format" = formats::LINE))]
    pub label: String,
    /// `https:` or `mailto:`.
    #[schemars(length(max = 500))]
    pub url: String,
}

/// A picture in the place of the first letter of the name, or of all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    /// Of its file.
    pub hash: String,
    /// In pixels.
    pub width: i32,
    pub height: i32,
}

impl Logo {
    pub fn url(&self) -> String {
        format!("/branding/logo/{}.png", self.hash)
    }
}

/// What was chosen, as it is kept.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    pub chosen: Chosen,
    pub logo: Option<Logo>,
    pub version: i64,
    pub updated_at: Option<Timestamp>,
}

/// How the service is called and how it looks now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand {
    pub name: String,
    pub color: Color,
    pub color_dark: Color,
    pub logo: Option<Logo>,
    pub links: Vec<Link>,
    pub footer: Option<String>,
    pub sign_in_text: Option<String>,
    pub register_text: Option<String>,
    pub account_text: Option<String>,
    styles: Option<Styles>,
}

/// The styles of the colours, and what they are named by.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Styles {
    hash: String,
    text: String,
}

/// As usher comes.
impl Default for Brand {
    fn default() -> Self {
        let settings = config::Branding { name: "usher".to_owned(), color: LIGHT.accent, color_dark: DARK.accent };
        Self::of(&settings, Standing::default())
    }
}

impl Brand {
    pub fn of(settings: &config::Branding, standing: Standing) -> Self {
        let Standing { chosen, logo, .. } = standing;
        let (color, color_dark) = (chosen.color.unwrap_or(settings.color), chosen.color_dark.unwrap_or(settings.color_dark));
        let styles =
            stylesheet(color, color_dark).map(|text| Styles { hash: HEXLOWER.encode(&sha256(text.as_bytes())[..8]), text });
        Self {
            name: chosen.name.unwrap_or_else(|| settings.name.clone()),
            color,
            color_dark,
            logo,
            links: chosen.links,
            footer: chosen.footer,
            sign_in_text: chosen.sign_in_text,
            register_text: chosen.register_text,
            account_text: chosen.account_text,
            styles,
        }
    }

    /// Where its styles are, if it has any.
    pub fn styles_url(&self) -> Option<String> {
        self.styles.as_ref().map(|styles| format!("/branding.css?v={}", styles.hash))
    }

    /// The styles and their hash.
    pub fn styles(&self) -> Option<(&str, &str)> {
        self.styles.as_ref().map(|styles| (styles.text.as_str(), styles.hash.as_str()))
    }

    /// Whether the logo says the name.
    pub fn has_wordmark(&self) -> bool {
        self.logo.as_ref().is_some_and(|logo| logo.width > logo.height * WORDMARK_FROM)
    }
}

tokio::task_local! {
    /// That of the page that is being answered.
    static NOW: Arc<Brand>;
}

/// Pages that are made within look as the service does now.
pub async fn showing<F: Future>(app: &App, path: &str, within: F) -> F::Output {
    let is_pageless = PAGELESS.iter().any(|beginning| path.starts_with(beginning));
    let brand = if is_pageless { last(app) } else { in_force(app).await };
    NOW.scope(brand, within).await
}

/// That of the page that is being answered.
pub fn now() -> Arc<Brand> {
    NOW.try_with(Arc::clone).unwrap_or_default()
}

/// As this process knows it: at most a moment old.
pub async fn in_force(app: &App) -> Arc<Brand> {
    let read = async {
        let standing = store::look_up(app.db.pipeline()).await?;
        Ok::<_, crate::error::AppError>(Arc::new(Brand::of(&app.config.branding, standing)))
    };
    let kept = app.kept::<Followed<Brand>>();
    match tokio::time::timeout(WITHIN, kept.get(read)).await {
        Ok(Ok(brand)) => brand,
        // The page has worse to tell, and looks as it did.
        failed => {
            tracing::debug!(?failed, "how the service looks could not be read");
            last(app)
        }
    }
}

/// As this process has known it last, or as the settings have it.
fn last(app: &App) -> Arc<Brand> {
    let kept = app.kept::<Followed<Brand>>().last();
    kept.unwrap_or_else(|| Arc::new(Brand::of(&app.config.branding, Standing::default())))
}

/// It was changed by this process, which need not wait for word of it.
pub fn forget(app: &App) {
    app.kept::<Followed<Brand>>().forget();
}

/// Keeps it in memory and forgets it when it has changed.
pub fn follow(app: &App, listener: &Listener) {
    app.kept::<Followed<Brand>>().follow(listener, "usher_branding");
}
