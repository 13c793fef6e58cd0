//! `Idempotency-Key` on creating requests: the first answer is kept for 24 hours, in the transaction that did the work, and given
//! again for a repetition. So a client that lost the connection may simply ask again.

mod store;

use std::time::Duration;

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse, StatusCode as ApiStatus};
use aide::operation::OperationInput;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::api::problem_response;
use super::body::{self, describe_body};
use super::output::Fixed;
use super::params::describe_header;
use crate::app::App;
use crate::db::{Actor, DbResult, Tx};
use crate::error::{AppError, AppResult, FieldError, Rejection};
use crate::seal::Resealed;

const KEY_BYTES_MAX: usize = 255;
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);
const RESEAL_AT_ONCE: i64 = 100;
const GIVEN_UP_LOOKS: usize = 3;
const GIVEN_UP_PAUSE: Duration = Duration::from_millis(25);

/// A JSON body that creates something, and the key under which its answer is kept.
pub struct Creating<T> {
    pub body: T,
    key: Option<Key>,
}

struct Key {
    name: String,
    operation: String,
    request_body: Bytes,
}

impl<T: DeserializeOwned + JsonSchema + 'static> FromRequest<App> for Creating<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, _: &App) -> Result<Self, Self::Rejection> {
        let given = read_key(request.headers());
        let operation = format!("{} {}", request.method(), request.uri().path());
        let bytes = body::read_as(request, &["application/json"]).await?;
        let key = given?.map(|name| Key { name, operation, request_body: bytes.clone() });
        Ok(Self { body: body::parse(&bytes)?, key })
    }
}

pub(crate) fn read_key(headers: &HeaderMap) -> AppResult<Option<String>> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    if text.is_empty() || text.len() > KEY_BYTES_MAX || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let error = FieldError::at_header("Idempotency-Key", "invalid", "must have 1 to 255 visible ASCII characters");
        let rejection = Rejection::bad_request("malformed_request", "The header Idempotency-Key can't be used.");
        return Err(Rejection { errors: vec![error], ..rejection }.into());
    }
    Ok(Some(text.to_owned()))
}

impl<T> Creating<T> {
    /// The first answer to this request, if it has been given before. Call it before the work, in the work's transaction.
    pub async fn replay<A: From<Fixed>>(&self, app: &App, tx: &mut Tx) -> AppResult<Option<A>> {
        let Some(key) = &self.key else { return Ok(None) };
        let scope = key.scope(tx);
        let (alone, kept) = key.look(tx, &scope).await?;
        let Some(kept) = kept else {
            if alone {
                return Ok(None);
            }
            let detail = "A request with this Idempotency-Key is being worked on. Ask again when it has ended.";
            return Err(Rejection::conflict("idempotency_key_in_flight", detail).into());
        };
        let comparable = !kept.request_hash.is_empty();
        if comparable && !app.sealer.is_fingerprint(&key.request_body, &kept.request_hash) {
            let detail = "This Idempotency-Key belongs to a request with another body. Use a new key.";
            return Err(Rejection::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail).into());
        }
        let opened = app.sealer.open(&bound_to(&scope, &key.name), &kept.body_sealed).map_err(anyhow::Error::from)?;
        let fixed: Fixed = serde_json::from_slice(&opened)?;
        Ok(Some(Fixed { replayed: true, ..fixed }.into()))
    }

    /// Keeps the answer. Call it after the work, before the commit.
    pub async fn keep(&self, app: &App, tx: &mut Tx, answer: &Fixed) -> AppResult<()> {
        let Some(key) = &self.key else { return Ok(()) };
        let scope = key.scope(tx);
        let sealed = app.sealer.seal(&bound_to(&scope, &key.name), &serde_json::to_vec(answer)?);
        let request_hash = app.sealer.fingerprint(&key.request_body);
        let expires_at = tx.now() + KEPT_FOR;
        store::insert_answer(tx, &scope, &key.name, &request_hash, &sealed, expires_at).await?;
        Ok(())
    }
}

impl Key {
    /// Whether nobody else is at work under this key, and the answer that is kept. A transaction that was given up holds its lock until
    /// PostgreSQL has heard of it, a moment after the answer.
    async fn look(&self, tx: &mut Tx, scope: &str) -> AppResult<(bool, Option<store::Kept>)> {
        let mut looks = 0;
        loop {
            let alone = store::lock_key(tx, scope, &self.name).await?;
            let kept = store::find_answer(tx, scope, &self.name).await?;
            looks += 1;
            if alone || kept.is_some() || looks == GIVEN_UP_LOOKS {
                return Ok((alone, kept));
            }
            tokio::time::sleep(GIVEN_UP_PAUSE).await;
        }
    }

    /// Keys of different callers and of different paths are different keys.
    fn scope(&self, tx: &Tx) -> String {
        let origin = tx.origin();
        let caller = origin.actor.id().map_or_else(|| "anonymous".to_owned(), |id| id.to_string());
        match origin.api_key {
            // A key may do less than its holder's other credentials: their answers are not for it.
            Some(key) => format!("{caller} {key} {}", self.operation),
            None => format!("{caller} {}", self.operation),
        }
    }
}

fn bound_to(scope: &str, key: &str) -> String {
    format!("idempotency:{scope}:{key}")
}

/// Seals kept answers anew that are not under the present secret key. Their request's hash can't be made anew, since the request
/// is not kept: from then on the key alone decides, so that a repetition is not taken for another request.
pub async fn reseal(app: &App) -> AppResult<Resealed> {
    let mut done = Resealed::default();
    let mut after = (String::new(), String::new());
    loop {
        let mut tx = app.begin_as(Actor::Cli).await?;
        let stale = store::list_stale(&mut tx, app.sealer.mark(), &after, RESEAL_AT_ONCE).await?;
        for ((scope, key), sealed) in &stale {
            match app.sealer.reseal(&bound_to(scope, key), sealed) {
                Ok(anew) => done.resealed += store::update_sealed(&mut tx, (scope, key), sealed, &anew).await?,
                Err(_) => done.unopened += 1,
            }
        }
        tx.commit().await?;
        match stale.into_iter().last() {
            Some((last, _)) => after = last,
            None => return Ok(done),
        }
    }
}

/// Under which secret keys answers are sealed.
pub async fn count_by_mark(tx: &mut Tx) -> DbResult<Vec<(Vec<u8>, i64)>> {
    store::count_by_mark(tx).await
}

/// Forgets some answers whose time has passed; true when there may be more.
pub async fn forget_expired(tx: &mut Tx) -> DbResult<bool> {
    store::delete_expired(tx).await
}

impl<T: JsonSchema> OperationInput for Creating<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        describe_body::<T>(context, operation, &["application/json"], true);
        let text = "Names this request (1 to 255 visible ASCII characters, such as a UUID). Repeated within 24 hours with the same body, \
                    it gets the first answer again and nothing is done twice.";
        describe_header(context, operation, "Idempotency-Key", "^[!-~]{1,255}$", text);
    }
    fn inferred_early_responses(context: &mut GenContext, _: &mut Operation) -> Vec<(Option<ApiStatus>, ApiResponse)> {
        let mut failures = body::body_failures(context);
        let when = "The key is in use by a request that has not ended (`idempotency_key_in_flight`).";
        failures.push((Some(ApiStatus::Code(409)), problem_response(context, when)));
        failures
    }
}
