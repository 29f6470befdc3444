//! The pages on which a person proves who he is, and keeps what he proves it with. They work without JavaScript, and no GET of them
//! changes anything.

mod account;
mod enrol;
mod login;
mod manage;
mod provider;

use super::app::AppState;
use super::problem::{self, Failed, html, plain_context};
use super::routes::Route;
use super::session::user_of;
use super::view::Layout;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::report::doc::Basis;
use crate::service::identity::totp::Secret;
use crate::store::error::StoreError;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use qrcode::{Color, EcLevel, QrCode};

/// The pages.
pub(super) fn routes() -> Vec<Route> {
    [login::routes(), provider::routes(), manage::routes(), enrol::routes(), account::routes()].into_iter().flatten().collect()
}

/// A page with one form.
#[derive(Template)]
#[template(path = "identity_form.html")]
struct FormPage {
    layout: Layout,
    lead: String,
    problems: Vec<String>,
    device: Option<Device>,
    codes: Vec<String>,
    inputs: Vec<Input>,
    hidden: Vec<(&'static str, String)>,
    action: String,
    button: &'static str,
    links: Vec<(String, String)>,
}

/// A field that is filled in by hand.
struct Input {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    kind: &'static str,
    autocomplete: &'static str,
    value: String,
    /// Value and words of each, where one is chosen.
    choices: Vec<(String, String)>,
    is_required: bool,
    /// True for what is shown and not asked for.
    is_fixed: bool,
}

impl Input {
    fn text(name: &'static str, label: &'static str, autocomplete: &'static str) -> Self {
        let (value, choices) = (String::new(), Vec::new());
        Self { name, label, hint: "", kind: "text", autocomplete, value, choices, is_required: true, is_fixed: false }
    }

    /// One of several, the first unless another is filled in.
    fn select(name: &'static str, label: &'static str, choices: Vec<(String, String)>) -> Self {
        Self { choices, ..Self::text(name, label, "off") }
    }

    /// The login name, for those who keep passwords by it.
    fn known_login(login: &str) -> Self {
        Self { is_fixed: true, ..Self::text("username", "Login name", "username").filled(login) }
    }

    fn optional(self) -> Self {
        Self { is_required: false, ..self }
    }

    fn password(name: &'static str, label: &'static str, autocomplete: &'static str) -> Self {
        Self { kind: "password", ..Self::text(name, label, autocomplete) }
    }

    fn code(name: &'static str, label: &'static str) -> Self {
        Self::text(name, label, "one-time-code")
    }

    fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    fn filled(self, value: &str) -> Self {
        Self { value: value.to_owned(), ..self }
    }
}

/// What an authenticator is told, as a picture and as text.
struct Device {
    /// Side of the picture in modules, with its margin.
    side: usize,
    /// The dark modules as an SVG path.
    path: String,
    secret: String,
    uri: String,
}

impl Device {
    fn new(secret: &Secret, login: &str) -> Self {
        let uri = secret.uri(login);
        let (side, path) = picture(&uri).unwrap_or_default();
        Self { side, path, secret: secret.text(), uri }
    }
}

/// A QR code as the path of its dark modules, with the margin of four that readers need.
fn picture(text: &str) -> Option<(usize, String)> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (at, color) in code.into_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (at.checked_rem(width)?.saturating_add(4), at.checked_div(width)?.saturating_add(4));
            path.push_str(&format!("M{x} {y}h1v1h-1z"));
        }
    }
    Some((width.saturating_add(8), path))
}

impl FormPage {
    fn new(request: &HttpRequest, state: &AppState, title: &str) -> Self {
        let user = user_of(request);
        let mut context = plain_context(state, request.path(), user);
        context.is_outside = context.user.is_none();
        Self {
            layout: Layout::new(&context, title, &Basis::default()),
            lead: String::new(),
            problems: Vec::new(),
            device: None,
            codes: Vec::new(),
            inputs: Vec::new(),
            hidden: Vec::new(),
            // The form of a page answers at its own address.
            action: request.path().to_owned(),
            button: "",
            links: Vec::new(),
        }
    }

    /// The page as a response.
    fn show(&self) -> Result<HttpResponse, Failed> {
        html(self.render())
    }

    /// The page with what was wrong; a failure of the server itself stays one.
    fn refuse(mut self, error: StoreError) -> Result<HttpResponse, Failed> {
        let rejection = error.into_rejection();
        if rejection.code.status() >= 500 {
            return Err(rejection.into());
        }
        let place = |pointer: &str| pointer.trim_start_matches('/').replace('_', " ");
        let said = |p: &crate::domain::outcome::Problem| format!("{} {}", place(&p.pointer), p.detail).trim().to_owned();
        self.problems = rejection.problems.iter().map(said).collect();
        let mut response = self.show()?;
        *response.status_mut() = StatusCode::from_u16(rejection.code.status()).map_err(|error| problem::internal(&error))?;
        if let Some(value) = retry_after(&rejection) {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        Ok(response)
    }
}

/// The seconds to wait, for an attempt that came too soon.
fn retry_after(rejection: &Rejection) -> Option<HeaderValue> {
    let first = rejection.problems.first().filter(|_| rejection.code == OutcomeCode::RateLimited)?;
    HeaderValue::from_str(&first.value).ok()
}

/// Adds a cookie to a response.
fn set_cookie(response: &mut HttpResponse, cookie: &str) -> Result<(), Failed> {
    let value = HeaderValue::from_str(cookie).map_err(|error| problem::internal(&error))?;
    response.headers_mut().append(header::SET_COOKIE, value);
    Ok(())
}
