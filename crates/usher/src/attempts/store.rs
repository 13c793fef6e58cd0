//! The SQL of attempts.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Authenticator, Failed, Target};
use crate::db::parts::{self, Over};
use crate::db::{DbResult, Tx, values};
use crate::id::DeviceId;

/// Why an attempt was not granted.
pub struct State {
    pub disabled: bool,
    pub locked_until: Option<Timestamp>,
    /// Some are being verified right now.
    pub in_flight: bool,
}

fn device(target: &Target) -> Uuid {
    target.device.map_or(Uuid::nil(), DeviceId::uuid)
}

/// The one statement that pays for an attempt. Attempts whose process died are not waited for longer than a minute.
pub async fn charge(tx: &mut Tx, target: &Target, failures_max: i32, in_a_row_max: i32) -> DbResult<bool> {
    let now = tx.now();
    let sql = "
        insert into attempts as a (authenticator, subject, device_id, charged, last_attempt_at)
        select $1, $2, $3, 1, $4
        where $3 = '00000000-0000-0000-0000-000000000000'::uuid
            or not exists (
                select from attempts o
                where o.authenticator = $1 and o.subject = $2
                    and o.device_id = '00000000-0000-0000-0000-000000000000'::uuid and o.failed_in_a_row >= $6
            )
        on conflict (authenticator, subject, device_id) do update
        set charged = case
                when a.locked_until <= $4 then 1
                when a.last_attempt_at < $4 - interval '1 minute' then a.failed + 1
                else a.charged + 1
            end,
            failed = case when a.locked_until <= $4 then 0 else a.failed end,
            locked_until = null,
            last_attempt_at = $4
        where a.disabled_at is null
            and (a.locked_until is null or a.locked_until <= $4)
            and (
                a.charged < $5
                or a.locked_until <= $4
                or (a.last_attempt_at < $4 - interval '1 minute' and a.failed < $5)
            )
        returning true";
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
        [&target.authenticator.as_str(), &target.subject, &device(target), &now, &failures_max, &in_a_row_max];
    Ok(tx.query_opt(sql, &params).await?.is_some())
}

pub async fn find_state(tx: &mut Tx, target: &Target) -> DbResult<Option<State>> {
    let sql = "
        select disabled_at is not null as disabled, locked_until, charged > failed as in_flight
        from attempts
        where authenticator = $1 and subject = $2 and device_id = $3";
    let row = tx.query_opt(sql, &[&target.authenticator.as_str(), &target.subject, &device(target)]).await?;
    Ok(row.map(|row| State {
        disabled: row.get("disabled"),
        locked_until: row.get("locked_until"),
        in_flight: row.get("in_flight"),
    }))
}

pub async fn settle_success(tx: &mut Tx, target: &Target) -> DbResult<()> {
    let sql = "
        update attempts
        set charged = greatest(charged - failed - (device_id = $3)::integer, 0),
            failed = 0,
            failed_in_a_row = 0,
            lockouts = 0,
            locked_until = null
        where authenticator = $1 and subject = $2
            and (device_id = $3 or device_id = '00000000-0000-0000-0000-000000000000'::uuid)";
    tx.execute_later(sql, values![target.authenticator.as_str(), target.subject.clone(), device(target)]).await
}

pub async fn refund(tx: &mut Tx, target: &Target) -> DbResult<()> {
    let sql = "
        update attempts
        set charged = greatest(charged - 1, failed)
        where authenticator = $1 and subject = $2 and device_id = $3";
    tx.execute(sql, &[&target.authenticator.as_str(), &target.subject, &device(target)]).await?;
    Ok(())
}

/// Counts a failure; at the limit it locks, twice as long each time in a row; at the limit of the row it disables.
pub async fn settle_failure(tx: &mut Tx, target: &Target, failures_max: i32, in_a_row_max: i32) -> DbResult<Failed> {
    let now = tx.now();
    let sql = "
        update attempts
        set failed = failed + 1,
            charged = greatest(charged, failed + 1),
            failed_in_a_row = failed_in_a_row + 1,
            lockouts = lockouts + case when failed + 1 >= $5 then 1 else 0 end,
            locked_until = case
                when failed + 1 >= $5
                    then $4::timestamptz + least(interval '15 minutes' * power(2, least(lockouts, 10)), interval '24 hours')
                else locked_until
            end,
            disabled_at = case when failed_in_a_row + 1 >= $6 then coalesce(disabled_at, $4) else disabled_at end
        where authenticator = $1 and subject = $2 and device_id = $3
        returning locked_until, disabled_at is not null as disabled";
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
        [&target.authenticator.as_str(), &target.subject, &device(target), &now, &failures_max, &in_a_row_max];
    let Some(row) = tx.query_opt(sql, &params).await? else { return Ok(Failed::Counted) };
    Ok(match (row.get("disabled"), row.get::<_, Option<Timestamp>>("locked_until")) {
        (true, _) => Failed::Disabled,
        (false, Some(until)) => Failed::Locked { until },
        (false, None) => Failed::Counted,
    })
}

/// Counts a failure of a known device; at the limit it is no longer told from others.
pub async fn settle_failure_of_device(tx: &mut Tx, target: &Target, failures_max: i32) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update attempts
        set failed = failed + 1,
            charged = greatest(charged, failed + 1),
            disabled_at = case when failed + 1 >= $5 then coalesce(disabled_at, $4) else disabled_at end
        where authenticator = $1 and subject = $2 and device_id = $3";
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
        [&target.authenticator.as_str(), &target.subject, &device(target), &now, &failures_max];
    tx.execute(sql, &params).await?;
    Ok(())
}

/// The account's row of failures goes on, whatever device they come from.
pub async fn update_failures_of_all(tx: &mut Tx, target: &Target) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        insert into attempts as a (authenticator, subject, device_id, charged, failed_in_a_row, last_attempt_at)
        values ($1, $2, '00000000-0000-0000-0000-000000000000'::uuid, 0, 1, $3)
        on conflict (authenticator, subject, device_id) do update
        set failed_in_a_row = a.failed_in_a_row + 1";
    tx.execute(sql, &[&target.authenticator.as_str(), &target.subject, &now]).await?;
    Ok(())
}

pub async fn update_to_disabled(tx: &mut Tx, authenticator: Authenticator, subject: &str) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        insert into attempts as a (authenticator, subject, device_id, charged, disabled_at, last_attempt_at)
        values ($1, $2, '00000000-0000-0000-0000-000000000000'::uuid, 0, $3, $3)
        on conflict (authenticator, subject, device_id) do update
        set disabled_at = coalesce(a.disabled_at, $3)";
    tx.execute(sql, &[&authenticator.as_str(), &subject, &now]).await?;
    Ok(())
}

pub async fn delete_of_subject(tx: &mut Tx, authenticator: Authenticator, subject: &str) -> DbResult<()> {
    tx.execute("delete from attempts where authenticator = $1 and subject = $2", &[&authenticator.as_str(), &subject]).await?;
    Ok(())
}

/// Some of them; true when there may be more.
pub async fn delete_old(tx: &mut Tx, before: Timestamp) -> DbResult<bool> {
    const OLD: Over =
        Over { table: "attempts", time: "last_attempt_at", condition: "last_attempt_at < $1 and disabled_at is null" };
    parts::delete_some(tx, &OLD, before).await
}
