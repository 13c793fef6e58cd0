//! The indexes that are there when all migrations are applied, so that one which somebody has dropped is missed.
//!
//! Those that a `do` block makes depend on what the database has, and are not counted.

use std::collections::BTreeMap;

use crate::{Migration, Statement, Token};

/// The names of the indexes that these migrations leave, those of keys too.
pub fn indexes<'a>(migrations: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut tables = BTreeMap::new();
    for migration in migrations {
        for statement in &Migration::read(migration).statements {
            follow(statement, &mut tables);
        }
    }
    tables.into_keys().collect()
}

/// Keeps the table of each index.
fn follow(statement: &Statement<'_>, tables: &mut BTreeMap<String, String>) {
    let words: Vec<String> = statement.tokens.iter().map(Token::word).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| !PASSED_OVER.contains(word)).collect();
    match words.as_slice() {
        ["create", "index", index, "on", table, ..] | ["create", "unique", "index", index, "on", table, ..] => {
            tables.insert((*index).to_owned(), (*table).to_owned());
        }
        ["drop", "index", index] => {
            tables.remove(*index);
        }
        ["drop", "table", table, ..] => tables.retain(|_, of| of != table),
        ["alter", "index", index, "rename", "to", other] => {
            if let Some(table) = tables.remove(*index) {
                tables.insert((*other).to_owned(), table);
            }
        }
        // It becomes a partition, and its indexes are those of the table that takes its place.
        ["alter", "table", table, "rename", "to", _] => tables.retain(|_, of| of != table),
        ["create" | "alter", "table", table, rest @ ..] | ["create", "unlogged", "table", table, rest @ ..] => {
            keys(table, rest, tables);
        }
        _ => {}
    }
}

/// A primary or unique key is an index of its name, also when it was made as an index before.
fn keys(table: &str, words: &[&str], tables: &mut BTreeMap<String, String>) {
    for window in words.windows(3).filter(|window| window[..2] == ["using", "index"]) {
        tables.remove(window[2]);
    }
    for window in words.windows(3) {
        match window {
            ["constraint", name, "primary" | "unique" | "exclude"] => {
                tables.insert((*name).to_owned(), table.to_owned());
            }
            ["drop", "constraint", name] => {
                tables.remove(*name);
            }
            _ => {}
        }
    }
}

const PASSED_OVER: [&str; 5] = ["concurrently", "if", "exists", "only", "not"];

#[cfg(test)]
mod tests {
    use super::indexes;

    #[test]
    fn what_is_made_stays_until_it_is_dropped() {
        let first = "
            create table a (b int not null, c int, constraint a_pkey primary key (b), constraint a_c_key unique (c),
                constraint a_c_check check (c > 0), constraint a_c_fkey foreign key (c) references d (e));
            create unlogged table if not exists f (g int, constraint f_pkey primary key (g));
            create index a_b_idx on a (b); create unique index concurrently a_c_idx on only a (c);
            do $$ begin create index a_maybe_idx on a (b); end $$;
            comment on table a is 'create index no on a (b)';";
        assert_eq!(indexes([first]), ["a_b_idx", "a_c_idx", "a_c_key", "a_pkey", "f_pkey"]);
        let second = "alter table a drop constraint a_c_key; drop index concurrently if exists a_b_idx; drop table f;";
        assert_eq!(indexes([first, second]), ["a_c_idx", "a_pkey"]);
        let third = "drop index concurrently if exists a_c_idx; create unique index concurrently a_c_idx on a (c);
            alter table a add constraint a_d_key unique using index a_c_idx;";
        assert_eq!(indexes([first, second, third]), ["a_d_key", "a_pkey"]);
    }

    #[test]
    fn a_table_that_becomes_a_partition_has_the_indexes_of_the_whole() {
        let sql = "
            create table a (b int, constraint a_pkey primary key (b)); create index a_b_idx on a (b);
            alter table a rename to a_past; alter index a_pkey rename to a_past_pkey; alter index a_b_idx rename to a_past_b_idx;
            create table a (like a_past including defaults including constraints, constraint a_pkey primary key (b))
                partition by range (b);
            create index a_b_idx on a (b);";
        assert_eq!(indexes([sql]), ["a_b_idx", "a_pkey"]);
    }
}
