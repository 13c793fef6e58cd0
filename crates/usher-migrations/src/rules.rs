//! The rules: what may not happen while the release before serves requests from the same schema.
//!
//! They are what the field has found out at its cost (the lists of Braintree, `strong_migrations` and squawk): what breaks those who
//! use the old schema, and what holds a strong lock for as long as it takes to read or write a whole table.

use crate::actions::{self, has_all};
use crate::{Kind, Migration, Statement, Token, tokens};

/// How a statement harms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// The release before fails. A contract may: it comes when that release does not use it any more.
    Compatibility,
    /// Requests wait for as long as it takes to read or write a table.
    Locks,
    /// Whatever the kind.
    Always,
}

/// Something against the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub line: usize,
    pub harm: Harm,
    /// The existing table that it happens to.
    pub table: Option<String>,
    pub sentence: String,
}

/// What is wrong with an action, before it is known where it stands.
#[derive(Debug)]
pub struct Judgement {
    harm: Harm,
    sentence: &'static str,
}

impl Judgement {
    pub fn new(harm: Harm, sentence: &'static str) -> Self {
        Self { harm, sentence }
    }
}

/// What is wrong with what a migration says of itself.
pub fn check_head(migration: &Migration<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut fault = |line: usize, sentence: &str| {
        findings.push(Finding { line, harm: Harm::Always, table: None, sentence: sentence.to_owned() });
    };
    match (migration.kind, migration.oldest()) {
        (None, _) => fault(1, "a migration begins with `-- expand: what for` or `-- contract: what goes`"),
        (Some(Kind::Contract), None) => {
            fault(1, "a contract says which releases go on: `update schema_compatibility set oldest_version = 12;`");
        }
        (Some(Kind::Expand), Some(_)) => fault(1, "an expansion ends no release: only a contract sets oldest_version"),
        _ => {}
    }
    findings
}

/// What is wrong with its statements. Tables that it makes itself are nobody's yet, and free.
pub fn check(migration: &Migration<'_>) -> Vec<Finding> {
    let replaced = replaced(&migration.statements);
    let mut checker = Checker { made: Vec::new(), added: Vec::new(), dropped: Vec::new(), replaced, outside: migration.outside };
    let mut findings = Vec::new();
    for statement in &migration.statements {
        if statement.tokens.first().is_some_and(|token| token.is("do")) {
            for piece in pieces(statement) {
                findings.extend(checker.statement(&piece, statement.line));
            }
        } else {
            findings.extend(checker.statement(&statement.tokens, statement.line));
        }
    }
    // What a contract is there for.
    findings.retain(|finding| migration.kind != Some(Kind::Contract) || finding.harm != Harm::Compatibility);
    findings
}

/// The statements within a `do` block.
fn pieces<'a>(statement: &Statement<'a>) -> Vec<Vec<Token<'a>>> {
    let Some(body) = statement.tokens.iter().find_map(Token::dollar_body) else { return Vec::new() };
    let ends = [";", "then", "else", "begin", "loop"];
    let pieces = tokens::read(body);
    let pieces = pieces.split(|token| ends.iter().any(|end| token.is(end)));
    // `end`, `end if` and the like: of the language, not of SQL.
    pieces.filter(|piece| piece.first().is_some_and(|token| !token.is("end"))).map(<[_]>::to_vec).collect()
}

/// Tables `t` that become the first partition, `t_past`, of a table with their name and their columns. Whoever calls it by its name
/// finds the same there.
fn replaced(statements: &[Statement<'_>]) -> Vec<String> {
    let renamed = statements.iter().enumerate().filter_map(|(at, statement)| {
        let words: Vec<String> = statement.words().collect();
        let table = words.get(2)?;
        let past = format!("{table}_past");
        let renames = words == ["alter", "table", table, "rename", "to", &past];
        let made_anew = |statement: &Statement<'_>| {
            let like = ["create", "table", table, "(", "like", &past, "including", "defaults", "including", "constraints"];
            starts(&statement.tokens, &like) && has_all(&statement.tokens, &["partition", "by", "range"])
        };
        (renames && statements[at + 1..].iter().any(made_anew)).then(|| table.clone())
    });
    renamed.collect()
}

