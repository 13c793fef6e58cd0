//! Which attributes of users there are, and what can be asked of each.

use usher_oidc::filter::AttributePath;

use super::fault;
use super::second_factors::Bound;
use crate::error::FieldError;

/// The schema that SCIM gives users; attributes may be written with it.
const SCIM_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// What can be asked of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Id,
    Status,
    /// A column of names; it is part of what the index over all names holds.
    Name(&'static str),
    /// A column of texts without index.
    Code(&'static str),
    Time(&'static str),
    /// Whether the primary address is verified.
    EmailVerified,
    /// Addresses; only the primary one if so.
    Emails {
        primary: bool,
    },
    Roles,
    Groups,
    /// The day of the last activity.
    LastActiveOn,
    /// Whether one is bound.
    SecondFactors(Bound),
}

/// Every attribute, by its name in lower case and without underscores.
const ATTRIBUTES: [(&str, Kind); 28] = [
    ("id", Kind::Id),
    ("username", Kind::Name("username")),
    ("status", Kind::Status),
    ("displayname", Kind::Name("display_name")),
    ("givenname", Kind::Name("given_name")),
    ("name.givenname", Kind::Name("given_name")),
    ("familyname", Kind::Name("family_name")),
    ("name.familyname", Kind::Name("family_name")),
    ("locale", Kind::Code("locale")),
    ("timezone", Kind::Code("time_zone")),
    ("email", Kind::Emails { primary: true }),
    ("emails", Kind::Emails { primary: false }),
    ("emails.value", Kind::Emails { primary: false }),
    ("emailverified", Kind::EmailVerified),
    ("roles", Kind::Roles),
    ("groups", Kind::Groups),
    ("groups.value", Kind::Groups),
    ("secondfactors", Kind::SecondFactors(Bound::Any)),
    ("secondfactors.any", Kind::SecondFactors(Bound::Any)),
    ("secondfactors.app", Kind::SecondFactors(Bound::App)),
    ("secondfactors.passkey", Kind::SecondFactors(Bound::Passkey)),
    ("createdat", Kind::Time("created_at")),
    ("updatedat", Kind::Time("updated_at")),
    ("lastsigninat", Kind::Time("last_sign_in_at")),
    ("lastactiveon", Kind::LastActiveOn),
    ("lockeduntil", Kind::Time("locked_until")),
    ("professionalat", Kind::Time("professional_at")),
    ("deletedat", Kind::Time("deleted_at")),
];

pub fn kind(path: &AttributePath) -> Result<Kind, FieldError> {
    let is_ours = path.schema().is_none_or(|schema| schema.eq_ignore_ascii_case(SCIM_USER));
    let written = path.as_str().rsplit(':').next().unwrap_or_default();
    let name = written.replace('_', "").to_ascii_lowercase();
    let found = ATTRIBUTES.iter().find(|(known, _)| is_ours && *known == name).map(|(_, kind)| *kind);
    found.ok_or_else(|| {
        let names = "id, userName, status, displayName, givenName, familyName, locale, timeZone, email, emails, emailVerified, roles, groups, secondFactors, attributes.NAME, createdAt, updatedAt, lastSignInAt, lastActiveOn, lockedUntil, professionalAt and deletedAt";
        fault(path, format!("`{path}` is no attribute of users; there are {names}"))
    })
}

impl Kind {
    /// What it is compared with.
    pub fn takes(self) -> &'static str {
        match self {
            Self::EmailVerified | Self::SecondFactors(_) => "true or false",
            Self::LastActiveOn => "a day in quotes, such as \"2026-01-02\"",
            Self::Time(_) => "a time in quotes, such as \"2026-01-02T03:04:05Z\"",
            _ => "a text in quotes",
        }
    }
}
