//! The SQL of analytics. Each statement reads what it counts once, by an index where there is a range.

use jiff::Timestamp;
use jiff::civil::Date;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{By, Invitations, SecondFactors};
use crate::activity::LAST_DAY;
use crate::db::{DbResult, Tx};

/// By the index on `created_at`.
pub async fn count_sign_ups(tx: &mut Tx, (from, to): (Timestamp, Timestamp), by: By) -> DbResult<Vec<(Date, i64)>> {
    let sql = "
        select date_trunc($3, created_at at time zone 'UTC')::date, count(*)
        from users
        where created_at >= $1 and created_at < $2 and status <> 'deleted'
        group by 1";
    Ok(tx.query(sql, &[&from, &to, &by.as_str()]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Of the partitions in the range. A day has each user once.
pub async fn count_active(tx: &mut Tx, (from, to): (Date, Date), by: By) -> DbResult<Vec<(Date, i64)>> {
    let by_day = "
        select day, count(*)
        from activity_days
        where day between $1 and $2
        group by day";
    let by_more = "
        select start, count(*)
        from (
            select distinct date_trunc($3, day::timestamp)::date as start, user_id
            from activity_days
            where day between $1 and $2
        ) as active
        group by start";
    let rows = match by {
        By::Day => tx.query(by_day, &[&from, &to]).await?,
        By::Week | By::Month => tx.query(by_more, &[&from, &to, &by.as_str()]).await?,
    };
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// By the index on the action and the id, which begins with the time.
pub async fn count_sign_ins(tx: &mut Tx, (from, to): (Timestamp, Timestamp), by: By) -> DbResult<Vec<(Date, bool, i64)>> {
    let sql = "
        select date_trunc($3, occurred_at at time zone 'UTC')::date, outcome = 'success', count(*)
        from audit_events
        where action = 'sign_in' and id >= $1 and id < $2
        group by 1, 2";
    let rows = tx.query(sql, &[&first_id(from), &first_id(to), &by.as_str()]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
}

/// Those that are kept are few.
pub async fn count_invitations(tx: &mut Tx, (from, to): (Timestamp, Timestamp), by: By) -> DbResult<Vec<(Date, Invitations)>> {
    let sql = "
        select date_trunc($3, created_at at time zone 'UTC')::date, count(*) as created, count(opened_at) as opened,
            count(accepted_at) as accepted
        from invitations
        where created_at >= $1 and created_at < $2
        group by 1";
    let read = |row: &Row| {
        let counts = Invitations { created: row.get("created"), opened: row.get("opened"), accepted: row.get("accepted") };
        (row.get(0), counts)
    };
    Ok(tx.query(sql, &[&from, &to, &by.as_str()]).await?.iter().map(read).collect())
}

/// No id of version 7 made at this time is lower.
fn first_id(at: Timestamp) -> Uuid {
    Uuid::from_u128(u128::try_from(at.as_millisecond()).unwrap_or_default() << 80)
}

/// One pass over the users: how many there are, and for how many more than so many whole days have passed.
pub async fn count_inactive(tx: &mut Tx, today: Date, days: &[i32]) -> DbResult<(i64, Vec<i64>)> {
    let sql = format!(
        "with lasts as (
            select {LAST_DAY} as day, count(*) as users
            from users u
            left join last_active_days l on l.user_id = u.id
            where u.status <> 'deleted'
            group by 1
        )
        select
            coalesce((select sum(users) from lasts), 0)::bigint,
            array(
                select coalesce((select sum(users) from lasts where lasts.day < $1::date - wanted.days), 0)::bigint
                from unnest($2::int[]) with ordinality as wanted (days, at)
                order by wanted.at
            )"
    );
    let row = tx.query_one(&sql, &[&today, &days]).await?;
    Ok((row.get(0), row.get(1)))
}

/// Those who have one are fewer than the users, so it begins with them.
pub async fn count_second_factors(tx: &mut Tx) -> DbResult<SecondFactors> {
    let sql = "
        select count(*) filter (where bound.app) as app, count(*) filter (where bound.passkey) as passkey, count(*) as bound
        from (
            select user_id, bool_or(is_app) as app, bool_or(not is_app) as passkey
            from (
                select user_id, true as is_app from totp_factors where confirmed_at is not null
                union all
                select user_id, false from passkeys
            ) as factors
            group by user_id
        ) as bound
        join users u on u.id = bound.user_id
        where u.status <> 'deleted'";
    let row = tx.query_one(sql, &[]).await?;
    Ok(SecondFactors { app: row.get("app"), passkey: row.get("passkey"), any: row.get("bound") })
}

/// Of those who signed up in a month, how many were active so many months later.
pub async fn count_returns(
    tx: &mut Tx,
    (from, to): (Timestamp, Timestamp),
    (first, last): (Date, Date),
) -> DbResult<Vec<(Date, i32, i64)>> {
    let sql = "
        select
            joined.month,
            (
                12 * (extract(year from active.month) - extract(year from joined.month))
                + extract(month from active.month) - extract(month from joined.month)
            )::int as later,
            count(*)
        from (
            select id, date_trunc('month', created_at at time zone 'UTC')::date as month
            from users
            where created_at >= $1 and created_at < $2 and status <> 'deleted'
        ) as joined
        join (
            select distinct date_trunc('month', day::timestamp)::date as month, user_id
            from activity_days
            where day between $3 and $4
        ) as active on active.user_id = joined.id and active.month >= joined.month
        group by joined.month, active.month";
    let rows = tx.query(sql, &[&from, &to, &first, &last]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
}
