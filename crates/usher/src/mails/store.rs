//! The SQL of the mail queue.

use tokio_postgres::Row;
use uuid::Uuid;

use super::{Mail, Queue};
use crate::caller::PermissionSet;
use crate::db::parts::{self, Over};
use crate::db::{DbResult, Tx, values};
use crate::id::{MailId, UserId};
use crate::one_time_tokens::Subject;

/// Whom a mail to a user is for.
pub struct Recipient {
    pub name: String,
    /// As their profile says, if it does.
    pub locale: Option<String>,
    pub time_zone: Option<String>,
    pub address: String,
    /// What a link to them is for.
    pub subject: Subject,
}

/// A suspension that is under way is waited for. Nobody, when the user is deleted; nor for a link when they are suspended.
pub async fn find_recipient(tx: &mut Tx, user_id: UserId, for_link: bool) -> DbResult<Option<Recipient>> {
    let sql = "
        select coalesce(u.display_name, u.given_name, '') as name, u.locale, u.time_zone, e.address, u.id as user_id, e.id as email_id
        from users u
        join emails e on e.user_id = u.id and e.is_primary
        where u.id = $1 and u.status <> 'deleted' and not ($2 and u.status = 'suspended')
        for share of u";
    Ok(tx.query_opt(sql, &[&user_id, &for_link]).await?.as_ref().map(recipient))
}

/// At an address that was theirs.
pub async fn find_former(tx: &mut Tx, user_id: UserId, address: String) -> DbResult<Option<Recipient>> {
    let sql = "
        select coalesce(display_name, given_name, '') as name, locale, time_zone
        from users
        where id = $1 and status <> 'deleted'";
    let subject = Subject { user_id: Some(user_id), ..Subject::default() };
    Ok(tx.query_opt(sql, &[&user_id]).await?.map(|row| Recipient {
        name: row.get("name"),
        locale: row.get("locale"),
        time_zone: row.get("time_zone"),
        address,
        subject,
    }))
}

/// At the address they want to add.
pub async fn find_pending(tx: &mut Tx, user_id: UserId) -> DbResult<Option<Recipient>> {
    let now = tx.now();
    let sql = "
        select p.id, p.address, u.locale, u.time_zone
        from users u
        join pending_emails p on p.user_id = u.id
        where u.id = $1 and u.status = 'active' and p.expires_at > $2
        for share of u";
    Ok(tx.query_opt(sql, &[&user_id, &now]).await?.map(|row| Recipient {
        name: String::new(),
        locale: row.get("locale"),
        time_zone: row.get("time_zone"),
        address: row.get("address"),
        subject: Subject { user_id: Some(user_id), email_id: None, pending_email_id: Some(row.get("id")) },
    }))
}

/// Whoever has the address that this user wants to add, at that address. A deleted one is not written to.
pub async fn find_holder_of_pending(tx: &mut Tx, user_id: UserId) -> DbResult<Option<Recipient>> {
    let sql = "
        select coalesce(u.display_name, u.given_name, '') as name, u.locale, u.time_zone, e.address, u.id as user_id, e.id as email_id
        from pending_emails p
        join emails e on e.address_normal = p.address_normal and e.verified_at is not null
        join users u on u.id = e.user_id
        where p.user_id = $1 and u.status <> 'deleted'";
    Ok(tx.query_opt(sql, &[&user_id]).await?.as_ref().map(recipient))
}

/// Who has put themselves into the recycle bin, and is still there.
pub async fn find_self_deleted(tx: &mut Tx, user_id: UserId) -> DbResult<Option<Recipient>> {
    let sql = "
        select coalesce(u.display_name, u.given_name, '') as name, u.locale, u.time_zone, e.address, u.id as user_id, e.id as email_id
        from users u
        join emails e on e.user_id = u.id and e.is_primary
        where u.id = $1 and u.status = 'deleted' and u.deleted_by = u.id
        for share of u";
    Ok(tx.query_opt(sql, &[&user_id]).await?.as_ref().map(recipient))
}

