//! What single actions of `alter table` do to an existing table.

use crate::Token;
use crate::rules::{Harm, Judgement, has, starts};

/// Calls that are evaluated once for all rows, so that the default of a new column costs nothing.
const STABLE: [&str; 4] = ["now", "current_timestamp", "transaction_timestamp", "statement_timestamp"];

/// Splits `alter table x a, b (c, d)` into `a` and `b (c, d)`.
pub fn split<'t, 'a>(tokens: &'t [Token<'a>]) -> Vec<&'t [Token<'a>]> {
    let mut depth = 0_i32;
    tokens
        .split(|token| {
            depth += i32::from(token.is("(")) - i32::from(token.is(")"));
            depth == 0 && token.is(",")
        })
        .collect()
}

/// Judges one action. `added` are the constraints that the same migration has added before.
pub fn judge(action: &[Token<'_>], added: &mut Vec<String>) -> Vec<Judgement> {
    let rest = |count: usize| action.get(count..).unwrap_or_default();
    if starts(action, &["add", "constraint"]) {
        added.extend(action.get(2).map(Token::word));
        return constraint(rest(3));
    }
    if action.first().is_some_and(|token| token.is("add")) {
        let unnamed = ["check", "foreign", "primary", "unique", "exclude"];
        if action.get(1).is_some_and(|token| unnamed.iter().any(|word| token.is(word))) {
            return constraint(rest(1));
        }
        let skipped = if starts(action, &["add", "column"]) { 2 } else { 1 };
        let named = rest(skipped);
        return column(if starts(named, &["if", "not", "exists"]) { &named[3..] } else { named });
    }
    if starts(action, &["validate", "constraint"]) {
        let own = action.get(2).is_some_and(|name| added.contains(&name.word()));
        let sentence = "validates what it has added itself, under the lock of the adding: validate in a migration of its own";
        return own.then(|| Judgement::new(Harm::Locks, sentence)).into_iter().collect();
    }
    if starts(action, &["drop", "constraint"]) {
        let name = action.iter().skip(2).find(|token| !token.is("if") && !token.is("exists")).map(Token::word);
        let guards = name.is_some_and(|name| !name.ends_with("_check"));
        let sentence = "drops a key that the release before relies on; only a check may be widened so";
        return guards.then(|| Judgement::new(Harm::Compatibility, sentence)).into_iter().collect();
    }
    other(action)
}

fn other(action: &[Token<'_>]) -> Vec<Judgement> {
    let compatibility = |sentence| vec![Judgement::new(Harm::Compatibility, sentence)];
    let locks = |sentence| vec![Judgement::new(Harm::Locks, sentence)];
    match action.first().map(Token::word).as_deref() {
        Some("drop") => compatibility("drops a column that the release before may use: that is a contract"),
        Some("rename") => vec![Judgement::new(
            Harm::Always,
            "renames what the release before calls by its name: add another, move, and drop in a later contract",
        )],
        Some("alter") if has(action, "type") => {
            vec![Judgement::new(
                Harm::Always,
                "changes the type of a column: add another one, move, and drop in a later contract",
            )]
        }
        Some("alter") if has_all(action, &["set", "not", "null"]) => {
            compatibility("lets the release before fail where it writes null: that is a contract, after a validated check")
        }
        Some("alter") if has_all(action, &["drop", "not", "null"]) => {
            compatibility("lets the release before meet a null that it does not expect: that is a contract")
        }
        Some("alter") if has_all(action, &["drop", "default"]) => {
            compatibility("takes a default that the release before may rely on: that is a contract")
        }
        Some("alter") if has_all(action, &["add", "generated"]) => locks("numbers all rows anew: it rewrites the table"),
        Some("set")
            if ["tablespace", "logged", "unlogged", "access"]
                .iter()
                .any(|what| action.get(1).is_some_and(|token| token.is(what))) =>
        {
            locks("rewrites the table under a lock that stops everybody")
        }
        _ => Vec::new(),
    }
}

/// A new column of an existing table; the tokens begin with its name.
fn column(tokens: &[Token<'_>]) -> Vec<Judgement> {
    let mut found = Vec::new();
    let default = tokens.iter().position(|token| token.is("default"));
    let required = tokens.windows(2).any(|pair| pair[0].is("not") && pair[1].is("null"));
    if required && default.is_none() {
        let sentence = "adds a column that may not be null and has no default: the release before can't insert";
        found.push(Judgement::new(Harm::Always, sentence));
    }
    if has(tokens, "generated") || tokens.iter().any(|token| token.word().ends_with("serial")) {
        found.push(Judgement::new(Harm::Locks, "adds a column that is computed for every row: it rewrites the table"));
    }
    let calls = default.map(|at| &tokens[at + 1..]).unwrap_or_default().windows(2).any(|pair| {
        pair[1].is("(") && is_name(&pair[0]) && !STABLE.iter().chain(&["check", "references"]).any(|name| pair[0].is(name))
    });
    if calls {
        found.push(Judgement::new(Harm::Locks, "has a default that is computed for every row: it rewrites the table"));
    }
    if has(tokens, "unique") || has(tokens, "primary") {
        let sentence = "builds an index while it locks the table: create it concurrently, then `add constraint ... using index`";
        found.push(Judgement::new(Harm::Locks, sentence));
    }
    if has(tokens, "references") || has(tokens, "check") {
        let sentence = "checks all rows while it locks the table: add the constraint by itself and `not valid`";
        found.push(Judgement::new(Harm::Locks, sentence));
    }
    found
}

/// A constraint on an existing table; the tokens begin with its kind.
fn constraint(tokens: &[Token<'_>]) -> Vec<Judgement> {
    let indexed = ["primary", "unique", "exclude"].iter().any(|kind| tokens.first().is_some_and(|token| token.is(kind)));
    if indexed && !has_all(tokens, &["using", "index"]) {
        let sentence = "builds an index while it locks the table: create it concurrently, then `add constraint ... using index`";
        return vec![Judgement::new(Harm::Locks, sentence)];
    }
    if !indexed && !has_all(tokens, &["not", "valid"]) {
        let sentence = "checks all rows while it locks the table: add it `not valid`, and validate in a migration of its own";
        return vec![Judgement::new(Harm::Locks, sentence)];
    }
    Vec::new()
}

fn is_name(token: &Token<'_>) -> bool {
    token.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Whether these words stand behind one another.
pub fn has_all(tokens: &[Token<'_>], words: &[&str]) -> bool {
    tokens.windows(words.len()).any(|window| starts(window, words))
}
