//! What a handler of the API works with: who calls, the body, the query, and the way to the book.

use super::app::AppState;
use super::auth::Caller;
use super::blocking::block;
use super::json::read_json;
use super::limits::{self, Running};
use super::problem::{self, Failed, PROBLEM_JSON};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::service::keys::ServiceAccount;
use crate::service::{Book, Call, Reply};
use crate::store::conn::{Conn, Engine};
use crate::store::error::StoreError;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::future::{Ready, ready};
use std::sync::Arc;

/// The header that names a command.
pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The header of an answer that was given before.
const REPLAYED: header::HeaderName = header::HeaderName::from_static("idempotent-replayed");

/// One request to an operation, past the check of its key.
pub(super) struct Input {
    /// What the workers share.
    pub(super) state: web::Data<AppState>,
    /// Who calls.
    pub(super) caller: Arc<ServiceAccount>,
    /// The request without its body.
    pub(super) request: HttpRequest,
    payload: Payload,
}

impl FromRequest for Input {
    type Error = Failed;
    type Future = Ready<Result<Self, Failed>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let state = request.app_data::<web::Data<AppState>>().cloned();
        let caller = request.extensions().get::<Caller>().map(|caller| Arc::clone(&caller.0));
        ready(match (state, caller) {
            (Some(state), Some(caller)) => Ok(Self { state, caller, request: request.clone(), payload: payload.take() }),
            _ => Err(problem::internal(&"an operation without guard")),
        })
    }
}

impl Input {
    /// A part of the path.
    pub(super) fn part(&self, name: &str) -> String {
        self.request.match_info().query(name).to_owned()
    }

    /// The parameters of the query.
    ///
    /// # Errors
    /// [`OutcomeCode::Malformed`] if it cannot be decoded.
    pub(super) fn query(&self) -> Result<Query, Failed> {
        Query::parse(self.request.query_string())
    }

    /// Refuses a body of another media type. Parameters such as a charset are not looked at.
    pub(super) fn require_media(&self, wanted: &[&str]) -> Result<(), Failed> {
        let found = self.request.content_type();
        if wanted.iter().any(|media| found.eq_ignore_ascii_case(media)) {
            return Ok(());
        }
        let detail = format!("send it as {}, and say so in Content-Type", wanted.join(" or "));
        Err(Rejection::new(OutcomeCode::UnsupportedMediaType, "Content-Type", found, detail).into())
    }

    /// The whole body, within the limit for JSON.
    pub(super) async fn body(&mut self) -> Result<Bytes, Failed> {
        let (limit, time) = (self.state.limits.json_bytes, self.state.limits.body_time);
        let announced = self.announced();
        let read = limits::read_body(&mut self.payload, announced, limit);
        tokio::time::timeout(time, read).await.map_err(|error| limits::broken_body(&error))?
    }

    /// The length that the header announces.
    pub(super) fn announced(&self) -> Option<usize> {
        self.request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
    }

    /// Takes the body out, to be read in another way.
    pub(super) fn take_payload(&mut self) -> Payload {
        self.payload.take()
    }

    /// The body as one JSON value of this type.
    pub(super) async fn json<T: DeserializeOwned>(&mut self) -> Result<T, Failed> {
        self.require_media(&["application/json"])?;
        let body = self.body().await?;
        Ok(read_json(&body)?)
    }

    /// The call of this request. A missing key is refused where the key is looked at, so that what is wrong with the body is
    /// said first.
    pub(super) fn call(&self, query: &mut Query) -> Result<Call, Failed> {
        let dry_run = match query.take("dry_run")?.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => return Err(Rejection::invalid("dry_run", other, "write true or false").into()),
        };
        let mut keys = self.request.headers().get_all(IDEMPOTENCY_KEY);
        let key = match (keys.next(), keys.next()) {
            (None, _) => String::new(),
            (Some(key), None) => String::from_utf8_lossy(key.as_bytes()).into_owned(),
            (Some(_), Some(_)) => {
                let detail = "is given twice; give one Idempotency-Key";
                return Err(Rejection::new(OutcomeCode::IdempotencyKeyInvalid, "Idempotency-Key", "", detail).into());
            }
        };
        Ok(Call { actor: format!("key:{}", self.caller.name), key, dry_run, by: self.caller.by() })
    }

    /// A command whose body is JSON of this type and whose query has nothing of its own.
    pub(super) async fn post<T, F>(mut self, run: F) -> Result<HttpResponse, Failed>
    where
        T: DeserializeOwned + Send + 'static,
        F: FnOnce(&Book, &Call, T) -> Result<Reply, StoreError> + Send + 'static,
    {
        let mut query = self.query()?;
        let call = self.call(&mut query)?;
        query.done()?;
        let body: T = self.json().await?;
        self.command(call, move |book, call| run(book, call, body)).await
    }

    /// Runs a command away from the worker and answers with its reply.
    pub(super) async fn command<F>(self, call: Call, run: F) -> Result<HttpResponse, Failed>
    where
        F: FnOnce(&Book, &Call) -> Result<Reply, StoreError> + Send + 'static,
    {
        let state = self.state.clone();
        let _running = hold(&state, &call)?;
        let (book, for_run) = (state.book.clone(), call.clone());
        let done = block(move || run(&book, &for_run)).await.map_err(|error| problem::internal(&error))?;
        respond(&state, &call, done)
    }

    /// Reads a row or two. An embedded read is over sooner than another thread could be asked for it; one over the network is not.
    pub(super) async fn look_up<T, F>(&self, read: F) -> Result<T, Failed>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, StoreError> + Send + 'static,
    {
        look_up(&self.state, read).await
    }

    /// Reads from the book away from the worker and answers with JSON.
    pub(super) async fn read<T, F>(self, run: F) -> Result<HttpResponse, Failed>
    where
        T: Serialize + Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, StoreError> + Send + 'static,
    {
        let book = self.state.book.clone();
        let found = block(move || book.read(run)).await.map_err(|error| problem::internal(&error))??;
        let body = serde_json::to_vec(&found).map_err(|error| problem::internal(&error))?;
        Ok(HttpResponse::Ok().content_type("application/json").body(body))
    }
}

