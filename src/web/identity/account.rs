//! A person's own login: sessions, password, second factor, recovery codes.

use super::enrol::codes_page;
use super::{Device, FormPage, Input, set_cookie};
use crate::domain::outcome::Rejection;
use crate::report::doc::Basis;
use crate::service::identity::change::Proof;
use crate::service::identity::docs::SEES_PEOPLE;
use crate::service::identity::provider::{Link, links};
use crate::service::identity::session;
use crate::service::identity::totp::Secret;
use crate::store::error::StoreError;
use crate::store::identity::{SessionRow, recovery_codes_left};
use crate::web::app::AppState;
use crate::web::blocking::block;
use crate::web::problem::{Failed, html, internal, plain_context};
use crate::web::routes::{Reach, Route};
use crate::web::session::{Fields, SESSION, Signed, SignedForm, see};
use crate::web::view::Layout;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use jiff::Timestamp;

/// The addresses.
pub(super) fn routes() -> Vec<Route> {
    let mut all = vec![
        Route::get("/account", Reach::Own, |route| route.to(page)),
        Route::post("/account/end-session", Reach::Own, |route| route.to(end_session)),
    ];
    for change in Change::ALL {
        let shows = move |request, state, signed| change_page(request, state, signed, change);
        let does = move |request, state, form| do_change(request, state, form, change);
        all.push(Route::get(change.path(), Reach::Own, move |route| route.to(shows)));
        all.push(Route::post(change.path(), Reach::Own, move |route| route.to(does)));
    }
    all
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    layout: Layout,
    signed: Signed,
    roles: String,
    codes_left: i64,
    sessions: Vec<Shown>,
    changes: Vec<(&'static str, &'static str)>,
    sees_people: bool,
    links: Vec<Link>,
    provider: Option<String>,
}

/// A session of the list.
struct Shown {
    name: String,
    from: String,
    seen: String,
    address: String,
    agent: String,
    is_here: bool,
}

impl Shown {
    fn new(row: &SessionRow, here: &SessionRow) -> Self {
        let moment = |micros| {
            let at = Timestamp::from_microsecond(micros);
            at.map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string()).unwrap_or_default()
        };
        Self {
            name: row.name(),
            from: moment(row.created_at),
            seen: moment(row.seen_at),
            address: row.address.clone(),
            agent: row.user_agent.clone(),
            is_here: row.token_hash == here.token_hash,
        }
    }
}

async fn page(request: HttpRequest, state: web::Data<AppState>, signed: Signed) -> Result<HttpResponse, Failed> {
    let (book, id) = (state.book.clone(), signed.person().id.0);
    let found = block(move || {
        let now = book.clock.now();
        book.read(|conn| Ok((session::of_person(conn, id, now)?, recovery_codes_left(conn, id)?, links(conn)?)))
    });
    let (sessions, codes_left, links) = found.await.map_err(|error| internal(&error))??;
    let context = plain_context(&state, request.path(), Some(signed.user()));
    let roles: Vec<&str> = signed.person().roles.iter().map(|role| role.slug()).collect();
    html(
        AccountPage {
            layout: Layout::new(&context, "Your account", &Basis::default()),
            roles: if roles.is_empty() { "none".to_owned() } else { roles.join(", ") },
            codes_left,
            sessions: sessions.iter().map(|row| Shown::new(row, &signed.session().session)).collect(),
            changes: Change::ALL.iter().map(|change| (change.title(), change.path())).collect(),
            sees_people: signed.person().holds(SEES_PEOPLE),
            links: links.into_iter().filter(|link| link.login == signed.person().login).collect(),
            provider: state.provider.as_ref().map(|provider| provider.config.name.clone()),
            signed,
        }
        .render(),
    )
}

async fn end_session(state: web::Data<AppState>, form: SignedForm) -> Result<HttpResponse, Failed> {
    let SignedForm { signed, fields } = form;
    let (book, name) = (state.book.clone(), fields.get("session").to_owned());
    let ended = block(move || book.end_session(signed.session(), signed.visitor(), &name));
    ended.await.map_err(|error| internal(&error))??;
    Ok(see("/account"))
}

