//! The SQL of invitations.

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{Counts, Delivery, Draft, Invitation, Inviter, State, Wanted};
use crate::db::parts::{self, Over};
use crate::db::{DbResult, Tx};
use crate::id::{InvitationId, UserId};
use crate::users::escape_pattern;

/// False when there is an open invitation for the address.
pub async fn insert_invitation(tx: &mut Tx, draft: &Draft<'_>) -> DbResult<bool> {
    let now = tx.now();
    let sql = "
        insert into invitations (
            id, address, address_normal, display_name, message, roles, forward_to, delivery, lifetime_days, inviter_kind, invited_by,
            service_account_id, created_at, expires_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        on conflict (address_normal) where accepted_at is null and revoked_at is null and replaced_at is null do nothing";
    let params: [&(dyn ToSql + Sync); 14] = [
        &draft.id,
        &draft.new.email.as_str(),
        &draft.new.email.normal(),
        &draft.new.display_name,
        &draft.new.message,
        &draft.roles,
        &draft.new.forward_to,
        &draft.new.delivery.as_str(),
        &draft.new.expires_in_days,
        &draft.inviter_kind,
        &draft.invited_by,
        &draft.service_account_id,
        &now,
        &draft.expires_at,
    ];
    Ok(tx.execute(sql, &params).await? == 1)
}

/// One that has expired makes room for another.
pub async fn update_expired_to_replaced(tx: &mut Tx, address_normal: &str) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update invitations
        set replaced_at = $2, token_hash = null, version = version + 1
        where address_normal = $1 and accepted_at is null and revoked_at is null and replaced_at is null and expires_at <= $2";
    tx.execute(sql, &[&address_normal, &now]).await?;
    Ok(())
}

pub async fn list_invitations(tx: &mut Tx, wanted: &Wanted, before: Option<InvitationId>) -> DbResult<Vec<Invitation>> {
    let now = tx.now();
    let state = wanted.state.map(State::as_str);
    let pattern = wanted.q.as_ref().map(|q| format!("%{}%", escape_pattern(&q.to_lowercase())));
    let sql = "
        select i.id, i.address, i.display_name, i.message, i.roles, i.forward_to, i.delivery, i.lifetime_days, i.inviter_kind,
            coalesce(i.invited_by, i.service_account_id) as inviter_id, coalesce(u.display_name, u.username, s.name) as inviter_name,
            i.created_at, i.sent_at, i.times_sent, i.opened_at, i.accepted_at, i.accepted_by, i.revoked_at, i.replaced_at,
            i.expires_at, i.version
        from invitations i
        left join users u on u.id = i.invited_by
        left join service_accounts s on s.id = i.service_account_id
        where ($2::uuid is null or i.id < $2)
            and ($3::text is null or i.address_normal like $3)
            and ($6::uuid is null or i.invited_by = $6)
            and ($4::text is null or $4 = case
                when i.accepted_at is not null then 'accepted'
                when i.revoked_at is not null then 'revoked'
                when i.replaced_at is not null or i.expires_at <= $1 then 'expired'
                else 'waiting'
            end)
        order by i.id desc
        limit $5";
    let rows = tx.query(sql, &[&now, &before, &pattern, &state, &wanted.limit.and_one(), &wanted.invited_by]).await?;
    Ok(rows.iter().map(|row| invitation(row, now)).collect())
}

pub async fn find_invitation(tx: &mut Tx, id: InvitationId) -> DbResult<Option<Invitation>> {
    let now = tx.now();
    let sql = "
        select i.id, i.address, i.display_name, i.message, i.roles, i.forward_to, i.delivery, i.lifetime_days, i.inviter_kind,
            coalesce(i.invited_by, i.service_account_id) as inviter_id, coalesce(u.display_name, u.username, s.name) as inviter_name,
            i.created_at, i.sent_at, i.times_sent, i.opened_at, i.accepted_at, i.accepted_by, i.revoked_at, i.replaced_at,
            i.expires_at, i.version
        from invitations i
        left join users u on u.id = i.invited_by
        left join service_accounts s on s.id = i.service_account_id
        where i.id = $1";
    Ok(tx.query_opt(sql, &[&id]).await?.map(|row| invitation(&row, now)))
}

/// The one that a user came by.
pub async fn find_accepted_by(tx: &mut Tx, user_id: UserId) -> DbResult<Option<InvitationId>> {
    let sql = "
        select id
        from invitations
        where accepted_by = $1
        order by id desc
        limit 1";
    Ok(tx.query_opt(sql, &[&user_id]).await?.map(|row| row.get("id")))
}

/// The one whose link this is, if it works.
pub async fn find_by_token(tx: &mut Tx, hash: &[u8]) -> DbResult<Option<InvitationId>> {
    let now = tx.now();
    let sql = "
        select id
        from invitations
        where token_hash = $1 and accepted_at is null and revoked_at is null and replaced_at is null and expires_at > $2";
    Ok(tx.query_opt(sql, &[&hash, &now]).await?.map(|row| row.get("id")))
}

