//! Texts with the escapes of JSON (RFC 8259, section 7).

use super::cursor::Cursor;
use super::error::{FilterError, FilterErrorKind};

/// Reads a text and its quotes; the cursor stands at the first of them.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<String, FilterError> {
    let opened = *cursor;
    cursor.eat('"');
    let mut text = String::new();
    loop {
        let at = *cursor;
        match cursor.next() {
            None => return Err(opened.fail(FilterErrorKind::UnclosedText)),
            Some('"') => return Ok(text),
            Some('\\') => text.push(escaped(cursor).map_err(|kind| at.fail(kind))?),
            Some('\0') => return Err(at.fail(FilterErrorKind::Nul)),
            Some(sign) if sign < ' ' => return Err(at.fail(FilterErrorKind::ControlCharacter)),
            Some(sign) => text.push(sign),
        }
    }
}

/// What an escape stands for; the cursor is behind the backslash.
fn escaped(cursor: &mut Cursor<'_>) -> Result<char, FilterErrorKind> {
    match cursor.next() {
        Some(sign @ ('"' | '\\' | '/')) => Ok(sign),
        Some('b') => Ok('\u{8}'),
        Some('f') => Ok('\u{c}'),
        Some('n') => Ok('\n'),
        Some('r') => Ok('\r'),
        Some('t') => Ok('\t'),
        Some('u') => numbered(cursor),
        _ => Err(FilterErrorKind::Escape),
    }
}

/// `\uXXXX`, or two of them as a pair of UTF-16; the cursor is behind the first `\u`.
fn numbered(cursor: &mut Cursor<'_>) -> Result<char, FilterErrorKind> {
    let first = unit(cursor)?;
    let mut units = vec![first];
    if (0xd800..0xdc00).contains(&first) && cursor.eat('\\') {
        if !cursor.eat('u') {
            return Err(FilterErrorKind::LoneSurrogate);
        }
        units.push(unit(cursor)?);
    }
    match char::decode_utf16(units).next() {
        Some(Ok('\0')) => Err(FilterErrorKind::Nul),
        Some(Ok(sign)) => Ok(sign),
        _ => Err(FilterErrorKind::LoneSurrogate),
    }
}

/// Four hexadecimal digits.
fn unit(cursor: &mut Cursor<'_>) -> Result<u16, FilterErrorKind> {
    let mut unit = 0;
    for _ in 0..4 {
        let digit = cursor.next().and_then(|sign| sign.to_digit(16)).ok_or(FilterErrorKind::Escape)?;
        unit = unit * 16 + digit;
    }
    Ok(u16::try_from(unit).expect("four digits are sixteen bits"))
}
