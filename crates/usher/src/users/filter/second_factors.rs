//! Second factors in filters: what the gate asks for, and analytics count.

use super::Compiler;

/// What somebody may have bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Either.
    Any,
    /// An authenticator app that is confirmed.
    App,
    /// One passkey or more.
    Passkey,
}

impl Bound {
    /// Whose it is.
    fn owners(self) -> String {
        const APP: &str = "select t.user_id from totp_factors t where t.confirmed_at is not null";
        const PASSKEY: &str = "select p.user_id from passkeys p";
        match self {
            Self::Any => format!("{APP} union all {PASSKEY}"),
            Self::App => APP.to_owned(),
            Self::Passkey => PASSKEY.to_owned(),
        }
    }
}

impl Compiler<'_> {
    /// Those who have one are fewer than the users: where they are looked up, it begins with them.
    pub(super) fn has_bound(&self, which: Bound, wanted: bool) -> String {
        let (owners, end) = (which.owners(), self.written.end());
        let not = if wanted { "" } else { "not " };
        format!("{not}exists (select from ({owners}) f where f.user_id = u.id {end})")
    }
}
