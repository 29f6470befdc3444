//! Who calls. A key is looked up in the book once per commit of this process that is not of single events alone, and at least
//! once a second: a revocation made by this process holds from the next request on, one made by another process (the command
//! line beside the server) within a second. The look-up itself takes some 20 µs on SQLite and is skipped while nothing can have
//! changed.

use super::app::AppState;
use super::blocking::block;
use super::limits::Allowance;
use super::operation::Access;
use super::problem::Failed;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::proof::merkle::sha256;
use crate::service::keys::{self, KeyScope, ServiceAccount};
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a key that was found good is believed without a look into the book.
const BELIEVED: Duration = Duration::from_secs(1);

/// The caller of the request at hand, put into its extensions.
#[derive(Debug, Clone)]
pub(super) struct Caller(pub(super) Arc<ServiceAccount>);

/// How far the noted time of a key's last use may lag behind.
const NOTED_FOR: Duration = Duration::from_secs(60);

/// Keys that were found good, by the hash of what was presented, and when their use was noted last.
#[derive(Debug, Default)]
pub(super) struct KeyCache(Mutex<HashMap<[u8; 32], Known>>, Mutex<HashMap<i32, Duration>>);

#[derive(Debug)]
struct Known {
    account: Arc<ServiceAccount>,
    commits: u64,
    at: Duration,
}

impl KeyCache {
    fn find(&self, digest: &[u8; 32], commits: u64, now: Duration) -> Option<Arc<ServiceAccount>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(digest).filter(|k| k.commits == commits && now.saturating_sub(k.at) < BELIEVED);
        found.map(|k| Arc::clone(&k.account))
    }

    fn keep(&self, digest: [u8; 32], known: Known) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, known);
    }

    /// True once a minute and key.
    fn is_to_be_noted(&self, id: i32, now: Duration) -> bool {
        let mut noted = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.get(&id).is_some_and(|at| now.saturating_sub(*at) < NOTED_FOR) {
            return false;
        }
        noted.insert(id, now);
        true
    }

    fn forget(&self, digest: &[u8; 32]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(digest);
    }
}

/// The key in the `Authorization` header; empty if there is none or several.
fn presented(headers: &HeaderMap) -> &str {
    let mut all = headers.get_all(header::AUTHORIZATION);
    let (Some(value), None) = (all.next(), all.next()) else { return "" };
    let Some((scheme, key)) = value.to_str().ok().and_then(|text| text.split_once(' ')) else { return "" };
    if scheme.eq_ignore_ascii_case("bearer") { key.trim() } else { "" }
}

/// The account behind a key.
async fn authenticate(state: &web::Data<AppState>, key: &str) -> Result<Arc<ServiceAccount>, Failed> {
    // Read before the look-up: a commit in between makes the entry stale, never the other way round.
    let (digest, commits, at) = (sha256(key.as_bytes()), state.book.store.commits_of_book(), state.uptime());
    if let Some(account) = state.keys.find(&digest, commits, at) {
        return Ok(account);
    }
    let look_up = {
        let (state, key) = (state.clone(), key.to_owned());
        move || {
            let now = state.book.clock.now();
            state.book.read(|conn| keys::authenticate(conn, &key, now))
        }
    };
    let found = super::input::look_up(state, look_up).await;
    match found {
        Ok(account) => {
            let account = Arc::new(account);
            state.keys.keep(digest, Known { account: Arc::clone(&account), commits, at });
            note_use(state, &account);
            Ok(account)
        }
        Err(error) => {
            state.keys.forget(&digest);
            Err(error)
        }
    }
}

/// Notes at most once a minute, beside the request, that a key was used; a book that cannot be written is still read.
fn note_use(state: &web::Data<AppState>, account: &ServiceAccount) {
    let id = account.id;
    if !state.keys.is_to_be_noted(id, state.uptime()) {
        return;
    }
    let state = state.clone();
    drop(block(move || {
        if let Err(error) = state.book.note_key_use(id) {
            tracing::warn!(%error, "the use of a key could not be noted");
        }
    }));
}

/// Lets a request through to an operation if its key is good and may do that.
pub(super) async fn guard(
    request: ServiceRequest,
    next: Next<BoxBody>,
    access: Access,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let refuse = |request: ServiceRequest, failed: Failed| Ok(request.error_response(failed));
    let Some(state) = request.app_data::<web::Data<AppState>>().cloned() else {
        return refuse(request, super::problem::internal(&"a server without state"));
    };
    let key = presented(request.headers()).to_owned();
    let account = match authenticate(&state, &key).await {
        Ok(account) => account,
        Err(failed) => return refuse(request, failed),
    };
    request.extensions_mut().insert(Caller(Arc::clone(&account)));
    let allowance = match state.rates.take(account.id, state.uptime()) {
        Ok(allowance) => allowance,
        Err(allowance) => return Ok(limited(request, allowance)),
    };
    if !access.allows(account.scope) {
        return refuse(request, forbidden(account.scope, access));
    }
    let mut response = next.call(request).await?;
    if let Some(allowance) = allowance {
        tell(response.headers_mut(), allowance);
    }
    Ok(response)
}

fn forbidden(scope: KeyScope, access: Access) -> Failed {
    let detail = format!(
        "this key has the scope `{}` and the operation needs `{}`; make a key for it with `safu keys create NAME --scope {}`",
        scope.slug(),
        access.name(),
        access.example().slug(),
    );
    Rejection::new(OutcomeCode::Forbidden, "Authorization", "", detail).into()
}

fn limited(request: ServiceRequest, allowance: Allowance) -> ServiceResponse<BoxBody> {
    let detail = format!("this key may send {} requests a second; wait, or send more in one request", allowance.limit);
    let failed = Failed::from(Rejection::new(OutcomeCode::RateLimited, "", "", detail));
    let mut response = request.error_response(failed);
    tell(response.headers_mut(), allowance);
    response
}

/// The headers of the draft standard: the policy, and what is left of it.
fn tell(headers: &mut HeaderMap, allowance: Allowance) {
    let policy = format!("\"key\";q={};w=1", allowance.limit);
    let left = format!("\"key\";r={};t=1", allowance.remaining);
    for (name, text) in [("ratelimit-policy", policy), ("ratelimit", left)] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