fn recipient(row: &Row) -> Recipient {
    Recipient {
        name: row.get("name"),
        locale: row.get("locale"),
        time_zone: row.get("time_zone"),
        address: row.get("address"),
        subject: Subject { user_id: row.get("user_id"), email_id: row.get("email_id"), pending_email_id: None },
    }
}

pub async fn insert_mail(tx: &mut Tx, mail: Mail, body_sealed: Vec<u8>) -> DbResult<()> {
    let sql = "
        insert into mails (id, user_id, template, recipient, subject, body_sealed, status, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values =
        values![mail.id, mail.user_id, mail.template, mail.recipient, mail.subject, body_sealed, mail.status, mail.created_at];
    tx.execute_later(sql, values).await
}

pub async fn list_mails(tx: &mut Tx, limit: i64) -> DbResult<Vec<Mail>> {
    let sql = "
        select id, user_id, template, recipient, subject, status, attempts, last_error, created_at, sent_at
        from mails
        order by id desc
        limit $1";
    Ok(tx.query(sql, &[&limit]).await?.iter().map(mail).collect())
}

/// One page of mails, the newest first, each with what the user may do whom it is for.
pub async fn list_addressed(
    tx: &mut Tx,
    status: Option<&str>,
    before: Option<MailId>,
    limit: i64,
) -> DbResult<Vec<(Mail, PermissionSet)>> {
    let now = tx.now();
    let all = "
        select m.id, m.user_id, m.template, m.recipient, m.subject, m.status, m.attempts, m.last_error, m.created_at, m.sent_at,
            array(select unnest(r.permissions) from effective_roles(m.user_id, $3) e join roles r on r.name = e.role_name) as permissions
        from mails m
        where ($1::uuid is null or m.id < $1)
        order by m.id desc
        limit $2";
    let of_status = "
        select m.id, m.user_id, m.template, m.recipient, m.subject, m.status, m.attempts, m.last_error, m.created_at, m.sent_at,
            array(select unnest(r.permissions) from effective_roles(m.user_id, $3) e join roles r on r.name = e.role_name) as permissions
        from mails m
        where ($1::uuid is null or m.id < $1) and m.status = $4
        order by m.id desc
        limit $2";
    let rows = match status {
        None => tx.query(all, &[&before, &limit, &now]).await?,
        Some(status) => tx.query(of_status, &[&before, &limit, &now, &status]).await?,
    };
    Ok(rows.iter().map(addressed).collect())
}

pub async fn list_to(tx: &mut Tx, user_id: UserId, before: Option<MailId>, limit: i64) -> DbResult<Vec<Mail>> {
    let sql = "
        select id, user_id, template, recipient, subject, status, attempts, last_error, created_at, sent_at
        from mails
        where user_id = $1 and ($2::uuid is null or id < $2)
        order by id desc
        limit $3";
    Ok(tx.query(sql, &[&user_id, &before, &limit]).await?.iter().map(mail).collect())
}

pub async fn find_addressed(tx: &mut Tx, id: MailId) -> DbResult<Option<(Mail, PermissionSet)>> {
    let now = tx.now();
    let sql = "
        select m.id, m.user_id, m.template, m.recipient, m.subject, m.status, m.attempts, m.last_error, m.created_at, m.sent_at,
            array(select unnest(r.permissions) from effective_roles(m.user_id, $2) e join roles r on r.name = e.role_name) as permissions
        from mails m
        where m.id = $1";
    Ok(tx.query_opt(sql, &[&id, &now]).await?.as_ref().map(addressed))
}

fn addressed(row: &Row) -> (Mail, PermissionSet) {
    (mail(row), PermissionSet::from_names(&row.get::<_, Vec<&str>>("permissions")))
}

/// Those that were made since `since` and have been sent.
pub async fn count_sent(tx: &mut Tx, since: Uuid) -> DbResult<i64> {
    let sql = "
        select count(*)
        from mails
        where id >= $1 and status = 'sent'";
    Ok(tx.query_one(sql, &[&since]).await?.get(0))
}

pub async fn find_mail(tx: &mut Tx, id: MailId) -> DbResult<Option<(Mail, Option<Vec<u8>>)>> {
    let sql = "
        select id, user_id, template, recipient, subject, status, attempts, last_error, created_at, sent_at, body_sealed
        from mails
        where id = $1";
    Ok(tx.query_opt(sql, &[&id]).await?.map(|row| (mail(&row), row.get("body_sealed"))))
}

/// Each with the status that it had.
pub async fn update_mails_to_queued(tx: &mut Tx, id: Option<MailId>) -> DbResult<Vec<(MailId, String)>> {
    let sql = "
        update mails m
        set status = 'queued', attempts = 0, last_error = null
        from (
            select id, status
            from mails
            where status in ('held', 'failed') and ($1::uuid is null or id = $1)
            for update
        ) as before
        where m.id = before.id
        returning m.id, before.status";
    Ok(tx.query(sql, &[&id]).await?.iter().map(|row| (row.get("id"), row.get("status"))).collect())
}

/// Links work once and mails are read once: the body is forgotten with the delivery.
pub async fn update_mail_to_sent(tx: &mut Tx, id: MailId) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update mails
        set status = 'sent', sent_at = $2, body_sealed = null, attempts = attempts + 1, last_error = null
        where id = $1 and status <> 'sent'";
    tx.execute(sql, &[&id, &now]).await?;
    Ok(())
}

