//! In and out: login, step-up, logout.

use super::{FormPage, Input, set_cookie};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::service::clock::random_bytes;
use crate::service::identity::totp;
use crate::web::app::AppState;
use crate::web::blocking::block;
use crate::web::problem::{Failed, internal};
use crate::web::routes::{Reach, Route};
use crate::web::session::{Fields, SESSION, Signed, SignedForm, form_token, is_own_form, own_path, see, with_next};
use actix_web::dev::Payload;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use futures_util::future::LocalBoxFuture;

/// The cookie that a form before the login is bound to.
const FORM: &str = "safu-form";
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// The addresses.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/login", Reach::Public, |route| route.to(page)),
        Route::post("/login", Reach::Public, |route| route.to(log_in)),
        Route::get("/step-up", Reach::Own, |route| route.to(step_up_page)),
        Route::post("/step-up", Reach::Own, |route| route.to(step_up)),
        Route::post("/logout", Reach::Own, |route| route.to(log_out)),
    ]
}

/// What binds a form to this browser before there is a session.
pub(super) struct Binding {
    token: String,
    is_fresh: bool,
}

impl Binding {
    pub(super) fn of(request: &HttpRequest, state: &AppState) -> Result<Self, Failed> {
        match state.site.sent(request.headers(), FORM) {
            Some(token) => Ok(Self { token, is_fresh: false }),
            None => Ok(Self { token: hex::encode(random_bytes::<32>()?), is_fresh: true }),
        }
    }

    pub(super) fn field(&self) -> (&'static str, String) {
        ("csrf", form_token(&self.token))
    }

    /// Gives the cookie to a browser that does not have it.
    pub(super) fn keep(&self, state: &AppState, mut response: HttpResponse) -> Result<HttpResponse, Failed> {
        if self.is_fresh {
            set_cookie(&mut response, &state.site.cookie(FORM, &self.token))?;
        }
        Ok(response)
    }
}

/// A form of somebody who is not logged in, checked against the cookie of its page.
pub(super) struct OutsideForm {
    pub(super) fields: Fields,
    pub(super) binding: Binding,
}

impl FromRequest for OutsideForm {
    type Error = Failed;
    type Future = LocalBoxFuture<'static, Result<Self, Failed>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let missing = || internal(&"a server without state");
            let state = request.app_data::<web::Data<AppState>>().ok_or_else(missing)?;
            let fields = Fields::read(&request, &mut payload).await?;
            let binding = Binding::of(&request, state)?;
            if !binding.is_fresh && is_own_form(&binding.token, fields.get("csrf")) {
                return Ok(Self { fields, binding });
            }
            let detail = "this form is not of a page that this browser has open; load the page again, with cookies allowed";
            Err(Rejection::new(OutcomeCode::Forbidden, "csrf", "", detail).into())
        })
    }
}

fn form(request: &HttpRequest, state: &AppState, binding: &Binding, next: &str) -> FormPage {
    FormPage {
        lead: "Your password, and the code that your device shows now.".to_owned(),
        inputs: vec![
            Input::text("login", "Login name", "username"),
            Input::password("password", "Password", "current-password"),
            Input::code("code", "Code").hint("Six digits of your device, or one of your recovery codes."),
        ],
        hidden: vec![binding.field(), ("next", own_path(next).to_owned())],
        button: "Log in",
        links: match &state.provider {
            Some(provider) => vec![(provider.config.name.clone(), with_next("/login/provider", own_path(next)))],
            None => Vec::new(),
        },
        ..FormPage::new(request, state, "Log in")
    }
}

async fn page(request: HttpRequest, state: web::Data<AppState>) -> Result<HttpResponse, Failed> {
    if !state.has_logins().await? {
        let detail = "nobody can log in to this book yet; open /setup with the token that `safu init` printed";
        return Err(Rejection::new(OutcomeCode::WrongState, "", "", detail).into());
    }
    let binding = Binding::of(&request, &state)?;
    let query =
        web::Query::<Vec<(String, String)>>::from_query(request.query_string()).map_or_else(|_| Vec::new(), |q| q.into_inner());
    let given = |name: &str| query.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let mut form = form(&request, &state, &binding, given("next"));
    if given("done") == "changed" {
        form.lead = "It is changed, and all your sessions have ended. Log in with what you have now.".to_owned();
    }
    binding.keep(&state, form.show()?)
}

async fn log_in(request: HttpRequest, state: web::Data<AppState>, sent: OutsideForm) -> Result<HttpResponse, Failed> {
    let OutsideForm { fields, binding } = sent;
    let before = state.site.sent(request.headers(), SESSION);
    let (book, visitor, given) = (state.book.clone(), state.site.visitor(&request), fields.clone());
    let proven = state
        .hashing
        .run(move || book.log_in(&visitor, given.get("login"), given.get("password"), given.get("code"), before.as_deref()));
    match proven.await? {
        Ok(token) => {
            let mut response = see(own_path(fields.get("next")));
            set_cookie(&mut response, &state.site.cookie(SESSION, &token))?;
            set_cookie(&mut response, &state.site.cookie(FORM, ""))?;
            Ok(response)
        }
        Err(error) => form(&request, &state, &binding, fields.get("next")).refuse(error),
    }
}

async fn log_out(state: web::Data<AppState>, form: SignedForm) -> Result<HttpResponse, Failed> {
    let book = state.book.clone();
    let ended = block(move || book.log_out(form.signed.session(), form.signed.visitor()));
    ended.await.map_err(|error| internal(&error))??;
    let mut response = see("/login");
    set_cookie(&mut response, &state.site.cookie(SESSION, ""))?;
    // What the browser keeps of pages, so that nobody leafs back through them.
    response.headers_mut().insert(CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\""));
    Ok(response)
}

fn step_up_form(request: &HttpRequest, state: &AppState, signed: &Signed, next: &str) -> FormPage {
    FormPage {
        lead: "What you are about to do asks for your second factor once more. It then holds for five minutes.".to_owned(),
        inputs: vec![
            Input::code("code", "Code").hint("Six digits of your device that were not used before, or a recovery code."),
        ],
        hidden: vec![("csrf", signed.csrf().to_owned()), ("next", own_path(next).to_owned())],
        button: "Go on",
        links: vec![("Back".to_owned(), own_path(next).to_owned())],
        ..FormPage::new(request, state, "Show the second factor")
    }
}

async fn step_up_page(request: HttpRequest, state: web::Data<AppState>, signed: Signed) -> Result<HttpResponse, Failed> {
    let query =
        web::Query::<Vec<(String, String)>>::from_query(request.query_string()).map_or_else(|_| Vec::new(), |q| q.into_inner());
    let next = query.iter().find(|(key, _)| key == "next").map_or("/", |(_, value)| value.as_str());
    step_up_form(&request, &state, &signed, next).show()
}

async fn step_up(request: HttpRequest, state: web::Data<AppState>, form: SignedForm) -> Result<HttpResponse, Failed> {
    let SignedForm { signed, fields } = form;
    let (book, by, code) = (state.book.clone(), signed.clone(), totp::tidied(fields.get("code")));
    let proven = block(move || book.step_up(by.session(), by.visitor(), &code));
    match proven.await.map_err(|error| internal(&error))? {
        Ok(token) => {
            let mut response = see(own_path(fields.get("next")));
            set_cookie(&mut response, &state.site.cookie(SESSION, &token))?;
            Ok(response)
        }
        Err(error) => step_up_form(&request, &state, &signed, fields.get("next")).refuse(error),
    }
}
