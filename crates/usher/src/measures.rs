//! Sizes and times as operators read them: in few characters, and in UTC.

use jiff::Timestamp;

/// A size, to three digits.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn bytes(size: u64) -> String {
    let mut size = size as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if size < 1000.0 {
            return if size.fract() == 0.0 || size >= 100.0 { format!("{size:.0} {unit}") } else { format!("{size:.1} {unit}") };
        }
        size /= 1000.0;
    }
    format!("{size:.1} TB")
}

/// To the second: more is noise at night.
pub fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A time that may not have come.
pub fn time_or(at: Option<Timestamp>, otherwise: &str) -> String {
    at.map_or_else(|| otherwise.to_owned(), time)
}
