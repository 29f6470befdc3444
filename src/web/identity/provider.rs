//! Login by an identity provider: authorization code with PKCE. What was asked for goes along sealed in a cookie, so that an answer is
//! taken by the browser that asked and by no other, whichever server it meets.

use super::login::{Binding, OutsideForm};
use super::{FormPage, Input, set_cookie};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::proof::merkle::sha256;
use crate::service::clock::random_bytes;
use crate::service::identity::id_token::Identity;
use crate::service::identity::totp;
use crate::web::app::AppState;
use crate::web::blocking::block;
use crate::web::oidc::{Provider, Request};
use crate::web::problem::{Failed, internal};
use crate::web::routes::{Reach, Route};
use crate::web::session::{SESSION, Signed, SignedForm, own_path, see};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// The cookie of a login that was begun.
const FLOW: &str = "safu-provider";
/// How long the person may take at the provider, in seconds.
const FLOW_LASTS: i64 = 600;
/// How long the provider's answer waits for the code or for the word that ends it, in seconds.
const ANSWER_LASTS: i64 = 300;
const CALLBACK: &str = "/login/provider/callback";

/// The addresses.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/login/provider", Reach::Public, |route| route.to(begin_login)),
        Route::post("/login/provider", Reach::Public, |route| route.to(finish_login)),
        Route::get(CALLBACK, Reach::Public, |route| route.to(callback)),
        Route::get("/account/provider", Reach::Own, |route| route.to(begin_link)),
        Route::post("/account/provider", Reach::Own, |route| route.to(finish_link)),
        Route::post("/account/provider/unlink", Reach::Own, |route| route.to(unlink)),
    ]
}

/// What was asked for.
#[derive(Serialize, Deserialize)]
struct Flow {
    state: String,
    nonce: String,
    verifier: String,
    redirect: String,
    next: String,
    links: bool,
    at: i64,
}

/// Whom the provider has named, until it is known what for.
#[derive(Serialize, Deserialize)]
struct Named {
    issuer: String,
    subject: String,
    next: String,
    at: i64,
}

impl Named {
    fn identity(self) -> Identity {
        Identity { issuer: self.issuer, subject: self.subject, methods: Vec::new(), class: None }
    }
}

fn seal(state: &AppState, about: &str, what: &impl Serialize) -> Result<String, Failed> {
    let text = serde_json::to_vec(what).map_err(|error| internal(&error))?;
    Ok(hex::encode(state.book.secrets.seal(about, &text)?))
}

fn unseal<T: DeserializeOwned>(state: &AppState, about: &str, sealed: &str) -> Option<T> {
    let text = state.book.secrets.open(about, &hex::decode(sealed).ok()?).ok()?;
    serde_json::from_slice(&text).ok()
}

const ASKED: &str = "login that was begun at the provider";

/// Bound to the cookie of the form, so that it is worth nothing in another browser.
fn named_for(form: &str) -> String {
    format!("answer of the provider for the form {form}")
}

fn provider(state: &AppState) -> Result<Arc<Provider>, Failed> {
    let detail = "this server has no identity provider; log in with your password";
    let missing = || Rejection::new(OutcomeCode::NotFound, "", "", detail);
    Ok(state.provider.clone().ok_or_else(missing)?)
}

fn expired() -> Failed {
    let detail = "this login was begun in another browser, or too long ago; begin again on the login page";
    Rejection::new(OutcomeCode::Forbidden, "state", "", detail).into()
}

fn query_of(request: &HttpRequest) -> Vec<(String, String)> {
    web::Query::from_query(request.query_string()).map_or_else(|_| Vec::new(), web::Query::into_inner)
}

/// A parameter that is given once.
fn given<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut all = query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
    match (all.next(), all.next()) {
        (Some(value), None) => Some(value),
        _ => None,
    }
}

async fn begin_login(request: HttpRequest, state: web::Data<AppState>) -> Result<HttpResponse, Failed> {
    let query = query_of(&request);
    begin(&request, state, own_path(given(&query, "next").unwrap_or("/")), false).await
}

async fn begin_link(request: HttpRequest, state: web::Data<AppState>, signed: Signed) -> Result<HttpResponse, Failed> {
    provider(&state)?;
    if !signed.stepped_up() {
        return Ok(see(&Signed::step_up_address(request.path())));
    }
    begin(&request, state, "/account", true).await
}

