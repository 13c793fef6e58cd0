//! The words of pages: in the language that was chosen at a page, else that of the profile, else the one that the browser likes best,
//! else that of the site. `t` says a message of the catalogues in templates.

use axum::extract::Request;
use axum::response::Response;
use fluent_bundle::FluentArgs;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, header};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind, HtmlEscape, Value, context};

use super::cookies::{self, Cookie, Cookies};
use crate::app::App;
use crate::error::AppResult;
use crate::languages::{self, Language};

/// How long a browser keeps what was chosen in it.
const KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);

tokio::task_local! {
    /// The page that is being answered, for a form that leads elsewhere and back.
    static HERE: String;
}

/// Answers a request in the language that is wanted.
pub async fn answering<F: Future>(app: &App, request: Request, answer: impl FnOnce(Request) -> F) -> F::Output {
    let uri = request.uri();
    // What was sent is not sent again.
    let here = if request.method() == Method::GET { uri.path_and_query().map_or("", PathAndQuery::as_str) } else { uri.path() };
    let here = if here.starts_with("/v1/") { "" } else { here };
    let (here, language) = (here.to_owned(), wanted(app, request.headers()));
    HERE.scope(here, languages::speaking(language, answer(request))).await
}

/// The language to answer in, as far as the request itself tells.
fn wanted(app: &App, headers: &HeaderMap) -> Language {
    let cookies = Cookies::read(headers, app.config.server.public_url.is_https()).unwrap_or_default();
    let accepted = || Language::accepted(headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?);
    chosen(&cookies).or_else(accepted).unwrap_or(app.config.server.language)
}

/// What was chosen in this browser.
fn chosen(cookies: &Cookies) -> Option<Language> {
    Language::of(cookies.get(Cookie::Language)?.reveal())
}

/// Who is signed in has a profile, whose language counts where nothing was chosen in this browser.
pub(super) fn heed_profile(cookies: &Cookies, locale: Option<&str>, zone: Option<&str>) {
    if let Some(zone) = zone {
        languages::turn_to_zone(zone);
    }
    if let Some(language) = locale.and_then(Language::of).filter(|_| chosen(cookies).is_none()) {
        languages::turn_to(language);
    }
}

/// Pages are in this language from now on, in this browser.
pub fn remember(app: &App, response: &mut Response, language: Language) -> AppResult<()> {
    cookies::set(app, response, Cookie::Language, language.tag(), Some(KEPT))
}

/// What templates say words with.
pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_function("t", say);
    // What a refusal says that was kept with its code, in English.
    environment.add_function("refusal", |code: Option<String>, detail: Option<String>| {
        languages::now().problem(&code.unwrap_or_default(), &detail.unwrap_or_default())
    });
    environment.add_function("page_language", || languages::now().tag());
    environment.add_function("writing_direction", || languages::now().direction());
    environment.add_function("other_languages", || {
        let others = Language::all().filter(|language| *language != languages::now());
        others.map(|language| context! { tag => language.tag(), name => language.name() }).collect::<Vec<_>>()
    });
    environment.add_function("this_page", || HERE.try_with(String::clone).unwrap_or_default());
    environment.add_filter("number", |number: i64| languages::now().number(number));
    environment.add_filter("date", |day: String| date_in_words(&day));
    environment.add_filter("day", |time: String, zone: Option<String>| in_words(&time, zone.as_deref(), Language::day_of));
    environment
        .add_filter("moment", |time: String, zone: Option<String>| in_words(&time, zone.as_deref(), Language::short_moment));
}

/// A time as people write it: in a zone that is given, or else in that of who looks.
fn in_words(time: &str, zone: Option<&str>, say: fn(Language, &Zoned) -> String) -> Result<String, Error> {
    let time: Timestamp = time.parse().map_err(|_| Error::new(ErrorKind::InvalidOperation, "it is no time"))?;
    let zone = zone.and_then(|zone| TimeZone::get(zone).ok()).unwrap_or_else(languages::zone_here);
    Ok(say(languages::now(), &time.to_zoned(zone)))
}

fn date_in_words(day: &str) -> Result<String, Error> {
    let day: Date = day.parse().map_err(|_| Error::new(ErrorKind::InvalidOperation, "it is no day"))?;
    Ok(languages::now().day(day))
}

/// A message. It may hold tags, since it is ours; what fills it in may not. `zone` is that of who looks, unless it is given.
#[expect(clippy::needless_pass_by_value, reason = "the engine hands it over")]
fn say(key: &str, values: Kwargs) -> Result<Value, Error> {
    let mut filled = FluentArgs::from_iter([("zone", languages::zone_name_here())]);
    for name in values.args() {
        let value: Value = values.get(name)?;
        match i64::try_from(value.clone()) {
            Ok(number) if value.is_number() => filled.set(name.to_owned(), number),
            _ => filled.set(name.to_owned(), escaped(&value)),
        }
    }
    let said = languages::now().say(key, &filled);
    // What no catalogue has is said by its key, which may come from elsewhere.
    Ok(if said == key { Value::from(said) } else { Value::from_safe_string(said) })
}

fn escaped(value: &Value) -> String {
    let text = value.to_string();
    if value.is_safe() { text } else { HtmlEscape(&text).to_string() }
}
