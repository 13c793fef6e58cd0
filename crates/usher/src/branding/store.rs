//! The SQL of what is chosen of how the service looks.

use crate::brand::{Chosen, Logo};
use crate::db::lanes::Pipeline;
use crate::db::{DbResult, Tx};
use crate::error::AppResult;

pub async fn update_chosen(tx: &mut Tx, chosen: &Chosen) -> AppResult<()> {
    let now = tx.now();
    let links = serde_json::to_value(&chosen.links)?;
    let [color, color_dark] = [chosen.color, chosen.color_dark].map(|color| color.map(String::from));
    let sql = "
        with changed as (
            update branding
            set name = $1, color = $2, color_dark = $3, links = $4, footer = $5, sign_in_text = $6, register_text = $7,
                account_text = $8, version = version + 1, updated_at = $9
        )
        select pg_notify('usher_branding', '')";
    let Chosen { name, footer, sign_in_text, register_text, account_text, .. } = chosen;
    tx.query(sql, &[name, &color, &color_dark, &links, footer, sign_in_text, register_text, account_text, &now]).await?;
    Ok(())
}

pub async fn update_logo(tx: &mut Tx, logo: &Logo, png: &[u8]) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        with changed as (
            update branding
            set logo = $1, logo_hash = $2, logo_width = $3, logo_height = $4, version = version + 1, updated_at = $5
        )
        select pg_notify('usher_branding', '')";
    tx.query(sql, &[&png, &logo.hash, &logo.width, &logo.height, &now]).await?;
    Ok(())
}

pub async fn delete_logo(tx: &mut Tx) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        with changed as (
            update branding
            set logo = null, logo_hash = null, logo_width = null, logo_height = null, version = version + 1, updated_at = $1
        )
        select pg_notify('usher_branding', '')";
    tx.query(sql, &[&now]).await?;
    Ok(())
}

pub async fn look_up_logo(lane: &Pipeline, hash: &str) -> DbResult<Option<Vec<u8>>> {
    let found = lane.query_opt("select logo from branding where logo_hash = $1", &[&hash]).await?;
    Ok(found.and_then(|row| row.get(0)))
}
