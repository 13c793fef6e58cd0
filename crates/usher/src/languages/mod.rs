//! The languages that usher speaks. Each is a folder under `languages/`: catalogues of Fluent, and the texts of mails. What one of
//! them lacks is said in English, and a test says so.

mod now;
mod problems;
mod settings;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{LazyLock, OnceLock};

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
pub use now::{now, speaking, turn_to, turn_to_zone, zone_here, zone_name_here};
use rust_embed::RustEmbed;

/// The language that everything is written in first.
const ORIGINAL: &str = "en";
/// What stands between thousands where a language does not say.
const NUMBER_MARK: char = ',';

#[derive(RustEmbed)]
#[folder = "languages"]
struct Files;

struct Spoken {
    /// As the folder is called (BCP 47).
    tag: String,
    bundle: OnceLock<FluentBundle<FluentResource>>,
}

impl Spoken {
    /// Read when it is first spoken: two megabytes each.
    fn bundle(&self) -> &FluentBundle<FluentResource> {
        self.bundle.get_or_init(|| bundle(&self.tag))
    }
}

/// English first.
static SPOKEN: LazyLock<Vec<Spoken>> = LazyLock::new(|| {
    let mut tags: Vec<String> = Files::iter().filter_map(|path| Some(path.split_once('/')?.0.to_owned())).collect();
    tags.sort_by_key(|tag| (tag != ORIGINAL, tag.clone()));
    tags.dedup();
    tags.into_iter().map(|tag| Spoken { tag, bundle: OnceLock::new() }).collect()
});

fn bundle(tag: &str) -> FluentBundle<FluentResource> {
    let identifier = tag.parse().expect("a folder of a language is called by its tag");
    let mut bundle = FluentBundle::new_concurrent(vec![identifier]);
    // Marks around what is filled in would stand in links and in what people copy.
    bundle.set_use_isolating(false);
    for path in Files::iter().filter(|path| path.starts_with(&format!("{tag}/")) && path.ends_with(".ftl")) {
        let source = file(&path).expect("an embedded file that is listed is there");
        let resource = FluentResource::try_new(source).map_err(|(_, errors)| errors).expect("catalogues are tested");
        bundle.add_resource(resource).expect("no two catalogues of a language have the same message");
    }
    let mark = bundle.get_message("number-mark").and_then(|message| message.value());
    let mark = mark.map(|pattern| bundle.format_pattern(pattern, None, &mut Vec::new()).into_owned());
    bundle.set_formatter(Some(writing(mark.as_deref().unwrap_or_default())));
    bundle
}

/// How numbers are written in messages, by what stands between thousands.
fn writing<M>(mark: &str) -> fn(&FluentValue<'_>, &M) -> Option<String> {
    match mark {
        "." => write::<'.', M>,
        "’" => write::<'’', M>,
        "\u{202f}" => write::<'\u{202f}', M>,
        _ => write::<NUMBER_MARK, M>,
    }
}

/// A whole number in groups of three; all else as it is.
fn write<const MARK: char, M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    let FluentValue::Number(number) = value else { return None };
    let written = number.as_string();
    (!written.contains('.')).then(|| grouped(&written, MARK))
}

/// `-1234567` as `-1,234,567`.
fn grouped(written: &str, mark: char) -> String {
    let mut text = String::with_capacity(written.len() * 2);
    for (at, sign) in written.char_indices() {
        if (written.len() - at).is_multiple_of(3) && text.ends_with(|before: char| before.is_ascii_digit()) {
            text.push(mark);
        }
        text.push(sign);
    }
    text
}

fn file(path: &str) -> Option<String> {
    let file = Files::get(path)?;
    Some(String::from_utf8(file.data.into_owned()).expect("catalogues and texts are UTF-8"))
}

/// A language that usher speaks.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Language(usize);

impl fmt::Debug for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.tag())
    }
}

impl Language {
    pub const ENGLISH: Self = Self(0);

    pub fn all() -> impl Iterator<Item = Self> {
        (0..SPOKEN.len()).map(Self)
    }

    /// Which one a tag asks for: `de-AT` is German. None, where usher does not speak it.
    pub fn of(tag: &str) -> Option<Self> {
        let mut wanted = tag.trim();
        loop {
            if let Some(found) = Self::all().find(|language| language.tag().eq_ignore_ascii_case(wanted)) {
                return Some(found);
            }
            // RFC 4647, section 3.4: from the end, part by part.
            wanted = wanted.rsplit_once('-')?.0;
        }
    }

