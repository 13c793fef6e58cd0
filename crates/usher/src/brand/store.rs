//! The SQL of reading what was chosen.

use tokio_postgres::Row;

use super::{Chosen, Logo, Standing};
use crate::db::Tx;
use crate::db::lanes::Pipeline;
use crate::error::AppResult;

const STANDING: &str = "
    select name, color, color_dark, links, footer, sign_in_text, register_text, account_text, logo_hash, logo_width, logo_height,
        version, updated_at
    from branding";

pub async fn look_up(lane: &Pipeline) -> AppResult<Standing> {
    lane.query_opt(STANDING, &[]).await?.as_ref().map_or_else(|| Ok(Standing::default()), standing)
}

pub async fn read(tx: &mut Tx) -> AppResult<Standing> {
    standing(&tx.query_one(STANDING, &[]).await?)
}

/// Nobody else changes it until the transaction ends. Reading goes on.
pub async fn lock(tx: &mut Tx) -> AppResult<Standing> {
    tx.query_one("select version from branding for update", &[]).await?;
    read(tx).await
}

fn standing(row: &Row) -> AppResult<Standing> {
    let color = |name: &str| row.get::<_, Option<&str>>(name).and_then(super::Color::parse);
    let logo = |hash: String| Logo { hash, width: row.get("logo_width"), height: row.get("logo_height") };
    Ok(Standing {
        chosen: Chosen {
            name: row.get("name"),
            color: color("color"),
            color_dark: color("color_dark"),
            links: serde_json::from_value(row.get("links"))?,
            footer: row.get("footer"),
            sign_in_text: row.get("sign_in_text"),
            register_text: row.get("register_text"),
            account_text: row.get("account_text"),
        },
        logo: row.get::<_, Option<String>>("logo_hash").map(logo),
        version: row.get("version"),
        updated_at: row.get("updated_at"),
    })
}
