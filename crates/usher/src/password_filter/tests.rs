//! Built, written, read again: every listed password is found, few others are, and what is damaged is told.

use std::collections::BTreeSet;

use tempfile::TempDir;

use super::format::HEADER_BYTES;
use super::*;

/// A folder with a filter in it.
struct Made {
    folder: TempDir,
    built: Built,
}

impl Made {
    fn of(input: impl AsRef<[u8]>) -> Self {
        let folder = TempDir::new().unwrap();
        let built = build(input.as_ref(), &folder.path().join("filter"), |_| {}).unwrap();
        Self { folder, built }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("filter")
    }

    fn open(&self) -> Filter {
        Filter::open(&self.path()).unwrap()
    }

    /// What is said of the file when its bytes have been changed.
    fn after(&self, change: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut bytes = std::fs::read(self.path()).unwrap();
        change(&mut bytes);
        let path = self.folder.path().join("changed");
        std::fs::write(&path, bytes).unwrap();
        match Filter::open(&path) {
            Ok(filter) => format!("opens; {}", filter.verify().unwrap_err()),
            Err(error) => format!("{:#}", anyhow::Error::from(error)),
        }
    }
}

fn refused(input: &[u8]) -> String {
    let folder = TempDir::new().unwrap();
    let error = build(input, &folder.path().join("filter"), |_| {}).unwrap_err();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing stays behind");
    error.to_string()
}

fn lines(count: u32) -> String {
    (0..count).map(|number| format!("password number {number}\n")).collect::<Vec<_>>().concat()
}

#[test]
fn r005_every_listed_password_is_found_and_few_others() {
    let count = 50_000;
    let made = Made::of(lines(count));
    let filter = made.open();
    filter.verify().unwrap();
    assert_eq!((made.built.lines, made.built.entries, made.built.skipped), (50_000, 50_000, 0));
    assert_eq!((filter.entries(), filter.bytes()), (50_000, std::fs::metadata(made.path()).unwrap().len()));
    for number in 0..count {
        assert!(filter.lists(&format!("password number {number}")).unwrap(), "{number}");
    }
    // 6 are expected; 30 have a chance of less than 1 in 10^9. The hashes are fixed, so the count is always the same.
    let false_positives = (count..9 * count).filter(|number| filter.lists(&format!("password number {number}")).unwrap()).count();
    assert!(false_positives < 30, "{false_positives} of 400000");
}

#[test]
fn few_passwords_and_empty_shards_are_no_matter() {
    for count in [1, 2, 3, 5, 17, 300] {
        let filter = Made::of(lines(count)).open();
        assert_eq!(filter.entries(), u64::from(count));
        assert!((0..count).all(|number| filter.lists(&format!("password number {number}")).unwrap()));
        assert!(!filter.lists("an unlisted one").unwrap());
    }
}

#[test]
fn the_same_input_makes_the_same_file_and_replaces_the_older() {
    let made = Made::of(lines(1000));
    let first = std::fs::read(made.path()).unwrap();
    build(lines(10).as_bytes(), &made.path(), |_| {}).unwrap();
    assert_eq!(made.open().entries(), 10);
    build(lines(1000).as_bytes(), &made.path(), |_| {}).unwrap();
    assert!(std::fs::read(made.path()).unwrap() == first);
    assert_eq!(std::fs::read_dir(made.folder.path()).unwrap().count(), 1, "no temporary file has a name");
}

#[test]
fn spellings_in_other_case_and_composition_are_found() {
    let filter = Made::of("Correct Horse\ncaf\u{e9} au lait\n").open();
    for spelling in ["Correct Horse", "correct horse", "CORRECT HORSE", "cafe\u{301} au lait", "CAF\u{c9} AU LAIT"] {
        assert!(filter.lists(spelling).unwrap(), "{spelling}");
    }
    for other in ["correct horse ", "correct  horse", "cafe au lait"] {
        assert!(!filter.lists(other).unwrap(), "{other}");
    }
}

#[test]
fn lines_may_end_in_crlf_or_not_at_all_and_repeat() {
    let made = Made::of("\u{feff}first one\r\nsecond one\n\nfirst one\nlast one");
    assert_eq!((made.built.form, made.built.lines, made.built.entries, made.built.skipped), (Form::Passwords, 5, 3, 1));
    let filter = made.open();
    assert!(["first one", "second one", "last one"].iter().all(|password| filter.lists(password).unwrap()));
}

#[test]
fn lines_that_are_no_utf_8_or_too_long_are_skipped() {
    let fits = "y".repeat(1024);
    let mut input = b"good one\nb\xe4d one\n".to_vec();
    input.extend(format!("{}\n{}\r\n{fits}\r\nother one\n", "x".repeat(1025), "z".repeat(100_000)).into_bytes());
    let made = Made::of(input);
    assert_eq!((made.built.lines, made.built.entries, made.built.skipped), (6, 3, 3));
    let filter = made.open();
    assert!(["good one", "other one", &fits].iter().all(|password| filter.lists(password).unwrap()));
}

