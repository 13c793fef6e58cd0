//! The tokens of SQL as PostgreSQL reads it (its manual, "Lexical Structure"): enough to tell words from texts and comments.

/// A word, a number, a quoted name, a text, or a sign of one character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub text: &'a str,
    /// The byte of the whole text where it begins.
    pub at: usize,
}

impl<'a> Token<'a> {
    /// Whether it is this word, whatever its case, or this sign.
    pub fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }

    /// In lower case, unless it is quoted.
    pub fn word(&self) -> String {
        if self.text.contains(['"', '\'']) || self.text.starts_with('$') {
            self.text.to_owned()
        } else {
            self.text.to_lowercase()
        }
    }

    /// What is between the dollar signs, when it is a text in dollars.
    pub fn dollar_body(&self) -> Option<&'a str> {
        let tag = dollar_tag(self.text)?;
        self.text.strip_prefix(tag)?.strip_suffix(tag)
    }
}

pub fn read(sql: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = sql[at..].chars().next() {
        let rest = &sql[at..];
        let blank = blank(rest, first);
        if blank > 0 {
            at += blank;
            continue;
        }
        let length = token(rest, first).clamp(first.len_utf8(), rest.len());
        tokens.push(Token { text: &rest[..length], at });
        at += length;
    }
    tokens
}

/// The length of the white space or the comment at the start.
fn blank(rest: &str, first: char) -> usize {
    if first.is_whitespace() {
        return first.len_utf8();
    }
    if rest.starts_with("--") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") { block_comment(rest) } else { 0 }
}

/// Comments nest.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    let bytes = rest.as_bytes();
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn token(rest: &str, first: char) -> usize {
    if rest.starts_with(['e', 'E']) && rest[1..].starts_with('\'') {
        return 1 + quoted(&rest[1..], '\'', true);
    }
    if let Some(tag) = dollar_tag(rest) {
        return rest[tag.len()..].find(tag).map_or(rest.len(), |end| end + 2 * tag.len());
    }
    match first {
        '\'' | '"' => quoted(rest, first, false),
        _ if is_word(first) => rest.find(|c| !is_word(c) && c != '$').unwrap_or(rest.len()),
        _ => first.len_utf8(),
    }
}

/// A quotation mark within is doubled, or behind a backslash where those count.
fn quoted(rest: &str, mark: char, backslashes: bool) -> usize {
    let mut letters = rest.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == mark && letters.next_if(|(_, next)| *next == mark).is_none() {
            return at + 1;
        }
        if letter == '\\' && backslashes {
            letters.next();
        }
    }
    rest.len()
}

/// `$$` or `$tag$` at the start; `$1` is a parameter.
fn dollar_tag(rest: &str) -> Option<&str> {
    let inner = rest.strip_prefix('$')?;
    let end = inner.find('$')?;
    let tag = &inner[..end];
    (tag.chars().all(is_word) && !tag.starts_with(|c: char| c.is_ascii_digit())).then(|| &rest[..end + 2])
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        read(sql).iter().map(|token| token.text).collect()
    }

    #[test]
    fn words_texts_and_signs_are_told_apart() {
        assert_eq!(texts("alter table a.\"b c\" add x$1 int"), ["alter", "table", "a", ".", "\"b c\"", "add", "x$1", "int"]);
        assert_eq!(texts("'it''s' || E'\\'' || U&'x'"), ["'it''s'", "|", "|", "E'\\''", "|", "|", "U", "&", "'x'"]);
        assert_eq!(texts("$1 + $a$ $$ $b$ $a$"), ["$", "1", "+", "$a$ $$ $b$ $a$"]);
        assert_eq!(texts("a--b\n/* c /* d */ */e"), ["a", "e"]);
        assert_eq!(texts("é <> 'ü' /* never ended"), ["é", "<", ">", "'ü'"]);
        assert_eq!(texts("'never ended"), ["'never ended"]);
    }

    #[test]
    fn the_body_between_dollars_is_found() {
        assert_eq!(read("$x$ a $$ b $x$")[0].dollar_body(), Some(" a $$ b "));
        assert_eq!(read("'$$'")[0].dollar_body(), None);
    }

    #[test]
    fn nothing_is_lost_and_nothing_panics() {
        for sql in ["", ";", "$", "$$", "$a", "\\", "e'", "é'é", "\"", "/*", "*/", "--", "E'\\"] {
            let all: usize = read(sql).iter().map(|token| token.text.len()).sum();
            assert!(all <= sql.len(), "{sql}");
        }
    }
}
