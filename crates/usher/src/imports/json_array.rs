//! A JSON array of objects, or an object with such an array as its member `users`; read element by element. In the place of its line
//! an element has its number.

use std::io::{self, Read};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::Fault;
use super::reader::{ROW_READ_MAX, Raw, failed, unreadable};
use crate::error::{AppError, AppResult};

/// Gives each object to `each`.
pub fn read(from: impl Read, allow: &dyn Fn(usize), each: &mut dyn FnMut(Raw) -> AppResult<bool>) -> AppResult<()> {
    let mut state = State { allow, each, failure: None, number: 0, over: false };
    let mut deserializer = serde_json::Deserializer::from_reader(from);
    let read = Document(&mut state).deserialize(&mut deserializer);
    if let Some(failure) = state.failure {
        return Err(failure);
    }
    if state.over {
        return Ok(());
    }
    match read {
        Ok(true) => Ok(()),
        Ok(false) => Err(unreadable("The file has no array of users.").into()),
        Err(error) if error.is_io() => Err(failed(io::Error::from(error))),
        Err(error) => Err(unreadable(format!("The file is no JSON (line {}, column {}).", error.line(), error.column())).into()),
    }
}

struct State<'a> {
    allow: &'a dyn Fn(usize),
    each: &'a mut dyn FnMut(Raw) -> AppResult<bool>,
    failure: Option<AppError>,
    number: u64,
    over: bool,
}

struct Document<'s, 'a>(&'s mut State<'a>);

impl<'de> DeserializeSeed<'de> for Document<'_, '_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = bool;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of users")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        let state = self.0;
        (state.allow)(ROW_READ_MAX);
        while let Some(value) = items.next_element::<Value>()? {
            state.number += 1;
            let members = match value {
                Value::Object(members) => Ok(members),
                _ => Err(Fault::new("", "malformed_json", "The element is no JSON object.")),
            };
            let go_on = (state.each)(Raw { line: state.number, members });
            match go_on {
                Ok(true) => {}
                Ok(false) => {
                    state.over = true;
                    return Err(serde::de::Error::custom("over"));
                }
                Err(error) => {
                    state.failure = Some(error);
                    return Err(serde::de::Error::custom("refused"));
                }
            }
            (state.allow)(ROW_READ_MAX);
        }
        Ok(true)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
        let mut found = false;
        while let Some(name) = members.next_key::<String>()? {
            if name == "users" {
                found |= members.next_value_seed(Document(&mut *self.0))?;
            } else {
                // It may be of any size: nobody keeps it.
                (self.0.allow)(usize::MAX);
                members.next_value::<IgnoredAny>()?;
            }
            (self.0.allow)(ROW_READ_MAX);
        }
        Ok(found)
    }
}
