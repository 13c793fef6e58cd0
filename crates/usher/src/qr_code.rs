//! The QR code of a text, as what an SVG path draws: one square for each dark module, in rows. No script and no style is needed.

use anyhow::Context;
use qrcode::{Color, EcLevel, QrCode};

/// Light modules around it (ISO/IEC 18004).
const QUIET: usize = 4;

/// A square picture.
pub struct Picture {
    /// Its side, in modules.
    pub side: usize,
    /// The dark modules, for the attribute `d` of a path.
    pub path: String,
}

impl Picture {
    /// The picture as a file.
    pub fn svg(&self) -> String {
        let Self { side, path } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
             <rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/><path d=\"{path}\" fill=\"#000\"/></svg>"
        )
    }
}

/// Draws a text.
pub fn draw(text: &str) -> anyhow::Result<Picture> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).context("drawing a QR code")?;
    let width = code.width();
    let mut squares = Vec::new();
    for (row, modules) in code.to_colors().chunks(width).enumerate() {
        let mut column = 0;
        while column < width {
            let length = modules[column..].iter().take_while(|module| **module == Color::Dark).count();
            if length > 0 {
                squares.push(format!("M{} {}h{length}v1h-{length}z", column + QUIET, row + QUIET));
            }
            column += length.max(1);
        }
    }
    Ok(Picture { side: width + 2 * QUIET, path: squares.concat() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_drawn_within_its_quiet_zone() {
        let picture = draw("otpauth://totp/id.example.com:ann?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        assert!(picture.side > 30 && picture.path.starts_with("M4 4h7v1h-7z"), "a finder is in the corner");
        assert!(picture.path.bytes().all(|byte| b"Mhvz- 0123456789".contains(&byte)));
        let rows = picture.path.split('M').skip(1).map(|part| part.split(['h', 'v']).next().unwrap());
        for place in rows {
            let (x, y) = place.split_once(' ').unwrap();
            let inside = |at: &str| (QUIET..picture.side - QUIET).contains(&at.parse().unwrap());
            assert!(inside(x) && inside(y), "{place}");
        }
        assert!(picture.svg().contains(&format!("<path d=\"{}\"", picture.path)));
        assert!(draw(&"x".repeat(4000)).is_err());
    }
}
