//! What texts are tried with: the values that a mail can have, made up.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::Which;
use crate::app::App;
use crate::mails::render::Context;
use crate::mails::{About, Ending, FactorChange, Invited, Unused, jobs};
use crate::one_time_tokens;

/// Stands in links that lead nowhere.
const TOKEN: &str = "example";
pub const NAME: &str = "Ann Example";

/// A mail to somebody.
pub struct Example {
    name: &'static str,
    about: About,
}

/// With everything that can be known, and then with what some mails lack or say otherwise.
pub fn all(now: Timestamp) -> Vec<Example> {
    let full = full(now);
    let mut all = vec![Example { name: NAME, about: full.clone() }, Example { name: "", about: About::default() }];
    let factors = [
        FactorChange::Removed,
        FactorChange::Reset,
        FactorChange::CodesRenewed,
        FactorChange::CodeUsed,
        FactorChange::PasskeyAdded,
        FactorChange::PasskeyRemoved,
    ];
    all.extend(factors.map(|factor| Example { name: NAME, about: About { factor: Some(factor), ..full.clone() } }));
    let unused = full.unused.map(|unused| Unused { ends: unused.ends.map(|(_, on)| (Ending::Suspended, on)), ..unused });
    all.push(Example { name: NAME, about: About { unused, ..full } });
    all
}

/// The one that is shown.
pub fn full(now: Timestamp) -> About {
    let today = now.to_zoned(TimeZone::UTC).date();
    let after = |days: i64| today.saturating_add(SignedDuration::from_hours(days * 24));
    About {
        at: Some(now),
        address: Some("192.0.2.7".to_owned()),
        user_agent: Some("Firefox on Linux".to_owned()),
        unused: Some(Unused { since: after(-365), ends: Some((Ending::Deleted, after(30))) }),
        factor: Some(FactorChange::Added),
        reason: Some("This is where the reason stands.".to_owned()),
        invited: Some(Invited {
            by: Some("Ben Example".to_owned()),
            message: Some("This is where their message stands.\n\nIt may have several lines.".to_owned()),
        }),
    }
}

impl Example {
    pub fn context<'a>(&'a self, app: &'a App, which: Which) -> Context<'a> {
        context(app, which, self.name, &self.about)
    }
}

/// What such a mail is filled in with, for somebody of this name.
pub fn context<'a>(app: &'a App, which: Which, name: &'a str, about: &'a About) -> Context<'a> {
    let link = which.template.link();
    Context {
        language: which.language,
        zone: TimeZone::UTC,
        name,
        link: link.map(|(page, _)| jobs::link(app, page, TOKEN)),
        lifetime: link.map(|(_, purpose)| one_time_tokens::lifetime(purpose)),
        public_url: app.config.server.public_url.as_str(),
        brand: Arc::default(),
        about,
    }
}
