//! The key that signs checkpoints: the operator's, or one that usher makes and keeps sealed in the database.

use anyhow::Context;
use aws_lc_rs::signature::Ed25519KeyPair;
use usher_log::SigningKey;

use super::store;
use crate::app::App;
use crate::audit::{Event, record};
use crate::db::{Actor, DbResult, Tx};
use crate::error::AppResult;
use crate::seal::Resealed;

/// The key, if there is one.
pub async fn find(app: &App, tx: &mut Tx) -> AppResult<Option<SigningKey>> {
    if let Some(key) = &app.config.audit.key {
        let key = SigningKey::parse(&name(app), key.as_bytes()).context("reading USHER_AUDIT_KEY")?;
        return Ok(Some(key));
    }
    let Some((name, sealed)) = store::find_key(tx).await? else { return Ok(None) };
    let der = app.sealer.open(&bound_to(&name), &sealed).context("opening the key that signs checkpoints")?;
    Ok(Some(SigningKey::parse(&name, &der).context("parsing the key that signs checkpoints")?))
}

/// The key; the first one is made here. Processes that come at the same time make one between them.
pub async fn find_or_make(app: &App, tx: &mut Tx) -> AppResult<SigningKey> {
    if let Some(key) = find(app, tx).await? {
        return Ok(key);
    }
    store::lock_keys(tx).await?;
    if let Some(key) = find(app, tx).await? {
        return Ok(key);
    }
    let name = name(app);
    let der = Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1()).context("making a key")?;
    let key = SigningKey::parse(&name, der.as_ref()).context("parsing a new key")?;
    store::insert_key(tx, &name, &app.sealer.seal(&bound_to(&name), der.as_ref())).await?;
    record(tx, Event::success("audit_key.created").on("audit_key", key.verifier())).await?;
    Ok(key)
}

/// The name of the log: where usher is reached, without a scheme.
fn name(app: &App) -> String {
    let url = app.config.server.public_url.as_str();
    format!("{}/audit", url.split_once("://").map_or(url, |(_, host)| host))
}

fn bound_to(name: &str) -> String {
    format!("audit_key:{name}")
}

/// Seals the private halves anew that are not under the present secret key.
pub async fn reseal(app: &App) -> AppResult<Resealed> {
    let mut done = Resealed::default();
    let mut tx = app.begin_as(Actor::Cli).await?;
    for (name, sealed) in store::list_stale_keys(&mut tx, app.sealer.mark()).await? {
        match app.sealer.reseal(&bound_to(&name), &sealed) {
            Ok(anew) => done.resealed += store::update_sealed_key(&mut tx, &name, &sealed, &anew).await?,
            Err(_) => done.unopened += 1,
        }
    }
    tx.commit().await?;
    Ok(done)
}

/// Under which secret keys private halves are sealed.
pub async fn count_by_mark(tx: &mut Tx) -> DbResult<Vec<(Vec<u8>, i64)>> {
    store::count_keys_by_mark(tx).await
}
