//! Failures on their way out: `application/problem+json` for programs, a page for people, and a page for each code.

use super::app::AppState;
use super::routes::{Reach, Route};
use super::session::user_of;
use super::view::{Failure, Layout, PageContext, Section, User, render_failure};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::report::doc::Basis;
use crate::service::problem;
use crate::store::error::StoreError;
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use askama::Template;
use serde_json::Value;

/// The media type of a failure for programs.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// What callers should wait, in seconds, before they ask again.
pub const RETRY_AFTER: &str = "1";

/// A request that did not succeed. Handlers return it; what goes out around it (body, request id, headers) is made in one
/// place for all of them.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failed(pub Rejection);

impl From<Rejection> for Failed {
    fn from(rejection: Rejection) -> Self {
        Self(rejection)
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        if !matches!(error, StoreError::Rejected(_)) {
            tracing::error!(%error, "the store failed");
        }
        Self(error.into_rejection())
    }
}

impl ResponseError for Failed {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
    // The body is made where the request id is known.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

/// The failure as problem JSON, with the id of the request.
pub(super) fn as_json(rejection: &Rejection, request_id: &str) -> String {
    let mut body = problem(rejection);
    if let Value::Object(members) = &mut body {
        members.insert("request_id".to_owned(), Value::String(request_id.to_owned()));
    }
    body.to_string()
}

/// The failure as a page.
pub(super) fn as_page(
    state: &AppState,
    request: &HttpRequest,
    rejection: &Rejection,
    request_id: &str,
) -> Result<String, askama::Error> {
    let asks_for_a_page = [Method::GET, Method::HEAD].contains(request.method());
    let not_done = if asks_for_a_page { "Nothing can be shown." } else { "Nothing was recorded." };
    // Programs read pointers; a person reads the name of a field.
    let place = |pointer: &str| pointer.trim_start_matches('/').replace('/', " ");
    let failure = Failure {
        status: rejection.code.status(),
        title: rejection.code.title().to_owned(),
        not_done: not_done.to_owned(),
        problems: rejection.problems.iter().map(|p| (place(&p.pointer), p.detail.clone())).collect(),
        request_id: request_id.to_owned(),
    };
    render_failure(&plain_context(state, request.path(), user_of(request)), &failure)
}

/// The context of a page without filters and exports.
pub(super) fn plain_context(state: &AppState, path: &str, user: Option<User>) -> PageContext {
    PageContext {
        book: state.name.clone(),
        currency: state.currency.clone(),
        path: path.to_owned(),
        section: Section::None,
        banner: state.banner(),
        user,
        ..PageContext::default()
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    layout: Layout,
    code: OutcomeCode,
    all: &'static [OutcomeCode],
}

/// `/problems/{slug}`.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/problems/{slug}", Reach::Public, |route| route.to(page))]
}

async fn page(request: HttpRequest, state: web::Data<AppState>, slug: web::Path<String>) -> Result<HttpResponse, Failed> {
    let code = OutcomeCode::from_slug(&slug)
        .ok_or_else(|| Rejection::new(OutcomeCode::NotFound, "", slug.as_str(), "is not the name of an outcome"))?;
    let context = plain_context(&state, request.path(), user_of(&request));
    let layout = Layout::new(&context, code.title(), &Basis::default());
    html(ProblemPage { layout, code, all: OutcomeCode::ALL }.render())
}

/// A rendered page as a response.
///
/// # Errors
/// [`OutcomeCode::Internal`] if the template failed.
pub fn html(rendered: Result<String, askama::Error>) -> Result<HttpResponse, Failed> {
    let body = rendered.map_err(|error| internal(&error))?;
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(body))
}

/// A failure of the program itself; the reason goes to the log, not to the caller.
pub fn internal(error: &dyn std::fmt::Display) -> Failed {
    tracing::error!(%error, "a request failed inside");
    let detail = "the log of the server says why, under this request id";
    Rejection::new(OutcomeCode::Internal, "", "", detail).into()
}
