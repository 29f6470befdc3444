//! Who looks at pages. Everything but a short list of public addresses asks for a session once anybody can log in; until then pages
//! are open, and say so. [`Signed`] is what a page of persons works with, [`SignedForm`] what answers their forms: it has checked
//! that the form came from a page of this session.

use super::app::AppState;
use super::auth::Caller;
use super::blocking::block;
use super::limits;
use super::problem::{self, Failed};
use super::routes::Reach;
use super::view::User;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use crate::service::Call;
use crate::service::clock::fresh_id;
use crate::service::identity::{SignedIn, Visitor, keyed_hash, session};
use crate::service::people::Person;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use futures_util::future::LocalBoxFuture;
use jiff::Timestamp;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// Bytes of a form.
const FORM_BYTES: usize = 256 << 10;
/// Time for a form to arrive.
const FORM_TIME: Duration = Duration::from_secs(30);

/// How browsers reach the server.
#[derive(Debug, Clone, Default)]
pub(super) struct Site {
    /// `https://safu.example`, if it was said; the server itself speaks plain HTTP.
    origin: Option<String>,
}

impl Site {
    pub(super) const fn new(origin: Option<String>) -> Self {
        Self { origin }
    }

    /// True where browsers come over HTTPS, through a proxy of the operator's.
    pub(super) fn is_secure(&self) -> bool {
        self.origin.as_deref().is_some_and(|origin| origin.starts_with("https://"))
    }

    /// The full name of a cookie. Without HTTPS a browser would refuse the prefix.
    pub(super) fn cookie_name(&self, name: &str) -> String {
        if self.is_secure() { format!("__Host-{name}") } else { name.to_owned() }
    }

    /// A cookie for the whole site and this browser window's life; an empty value takes it away.
    pub(super) fn cookie(&self, name: &str, value: &str) -> String {
        let secure = if self.is_secure() { "; Secure" } else { "" };
        let ends = if value.is_empty() { "; Max-Age=0" } else { "" };
        format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{ends}", self.cookie_name(name))
    }

    /// The value of a cookie; nothing if it is sent twice, because one of them is somebody else's.
    pub(super) fn sent(&self, headers: &HeaderMap, name: &str) -> Option<String> {
        let wanted = self.cookie_name(name);
        let all = headers.get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
        let pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut found = pairs.filter(|(key, value)| *key == wanted && !value.is_empty()).map(|(_, value)| value);
        match (found.next(), found.next()) {
            (Some(value), None) => Some(value.to_owned()),
            _ => None,
        }
    }

    /// Where a request comes from. Behind the operator's proxy that is what the proxy says last.
    pub(super) fn visitor(&self, request: &HttpRequest) -> Visitor {
        let text = |name: header::HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
        let told = || request.headers().get_all("x-forwarded-for").last()?.to_str().ok()?.rsplit(',').next().map(str::trim);
        let forwarded = if self.is_secure() { told() } else { None };
        let peer = || request.peer_addr().map(|address| address.ip().to_string());
        Visitor {
            address: forwarded.map(str::to_owned).or_else(peer).unwrap_or_default(),
            user_agent: text(header::USER_AGENT).unwrap_or_default().to_owned(),
        }
    }

    /// What browsers call the site.
    pub(super) fn origin(&self, request: &HttpRequest) -> String {
        let host = || request.headers().get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
        self.origin.clone().unwrap_or_else(|| format!("http://{}", host()))
    }

    /// Refuses a form that a browser says comes from elsewhere.
    fn check_source(&self, headers: &HeaderMap) -> Result<(), Failed> {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
        let site = text("sec-fetch-site").is_none_or(|site| ["same-origin", "none"].contains(&site));
        let own = match &self.origin {
            Some(origin) => origin.clone(),
            None => format!("http://{}", text("host").unwrap_or_default()),
        };
        if site && text("origin").is_none_or(|origin| origin == own) {
            return Ok(());
        }
        let detail = "this form did not come from a page of this site; open the page here and try again. Behind a proxy, \
                      --public-origin says what the site is called";
        Err(Rejection::new(OutcomeCode::Forbidden, "Origin", text("origin").unwrap_or_default(), detail).into())
    }
}

/// The cookie of the session.
pub(super) const SESSION: &str = "safu";

/// Addresses that need no session: the API asks for keys, and the rest shows nothing of the book.
fn is_public(path: &str) -> bool {
    ["/api/v", "/assets/", "/invitation/", "/login/", "/problems/"].iter().any(|start| path.starts_with(start))
        || ["/favicon.ico", "/livez", "/readyz", "/metrics", "/login", "/setup"].contains(&path)
}

