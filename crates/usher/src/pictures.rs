//! Where the picture of a person is, and the pattern that stands for it while there is none.
//!
//! The pattern comes of a hash of the id and of nothing else, so that every process draws the same one, and a new secret key changes
//! nobody's. An id has 74 random bits: who does not know it can't find it by its hash.

use std::fmt::Write;

use data_encoding::HEXLOWER;

use crate::id::UserId;
use crate::secret::sha256;

/// Sides of the files of a picture, in pixels.
pub const LARGE: u32 = 512;
pub const SMALL: u32 = 128;

/// So many bytes of a hash make a pattern.
pub const PATTERN_BYTES: usize = 16;
/// Squares on a side, of which the left ones are seen in a mirror.
const SQUARES: usize = 5;

/// The URL of somebody's picture, below the public URL. `avatar` is the name of its files without their size.
pub fn url(id: UserId, avatar: Option<&str>) -> String {
    if let Some((name, extension)) = avatar.and_then(|name| name.split_once('.')) {
        return format!("/avatars/{name}-{LARGE}.{extension}");
    }
    let hash = sha256(&[b"identicon\0".as_slice(), id.uuid().as_bytes()].concat());
    format!("/avatars/identicon/{}.svg", HEXLOWER.encode(&hash[..PATTERN_BYTES]))
}

/// The URL of the small file of a picture. A pattern has one size.
pub fn small(url: &str) -> String {
    url.replace(&format!("-{LARGE}."), &format!("-{SMALL}."))
}

/// A pattern as a file: squares of one colour on a light ground, so far from its edge that a circle cuts nothing off.
pub fn pattern(bytes: [u8; PATTERN_BYTES]) -> String {
    let hue = u32::from(u16::from_be_bytes([bytes[0], bytes[1]])) * 360 / 65536;
    let mut path = String::new();
    for row in 0..SQUARES {
        for column in (0..SQUARES).filter(|column| (bytes[2 + row] >> (*column).min(SQUARES - 1 - *column)) & 1 == 1) {
            // Writing into a text does not fail.
            let _ = write!(path, "M{column} {row}h1v1h-1z");
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-1.5 -1.5 8 8\" shape-rendering=\"crispEdges\">\
         <rect x=\"-1.5\" y=\"-1.5\" width=\"8\" height=\"8\" fill=\"hsl({hue}, 35%, 91%)\"/><path d=\"{path}\" fill=\"hsl({hue}, 45%, 36%)\"/></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_its_owners_own_and_always_the_same() {
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        let (ann, bob) = (UserId::new(at), UserId::new(at));
        assert_eq!(url(ann, None), url(ann, None));
        assert_ne!(url(ann, None), url(bob, None));
        assert!(!url(ann, None).contains(&ann.uuid().simple().to_string()));
        assert_eq!(small(&url(ann, None)), url(ann, None), "it has one size");
        assert_ne!(pattern([1; PATTERN_BYTES]), pattern([2; PATTERN_BYTES]));
    }

    #[test]
    fn a_pattern_is_the_same_in_a_mirror() {
        let drawn = pattern([0x55; PATTERN_BYTES]);
        for row in 0..5 {
            for (left, right) in [(0, 4), (1, 3)] {
                let has = |column: u8| drawn.contains(&format!("M{column} {row}h"));
                assert_eq!(has(left), has(right), "{drawn}");
            }
        }
    }

    #[test]
    fn a_picture_has_a_small_file_beside_the_large_one() {
        let id = UserId::new("2026-01-01T00:00:00Z".parse().unwrap());
        let picture = url(id, Some("0123456789abcdef0123456789abcdef.jpg"));
        assert_eq!(picture, "/avatars/0123456789abcdef0123456789abcdef-512.jpg");
        assert_eq!(small(&picture), "/avatars/0123456789abcdef0123456789abcdef-128.jpg");
    }
}
