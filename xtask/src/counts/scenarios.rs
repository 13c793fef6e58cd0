//! What is asked for, and who asks.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::http::{Answer, Connection, Request};
use crate::json::Value;
use crate::server::Server;

const ADDRESS: &str = "admin@example.org";
const PASSWORD: &str = "plum kettle orbit lantern";
/// As many as a filter may have.
const COMPARISONS: usize = 64;
/// An access token lives for five minutes, and a busy machine may count for longer.
const TOKEN_AGE_MAX: Duration = Duration::from_mins(2);
const TRIES: usize = 10;
const PAUSE: Duration = Duration::from_secs(1);

/// A request, or what one takes more than another.
pub struct Scenario {
    pub name: &'static str,
    /// How many requests are counted at once. A sign-in hashes for a second at callgrind's pace.
    pub requests: u64,
    pub status: u16,
    pub request: fn(&Person) -> Request,
    /// What is asked besides, and is not to count.
    pub without: Option<fn(&Person) -> Request>,
}

pub const SCENARIOS: [Scenario; 5] = [
    Scenario { name: "bearer-check", requests: 20, status: 200, request: |person| person.get("/v1/whoami"), without: None },
    Scenario {
        name: "filter-parse",
        requests: 20,
        status: 422,
        request: |person| person.filter(COMPARISONS),
        without: Some(|person| person.filter(0)),
    },
    Scenario { name: "problem", requests: 20, status: 404, request: |_| Request::get("/v1/nothing"), without: None },
    Scenario { name: "console-page", requests: 10, status: 200, request: |person| person.page("/admin/users"), without: None },
    Scenario { name: "sign-in", requests: 4, status: 200, request: Person::sign_in, without: None },
];

/// The administrator of a fresh server, who has signed in to the API and to the pages.
pub struct Person {
    device_token: Option<String>,
    access_token: String,
    issued: Instant,
    cookie: String,
}

impl Person {
    pub fn begin(server: &Server) -> Result<Self, String> {
        let body = format!(r#"{{"token":"{}","email":"{ADDRESS}","password":"{PASSWORD}"}}"#, server.setup_token()?);
        let setup = Request { method: "POST", path: "/v1/setup".to_owned(), headers: Vec::new(), body: Some(body) };
        ask(&mut Connection::open(server.address)?, &setup, 201)?;
        let mut person = Self { device_token: None, access_token: String::new(), issued: Instant::now(), cookie: String::new() };
        person.renew(server)?;
        person.cookie = sign_in_to_pages(&mut Connection::open(server.address)?)?;
        Ok(person)
    }

    /// Signs in to the API once more, where the token will not last for a scenario.
    pub fn renew_old(&mut self, server: &Server) -> Result<(), String> {
        if self.issued.elapsed() < TOKEN_AGE_MAX { Ok(()) } else { self.renew(server) }
    }

    fn renew(&mut self, server: &Server) -> Result<(), String> {
        let answer = ask(&mut Connection::open(server.address)?, &self.sign_in(), 200)?;
        let begun = Value::parse(&answer.body)?;
        let text = |pointer| begun.pointer(pointer).and_then(Value::text).map(str::to_owned);
        // A device that is known is not told its token again.
        self.device_token = text("/device_token").or(self.device_token.take());
        self.access_token = text("/access_token").ok_or("a sign-in gives no access token")?;
        self.issued = Instant::now();
        Ok(())
    }

    fn sign_in(&self) -> Request {
        let device = self.device_token.as_ref().map(|token| format!(r#","device_token":"{token}""#)).unwrap_or_default();
        let body = format!(r#"{{"identifier":"{ADDRESS}","password":"{PASSWORD}"{device}}}"#);
        Request { method: "POST", path: "/v1/login".to_owned(), headers: Vec::new(), body: Some(body) }
    }

    fn get(&self, path: &str) -> Request {
        Request { headers: vec![("Authorization", format!("Bearer {}", self.access_token))], ..Request::get(path) }
    }

    /// A filter that ends too soon: it is parsed to its end, and no user is looked for.
    fn filter(&self, comparisons: usize) -> Request {
        self.get(&format!("/v1/users?filter={}not", "attributes.city+eq+%22Berlin%22+and+".repeat(comparisons)))
    }

    fn page(&self, path: &str) -> Request {
        Request { headers: vec![("Cookie", self.cookie.clone())], ..Request::get(path) }
    }
}

/// Asks until there is the answer that must come; on a busy machine usher may say that one should come back.
pub fn ask(connection: &mut Connection, request: &Request, status: u16) -> Result<Answer, String> {
    for _ in 0..TRIES {
        let answer = connection.ask(request)?;
        match answer.status {
            found if found == status => return Ok(answer),
            503 => sleep(PAUSE),
            found => {
                return Err(format!("{} {}: expected {status}, came {found}\n{}", request.method, request.path, answer.body));
            }
        }
    }
    Err(format!("{} {}: expected {status}, came 503 {TRIES} times", request.method, request.path))
}

/// By the form, as a browser does it; gives the cookie of the session.
fn sign_in_to_pages(connection: &mut Connection) -> Result<String, String> {
    let form = Request::get("/sign-in");
    let page = ask(connection, &form, 200)?;
    let token = form_token(&page.body).ok_or("the form of the sign-in has no token")?;
    let (identifier, password) = (ADDRESS.replace('@', "%40"), PASSWORD.replace(' ', "+"));
    let body = format!("form_token={token}&return_to=&identifier={identifier}&password={password}");
    let headers = vec![
        ("Cookie", cookie(&page, "usher-form").ok_or("the page of the sign-in gives no cookie")?),
        ("Content-Type", "application/x-www-form-urlencoded".to_owned()),
    ];
    let sent = Request { method: "POST", path: "/sign-in".to_owned(), headers, body: Some(body) };
    let entered = ask(connection, &sent, 303)?;
    cookie(&entered, "usher").ok_or_else(|| "a sign-in gives no cookie".to_owned())
}

/// `name=value`, as a browser sends it back.
fn cookie(answer: &Answer, name: &str) -> Option<String> {
    let set = answer.headers.iter().filter(|(header, _)| header == "set-cookie");
    let mut pairs = set.filter_map(|(_, value)| value.split(';').next());
    pairs.find(|pair| pair.split_once('=').is_some_and(|(found, _)| found == name)).map(str::to_owned)
}

fn form_token(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once(r#"name="form_token" value=""#)?;
    Some(rest.split_once('"')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_sent_back_as_it_was_set() {
        let set = |text: &str| ("set-cookie".to_owned(), format!("{text}; Path=/; HttpOnly"));
        let answer = Answer { status: 303, headers: vec![set("usher-device=d"), set("usher=s=1")], body: String::new() };
        assert_eq!(cookie(&answer, "usher").as_deref(), Some("usher=s=1"));
        assert_eq!(cookie(&answer, "usher-form"), None);
    }

    #[test]
    fn the_token_of_a_form_is_found() {
        assert_eq!(form_token(r#"<input type="hidden" name="form_token" value="abc"> <input value="x">"#), Some("abc"));
        assert_eq!(form_token("<p>No form</p>"), None);
    }
}