fn no_role() -> Failed {
    let detail = "you hold no role in this book; an administrator gives you one, and /account shows what you hold";
    Rejection::new(OutcomeCode::Forbidden, "", "", detail).into()
}

fn not_for(person: &Person, wanted: &[Role]) -> Failed {
    let wanted: Vec<&str> = wanted.iter().map(|role| role.slug()).collect();
    let detail = format!("{} does not hold the role this needs: {}", person.login, wanted.join(" or "));
    Rejection::new(OutcomeCode::Forbidden, "", "", detail).into()
}

/// The session at hand, in the extensions of the request.
#[derive(Debug, Clone)]
struct Here {
    signed: Arc<SignedIn>,
    token: String,
}

/// The middleware.
pub(super) async fn gate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(state) = request.app_data::<web::Data<AppState>>().cloned() else {
        return Ok(request.error_response(problem::internal(&"a server without state")));
    };
    let path = request.path().to_owned();
    if path.starts_with("/api/v") {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    if !reads && let Err(failed) = state.site.check_source(request.headers()) {
        return Ok(request.error_response(failed));
    }
    match look_up(&state, request.headers()).await {
        Ok(Some(here)) => {
            state.note_login();
            request.extensions_mut().insert(here);
        }
        Ok(None) if !is_public(&path) => match state.has_logins().await {
            Ok(false) => {}
            Ok(true) => {
                let response = to_login(reads, &path, request.query_string());
                return Ok(request.into_response(response));
            }
            Err(failed) => return Ok(request.error_response(failed)),
        },
        Ok(None) => {}
        Err(failed) => return Ok(request.error_response(failed)),
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

/// The check of one line of the table of addresses, in front of its handler. Whoever has no session was turned away by the gate,
/// unless the address is public or nobody can log in yet.
pub(super) async fn admit(request: ServiceRequest, next: Next<BoxBody>, reach: Reach) -> Result<ServiceResponse<BoxBody>, Error> {
    let here = request.extensions().get::<Here>().cloned();
    let refused = match (reach, here.as_ref().map(|here| &here.signed.person)) {
        (Reach::Public | Reach::Key(_), _) | (Reach::Readers, None) | (Reach::Own, Some(_)) => None,
        (Reach::Own | Reach::Roles(_), None) => Some(nobody()),
        (Reach::Readers, Some(person)) => person.roles.is_empty().then(no_role),
        (Reach::Roles(wanted), Some(person)) => (!person.holds(wanted)).then(|| not_for(person, wanted)),
    };
    match refused {
        Some(failed) => Ok(request.error_response(failed)),
        None => next.call(request).await,
    }
}

/// The session whose token the browser sent, if it holds.
async fn look_up(state: &web::Data<AppState>, headers: &HeaderMap) -> Result<Option<Here>, Failed> {
    let Some(token) = state.site.sent(headers, SESSION) else { return Ok(None) };
    let find = {
        let (state, token) = (state.clone(), token.clone());
        move || {
            let now = state.book.clock.now();
            let found = state.book.read(|conn| session::find(conn, &token, now))?;
            // A book that cannot be written is still read.
            if let Some(signed) = &found
                && let Err(error) = state.book.touch_session(signed)
            {
                tracing::warn!(%error, "a session could not be marked as used");
            }
            Ok::<_, crate::store::error::StoreError>(found)
        }
    };
    let found = block(find).await.map_err(|error| problem::internal(&error))??;
    Ok(found.map(|signed| Here { signed: Arc::new(signed), token }))
}

/// To the login, and from there back to what was asked for.
fn to_login(reads: bool, path: &str, query: &str) -> HttpResponse {
    let back = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let target = if reads && back != "/" { with_next("/login", &back) } else { "/login".to_owned() };
    see(&target)
}

/// A redirect after which the browser asks with GET.
pub(super) fn see(target: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, target)).finish()
}

/// An address that leads on to `next`.
pub(super) fn with_next(address: &str, next: &str) -> String {
    use std::fmt::Write;
    let mut target = format!("{address}?next=");
    for byte in next.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            target.push(char::from(byte));
        } else {
            let _ = write!(target, "%{byte:02X}");
        }
    }
    target
}

/// Where to go next, if that is a page of this site; else the first page. Browsers read `//` and `/\` as another site.
pub(super) fn own_path(next: &str) -> &str {
    let other = next.starts_with("//") || next.contains('\\') || next.chars().any(char::is_control);
    if next.starts_with('/') && !other { next } else { "/" }
}

