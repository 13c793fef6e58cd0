//! A Rust file as the rules see it: code without comments, text and tests, line by line where
//! it was, and the string literals beside it.

/// A Rust file, read for its rules.
#[derive(Debug)]
pub struct Source {
    pub path: String,
    pub text: String,
    /// The text with comments and the insides of literals blanked; lines stay in place.
    pub code: String,
    /// `code` without the items under `cfg(test)`.
    pub shipped: String,
    /// The string literals of the shipped code.
    pub literals: Vec<Literal>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Literal {
    pub line: usize,
    pub text: String,
}

impl Source {
    pub fn read(path: &str, text: &str) -> Self {
        let Scanned { code, literals } = scan(text);
        let shipped = without_tests(&code);
        // A literal's quotes are blanked together with the test that holds it.
        let literals = literals
            .into_iter()
            .filter(|(offset, _)| shipped.as_bytes().get(*offset) == Some(&b'"'))
            .map(|(_, literal)| literal)
            .collect();
        Self { path: path.to_owned(), text: text.to_owned(), code, shipped, literals }
    }

    /// Whether the whole file is there for tests only.
    pub fn is_test(&self) -> bool {
        let mut parts = self.path.split('/');
        let name = parts.next_back().unwrap_or_default();
        name == "tests.rs" || parts.any(|folder| matches!(folder, "tests" | "testing" | "benches"))
    }

    /// The line numbers where `needle` stands as whole words in the shipped code.
    pub fn lines_with(&self, needle: &str) -> Vec<usize> {
        lines_with(&self.shipped, needle)
    }
}

/// The line numbers where `needle` stands in the code and is not part of a longer word.
pub fn lines_with(code: &str, needle: &str) -> Vec<usize> {
    let word = |letter: Option<char>| letter.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let open_start = needle.starts_with(|c: char| !c.is_alphanumeric());
    let open_end = needle.ends_with(|c: char| !c.is_alphanumeric());
    code.match_indices(needle)
        .filter(|(at, _)| open_start || !word(code[..*at].chars().next_back()))
        .filter(|(at, _)| open_end || !word(code[at + needle.len()..].chars().next()))
        .map(|(at, _)| line_of(code, at))
        .collect()
}

/// The number of the line that holds this byte.
pub fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

struct Scanned {
    code: String,
    /// Each literal with the place of its opening quote in `code`.
    literals: Vec<(usize, Literal)>,
}

fn scan(text: &str) -> Scanned {
    let mut scanner = Scanner { text, at: 0, code: String::with_capacity(text.len()), literals: Vec::new() };
    while scanner.at < text.len() {
        scanner.step();
    }
    Scanned { code: scanner.code, literals: scanner.literals }
}

/// `code` has a byte for every byte of the text, so that places are the same in both.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
    code: String,
    literals: Vec<(usize, Literal)>,
}

impl Scanner<'_> {
    fn step(&mut self) {
        let rest = &self.text[self.at..];
        if rest.starts_with("//") {
            self.blank(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.blank(block_comment(rest));
        } else if rest.starts_with('"') {
            self.literal(1, quoted(rest), 1);
        } else if let Some(hashes) = self.raw_string(rest) {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = hashes + 2;
            let inside = rest[start..].find(&end).unwrap_or(rest.len() - start);
            self.literal(start, inside, end.len());
        } else if rest.starts_with('\'') {
            self.character(rest);
        } else {
            let letter = rest.chars().next().unwrap_or(' ');
            self.copy(letter.len_utf8());
        }
    }

    /// `r"..."` or `r##"..."##`, also as the end of `br` and `cr`, but not `for"`.
    fn raw_string(&self, rest: &str) -> Option<usize> {
        let after = rest.strip_prefix('r')?;
        let hashes = after.len() - after.trim_start_matches('#').len();
        after[hashes..].strip_prefix('"')?;
        let before = self.text[..self.at].trim_end_matches(['b', 'c']);
        let word = before.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        (!word).then_some(hashes)
    }

    fn character(&mut self, rest: &str) {
        let mut chars = rest[1..].char_indices();
        let length = match (chars.next(), chars.next()) {
            // The escaped letter may itself be a quote.
            (Some((_, '\\')), Some((at, letter))) => {
                let start = 1 + at + letter.len_utf8();
                rest[start..].find('\'').map(|end| start + end + 1)
            }
            (Some(_), Some((at, '\''))) => Some(1 + at + 1),
            // A lifetime.
            _ => None,
        };
        match length {
            Some(length) => self.blank(length),
            None => self.copy(1),
        }
    }

    fn literal(&mut self, start: usize, inside: usize, end: usize) {
        let text = self.text.get(self.at + start..self.at + start + inside);
        let line = line_of(self.text, self.at);
        self.blank(start - 1);
        let place = self.at;
        self.literals.push((place, Literal { line, text: text.unwrap_or_default().to_owned() }));
        self.copy(1);
        self.blank(inside);
        self.copy(end.min(1));
        self.blank(end.saturating_sub(1));
    }

    fn copy(&mut self, length: usize) {
        let end = (self.at + length).min(self.text.len());
        self.code.push_str(&self.text[self.at..end]);
        self.at = end;
    }

    fn blank(&mut self, length: usize) {
        let end = (self.at + length).min(self.text.len());
        for byte in &self.text.as_bytes()[self.at..end] {
            self.code.push(if *byte == b'\n' { '\n' } else { ' ' });
        }
        self.at = end;
    }
}

