//! The SQL of users who arrive at once.

use tokio_postgres::types::ToSql;

use super::Arrival;
use crate::db::{DbResult, Tx};
use crate::id::UserId;
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
    let given_names = column!(|arrival| &arrival.profile.given_name);
    let family_names = column!(|arrival| &arrival.profile.family_name);
    let display_names = column!(|arrival| &arrival.profile.display_name);
    let bios = column!(|arrival| &arrival.profile.bio);
    let pictures = column!(|arrival| &arrival.profile.picture_url);
    let websites = column!(|arrival| &arrival.profile.website_url);
    let githubs = column!(|arrival| &arrival.profile.github_url);
    let linkedins = column!(|arrival| &arrival.profile.linkedin_url);
    let locales = column!(|arrival| &arrival.profile.locale);
    let zones = column!(|arrival| &arrival.profile.time_zone);
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
    let params: [&(dyn ToSql + Sync); 18] = [
        &ids,
        &usernames,
        &statuses,
        &given_names,
        &family_names,
        &display_names,
        &bios,
        &pictures,
        &websites,
        &githubs,
        &linkedins,
        &locales,
        &zones,
        &professionals,
        &attributes,
        &created,
        &signed_in,
        &now,
    ];
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
