//! Single contribution events. The hot path: parsed on the worker, then awaited until the batch is durable.

use crate::domain::asset::AssetId;
use crate::domain::ids::VenueId;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::service::refs::Refs;
use crate::store::contribution::{self, ContributionRow};
use crate::web::input::{Input, hold, page_of, respond};
use crate::web::operation::{Access, CURSOR, LIMIT, Media, Method, Operation, Param, Shape, Success};
use crate::web::problem::{self, Failed};
use actix_web::HttpResponse;
use serde_json::{Value, json};

const REFUSALS: &[OutcomeCode] = &[
    OutcomeCode::EventConflict,
    OutcomeCode::PeriodClosed,
    OutcomeCode::UnknownAsset,
    OutcomeCode::UnknownVenue,
    OutcomeCode::PolicyMissing,
    OutcomeCode::PriceMissing,
    OutcomeCode::PriceStale,
    OutcomeCode::AboveLimit,
];

/// Operations on contributions.
pub(super) const OPERATIONS: &[Operation] = &[SUBMIT, LIST, FIND];

const EVENT_FIELDS: &[(&str, &str)] = &[
    ("external_id", "The sender's own id of the event, unique per venue; best in the order of time."),
    ("venue", "Code of the venue the fees were taken at."),
    ("business_date", "The day (UTC) the fees are for."),
    ("pair", "The traded pair; may be left out."),
    ("fee_asset", "Code of the asset the fees were taken in."),
    ("net_fee", "Fees less rebates in whole units of the asset, as text, zero or more."),
];

const SUBMIT: Operation = Operation {
    method: Method::Post,
    path: "/contributions",
    id: "submitContributions",
    tag: "Contributions",
    access: Access::Feed,
    summary: "Record single contribution events",
    about: "Up to 10,000 events of net trading fees, as one JSON list or as one JSON object a line (NDJSON). The fund's share \
            of each is accrued by the policy in force on its business date. The request is taken or refused as a whole. An event \
            that the book has already, word for word, is counted as `known` and not recorded again; one with the same \
            `external_id` and other content refuses the request.",
    params: &[],
    body: &[
        Media {
            media: "application/json",
            example: r#"[{"external_id":"2019-05-07/BTC-USDT/1","venue":"spot","business_date":"2019-05-07","pair":"BTC-USDT","fee_asset":"BTC","net_fee":"0.00125"}]"#,
            shape: Shape::Example(EVENT_FIELDS),
        },
        Media {
            media: "application/x-ndjson",
            example: r#"{"external_id":"2019-05-07/BTC-USDT/1","venue":"spot","business_date":"2019-05-07","fee_asset":"BTC","net_fee":"0.00125"}"#,
            shape: Shape::Text,
        },
    ],
    success: Success::created(
        "How many events are new and how many were known, and the entries that carry them",
        r#"{"accepted":1,"known":0,"batch":4711,"entries":[812]}"#,
    ),
    refusals: REFUSALS,
    route: |route| route.to(submit),
};

const LIST: Operation = Operation {
    method: Method::Get,
    path: "/contributions",
    id: "listContributions",
    tag: "Contributions",
    access: Access::AnyKey,
    summary: "List single contribution events",
    about: "All events in the order in which they were recorded. `next` is null on the last page so far.",
    params: &[CURSOR, LIMIT],
    body: &[],
    success: Success::json(
        "A page of events",
        r#"{"items":[{"id":5120,"external_id":"2019-05-07/BTC-USDT/1","venue":"spot","business_date":"2019-05-07","pair":"BTC-USDT","fee_asset":"BTC","net_fee":"0.00125000","contribution":"0.00012500","batch":4711}],"next":5121}"#,
    ),
    refusals: &[OutcomeCode::InvalidField],
    route: |route| route.to(list),
};

const FIND: Operation = Operation {
    method: Method::Get,
    // Ids may hold slashes.
    path: "/contributions/{external_id:.+}",
    id: "findContribution",
    tag: "Contributions",
    access: Access::AnyKey,
    summary: "Find an event by the sender's own id",
    about: "Says whether an event was recorded, and what it came to.",
    params: &[
        Param::path("external_id", "The sender's own id.", "2019-05-07/BTC-USDT/1"),
        Param::query("venue", "Code of its venue; required.", "spot"),
    ],
    body: &[],
    success: Success::json(
        "The event",
        r#"{"id":5120,"external_id":"2019-05-07/BTC-USDT/1","venue":"spot","business_date":"2019-05-07","pair":"BTC-USDT","fee_asset":"BTC","net_fee":"0.00125000","contribution":"0.00012500","batch":4711}"#,
    ),
    refusals: &[OutcomeCode::InvalidField, OutcomeCode::NotFound, OutcomeCode::UnknownVenue],
    route: |route| route.to(find),
};

async fn submit(mut input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let call = input.call(&mut query)?;
    query.done()?;
    input.require_media(&["application/json", "application/x-ndjson"])?;
    let body = input.body().await?;
    let state = input.state.clone();
    let _running = hold(&state, &call)?;
    let done = match state.feed.submit(call.clone(), &body) {
        Ok(answer) => answer.await.map_err(|error| problem::internal(&error))?,
        Err(refused) => Err(refused),
    };
    let recorded = done.as_ref().is_ok_and(|reply| reply.is_success() && !reply.replayed && !call.dry_run);
    if recorded {
        let accepted = done.as_ref().ok().and_then(|reply| reply.json().get("accepted").and_then(Value::as_u64));
        state.metrics.events_recorded(accepted.unwrap_or_default());
    }
    respond(&state, &call, done)
}

async fn list(input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let (cursor, limit) = query.page()?;
    query.done()?;
    input
        .read(move |conn| {
            let rows = contribution::page(conn, cursor.unwrap_or(1), limit.saturating_add(1))?;
            let refs = Refs::load(conn)?;
            Ok(page_of(&rows, limit, |row| row.id, |row| show(&refs, row)))
        })
        .await
}

async fn find(input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let venue = query.take("venue")?;
    query.done()?;
    let venue = venue.ok_or_else(|| Rejection::invalid("venue", "", "is missing; an id is unique within its venue"))?;
    let external_id = input.part("external_id");
    input
        .read(move |conn| {
            let refs = Refs::load(conn)?;
            let (venue_id, _) = refs.venue("venue", &venue)?;
            let found = contribution::known(conn, venue_id.0, &[&external_id])?;
            let row = found.first().ok_or_else(|| {
                let detail = "the book has no event with this id at this venue";
                Rejection::new(OutcomeCode::NotFound, "external_id", &external_id, detail)
            })?;
            Ok(show(&refs, row))
        })
        .await
}

fn show(refs: &Refs, row: &ContributionRow) -> Value {
    let asset = AssetId(row.asset_id);
    let scale = refs.scale(asset);
    json!({
        "id": row.id,
        "external_id": row.external_id,
        "venue": refs.venues.get(&VenueId(row.venue_id)).map(|venue| venue.code.as_str()),
        "business_date": row.business_date,
        "pair": Some(&row.pair).filter(|pair| !pair.is_empty()),
        "fee_asset": refs.code(asset),
        "net_fee": row.net_fee.quantity().to_text(scale),
        "contribution": row.amount.quantity().to_text(scale),
        "batch": row.batch_id,
    })
}