/// The length of a block comment; they nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of what stands between the quotes.
fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at - 1,
            _ => {}
        }
    }
    rest.len() - 1
}

/// Blanks the items under `#[cfg(test)]`, `#[cfg(all(test, ..))]` and `#[cfg(any(test, ..))]`.
fn without_tests(code: &str) -> String {
    let mut bytes = code.as_bytes().to_vec();
    for start in ["#[cfg(test)]", "#[cfg(all(test", "#[cfg(any(test"] {
        for (at, _) in code.match_indices(start) {
            let end = item_end(code, at);
            for byte in &mut bytes[at..end] {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The end of the item that begins, with its attributes, at this place: its `;` or its closing
/// brace, and for a field or a match arm its comma.
fn item_end(code: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    let comma_ends = !is_item(code[start..].trim_start());
    for (at, byte) in code.bytes().enumerate().skip(start) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b'}' if depth == 1 => return at + 1,
            b')' | b']' | b'}' if depth == 0 => return at,
            b')' | b']' | b'}' => depth -= 1,
            b';' if depth == 0 => return at + 1,
            b',' if depth == 0 && comma_ends => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// Whether an item follows the attributes, rather than a field or an arm.
fn is_item(code: &str) -> bool {
    const WORDS: [&str; 14] =
        ["fn", "mod", "use", "impl", "async", "const", "static", "struct", "enum", "type", "trait", "extern", "let", "unsafe"];
    let mut rest = code;
    while rest.starts_with("#[") {
        let mut depth = 0_usize;
        let end = rest.find(|c| {
            match c {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            c == ']' && depth == 0
        });
        rest = rest[end.map_or(rest.len(), |end| end + 1)..].trim_start();
    }
    if let Some(after) = rest.strip_prefix("pub") {
        rest = after.trim_start();
        if rest.starts_with('(') {
            rest = rest.split_once(')').map_or("", |(_, after)| after);
        }
        rest = rest.trim_start();
    }
    let word: String = rest.chars().take_while(char::is_ascii_alphabetic).collect();
    WORDS.contains(&word.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped(text: &str) -> String {
        let source = Source::read("crates/usher/src/x.rs", text);
        assert_eq!(source.code.len(), text.len());
        assert_eq!(source.shipped.lines().count(), text.lines().count());
        let words: Vec<&str> = source.shipped.split_whitespace().collect();
        words.join(" ")
    }

    #[test]
    fn comments_and_the_insides_of_literals_are_blanked() {
        assert_eq!(shipped("a // b\nc /* d /* e */ f */ g"), "a c g");
        assert_eq!(shipped(r#"a("b\"c", d)"#), "a(\" \", d)");
        assert_eq!(shipped(r##"a(r#"b"c"#, d)"##), "a( \" \" , d)");
        assert_eq!(shipped(r#"let b = br"x"; for"y""#), "let b = b \" \"; for\" \"");
        assert_eq!(shipped("'\\'' + '\"' + 'é' + &'a str"), "+ + + &'a str");
        assert_eq!(shipped("/// ünï\nfn x() {}"), "fn x() {}");
    }

    #[test]
    fn literals_are_kept_with_their_lines() {
        let source = Source::read("x.rs", "a\n(\"one\", r\"two\n\")\n\"three\"");
        let found: Vec<(usize, &str)> = source.literals.iter().map(|literal| (literal.line, literal.text.as_str())).collect();
        assert_eq!(found, [(2, "one"), (2, "two\n"), (4, "three")]);
    }

    #[test]
    fn tests_are_taken_out() {
        assert_eq!(shipped("a\n#[cfg(test)]\nmod tests { fn b() { \"{\" } }\nc"), "a c");
        assert_eq!(shipped("#[cfg(test)]\nmod tests;\nc"), "c");
        assert_eq!(shipped("#[cfg(test)]\nuse crate::x;\nc"), "c");
        assert_eq!(shipped("#[cfg(test)]\n#[derive(A, B)]\npub(crate) fn f<A, B>(a: [u8; 2]) { b }\nc"), "c");
        assert_eq!(shipped("S { #[cfg(test)] a: b(1, 2), c }"), "S { c }");
        assert_eq!(shipped("#[cfg(not(test))] fn a() {}"), "#[cfg(not(test))] fn a() {}");
    }

    #[test]
    fn literals_of_tests_are_left_out() {
        let source = Source::read("x.rs", "#[cfg(test)]\nmod tests { \"select 1\" }");
        assert!(source.literals.is_empty());
    }

    #[test]
    fn needles_are_whole_words() {
        let code = "operand::x\nrand::y\na.route(b)\naxum_extra\naxum";
        assert_eq!(lines_with(code, "rand::"), [2]);
        assert_eq!(lines_with(code, ".route("), [3]);
        assert_eq!(lines_with(code, "axum"), [5]);
    }
}
