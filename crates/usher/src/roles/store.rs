//! The SQL of roles.

use tokio_postgres::Row;

use super::Role;
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
        select name, description, permissions, built_in, version, created_at, updated_at
        from roles
        order by built_in desc, name";
    Ok(tx.query(sql, &[]).await?.iter().map(role).collect())
}

pub async fn find_role(tx: &mut Tx, name: &str) -> DbResult<Option<Role>> {
    Ok(find_roles(tx, &[name]).await?.into_iter().next())
}

pub async fn find_roles(tx: &mut Tx, names: &[&str]) -> DbResult<Vec<Role>> {
    let sql = "
        select name, description, permissions, built_in, version, created_at, updated_at
        from roles
        where name = any($1)";
    Ok(tx.query(sql, &[&names]).await?.iter().map(role).collect())
}

pub async fn lock_role(tx: &mut Tx, name: &str) -> DbResult<()> {
    tx.query("select name from roles where name = $1 for update", &[&name]).await?;
    Ok(())
}

pub async fn insert_role(tx: &mut Tx, name: &str, description: &str, permissions: &[&str]) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        insert into roles (name, description, permissions, created_at, updated_at)
        values ($1, $2, $3, $4, $4)";
    tx.execute(sql, &[&name, &description, &permissions, &now]).await?;
    Ok(())
}

pub async fn update_role(tx: &mut Tx, name: &str, description: &str, permissions: &[&str]) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update roles
        set description = $2, permissions = $3, version = version + 1, updated_at = $4
        where name = $1";
    tx.execute(sql, &[&name, &description, &permissions, &now]).await?;
    Ok(())
}

pub async fn delete_role(tx: &mut Tx, name: &str) -> DbResult<()> {
    tx.execute("delete from roles where name = $1", &[&name]).await?;
    Ok(())
}

pub async fn list_held(tx: &mut Tx, user_id: UserId) -> DbResult<Vec<Role>> {
    let sql = "
        select r.name, r.description, r.permissions, r.built_in, r.version, r.created_at, r.updated_at
        from user_roles ur
        join roles r on r.name = ur.role_name
        where ur.user_id = $1";
    Ok(tx.query(sql, &[&user_id]).await?.iter().map(role).collect())
}

pub async fn replace_held(tx: &mut Tx, user_id: UserId, names: &[&str], granted_by: Option<UserId>) -> DbResult<()> {
    let now = tx.now();
    tx.execute("delete from user_roles where user_id = $1 and role_name <> all($2)", &[&user_id, &names]).await?;
    let sql = "
        insert into user_roles (user_id, role_name, granted_at, granted_by)
        select $1, name, $3, $4
        from unnest($2::text[]) as name
        on conflict (user_id, role_name) do nothing";
    tx.execute(sql, &[&user_id, &names, &now, &granted_by]).await?;
    Ok(())
}

pub async fn insert_held(tx: &mut Tx, user_ids: &[UserId], name: &str, granted_by: Option<UserId>) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        insert into user_roles (user_id, role_name, granted_at, granted_by)
        select id, $2, $3, $4
        from unnest($1::uuid[]) as id
        on conflict (user_id, role_name) do nothing";
    tx.execute(sql, &[&user_ids, &name, &now, &granted_by]).await?;
    Ok(())
}

pub async fn delete_held(tx: &mut Tx, user_ids: &[UserId], name: &str) -> DbResult<()> {
    tx.execute("delete from user_roles where user_id = any($1) and role_name = $2", &[&user_ids, &name]).await?;
    Ok(())
}

pub async fn exists_active_admin(tx: &mut Tx) -> DbResult<bool> {
    let sql = "
        select exists (
            select
            from user_roles ur
            join users u on u.id = ur.user_id
            where ur.role_name = 'admin' and u.status = 'active'
        )";
    Ok(tx.query_one(sql, &[]).await?.get(0))
}

/// Whether there has ever been one: a server before its set-up has none to keep.
pub async fn exists_admin(tx: &mut Tx) -> DbResult<bool> {
    let sql = "
        select exists (
            select
            from user_roles
            where role_name = 'admin'
        )";
    Ok(tx.query_one(sql, &[]).await?.get(0))
}

fn role(row: &Row) -> Role {
    let permissions: Vec<&str> = row.get("permissions");
    Role {
        name: row.get("name"),
        description: row.get("description"),
        permissions: PermissionSet::from_names(&permissions).iter().collect(),
        built_in: row.get("built_in"),
        version: row.get("version"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    }
}
