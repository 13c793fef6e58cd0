//! Settings about people: what they speak, and what their profile must hold.

use super::reader::{Parsed, quoted};
use crate::languages::Language;

const PROFILE_FIELDS: [&str; 10] = [
    "display_name",
    "given_name",
    "family_name",
    "bio",
    "picture_url",
    "website_url",
    "github_url",
    "linkedin_url",
    "locale",
    "time_zone",
];

pub(super) fn profile_fields(text: &str) -> Parsed<Vec<&'static str>> {
    let known = |word: &str| {
        let field = PROFILE_FIELDS.into_iter().find(|field| *field == word.trim());
        field.ok_or_else(|| {
            format!("names {}, which is no field of the profile: {}", quoted(word.trim()), PROFILE_FIELDS.join(", "))
        })
    };
    text.split(',').map(known).collect()
}

pub(super) fn language(text: &str) -> Parsed<Language> {
    Language::all().find(|language| language.tag() == text).ok_or_else(|| {
        let tags: Vec<&str> = Language::all().map(Language::tag).collect();
        format!("is no language that usher speaks: write one of {}", tags.join(", "))
    })
}
