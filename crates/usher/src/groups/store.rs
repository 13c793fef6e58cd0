//! The SQL of groups.

use jiff::Timestamp;
use tokio_postgres::Row;

use super::{Group, GroupRef, Member, Membership, UserRef};
use crate::caller::{PermissionSet, UserStatus};
use crate::db::{DbResult, Tx};
use crate::id::{GroupId, UserId};

/// Nobody else changes a group until the transaction ends, nor who is in one. Reading goes on.
pub async fn lock_groups(tx: &mut Tx) -> DbResult<()> {
    tx.execute("lock table group_parents in exclusive mode", &[]).await?;
    Ok(())
}

pub async fn insert_group(tx: &mut Tx, id: GroupId, name: &str, description: &str) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        with added as (
            insert into groups (id, name, description, created_at, updated_at)
            values ($1, $2, $3, $4, $4)
            returning id
        )
        insert into group_closure (group_id, ancestor_id, since)
        select id, id, $4
        from added";
    tx.execute(sql, &[&id, &name, &description, &now]).await?;
    Ok(())
}

pub async fn count_groups(tx: &mut Tx) -> DbResult<i64> {
    Ok(tx.query_one("select count(*) from groups", &[]).await?.get(0))
}

/// By their names, those after `after` in its normal form.
pub async fn list_groups(tx: &mut Tx, after: Option<&str>, limit: i64) -> DbResult<Vec<(Group, String)>> {
    let sql = "
        select g.id, g.name, g.name_normal, g.description, g.version, g.created_at, g.updated_at,
            array(select gr.role_name from group_roles gr where gr.group_id = g.id order by 1) as roles,
            array(select gp.parent_id from group_parents gp where gp.group_id = g.id order by 1) as parents
        from groups g
        where g.name_normal > $1
        order by g.name_normal
        limit $2";
    let rows = tx.query(sql, &[&after.unwrap_or_default(), &limit]).await?;
    Ok(rows.iter().map(|row| (group(row), row.get("name_normal"))).collect())
}

pub async fn find_group(tx: &mut Tx, id: GroupId) -> DbResult<Option<Group>> {
    let sql = "
        select g.id, g.name, g.description, g.version, g.created_at, g.updated_at,
            array(select gr.role_name from group_roles gr where gr.group_id = g.id order by 1) as roles,
            array(select gp.parent_id from group_parents gp where gp.group_id = g.id order by 1) as parents
        from groups g
        where g.id = $1";
    Ok(tx.query_opt(sql, &[&id]).await?.as_ref().map(group))
}

pub async fn find_by_name(tx: &mut Tx, name: &str) -> DbResult<Option<GroupId>> {
    Ok(tx.query_opt("select id from groups where name_normal = lower($1)", &[&name]).await?.map(|row| row.get("id")))
}

/// The groups and all that is above them.
pub async fn list_refs(tx: &mut Tx, ids: &[GroupId]) -> DbResult<Vec<GroupRef>> {
    let sql = "
        select g.id, g.name
        from groups g
        where g.id in (select c.ancestor_id from group_closure c where c.group_id = any($1))";
    Ok(tx.query(sql, &[&ids]).await?.iter().map(|row| GroupRef { id: row.get("id"), name: row.get("name") }).collect())
}

/// By their names.
pub async fn list_all_refs(tx: &mut Tx) -> DbResult<Vec<GroupRef>> {
    let rows = tx.query("select id, name from groups order by name_normal", &[]).await?;
    Ok(rows.iter().map(|row| GroupRef { id: row.get("id"), name: row.get("name") }).collect())
}

/// Who is whose parent, among these groups and all that is above them.
pub async fn list_edges_above(tx: &mut Tx, ids: &[GroupId]) -> DbResult<Vec<(GroupId, GroupId)>> {
    let sql = "
        select gp.group_id, gp.parent_id
        from group_parents gp
        where gp.group_id in (select c.ancestor_id from group_closure c where c.group_id = any($1))";
    Ok(tx.query(sql, &[&ids]).await?.iter().map(|row| (row.get("group_id"), row.get("parent_id"))).collect())
}

