//! Every path that issues or accepts a token goes through the gate.
//!
//! Each is a door. In [`DOORS`] stands who may pass it; whoever is made somebody else, behind the back of the code that would end
//! their tokens, must be refused at it by the gate alone. Which sources handle tokens stands in `token_sources.rs`.

use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};

use super::{Answer, Authenticator, Browser, Client, PASSWORD, Person, TestApp};
use crate::caller;
use crate::db::Tx;
use crate::emails::{self, EmailAddress};
use crate::id::UserId;
use crate::one_time_tokens::{self, Subject};
use crate::second_factors::totp;
use crate::secret::Purpose;

/// What has become of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Good,
    Suspended,
    /// By an administrator.
    Deleted,
    DeletedBySelf,
    Pending,
    Unverified,
    Locked,
    /// Everything was signed out.
    EpochPassed,
    SessionEnded,
    SessionExpired,
    KeyRevoked,
    KeyExpired,
    /// A second factor was bound.
    SecondFactor,
}

use State::{
    Deleted, DeletedBySelf, EpochPassed, Good, KeyExpired, KeyRevoked, Locked, Pending, SecondFactor, SessionEnded,
    SessionExpired, Suspended, Unverified,
};

const STATES: [State; 13] = [
    Good,
    Suspended,
    Deleted,
    DeletedBySelf,
    Pending,
    Unverified,
    Locked,
    EpochPassed,
    SessionEnded,
    SessionExpired,
    KeyRevoked,
    KeyExpired,
    SecondFactor,
];

/// A path that issues or accepts a token, and the states in which it is open.
struct Door {
    name: &'static str,
    open_to: &'static [State],
}

const SESSION: &[State] = &[Good, Locked, KeyRevoked, KeyExpired];
/// A link is the proof of the address, and no session matters to it.
const LINK: &[State] =
    &[Good, Pending, Unverified, Locked, EpochPassed, SessionEnded, SessionExpired, KeyRevoked, KeyExpired, SecondFactor];
/// A sign-in that has come as far as the second factor. It waits for this epoch of the user's.
const WAITING: &[State] = &[Good, SessionEnded, SessionExpired, KeyRevoked, KeyExpired, SecondFactor];

/// Who signs in with a passkey has shown both factors.
const PASSKEY: &[State] = &[Good, EpochPassed, SessionEnded, SessionExpired, KeyRevoked, KeyExpired, SecondFactor];

const DOORS: [Door; 23] = [
    Door { name: "access token", open_to: SESSION },
    Door { name: "refresh token", open_to: SESSION },
    Door { name: "session in a browser", open_to: SESSION },
    Door { name: "sign-in in a browser", open_to: &[Good, EpochPassed, SessionEnded, SessionExpired, KeyRevoked, KeyExpired] },
    Door { name: "own password in a browser", open_to: SESSION },
    // A key is no session: it was made in one of two factors, or before there were two.
    Door { name: "API key", open_to: &[Good, Locked, SessionEnded, SessionExpired, SecondFactor] },
    // Somebody who signs in has no use for the session they had.
    Door { name: "sign-in", open_to: &[Good, EpochPassed, SessionEnded, SessionExpired, KeyRevoked, KeyExpired] },
    Door { name: "second factor", open_to: WAITING },
    Door { name: "second factor in a browser", open_to: WAITING },
    Door { name: "passkey", open_to: PASSKEY },
    Door { name: "passkey in a browser", open_to: PASSKEY },
    Door { name: "proof again", open_to: SESSION },
    Door { name: "proof again in a browser", open_to: SESSION },
    // The session is one of two factors.
    Door { name: "proof again by passkey", open_to: &[Good, Locked, KeyRevoked, KeyExpired, SecondFactor] },
    Door { name: "binding an app", open_to: SESSION },
    Door { name: "own password", open_to: SESSION },
    Door { name: "own API key", open_to: SESSION },
    Door { name: "verification", open_to: LINK },
    Door { name: "confirmation", open_to: LINK },
    Door { name: "reset", open_to: LINK },
    Door { name: "welcome", open_to: LINK },
    Door { name: "report", open_to: LINK },
    Door { name: "undoing a deletion", open_to: &[DeletedBySelf] },
];

/// What is done after the request that asked for it, and in whose name it still is. Nothing is shown for it any more.
const WORK: &[State] = &[Good, Locked, EpochPassed, SessionEnded, SessionExpired, KeyRevoked, KeyExpired, SecondFactor];

