//! The SQL of roles.

use jiff::Timestamp;
use tokio_postgres::Row;

use super::{Grant, Role, SecondFactorPolicy};
use crate::caller::PermissionSet;
use crate::db::{DbResult, Tx};
use crate::id::UserId;

/// Writes nothing when nothing has changed, so that every start need not write.
pub async fn upsert_built_in(tx: &mut Tx, name: &str, description: &str, permissions: &[&str]) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        insert into roles (name, description, permissions, built_in, created_at, updated_at)
        values ($1, $2, $3, true, $4, $4)
        on conflict (name) do update
        set description = excluded.description,
            permissions = excluded.permissions,
            built_in = true,
            version = roles.version + 1,
            updated_at = excluded.updated_at
        where (roles.description, roles.permissions, roles.built_in) is distinct from (excluded.description, excluded.permissions, true)";
    tx.execute(sql, &[&name, &description, &permissions, &now]).await?;
    Ok(())
}

pub async fn list_roles(tx: &mut Tx) -> DbResult<Vec<Role>> {
    let sql = "
        select name, description, permissions, built_in, second_factor_since, second_factor_grace_days, version, created_at, updated_at
        from roles
        order by built_in desc, name";
    Ok(tx.query(sql, &[]).await?.iter().map(role).collect())
}

pub async fn find_role(tx: &mut Tx, name: &str) -> DbResult<Option<Role>> {
    Ok(find_roles(tx, &[name]).await?.into_iter().next())
}

pub async fn find_roles(tx: &mut Tx, names: &[&str]) -> DbResult<Vec<Role>> {
    let sql = "
        select name, description, permissions, built_in, second_factor_since, second_factor_grace_days, version, created_at, updated_at
        from roles
        where name = any($1)";
    Ok(tx.query(sql, &[&names]).await?.iter().map(role).collect())
}

pub async fn lock_role(tx: &mut Tx, name: &str) -> DbResult<()> {
    tx.query("select name from roles where name = $1 for update", &[&name]).await?;
    Ok(())
}

pub async fn insert_role(
    tx: &mut Tx,
    name: &str,
    description: &str,
    permissions: &[&str],
    policy: SecondFactorPolicy,
) -> DbResult<()> {
    let now = tx.now();
    let since = policy.required.then_some(now);
    let sql = "
        insert into roles (name, description, permissions, second_factor_since, second_factor_grace_days, created_at, updated_at)
        values ($1, $2, $3, $5, $6, $4, $4)";
    tx.execute(sql, &[&name, &description, &permissions, &now, &since, &policy.grace_days]).await?;
    Ok(())
}

/// A policy that goes on counts from when it began.
pub async fn update_role(
    tx: &mut Tx,
    name: &str,
    description: &str,
    permissions: &[&str],
    policy: SecondFactorPolicy,
) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update roles
        set description = $2,
            permissions = $3,
            second_factor_since = case when $5 then coalesce(second_factor_since, $4) end,
            second_factor_grace_days = $6,
            version = version + 1,
            updated_at = $4
        where name = $1";
    tx.execute(sql, &[&name, &description, &permissions, &now, &policy.required, &policy.grace_days]).await?;
    Ok(())
}

pub async fn delete_role(tx: &mut Tx, name: &str) -> DbResult<()> {
    tx.execute("delete from roles where name = $1", &[&name]).await?;
    Ok(())
}

/// What was granted to the user and has not ended.
pub async fn list_held(tx: &mut Tx, user_id: UserId) -> DbResult<Vec<Role>> {
    let now = tx.now();
    let sql = "
        select r.name, r.description, r.permissions, r.built_in, r.second_factor_since, r.second_factor_grace_days, r.version, r.created_at,
            r.updated_at
        from user_roles ur
        join roles r on r.name = ur.role_name
        where ur.user_id = $1 and (ur.expires_at is null or ur.expires_at > $2)";
    Ok(tx.query(sql, &[&user_id, &now]).await?.iter().map(role).collect())
}

pub async fn list_grants(tx: &mut Tx, user_id: UserId) -> DbResult<Vec<Grant>> {
    let now = tx.now();
    let sql = "
        select role_name, granted_at, granted_by, expires_at
        from user_roles
        where user_id = $1 and (expires_at is null or expires_at > $2)
        order by role_name";
    Ok(tx.query(sql, &[&user_id, &now]).await?.iter().map(grant).collect())
}

/// Those that stay keep the end they have; those that have ended begin anew, without one.
pub async fn replace_held(tx: &mut Tx, user_id: UserId, names: &[&str], granted_by: Option<UserId>) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        delete from user_roles
        where user_id = $1 and (role_name <> all($2) or expires_at <= $3)";
    tx.execute(sql, &[&user_id, &names, &now]).await?;
    let sql = "
        insert into user_roles (user_id, role_name, granted_at, granted_by)
        select $1, name, $3, $4
        from unnest($2::text[]) as name
        on conflict (user_id, role_name) do nothing";
    tx.execute(sql, &[&user_id, &names, &now, &granted_by]).await?;
    Ok(())
}

/// Gives grants that are there these ends; one that has its end already stays as it is.
pub async fn update_ends(
    tx: &mut Tx,
    user_id: UserId,
    names: &[&str],
    ends: &[Option<Timestamp>],
    granted_by: Option<UserId>,
) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update user_roles ur
        set granted_at = $4, granted_by = $5, expires_at = wanted.expires_at
        from unnest($2::text[], $3::timestamptz[]) as wanted (role_name, expires_at)
        where ur.user_id = $1 and ur.role_name = wanted.role_name and ur.expires_at is distinct from wanted.expires_at";
    tx.execute(sql, &[&user_id, &names, &ends, &now, &granted_by]).await?;
    Ok(())
}