pub async fn list_edges(tx: &mut Tx) -> DbResult<Vec<(GroupId, GroupId)>> {
    let rows = tx.query("select group_id, parent_id from group_parents", &[]).await?;
    Ok(rows.iter().map(|row| (row.get("group_id"), row.get("parent_id"))).collect())
}

pub async fn update_group(tx: &mut Tx, id: GroupId, name: &str, description: &str) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update groups
        set name = $2, description = $3, version = version + 1, updated_at = $4
        where id = $1";
    tx.execute(sql, &[&id, &name, &description, &now]).await?;
    Ok(())
}

pub async fn delete_group(tx: &mut Tx, id: GroupId) -> DbResult<()> {
    tx.execute("delete from groups where id = $1", &[&id]).await?;
    Ok(())
}

/// How many members a group has, and how many groups it is a parent of.
pub async fn count_in(tx: &mut Tx, id: GroupId) -> DbResult<(i64, i64)> {
    let sql = "
        select
            (select count(*) from group_members where group_id = $1) as members,
            (select count(*) from group_parents where parent_id = $1) as children";
    let row = tx.query_one(sql, &[&id]).await?;
    Ok((row.get("members"), row.get("children")))
}

pub async fn replace_roles(tx: &mut Tx, id: GroupId, names: &[&str]) -> DbResult<()> {
    let now = tx.now();
    tx.execute("delete from group_roles where group_id = $1 and role_name <> all($2)", &[&id, &names]).await?;
    let sql = "
        insert into group_roles (group_id, role_name, since)
        select $1, name, $3
        from unnest($2::text[]) as name
        on conflict (group_id, role_name) do nothing";
    tx.execute(sql, &[&id, &names, &now]).await?;
    Ok(())
}

pub async fn replace_parents(tx: &mut Tx, id: GroupId, parents: &[GroupId]) -> DbResult<()> {
    tx.execute("delete from group_parents where group_id = $1 and parent_id <> all($2)", &[&id, &parents]).await?;
    let sql = "
        insert into group_parents (group_id, parent_id)
        select $1, parent
        from unnest($2::uuid[]) as parent
        on conflict (group_id, parent_id) do nothing";
    tx.execute(sql, &[&id, &parents]).await?;
    Ok(())
}

/// What is above one group: these and no others, itself among them.
pub async fn replace_ancestors(tx: &mut Tx, id: GroupId, ancestors: &[GroupId]) -> DbResult<()> {
    let now = tx.now();
    tx.execute("delete from group_closure where group_id = $1 and ancestor_id <> all($2)", &[&id, &ancestors]).await?;
    let sql = "
        insert into group_closure (group_id, ancestor_id, since)
        select $1, ancestor, $3
        from unnest($2::uuid[]) as ancestor
        on conflict (group_id, ancestor_id) do nothing";
    tx.execute(sql, &[&id, &ancestors, &now]).await?;
    Ok(())
}

pub async fn touch_group(tx: &mut Tx, id: GroupId) -> DbResult<()> {
    let now = tx.now();
    tx.execute("update groups set version = version + 1, updated_at = $2 where id = $1", &[&id, &now]).await?;
    Ok(())
}

/// What members of the group may do by it, and the names of the roles that say so.
pub async fn find_grants(tx: &mut Tx, id: GroupId) -> DbResult<(PermissionSet, Vec<String>)> {
    let sql = "
        select distinct r.name, r.permissions
        from group_closure c
        join group_roles gr on gr.group_id = c.ancestor_id
        join roles r on r.name = gr.role_name
        where c.group_id = $1";
    let rows = tx.query(sql, &[&id]).await?;
    let permissions: Vec<&str> = rows.iter().flat_map(|row| row.get::<_, Vec<&str>>("permissions")).collect();
    Ok((PermissionSet::from_names(&permissions), rows.iter().map(|row| row.get("name")).collect()))
}