/// What can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Password,
    SecondFactor,
    RecoveryCodes,
}

impl Change {
    const ALL: [Self; 3] = [Self::Password, Self::SecondFactor, Self::RecoveryCodes];

    const fn path(self) -> &'static str {
        match self {
            Self::Password => "/account/password",
            Self::SecondFactor => "/account/second-factor",
            Self::RecoveryCodes => "/account/recovery-codes",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Password => "Change the password",
            Self::SecondFactor => "Change the device of the second factor",
            Self::RecoveryCodes => "Make new recovery codes",
        }
    }

    fn form(self, request: &HttpRequest, state: &AppState, signed: &Signed, secret: &Secret) -> FormPage {
        let mut inputs = vec![
            Input::known_login(&signed.person().login),
            Input::password("password", "Present password", "current-password"),
            Input::code("code", "Present code").hint("Six digits that were not used before, or a recovery code."),
        ];
        let mut hidden = vec![("csrf", signed.csrf().to_owned())];
        let mut device = None;
        match self {
            Self::Password => {
                let hint = "12 characters or more, for example four words.";
                inputs.push(Input::password("new", "New password", "new-password").hint(hint));
                inputs.push(Input::password("again", "New password again", "new-password"));
            }
            Self::SecondFactor => {
                device = Some(Device::new(secret, &signed.person().login));
                hidden.push(("secret", secret.text()));
                inputs.push(Input::code("new_code", "Code that the new device shows now"));
            }
            Self::RecoveryCodes => {}
        }
        FormPage {
            lead: "All your sessions end with this, here and elsewhere; you then log in again.".to_owned(),
            device,
            inputs,
            hidden,
            button: self.title(),
            links: vec![("Back".to_owned(), "/account".to_owned())],
            ..FormPage::new(request, state, self.title())
        }
    }

    /// Makes the change; gives new recovery codes, if it made some.
    fn run(self, state: &AppState, signed: &Signed, fields: &Fields, secret: &Secret) -> Result<Vec<String>, StoreError> {
        let proof = Proof { password: fields.get("password").to_owned(), code: fields.get("code").to_owned() };
        let (book, by, from) = (&state.book, signed.session(), signed.visitor());
        match self {
            Self::Password if fields.get("new") != fields.get("again") => {
                Err(Rejection::invalid("/new_password", "", "is not the same twice").into())
            }
            Self::Password => book.change_password(by, from, &proof, fields.get("new")).map(|()| Vec::new()),
            Self::SecondFactor => {
                book.change_second_factor(by, from, &proof, secret, fields.get("new_code")).map(|()| Vec::new())
            }
            Self::RecoveryCodes => book.new_recovery_codes(by, from, &proof),
        }
    }
}

async fn change_page(
    request: HttpRequest,
    state: web::Data<AppState>,
    signed: Signed,
    change: Change,
) -> Result<HttpResponse, Failed> {
    change.form(&request, &state, &signed, &Secret::fresh()?).show()
}

async fn do_change(
    request: HttpRequest,
    state: web::Data<AppState>,
    form: SignedForm,
    change: Change,
) -> Result<HttpResponse, Failed> {
    let SignedForm { signed, fields } = form;
    let secret = match Secret::parse(fields.get("secret")) {
        Some(secret) => secret,
        None if change == Change::SecondFactor => {
            return Err(Rejection::invalid("/secret", "", "is not the one of the page; load the page again").into());
        }
        None => Secret::fresh()?,
    };
    let work = {
        let (state, signed, fields, secret) = (state.clone(), signed.clone(), fields.clone(), secret.clone());
        move || change.run(&state, &signed, &fields, &secret)
    };
    let mut response = match state.hashing.run(work).await? {
        Ok(codes) if codes.is_empty() => see("/login?done=changed"),
        Ok(codes) => {
            codes_page(&request, &state, "Your new recovery codes", &codes, ("Log in again", "/login?done=changed")).show()?
        }
        Err(error) => return change.form(&request, &state, &signed, &secret).refuse(error),
    };
    set_cookie(&mut response, &state.site.cookie(SESSION, ""))?;
    Ok(response)
}
