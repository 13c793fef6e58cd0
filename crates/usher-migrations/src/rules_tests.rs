//! Migrations that keep the rules, and for each rule some that break it.

use super::*;

fn findings(sql: &str) -> Vec<String> {
    let migration = Migration::read(sql);
    let all = check_head(&migration).into_iter().chain(check(&migration));
    all.map(|finding| format!("{}: {}: {}", finding.line, finding.table.unwrap_or_default(), finding.sentence)).collect()
}

fn expand(sql: &str) -> Vec<String> {
    findings(&format!("-- expand: x\n{sql}"))
}

fn contract(sql: &str) -> Vec<String> {
    findings(&format!("-- contract: x\nupdate schema_compatibility set oldest_version = 3;\n{sql}"))
}

#[test]
fn what_only_adds_is_fine() {
    let good = [
        "create table a (b text not null, c uuid references users (id), unique (b));\ncreate index a_b_idx on a (b);\nupdate a set b = '';",
        "create unlogged table if not exists a (b text); alter table a add column c text not null; drop table a;",
        "alter table users add column nickname text, add state text not null default 'new', add seen timestamptz default now();",
        "alter table users add constraint users_x_check check (x > 0) not valid;",
        "alter table users add constraint users_team_fkey foreign key (team) references teams (id) on delete set null not valid;",
        "alter table users validate constraint users_x_check;",
        "alter table users drop constraint users_x_check, add constraint users_x_check check (x in (1, 2)) not valid;",
        "alter table users add constraint users_x_key unique using index users_x_idx;",
        "alter table users alter column x set default 1; alter table users set (fillfactor = 85);",
        "comment on table users is 'drop table users; rename';",
        "create or replace function f() returns trigger language plpgsql as $$ begin drop table users; end $$;",
        "create trigger t before update on users for each row execute function f(); drop trigger t on users;",
        "insert into settings (a) values (1);",
        "do $$ begin if exists (select from users) then create table a (b int); create index a_idx on a (b); end if; end $$;",
    ];
    for sql in good {
        assert_eq!(expand(sql), [""; 0], "{sql}");
    }
    let outside = "-- expand: x\n-- outside a transaction\n\
        drop index concurrently if exists users_x_idx;\ncreate unique index concurrently users_x_idx on users (x);";
    assert_eq!(findings(outside), [""; 0]);
}

#[test]
fn what_breaks_the_release_before_is_a_contract() {
    let breaking = [
        "drop table users;",
        "drop view if exists v;",
        "drop function f();",
        "alter table users drop column x;",
        "alter table users drop x;",
        "alter table only public.users drop constraint users_x_key;",
        "alter table users alter column x set not null;",
        "alter table users alter x drop not null;",
        "alter table users alter x drop default;",
    ];
    for sql in breaking {
        assert_eq!(expand(sql).len(), 1, "{sql}");
        assert_eq!(contract(sql), [""; 0], "{sql}");
    }
    assert!(expand("alter table only public.users drop column x;")[0].starts_with("2: users: drops a column"));
}

#[test]
fn some_things_are_never_fine() {
    let bad = [
        "alter table users rename column x to y;",
        "alter table users rename to people;",
        "alter index i rename to j;",
        "alter type t rename value 'a' to 'b';",
        "alter table users alter column x type bigint;",
        "alter table users alter x set data type text using x::text;",
        "alter table users add column x text not null;",
        "truncate users;",
        "begin;",
        "commit;",
        "set lock_timeout = '1h';",
        "lock table users;",
        "cluster users;",
        "do $$ begin execute 'drop table users'; end $$;",
        "create function f() returns int language sql begin atomic select 1; end;",
    ];
    for sql in bad {
        assert!(!expand(sql).is_empty(), "{sql}");
        assert!(!contract(sql).is_empty(), "{sql}");
    }
}