pub async fn lock_invitation(tx: &mut Tx, id: InvitationId) -> DbResult<()> {
    tx.execute("select from invitations where id = $1 for update", &[&id]).await?;
    Ok(())
}

/// A link has been made: any older one is dead.
pub async fn update_to_sent(tx: &mut Tx, id: InvitationId, hash: &[u8]) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update invitations
        set token_hash = $2, sent_at = $3, times_sent = times_sent + 1, version = version + 1
        where id = $1";
    tx.execute(sql, &[&id, &hash, &now]).await?;
    Ok(())
}

/// It shall be sent again: the link that was sent is dead from here on.
pub async fn update_to_waiting(tx: &mut Tx, id: InvitationId, expires_at: Timestamp) -> DbResult<()> {
    let sql = "
        update invitations
        set token_hash = null, expires_at = $2, version = version + 1
        where id = $1";
    tx.execute(sql, &[&id, &expires_at]).await?;
    Ok(())
}

/// The first time only.
pub async fn update_opened_at(tx: &mut Tx, id: InvitationId) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update invitations
        set opened_at = $2
        where id = $1 and opened_at is null";
    tx.execute(sql, &[&id, &now]).await?;
    Ok(())
}

/// The one statement that decides who accepted it.
pub async fn use_token(tx: &mut Tx, hash: &[u8]) -> DbResult<Option<InvitationId>> {
    let now = tx.now();
    let sql = "
        update invitations
        set accepted_at = $2, token_hash = null, version = version + 1
        where token_hash = $1 and accepted_at is null and revoked_at is null and replaced_at is null and expires_at > $2
        returning id";
    Ok(tx.query_opt(sql, &[&hash, &now]).await?.map(|row| row.get("id")))
}

pub async fn update_accepted_by(tx: &mut Tx, id: InvitationId, user_id: UserId) -> DbResult<()> {
    tx.execute("update invitations set accepted_by = $2 where id = $1", &[&id, &user_id]).await?;
    Ok(())
}

pub async fn update_to_revoked(tx: &mut Tx, id: InvitationId) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update invitations
        set revoked_at = $2, token_hash = null, version = version + 1
        where id = $1";
    tx.execute(sql, &[&id, &now]).await?;
    Ok(())
}

/// No link works any more that was sent before.
pub async fn clear_tokens(tx: &mut Tx) -> DbResult<u64> {
    tx.execute("update invitations set token_hash = null, version = version + 1 where token_hash is not null", &[]).await
}

pub async fn count_invitations(tx: &mut Tx) -> DbResult<Counts> {
    let now = tx.now();
    let sql = "
        select count(*) filter (where sent_at is not null) as sent,
            count(*) filter (where opened_at is not null) as opened,
            count(*) filter (where accepted_at is not null) as accepted,
            count(*) filter (
                where accepted_at is null and revoked_at is null and (replaced_at is not null or expires_at <= $1)
            ) as expired,
            count(*) filter (where revoked_at is not null) as revoked
        from invitations";
    let row = tx.query_one(sql, &[&now]).await?;
    Ok(Counts {
        sent: row.get("sent"),
        opened: row.get("opened"),
        accepted: row.get("accepted"),
        expired: row.get("expired"),
        revoked: row.get("revoked"),
    })
}

/// Some of them; true when there may be more.
pub async fn delete_ended(tx: &mut Tx, before: Timestamp) -> DbResult<bool> {
    const ENDED: Over = Over {
        table: "invitations",
        time: "coalesce(accepted_at, revoked_at, expires_at)",
        condition: "coalesce(accepted_at, revoked_at, expires_at) < $1",
    };
    parts::delete_some(tx, &ENDED, before).await
}

fn invitation(row: &Row, now: Timestamp) -> Invitation {
    let time = |name: &str| row.get::<_, Option<Timestamp>>(name);
    let (accepted_at, revoked_at, expires_at) = (time("accepted_at"), time("revoked_at"), row.get("expires_at"));
    let state = match (accepted_at, revoked_at) {
        (Some(_), _) => State::Accepted,
        (None, Some(_)) => State::Revoked,
        _ if time("replaced_at").is_some() || expires_at <= now => State::Expired,
        _ => State::Waiting,
    };
    Invitation {
        id: row.get("id"),
        email: row.get("address"),
        display_name: row.get("display_name"),
        message: row.get("message"),
        roles: row.get("roles"),
        forward_to: row.get("forward_to"),
        // A way of a later release shows nothing of who comes by it.
        delivery: if row.get::<_, &str>("delivery") == Delivery::Mail.as_str() { Delivery::Mail } else { Delivery::Link },
        lifetime_days: row.get("lifetime_days"),
        state,
        replaced: time("replaced_at").is_some(),
        invited_by: Inviter {
            kind: row.get("inviter_kind"),
            id: row.get::<_, Option<Uuid>>("inviter_id"),
            name: row.get("inviter_name"),
        },
        created_at: row.get("created_at"),
        sent_at: time("sent_at"),
        times_sent: row.get("times_sent"),
        opened_at: time("opened_at"),
        accepted_at,
        accepted_by: row.get("accepted_by"),
        revoked_at,
        expires_at,
        version: row.get("version"),
    }
}