/// Makes the user what the state says, and touches nothing else of theirs.
async fn put(app: &TestApp, person: &Person, state: State) {
    let id: UserId = person.id.parse().unwrap();
    let deleted = "status = 'deleted', status_before_deletion = 'active', deleted_at = now(), purge_after = '2030-01-01'";
    let sql = match state {
        Good => return,
        Suspended => "update users set status = 'suspended' where id = $1".to_owned(),
        Deleted => format!("update users set {deleted}, deleted_by = null where id = $1"),
        DeletedBySelf => format!("update users set {deleted}, deleted_by = id where id = $1"),
        Pending => "update users set status = 'pending' where id = $1".to_owned(),
        Unverified => "update emails set verified_at = null where user_id = $1".to_owned(),
        Locked => "update users set locked_until = '2030-01-01' where id = $1".to_owned(),
        EpochPassed => "update users set auth_epoch = auth_epoch + 1 where id = $1".to_owned(),
        SessionEnded => "update sessions set ended_at = created_at where user_id = $1".to_owned(),
        SessionExpired => "update sessions set expires_at = created_at where user_id = $1".to_owned(),
        KeyRevoked => "update api_keys set revoked_at = created_at where user_id = $1".to_owned(),
        KeyExpired => "update api_keys set expires_at = created_at where user_id = $1".to_owned(),
        SecondFactor => "
            insert into totp_factors (user_id, secret_sealed, created_at, confirmed_at, accepted_step)
            values ($1, 'x', now(), now(), 0)
            on conflict (user_id) do update
            set confirmed_at = now(), accepted_step = coalesce(totp_factors.accepted_step, 0)"
            .to_owned(),
    };
    let mut tx = app.tx().await;
    assert!(tx.execute(&sql, &[&id]).await.unwrap() > 0, "{state:?} changed nothing");
    tx.commit().await.unwrap();
}

/// The token of a link that was mailed to the user while all was well.
async fn link(tx: &mut Tx, purpose: Purpose, person: &Person) -> String {
    let user_id: UserId = person.id.parse().unwrap();
    let mut subject = Subject { user_id: Some(user_id), ..Subject::default() };
    match purpose {
        Purpose::ConfirmEmail => {
            let address = EmailAddress::parse(&format!("second-{}", person.email)).unwrap();
            emails::put_pending(tx, user_id, &address, one_time_tokens::lifetime(purpose)).await.unwrap();
            subject.pending_email_id = emails::find_pending(tx, user_id).await.unwrap().map(|pending| pending.id);
        }
        _ => subject.email_id = emails::find_primary(tx, user_id).await.unwrap().map(|email| email.id),
    }
    one_time_tokens::issue(tx, purpose, subject).await.unwrap().reveal().to_owned()
}

/// Everything that a user has to show, got while all was well.
struct Tokens {
    key: String,
    links: Vec<(Purpose, String)>,
    /// In which they have signed in, with the form of a page of theirs.
    browser: Browser,
    waiting: Option<Waiting>,
    passkey: Option<Passkey>,
    /// For the app that they are about to bind.
    app_code: Option<String>,
}

/// An answer of their passkey, and the session in which they have made it.
struct Passkey {
    answer: Value,
    client: Client,
}

/// A sign-in that waits for the second factor, and the code for it.
struct Waiting {
    token: String,
    /// At the page that asks for it.
    browser: Browser,
    code: String,
}

async fn waiting(app: &TestApp, person: &Person) -> Waiting {
    let bound = app.with_second_factor(person).await;
    let asked = app.client().post("/v1/login", json!({ "identifier": person.email, "password": PASSWORD })).await.expect(202);
    let mut browser = app.browser();
    browser.sign_in(&person.email).await.expect(303);
    browser.open("/sign-in/second-factor").await.expect(200);
    Waiting { token: asked.str("pending_token"), browser, code: bound.next_code(app) }
}

async fn passkey(app: &TestApp, person: &Person) -> Passkey {
    let mut authenticator = Authenticator::new(person.id.as_bytes());
    let asked = person.client.post("/v1/me/passkeys/options", json!({})).await.expect(200);
    let credential = authenticator.create(&asked.json["options"]);
    let body = json!({ "ceremony": asked.str("ceremony"), "credential": credential, "name": "x" });
    let client = app.person_of(&person.client.post("/v1/me/passkeys", body).await.expect(200)).await.client;
    let asked = app.client().post("/v1/login/passkey/options", json!({})).await.expect(200);
    let answer = json!({ "ceremony": asked.str("ceremony"), "credential": authenticator.get(&asked.json["options"]) });
    Passkey { answer, client }
}

async fn app_code(app: &TestApp, person: &Person) -> String {
    let started = person.client.post("/v1/me/second-factors/totp", json!({})).await.expect(200);
    let secret = BASE32_NOPAD.decode(started.str("secret").as_bytes()).unwrap();
    totp::code(&secret, totp::step(app.now()))
}

