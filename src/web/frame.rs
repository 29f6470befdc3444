//! Around every request: an id, the log line, the counters, the security headers, and the body of a failure.

use super::app::AppState;
use super::assets::CONTENT_SECURITY_POLICY;
use super::problem::{self, Failed, PROBLEM_JSON, RETRY_AFTER};
use super::session::{NOBODY, actor_of, session_of};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::service::audit::refused::Refused;
use crate::service::clock::fresh_id;
use crate::telemetry::{RequestLabels, Stopwatch};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, web};
use tracing::Instrument;

/// The header that carries the id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Sent with every response.
const HEADERS: [(HeaderName, HeaderValue); 7] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("permissions-policy"), HeaderValue::from_static("camera=(), geolocation=(), microphone=()")),
];

/// The middleware.
pub(super) async fn frame(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let watch = Stopwatch::start();
    let id = fresh_id();
    let state = request.app_data::<web::Data<AppState>>().cloned();
    if let Some(state) = &state {
        state.metrics.began();
    }
    // On every level, so that a line of any level has the id.
    let span = tracing::error_span!("request", request_id = id);
    let mut response = next.call(request).instrument(span.clone()).await?.map_into_boxed_body();
    let _inside = span.entered();
    if response.response().error().is_some() {
        response = with_failure(response, state.as_ref().map(|state| state.get_ref()), &id);
    }
    dress(response.headers_mut(), &id);
    if let Some(state) = &state {
        account(state, &response, watch);
    }
    Ok(response)
}

/// Gives a failed response its body and the headers that go with its code.
fn with_failure(response: ServiceResponse, state: Option<&AppState>, id: &str) -> ServiceResponse {
    let rejection = match response.response().error() {
        Some(error) => error.as_error::<Failed>().map_or_else(|| foreign(error), |failed| failed.0.clone()),
        None => return response,
    };
    let request = response.request();
    if let Some(state) = state {
        note(state, request, &rejection, id);
    }
    let page = state.filter(|_| is_page(request.path()));
    let page = page.and_then(|state| problem::as_page(state, request, &rejection, id).ok());
    let (media, body) = match page {
        Some(page) => ("text/html; charset=utf-8", page),
        None => (PROBLEM_JSON, problem::as_json(&rejection, id)),
    };
    let mut response = response.map_body(|_, _| BoxBody::new(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    match rejection.code {
        OutcomeCode::Unauthenticated if media == PROBLEM_JSON => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"safu\""))
        }
        OutcomeCode::RateLimited | OutcomeCode::Unavailable | OutcomeCode::ReadOnly | OutcomeCode::InFlight => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER))
        }
        _ => return response,
    };
    response
}

/// Notes what an auditor wants to know: commands that a known caller was refused, and whatever was refused for want of a right. What the
/// state of the book refused is kept under its key already; what was not looked at because too much was asked is no refusal of it.
fn note(state: &AppState, request: &HttpRequest, rejection: &Rejection, id: &str) {
    use OutcomeCode::{ApprovalNeeded, Forbidden, InFlight, StepUpNeeded};
    let for_right = matches!(rejection.code, Forbidden | StepUpNeeded | ApprovalNeeded);
    let for_form = (1100..1300).contains(&rejection.code.number()) && rejection.code != InFlight;
    let is_command = !["GET", "HEAD", "OPTIONS"].contains(&request.method().as_str());
    let is_wanted = for_right || (is_command && for_form);
    if !is_wanted {
        return;
    }
    let actor = actor_of(request);
    if actor == NOBODY {
        return;
    }
    let session = session_of(request).unwrap_or_default();
    let path = request.match_pattern().unwrap_or_else(|| "other".to_owned());
    state.refusals.note(
        state.book.clock.now(),
        Refused {
            actor,
            session,
            what: format!("{} {path}", method_name(request.method())),
            code: rejection.code.slug().to_owned(),
            detail: rejection.problems.first().map(|problem| problem.detail.clone()).unwrap_or_default(),
            request_id: id.to_owned(),
        },
    );
}

/// An error that the framework made, for example for a path that is not UTF-8.
fn foreign(error: &Error) -> Rejection {
    let status = error.as_response_error().status_code();
    tracing::debug!(%error, "the framework refused a request");
    let code = match status.as_u16() {
        413 => OutcomeCode::BodyTooLarge,
        404 => OutcomeCode::NotFound,
        400..=499 => OutcomeCode::Malformed,
        _ => OutcomeCode::Internal,
    };
    Rejection::new(code, "", "", code.title())
}

/// True where a person reads the answer.
fn is_page(path: &str) -> bool {
    !(path.starts_with("/api/v") || ["/livez", "/readyz", "/metrics"].contains(&path))
}

fn dress(headers: &mut HeaderMap, id: &str) {
    for (name, value) in HEADERS {
        // A file of somebody's comes under a policy that is stricter still.
        if name != header::CONTENT_SECURITY_POLICY || !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    }
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, value);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Counts and logs. Neither query nor headers are logged: they may hold what is not for a log.
fn account(state: &AppState, response: &ServiceResponse, watch: Stopwatch) {
    let request = response.request();
    let took = watch.elapsed();
    let labels = RequestLabels {
        route: request.match_pattern().unwrap_or_else(|| "other".to_owned()),
        method: method_name(request.method()),
        status: response.status().as_u16(),
    };
    state.metrics.answered(&labels, took);
    let actor = actor_of(request);
    // An invitation's address is a secret.
    let path = if request.path().starts_with("/invitation/") { labels.route.as_str() } else { request.path() };
    let (method, status, took) = (labels.method, labels.status, took.as_micros());
    tracing::info!(method, path, status, actor, took_us = took, "answered");
}

/// A fixed set of words, so that a strange method does not make a new series of counters.
fn method_name(method: &actix_web::http::Method) -> &'static str {
    use actix_web::http::Method;
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
