//! Everything that is sealed, whoever owns it: under which secret key, and anew under the present one.

use crate::app::App;
use crate::audit::log::key;
use crate::db::Actor;
use crate::error::AppResult;
use crate::http::idempotency;
use crate::seal::{Census, Resealed};
use crate::{keys, mails, second_factors};

/// The columns that hold sealed values. Their owners know how to open them.
const SIGNING_KEYS: &str = "signing_keys.private_key_sealed";
const AUDIT_KEYS: &str = "audit_keys.private_key_sealed";
const MAILS: &str = "mails.body_sealed";
const TOTP_FACTORS: &str = "totp_factors.secret_sealed";
const KEPT_ANSWERS: &str = "idempotency_keys.body_sealed";

/// Seals anew what is not under the present secret key, in batches. It may be stopped and begun again, and servers go on meanwhile.
pub async fn reseal(app: &App) -> AppResult<[(&'static str, Resealed); 5]> {
    Ok([
        (SIGNING_KEYS, keys::reseal(app).await?),
        (AUDIT_KEYS, key::reseal(app).await?),
        (MAILS, mails::reseal(app).await?),
        (TOTP_FACTORS, second_factors::reseal(app).await?),
        (KEPT_ANSWERS, idempotency::reseal(app).await?),
    ])
}

/// How many values are sealed under which secret key.
pub async fn census(app: &App) -> AppResult<Census> {
    Ok(app.sealer.census(marks(app).await?))
}

/// The marks of the secret keys that something is sealed under, and how much.
pub async fn marks(app: &App) -> AppResult<Vec<(Vec<u8>, i64)>> {
    let mut tx = app.begin_as(Actor::System).await?;
    let mut counts = keys::count_by_mark(&mut tx).await?;
    counts.extend(key::count_by_mark(&mut tx).await?);
    counts.extend(mails::count_by_mark(&mut tx).await?);
    counts.extend(second_factors::count_by_mark(&mut tx).await?);
    counts.extend(idempotency::count_by_mark(&mut tx).await?);
    tx.commit().await?;
    Ok(counts)
}

#[cfg(test)]
#[path = "tests/sealed.rs"]
mod tests;
