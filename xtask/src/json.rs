//! Reads JSON (RFC 8259) as far as the tour and `cargo metadata` need: parse a document, pick
//! values out of it by JSON pointer (RFC 6901). Numbers are kept as they are written.

/// Documents nested deeper than this are refused, so that no answer can exhaust the stack.
const DEPTH_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl Value {
    pub fn parse(document: &str) -> Result<Self, String> {
        let mut reader = Reader { rest: document, depth: 0 };
        let value = reader.value()?;
        reader.skip_space();
        if reader.rest.is_empty() { Ok(value) } else { Err(reader.complaint("nothing")) }
    }

    /// The value at the pointer; the empty pointer is the whole document.
    pub fn pointer(&self, pointer: &str) -> Option<&Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        let mut value = self;
        for step in pointer.strip_prefix('/')?.split('/') {
            let name = step.replace("~1", "/").replace("~0", "~");
            value = match value {
                Self::Object(members) => &members.iter().find(|(key, _)| *key == name)?.1,
                Self::List(items) => items.get(name.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(value)
    }

    /// A string's text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What a scalar says, without quotes; `None` for lists, objects and null.
    pub fn scalar(&self) -> Option<String> {
        match self {
            Self::Bool(truth) => Some(truth.to_string()),
            Self::Number(text) | Self::Text(text) => Some(text.clone()),
            Self::Null | Self::List(_) | Self::Object(_) => None,
        }
    }

    pub fn items(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Value, String> {
        self.skip_space();
        match self.rest.chars().next() {
            Some('{') => self.nested(Self::object),
            Some('[') => self.nested(Self::list),
            Some('"') => Ok(Value::Text(self.string()?)),
            Some('-' | '0'..='9') => self.number(),
            _ => self.word(),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, String>) -> Result<Value, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("JSON nested deeper than {DEPTH_MAX}"));
        }
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Value, String> {
        self.expect("{")?;
        let mut members = Vec::new();
        if self.take("}") {
            return Ok(Value::Object(members));
        }
        loop {
            self.skip_space();
            let name = self.string()?;
            self.expect(":")?;
            members.push((name, self.value()?));
            if self.take("}") {
                return Ok(Value::Object(members));
            }
            self.expect(",")?;
        }
    }

    fn list(&mut self) -> Result<Value, String> {
        self.expect("[")?;
        let mut items = Vec::new();
        if self.take("]") {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value()?);
            if self.take("]") {
                return Ok(Value::List(items));
            }
            self.expect(",")?;
        }
    }

    fn number(&mut self) -> Result<Value, String> {
        let end = self.rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        if text.parse::<f64>().is_err() {
            return Err(self.complaint("a number"));
        }
        self.rest = rest;
        Ok(Value::Number(text.to_owned()))
    }

    fn word(&mut self) -> Result<Value, String> {
        let words = [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))];
        for (word, value) in words {
            if self.take(word) {
                return Ok(value);
            }
        }
        Err(self.complaint("a value"))
    }

    fn string(&mut self) -> Result<String, String> {
        let Some(mut rest) = self.rest.strip_prefix('"') else {
            return Err(self.complaint("a string"));
        };
        let mut text = String::new();
        loop {
            let mut chars = rest.chars();
            match chars.next() {
                Some('"') => {
                    self.rest = chars.as_str();
                    return Ok(text);
                }
                Some('\\') => {
                    let (letter, after) = escape(chars.as_str())?;
                    text.push(letter);
                    rest = after;
                }
                Some(letter) => {
                    text.push(letter);
                    rest = chars.as_str();
                }
                None => return Err("JSON ends inside a string".to_owned()),
            }
        }
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    fn take(&mut self, token: &str) -> bool {
        self.skip_space();
        let Some(rest) = self.rest.strip_prefix(token) else {
            return false;
        };
        self.rest = rest;
        true
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.take(token) { Ok(()) } else { Err(self.complaint(token)) }
    }

    fn complaint(&self, wanted: &str) -> String {
        let found: String = self.rest.chars().take(20).collect();
        format!("JSON: wanted {wanted}, found {found:?}")
    }
}

