//! The QR code of a text: as what an SVG path draws, one stroke for dark modules side by side, and as a PNG. No script and no style is
//! needed.

use anyhow::Context;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use qrcode::{Color, EcLevel, QrCode};

/// Light modules around it (ISO/IEC 18004).
const QUIET: usize = 4;
/// The side of a module in a PNG, in pixels: twice of what is seen on most screens.
const PIXELS: usize = 8;

/// A square picture.
pub struct Picture {
    /// Its side, in modules.
    pub side: usize,
    /// The dark modules, for the attribute `d` of a path.
    pub path: String,
    /// Which modules are dark, in rows, the light ones around them included.
    dark: Vec<bool>,
}

impl Picture {
    /// The picture as a file.
    pub fn svg(&self) -> String {
        let Self { side, path, .. } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
             <rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/><path d=\"{path}\" fill=\"#000\"/></svg>"
        )
    }

    /// The picture as a file of pixels.
    pub fn png(&self) -> anyhow::Result<Vec<u8>> {
        let mut pixels = Vec::with_capacity(self.dark.len() * PIXELS * PIXELS);
        for modules in self.dark.chunks(self.side) {
            let line: Vec<u8> = modules.iter().flat_map(|dark| [if *dark { 0 } else { u8::MAX }; PIXELS]).collect();
            pixels.extend(line.repeat(PIXELS));
        }
        let side = u32::try_from(self.side * PIXELS)?;
        let mut file = Vec::new();
        PngEncoder::new_with_quality(&mut file, CompressionType::Best, FilterType::NoFilter)
            .write_image(&pixels, side, side, ExtendedColorType::L8)
            .context("writing a PNG")?;
        Ok(file)
    }
}

/// Draws a text.
pub fn draw(text: &str) -> anyhow::Result<Picture> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).context("drawing a QR code")?;
    let width = code.width();
    let side = width + 2 * QUIET;
    let mut dark = vec![false; side * side];
    for (row, modules) in code.to_colors().chunks(width).enumerate() {
        let begin = (row + QUIET) * side + QUIET;
        for (module, color) in dark[begin..].iter_mut().zip(modules) {
            *module = *color == Color::Dark;
        }
    }
    Ok(Picture { side, path: strokes(&dark, side), dark })
}

fn strokes(dark: &[bool], side: usize) -> String {
    let mut strokes = Vec::new();
    for (row, modules) in dark.chunks(side).enumerate() {
        let mut column = 0;
        while column < side {
            let length = modules[column..].iter().take_while(|dark| **dark).count();
            if length > 0 {
                strokes.push(format!("M{column} {row}h{length}v1h-{length}z"));
            }
            column += length.max(1);
        }
    }
    strokes.concat()
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

    #[test]
    fn a_png_has_the_modules_of_the_code() {
        let text = "https://id.example.com/invitation?token=ush_invite_GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let picture = draw(text).unwrap();
        let file = picture.png().unwrap();
        assert!(file.starts_with(b"\x89PNG") && file.len() < 4096, "{} bytes", file.len());
        let read = image::load_from_memory(&file).unwrap().to_luma8();
        assert_eq!((read.width() as usize, read.height()), (picture.side * PIXELS, read.width()));
        let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
        for (x, y, pixel) in read.enumerate_pixels() {
            let place = |at: u32| (at as usize / PIXELS).checked_sub(QUIET).filter(|at| *at < code.width());
            let is_dark = place(x).zip(place(y)).is_some_and(|at| code[at] == Color::Dark);
            assert_eq!(pixel.0[0], if is_dark { 0 } else { 255 }, "{x} {y}");
        }
    }
}