/// The person of the session at hand, for the head of a page.
pub(super) fn user_of(request: &HttpRequest) -> Option<User> {
    Signed::of(request).ok().map(|(signed, _)| signed.user())
}

/// The actor of whoever has neither key nor session.
pub(super) const NOBODY: &str = "nobody";

/// Who asks, as the log names actors; `nobody` for who has neither key nor session.
pub(super) fn actor_of(request: &HttpRequest) -> String {
    let extensions = request.extensions();
    if let Some(caller) = extensions.get::<Caller>() {
        return format!("key:{}", caller.0.name);
    }
    extensions.get::<Here>().map_or_else(|| NOBODY.to_owned(), |here| format!("person:{}", here.signed.person.login))
}

/// Short name of the session at hand, where a person is in one.
pub(super) fn session_of(request: &HttpRequest) -> Option<String> {
    request.extensions().get::<Here>().map(|here| here.signed.session.name())
}

/// What a form of this session carries. It is bound to the token, which no other site can read.
fn csrf_of(token: &str) -> String {
    keyed_hash(token.as_bytes(), "form")
}

/// True where a form carries what the cookie's token asks for.
pub(super) fn is_own_form(token: &str, csrf: &str) -> bool {
    csrf_of(token).as_bytes().ct_eq(csrf.as_bytes()).into()
}

/// What the login form carries, which there is no session for yet; bound to a cookie of its own.
pub(super) fn form_token(token: &str) -> String {
    csrf_of(token)
}

/// A person in a session that holds: the extractor of every page for persons. Without a session the request is refused; in a book
/// that nobody can log in to, too.
#[derive(Debug, Clone)]
pub struct Signed {
    signed: Arc<SignedIn>,
    visitor: Visitor,
    csrf: String,
    now: Timestamp,
}

impl Signed {
    /// Who, with the roles held now.
    pub fn person(&self) -> &Person {
        &self.signed.person
    }

    /// The session.
    pub fn session(&self) -> &SignedIn {
        &self.signed
    }

    /// Where the request comes from.
    pub const fn visitor(&self) -> &Visitor {
        &self.visitor
    }

    /// The value of the field `csrf` that every form carries.
    pub fn csrf(&self) -> &str {
        &self.csrf
    }

    /// For the head of a page ([`super::view::PageContext::user`]).
    pub fn user(&self) -> User {
        User {
            name: self.person().name.clone(),
            csrf: self.csrf.clone(),
            person: self.person().clone(),
            stepped_up: self.stepped_up(),
        }
    }

    /// True while the last step-up holds; approving needs it.
    pub fn stepped_up(&self) -> bool {
        self.signed.stepped_up(self.now)
    }

    /// The address of the step-up page that leads back to `path` (with its query).
    pub fn step_up_address(path: &str) -> String {
        with_next("/step-up", path)
    }

    /// The actor, as the log names it.
    pub fn actor(&self) -> String {
        format!("person:{}", self.person().login)
    }

    /// The call of this person under the idempotency key of a form ([`Signed::fresh_key`] made it when the form was drawn).
    pub fn call(&self, key: &str) -> Call {
        // The key says of which session it is, for the audit log; an empty one stays empty and is refused.
        let key = if key.is_empty() { String::new() } else { format!("{}.{key}", self.signed.session.name()) };
        Call::keyed(self.actor(), key).by(self.person().id, self.stepped_up())
    }

    /// An idempotency key for a form that is being drawn: sent twice, it is recorded once.
    pub fn fresh_key() -> String {
        fresh_id()
    }

    /// The session of a request, with the token of its cookie.
    pub(super) fn of(request: &HttpRequest) -> Result<(Self, String), Failed> {
        let state = request.app_data::<web::Data<AppState>>().ok_or_else(|| problem::internal(&"a server without state"))?;
        let here = request.extensions().get::<Here>().cloned().ok_or_else(nobody)?;
        let signed = Self {
            visitor: state.site.visitor(request),
            csrf: csrf_of(&here.token),
            now: state.book.clock.now(),
            signed: here.signed,
        };
        Ok((signed, here.token))
    }
}

fn nobody() -> Failed {
    let detail = "this page is for persons who are logged in; if nobody can log in to this book yet, open /setup with the token that \
                  `safu init` printed (`safu users setup` prints another)";
    Rejection::new(OutcomeCode::Unauthenticated, "", "", detail).into()
}

