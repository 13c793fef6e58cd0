//! Who was warned that their account is unused.

use jiff::civil::Date;
use uuid::Uuid;

use crate::db::{DbResult, Tx};
use crate::id::UserId;

/// A mail that no server has taken for so long will not be sent any more, so it was no warning: the queue of mails forgets it then.
const SENT_WITHIN_DAYS: i32 = 30;

/// Whether the rule has warned a user `u` since their last day, in the words of SQL; `last_day`, `rule` and `now` are too.
pub fn was_warned(last_day: &str, rule: &str, now: &str) -> String {
    format!(
        "exists (
            select
            from inactivity_warnings w
            where w.user_id = u.id
                and w.rule_id = {rule}
                and w.last_day >= {last_day}
                and (w.sent_at is not null or w.warned_at > {now}::timestamptz - make_interval(days => {SENT_WITHIN_DAYS}))
        )"
    )
}

/// The last day of whom the rule has warned already, as it was then.
pub async fn list_warned(tx: &mut Tx, rule: Uuid, ids: &[UserId]) -> DbResult<Vec<(UserId, Date)>> {
    let now = tx.now();
    let sql = "
        select user_id, last_day
        from inactivity_warnings
        where rule_id = $1 and user_id = any($2) and (sent_at is not null or warned_at > $3::timestamptz - make_interval(days => $4))";
    let rows = tx.query(sql, &[&rule, &ids, &now, &SENT_WITHIN_DAYS]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

pub async fn upsert_warnings(tx: &mut Tx, rule: Uuid, warned: &[(UserId, Date)]) -> DbResult<()> {
    let now = tx.now();
    let (ids, days): (Vec<UserId>, Vec<Date>) = warned.iter().copied().unzip();
    let sql = "
        insert into inactivity_warnings (user_id, rule_id, last_day, warned_at)
        select id, $1, day, $4
        from unnest($2::uuid[], $3::date[]) as warned (id, day)
        on conflict (user_id, rule_id) do update
        set last_day = excluded.last_day, warned_at = excluded.warned_at, sent_at = null";
    tx.execute(sql, &[&rule, &ids, &days, &now]).await?;
    Ok(())
}

/// What somebody else is looking at is left to them. Clocks of processes may differ.
pub async fn update_warnings_to_sent(tx: &mut Tx, template: &str) -> DbResult<()> {
    let sql = "
        with looked_at as (
            select w.user_id, w.rule_id, (
                select min(m.sent_at)
                from mails m
                where m.user_id = w.user_id and m.template = $1 and m.status = 'sent' and m.created_at >= w.warned_at - make_interval(hours => 1)
            ) as sent_at
            from inactivity_warnings w
            where w.sent_at is null
            for update of w skip locked
        )
        update inactivity_warnings w
        set sent_at = l.sent_at
        from looked_at l
        where w.user_id = l.user_id and w.rule_id = l.rule_id and l.sent_at is not null";
    tx.execute(sql, &[&template]).await?;
    Ok(())
}