/// The members after `after` who hold nothing of what is `lacked`.
pub async fn list_members(
    tx: &mut Tx,
    id: GroupId,
    lacked: PermissionSet,
    after: Option<UserId>,
    limit: i64,
) -> DbResult<Vec<Member>> {
    let now = tx.now();
    let after = after.map(UserId::uuid).unwrap_or_default();
    let sql = "
        select m.user_id, m.granted_at, m.granted_by, m.expires_at, u.username, u.display_name, u.status
        from group_members m
        join users u on u.id = m.user_id
        where m.group_id = $1
            and m.user_id > $2
            and (m.expires_at is null or m.expires_at > $3)
            and not exists (
                select
                from effective_roles(m.user_id, $3) e
                join roles r on r.name = e.role_name
                where r.permissions && $4
            )
        order by m.user_id
        limit $5";
    Ok(tx.query(sql, &[&id, &after, &now, &lacked.names(), &limit]).await?.iter().map(member).collect())
}

pub async fn list_memberships(tx: &mut Tx, user_id: UserId) -> DbResult<Vec<Membership>> {
    let now = tx.now();
    let sql = "
        select m.group_id, g.name, m.granted_at, m.granted_by, m.expires_at
        from group_members m
        join groups g on g.id = m.group_id
        where m.user_id = $1 and (m.expires_at is null or m.expires_at > $2)
        order by g.name_normal";
    Ok(tx.query(sql, &[&user_id, &now]).await?.iter().map(membership).collect())
}

/// Puts a user into a group, or gives the membership that is there another end.
pub async fn upsert_member(
    tx: &mut Tx,
    id: GroupId,
    user_id: UserId,
    granted_by: Option<UserId>,
    expires_at: Option<Timestamp>,
) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        insert into group_members (user_id, group_id, granted_at, granted_by, expires_at)
        values ($1, $2, $3, $4, $5)
        on conflict (user_id, group_id) do update
        set granted_at = excluded.granted_at, granted_by = excluded.granted_by, expires_at = excluded.expires_at";
    tx.execute(sql, &[&user_id, &id, &now, &granted_by, &expires_at]).await?;
    Ok(())
}

pub async fn delete_member(tx: &mut Tx, id: GroupId, user_id: UserId) -> DbResult<()> {
    tx.execute("delete from group_members where user_id = $1 and group_id = $2", &[&user_id, &id]).await?;
    Ok(())
}

/// Removes memberships that have ended. Those of a user whom somebody is changing wait for the next time.
pub async fn delete_expired(tx: &mut Tx, limit: i64) -> DbResult<Vec<(UserId, Membership)>> {
    let now = tx.now();
    let sql = "
        with gone as (
            delete from group_members
            where (user_id, group_id) in (
                select m.user_id, m.group_id
                from group_members m
                join users u on u.id = m.user_id
                where m.expires_at <= $1
                order by m.expires_at
                limit $2
                for no key update of u skip locked
            )
            returning user_id, group_id, granted_at, granted_by, expires_at
        )
        select gone.user_id, gone.group_id, g.name, gone.granted_at, gone.granted_by, gone.expires_at
        from gone
        join groups g on g.id = gone.group_id";
    Ok(tx.query(sql, &[&now, &limit]).await?.iter().map(|row| (row.get("user_id"), membership(row))).collect())
}

fn group(row: &Row) -> Group {
    Group {
        id: row.get("id"),
        name: row.get("name"),
        description: row.get("description"),
        roles: row.get("roles"),
        parents: row.get("parents"),
        version: row.get("version"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    }
}

fn member(row: &Row) -> Member {
    Member {
        user: UserRef::of_row(row),
        granted_at: row.get("granted_at"),
        granted_by: row.get("granted_by"),
        expires_at: row.get("expires_at"),
    }
}

impl UserRef {
    /// Of a row with `user_id` and these columns of `users`.
    pub fn of_row(row: &Row) -> Self {
        Self {
            id: row.get("user_id"),
            username: row.get("username"),
            display_name: row.get("display_name"),
            // A status of a later release is none that may act.
            status: UserStatus::parse(row.get("status")).unwrap_or(UserStatus::Suspended),
        }
    }
}

fn membership(row: &Row) -> Membership {
    Membership {
        group: GroupRef { id: row.get("group_id"), name: row.get("name") },
        granted_at: row.get("granted_at"),
        granted_by: row.get("granted_by"),
        expires_at: row.get("expires_at"),
    }
}
