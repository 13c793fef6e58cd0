//! Renders a mail out of its text in the language of whoever gets it: the plain text, and the same as HTML.
//!
//! A text begins with lines that name its `Subject`, `Heading`, `Preheader` (what a list of mails shows beside the subject) and, with a
//! link, the `Button`. Its paragraphs follow after an empty line, each on one line. Lines that begin with `> ` are a quotation; the link and
//! the address of the site stand alone in theirs. A text that is not so is no mail, whoever has written it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, LazyLock};

use anyhow::Context as _;
use fluent_bundle::FluentArgs;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, context};
use serde::Serialize;

use super::{About, Body, FactorChange, Template};
use crate::brand::{Brand, DARK, LIGHT};
use crate::error::AppResult;
use crate::languages::Language;
use crate::{mail, qr_code};

/// Columns of the plain text.
const WIDTH: usize = 72;
/// What a text may cost: about one for each thing it does and for each 64 bytes.
const FUEL: u64 = 5_000;
const RECURSION_MAX: usize = 50;
/// Longest text with its values, in bytes.
const FILLED_MAX: usize = 64 * 1024;
/// What the head of a text names.
const HEAD: [&str; 4] = ["Subject", "Heading", "Preheader", "Button"];
/// How the link is written.
const LINK: &str = "{{ link }}";
/// The side of a module of a QR code, in pixels as a page counts them.
const CODE_PIXELS: usize = 4;

/// What texts may name.
pub struct Context<'a> {
    pub language: Language,
    /// Whose day and hour a mail tells.
    pub zone: TimeZone,
    /// How to greet; may be empty.
    pub name: &'a str,
    pub link: Option<String>,
    /// How long the link works.
    pub lifetime: Option<SignedDuration>,
    pub public_url: &'a str,
    pub brand: Arc<Brand>,
    pub about: &'a About,
}

pub struct Rendered {
    pub subject: String,
    pub body: Body,
}

/// A paragraph of a mail.
#[derive(Serialize)]
struct Part<'a> {
    kind: &'static str,
    lines: Vec<&'a str>,
}

/// A text, taken apart.
struct Text<'a> {
    subject: &'a str,
    heading: &'a str,
    preheader: &'a str,
    button: &'a str,
    parts: Vec<Part<'a>>,
}

static LAYOUT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("layout.html", include_str!("layout.html")).expect("the embedded layout is tested");
    environment
});

/// Of texts, which knows no other template and ends what goes on for too long.
static TEXTS: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(RECURSION_MAX);
    environment
});

/// Why a text is none of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Of the text, if it is known; the first is 1.
    line: Option<usize>,
    what: String,
}

impl Wrong {
    fn somewhere(what: impl Into<String>) -> Self {
        Self { line: None, what: what.into() }
    }

    /// In the first line of the text that fits.
    pub fn where_fits(source: &str, fits: impl Fn(&str) -> bool, what: impl Into<String>) -> Self {
        Self { line: source.lines().position(fits).map(|at| at + 1), what: what.into() }
    }

    fn of(error: &minijinja::Error) -> Self {
        let what = match (error.kind(), error.detail()) {
            (ErrorKind::OutOfFuel, _) => "it does too much: a mail needs no such loop".to_owned(),
            (ErrorKind::TemplateNotFound, _) => "it can't take in another text".to_owned(),
            (kind, Some(detail)) => format!("{kind}: {detail}"),
            (kind, None) => kind.to_string(),
        };
        Self { line: error.line(), what }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(formatter, "Line {line}: {}.", self.what),
            None => write!(formatter, "The text as a whole: {}.", self.what),
        }
    }
}

impl std::error::Error for Wrong {}

/// Renders a mail out of the text that usher comes with.
pub fn mail(template: Template, values: &Context<'_>) -> AppResult<Rendered> {
    let name = template.name();
    let source = values.language.mail(name).with_context(|| format!("finding the text of the mail {name}"))?;
    Ok(text(template, &source, values).with_context(|| format!("rendering the mail {name}"))?)
}

/// Renders a mail out of this text.
pub fn text(template: Template, source: &str, values: &Context<'_>) -> Result<Rendered, Wrong> {
    let filled = fill_in(source, values).map_err(|error| Wrong::of(&error))?;
    if filled.len() > FILLED_MAX {
        return Err(Wrong::somewhere("with its values it has more than 64 KiB"));
    }
    let text = take_apart(template, source, &filled, values)?;
    let code = values.link.clone().filter(|_| template.shows_code());
    let html = html(&text, values, code.as_deref()).map_err(|error| Wrong::of(&error))?;
    Ok(Rendered { subject: text.subject.to_owned(), body: Body { text: plain(&text, values), html, code } })
}