/// Sends the browser to the provider, with what its answer will be compared with.
async fn begin(request: &HttpRequest, state: web::Data<AppState>, next: &str, links: bool) -> Result<HttpResponse, Failed> {
    let provider = provider(&state)?;
    let fresh = || Ok::<_, Failed>(URL_SAFE_NO_PAD.encode(random_bytes::<32>()?));
    let flow = Flow {
        state: fresh()?,
        nonce: fresh()?,
        verifier: fresh()?,
        redirect: format!("{}{CALLBACK}", state.site.origin(request)),
        next: next.to_owned(),
        links,
        at: state.book.clock.now().as_second(),
    };
    let cookie = state.site.cookie(FLOW, &seal(&state, ASKED, &flow)?);
    let challenge = URL_SAFE_NO_PAD.encode(sha256(flow.verifier.as_bytes()));
    let uptime = state.uptime();
    let turn = state.provider_turn(&provider)?;
    let asks = Arc::clone(&provider);
    let asked = block(move || {
        let asked = Request { redirect: &flow.redirect, state: &flow.state, nonce: &flow.nonce, challenge: &challenge };
        asks.address(uptime, &asked)
    });
    let address = asked.await.map_err(|error| internal(&error))?;
    drop(turn);
    let mut response = HttpResponse::SeeOther().insert_header((header::LOCATION, address?)).finish();
    set_cookie(&mut response, &cookie)?;
    Ok(response)
}

/// The provider's answer.
async fn callback(request: HttpRequest, state: web::Data<AppState>, signed: Option<Signed>) -> Result<HttpResponse, Failed> {
    let provider = provider(&state)?;
    let query = query_of(&request);
    let flow = asked_here(&request, &state, &query)?;
    if given(&query, "iss").is_some_and(|issuer| issuer != provider.config.issuer) {
        return Err(expired());
    }
    let Some(code) = given(&query, "code").map(str::to_owned) else {
        let detail = format!("{} did not log you in; begin again, or log in with your password", provider.config.name);
        return Err(Rejection::new(OutcomeCode::Unauthenticated, "", "", detail).into());
    };
    let (now, uptime) = (state.book.clock.now(), state.uptime());
    let turn = state.provider_turn(&provider)?;
    let (asks, next, links) = (Arc::clone(&provider), flow.next.clone(), flow.links);
    let heard = block(move || asks.identity((now, uptime), (&code, &flow.verifier, &flow.redirect), &flow.nonce)).await;
    drop(turn);
    let who = heard.map_err(|error| internal(&error))??;
    let mut response = match (links, signed) {
        (true, Some(signed)) => link_form(&request, &state, &signed, who)?,
        (true, None) => return Err(expired()),
        (false, _) if provider.config.is_enough(&who) => enter(&request, &state, who, None, &next).await?,
        (false, _) => code_form(&request, &state, who, &next)?,
    };
    set_cookie(&mut response, &state.site.cookie(FLOW, ""))?;
    Ok(response)
}

/// The login that this browser began, if the answer is to it.
fn asked_here(request: &HttpRequest, state: &AppState, query: &[(String, String)]) -> Result<Flow, Failed> {
    let cookie = state.site.sent(request.headers(), FLOW).ok_or_else(expired)?;
    let flow: Flow = unseal(state, ASKED, &cookie).ok_or_else(expired)?;
    let is_same: bool = given(query, "state").unwrap_or_default().as_bytes().ct_eq(flow.state.as_bytes()).into();
    let age = state.book.clock.now().as_second().saturating_sub(flow.at);
    if is_same && (0..FLOW_LASTS).contains(&age) { Ok(flow) } else { Err(expired()) }
}

fn named(state: &AppState, who: Identity, next: &str, form: &str) -> Result<String, Failed> {
    let at = state.book.clock.now().as_second();
    let named = Named { issuer: who.issuer, subject: who.subject, next: next.to_owned(), at };
    seal(state, &named_for(form), &named)
}

fn named_here(state: &AppState, sealed: &str, form: &str) -> Result<Named, Failed> {
    let named: Named = unseal(state, &named_for(form), sealed).ok_or_else(expired)?;
    let age = state.book.clock.now().as_second().saturating_sub(named.at);
    if (0..ANSWER_LASTS).contains(&age) { Ok(named) } else { Err(expired()) }
}

