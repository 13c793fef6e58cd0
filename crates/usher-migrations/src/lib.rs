//! Migrations as text: what one says of itself, its statements, and the rules that let the release before go on beside it.
//!
//! Pure, and the standard library alone: `cargo xtask tidy` checks the rules, and usher itself reads migrations with it, to run
//! them and to say before an upgrade what they will do.
//!
//! A migration begins with a comment whose first line says of which kind it is:
//!
//! ```sql
//! -- expand: Users get a second name.
//! -- contract: The old name goes; releases from schema version 12 on do not use it.
//! ```
//!
//! A line `-- outside a transaction` among the lines of that comment lets it hold what PostgreSQL refuses within one.

mod actions;
mod indexes;
mod rules;
mod tokens;

use std::fmt;

pub use indexes::indexes;
pub use rules::{Finding, Harm, check, check_head};
pub use tokens::Token;

/// What a migration does to those who use the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It adds: whatever worked before works after.
    Expand,
    /// It takes away what the release before does not use any more, and says which releases that ends.
    Contract,
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Expand => "expand",
            Self::Contract => "contract",
        })
    }
}

/// A migration, read.
#[derive(Debug)]
pub struct Migration<'a> {
    /// `None` when it does not say; those of the first release don't.
    pub kind: Option<Kind>,
    /// It runs statement by statement, each for itself, because `create index concurrently` can't run within a transaction.
    pub outside: bool,
    pub statements: Vec<Statement<'a>>,
}

/// A statement, without the semicolon that ends it.
#[derive(Clone, Debug)]
pub struct Statement<'a> {
    pub sql: &'a str,
    /// Where it begins, counted from 1.
    pub line: usize,
    pub tokens: Vec<Token<'a>>,
}

impl<'a> Migration<'a> {
    pub fn read(sql: &'a str) -> Self {
        let mut head = sql.lines().map_while(|line| line.strip_prefix("--")).map(str::trim).peekable();
        let kind = head.peek().and_then(|first| kind(first));
        let outside = head.any(|line| line == "outside a transaction");
        Self { kind, outside, statements: statements(sql) }
    }

    /// The oldest schema version whose releases still work with the schema after a contract.
    pub fn oldest(&self) -> Option<u32> {
        self.statements.iter().find_map(|statement| {
            let update = ["update", "schema_compatibility", "set", "oldest_version", "="];
            let begins = statement.words().zip(update).filter(|(word, wanted)| word == wanted).count() == update.len();
            let number = statement.tokens.get(update.len()).filter(|_| begins && statement.tokens.len() == update.len() + 1)?;
            number.text.parse().ok()
        })
    }

    /// The text with which it runs where nobody else is: `concurrently` is for the sake of others, and not for a transaction.
    pub fn alone(sql: &str) -> String {
        let mut text = sql.to_owned();
        for token in tokens::read(sql).iter().rev().filter(|token| token.is("concurrently")) {
            text.replace_range(token.at..token.at + token.text.len(), "");
        }
        text
    }
}

impl Statement<'_> {
    /// Its words and signs in lower case. Quoted names and texts are as they are.
    pub fn words(&self) -> impl Iterator<Item = String> {
        self.tokens.iter().map(Token::word)
    }

    /// Its first words, to tell it by.
    pub fn title(&self) -> String {
        let mut title = String::new();
        for word in self.sql.lines().map(|line| line.split("--").next().unwrap_or_default()).flat_map(str::split_whitespace) {
            if !title.is_empty() && title.len() + word.len() > 72 {
                return title + " ...";
            }
            if !title.is_empty() {
                title.push(' ');
            }
            title.push_str(word);
        }
        title
    }
}

fn kind(first: &str) -> Option<Kind> {
    let (word, sentence) = first.split_once(':')?;
    let kind = match word {
        "expand" => Kind::Expand,
        "contract" => Kind::Contract,
        _ => return None,
    };
    (!sentence.trim().is_empty()).then_some(kind)
}

/// The statements of a text, split at the semicolons that are not within a text or a comment. Bodies of functions are texts here:
/// the other form (`begin atomic`) is against the rules.
fn statements(sql: &str) -> Vec<Statement<'_>> {
    let tokens = tokens::read(sql);
    tokens
        .split(|token| token.is(";"))
        .filter_map(|tokens| {
            let (first, last) = (tokens.first()?, tokens.last()?);
            let text = &sql[first.at..last.at + last.text.len()];
            Some(Statement { sql: text, line: sql[..first.at].matches('\n').count() + 1, tokens: tokens.to_vec() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_says_of_which_kind_it_is() {
        let read = |sql| {
            let migration = Migration::read(sql);
            (migration.kind, migration.outside)
        };
        assert_eq!(read("-- expand: A second name.\nselect 1;"), (Some(Kind::Expand), false));
        assert_eq!(read("-- contract: No name.\n-- outside a transaction\n\nselect 1;"), (Some(Kind::Contract), true));
        for none in ["-- expand:\n", "-- Users.\n-- expand: x\n", "select 1; -- expand: x", "", "--expand x"] {
            assert_eq!(read(none), (None, false), "{none}");
        }
        assert!(!Migration::read("-- expand: x\n\n-- outside a transaction\nselect 1").outside, "that is no line of the head");
    }

    #[test]
    fn statements_end_where_postgresql_ends_them() {
        let sql =
            "-- expand: x\nselect ';', \";\" -- ; no\n;\n/* ; /* ; */ ; */\ndo $a$ begin; $$ ; $$ end $a$;\n\nselect e'\\';' ;;";
        let found = Migration::read(sql).statements;
        let found: Vec<_> = found.iter().map(|statement| (statement.line, statement.sql)).collect();
        assert_eq!(found, [(2, "select ';', \";\""), (5, "do $a$ begin; $$ ; $$ end $a$"), (7, "select e'\\';'")]);
    }

    #[test]
    fn a_contract_names_the_oldest_release() {
        let oldest = |sql| Migration::read(sql).oldest();
        assert_eq!(oldest("alter table a drop b; UPDATE schema_compatibility\nset oldest_version = 12;"), Some(12));
        assert_eq!(oldest("update schema_compatibility set oldest_version = 12 where false"), None);
        assert_eq!(oldest("update users set oldest_version = 12"), None);
    }

    #[test]
    fn alone_it_needs_no_concurrency() {
        let sql = "create index CONCURRENTLY a on b (c); select 'concurrently'";
        assert_eq!(Migration::alone(sql), "create index  a on b (c); select 'concurrently'");
    }

    #[test]
    fn a_statement_is_told_by_its_beginning() {
        let title = |sql| Migration::read(sql).statements[0].title();
        assert_eq!(title("alter table a\n    add b text; -- x"), "alter table a add b text");
        let long = title("create table a ( b text not null, c text not null, d text not null, e text not null )");
        assert_eq!(long, "create table a ( b text not null, c text not null, d text not null, e ...");
    }
}