/// What a text names, whether it comes to it or not.
pub fn named(source: &str) -> Result<BTreeSet<String>, Wrong> {
    let template = TEXTS.template_from_str(source).map_err(|error| Wrong::of(&error))?;
    Ok(template.undeclared_variables(false).into_iter().collect())
}

fn fill_in(source: &str, values: &Context<'_>) -> Result<String, minijinja::Error> {
    let (about, language) = (values.about, values.language);
    let invited = about.invited.clone().unwrap_or_default();
    let ends = about.unused.and_then(|unused| unused.ends);
    let context = context! {
        product => values.brand.name.as_str(),
        name => values.name,
        link => values.link.as_deref().unwrap_or_default(),
        lifetime => values.lifetime.map(|lifetime| language.duration(lifetime)).unwrap_or_default(),
        public_url => values.public_url,
        event => event(values),
        since => about.unused.map(|unused| language.day(unused.since)).unwrap_or_default(),
        ending => ends.map(|(ending, _)| ending.as_str()).unwrap_or_default(),
        ends_on => ends.map(|(_, on)| language.day(on)).unwrap_or_default(),
        inviter => invited.by.unwrap_or_default(),
        message => quotation(invited.message.as_deref()),
        reason => quotation(about.reason.as_deref()),
        factor => about.factor.map(FactorChange::as_str).unwrap_or_default(),
    };
    TEXTS.render_str(source, context)
}

/// Each line is quoted: none of it can pass for a word of ours.
fn quotation(text: Option<&str>) -> String {
    text.unwrap_or_default().lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n")
}

/// When and from where something was done, a line each.
fn event(values: &Context<'_>) -> String {
    let at = values.about.at.map(|at| values.language.moment(at, &values.zone));
    let known = [
        ("mail-event-time", "at", at.as_deref()),
        ("mail-event-address", "address", values.about.address.as_deref()),
        ("mail-event-program", "program", values.about.user_agent.as_deref()),
    ];
    let line = |(key, name, value): (&str, &'static str, Option<&str>)| {
        Some(values.language.say(key, &FluentArgs::from_iter([(name, value?.to_owned())])))
    };
    known.into_iter().filter_map(line).collect::<Vec<_>>().join("\n")
}

fn take_apart<'a>(template: Template, source: &str, filled: &'a str, values: &Context<'_>) -> Result<Text<'a>, Wrong> {
    let (head, body) = filled.split_once("\n\n").ok_or_else(|| Wrong::somewhere("an empty line ends the head"))?;
    let link = values.link.as_deref().unwrap_or_default();
    let has_link = template.link().is_some();
    if has_link && head.contains(link) {
        return Err(Wrong::where_fits(source, names_link, "the link can't stand in the head"));
    }
    let head = read_head(source, head, has_link)?;
    let paragraphs =
        body.split("\n\n").map(|paragraph| paragraph.trim_matches('\n')).filter(|paragraph| !paragraph.trim().is_empty());
    let part = |paragraph: &'a str| {
        if paragraph.starts_with("> ") {
            let lines = paragraph.lines().map(|line| line.strip_prefix("> ").unwrap_or(line)).collect();
            return Part { kind: "quote", lines };
        }
        let kind = match paragraph {
            _ if paragraph == link => "action",
            _ if paragraph == values.public_url => "site",
            _ => "text",
        };
        Part { kind, lines: paragraph.lines().collect() }
    };
    let parts: Vec<Part<'_>> = paragraphs.map(part).collect();
    if has_link {
        require_link(source, &parts, link)?;
    }
    let [subject, heading, preheader, button] = head;
    Ok(Text { subject, heading, preheader, button, parts })
}