#[test]
fn nothing_reads_or_writes_a_table_under_a_strong_lock() {
    let slow = [
        "create index users_x_idx on users (x);",
        "create unique index users_x_idx on only public.users using btree (x);",
        "drop index users_x_idx;",
        "drop index concurrently users_x_idx;",
        "reindex table users;",
        "alter table users add constraint c check (x > 0);",
        "alter table users add check (x > 0);",
        "alter table users add constraint c foreign key (x) references y (z);",
        "alter table users add constraint c unique (x);",
        "alter table users add primary key (x);",
        "alter table users add column x uuid default gen_random_uuid();",
        "alter table users add x bigint generated always as identity;",
        "alter table users add x text generated always as (lower(y)) stored;",
        "alter table users add x bigserial;",
        "alter table users add x uuid references y (z);",
        "alter table users add x int check (x > 0);",
        "alter table users add x int unique;",
        "alter table users set unlogged;",
        "alter table users add constraint c check (x > 0) not valid; alter table users validate constraint c;",
        "update users set x = 1;",
        "delete from users where x;",
        "do $$ begin if true then update users set x = 1; end if; end $$;",
    ];
    for sql in slow {
        assert_eq!(expand(sql).len(), 1, "{sql}: {:?}", expand(sql));
        assert_eq!(contract(sql).len(), 1, "{sql}");
    }
}

#[test]
fn outside_a_transaction_only_indexes_are_made() {
    let outside = |sql: &str| findings(&format!("-- expand: x\n-- outside a transaction\n{sql}"));
    assert!(expand("create index concurrently i on users (x);")[0].contains("`-- outside a transaction`"));
    assert!(outside("create index concurrently i on users (x);")[0].contains("left invalid"));
    assert!(
        outside("drop index concurrently if exists j; create index concurrently i on users (x);")[0].contains("left invalid")
    );
    assert!(outside("alter table users add x int;")[0].contains("another file"));
    assert!(outside("create index i on users (x);")[0].contains("another file"));
}

#[test]
fn the_head_and_the_statements_say_the_same() {
    assert!(findings("create table a (b int);")[0].starts_with("1: : a migration begins with"));
    assert!(findings("-- contract: x\nalter table users drop y;")[0].contains("says which releases go on"));
    assert!(findings("-- expand: x\nupdate schema_compatibility set oldest_version = 3;")[0].contains("ends no release"));
    assert_eq!(contract("alter table users drop y;"), [""; 0]);
}

#[test]
fn a_table_may_become_the_first_partition_of_one_that_takes_its_place() {
    let past = "(like events_past including defaults including constraints, constraint events_pkey primary key (id))";
    let rename = "alter table events rename to events_past;";
    let indexes = "alter index events_x_idx rename to events_past_x_idx;";
    let make = format!("create table events {past} partition by range (id); create index events_x_idx on events (x);");
    assert_eq!(expand(&format!("{rename}{indexes}{make}")), [""; 0]);

    let narrow = [
        // Nothing takes its place, or something else, or not all of it.
        rename.to_owned(),
        format!("{rename} create table events (id uuid) partition by range (id);"),
        format!("{rename} create table events {past};"),
        format!("{rename} create table events (like events_past including defaults, x int) partition by range (id);"),
        format!("{rename} {}", make.replace("create table events ", "create table others ")),
        // Another name, and another thing.
        format!("alter table events rename to events_old; {make}"),
        format!("alter table only events rename to events_past; {make}"),
        format!("alter table events rename column events to events_past; {make}"),
        format!("{rename}{make} alter index users_x_idx rename to users_past_x_idx;"),
        format!("{rename}{make} alter index events_x_idx rename to events_past_y_idx;"),
        format!("{rename}{make} alter index events_x_idx rename to events_y_idx;"),
        // What has become the partition is still full of rows.
        format!("{rename}{make} alter table events_past add constraint c check (x > 0);"),
        format!("{rename}{make} update events_past set x = 1;"),
    ];
    for sql in narrow {
        assert!(!expand(&sql).is_empty(), "{sql}");
        assert!(!contract(&sql).is_empty(), "{sql}");
    }
}
