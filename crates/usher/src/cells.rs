//! Cells of CSV files. A spreadsheet takes a cell that begins like a formula for one: such a cell gets an apostrophe in front,
//! which the importer takes away again, and no other.

/// What a formula begins with, also in the wide forms that some spreadsheets read as the same.
const SIGNS: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// Whether a spreadsheet may take the text for a formula, or it is one with apostrophes in front: both get one more.
fn looks_like_a_formula(text: &str) -> bool {
    let bare = text.trim_start_matches('\'');
    // Tab and carriage return are blanks, too, but count as signs themselves.
    let bare = bare.trim_start_matches(|c: char| (c.is_whitespace() || c == '\u{feff}') && !SIGNS.contains(&c));
    bare.starts_with(SIGNS)
}

/// The text as a cell that is no formula.
pub fn neutral(text: &str) -> std::borrow::Cow<'_, str> {
    if looks_like_a_formula(text) { format!("'{text}").into() } else { text.into() }
}

/// The text that [`neutral`] has made a cell of.
pub fn original(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if looks_like_a_formula(text) => text,
        _ => cell,
    }
}

/// Lines of CSV (RFC 4180), each cell neutral and quoted where it must be.
pub struct Lines(csv::Writer<Vec<u8>>);

impl Lines {
    pub fn begin() -> Self {
        Self(csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).flexible(true).from_writer(Vec::new()))
    }

    pub fn add<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        for cell in cells {
            self.0.write_field(neutral(cell).as_bytes()).expect("memory takes what is written");
        }
        self.0.write_record(None::<&[u8]>).expect("memory takes what is written");
    }

    pub fn finish(self) -> Vec<u8> {
        self.0.into_inner().expect("memory takes what is written")
    }
}

/// One line by itself.
pub fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut lines = Lines::begin();
    lines.add(cells);
    lines.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn r264_what_begins_like_a_formula_is_neutral_and_comes_back() {
        for text in ["=1+1", "+1", "-1", "@a", "\tx", "\rx", "  =1", "\u{a0}=1", "\n=1", "'=1", "''=1", "\u{ff1d}1", "' =1"] {
            let cell = neutral(text);
            assert_eq!(cell, format!("'{text}"));
            assert_eq!(original(&cell), text);
        }
        for text in ["", "'", "''", "'a", "O'Neill", "a=1", "'a=1", " 'a"] {
            assert_eq!(neutral(text), text);
            assert_eq!(original(text), text);
        }
    }

    #[test]
    fn a_line_is_quoted_where_it_must_be() {
        assert_eq!(line(["a", "b,c", "d\"e", "f\ng", "=1"]), b"a,\"b,c\",\"d\"\"e\",\"f\ng\",'=1\r\n");
        assert_eq!(line([""]), b"\"\"\r\n");
    }

    proptest! {
        #[test]
        fn r264_every_text_comes_back(text in "['=+@ \\t\\ra-]{0,6}|\\PC{0,12}") {
            let cell = neutral(&text);
            let first = cell.trim_start().chars().next();
            prop_assert!(!first.is_some_and(|first| "=+-@".contains(first)));
            prop_assert_eq!(original(&cell), text.as_str());
        }
    }
}
