//! The stream of what moves (server-sent events), for the script of pages that show how far something is: it says that there is
//! something new, and the script asks for the page. It ends with the session, with the permission, and with the process.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::json;
use tokio::time::{Interval, interval};

use super::parameters::Parameters;
use super::staff::Staff;
use crate::app::App;
use crate::caller::Permission;
use crate::error::{AppError, AppResult, Rejection};
use crate::live::{self, Followed, Following, Standing};
use crate::{bulk, imports};

const JUDGED_EVERY: Duration = Duration::from_secs(10);
/// Less than proxies let an answer be silent for.
const SIGN_OF_LIFE_EVERY: Duration = Duration::from_secs(15);
/// When a browser comes back whose stream has broken off.
const BACK_AFTER: Duration = Duration::from_secs(3);
/// Says that there will be nothing more: the session is over, or they may not see it any longer.
const OVER: &str = "over";

pub async fn show(staff: Staff, parameters: Parameters, headers: HeaderMap, State(app): State<App>) -> AppResult<Response> {
    let followed = parameters.get("follow").and_then(Followed::parse).ok_or_else(Rejection::not_found)?;
    admit(&app, &staff, followed).await?;
    if app.draining.has_begun() {
        return Err(Rejection::unavailable("overloaded", "This process is about to stop. Another one goes on.", 1).into());
    }
    let following = live::follow(&app, staff.person().session_id, followed)?;
    // What the browser has heard before the stream broke off.
    let told = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(ToOwned::to_owned);
    let mut judging = interval(JUDGED_EVERY);
    // They are judged just now.
    judging.reset();
    let line = Line { app, staff, followed, following, judging, told, is_over: false };
    let events = stream::unfold(line, async |mut line| Some((line.next().await?, line)));
    let answer = Sse::new(events.map(Ok::<_, Infallible>)).keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE_EVERY));
    let fields = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Nginx passes each event on at once.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((fields, answer).into_response())
}

/// Asks for what the page asks for that shows it.
async fn admit(app: &App, staff: &Staff, followed: Followed) -> AppResult<()> {
    match followed {
        Followed::Runs => staff.require(Permission::UsersRead)?,
        Followed::Imports => staff.require(Permission::UsersWrite)?,
        Followed::Queues => staff.require(Permission::AnalyticsRead)?,
        Followed::Run(id) => {
            staff.require(Permission::UsersRead)?;
            let mut tx = staff.begin(app).await?;
            bulk::require(&mut tx, id).await?;
            tx.commit().await?;
        }
        Followed::Import(id) => {
            staff.require(Permission::UsersWrite)?;
            let mut tx = staff.begin(app).await?;
            imports::require(&mut tx, staff.authority(), id).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

/// A stream, and whose it is.
struct Line {
    app: App,
    staff: Staff,
    followed: Followed,
    following: Following,
    judging: Interval,
    /// The mark that was told last.
    told: Option<String>,
    is_over: bool,
}

impl Line {
    async fn next(&mut self) -> Option<Event> {
        while !self.is_over {
            tokio::select! {
                biased;
                standing = self.following.next() => {
                    let standing = standing?;
                    if self.told.as_ref() != Some(&standing.mark) {
                        self.told = Some(standing.mark.clone());
                        return Some(self.event(&standing));
                    }
                }
                () = self.app.draining.begun() => return None,
                // Where it can't be judged, the browser comes back and is judged then.
                _ = self.judging.tick() => self.is_over = !self.may_go_on().await.ok()?,
            }
            if self.is_over {
                return Some(Event::default().event(OVER).data(self.followed.to_string()));
            }
        }
        None
    }

    async fn may_go_on(&mut self) -> AppResult<bool> {
        let Some(staff) = self.staff.again(&self.app).await? else { return Ok(false) };
        self.staff = staff;
        match admit(&self.app, &self.staff, self.followed).await {
            Ok(()) => Ok(true),
            Err(AppError::Rejected(rejection)) if rejection.status.is_client_error() => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn event(&self, standing: &Standing) -> Event {
        let progress = standing.progress.as_ref();
        let data = json!({
            "follow": self.followed.to_string(),
            "state": progress.map(|progress| &progress.state),
            "position": progress.map(|progress| progress.position),
            "total": progress.map(|progress| progress.total),
        });
        Event::default().id(&standing.mark).retry(BACK_AFTER).data(data.to_string())
    }
}