/// Gives the role, or gives grants that are there another end.
pub async fn insert_held(
    tx: &mut Tx,
    user_ids: &[UserId],
    name: &str,
    granted_by: Option<UserId>,
    expires_at: Option<Timestamp>,
) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        insert into user_roles (user_id, role_name, granted_at, granted_by, expires_at)
        select id, $2, $3, $4, $5
        from unnest($1::uuid[]) as id
        on conflict (user_id, role_name) do update
        set granted_at = excluded.granted_at, granted_by = excluded.granted_by, expires_at = excluded.expires_at";
    tx.execute(sql, &[&user_ids, &name, &now, &granted_by, &expires_at]).await?;
    Ok(())
}

pub async fn delete_held(tx: &mut Tx, user_ids: &[UserId], name: &str) -> DbResult<()> {
    tx.execute("delete from user_roles where user_id = any($1) and role_name = $2", &[&user_ids, &name]).await?;
    Ok(())
}

/// Removes grants that have ended. Those of a user whom somebody is changing wait for the next time.
pub async fn delete_expired_grants(tx: &mut Tx, limit: i64) -> DbResult<Vec<(UserId, Grant)>> {
    let now = tx.now();
    let sql = "
        delete from user_roles
        where (user_id, role_name) in (
            select ur.user_id, ur.role_name
            from user_roles ur
            join users u on u.id = ur.user_id
            where ur.expires_at <= $1
            order by ur.user_id
            limit $2
            for no key update of u skip locked
        )
        returning user_id, role_name, granted_at, granted_by, expires_at";
    Ok(tx.query(sql, &[&now, &limit]).await?.iter().map(|row| (row.get("user_id"), grant(row))).collect())
}

/// What groups carry stays as it is until the transaction ends. Memberships may change meanwhile.
pub async fn lock_groups_shared(tx: &mut Tx) -> DbResult<()> {
    tx.execute("lock table group_parents in row share mode", &[]).await?;
    Ok(())
}

/// Some of the users who have one of these roles, in no order; who has it by several ways may come several times.
pub async fn list_some_with(tx: &mut Tx, names: &[&str], limit: i64) -> DbResult<Vec<UserId>> {
    let now = tx.now();
    let sql = "
        select found.user_id
        from (
            (
                select ur.user_id
                from user_roles ur
                where ur.role_name = any($1) and (ur.expires_at is null or ur.expires_at > $2)
                limit $3
            )
            union all
            (
                select m.user_id
                from group_roles gr
                join group_closure c on c.ancestor_id = gr.group_id
                join group_members m on m.group_id = c.group_id
                where gr.role_name = any($1) and (m.expires_at is null or m.expires_at > $2)
                limit $3
            )
        ) found
        limit $3";
    Ok(tx.query(sql, &[&names, &now, &limit]).await?.iter().map(|row| row.get("user_id")).collect())
}

pub async fn survey(tx: &mut Tx, permissions: PermissionSet) -> DbResult<(Vec<String>, bool)> {
    let sql = "
        select array(select name from roles where permissions && $1 order by name), exists (select from group_roles)";
    let row = tx.query_one(sql, &[&permissions.names()]).await?;
    Ok((row.get(0), row.get(1)))
}

pub async fn has_role(tx: &mut Tx, user_id: UserId, name: &str) -> DbResult<bool> {
    let now = tx.now();
    let sql = "
        select exists (
            select
            from effective_roles($1, $2) e
            where e.role_name = $3
        )";
    Ok(tx.query_one(sql, &[&user_id, &now, &name]).await?.get(0))
}

/// Whether there is one whose rights do not end by themselves.
pub async fn exists_active_admin(tx: &mut Tx) -> DbResult<bool> {
    let sql = "
        select
            exists (
                select
                from user_roles ur
                join users u on u.id = ur.user_id
                where ur.role_name = 'admin' and ur.expires_at is null and u.status = 'active'
            )
            or exists (
                select
                from group_roles gr
                join group_closure c on c.ancestor_id = gr.group_id
                join group_members m on m.group_id = c.group_id
                join users u on u.id = m.user_id
                where gr.role_name = 'admin' and m.expires_at is null and u.status = 'active'
            )";
    Ok(tx.query_one(sql, &[]).await?.get(0))
}

/// Whether there has ever been one: a server before its set-up has none to keep.
pub async fn exists_admin(tx: &mut Tx) -> DbResult<bool> {
    let sql = "
        select
            exists (
                select
                from user_roles
                where role_name = 'admin'
            )
            or exists (
                select
                from group_roles gr
                join group_closure c on c.ancestor_id = gr.group_id
                join group_members m on m.group_id = c.group_id
                where gr.role_name = 'admin'
            )";
    Ok(tx.query_one(sql, &[]).await?.get(0))
}

fn grant(row: &Row) -> Grant {
    Grant {
        role: row.get("role_name"),
        granted_at: row.get("granted_at"),
        granted_by: row.get("granted_by"),
        expires_at: row.get("expires_at"),
    }
}

fn role(row: &Row) -> Role {
    let permissions: Vec<&str> = row.get("permissions");
    Role {
        name: row.get("name"),
        description: row.get("description"),
        permissions: PermissionSet::from_names(&permissions).iter().collect(),
        built_in: row.get("built_in"),
        second_factor: SecondFactorPolicy {
            required: row.get::<_, Option<Timestamp>>("second_factor_since").is_some(),
            grace_days: row.get("second_factor_grace_days"),
        },
        version: row.get("version"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    }
}