pub async fn update_mail_attempt(tx: &mut Tx, id: MailId, error: &str, gave_up: bool) -> DbResult<()> {
    let sql = "
        update mails
        set attempts = attempts + 1, last_error = $2, status = case when $3 then 'failed' else status end
        where id = $1";
    tx.execute(sql, &[&id, &error, &gave_up]).await?;
    Ok(())
}

pub async fn count_mails(tx: &mut Tx) -> DbResult<Queue> {
    let sql = "
        select count(*) filter (where status = 'queued') as waiting, count(*) filter (where status = 'held') as held,
            count(*) filter (where status = 'failed') as given_up
        from mails
        where status <> 'sent'";
    let row = tx.query_one(sql, &[]).await?;
    Ok(Queue { waiting: row.get("waiting"), held: row.get("held"), given_up: row.get("given_up") })
}

/// Bodies after this mail's that are not sealed under the key with this mark.
pub async fn list_stale(tx: &mut Tx, mark: &[u8], after: MailId, limit: i64) -> DbResult<Vec<(MailId, Vec<u8>)>> {
    let sql = "
        select id, body_sealed
        from mails
        where id > $2 and substring(body_sealed for 5) <> $1
        order by id
        limit $3";
    let rows = tx.query(sql, &[&mark, &after, &limit]).await?;
    Ok(rows.iter().map(|row| (row.get("id"), row.get("body_sealed"))).collect())
}

/// One, unless the body has changed meanwhile or was forgotten.
pub async fn update_sealed(tx: &mut Tx, id: MailId, before: &[u8], after: &[u8]) -> DbResult<u64> {
    let sql = "
        update mails
        set body_sealed = $3
        where id = $1 and body_sealed = $2";
    tx.execute(sql, &[&id, &before, &after]).await
}

pub async fn count_by_mark(tx: &mut Tx) -> DbResult<Vec<(Vec<u8>, i64)>> {
    let sql = "
        select substring(body_sealed for 5) as mark, count(*)
        from mails
        where body_sealed is not null
        group by mark";
    Ok(tx.query(sql, &[]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Some of them; true when there may be more.
pub async fn delete_old_mails(tx: &mut Tx, before: jiff::Timestamp) -> DbResult<bool> {
    const OLD: Over = Over { table: "mails", time: "created_at", condition: "created_at < $1" };
    parts::delete_some(tx, &OLD, before).await
}

fn mail(row: &Row) -> Mail {
    Mail {
        id: row.get("id"),
        user_id: row.get("user_id"),
        template: row.get("template"),
        recipient: row.get("recipient"),
        subject: row.get("subject"),
        status: row.get("status"),
        attempts: row.get("attempts"),
        last_error: row.get("last_error"),
        created_at: row.get("created_at"),
        sent_at: row.get("sent_at"),
    }
}