/// Reads what follows a backslash: the letter it stands for, and the text after it.
fn escape(rest: &str) -> Result<(char, &str), String> {
    let mut chars = rest.chars();
    let letter = match chars.next() {
        Some('n') => '\n',
        Some('t') => '\t',
        Some('r') => '\r',
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some(letter @ ('"' | '\\' | '/')) => letter,
        Some('u') => return unicode_escape(chars.as_str()),
        other => return Err(format!("JSON: no such escape: {other:?}")),
    };
    Ok((letter, chars.as_str()))
}

/// Reads the four digits after `\u`, and the second half of a surrogate pair.
fn unicode_escape(rest: &str) -> Result<(char, &str), String> {
    let (first, after) = four_digits(rest)?;
    if !(0xD800..0xDC00).contains(&first) {
        let letter = char::from_u32(first).ok_or("JSON: half a surrogate pair")?;
        return Ok((letter, after));
    }
    let after = after.strip_prefix("\\u").ok_or("JSON: half a surrogate pair")?;
    let (second, after) = four_digits(after)?;
    let low = second.checked_sub(0xDC00).filter(|low| *low < 0x400).ok_or("JSON: half a surrogate pair")?;
    let letter = char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + low).ok_or("JSON: half a surrogate pair")?;
    Ok((letter, after))
}

fn four_digits(text: &str) -> Result<(u32, &str), String> {
    let (digits, after) = text
        .split_at_checked(4)
        .filter(|(digits, _)| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .ok_or("JSON: \\u wants four hexadecimal digits")?;
    let number = u32::from_str_radix(digits, 16).map_err(|error| error.to_string())?;
    Ok((number, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(document: &str, pointer: &str) -> Option<String> {
        Value::parse(document).unwrap().pointer(pointer)?.scalar()
    }

    #[test]
    fn pointers_reach_into_objects_and_lists() {
        let document = r#" { "items": [ {"id": 7, "ok": true}, {"id": "x"} ], "next": null } "#;
        assert_eq!(at(document, "/items/0/id").as_deref(), Some("7"));
        assert_eq!(at(document, "/items/0/ok").as_deref(), Some("true"));
        assert_eq!(at(document, "/items/1/id").as_deref(), Some("x"));
        assert_eq!(at(document, "/items/2/id"), None);
        assert_eq!(at(document, "/next"), None);
        assert_eq!(Value::parse(document).unwrap().pointer("/next"), Some(&Value::Null));
    }

    #[test]
    fn pointers_unescape_slash_and_tilde() {
        assert_eq!(at(r#"{"/v1/a~b": 1}"#, "/~1v1~1a~0b").as_deref(), Some("1"));
        assert_eq!(Value::parse("[1]").unwrap().pointer("0"), None);
    }

    #[test]
    fn strings_are_unescaped() {
        assert_eq!(at(r#""a\"b\\c\n\u00e9\ud83d\ude00é""#, "").as_deref(), Some("a\"b\\c\né😀é"));
    }

    #[test]
    fn numbers_stay_as_written() {
        assert_eq!(at("[-1.50e+3]", "/0").as_deref(), Some("-1.50e+3"));
        assert_eq!(at("[12345678901234567890123]", "/0").as_deref(), Some("12345678901234567890123"));
    }

    #[test]
    fn empty_containers_are_values() {
        assert_eq!(Value::parse("{}").unwrap(), Value::Object(Vec::new()));
        assert_eq!(Value::parse("[ ]").unwrap().items(), Some(&[][..]));
    }

    #[test]
    fn broken_documents_are_refused() {
        for document in
            ["", "{", "[1,]", "{\"a\" 1}", "{1:2}", "\"open", "tru", "1 2", "1-2", r#""\ud83d""#, r#""\u12""#, r#""\x""#]
        {
            assert!(Value::parse(document).is_err(), "{document}");
        }
        assert!(Value::parse(&"[".repeat(10_000)).is_err());
    }
}
