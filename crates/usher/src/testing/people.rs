//! People for tests: made through the front door where there is one.

use data_encoding::BASE32_NOPAD;
use serde_json::json;

use super::{Answer, Client, PASSWORD, TestApp};
use crate::caller::Authority;
use crate::emails::EmailAddress;
use crate::network::Network;
use crate::password;
use crate::roles::RoleName;
use crate::second_factors::totp;
use crate::secret::SecretText;
use crate::users::{self, IfTaken, NewUser, Profile, Username};

/// Somebody who is signed in.
pub struct Person {
    pub id: String,
    pub email: String,
    pub refresh_token: String,
    pub access_token: String,
    pub client: Client,
}

/// An authenticator app that is bound, and the person in the session that goes on.
pub struct Bound {
    pub person: Person,
    pub secret: Vec<u8>,
    pub recovery_codes: Vec<String>,
}

impl Bound {
    /// What the app shows in this step.
    pub fn code(&self, app: &TestApp) -> String {
        totp::code(&self.secret, totp::step(app.now()))
    }

    /// What it shows in the next one, which is good already and was not used for binding.
    pub fn next_code(&self, app: &TestApp) -> String {
        totp::code(&self.secret, totp::step(app.now()) + 1)
    }
}

impl TestApp {
    /// Binds an authenticator app to somebody who has signed in just now.
    pub async fn with_second_factor(&self, person: &Person) -> Bound {
        let started = person.client.post("/v1/me/second-factors/totp", json!({})).await.expect(200);
        let secret = BASE32_NOPAD.decode(started.str("secret").as_bytes()).unwrap();
        let code = totp::code(&secret, totp::step(self.now()));
        let bound = person.client.post("/v1/me/second-factors/totp/confirm", json!({ "code": code })).await.expect(200);
        let recovery_codes = bound.json["recovery_codes"].as_array().unwrap();
        let recovery_codes = recovery_codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
        Bound { person: self.person_of(&bound).await, secret, recovery_codes }
    }

    /// The person whom an answer has given tokens of a session.
    pub async fn person_of(&self, tokens: &Answer) -> Person {
        let client = self.client_with(&tokens.str("access_token"));
        let me = client.get("/v1/me").await.expect(200);
        Person {
            id: me.str("id"),
            email: me.str("email"),
            refresh_token: tokens.str("refresh_token"),
            access_token: tokens.str("access_token"),
            client,
        }
    }

    /// An active user with these roles, signed in. The operator creates them, as `usher user create --password-stdin` does.
    pub async fn person(&self, name: &str, roles: &[&str]) -> Person {
        let email = format!("{name}@example.org");
        let address = EmailAddress::parse(&email).unwrap();
        // Not a generated one: searches for others by a part of theirs would find it now and then.
        let username = Username::parse(&format!("zz-{name}")).unwrap();
        let roles: Vec<RoleName> = roles.iter().map(|name| RoleName::from(*name)).collect();
        let phc = self.app.hasher.hash(&SecretText::new(PASSWORD.to_owned()), Network::of(None)).await.unwrap();
        let mut tx = self.tx().await;
        let new = NewUser {
            email: &address,
            verified: true,
            username: Some(&username),
            if_username_taken: IfTaken::Refuse,
            profile: &Profile::default(),
            attributes: &serde_json::Map::new(),
            roles: &roles,
        };
        let user = users::create(&mut tx, Authority::operator(), new).await.unwrap();
        password::set(&mut tx, user.id, &phc).await.unwrap();
        tx.commit().await.unwrap();
        self.sign_in(&email, PASSWORD).await
    }

    pub async fn admin(&self) -> Person {
        self.person("root", &["admin", "user"]).await
    }

    pub async fn manager(&self) -> Person {
        self.person("boss", &["manager", "user"]).await
    }

    pub async fn user(&self, name: &str) -> Person {
        self.person(name, &["user"]).await
    }

    /// Signs somebody in through the front door.
    pub async fn sign_in(&self, identifier: &str, password: &str) -> Person {
        let body = json!({ "identifier": identifier, "password": password });
        let tokens = self.client().post("/v1/login", body).await.expect(200);
        self.person_of(&tokens).await
    }
}
