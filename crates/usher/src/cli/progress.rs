//! How far something is, in one line that is written over and over. Nothing of it where nobody sits and looks.

use std::io::{IsTerminal, Read};

use rustix::termios::tcgetwinsize;

use super::output;

/// Signs of the bar, at most.
const BAR_MAX: usize = 30;
/// Fewer say nothing: then there is no bar.
const BAR_MIN: usize = 4;
/// A terminal that does not say how wide it is.
const COLUMNS: usize = 80;
/// Of a file whose size nobody knows, so many bytes are told at a time.
const STEP_BYTES: u64 = 1_000_000;

/// Whether somebody looks.
pub fn is_seen() -> bool {
    std::io::stderr().is_terminal()
}

/// Shows the line in the place of the one before.
pub fn show(what: &str, done: u64, total: u64, amount: &str) {
    if is_seen() {
        let size = tcgetwinsize(std::io::stderr()).ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0);
        output::progress(&line(what, done, total, amount, size.unwrap_or(COLUMNS)));
    }
}

/// Takes the line away.
pub fn end() {
    output::progress("");
}

/// `reading users.csv  34 % [####      ] 12 of 36 MB`, narrower than the terminal: a line that goes on below would not be written over.
fn line(what: &str, done: u64, total: u64, amount: &str, columns: usize) -> String {
    let done = done.min(total);
    let percent = (u128::from(done) * 100).checked_div(total.into()).unwrap_or(100);
    let what: String = what.chars().filter(|c| !c.is_control()).collect();
    let begin = format!("{what} {percent:>3} %");
    let taken = begin.chars().count() + amount.chars().count() + "  [] ".len();
    let bar = columns.saturating_sub(taken).min(BAR_MAX);
    let line = if bar < BAR_MIN {
        format!("{begin}  {amount}")
    } else {
        let full = (u128::from(done) * bar as u128).checked_div(total.into()).unwrap_or(bar as u128);
        let full = "#".repeat(usize::try_from(full).unwrap_or(bar));
        format!("{begin} [{full:<bar$}] {amount}")
    };
    line.chars().take(columns.saturating_sub(1)).collect()
}

/// `12 of 36 MB`.
fn sizes(done: u64, total: u64) -> String {
    let (done, total) = (output::bytes(done), output::bytes(total));
    match (done.split_once(' '), total.split_once(' ')) {
        (Some((number, unit)), Some((_, same))) if unit == same => format!("{number} of {total}"),
        _ => format!("{done} of {total}"),
    }
}

/// A file that tells how much of it is read.
pub struct Watched<R> {
    from: R,
    what: String,
    read: u64,
    /// Nothing of what comes through a pipe.
    total: Option<u64>,
    told: u64,
}

impl<R> Watched<R> {
    pub fn new(from: R, name: &str, total: Option<u64>) -> Self {
        Self { from, what: format!("reading {name}"), read: 0, total, told: 0 }
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.from.read(into)?;
        self.read += read as u64;
        if self.read - self.told >= self.total.map_or(STEP_BYTES, |total| total / 100) {
            self.told = self.read;
            match self.total {
                Some(total) => show(&self.what, self.read, total, &sizes(self.read.min(total), total)),
                None => output::progress(&format!("{} {} ...", self.what, output::bytes(self.read))),
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_how_far_and_of_how_much() {
        let amount = sizes(12_300_000, 36_000_000);
        assert_eq!(amount, "12.3 of 36 MB");
        let told = line("reading users.csv", 12_300_000, 36_000_000, &amount, 53);
        assert_eq!(told, "reading users.csv  34 % [####        ] 12.3 of 36 MB");
        assert_eq!(sizes(999, 36_000_000), "999 B of 36 MB");
        // Too narrow for a bar, just wide enough, full, more than there is, and nothing to do.
        assert_eq!(line("judged", 0, 7, "0 of 7", 26), "judged   0 %  0 of 7");
        assert_eq!(line("judged", 0, 7, "0 of 7", 27), "judged   0 % [    ] 0 of 7");
        assert_eq!(line("judged", 7, 7, "7 of 7", 29), "judged 100 % [######] 7 of 7");
        assert_eq!(line("judged", 9, 7, "9 of 7", 200), format!("judged 100 % [{}] 9 of 7", "#".repeat(30)));
        assert_eq!(line("judged", 0, 0, "0 of 0", 27), "judged 100 % [####] 0 of 0");
    }

    #[test]
    fn a_line_is_narrower_than_the_terminal_whatever_the_file_is_called() {
        for columns in 0..120 {
            let told = line(&format!("reading {}\u{1b}[2J\n", "n".repeat(60)), 1, 2, "1 of 2 MB", columns);
            assert!(told.chars().count() < columns.max(1), "{columns}: {told}");
            assert!(!told.contains(char::is_control), "{told:?}");
        }
    }

    #[test]
    fn what_is_watched_is_read_as_it_is() {
        let mut read = String::new();
        Watched::new("abc".as_bytes(), "x", Some(3)).read_to_string(&mut read).unwrap();
        Watched::new("def".as_bytes(), "x", None).read_to_string(&mut read).unwrap();
        // A file that grew while it was read, and one that is empty.
        Watched::new("ghi".as_bytes(), "x", Some(1)).read_to_string(&mut read).unwrap();
        Watched::new("".as_bytes(), "x", Some(0)).read_to_string(&mut read).unwrap();
        assert_eq!(read, "abcdefghi");
    }
}
