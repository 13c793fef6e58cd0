//! People for tests: made through the front door where there is one.

use serde_json::json;

use super::{Client, PASSWORD, TestApp};
use crate::caller::Authority;
use crate::emails::EmailAddress;
use crate::network::Network;
use crate::password;
use crate::roles::RoleName;
use crate::secret::SecretText;
use crate::users::{self, IfTaken, NewUser, Profile};

/// Somebody who is signed in.
pub struct Person {
    pub id: String,
    pub email: String,
    pub refresh_token: String,
    pub access_token: String,
    pub client: Client,
}

impl TestApp {
    /// An active user with these roles, signed in. The operator creates them, as `usher user create --password-stdin` does.
    pub async fn person(&self, name: &str, roles: &[&str]) -> Person {
        let email = format!("{name}@example.org");
        let address = EmailAddress::parse(&email).unwrap();
        let roles: Vec<RoleName> = roles.iter().map(|name| RoleName::from(*name)).collect();
        let phc = self.app.hasher.hash(&SecretText::new(PASSWORD.to_owned()), Network::of(None)).await.unwrap();
        let mut tx = self.tx().await;
        let new = NewUser {
            email: &address,
            verified: true,
            username: None,
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
}