impl FromRequest for Signed {
    type Error = Failed;
    type Future = Ready<Result<Self, Failed>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request).map(|(signed, _)| signed))
    }
}

/// The fields of a form.
#[derive(Clone, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads a body as browsers send forms.
    ///
    /// # Errors
    /// `UnsupportedMediaType`, `BodyTooLarge`, `Malformed`.
    pub(super) async fn read(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Failed> {
        if !request.content_type().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            let detail = "send it as the form of the page does";
            let found = request.content_type();
            return Err(Rejection::new(OutcomeCode::UnsupportedMediaType, "Content-Type", found, detail).into());
        }
        let read = limits::read_body(payload, None, FORM_BYTES);
        let body = tokio::time::timeout(FORM_TIME, read).await.map_err(|error| limits::broken_body(&error))??;
        let unreadable = || Failed::from(Rejection::new(OutcomeCode::Malformed, "", "", "the form cannot be read"));
        let text = std::str::from_utf8(&body).map_err(|_| unreadable())?;
        let fields = web::Query::<Vec<(String, String)>>::from_query(text).map_err(|_| unreadable())?;
        Ok(Self(fields.into_inner()))
    }

    /// Fields that were read in another way.
    pub(super) const fn of(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    /// The values of all fields of a name, in their order.
    pub(super) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of a field; empty if it is not there.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// A form of a page of this session.
pub(super) struct SignedForm {
    /// Who sent it.
    pub(super) signed: Signed,
    /// What it holds.
    pub(super) fields: Fields,
}

impl FromRequest for SignedForm {
    type Error = Failed;
    type Future = LocalBoxFuture<'static, Result<Self, Failed>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let (signed, token) = Signed::of(&request)?;
            let fields = Fields::read(&request, &mut payload).await?;
            if is_own_form(&token, fields.get("csrf")) {
                return Ok(Self { signed, fields });
            }
            let detail = "this form is not of your present session; load the page again and repeat what you did";
            Err(Rejection::new(OutcomeCode::Forbidden, "csrf", "", detail).into())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (header::HeaderName::from_static(k), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn only_paths_of_this_site_are_gone_to() {
        for own in ["/", "/approvals/7?x=1", "/a//b"] {
            assert_eq!(own_path(own), own);
        }
        for other in ["", "//evil.example", "/\\evil.example", "https://evil.example", "javascript:1", "/\t/evil", "evil"] {
            assert_eq!(own_path(other), "/", "{other}");
        }
        assert_eq!(with_next("/login", "/a?b=c&d"), "/login?next=/a%3Fb%3Dc%26d");
    }

    #[test]
    fn cookies_are_of_this_host_over_https_only() {
        let (plain, secure) = (Site::default(), Site::new(Some("https://safu.example".to_owned())));
        assert_eq!(plain.cookie(SESSION, "t"), "safu=t; Path=/; HttpOnly; SameSite=Lax");
        assert_eq!(secure.cookie(SESSION, "t"), "__Host-safu=t; Path=/; HttpOnly; SameSite=Lax; Secure");
        assert!(secure.cookie(SESSION, "").ends_with("; Max-Age=0"));
        assert_eq!(secure.sent(&headers(&[("cookie", "a=b; __Host-safu=t; safu=u")]), SESSION).as_deref(), Some("t"));
        assert_eq!(plain.sent(&headers(&[("cookie", "safu=t; safu=u")]), SESSION), None, "one of them is forged");
    }

    #[test]
    fn a_form_from_elsewhere_is_refused() {
        let (plain, secure) = (Site::default(), Site::new(Some("https://safu.example".to_owned())));
        let host = ("host", "127.0.0.1:8080");
        assert!(
            plain.check_source(&headers(&[host, ("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "same-origin")])).is_ok()
        );
        assert!(plain.check_source(&headers(&[host])).is_ok(), "programs send neither");
        assert!(secure.check_source(&headers(&[host, ("origin", "https://safu.example")])).is_ok());
        for (name, value) in [
            ("origin", "http://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert!(plain.check_source(&headers(&[host, (name, value)])).is_err(), "{name} {value}");
            assert!(secure.check_source(&headers(&[host, (name, value)])).is_err(), "{name} {value}");
        }
    }

    #[test]
    fn a_form_is_bound_to_its_token() {
        assert!(is_own_form("a", &csrf_of("a")));
        assert!(!is_own_form("a", &csrf_of("b")));
        assert!(!is_own_form("a", ""));
    }
}
