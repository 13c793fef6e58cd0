//! A place in the text of a filter, with its column.

use super::error::{FilterError, FilterErrorKind};

/// Space between words is that of JSON.
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];
/// What ends a word besides space.
const SIGNS: [char; 5] = ['(', ')', '[', ']', '"'];

/// What is still to be read. A copy of it is a place to come back to.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a str,
    /// Of the next character: from 1, counted in characters.
    pub column: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { rest: text, column: 1 }
    }

    pub fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub fn next(&mut self) -> Option<char> {
        let sign = self.peek()?;
        self.take(sign.len_utf8());
        Some(sign)
    }

    /// Goes over this character if it is the next one.
    pub fn eat(&mut self, sign: char) -> bool {
        let is_next = self.peek() == Some(sign);
        if is_next {
            self.take(sign.len_utf8());
        }
        is_next
    }

    /// Whether there was any.
    pub fn skip_space(&mut self) -> bool {
        let space = self.rest.len() - self.rest.trim_start_matches(SPACE).len();
        !self.take(space).is_empty()
    }

    /// Everything up to the next space, parenthesis, bracket or quote; may be nothing.
    pub fn word(&mut self) -> &'a str {
        let ends = |sign: char| SPACE.contains(&sign) || SIGNS.contains(&sign);
        self.take(self.rest.find(ends).unwrap_or(self.rest.len()))
    }

    /// The next word, or the sign that stands in its place, as an error may show it.
    pub fn shown(mut self) -> String {
        match self.word() {
            "" => self.peek().map_or_else(String::new, |sign| shown(sign.encode_utf8(&mut [0; 4]))),
            word => shown(word),
        }
    }

    pub fn fail(&self, kind: FilterErrorKind) -> FilterError {
        FilterError { column: self.column, kind }
    }

    /// `bytes` is a boundary of characters.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        self.column += taken.chars().count();
        taken
    }
}

/// So much of a word is repeated in an error, in characters.
const SHOWN_MAX: usize = 32;

/// A word for an error: short, and with the number of each character that can't be seen.
pub(super) fn shown(word: &str) -> String {
    let mut shown: String = word.chars().take(SHOWN_MAX).map(visible).collect();
    if word.chars().nth(SHOWN_MAX).is_some() {
        shown.push('…');
    }
    shown
}

fn visible(sign: char) -> String {
    if sign.is_ascii_graphic() || sign.is_alphanumeric() { sign.to_string() } else { format!("U+{:04X}", u32::from(sign)) }
}
