//! The profiles of many users as columns, which `unnest` makes rows of again.

use tokio_postgres::types::ToSql;

use super::Profile;
use super::fields::{Bio, Locale, Name, WebUrl, ZoneName};

/// The fields of profiles, each in the order of the users.
pub struct ProfileColumns<'a> {
    /// Given, family and display names.
    names: [Vec<&'a Option<Name>>; 3],
    bios: Vec<&'a Option<Bio>>,
    /// Of the picture, the website, and two profiles elsewhere.
    urls: [Vec<&'a Option<WebUrl>>; 4],
    locales: Vec<&'a Option<Locale>>,
    time_zones: Vec<&'a Option<ZoneName>>,
}

impl<'a> ProfileColumns<'a> {
    pub fn of(profiles: &[&'a Profile]) -> Self {
        /// One field of each profile.
        macro_rules! column {
            ($field:ident) => {
                profiles.iter().map(|profile| &profile.$field).collect()
            };
        }
        Self {
            names: [column!(given_name), column!(family_name), column!(display_name)],
            bios: column!(bio),
            urls: [column!(picture_url), column!(website_url), column!(github_url), column!(linkedin_url)],
            locales: column!(locale),
            time_zones: column!(time_zone),
        }
    }

    /// `given_name, family_name, display_name, bio, picture_url, website_url, github_url, linkedin_url, locale, time_zone`.
    pub fn params(&self) -> [&(dyn ToSql + Sync); 10] {
        let Self { names: [given, family, display], bios, urls: [picture, website, github, linkedin], locales, time_zones } =
            self;
        [given, family, display, bios, picture, website, github, linkedin, locales, time_zones]
    }
}