#[test]
fn hashes_of_have_i_been_pwned_are_taken() {
    // SHA-1 of "password", and of "P@ssw0rd" in lower-case digits and without a count.
    let hashes = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:9545824\r\n21bd12dc183f740ee76f27b78eb39c8ad972a757\r\n";
    let made = Made::of(hashes.repeat(20) + "nonsense\r\n5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:x\r\n");
    assert_eq!((made.built.form, made.built.entries, made.built.skipped), (Form::Sha1, 2, 2));
    let filter = made.open();
    // In lower case a candidate is looked up too; the other way round a hash can't tell.
    let mixed = Made::of(format!("nonsense\n{hashes}"));
    assert_eq!((mixed.built.form, mixed.built.entries), (Form::Passwords, 3), "not all of the first lines are hashes");
    for (password, listed) in [("password", true), ("PassWord", true), ("P@ssw0rd", true), ("p@ssw0rd", false)] {
        assert_eq!(filter.lists(password).unwrap(), listed, "{password}");
    }
}

#[test]
fn an_input_without_passwords_is_refused() {
    assert_eq!(refused(b""), "the input holds no password");
    assert_eq!(refused(b"\n\r\n\xff\n"), "the input holds no password");
    let ntlm = "8846F7EAEE8FB117AD06BDD830B7586C:3\n".repeat(3);
    assert!(refused(ntlm.as_bytes()).contains("NTLM"));
    let error = build(&b"x"[..], Path::new("/nonexistent/filter"), |_| {}).unwrap_err();
    assert!(matches!(error, BuildError::Io(_)));
}

#[test]
fn a_damaged_file_is_told_from_a_good_one() {
    let made = Made::of(lines(1000));
    let end = std::fs::metadata(made.path()).unwrap().len();
    let said = [
        made.after(|bytes| bytes.truncate(0)),
        made.after(|bytes| bytes[0] ^= 1),
        made.after(|bytes| bytes[8] = 2),
        made.after(|bytes| bytes.truncate(10)),
        made.after(|bytes| bytes.truncate(HEADER_BYTES - 1)),
        made.after(|bytes| bytes[100] ^= 1),
        made.after(|bytes| bytes[HEADER_BYTES - 1] ^= 1),
        made.after(|bytes| bytes.truncate(bytes.len() - 1)),
        made.after(|bytes| bytes.push(0)),
        made.after(|bytes| bytes[HEADER_BYTES] ^= 1),
        made.after(|bytes| *bytes.last_mut().unwrap() ^= 128),
    ];
    let expected = [
        "is no password filter",
        "is no password filter",
        "another release of usher (version 2)",
        "is no password filter",
        "it ends within its header",
        "checksum of its header",
        "checksum of its header",
        "its length is not",
        "its length is not",
        "opens; is damaged: a checksum does not match",
        "opens; is damaged: a checksum does not match",
    ];
    for (number, (said, expected)) in said.iter().zip(expected).enumerate() {
        assert!(said.contains(expected), "{number}, of {end} bytes: {said}");
        assert!(said.starts_with("opens;") || said.contains("changed: "), "names the file: {said}");
    }
}

#[test]
fn impossible_numbers_are_refused_also_under_a_good_checksum() {
    let made = Made::of(lines(1000));
    let row = 12;
    for (at, number) in [(8, 0_u32), (8, 3), (8, 1 << 19), (12, 0), (12, u32::MAX), (12, 1 << 30)] {
        let said = made.after(|bytes| {
            bytes[row + at..row + at + 4].copy_from_slice(&number.to_le_bytes());
            let checksum = crate::secret::sha256(&bytes[..HEADER_BYTES - 32]);
            bytes[HEADER_BYTES - 32..HEADER_BYTES].copy_from_slice(&checksum);
        });
        assert!(said.contains("impossible numbers"), "{at} {number}: {said}");
    }
}

#[test]
fn a_file_that_is_cut_while_in_use_is_an_error_and_not_a_no() {
    let made = Made::of(lines(1000));
    let filter = made.open();
    File::options().write(true).open(made.path()).unwrap().set_len(HEADER_BYTES as u64).unwrap();
    assert_eq!(filter.lists("whatever it is").unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn progress_is_reported_to_the_end() {
    let folder = TempDir::new().unwrap();
    let mut reports = BTreeSet::new();
    build(lines(10).as_bytes(), &folder.path().join("filter"), |progress| {
        reports.insert(format!("{progress:?}"));
    })
    .unwrap();
    assert!(reports.contains("Lines(10)") && reports.contains("Shards { built: 256, of: 256 }"), "{reports:?}");
}
