//! The SQL of profiles that are changed together.

use serde_json::Value;
use tokio_postgres::types::ToSql;

use crate::db::{DbResult, Tx};
use crate::users::User;
use crate::users::columns::ProfileColumns;

/// Writes profile and attributes of each.
pub async fn update_profiles(tx: &mut Tx, users: &[&User]) -> DbResult<()> {
    /// One value of each user.
    macro_rules! column {
        ($of:expr) => {
            users.iter().map($of).collect::<Vec<_>>()
        };
    }
    let now = tx.now();
    let ids = column!(|user| user.id);
    let profiles = ProfileColumns::of(&column!(|user| &user.profile));
    let attributes = column!(|user| Value::Object(user.attributes.clone()));
    let sql = "
        update users u
        set given_name = n.given_name, family_name = n.family_name, display_name = n.display_name, bio = n.bio,
            picture_url = n.picture_url, website_url = n.website_url, github_url = n.github_url, linkedin_url = n.linkedin_url,
            locale = n.locale, time_zone = n.time_zone, attributes = n.attributes, version = u.version + 1, updated_at = $13
        from unnest(
            $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
            $11::text[], $12::jsonb[]
        ) as n (
            id, given_name, family_name, display_name, bio, picture_url, website_url, github_url, linkedin_url, locale, time_zone,
            attributes
        )
        where u.id = n.id";
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![&ids];
    params.extend(profiles.params());
    params.extend([&attributes as &(dyn ToSql + Sync), &now]);
    tx.execute(sql, &params).await?;
    Ok(())
}