/// Asks for the own second factor.
fn code_form(request: &HttpRequest, state: &AppState, who: Identity, next: &str) -> Result<HttpResponse, Failed> {
    let binding = Binding::of(request, state)?;
    let (field, form) = binding.field();
    let sealed = named(state, who, next, &form)?;
    binding.keep(state, code_page(request, state, vec![(field, form), ("answer", sealed)]).show()?)
}

fn code_page(request: &HttpRequest, state: &AppState, hidden: Vec<(&'static str, String)>) -> FormPage {
    FormPage {
        lead: "Your provider knows you. Show your second factor too.".to_owned(),
        inputs: vec![Input::code("code", "Code").hint("Six digits of your device, or one of your recovery codes.")],
        hidden,
        action: "/login/provider".to_owned(),
        button: "Log in",
        links: vec![("Log in with a password".to_owned(), "/login".to_owned())],
        ..FormPage::new(request, state, "Log in")
    }
}

async fn finish_login(request: HttpRequest, state: web::Data<AppState>, sent: OutsideForm) -> Result<HttpResponse, Failed> {
    let OutsideForm { fields, binding } = sent;
    let (field, form) = binding.field();
    let named = named_here(&state, fields.get("answer"), &form)?;
    let next = named.next.clone();
    match enter(&request, &state, named.identity(), Some(totp::tidied(fields.get("code"))), &next).await {
        Err(Failed(rejection)) if rejection.code.status() < 500 => {
            let hidden = vec![(field, form), ("answer", fields.get("answer").to_owned())];
            code_page(&request, &state, hidden).refuse(rejection.into())
        }
        other => other,
    }
}

/// Opens the session.
async fn enter(
    request: &HttpRequest,
    state: &web::Data<AppState>,
    who: Identity,
    code: Option<String>,
    next: &str,
) -> Result<HttpResponse, Failed> {
    let before = state.site.sent(request.headers(), SESSION);
    let (book, visitor) = (state.book.clone(), state.site.visitor(request));
    let opened = block(move || book.log_in_by_provider(&visitor, &who, code.as_deref(), before.as_deref()));
    let token = opened.await.map_err(|error| internal(&error))??;
    let mut response = see(own_path(next));
    set_cookie(&mut response, &state.site.cookie(SESSION, &token))?;
    Ok(response)
}

/// Asks the person to say that this is who he is at the provider: a link that somebody else put into the browser is not enough.
fn link_form(request: &HttpRequest, state: &AppState, signed: &Signed, who: Identity) -> Result<HttpResponse, Failed> {
    let lead = format!(
        "At {} you are {:?}. With this link you can log in there instead of with your password. All your sessions end with it.",
        who.issuer, who.subject
    );
    let answer = named(state, who, "/account", signed.csrf())?;
    FormPage {
        lead,
        hidden: vec![("csrf", signed.csrf().to_owned()), ("answer", answer)],
        action: "/account/provider".to_owned(),
        button: "Link it to my account",
        links: vec![("Back".to_owned(), "/account".to_owned())],
        ..FormPage::new(request, state, "Link your identity")
    }
    .show()
}

async fn finish_link(state: web::Data<AppState>, form: SignedForm) -> Result<HttpResponse, Failed> {
    let SignedForm { signed, fields } = form;
    let named = named_here(&state, fields.get("answer"), signed.csrf())?;
    change(state, signed, (named.issuer, named.subject), true).await
}

async fn unlink(state: web::Data<AppState>, form: SignedForm) -> Result<HttpResponse, Failed> {
    let SignedForm { signed, fields } = form;
    let who = (fields.get("issuer").to_owned(), fields.get("subject").to_owned());
    change(state, signed, who, false).await
}

async fn change(state: web::Data<AppState>, signed: Signed, who: (String, String), held: bool) -> Result<HttpResponse, Failed> {
    let book = state.book.clone();
    let done = block(move || book.link_own(signed.session(), signed.visitor(), (&who.0, &who.1), held));
    done.await.map_err(|error| internal(&error))??;
    let mut response = see("/login?done=changed");
    set_cookie(&mut response, &state.site.cookie(SESSION, ""))?;
    Ok(response)
}