async fn tokens(app: &TestApp, door: &str, person: &Person) -> Tokens {
    let mut browser = app.browser();
    browser.sign_in(&person.email).await.expect(303);
    browser.open("/account/password").await.expect(200);
    let made = person.client.post("/v1/me/api-keys", json!({ "name": "x" })).await.expect(201);
    let mut tx = app.tx().await;
    let mut links = Vec::new();
    for purpose in [
        Purpose::VerifyEmail,
        Purpose::ConfirmEmail,
        Purpose::ResetPassword,
        Purpose::SetPassword,
        Purpose::ReportSignIn,
        Purpose::UndoDeletion,
    ] {
        assert!(DOORS.iter().any(|door| Some(door.name) == door_of(purpose)), "{purpose:?}");
        links.push((purpose, link(&mut tx, purpose, person).await));
    }
    tx.commit().await.unwrap();
    let waiting = if door.starts_with("second factor") { Some(waiting(app, person).await) } else { None };
    let passkey = if door.contains("passkey") { Some(passkey(app, person).await) } else { None };
    let app_code = if door == "binding an app" { Some(app_code(app, person).await) } else { None };
    Tokens { key: made.str("key"), links, browser, waiting, passkey, app_code }
}

async fn knock(app: &TestApp, door: &str, person: &Person, tokens: &Tokens) -> Answer {
    const NEW: &str = "seven quiet herons wading";
    let link = |purpose: Purpose| &tokens.links.iter().find(|(of, _)| *of == purpose).unwrap().1;
    let anybody = app.client();
    match door {
        "access token" => person.client.get("/v1/me").await,
        "refresh token" => anybody.post("/v1/refresh", json!({ "refresh_token": person.refresh_token })).await,
        "session in a browser" => tokens.browser.clone().open("/account").await,
        "sign-in in a browser" => app.browser().sign_in(&person.email).await,
        "own password in a browser" => {
            tokens.browser.clone().submit("/account/password", &[("current_password", PASSWORD), ("password", NEW)]).await
        }
        "API key" => app.client_with(&tokens.key).get("/v1/whoami").await,
        "sign-in" => anybody.post("/v1/login", json!({ "identifier": person.email, "password": PASSWORD })).await,
        "second factor" => {
            let waiting = tokens.waiting.as_ref().unwrap();
            let body = json!({ "pending_token": waiting.token, "code": waiting.code });
            anybody.post("/v1/login/second-factor", body).await
        }
        "second factor in a browser" => {
            let waiting = tokens.waiting.as_ref().unwrap();
            waiting.browser.clone().submit("/sign-in/second-factor", &[("code", &waiting.code)]).await
        }
        "passkey" => anybody.post("/v1/login/passkey", tokens.passkey.as_ref().unwrap().answer.clone()).await,
        "passkey in a browser" => {
            let answer = &tokens.passkey.as_ref().unwrap().answer;
            let (ceremony, credential) = (answer["ceremony"].as_str().unwrap(), answer["credential"].to_string());
            let mut browser = app.browser();
            browser.open("/sign-in").await.expect(200);
            browser.submit("/sign-in/passkey", &[("ceremony", ceremony), ("credential", &credential)]).await
        }
        "proof again" => person.client.post("/v1/reauthenticate", json!({ "password": PASSWORD })).await,
        "proof again in a browser" => tokens.browser.clone().submit("/reauthenticate", &[("password", PASSWORD)]).await,
        "proof again by passkey" => {
            let passkey = tokens.passkey.as_ref().unwrap();
            passkey.client.post("/v1/reauthenticate/passkey", passkey.answer.clone()).await
        }
        "binding an app" => person.client.post("/v1/me/second-factors/totp/confirm", json!({ "code": tokens.app_code })).await,
        "own password" => person.client.put("/v1/me/password", json!({ "current_password": PASSWORD, "password": NEW })).await,
        "own API key" => person.client.post("/v1/me/api-keys", json!({ "name": "y" })).await,
        "verification" => {
            anybody.post("/v1/verify-email", json!({ "token": link(Purpose::VerifyEmail), "new_password": NEW })).await
        }
        "confirmation" => anybody.post("/v1/me/emails/confirm", json!({ "token": link(Purpose::ConfirmEmail) })).await,
        "reset" => anybody.post("/v1/password/reset", json!({ "token": link(Purpose::ResetPassword), "password": NEW })).await,
        "welcome" => anybody.post("/v1/password/reset", json!({ "token": link(Purpose::SetPassword), "password": NEW })).await,
        "report" => anybody.post("/v1/report-sign-in", json!({ "token": link(Purpose::ReportSignIn) })).await,
        "undoing a deletion" => anybody.post("/v1/undo-deletion", json!({ "token": link(Purpose::UndoDeletion) })).await,
        _ => panic!("nobody knows how to knock at {door}"),
    }
}

