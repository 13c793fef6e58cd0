//! What the command line prints.
#![expect(clippy::print_stderr, reason = "complaints go to standard error")]

use std::io::{IsTerminal, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, ContentArrangement, Table};
use rustix::termios::tcgetwinsize;
use serde::Serialize;

pub use crate::measures::{bytes, time, time_or};

/// A failure, on standard error.
pub fn complain(message: &str) {
    eprintln!("usher: {message}");
}

/// Something beside what was asked for, on standard error: the standard output may be read by a program.
pub fn say_aside(line: &str) {
    eprintln!("{line}");
}

/// How far something is, on a terminal only; each text takes the place of the one before.
pub fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
    }
}

/// A question to whoever sits at the terminal.
pub fn ask(question: &str) {
    eprint!("{question}");
}

/// When whoever reads has heard enough (`usher user list | head`), there is nobody to tell.
fn print(text: &str) {
    if writeln!(std::io::stdout(), "{text}").is_err() {
        std::process::exit(0);
    }
}

/// A line for people.
pub fn say(line: impl AsRef<str>) {
    print(line.as_ref());
}

/// Something for programs.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    print(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// The members of one thing, for people.
pub fn fields(members: &[(&str, String)]) {
    let width = members.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, value) in members {
        say(format!("{name:<width$}  {value}"));
    }
}

/// Rows for people. With no rows, the sentence instead.
pub fn table(header: &[&str], rows: Vec<Vec<String>>, when_empty: &str) {
    if rows.is_empty() {
        return say(when_empty);
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    // A program that reads this has no width, and some terminals do not say theirs.
    if let Ok(size) = tcgetwinsize(std::io::stdout())
        && size.ws_col > 0
    {
        table.set_width(size.ws_col);
    }
    table.set_header(header.iter().map(|name| Cell::new(name.to_uppercase())));
    for row in rows {
        table.add_row(row);
    }
    for line in table.lines() {
        say(line.trim_end().strip_prefix(' ').unwrap_or(&line));
    }
}
