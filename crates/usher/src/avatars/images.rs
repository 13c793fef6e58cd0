//! From what somebody sends to the files of their picture. What is kept is drawn anew: nothing of what was sent is in it but colours,
//! neither a place nor a camera nor a second file behind the first (CWE-434).

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use crate::error::{AppError, AppResult, Rejection};
use crate::pictures::{LARGE, SMALL};

/// What a picture may have, as its header says before anything of it is decoded.
pub const PIXELS_MAX: u64 = 25_000_000;
/// Longer than any camera makes them, and what the formats can say.
const SIDE_MAX: u32 = 16_384;
/// Shorter ones are no picture of anybody.
const SIDE_MIN: u32 = 16;
/// What decoding may take: four bytes for each pixel, and something beside.
const MEMORY_MAX: u64 = PIXELS_MAX * 4 + 8 * 1024 * 1024;
const JPEG_QUALITY: u8 = 85;

/// What is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Png,
    Jpeg,
    Webp,
}

impl Format {
    pub const ALL: [(&'static str, Self); 3] = [("image/png", Self::Png), ("image/jpeg", Self::Jpeg), ("image/webp", Self::Webp)];

    /// What the first bytes say it is, whatever it is called.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match image::guess_format(bytes) {
            Ok(ImageFormat::Png) => Some(Self::Png),
            Ok(ImageFormat::Jpeg) => Some(Self::Jpeg),
            Ok(ImageFormat::WebP) => Some(Self::Webp),
            _ => None,
        }
    }

    fn known(self) -> ImageFormat {
        match self {
            Self::Png => ImageFormat::Png,
            Self::Jpeg => ImageFormat::Jpeg,
            Self::Webp => ImageFormat::WebP,
        }
    }
}

/// The files of a picture.
#[derive(Debug)]
pub struct Files {
    pub extension: &'static str,
    /// By their sides.
    pub sizes: [(u32, Vec<u8>); 2],
}

/// Decodes, turns, crops the square in the middle and draws it in both sizes. Of what moves it is the first picture. Takes up to a
/// second of a thread.
pub fn draw(bytes: &[u8], format: Format) -> AppResult<Files> {
    let (decoded, orientation) = decode(bytes, format)?;
    let mut square = crop(decoded);
    square.apply_orientation(orientation);
    let (large, small) = (resize(&square, LARGE), resize(&square, SMALL));
    let has_gaps = large.color().has_alpha() && large.to_rgba8().pixels().any(|pixel| pixel.0[3] < u8::MAX);
    let encode = if has_gaps { encode_png } else { encode_jpeg };
    Ok(Files { extension: if has_gaps { "png" } else { "jpg" }, sizes: [(LARGE, encode(&large)?), (SMALL, encode(&small)?)] })
}

fn decode(bytes: &[u8], format: Format) -> AppResult<(DynamicImage, Orientation)> {
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(MEMORY_MAX);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format.known());
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| refusal(&error))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PIXELS_MAX || decoder.total_bytes() > MEMORY_MAX {
        return Err(too_many_pixels().into());
    }
    if width.min(height) < SIDE_MIN {
        let detail = format!("The picture is too small: it needs {SIDE_MIN} pixels on each side.");
        return Err(Rejection::unprocessable("image_too_small", Vec::new(), detail).into());
    }
    // What can't be read of its metadata turns nothing.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((DynamicImage::from_decoder(decoder).map_err(|error| refusal(&error))?, orientation))
}

/// A picture that is none of a person, as a PNG.
#[derive(Debug)]
pub struct Drawn {
    pub png: Vec<u8>,
    pub width: u32,
    pub height: u32,
}

/// Decodes, turns and draws the whole of it, no larger than this. Takes up to a second of a thread.
pub fn draw_within(bytes: &[u8], format: Format, (width, height): (u32, u32)) -> AppResult<Drawn> {
    let (mut image, orientation) = decode(bytes, format)?;
    image.apply_orientation(orientation);
    if image.width() > width || image.height() > height {
        image = image.resize(width, height, FilterType::CatmullRom);
    }
    Ok(Drawn { png: encode_png(&image)?, width: image.width(), height: image.height() })
}

fn crop(image: DynamicImage) -> DynamicImage {
    let (width, height) = (image.width(), image.height());
    if width == height {
        return image;
    }
    let side = width.min(height);
    image.crop_imm((width - side) / 2, (height - side) / 2, side, side)
}

/// A small picture is not blown up here: whoever shows it does that as well.
fn resize(square: &DynamicImage, side: u32) -> DynamicImage {
    if square.width() <= side {
        return square.clone();
    }
    square.resize_exact(side, side, FilterType::CatmullRom)
}

fn encode_jpeg(image: &DynamicImage) -> AppResult<Vec<u8>> {
    let mut file = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY);
    image.to_rgb8().write_with_encoder(encoder).map_err(anyhow::Error::from)?;
    Ok(file)
}

fn encode_png(image: &DynamicImage) -> AppResult<Vec<u8>> {
    let mut file = Vec::new();
    image.to_rgba8().write_with_encoder(PngEncoder::new(&mut file)).map_err(anyhow::Error::from)?;
    Ok(file)
}

fn refusal(error: &ImageError) -> AppError {
    match error {
        ImageError::Limits(_) => too_many_pixels().into(),
        _ => unreadable().into(),
    }
}

fn too_many_pixels() -> Rejection {
    let detail = "The picture has too many pixels: at most 25 megapixels, and 16384 pixels on a side. Make it smaller.";
    Rejection::unprocessable("image_too_large", Vec::new(), detail)
}

/// What is no picture, or only half of one.
pub fn unreadable() -> Rejection {
    let detail = "This is no PNG, JPEG or WebP picture, or it is damaged. Save it as one of these and send it again.";
    Rejection::unprocessable("invalid_image", Vec::new(), detail)
}