#[tokio::test]
async fn r103_every_door_is_shut_by_the_gate_to_whoever_may_not_act() {
    let app = TestApp::new().await;
    let mut wrong = Vec::new();
    for (at, door) in DOORS.iter().enumerate() {
        for state in STATES {
            let person = app.user(&format!("p{at}-{state:?}").to_lowercase()).await;
            let tokens = tokens(&app, door.name, &person).await;
            put(&app, &person, state).await;
            let answer = knock(&app, door.name, &person, &tokens).await;
            let (open, expected) = (is_open(&answer), door.open_to.contains(&state));
            if open != expected {
                wrong.push(format!("{} in the state {state:?}: {} {}", door.name, answer.status, answer.text));
            }
            if !open {
                assert!([200, 202, 303, 401, 422].contains(&answer.status.as_u16()), "{} {state:?}: {}", door.name, answer.text);
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn what_is_done_after_a_request_is_done_for_whom_the_gate_lets_through_then() {
    let app = TestApp::new().await;
    for state in STATES {
        let boss = app.person(&format!("{state:?}").to_lowercase(), &["admin", "user"]).await;
        boss.client.post("/v1/me/api-keys", json!({ "name": "x" })).await.expect(201);
        let wish = json!({ "email": format!("by-{}", boss.email), "roles": ["manager"], "delivery": "link" });
        let invited = boss.client.post("/v1/invitations", wish).await.expect(201).str("link");
        put(&app, &boss, state).await;
        let mut tx = app.tx().await;
        let subject = caller::Subject::User(boss.id.parse().unwrap());
        let held = caller::find_active_permissions(&mut tx, subject).await.unwrap();
        tx.commit().await.unwrap();
        let body = json!({ "token": invited.split("?token=").nth(1).unwrap(), "password": PASSWORD });
        let guest = app.client().post("/v1/invitations/accept", body).await.expect(201);
        let gives = guest.json["roles"] == json!(["manager"]);
        assert_eq!([held.is_some(), gives], [WORK.contains(&state); 2], "{state:?}: {}", guest.text);
    }
    app.run_jobs().await;
    app.finish().await;
}

/// A service account is no user: what shuts its keys is less.
#[tokio::test]
async fn r103_the_key_of_a_service_account_is_shut_by_the_gate() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    for (number, ending) in [
        "update service_accounts set status = 'suspended' where id::text = $1",
        "update api_keys set revoked_at = created_at where service_account_id::text = $1",
        "update api_keys set expires_at = created_at where service_account_id::text = $1",
    ]
    .into_iter()
    .enumerate()
    {
        let account = json!({ "name": format!("robot-{number}"), "permissions": ["users:read"] });
        let account = root.client.post("/v1/service-accounts", account).await.expect(201).str("id");
        let made = root.client.post(&format!("/v1/service-accounts/{account}/keys"), json!({ "name": "x" })).await.expect(201);
        let program = app.client_with(&made.str("key"));
        program.get("/v1/whoami").await.expect(200);
        let mut tx = app.tx().await;
        assert_eq!(tx.execute(ending, &[&account]).await.unwrap(), 1, "{ending}");
        tx.commit().await.unwrap();
        program.get("/v1/whoami").await.expect_problem(401, "unauthorized");
    }
    app.finish().await;
}

/// Pages lead on: to the account who is let in, and to the sign-in who is not. Who is asked for the second factor is not in yet.
fn is_open(answer: &Answer) -> bool {
    let leads_in = |to: &http::HeaderValue| to.as_bytes().starts_with(b"/account");
    let is_asked_on = answer.json["second_factor"] == "required" || answer.text.contains("<h1>Sign in again</h1>");
    answer.status.is_success() && !is_asked_on || answer.headers.get("location").is_some_and(leads_in)
}

/// The door at which a secret of this purpose is shown; a new purpose does not compile before it has one.
fn door_of(purpose: Purpose) -> Option<&'static str> {
    match purpose {
        Purpose::VerifyEmail => Some("verification"),
        Purpose::ConfirmEmail => Some("confirmation"),
        Purpose::ResetPassword => Some("reset"),
        Purpose::SetPassword => Some("welcome"),
        Purpose::ReportSignIn => Some("report"),
        Purpose::UndoDeletion => Some("undoing a deletion"),
        Purpose::Refresh => Some("refresh token"),
        Purpose::ApiKey => Some("API key"),
        Purpose::Browser => Some("session in a browser"),
        Purpose::PendingSignIn => Some("second factor"),
        Purpose::PasskeyCeremony => Some("passkey"),
        // The first makes the first user, the last makes users; the others open nothing: one says which counter of failures an attempt
        // is charged to, and one binds a form to the browser that it was shown to.
        Purpose::Setup | Purpose::Device | Purpose::Form | Purpose::Invitation => None,
    }
}
