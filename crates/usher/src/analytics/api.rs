//! The analytics API.

use axum::extract::State;
use http::Method;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Analytics, By, Range};
use crate::activity;
use crate::app::App;
use crate::caller::{Caller, Permission};
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::output::Answer;
use crate::http::params::Query;

pub fn router() -> Routes {
    Routes::new().op(
        Op::new(
            Method::GET,
            "/v1/analytics",
            Access::Holding(Permission::AnalyticsRead),
            "Analytics",
            "Count sign-ups, active users and sign-ins",
        )
        .description(
            "By day, week or month, with who is inactive now and who came back in the months after the sign-up. Days are those of UTC; \
             weeks begin on Monday. At most 1,096 days and 400 periods.",
        )
        .fails(503, "Counting takes the database too long (`too_much_to_count`)."),
        show_analytics,
    )
}

/// What the documentation shows.
pub fn example() -> Value {
    json!({
        "from": "2026-01-01", "to": "2026-02-28", "by": "month", "counted_at": "2026-03-01T09:30:00Z",
        "periods": [
            {
                "from": "2026-01-01", "to": "2026-01-31", "sign_ups": 120, "active_users": 480,
                "sign_ins": { "succeeded": 2100, "failed": 75 }, "invitations": { "created": 40, "opened": 31, "accepted": 28 },
            },
            {
                "from": "2026-02-01", "to": "2026-02-28", "sign_ups": 90, "active_users": 510,
                "sign_ins": { "succeeded": 2240, "failed": 61 }, "invitations": { "created": 12, "opened": 12, "accepted": 9 },
            },
        ],
        "inactive": { "users": 900, "since": [{ "days": 1, "users": 700 }, { "days": 365, "users": 40 }] },
        "second_factors": { "app": 310, "passkey": 120, "any": 395 },
        "cohorts": [
            { "month": "2026-01-01", "sign_ups": 120, "active": [110, 64] },
            { "month": "2026-02-01", "sign_ups": 90, "active": [85] },
        ],
    })
}

/// What is counted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AnalyticsParameters")]
struct Parameters {
    /// The first day. Left out: 30 days, 26 weeks or a year, by `by`.
    from: Option<Date>,
    /// The last day, counted too; today when left out.
    to: Option<Date>,
    /// `day` when left out.
    #[serde(default)]
    by: By,
}

async fn show_analytics(
    caller: Caller,
    State(app): State<App>,
    Query(Parameters { from, to, by }): Query<Parameters>,
) -> AppResult<Answer<Analytics>> {
    let range = Range::read(activity::day_of(app.clock.now()), from, to, by)?;
    Ok(Answer(super::read(&app, &caller.origin, range).await?))
}