struct Checker {
    made: Vec<String>,
    /// Constraints.
    added: Vec<String>,
    /// Indexes.
    dropped: Vec<String>,
    /// By partitioned tables.
    replaced: Vec<String>,
    outside: bool,
}

impl Checker {
    fn statement(&mut self, tokens: &[Token<'_>], line: usize) -> Vec<Finding> {
        let (table, judgements) = self.judge(tokens);
        let existing = table.as_ref().is_none_or(|table| !self.made.contains(table));
        judgements
            .into_iter()
            .filter(|_| existing)
            .map(|Judgement { harm, sentence }| Finding { line, harm, table: table.clone(), sentence: sentence.to_owned() })
            .collect()
    }

    /// What is wrong, and with which table.
    fn judge(&mut self, tokens: &[Token<'_>]) -> (Option<String>, Vec<Judgement>) {
        let always = |sentence| (None, vec![Judgement::new(Harm::Always, sentence)]);
        let words: Vec<String> = tokens.iter().map(Token::word).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if words.windows(2).any(|pair| pair == ["begin", "atomic"]) {
            return always("write the body of a function as a text: `begin atomic` hides where the statement ends");
        }
        if self.outside && !alone(&words) {
            return always(
                "outside a transaction only indexes are made and dropped, concurrently: the rest belongs in another file",
            );
        }
        match words.as_slice() {
            ["begin" | "start" | "commit" | "rollback" | "end" | "savepoint", ..] => {
                always("the runner begins and ends transactions")
            }
            ["set" | "reset", ..] => always("the runner sets the timeouts, and nothing else is to be set"),
            ["execute", ..] => always("executes a text that nobody can check"),
            ["create", rest @ ..] => self.create(tokens, rest),
            ["alter", "table", table, "rename", "to", _] if self.is_replaced(table) => (None, Vec::new()),
            ["alter", "index", index, "rename", "to", other] if self.goes_along(index, other) => (None, Vec::new()),
            ["alter", "table", ..] => self.alter_table(tokens),
            ["alter", _, rest @ ..] if rest.contains(&"rename") => always("renames what the release before calls by its name"),
            ["drop", "index", rest @ ..] => self.drop_index(rest),
            ["drop", what, ..] if *what != "trigger" => {
                let table = (*what == "table").then(|| name(&tokens[2..])).flatten();
                (table, vec![Judgement::new(Harm::Compatibility, "drops what the release before may use: that is a contract")])
            }
            ["truncate", ..] => always("empties a table"),
            ["update", ..] | ["delete", "from", ..] => rows(tokens),
            ["lock" | "cluster" | "vacuum", ..] => always("locks a table for as long as the transaction takes"),
            ["reindex", rest @ ..] if !rest.contains(&"concurrently") => always("locks a table while it builds an index"),
            ["refresh", ..] if !words.contains(&"concurrently") => always("locks a view while it is filled"),
            _ => (None, Vec::new()),
        }
    }

    fn is_replaced(&self, table: &str) -> bool {
        self.replaced.iter().any(|replaced| replaced == table)
    }

    /// Whether an index of a table that is replaced makes room for that of the new one.
    fn goes_along(&self, index: &str, other: &str) -> bool {
        let of = |table: &String| Some((index.strip_prefix(table)?, other.strip_prefix(table)?.strip_prefix("_past")?));
        self.replaced.iter().filter_map(of).any(|(kept, renamed)| kept == renamed)
    }

    fn create(&mut self, tokens: &[Token<'_>], rest: &[&str]) -> (Option<String>, Vec<Judgement>) {
        if let Some(at) = rest.iter().take(3).position(|word| *word == "table") {
            self.made.extend(name(&tokens[at + 2..]));
            return (None, Vec::new());
        }
        let unique = usize::from(rest.first() == Some(&"unique"));
        if rest.get(unique) != Some(&"index") {
            return (None, Vec::new());
        }
        let Some(on) = rest.iter().position(|word| *word == "on") else { return (None, Vec::new()) };
        let table = name(&tokens[on + 2..]);
        let concurrently = rest.get(unique + 1) == Some(&"concurrently");
        let sentence = match (concurrently, self.outside) {
            (false, _) => {
                "locks the table while it builds an index: create it concurrently, in a file that runs outside a transaction"
            }
            (true, false) => "can't run within a transaction: give the file the line `-- outside a transaction`",
            (true, true) if rest.get(unique + 2).is_none_or(|index| !self.dropped.iter().any(|dropped| dropped == index)) => {
                "is left invalid when it fails: begin with `drop index concurrently if exists` of the same name"
            }
            (true, true) => return (table, Vec::new()),
        };
        (table, vec![Judgement::new(Harm::Locks, sentence)])
    }

    fn drop_index(&mut self, rest: &[&str]) -> (Option<String>, Vec<Judgement>) {
        if rest.first() != Some(&"concurrently") || !self.outside {
            let sentence = "locks the table: drop it concurrently, in a file that runs outside a transaction";
            return (None, vec![Judgement::new(Harm::Locks, sentence)]);
        }
        self.dropped.extend(rest.iter().skip(1).find(|word| !["if", "exists"].contains(word)).map(|index| (*index).to_owned()));
        (None, Vec::new())
    }

    fn alter_table(&mut self, tokens: &[Token<'_>]) -> (Option<String>, Vec<Judgement>) {
        let skipped =
            2 + tokens[2..].iter().take_while(|token| ["if", "exists", "only"].iter().any(|word| token.is(word))).count();
        let Some(table) = name(&tokens[skipped..]) else { return (None, Vec::new()) };
        let named = if tokens.get(skipped + 1).is_some_and(|token| token.is(".")) { 3 } else { 1 };
        let actions = actions::split(tokens.get(skipped + named..).unwrap_or_default());
        let judgements = actions.into_iter().flat_map(|action| actions::judge(action, &mut self.added)).collect();
        (Some(table), judgements)
    }
}

/// Changing rows. The one row that says which releases go on is the migration's business.
fn rows(tokens: &[Token<'_>]) -> (Option<String>, Vec<Judgement>) {
    let table = name(tokens.get(if tokens[0].is("delete") { 2 } else { 1 }..).unwrap_or_default());
    if table.as_deref() == Some("schema_compatibility") {
        return (table, Vec::new());
    }
    let sentence = "changes rows while requests wait for them: let a job do it in batches";
    (table, vec![Judgement::new(Harm::Locks, sentence)])
}

/// Whether a statement may stand by itself, and be tried again when it was cut short.
fn alone(words: &[&str]) -> bool {
    let index = matches!(words, ["create" | "drop", "index", ..] | ["create", "unique", "index", ..]);
    (index || words.first() == Some(&"reindex")) && words.contains(&"concurrently")
}

/// The name at the start, without its schema and `if not exists`.
fn name(tokens: &[Token<'_>]) -> Option<String> {
    let mut tokens = tokens.iter().filter(|token| !["if", "not", "exists", "only"].iter().any(|word| token.is(word)));
    let first = tokens.next()?;
    let last = if tokens.next().is_some_and(|token| token.is(".")) { tokens.next()? } else { first };
    Some(last.word().trim_matches('"').to_owned())
}

pub fn starts(tokens: &[Token<'_>], words: &[&str]) -> bool {
    tokens.len() >= words.len() && tokens.iter().zip(words).all(|(token, word)| token.is(word))
}

pub fn has(tokens: &[Token<'_>], word: &str) -> bool {
    tokens.iter().any(|token| token.is(word))
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
