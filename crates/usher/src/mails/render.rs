//! Renders a mail out of its text in the language of whoever gets it: the plain text, and the same as HTML.
//!
//! A text begins with lines that name its `Subject`, `Heading`, `Preheader` (what a list of mails shows beside the subject) and, with a
//! link, the `Button`. Its paragraphs follow after an empty line, each on one line. Lines that begin with `> ` are a quotation; the link and
//! the address of the site stand alone in theirs.

use std::sync::LazyLock;

use anyhow::Context as _;
use fluent_bundle::FluentArgs;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use serde::Serialize;

use super::{About, Body, FactorChange, Template};
use crate::error::AppResult;
use crate::languages::Language;
use crate::{mail, qr_code};

const PRODUCT: &str = "usher";
/// Columns of the plain text.
const WIDTH: usize = 72;
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

static TEXTS: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| if name == "layout.html" { AutoEscape::Html } else { AutoEscape::None });
    environment.add_template("layout.html", include_str!("layout.html")).expect("the embedded layout is tested");
    environment
});

/// Renders a mail.
pub fn mail(template: Template, values: &Context<'_>) -> AppResult<Rendered> {
    let name = template.name();
    let source = values.language.mail(name).with_context(|| format!("finding the text of the mail {name}"))?;
    let text = fill_in(&source, values).with_context(|| format!("filling in the mail {name}"))?;
    let link = values.link.as_deref().unwrap_or_default();
    let text = take_apart(&text, link, values.public_url).with_context(|| format!("reading the mail {name}"))?;
    let code = values.link.clone().filter(|_| template.shows_code());
    let html = html(&text, values, code.as_deref()).context("rendering the layout of mails")?;
    let body = Body { text: plain(&text, values), html, code };
    Ok(Rendered { subject: text.subject.to_owned(), body })
}

fn fill_in(source: &str, values: &Context<'_>) -> Result<String, minijinja::Error> {
    let (about, language) = (values.about, values.language);
    let invited = about.invited.clone().unwrap_or_default();
    let ends = about.unused.and_then(|unused| unused.ends);
    let context = context! {
        product => PRODUCT,
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

fn take_apart<'a>(text: &'a str, link: &str, public_url: &str) -> anyhow::Result<Text<'a>> {
    let (head, body) = text.split_once("\n\n").context("an empty line ends the head of a mail's text")?;
    let named = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).map(str::trim);
    let paragraphs =
        body.split("\n\n").map(|paragraph| paragraph.trim_matches('\n')).filter(|paragraph| !paragraph.trim().is_empty());
    let part = |paragraph: &'a str| {
        if paragraph.starts_with("> ") {
            let lines = paragraph.lines().map(|line| line.strip_prefix("> ").unwrap_or(line)).collect();
            return Part { kind: "quote", lines };
        }
        let kind = match paragraph {
            _ if paragraph == link => "action",
            _ if paragraph == public_url => "site",
            _ => "text",
        };
        Part { kind, lines: paragraph.lines().collect() }
    };
    Ok(Text {
        subject: named("Subject").context("a mail has a subject")?,
        heading: named("Heading").context("a mail has a heading")?,
        preheader: named("Preheader").unwrap_or_default(),
        button: named("Button").unwrap_or_default(),
        parts: paragraphs.map(part).collect(),
    })
}

fn plain(text: &Text<'_>, values: &Context<'_>) -> String {
    // Addresses and names of programs stay whole.
    let wrapping = textwrap::Options::new(WIDTH).break_words(false).word_splitter(textwrap::WordSplitter::NoHyphenation);
    let paragraph = |part: &Part<'_>| {
        let lines: Vec<String> = match part.kind {
            "action" | "site" => part.lines.iter().map(|line| (*line).to_owned()).collect(),
            "quote" => part.lines.iter().map(|line| format!("> {line}")).collect(),
            _ => part.lines.iter().map(|line| textwrap::fill(line, &wrapping)).collect(),
        };
        lines.join("\n")
    };
    let paragraphs: Vec<String> = text.parts.iter().map(paragraph).collect();
    format!("{}\n\n{PRODUCT}\n{}\n", paragraphs.join("\n\n"), values.public_url)
}

fn html(text: &Text<'_>, values: &Context<'_>, code: Option<&str>) -> anyhow::Result<String> {
    let language = values.language;
    let code_side = code.map(|code| Ok::<_, anyhow::Error>(qr_code::draw(code)?.side * CODE_PIXELS)).transpose()?;
    Ok(TEXTS.get_template("layout.html")?.render(context! {
        language => language.tag(),
        direction => language.direction(),
        product => PRODUCT,
        subject => text.subject,
        heading => text.heading,
        preheader => text.preheader,
        button => text.button,
        parts => Serde(&text.parts),
        link => values.link.as_deref().unwrap_or_default(),
        public_url => values.public_url,
        link_fallback => language.say("mail-link-fallback", &FluentArgs::new()),
        sent_by => language.say("mail-sent-by", &FluentArgs::from_iter([("product", PRODUCT)])),
        code_side => code_side,
        code_lead => language.say("mail-code-lead", &FluentArgs::new()),
        code_name => language.say("mail-code-name", &FluentArgs::new()),
        picture => mail::PICTURE,
    })?)
}
