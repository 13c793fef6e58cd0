//! Files that somebody else has made: pictures, filters of passwords and what they are built from, backups.

use std::io::Cursor;

use data_encoding::HEXLOWER;
use image::ImageReader;

use super::text;
use crate::avatars::Format;
use crate::avatars::images::{self, PIXELS_MAX};
use crate::cli::backup::file::{Manifest, last_lines};
use crate::error::AppError;
use crate::password_filter::format::{HEADER_BYTES, Header};
use crate::password_filter::input::Lines;
use crate::password_filter::{FilterError, Form};
use crate::secret::sha256;

/// Larger pictures take too long here; those that are too large are refused by their headers and take no time.
const QUICK_PIXELS_MAX: u64 = 128 * 128;

pub(super) fn image(data: &[u8]) {
    let Some(format) = Format::of(data) else { return };
    let pixels = dimensions(data).map_or(0, |(width, height)| u64::from(width) * u64::from(height));
    if (QUICK_PIXELS_MAX + 1..=PIXELS_MAX).contains(&pixels) {
        return;
    }
    match images::draw(data, format) {
        Ok(files) => {
            let expected = if files.extension == "png" { Format::Png } else { Format::Jpeg };
            for (side, file) in &files.sizes {
                assert_eq!(Format::of(file), Some(expected), "the name says something else");
                let (width, height) = dimensions(file).expect("what was drawn is a picture");
                assert!(width == height && width <= *side, "{width} x {height} is no square of {side}");
            }
        }
        Err(AppError::Rejected(rejection)) => assert!(rejection.status.is_client_error(), "{rejection:?}"),
        Err(AppError::Internal(error)) => unreachable!("a bad picture became a failure of the server: {error:?}"),
    }
}

fn dimensions(file: &[u8]) -> Option<(u32, u32)> {
    ImageReader::new(Cursor::new(file)).with_guessed_format().ok()?.into_dimensions().ok()
}

/// The rows of a filter's table, again and again until it is full: no fuzzer finds a checksum.
pub(super) fn password_filter(data: &[u8]) {
    assert!(Header::decode(data).is_err() || data.len() == HEADER_BYTES, "half a header was taken for one");
    if data.is_empty() {
        return;
    }
    let mut file = b"usherpwf\x01\0\0\0".to_vec();
    let rows = HEADER_BYTES - file.len() - 32;
    file.extend(data.iter().copied().cycle().take(rows));
    file.extend(sha256(&file));
    let header = match Header::decode(&file) {
        Ok(header) => header,
        Err(error) => return assert!(matches!(error, FilterError::Damaged(_)), "{error:?} is not what is wrong"),
    };
    assert_eq!(header.encode(), file, "what was accepted reads as something else");
    let mut end = HEADER_BYTES as u64;
    for shard in &header.shards {
        assert_eq!(shard.offset, end, "a shard begins where the one before ends");
        end += shard.bytes() as u64;
        for key in [0, 1, shard.seed, u64::MAX] {
            let (_, positions) = shard.probe(key);
            let is_within = |position: u32| 2 * (u64::from(position) + 1) <= shard.bytes() as u64;
            assert!(positions.into_iter().all(is_within), "a fingerprint is beyond its shard: {shard:?}");
        }
    }
    assert_eq!(header.file_bytes(), end);
}

/// What a filter is built from.
pub(super) fn corpus(data: &[u8]) {
    let Ok(mut lines) = Lines::new(data) else { return };
    let hexadecimal = text(data).to_ascii_lowercase();
    let mut taken = 0;
    while let Some(digest) = lines.next().expect("memory can be read") {
        taken += 1;
        let is_there = lines.form == Form::Passwords || hexadecimal.contains(&HEXLOWER.encode(&digest));
        assert!(is_there, "a hash stands nowhere");
    }
    let most = data.split(|byte| *byte == b'\n').count() as u64;
    assert_eq!(lines.read, taken + lines.skipped, "a line is taken or skipped");
    assert!(lines.read <= most, "{} of {most} lines", lines.read);
}

/// The end of a backup: what it says of itself.
pub(super) fn backup(data: &[u8]) {
    let Ok((manifest, _proof)) = last_lines(data) else { return };
    assert!(manifest.starts_with('{') && !manifest.contains('\n'), "{manifest:?} is no line of JSON");
    let Ok(manifest) = serde_json::from_str::<Manifest>(&manifest) else { return };
    let shown = serde_json::to_value(&manifest).expect("a manifest is plain data");
    let again: Manifest = serde_json::from_value(shown.clone()).expect("what was accepted is accepted again");
    assert_eq!(serde_json::to_value(&again).ok(), Some(shown), "what was accepted reads as something else");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_good_seeds_pass() {
        let pictures = [
            &include_bytes!("../../../../fuzz/seeds/image/png")[..],
            include_bytes!("../../../../fuzz/seeds/image/jpeg"),
            include_bytes!("../../../../fuzz/seeds/image/webp"),
            include_bytes!("../../../../fuzz/seeds/image/webp_lossless"),
        ];
        for picture in pictures {
            assert!(images::draw(picture, Format::of(picture).unwrap()).is_ok());
        }
        let (manifest, _) = last_lines(include_bytes!("../../../../fuzz/seeds/backup/good")).unwrap();
        assert_eq!(serde_json::from_str::<Manifest>(&manifest).unwrap().schema_version, 10);
    }
}