/// See [`Input::look_up`].
pub(super) async fn look_up<T, F>(state: &AppState, read: F) -> Result<T, Failed>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, StoreError> + Send + 'static,
{
    let found = match state.book.store.engine() {
        Engine::Sqlite => read(),
        Engine::Postgres => block(read).await.map_err(|error| problem::internal(&error))?,
    };
    Ok(found?)
}

/// A page of a list. `rows` has one row more than the page where there is a next one; that row's number goes on.
pub(super) fn page_of<T>(rows: &[T], limit: i64, number: impl Fn(&T) -> i64, show: impl Fn(&T) -> Value) -> Value {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let next = rows.get(limit).map(number);
    json!({"items": rows.iter().take(limit).map(show).collect::<Vec<_>>(), "next": next})
}

/// Holds the key of a call while it runs. An empty key is not held: it will be refused.
pub(super) fn hold<'a>(state: &'a AppState, call: &Call) -> Result<Option<Running<'a>>, Failed> {
    if call.key.is_empty() {
        return Ok(None);
    }
    state.in_flight.hold(&call.actor, &call.key).map(Some)
}

/// The answer to a command: its reply byte for byte, success or kept refusal.
pub(super) fn respond(state: &AppState, call: &Call, done: Result<Reply, StoreError>) -> Result<HttpResponse, Failed> {
    let reply = done.map_err(|error| name_missing_key(call, error))?;
    let status = StatusCode::from_u16(reply.status).map_err(|error| problem::internal(&error))?;
    let media = if reply.is_success() { "application/json" } else { PROBLEM_JSON };
    let mut response = HttpResponse::build(status).content_type(media).body(reply.body);
    if reply.replayed {
        state.metrics.replayed();
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// A key that was not given is another mistake than one that is not usable.
fn name_missing_key(call: &Call, error: StoreError) -> Failed {
    let is_about_key = matches!(&error, StoreError::Rejected(r) if r.code == OutcomeCode::IdempotencyKeyInvalid);
    if !(call.key.is_empty() && is_about_key) {
        return error.into();
    }
    let detail = "send an Idempotency-Key header, for example a UUID, and the same one again when you repeat the request";
    Rejection::new(OutcomeCode::IdempotencyKeyMissing, "Idempotency-Key", "", detail).into()
}

/// The parameters of a query; each is taken once, and what nobody took is refused.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    fn parse(text: &str) -> Result<Self, Failed> {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(text)
            .map_err(|error| Rejection::new(OutcomeCode::Malformed, "query", "", format!("cannot be decoded: {error}")))?;
        Ok(Self(pairs.into_inner()))
    }

    /// The value of a parameter; `None` if it is not given or empty.
    pub(super) fn take(&mut self, name: &str) -> Result<Option<String>, Failed> {
        let mut found = Vec::new();
        self.0.retain(|(key, value)| {
            let hit = key == name;
            if hit {
                found.push(value.clone());
            }
            !hit
        });
        if found.len() > 1 {
            return Err(Rejection::new(OutcomeCode::UnknownField, name, "", "is given twice; give it once").into());
        }
        Ok(found.pop().filter(|value| !value.is_empty()))
    }

    /// The value of a parameter, read with `parse`; `mend` says what it should look like.
    pub(super) fn take_as<T>(
        &mut self,
        name: &str,
        mend: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Failed> {
        let Some(text) = self.take(name)? else { return Ok(None) };
        match parse(&text) {
            Some(value) => Ok(Some(value)),
            None => Err(Rejection::invalid(name, text, mend).into()),
        }
    }

    /// A day.
    pub(super) fn day(&mut self, name: &str) -> Result<Option<jiff::civil::Date>, Failed> {
        self.take_as(name, "write a day as YYYY-MM-DD", crate::domain::contribution::parse_day)
    }

    /// The place in a list and the length of a page.
    pub(super) fn page(&mut self) -> Result<(Option<i64>, i64), Failed> {
        let cursor = self.take_as("cursor", "take `next` of the page before", |text| text.parse().ok())?;
        let limit = self.take_as("limit", "write a number from 1 to 1000", |text| {
            text.parse().ok().filter(|limit| (1..=1000).contains(limit))
        })?;
        Ok((cursor, limit.unwrap_or(100)))
    }

    /// What nobody took, for a callee that knows its own parameters. A parameter that is given twice is refused.
    pub(super) fn into_pairs(self) -> Result<Vec<(String, String)>, Failed> {
        for (at, (name, _)) in self.0.iter().enumerate() {
            if self.0.iter().skip(at.saturating_add(1)).any(|(other, _)| other == name) {
                return Err(Rejection::new(OutcomeCode::UnknownField, name.as_str(), "", "is given twice; give it once").into());
            }
        }
        Ok(self.0)
    }

    /// Refuses what nobody took.
    pub(super) fn done(self) -> Result<(), Failed> {
        let Some((name, _)) = self.0.first() else { return Ok(()) };
        let detail = "is not a parameter of this address; /api/docs lists them";
        Err(Rejection::new(OutcomeCode::UnknownField, name.as_str(), "", detail).into())
    }
}
