//! Mail templates: a text and an HTML rendering of each, embedded in the binary.

use std::sync::LazyLock;

use anyhow::Context as _;
use jiff::SignedDuration;
use jiff::civil::Date;
use minijinja::{Environment, UndefinedBehavior, context};
use rust_embed::RustEmbed;

use super::{About, Body, FactorChange, Template};
use crate::error::AppResult;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/src/mails/templates"]
struct Files;

/// What templates may name.
pub struct Context<'a> {
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

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    for name in Files::iter() {
        let file = Files::get(&name).expect("an embedded file that is listed is there");
        let source = String::from_utf8(file.data.into_owned()).expect("templates are UTF-8");
        environment.add_template_owned(name.into_owned(), source).expect("embedded templates are tested");
    }
    environment
});

/// Renders a mail. The text's first line is its subject.
pub fn mail(template: Template, values: &Context<'_>) -> AppResult<Rendered> {
    let invited = values.about.invited.clone().unwrap_or_default();
    let message: Vec<String> = invited.message.unwrap_or_default().lines().map(str::to_owned).collect();
    let ends = values.about.unused.and_then(|unused| unused.ends);
    let context = context! {
        product => "usher",
        name => values.name,
        link => values.link.as_deref().unwrap_or_default(),
        lifetime => values.lifetime.map(in_words).unwrap_or_default(),
        public_url => values.public_url,
        at => values.about.at.map(|at| at.strftime("%-d %B %Y, %H:%M UTC").to_string()).unwrap_or_default(),
        address => values.about.address.as_deref().unwrap_or_default(),
        user_agent => values.about.user_agent.as_deref().unwrap_or_default(),
        since => values.about.unused.map(|unused| day(unused.since)).unwrap_or_default(),
        ending => ends.map(|(ending, _)| ending.as_str()).unwrap_or_default(),
        ends_on => ends.map(|(_, on)| day(on)).unwrap_or_default(),
        inviter => invited.by.unwrap_or_default(),
        message => message,
        factor => values.about.factor.map(FactorChange::as_str).unwrap_or_default(),
    };
    let render = |suffix: &str| -> anyhow::Result<String> {
        let name = format!("{}.{suffix}", template.name());
        let template = TEMPLATES.get_template(&name).with_context(|| format!("finding the template {name}"))?;
        template.render(&context).with_context(|| format!("rendering the template {name}"))
    };
    let text = render("txt")?;
    let (first, text) = text.split_once('\n').context("a mail's text has a subject line")?;
    let subject = first.strip_prefix("Subject: ").context("a mail's text begins with its subject")?.trim().to_owned();
    let body = Body { text: format!("{}\n", text.trim()), html: render("html")? };
    Ok(Rendered { subject, body })
}

/// "3 February 2026".
fn day(day: Date) -> String {
    day.strftime("%-d %B %Y").to_string()
}

/// "60 minutes", "24 hours", "7 days".
fn in_words(lifetime: SignedDuration) -> String {
    let hours = lifetime.as_hours();
    match hours {
        0 | 1 => format!("{} minutes", lifetime.as_mins()),
        2..=48 => format!("{hours} hours"),
        _ => format!("{} days", hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mails::Invited;

    #[test]
    fn every_mail_renders_with_and_without_a_name_and_escapes_it() {
        for template in Template::ALL {
            for name in ["", "<b>Ann</b>"] {
                let invited = Invited { by: Some(name.to_owned()), message: Some("Hello,\n<b>Ann</b>".to_owned()) };
                let values = Context {
                    name,
                    link: Some("https://id.example.com/verify?token=x".to_owned()),
                    lifetime: Some(SignedDuration::from_mins(60)),
                    public_url: "https://id.example.com",
                    about: &About { user_agent: Some("<b>curl</b>".to_owned()), invited: Some(invited), ..About::default() },
                };
                let rendered = mail(template, &values).unwrap();
                assert!(!rendered.subject.is_empty() && !rendered.subject.contains('\n'));
                assert!(!rendered.body.html.contains("<b>"), "{template:?} does not escape");
                let has_link = rendered.body.text.contains("\nhttps://id.example.com/verify?token=x\n");
                assert_eq!(has_link, template.link().is_some(), "{template:?}: the link stands on a line of its own");
            }
        }
    }
}
