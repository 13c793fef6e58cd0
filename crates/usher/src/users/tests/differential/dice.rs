//! Filters and values that are generated.

use std::fmt::Write;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde_json::{Map, Value as Json, json};

use crate::id::UserId;

/// Numbers that look random and are the same in every run.
pub struct Dice {
    pub state: u64,
    /// Of everybody there is.
    pub ids: Vec<UserId>,
    /// Of all groups.
    pub groups: Vec<String>,
}

impl Dice {
    pub fn throw(&mut self, sides: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state % u64::try_from(sides).unwrap()).unwrap()
    }

    pub fn pick(&mut self, of: &[&'static str]) -> &'static str {
        of[self.throw(of.len())]
    }

    fn comparison(&mut self) -> String {
        let (path, operator, value) = match self.throw(22) {
            0 => ("userName", self.pick(&PARTS), json!(self.pick(&TEXTS))),
            1 => (self.pick(&NAME_PATHS), self.pick(&PARTS), json!(self.pick(&TEXTS))),
            2 => (self.pick(&["email", "emails"]), self.pick(&PARTS), json!(self.pick(&TEXTS))),
            3 => ("status", self.pick(&["eq", "ne"]), json!(self.pick(&["active", "pending", "suspended"]))),
            4 | 7 => ("roles", self.pick(&["eq", "ne", "pr"]), json!(self.pick(&ROLES))),
            5 => ("emailVerified", self.pick(&["eq", "ne"]), json!(self.throw(2) == 0)),
            6 => (self.pick(&TIME_PATHS), self.pick(&ORDER), json!(format!("2026-01-01T00:00:{:02}Z", self.throw(45)))),
            8 => ("id", self.pick(&["eq", "ne", "pr"]), json!(self.id())),
            9 => (self.pick(&["locale", "timeZone"]), self.pick(&["eq", "ne", "pr"]), json!(self.pick(&CODES))),
            10..=13 => self.of_attribute(),
            14 | 15 => ("groups", self.pick(&["eq", "ne", "pr"]), json!(self.group())),
            16 => ("secondFactors", self.pick(&["eq", "ne"]), json!(self.throw(2) == 0)),
            17 => (self.pick(&FACTOR_PATHS), self.pick(&["eq", "ne"]), json!(self.throw(2) == 0)),
            18 => ("lastActiveOn", self.pick(&ORDER), json!(self.day())),
            19 => return format!("groups[{}]", self.of_group()),
            _ => return format!("emails[{}]", self.of_email()),
        };
        if operator == "pr" { format!("{path} pr") } else { format!("{path} {operator} {value}") }
    }

    fn of_email(&mut self) -> String {
        match self.throw(3) {
            0 => format!("value {} {}", self.pick(&["eq", "co", "sw", "ew"]), json!(self.pick(&TEXTS))),
            1 => format!("verified eq {}", self.throw(2) == 0),
            _ => format!("primary eq true and not (value co {})", json!(self.pick(&TEXTS))),
        }
    }

    fn of_group(&mut self) -> String {
        let kind = self.pick(&["direct", "INDIRECT"]);
        match self.throw(5) {
            0 => format!("value {} {}", self.pick(&["eq", "ne"]), json!(self.group())),
            1 => format!("display {} {}", self.pick(&["eq", "ne", "co", "sw", "ew"]), json!(self.pick(&GROUP_TEXTS))),
            2 => format!("value eq {} and type eq {}", json!(self.group()), json!(kind)),
            3 => format!("not (display co {}) or type ne {}", json!(self.pick(&GROUP_TEXTS)), json!(kind)),
            _ => format!("type eq {}", json!(kind)),
        }
    }

    /// By name or by id, or one that is not there.
    fn group(&mut self) -> String {
        let (at, is_loud) = (self.throw(2 * self.groups.len()), self.throw(2) == 0);
        match self.groups.get(at) {
            Some(id) if is_loud => id.to_uppercase(),
            Some(id) => id.clone(),
            None => self.pick(&GROUP_TEXTS).to_owned(),
        }
    }

    /// One of the two weeks around the day on which everybody comes.
    pub fn day(&mut self) -> Date {
        let days = i64::try_from(self.throw(14)).unwrap();
        Date::constant(2025, 12, 25) + days.days()
    }

    /// The first or the last moment of a day, or none.
    pub fn moment_of_a_day(&mut self) -> Option<Timestamp> {
        let (day, time) = (self.day(), self.pick(&["00:00:00", "23:59:59.999999"]));
        format!("{day}T{time}Z").parse().ok().filter(|_| self.throw(3) == 0)
    }

    /// Of somebody, or of nobody; a UUID minds no case either.
    fn id(&mut self) -> String {
        let at = self.throw(self.ids.len() + 1);
        let id = self.ids.get(at).map_or("0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d".to_owned(), ToString::to_string);
        if self.throw(2) == 0 { id.to_uppercase() } else { id }
    }

    pub fn pick_or_none(&mut self, of: &[&'static str]) -> Option<&'static str> {
        Some(self.pick(of)).filter(|_| self.throw(4) > 0)
    }

    /// One in the first seconds, or none.
    pub fn moment(&mut self) -> Option<Timestamp> {
        let second = self.throw(60);
        format!("2026-01-01T00:00:{second:02}Z").parse().ok().filter(|_| second < 45)
    }

    fn of_attribute(&mut self) -> (&'static str, &'static str, Json) {
        match self.throw(6) {
            0 => (
                "attributes.department",
                self.pick(&["eq", "ne", "sw", "gt", "ge", "lt", "le", "pr"]),
                json!(self.pick(&DEPARTMENTS)),
            ),
            1 => ("attributes.level", self.pick(&ORDER), json!(self.level())),
            2 => ("attributes.start", self.pick(&ORDER), json!(self.start())),
            3 => ("attributes.born", self.pick(&ORDER), json!(self.born())),
            4 => ("attributes.remote", self.pick(&["eq", "ne", "pr"]), json!(self.throw(2) == 0)),
            _ => ("attributes.tags", self.pick(&["eq", "ne", "pr"]), json!(self.pick(&TAGS))),
        }
    }

    fn level(&mut self) -> f64 {
        [-1.0, 0.0, 2.5, 3.0, 3.5, 1e12][self.throw(6)]
    }

    /// The same moments, written in several zones.
    fn start(&mut self) -> String {
        let hour = self.throw(5);
        if self.throw(2) == 0 { format!("2026-01-01T0{}:00:00+01:00", hour + 1) } else { format!("2026-01-01T0{hour}:00:00Z") }
    }

    fn born(&mut self) -> String {
        format!("19{}0-0{}-15", 5 + self.throw(5), 1 + self.throw(9))
    }

    /// Each is there or not.
    pub fn attributes(&mut self) -> Map<String, Json> {
        let all = [
            ("department", json!(self.pick(&DEPARTMENTS))),
            ("level", json!(self.level())),
            ("start", json!(self.start())),
            ("born", json!(self.born())),
            ("remote", json!(self.throw(2) == 0)),
            ("tags", json!(TAGS[..self.throw(TAGS.len())])),
        ];
        all.into_iter().filter(|_| self.throw(4) > 0).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    pub fn filter(&mut self, depth: usize) -> String {
        match if depth == 0 { 0 } else { self.throw(6) } {
            0..=2 => self.comparison(),
            3 => format!("not ({})", self.filter(depth - 1)),
            at => {
                let word = if at == 4 { "and" } else { "or" };
                let mut text = String::new();
                write!(text, "({}) {word} ({})", self.filter(depth - 1), self.filter(depth - 1)).unwrap();
                text
            }
        }
    }
}

const PARTS: [&str; 6] = ["eq", "ne", "co", "sw", "ew", "pr"];
const TEXTS: [&str; 13] =
    ["ann", "ANN00", "bob01", "Ann Baker", "_", "%", "100%", "ß", "Zoë", "mail.example", "@o", "zed02@mail.example", "b"];
const DEPARTMENTS: [&str; 8] = ["Sales", "sales", "SUPPORT", "Straße", "", "sal", "_%", "Zoë"];
const TAGS: [&str; 4] = ["a", "B", "ß", "100%"];
const ORDER: [&str; 7] = ["eq", "ne", "gt", "ge", "lt", "le", "pr"];
pub const NAMES: [&str; 6] = ["Ann Baker", "ANN", "Bob_100%", "Zoë Groß", "a b c", "%"];
const NAME_PATHS: [&str; 6] = ["displayName", "displayName", "givenName", "familyName", "name.givenName", "name.familyName"];
const TIME_PATHS: [&str; 6] = ["createdAt", "updatedAt", "lastSignInAt", "lockedUntil", "professionalAt", "deletedAt"];
const CODES: [&str; 6] = ["en", "EN-gb", "de-AT", "Europe/Vienna", "europe/VIENNA", "UTC"];
const ROLES: [&str; 5] = ["user", "manager", "admin", "editor", "READER"];
const GROUP_TEXTS: [&str; 9] = ["staff", "ZOË'S Press", "100%_interns", "nobody", "s", "%", "_", "zo", "Interns"];
const FACTOR_PATHS: [&str; 3] = ["secondFactors.any", "secondFactors.app", "secondFactors.passkey"];
