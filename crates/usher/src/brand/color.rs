//! A colour as it is written in styles, and how well it can be read on another.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Color([u8; 3]);

/// What a text that is none is told.
const HINT: &str = "must be a colour such as #0b5f66";

impl Color {
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self([red, green, blue])
    }

    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
        Some(Self([part(0)?, part(2)?, part(4)?]))
    }

    /// From 1 to 21 (WCAG 2.2, contrast ratio).
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// WCAG 2.2, relative luminance.
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// So many hundredths of the way to the other.
    #[must_use]
    pub fn mixed(self, other: Self, percent: u16) -> Self {
        let mix = |one: u8, two: u8| (u16::from(one) * (100 - percent) + u16::from(two) * percent + 50) / 100;
        let [red, green, blue] = [0, 1, 2].map(|at| u8::try_from(mix(self.0[at], other.0[at])).unwrap_or(u8::MAX));
        Self([red, green, blue])
    }
}

impl fmt::Display for Color {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(formatter, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl TryFrom<String> for Color {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or(HINT)
    }
}

impl From<Color> for String {
    fn from(color: Color) -> Self {
        color.to_string()
    }
}

impl JsonSchema for Color {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Color".into()
    }

    /// What is no colour is told by the type, in words.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "example": "#0b5f66" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_as_they_are_written() {
        assert_eq!(Color::parse("#0B5f66").unwrap().to_string(), "#0b5f66");
        for none in ["", "#", "0b5f66", "#0b5f6", "#0b5f666", "#0b5f6g", "#+b5f66", "red", "#äää", " #0b5f66"] {
            assert_eq!(Color::parse(none), None, "{none:?}");
        }
    }

    #[test]
    fn contrast_is_that_of_the_guidelines() {
        let contrast = |one: &str, two: &str| Color::parse(one).unwrap().contrast(Color::parse(two).unwrap());
        assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 1e-9);
        assert!((contrast("#777777", "#ffffff") - 4.478).abs() < 0.001);
        assert!((contrast("#ffffff", "#777777") - 4.478).abs() < 0.001);
        assert!((contrast("#123456", "#123456") - 1.0).abs() < 1e-9);
    }

    #[test]
    fn colours_mix() {
        let (black, white) = (Color::new(0, 0, 0), Color::new(255, 255, 255));
        assert_eq!((black.mixed(white, 0), black.mixed(white, 100)), (black, white));
        assert_eq!(black.mixed(white, 20).to_string(), "#333333");
    }
}
