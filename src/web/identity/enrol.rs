//! Setting a login up with a one-time token: the first administrator at `/setup`, everybody else at `/invitation/TOKEN`.

use super::login::{Binding, OutsideForm};
use super::{Device, FormPage, Input, set_cookie};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::service::identity::invite::{Enrolment, Invited, invited};
use crate::service::identity::totp::{Secret, in_groups};
use crate::web::app::AppState;
use crate::web::blocking::block;
use crate::web::problem::{Failed, internal};
use crate::web::routes::{Reach, Route};
use crate::web::session::{Fields, SESSION};
use actix_web::{HttpRequest, HttpResponse, web};

/// The addresses.
pub(super) fn routes() -> Vec<Route> {
    let of = |path| {
        [Route::get(path, Reach::Public, |route| route.to(page)), Route::post(path, Reach::Public, |route| route.to(enrol))]
    };
    ["/setup", "/invitation/{token}"].into_iter().flat_map(of).collect()
}

/// Who is being set up.
async fn guest(state: &web::Data<AppState>, token: &str) -> Result<Invited, Failed> {
    let (state, token) = (state.clone(), token.to_owned());
    let found = block(move || {
        let now = state.book.clock.now();
        state.book.read(|conn| invited(conn, &token, now))
    });
    Ok(found.await.map_err(|error| internal(&error))??)
}

/// The form. The secret of the second factor goes along in it, so that nothing is kept before everything is right.
fn form(request: &HttpRequest, state: &AppState, binding: &Binding, who: &Invited, secret: &Secret, sent: &Fields) -> FormPage {
    let mut inputs = Vec::new();
    let login = match who {
        Invited::FirstAdministrator => {
            inputs.push(Input::text("token", "Setup token", "off").hint("As safu init printed it."));
            inputs.push(Input::text("login", "Login name", "username").filled(sent.get("login")));
            inputs.push(Input::text("name", "Your name", "name").filled(sent.get("name")));
            "administrator"
        }
        Invited::Person(login) => {
            inputs.push(Input::known_login(login));
            login.as_str()
        }
    };
    inputs.push(Input::password("password", "Password", "new-password").hint("12 characters or more, for example four words."));
    inputs.push(Input::password("again", "Password again", "new-password"));
    inputs.push(Input::code("code", "Code that your device shows now"));
    let lead = match who {
        Invited::FirstAdministrator => {
            "You become the first administrator of this book: you keep persons, roles and keys, and move no money. \
             From then on every page asks for a login."
                .to_owned()
        }
        Invited::Person(login) => {
            format!("You set up the login of {login}. Choose a password, and let your device read the picture.")
        }
    };
    FormPage {
        lead,
        device: Some(Device::new(secret, login)),
        inputs,
        hidden: vec![binding.field(), ("secret", secret.text())],
        button: "Set up",
        ..FormPage::new(request, state, "Set up a login")
    }
}

async fn page(request: HttpRequest, state: web::Data<AppState>) -> Result<HttpResponse, Failed> {
    let who = match request.match_info().get("token") {
        Some(token) => guest(&state, token).await?,
        None if state.has_logins().await? => {
            let detail = "this book is set up; log in, or ask an administrator for an invitation";
            return Err(Rejection::new(OutcomeCode::WrongState, "", "", detail).into());
        }
        None => Invited::FirstAdministrator,
    };
    let binding = Binding::of(&request, &state)?;
    let shown = form(&request, &state, &binding, &who, &Secret::fresh()?, &Fields::default()).show()?;
    binding.keep(&state, shown)
}

async fn enrol(request: HttpRequest, state: web::Data<AppState>, sent: OutsideForm) -> Result<HttpResponse, Failed> {
    let OutsideForm { fields, binding } = sent;
    let token = request.match_info().get("token").unwrap_or_else(|| fields.get("token").trim()).to_owned();
    let who = match request.match_info().get("token") {
        Some(token) => guest(&state, token).await?,
        None => Invited::FirstAdministrator,
    };
    let broken = || Failed::from(Rejection::invalid("/secret", "", "is not the one of the page; load the page again"));
    let secret = Secret::parse(fields.get("secret")).ok_or_else(broken)?;
    let refused = form(&request, &state, &binding, &who, &secret, &fields);
    if fields.get("password") != fields.get("again") {
        return refused.refuse(Rejection::invalid("/password", "", "is not the same twice").into());
    }
    let chosen = Enrolment {
        login: fields.get("login").trim().to_owned(),
        name: fields.get("name").trim().to_owned(),
        password: fields.get("password").to_owned(),
        secret,
        code: fields.get("code").to_owned(),
    };
    let (book, visitor) = (state.book.clone(), state.site.visitor(&request));
    let done = match state.hashing.run(move || book.enrol(&visitor, &token, chosen)).await? {
        Ok(done) => done,
        Err(error) => return refused.refuse(error),
    };
    let mut response = codes_page(&request, &state, "Your login is set up", &done.recovery_codes, ("Go on", "/")).show()?;
    set_cookie(&mut response, &state.site.cookie(SESSION, &done.token))?;
    Ok(response)
}

/// Recovery codes, shown this once.
pub(super) fn codes_page(
    request: &HttpRequest,
    state: &AppState,
    title: &str,
    codes: &[String],
    (label, next): (&'static str, &str),
) -> FormPage {
    FormPage {
        lead: "Write these recovery codes down and keep them where your device is not. Each lets you in once without it. \
               They are shown only now."
            .to_owned(),
        codes: codes.iter().map(|code| in_groups(code)).collect(),
        links: vec![(label.to_owned(), next.to_owned())],
        ..FormPage::new(request, state, title)
    }
}
