//! Settings of how the service is called and how it looks.

use super::reader::{Parsed, Reader, quoted};
use crate::brand::{CONTRAST_MIN, Color, DARK, LIGHT, NAME_MAX, Scheme};
use crate::formats;

/// What holds while nothing else was chosen.
#[derive(Clone, Debug)]
pub struct Branding {
    pub name: String,
    pub color: Color,
    pub color_dark: Color,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Branding {
    Branding {
        name: reader.value("USHER_BRAND_NAME", name),
        color: reader.value("USHER_BRAND_COLOR", |text| color(text, &LIGHT)),
        color_dark: reader.value("USHER_BRAND_COLOR_DARK", |text| color(text, &DARK)),
    }
}

fn name(text: &str) -> Parsed<String> {
    let line = formats::line(text).filter(|line| line.chars().count() <= NAME_MAX);
    line.ok_or_else(|| format!("is {}; give a line of at most {NAME_MAX} characters", quoted(text)))
}

fn color(text: &str, scheme: &Scheme) -> Parsed<Color> {
    let color = Color::parse(text).ok_or_else(|| format!("is {}; write a colour such as #0b5f66", quoted(text)))?;
    if scheme.contrast(color) < CONTRAST_MIN {
        let ratio = scheme.ratio(color);
        return Err(format!(
            "reaches a contrast of {ratio}:1 only, and needs {CONTRAST_MIN}:1 to be read (WCAG 2.2, 1.4.3); give {}",
            scheme.remedy
        ));
    }
    Ok(color)
}
