//! The SQL of users who arrive at once.

use tokio_postgres::types::ToSql;

use super::Arrival;
use crate::db::{DbResult, Tx};
use crate::id::UserId;
use crate::users::columns::ProfileColumns;
use crate::users::{User, read_record, select_records};

/// Who was inserted: not who finds their id or user name taken.
pub async fn insert_users(tx: &mut Tx, arrivals: &[Arrival]) -> DbResult<Vec<UserId>> {
    /// One value of each arrival.
    macro_rules! column {
        ($of:expr) => {
            arrivals.iter().map($of).collect::<Vec<_>>()
        };
    }
    let now = tx.now();
    let ids = column!(|arrival| arrival.id);
    let usernames = column!(|arrival| arrival.username.as_str());
    let statuses = column!(|arrival| arrival.status.as_str());
    let profiles = ProfileColumns::of(&column!(|arrival| &arrival.profile));
    let professionals = column!(|arrival| arrival.professional_at);
    let attributes = column!(|arrival| serde_json::Value::Object(arrival.attributes.clone()));
    let created = column!(|arrival| arrival.created_at);
    let signed_in = column!(|arrival| arrival.last_sign_in_at);
    let sql = "
        insert into users (
            id, username, status, given_name, family_name, display_name, bio, picture_url, website_url, github_url, linkedin_url,
            locale, time_zone, professional_at, attributes, created_at, updated_at, last_sign_in_at
        )
        select a.id, a.username, a.status, a.given_name, a.family_name, a.display_name, a.bio, a.picture_url, a.website_url,
            a.github_url, a.linkedin_url, a.locale, a.time_zone, a.professional_at, a.attributes, a.created_at, $18, a.last_sign_in_at
        from unnest(
            $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
            $11::text[], $12::text[], $13::text[], $14::timestamptz[], $15::jsonb[], $16::timestamptz[], $17::timestamptz[]
        ) as a (
            id, username, status, given_name, family_name, display_name, bio, picture_url, website_url, github_url, linkedin_url,
            locale, time_zone, professional_at, attributes, created_at, last_sign_in_at
        )
        on conflict do nothing
        returning id";
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![&ids, &usernames, &statuses];
    params.extend(profiles.params());
    params.extend([&professionals as &(dyn ToSql + Sync), &attributes, &created, &signed_in, &now]);
    Ok(tx.query(sql, &params).await?.iter().map(|row| row.get(0)).collect())
}

/// These users, to be written down.
pub async fn find_records(tx: &mut Tx, ids: &[UserId]) -> DbResult<Vec<User>> {
    let now = tx.now();
    let sql = format!("{} where u.id = any($1)", select_records("$2"));
    Ok(tx.query(&sql, &[&ids, &now]).await?.iter().map(read_record).collect())
}

/// Takes back whom this transaction has inserted.
pub async fn delete_users(tx: &mut Tx, ids: &[UserId]) -> DbResult<()> {
    tx.execute("delete from users where id = any($1)", &[&ids]).await?;
    Ok(())
}
