//! The README's walk as a table of steps: what is asked, and what must come.
//!
//! `$name` in a path, a header or a body stands for what an earlier step kept under that name.

/// One step of the tour.
#[derive(Debug)]
pub struct Step {
    pub title: &'static str,
    pub action: Action,
    pub checks: Vec<(&'static str, Check)>,
    pub keep: Vec<(&'static str, Source)>,
}

#[derive(Debug)]
pub enum Action {
    Request {
        method: &'static str,
        path: &'static str,
        /// The name under which the caller's access token was kept.
        caller: Option<&'static str>,
        if_match: Option<&'static str>,
        body: Option<&'static str>,
        status: u16,
    },
    /// Reads the newest mail with the command line and keeps the token of the link in it.
    ReadMail { link: &'static str },
}

/// What must be found at a JSON pointer of the answer.
#[derive(Debug)]
pub enum Check {
    Is(&'static str),
    Starts(&'static str),
    Null,
}

/// Where in the answer a value to keep is.
#[derive(Debug)]
pub enum Source {
    Body(&'static str),
    Header(&'static str),
}

impl Step {
    fn request(title: &'static str, (method, path): (&'static str, &'static str), status: u16) -> Self {
        Self {
            title,
            action: Action::Request { method, path, caller: None, if_match: None, body: None, status },
            checks: Vec::new(),
            keep: Vec::new(),
        }
    }

    fn read_mail(title: &'static str, link: &'static str, keep: &'static str) -> Self {
        Self { title, action: Action::ReadMail { link }, checks: Vec::new(), keep: vec![(keep, Source::Body(""))] }
    }

    fn body(mut self, json: &'static str) -> Self {
        if let Action::Request { body, .. } = &mut self.action {
            *body = Some(json);
        }
        self
    }

    fn by(mut self, token: &'static str) -> Self {
        if let Action::Request { caller, .. } = &mut self.action {
            *caller = Some(token);
        }
        self
    }

    fn if_match(mut self, etag: &'static str) -> Self {
        if let Action::Request { if_match, .. } = &mut self.action {
            *if_match = Some(etag);
        }
        self
    }

    fn check(mut self, pointer: &'static str, check: Check) -> Self {
        self.checks.push((pointer, check));
        self
    }

    fn is(self, pointer: &'static str, value: &'static str) -> Self {
        self.check(pointer, Check::Is(value))
    }

    fn keep(mut self, name: &'static str, source: Source) -> Self {
        self.keep.push((name, source));
        self
    }
}

const ADMIN_LOGIN: &str = r#"{"identifier":"grace@example.org","password":"plum kettle orbit lantern"}"#;
const PERSON_LOGIN: &str = r#"{"identifier":"ada@example.org","password":"violet anchor meadow stone"}"#;

/// All steps, in order. `$setup_token` is there from the start.
pub fn steps() -> Vec<Step> {
    let mut steps = sign_up();
    steps.extend(change());
    steps.extend(suspend_and_delete());
    steps.extend(documents());
    steps
}

fn sign_up() -> Vec<Step> {
    vec![
        Step::request("the first administrator", ("POST", "/v1/setup"), 201)
            .body(r#"{"token":"$setup_token","email":"grace@example.org","password":"plum kettle orbit lantern"}"#)
            .is("/status", "active")
            .is("/email", "grace@example.org")
            .is("/roles/0", "admin"),
        Step::request("a person registers", ("POST", "/v1/register"), 202)
            .body(r#"{"email":"ada@example.org","password":"violet anchor meadow stone"}"#)
            .is("/status", "verification_sent"),
        Step::read_mail("the mail that was held for her", "/verify?token=", "verification"),
        Step::request("the address is verified", ("POST", "/v1/verify-email"), 200)
            .body(r#"{"token":"$verification","password":"violet anchor meadow stone"}"#)
            .is("/status", "verified"),
        Step::request("she signs in", ("POST", "/v1/login"), 200)
            .body(PERSON_LOGIN)
            .is("/token_type", "Bearer")
            .keep("person", Source::Body("/access_token")),
        Step::request("who am I?", ("GET", "/v1/me"), 200)
            .by("person")
            .is("/email", "ada@example.org")
            .is("/status", "active")
            .keep("person_id", Source::Body("/id")),
    ]
}

fn change() -> Vec<Step> {
    vec![
        Step::request("the administrator signs in", ("POST", "/v1/login"), 200)
            .body(ADMIN_LOGIN)
            .keep("admin", Source::Body("/access_token")),
        Step::request("everybody, the newest first", ("GET", "/v1/users"), 200)
            .by("admin")
            .is("/items/0/id", "$person_id")
            .is("/items/1/email", "grace@example.org"),
        Step::request("her entry", ("GET", "/v1/users/$person_id"), 200)
            .by("admin")
            .is("/email", "ada@example.org")
            .keep("etag", Source::Header("etag")),
        Step::request("a change", ("PATCH", "/v1/users/$person_id"), 200)
            .by("admin")
            .if_match("$etag")
            .body(r#"{"display_name":"Ada"}"#)
            .is("/display_name", "Ada")
            .keep("newer_etag", Source::Header("etag")),
        Step::request("a change of what has changed since", ("PATCH", "/v1/users/$person_id"), 412)
            .by("admin")
            .if_match("$etag")
            .body(r#"{"display_name":"Lady Lovelace"}"#)
            .is("/code", "precondition_failed"),
        Step::request("the same, up to date", ("PATCH", "/v1/users/$person_id"), 200)
            .by("admin")
            .if_match("$newer_etag")
            .body(r#"{"display_name":"Lady Lovelace"}"#)
            .is("/display_name", "Lady Lovelace"),
    ]
}

fn suspend_and_delete() -> Vec<Step> {
    vec![
        Step::request("she is suspended", ("POST", "/v1/users/$person_id/suspend"), 200)
            .by("admin")
            .body(r#"{"reason":"the tour"}"#)
            .is("/status", "suspended"),
        Step::request("her token is refused at once", ("GET", "/v1/me"), 401).by("person").is("/code", "unauthorized"),
        Step::request("she is back", ("POST", "/v1/users/$person_id/reactivate"), 200).by("admin").is("/status", "active"),
        Step::request("she signs in again", ("POST", "/v1/login"), 200).body(PERSON_LOGIN).is("/token_type", "Bearer"),
        Step::request("she is deleted", ("DELETE", "/v1/users/$person_id"), 204).by("admin"),
        Step::request("and restored", ("POST", "/v1/users/$person_id/restore"), 200)
            .by("admin")
            .is("/id", "$person_id")
            .check("/deleted_at", Check::Null),
    ]
}

fn documents() -> Vec<Step> {
    vec![
        Step::request("the API's pages", ("GET", "/docs"), 200),
        Step::request("the API's description", ("GET", "/openapi.json"), 200).check("/openapi", Check::Starts("3.1")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names that a text refers to.
    fn names(text: &str) -> Vec<&str> {
        text.split('$')
            .skip(1)
            .map(|rest| {
                let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_');
                &rest[..end.unwrap_or(rest.len())]
            })
            .collect()
    }

    #[test]
    fn every_name_was_kept_by_an_earlier_step() {
        let mut kept = vec!["setup_token"];
        for step in steps() {
            let mut texts = Vec::new();
            if let Action::Request { path, caller, if_match, body, .. } = step.action {
                texts.extend([Some(path), if_match, body].into_iter().flatten());
                assert!(caller.is_none_or(|caller| kept.contains(&caller)));
            }
            for (_, check) in &step.checks {
                if let Check::Is(value) = check {
                    texts.push(value);
                }
            }
            for name in texts.into_iter().flat_map(names) {
                assert!(kept.contains(&name), "{}: {name}", step.title);
            }
            kept.extend(step.keep.iter().map(|(name, _)| *name));
        }
    }
}
