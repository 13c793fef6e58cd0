//! Who asks, as others are told.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::caller::{Caller, Credential, Permission, Subject};
use crate::error::AppResult;
use crate::service_accounts;
use crate::users;

/// Who asks, and by what.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(extend("example" = example()))]
pub struct Identity {
    pub kind: Kind,
    /// The user's or the service account's id.
    pub id: Uuid,
    /// The user's or the service account's name.
    pub name: String,
    /// The primary address, if the user has shown that it is theirs.
    pub email: Option<String>,
    /// Names of the roles the user has, by their groups too; a service account has none.
    pub roles: Vec<String>,
    /// What this credential may do now.
    pub permissions: Vec<Permission>,
    pub credential: Shown,
}

/// What kind of subject it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "SubjectKind")]
pub enum Kind {
    User,
    ServiceAccount,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ServiceAccount => "service_account",
        }
    }
}

/// What was shown.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ShownCredential")]
pub struct Shown {
    pub kind: ShownKind,
    /// The session's or the key's id.
    pub id: Uuid,
    /// When the session or the key ends at the latest.
    pub expires_at: Timestamp,
}

/// What kind of credential it is.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "CredentialKind")]
pub enum ShownKind {
    Session,
    ApiKey,
}

fn example() -> Value {
    json!({
        "kind": "user", "id": "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d", "name": "calm-otter-7f3k9x", "email": "ann@example.com",
        "roles": ["user"], "permissions": [],
        "credential": {
            "kind": "session", "id": "0193e4a1-7c1e-7b52-9d0c-4a2d5b6c7d8e", "expires_at": "2026-04-02T03:04:05Z"
        },
    })
}

/// Reads who the caller is.
pub async fn of(app: &App, caller: &Caller) -> AppResult<Identity> {
    let subject = caller.cleared.subject();
    let credential = match caller.credential {
        Credential::Session { id, expires_at, .. } => Shown { kind: ShownKind::Session, id: id.uuid(), expires_at },
        Credential::ApiKey { id, expires_at } => Shown { kind: ShownKind::ApiKey, id: id.uuid(), expires_at },
    };
    let permissions = caller.permissions.iter().collect();
    match subject {
        Subject::User(id) => {
            let user = users::look_up(app.db.read(), id, app.clock.now()).await?;
            let email = user.email.filter(|_| user.email_verified);
            let (kind, id) = (Kind::User, subject.id());
            Ok(Identity { kind, id, name: user.username, email, roles: user.effective_roles, permissions, credential })
        }
        Subject::ServiceAccount(id) => {
            let mut tx = app.begin(&caller.origin).await?;
            let account = service_accounts::read(&mut tx, id).await?;
            tx.commit().await?;
            let (kind, id) = (Kind::ServiceAccount, subject.id());
            Ok(Identity { kind, id, name: account.name, email: None, roles: Vec::new(), permissions, credential })
        }
    }
}

/// The header fields that name a caller to a proxy.
pub const FIELDS: [(&str, &str); 6] = [
    ("X-Usher-Kind", "`user` or `service_account`."),
    ("X-Usher-Subject", "The id of the user or of the service account."),
    ("X-Usher-Username", "The user name, or the name of the service account."),
    ("X-Usher-Email", "The primary address, if it is verified; what is not ASCII is percent-encoded."),
    ("X-Usher-Roles", "Names of the roles held, separated by commas."),
    ("X-Usher-Permissions", "What the credential may do now, separated by commas."),
];

impl Identity {
    /// The same for a proxy to pass on. A member that is empty has no field.
    pub fn headers(&self) -> HeaderMap {
        let permissions: Vec<_> = self.permissions.iter().map(|permission| permission.name()).collect();
        let values = [
            self.kind.as_str().to_owned(),
            self.id.to_string(),
            self.name.clone(),
            self.email.as_deref().map(in_ascii).unwrap_or_default(),
            self.roles.join(","),
            permissions.join(","),
        ];
        let fields = FIELDS.iter().zip(values).filter(|(_, value)| !value.is_empty());
        fields
            .filter_map(|((name, _), value)| Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_str(&value).ok()?)))
            .collect()
    }
}

/// Header fields hold ASCII: everything else is percent-encoded as UTF-8 (RFC 3986, section 2.1), and the percent sign too.
fn in_ascii(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            encoded.push(char::from(byte));
        } else {
            // Writing into a text can't fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::in_ascii;

    #[test]
    fn what_is_not_ascii_is_percent_encoded() {
        assert_eq!(in_ascii("ann+x@example.com"), "ann+x@example.com");
        assert_eq!(in_ascii("jos\u{e9}%@b\u{fc}cher.example"), "jos%C3%A9%25@b%C3%BCcher.example");
        assert_eq!(in_ascii("a\r\nx: y"), "a%0D%0Ax:%20y");
    }
}
