//! The SQL of activity.

use jiff::civil::Date;

use crate::db::lanes::Pipeline;
use crate::db::{DbResult, Tx, values};
use crate::id::UserId;

/// The last day on which a user `u` was active, where `last_active_days` is joined as `l`: that of a sign-in which was noted
/// elsewhere, of the sign-up, or on which somebody let them in again, where it is later or nothing else is known.
pub const LAST_DAY: &str =
    "greatest(l.day, (u.last_sign_in_at at time zone 'UTC')::date, (u.created_at at time zone 'UTC')::date)";

/// Whether a user `u` was active on this day or later, by [`LAST_DAY`]: true or false, never unknown. Each part is asked for itself, since
/// PostgreSQL knows of parts how many users they fit. `end` is the end of the look-up.
pub fn was_active_since(day: &str, end: &str) -> String {
    let begin = begin_of(day);
    format!(
        "(u.created_at >= {begin} or (u.last_sign_in_at is not null and u.last_sign_in_at >= {begin}) or {})",
        is_noted_since(day, end)
    )
}

/// The opposite, in words that PostgreSQL makes a join of.
pub fn was_not_active_since(day: &str, end: &str) -> String {
    let begin = begin_of(day);
    format!(
        "(u.created_at < {begin} and (u.last_sign_in_at is null or u.last_sign_in_at < {begin}) and not {})",
        is_noted_since(day, end)
    )
}

fn begin_of(day: &str) -> String {
    format!("({day}::timestamp at time zone 'UTC')")
}

fn is_noted_since(day: &str, end: &str) -> String {
    format!("exists (select from last_active_days l where l.user_id = u.id and l.day >= {day} {end})")
}

/// In the order of their ids, so that two who note the same users wait and do not block each other.
const UPSERT_DAY: &str = "
    with noted as (
        insert into activity_days (day, user_id)
        select $2, id
        from unnest($1::uuid[]) as id
        order by id
        on conflict do nothing
    )
    insert into last_active_days as l (user_id, day)
    select id, $2
    from unnest($1::uuid[]) as id
    order by id
    on conflict (user_id) do update
    set day = excluded.day
    where l.day < excluded.day";

pub async fn upsert_day(tx: &mut Tx, ids: Vec<UserId>, day: Date) -> DbResult<()> {
    tx.execute_later(UPSERT_DAY, values![ids, day]).await
}

pub async fn upsert_day_by_itself(counters: &Pipeline, user_id: UserId, day: Date) -> DbResult<()> {
    counters.query(UPSERT_DAY, &[&[user_id].as_slice(), &day]).await?;
    Ok(())
}

pub async fn upsert_last_days(tx: &mut Tx, ids: &[UserId], day: Date) -> DbResult<()> {
    let sql = "
        insert into last_active_days as l (user_id, day)
        select id, $2
        from unnest($1::uuid[]) as id
        on conflict (user_id) do update
        set day = excluded.day
        where l.day < excluded.day";
    tx.execute(sql, &[&ids, &day]).await?;
    Ok(())
}

pub async fn list_last_days(tx: &mut Tx, ids: &[UserId]) -> DbResult<Vec<(UserId, Date)>> {
    let sql = format!(
        "select u.id, {LAST_DAY}
        from users u
        left join last_active_days l on l.user_id = u.id
        where u.id = any($1)"
    );
    Ok(tx.query(&sql, &[&ids]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
}
