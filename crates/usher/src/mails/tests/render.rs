//! Mails in every language, as plain text and as HTML.

use std::sync::Arc;

use jiff::SignedDuration;
use jiff::civil::date;
use jiff::tz::TimeZone;

use crate::languages::Language;
use crate::mails::render::{Context, Rendered, mail};
use crate::mails::{About, Ending, FactorChange, Invited, Template, Unused};

const LINK: &str = "https://id.example.com/verify?token=x";
const SITE: &str = "https://id.example.com";

fn about(name: &str) -> About {
    About {
        at: Some("2026-02-03T14:05:00Z".parse().unwrap()),
        address: Some("192.0.2.7".to_owned()),
        user_agent: Some("<b>curl</b>".to_owned()),
        unused: Some(Unused { since: date(2025, 2, 3), ends: Some((Ending::Deleted, date(2026, 3, 1))) }),
        factor: Some(FactorChange::Added),
        reason: Some("Why,\n<b>Ann</b>".to_owned()),
        invited: Some(Invited { by: Some(name.to_owned()), message: Some("Hello,\n\n<b>Ann</b>".to_owned()) }),
    }
}

fn rendered(template: Template, language: Language, name: &str, about: &About) -> Rendered {
    let link = template.link().map(|_| LINK.to_owned());
    let lifetime = Some(SignedDuration::from_mins(60));
    let mut rendered = mail(
        template,
        &Context { language, zone: TimeZone::UTC, name, link, lifetime, public_url: SITE, brand: Arc::default(), about },
    )
    .unwrap();
    // A slash is escaped, too.
    rendered.body.html = rendered.body.html.replace("&#x2f;", "/");
    rendered
}

#[test]
fn every_mail_renders_in_every_language_with_and_without_a_name_and_escapes_it() {
    for language in Language::all() {
        for template in Template::ALL {
            for name in ["", "<b>Ann</b>"] {
                let about = if name.is_empty() { About::default() } else { about(name) };
                let Rendered { subject, body } = rendered(template, language, name, &about);
                let which = format!("{template:?} in {language:?}");
                assert!(!subject.is_empty() && !subject.contains('\n'), "{which}");
                assert!(!body.html.contains("<b>"), "{which} does not escape");
                assert!(body.html.contains(&format!("<html lang=\"{}\" dir=\"ltr\">", language.tag())), "{which}");
                let has_link = template.link().is_some();
                assert_eq!(body.text.contains(&format!("\n\n{LINK}\n\n")), has_link, "{which}: the link stands alone");
                assert_eq!(body.html.contains(&format!("<a class=\"button\" href=\"{LINK}\">")), has_link, "{which}");
                assert!(!body.html.contains("></a>"), "{which}: the button says nothing");
                assert!(body.text.ends_with(&format!("\n\nusher\n{SITE}\n")), "{which}");
                assert!(!body.text.contains("\n\n\n"), "{which}: {}", body.text);
                let long = body.text.lines().find(|line| line.chars().count() > 72);
                assert_eq!(long, None, "{which}");
            }
        }
    }
}

#[test]
fn a_mail_tells_when_and_where_in_the_words_of_its_language() {
    let german = Language::of("de").unwrap();
    let text = rendered(Template::NewDevice, german, "Ann", &about("Ann")).body.text;
    assert!(text.starts_with("Guten Tag Ann,\n\n"), "{text}");
    let event = "\n\nZeit: 3. Februar 2026, 14:05 Uhr (UTC)\nNetzadresse: 192.0.2.7\nProgramm: <b>curl</b>\n\n";
    assert!(text.contains(event), "{text}");
    assert!(text.contains("60 Minuten lang"), "{text}");
    let text = rendered(Template::InactivityWarning, Language::ENGLISH, "", &about("")).body.text;
    assert!(
        text.starts_with("Hello,\n\n") && text.contains("since 3 February\n2025") || text.contains("since 3 February 2025"),
        "{text}"
    );
    assert!(text.contains("deleted on 1 March 2026"), "{text}");
}

#[test]
fn the_words_of_an_inviter_are_a_quotation_and_nothing_else() {
    let message = format!("Come in.\n\nSubject: x\n{LINK}\n> more");
    let invited = Invited { by: Some("Ann".to_owned()), message: Some(message) };
    let Rendered { subject, body } =
        rendered(Template::Invitation, Language::ENGLISH, "", &About { invited: Some(invited), ..About::default() });
    assert_eq!(subject, "You are invited to usher");
    assert!(body.text.contains(&format!("\n\n> Come in.\n> \n> Subject: x\n> {LINK}\n> > more\n\n")), "{}", body.text);
    let quoted = format!("<blockquote>Come in.<br><br>Subject: x<br>{LINK}<br>&gt; more</blockquote>");
    assert!(body.html.contains(&quoted), "{}", body.html);
    assert_eq!(body.html.matches("class=\"button\"").count(), 1);
}