    /// The one somebody likes best, of what `Accept-Language` names (RFC 9110, section 12.5.4).
    pub fn accepted(header: &str) -> Option<Self> {
        let mut best: Option<(u16, Self)> = None;
        for item in header.split(',') {
            let (tag, weight) = match item.split_once(';') {
                Some((tag, parameter)) => (tag, weight(parameter)),
                None => (item, Some(1000)),
            };
            let Some(weight) = weight.filter(|weight| *weight > 0) else { continue };
            // Of two that are liked as well the first counts.
            if let Some(language) = Self::of(tag)
                && best.is_none_or(|(other, _)| weight > other)
            {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }

    pub fn tag(self) -> &'static str {
        &SPOKEN[self.0].tag
    }

    /// As those who speak it call it.
    pub fn name(self) -> String {
        self.say("language-name", &FluentArgs::new())
    }

    /// `ltr` or `rtl`.
    pub fn direction(self) -> String {
        self.say("writing-direction", &FluentArgs::new())
    }

    /// The source of a catalogue.
    #[cfg(test)]
    pub fn catalogue(self, name: &str) -> Option<String> {
        file(&format!("{}/{name}", self.tag()))
    }

    /// A message of the catalogues, or its key where not even English has it.
    pub fn say(self, key: &str, values: &FluentArgs<'_>) -> String {
        self.own(key, values).or_else(|| Self::ENGLISH.own(key, values)).unwrap_or_else(|| key.to_owned())
    }

    /// A message that nothing fills in.
    pub fn word(self, key: &str) -> String {
        self.say(key, &FluentArgs::new())
    }

    fn own(self, key: &str, values: &FluentArgs<'_>) -> Option<String> {
        let bundle = SPOKEN[self.0].bundle();
        let pattern = bundle.get_message(key)?.value()?;
        // A value that lacks is shown by its name; the tests see that none does.
        Some(bundle.format_pattern(pattern, Some(values), &mut Vec::new()).into_owned())
    }

    /// The text of a mail.
    pub fn mail(self, name: &str) -> Option<String> {
        let of = |language: Self| file(&format!("{}/mails/{name}.txt", language.tag()));
        of(self).or_else(|| of(Self::ENGLISH))
    }

    /// "60 minutes", "24 hours", "7 days".
    pub fn duration(self, duration: SignedDuration) -> String {
        let hours = duration.as_hours();
        let (key, count) = match hours {
            0 | 1 => ("minutes", duration.as_mins()),
            2..=48 => ("hours", hours),
            _ => ("days", hours / 24),
        };
        self.say(key, &FluentArgs::from_iter([("count", count)]))
    }

    /// "3 February 2026".
    pub fn day(self, day: Date) -> String {
        let mut values = FluentArgs::new();
        values.set("day", day.day().to_string());
        values.set("month", i64::from(day.month()));
        values.set("year", day.year().to_string());
        self.say("date", &values)
    }

    /// "February 2026".
    pub fn month(self, day: Date) -> String {
        let mut values = FluentArgs::from_iter([("month", i64::from(day.month()))]);
        values.set("year", day.year().to_string());
        self.say("month-of-year", &values)
    }

    /// "1,920".
    pub fn number(self, number: i64) -> String {
        grouped(&number.to_string(), self.word("number-mark").chars().next().unwrap_or(NUMBER_MARK))
    }

    /// "3 February 2026".
    pub fn day_of(self, at: &Zoned) -> String {
        self.day(at.date())
    }

    /// "3 Feb 2026, 14:05", where the zone is said elsewhere.
    pub fn short_moment(self, at: &Zoned) -> String {
        let mut values = FluentArgs::new();
        values.set("day", at.day().to_string());
        values.set("month", i64::from(at.month()));
        values.set("year", at.year().to_string());
        values.set("time", at.strftime("%H:%M").to_string());
        self.say("moment-short", &values)
    }

    /// "3 February 2026, 14:05 UTC", in a zone.
    pub fn moment(self, at: Timestamp, zone: &TimeZone) -> String {
        let there = at.to_zoned(zone.clone());
        let mut values = FluentArgs::new();
        values.set("date", self.day(there.date()));
        values.set("time", there.strftime("%H:%M").to_string());
        values.set("zone", zone.iana_name().unwrap_or("UTC").to_owned());
        self.say("moment", &values)
    }
}

/// `q=0.8` in thousandths, as what is accepted is weighed (RFC 9110, section 12.4.2). None, where it is no weight.
pub fn weight(parameter: &str) -> Option<u16> {
    let value = parameter.trim().strip_prefix("q=").or_else(|| parameter.trim().strip_prefix("Q="))?;
    let weight: f32 = value.trim().parse().ok().filter(|weight| (0.0..=1.0).contains(weight))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 1,000")]
    Some((weight * 1000.0).round() as u16)
}
