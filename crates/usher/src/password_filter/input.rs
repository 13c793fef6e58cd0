//! What a filter is built from: one password a line, or the lines `SHA1:COUNT` of Have I Been Pwned.

use std::io::{self, BufRead, Read};

use super::{BuildError, Sha1, fold, sha1};

/// A line may be as long as a password may be.
const LINE_BYTES_MAX: usize = 1024;
/// The lines by which the form is told.
const FIRST_LINES: usize = 16;
/// The length of a SHA-1 and of an NTLM hash in hexadecimal digits.
const SHA1_DIGITS: usize = 40;
const NTLM_DIGITS: usize = 32;

/// What a line holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A password.
    Passwords,
    /// The SHA-1 of a password in hexadecimal digits, and mostly `:` and a count.
    Sha1,
}

/// The hashes of an input, line by line.
pub struct Lines<R> {
    input: R,
    first: std::vec::IntoIter<Vec<u8>>,
    line: Vec<u8>,
    pub form: Form,
    pub read: u64,
    /// Lines that hold no password: empty, too long, not UTF-8, or no hash among hashes.
    pub skipped: u64,
}

impl<R: BufRead> Lines<R> {
    /// Reads the first lines to tell the form.
    pub fn new(mut input: R) -> Result<Self, BuildError> {
        let mut first = Vec::new();
        let mut line = Vec::new();
        while first.len() < FIRST_LINES && read_line(&mut input, &mut line)? {
            let text = if first.is_empty() { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line) } else { &line };
            first.push(text.to_vec());
        }
        let all = |digits| first.iter().filter(|line| !line.is_empty()).all(|line| hash_of(line, digits).is_some());
        let form = match () {
            () if first.iter().all(Vec::is_empty) => Form::Passwords,
            () if all(SHA1_DIGITS) => Form::Sha1,
            () if all(NTLM_DIGITS) => return Err(BuildError::Ntlm),
            () => Form::Passwords,
        };
        Ok(Self { input, first: first.into_iter(), line, form, read: 0, skipped: 0 })
    }

    /// The next password's hash; `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<Sha1>> {
        loop {
            if let Some(line) = self.first.next() {
                self.line = line;
            } else if !read_line(&mut self.input, &mut self.line)? {
                return Ok(None);
            }
            self.read += 1;
            match digest(self.form, &self.line) {
                Some(digest) => return Ok(Some(digest)),
                None => self.skipped += 1,
            }
        }
    }
}

/// Reads a line without its end, and at most a little more of it than may be. False at the end of the input.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    let limit = LINE_BYTES_MAX + 2;
    line.clear();
    let read = input.by_ref().take(limit as u64).read_until(b'\n', line)?;
    if line.pop_if(|last| *last == b'\n').is_some() {
        line.pop_if(|last| *last == b'\r');
    } else if read == limit {
        input.skip_until(b'\n')?;
    }
    Ok(read > 0)
}

fn digest(form: Form, line: &[u8]) -> Option<Sha1> {
    match form {
        _ if line.is_empty() || line.len() > LINE_BYTES_MAX => None,
        // In lower case, so that no other spelling gets through: look-ups try that too.
        Form::Passwords => str::from_utf8(line).ok().map(|password| sha1(&fold(password))),
        Form::Sha1 => {
            let (pairs, _) = hash_of(line, SHA1_DIGITS)?.as_chunks::<2>();
            let mut digest = Sha1::default();
            for (byte, pair) in digest.iter_mut().zip(pairs) {
                *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
            }
            Some(digest)
        }
    }
}

/// The hexadecimal digits of `HASH` or `HASH:COUNT`.
fn hash_of(line: &[u8], digits: usize) -> Option<&[u8]> {
    let (hash, rest) = line.split_at_checked(digits)?;
    let count = rest.strip_prefix(b":").unwrap_or(rest);
    let is_count = rest.is_empty() || (rest.len() > count.len() && !count.is_empty() && count.iter().all(u8::is_ascii_digit));
    (is_count && hash.iter().all(u8::is_ascii_hexdigit)).then_some(hash)
}