/// The link stands in the mail, and alone wherever it does: it becomes a button.
fn require_link(source: &str, parts: &[Part<'_>], link: &str) -> Result<(), Wrong> {
    let within = |part: &Part<'_>| part.kind == "text" && part.lines.iter().any(|line| line.contains(link));
    if parts.iter().any(within) {
        let what = format!("{LINK} has to stand in a paragraph of its own");
        return Err(Wrong::where_fits(source, |line| names_link(line) && line.trim() != LINK, what));
    }
    if parts.iter().all(|part| part.kind != "action") {
        return Err(Wrong::somewhere(format!("this mail needs its link: {LINK}, in a paragraph of its own")));
    }
    Ok(())
}

fn names_link(line: &str) -> bool {
    names(line, "link")
}

/// Whether a line of a text names this value, and not only the word.
pub fn names(line: &str, value: &str) -> bool {
    let tags = line.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    tags.flat_map(|tag| tag.split(|c: char| !c.is_alphanumeric() && c != '_')).any(|word| word == value)
}

/// What the lines of the head say, in the order of [`HEAD`]. The button is there if there is a link.
fn read_head<'a>(source: &str, head: &'a str, has_link: bool) -> Result<[&'a str; 4], Wrong> {
    let mut said = [""; 4];
    for line in head.lines() {
        let place = line.split_once(':').and_then(|(name, _)| HEAD.iter().position(|known| *known == name));
        let Some(place) = place.filter(|place| said[*place].is_empty()) else {
            let beginning: String = line.chars().take_while(|c| *c != ':').take(20).collect();
            let what = "the head has a line each for Subject, Heading, Preheader and Button, and ends with an empty line";
            return Err(Wrong::where_fits(source, |written| written.starts_with(&beginning), what));
        };
        said[place] = line[HEAD[place].len() + 1..].trim();
    }
    let needed = if has_link { HEAD.len() } else { HEAD.len() - 1 };
    match said.iter().take(needed).position(|said| said.is_empty()) {
        Some(missing) => Err(Wrong::somewhere(format!("the head needs a line “{}: …”", HEAD[missing]))),
        None => Ok(said),
    }
}

fn plain(text: &Text<'_>, values: &Context<'_>) -> String {
    let paragraph = |part: &Part<'_>| {
        let lines: Vec<String> = match part.kind {
            "action" | "site" => part.lines.iter().map(|line| (*line).to_owned()).collect(),
            "quote" => part.lines.iter().map(|line| format!("> {line}")).collect(),
            _ => part.lines.iter().map(|line| wrap(line)).collect(),
        };
        lines.join("\n")
    };
    let paragraphs: Vec<String> = text.parts.iter().map(paragraph).collect();
    format!("{}\n\n{}\n{}\n", paragraphs.join("\n\n"), values.brand.name, values.public_url)
}

/// Breaks a line between words. Addresses and names of programs stay whole.
fn wrap(line: &str) -> String {
    let (mut wrapped, mut column) = (String::with_capacity(line.len()), 0);
    for word in line.split_whitespace() {
        let length = word.chars().count();
        if column > 0 {
            let fits = column + 1 + length <= WIDTH;
            wrapped.push(if fits { ' ' } else { '\n' });
            column = if fits { column + 1 } else { 0 };
        }
        wrapped.push_str(word);
        column += length;
    }
    wrapped
}

fn html(text: &Text<'_>, values: &Context<'_>, code: Option<&str>) -> Result<String, minijinja::Error> {
    let (language, brand) = (values.language, &values.brand);
    let side = |code| match qr_code::draw(code) {
        Ok(drawn) => Ok(drawn.side * CODE_PIXELS),
        Err(error) => Err(minijinja::Error::new(ErrorKind::InvalidOperation, error.to_string())),
    };
    let code_side = code.map(side).transpose()?;
    LAYOUT.get_template("layout.html")?.render(context! {
        language => language.tag(),
        direction => language.direction(),
        product => brand.name.as_str(),
        subject => text.subject,
        heading => text.heading,
        preheader => text.preheader,
        button => text.button,
        parts => Serde(&text.parts),
        link => values.link.as_deref().unwrap_or_default(),
        public_url => values.public_url,
        link_fallback => language.word("mail-link-fallback"),
        sent_by => language.say("mail-sent-by", &FluentArgs::from_iter([("product", brand.name.as_str())])),
        code_side => code_side,
        code_lead => language.word("mail-code-lead"),
        code_name => language.word("mail-code-name"),
        picture => mail::PICTURE,
        color => brand.color.to_string(),
        color_dark => brand.color_dark.to_string(),
        on_color => LIGHT.on_accent.to_string(),
        on_color_dark => DARK.on_accent.to_string(),
    })
}
