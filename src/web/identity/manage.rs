//! The forms of administrators: persons, roles, invitations, resets, keys. Each is one command of the book, which keeps it as a proposal
//! where it asks for another administrator.

use super::{FormPage, Input};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::{PersonId, Role};
use crate::report::link;
use crate::service::identity::reset::ResetLogin;
use crate::service::keys::{KeyScope, RevokeKey};
use crate::service::people::{self, NewPerson, Person, RenamePerson, SetRole};
use crate::service::{Book, Call, Reply};
use crate::store::error::StoreError;
use crate::store::key;
use crate::web::app::AppState;
use crate::web::blocking::block;
use crate::web::problem::{Failed, internal};
use crate::web::routes::{Reach, Route};
use crate::web::session::{Fields, Signed, SignedForm, see};
use actix_web::{HttpRequest, HttpResponse, web};
use jiff::Timestamp;

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Person,
    Name,
    Role,
    Invitation,
    EndSessions,
    Reset,
    Key,
    Revocation,
}

impl Form {
    const ALL: [Self; 8] =
        [Self::Person, Self::Name, Self::Role, Self::Invitation, Self::EndSessions, Self::Reset, Self::Key, Self::Revocation];

    const fn path(self) -> &'static str {
        match self {
            Self::Person => "/people/new",
            Self::Name => "/people/{person}/name",
            Self::Role => "/people/{person}/role",
            Self::Invitation => "/people/{person}/invitation",
            Self::EndSessions => "/people/{person}/end-sessions",
            Self::Reset => "/people/{person}/reset",
            Self::Key => "/keys/new",
            Self::Revocation => "/keys/revocation",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Person => "Make a person known",
            Self::Name => "Change the name",
            Self::Role => "Give or take a role",
            Self::Invitation => "Invite to set a login up",
            Self::EndSessions => "End all sessions",
            Self::Reset => "Reset the login",
            Self::Key => "Make a key",
            Self::Revocation => "Revoke a key",
        }
    }

    const fn about(self) -> &'static str {
        match self {
            Self::Person => "A natural person. Without a role a person can do nothing and sees nothing of the book.",
            Self::Name => {
                "The login name stays, and with it who somebody is: a new name lets nobody approve what they have asked for. It asks for \
                 another administrator where the book is under four eyes."
            }
            Self::Role => {
                "All sessions of the person end with it. To give a role asks for another administrator where the book is under four eyes; \
                 to take one never waits."
            }
            Self::Invitation => "You get an address that is good once and for 24 hours; one made before is worthless then.",
            Self::EndSessions => "The person has to log in again, everywhere. Nothing else changes.",
            Self::Reset => {
                "For somebody who has lost the device or the password. Password, second factor, recovery codes, links and sessions are \
                 worthless then, and the person can be invited anew."
            }
            Self::Key => "For a program. The key is shown once; only its hash is kept.",
            Self::Revocation => "Requests with it are refused from the next one on. It does not come back.",
        }
    }
}

/// The addresses.
pub(super) fn routes() -> Vec<Route> {
    let of = |form: Form| {
        let shows = move |request, state, signed| page(request, state, signed, form);
        let does = move |request, state, sent| answer(request, state, sent, form);
        let reach = Reach::Roles(&[Role::Administrator]);
        [
            Route::get(form.path(), reach, move |route| route.to(shows)),
            Route::post(form.path(), reach, move |route| route.to(does)),
        ]
    };
    Form::ALL.into_iter().flat_map(of).collect()
}

/// What a form is drawn from.
struct Drawn {
    /// Whom it is about.
    person: Option<Person>,
    /// Login names and names of all persons.
    persons: Vec<(String, String)>,
    /// Keys that are not revoked.
    keys: Vec<(String, String)>,
}

async fn drawn(request: &HttpRequest, state: &web::Data<AppState>) -> Result<Drawn, Failed> {
    let part = request.match_info().get("person").map(str::to_owned);
    let book = state.book.clone();
    let found = block(move || {
        let (all, keys, revoked) = book.read(|conn| Ok((people::all(conn)?, key::all(conn)?, key::revocations(conn)?)))?;
        let person = match part {
            None => None,
            Some(part) => {
                let missing = || Rejection::new(OutcomeCode::NotFound, "", &part, "there is no person of this number");
                let id = part.parse().map(PersonId).map_err(|_| missing())?;
                Some(all.iter().find(|person| person.id == id).cloned().ok_or_else(missing)?)
            }
        };
        let live = keys.into_iter().filter(|key| !revoked.iter().any(|one| one.key_id == key.id));
        Ok::<_, StoreError>(Drawn {
            person,
            persons: all
                .into_iter()
                .map(|person| (person.login.clone(), format!("{} ({})", person.name, person.login)))
                .collect(),
            keys: live.map(|key| (key.name.clone(), format!("{} ({})", key.name, key.scope))).collect(),
        })
    });
    Ok(found.await.map_err(|error| internal(&error))??)
}

impl Form {
    fn inputs(self, drawn: &Drawn, sent: &Fields) -> Vec<Input> {
        let reason = || Input::text("reason", "Reason", "off").filled(sent.get("reason"));
        let pair = |value: &str, words: &str| (value.to_owned(), words.to_owned());
        match self {
            Self::Person => vec![
                Input::text("login", "Login name", "off").filled(sent.get("login")).hint("Never changed and never used again."),
                Input::text("name", "Name", "off").filled(sent.get("name")),
            ],
            Self::Name => vec![Input::text("name", "Name", "off").filled(sent.get("name")), reason()],
            Self::Role => {
                let all = Role::ALL.iter().map(|role| pair(role.slug(), &format!("{role}: {}", role.about()))).collect();
                vec![
                    Input::select("role", "Role", all).filled(sent.get("role")),
                    Input::select("held", "What", vec![pair("true", "Give it"), pair("false", "Take it")])
                        .filled(sent.get("held")),
                    reason(),
                ]
            }
            Self::Invitation | Self::EndSessions => Vec::new(),
            Self::Reset => vec![reason()],
            Self::Key => {
                let scopes = vec![pair("feed", "feed: submit contributions"), pair("operate", "operate: commands and reading")];
                let mut owners = vec![pair("", "nobody")];
                owners.extend(drawn.persons.iter().cloned());
                vec![
                    Input::text("name", "Name of the program", "off").filled(sent.get("name")),
                    Input::select("scope", "Scope", scopes).filled(sent.get("scope")),
                    Input::select("owner", "Who answers for it", owners).filled(sent.get("owner")).optional(),
                    Input::text("expires", "Good until", "off")
                        .filled(sent.get("expires"))
                        .optional()
                        .hint("A moment as 2030-12-31T00:00:00Z; empty for a key that does not expire."),
                ]
            }
            Self::Revocation => vec![Input::select("name", "Key", drawn.keys.clone()).filled(sent.get("name"))],
        }
    }

    fn draw(self, request: &HttpRequest, state: &AppState, signed: &Signed, drawn: &Drawn, sent: &Fields) -> FormPage {
        let whom = drawn.person.as_ref().map(|person| format!("{} ({}). ", person.name, person.login)).unwrap_or_default();
        FormPage {
            lead: format!("{whom}{}", self.about()),
            inputs: self.inputs(drawn, sent),
            hidden: vec![("csrf", signed.csrf().to_owned()), ("key", Signed::fresh_key())],
            button: self.title(),
            links: vec![("Back".to_owned(), self.home(drawn))],
            ..FormPage::new(request, state, self.title())
        }
    }

    /// Where the form came from and leads back to.
    fn home(self, drawn: &Drawn) -> String {
        match (self, &drawn.person) {
            (Self::Key | Self::Revocation, _) => link::keys(),
            (_, Some(person)) => link::person(person.id),
            (_, None) => link::people(),
        }
    }

    fn run(self, book: &Book, call: &Call, drawn: &Drawn, sent: &Fields) -> Result<Done, StoreError> {
        let login = drawn.person.as_ref().map(|person| person.login.clone()).unwrap_or_default();
        let get = |name: &str| sent.get(name).trim().to_owned();
        match self {
            Self::Person => book.add_person(call, NewPerson { login: get("login"), name: get("name") }).and_then(Done::of),
            Self::Name => {
                let new = RenamePerson { login, name: get("name"), reason: get("reason") };
                book.give(call, new).and_then(Done::of)
            }
            Self::Role => {
                let set = SetRole { login, role: get("role"), held: get("held") == "true", reason: get("reason") };
                book.set_role(call, set).and_then(Done::of)
            }
            Self::Reset => book.reset_login(call, ResetLogin { login, reason: get("reason") }).and_then(Done::of),
            Self::EndSessions => book.end_sessions_of(call, &login).map(|_| Done::Took),
            Self::Invitation => {
                let token = book.invite(call, &login)?;
                Ok(Done::Shows(
                    format!("/invitation/{token}"),
                    "The person opens this address here within 24 hours; it is good once.",
                ))
            }
            Self::Key => new_key(book, call, sent),
            Self::Revocation => book.give(call, RevokeKey { name: get("name") }).and_then(Done::of),
        }
    }
}

fn new_key(book: &Book, call: &Call, sent: &Fields) -> Result<Done, StoreError> {
    let scope = KeyScope::from_slug(sent.get("scope"));
    let scope = scope.ok_or_else(|| Rejection::invalid("/scope", sent.get("scope"), "is not a scope; use feed or operate"))?;
    let expires: Option<Timestamp> = match sent.get("expires").trim() {
        "" => None,
        text => {
            Some(text.parse().map_err(|_| Rejection::invalid("/expires", text, "is not a moment; write 2030-12-31T00:00:00Z"))?)
        }
    };
    let owner = Some(sent.get("owner")).filter(|owner| !owner.is_empty());
    let made = book.create_key_for(call, sent.get("name").trim(), scope, expires, owner)?;
    let about = if made.waits {
        "It is good once an administrator other than you has approved it. It is shown only now; only its hash is kept."
    } else {
        "It is shown only now; only its hash is kept."
    };
    Ok(Done::Shows(made.secret, about))
}

/// What became of a form.
enum Done {
    /// It took effect.
    Took,
    /// It waits for another administrator.
    Waits(i64),
    /// Something is shown this once, with what it is.
    Shows(String, &'static str),
}

impl Done {
    fn of(reply: Reply) -> Result<Self, StoreError> {
        let body = reply.success()?.json();
        Ok(body.get("proposal").and_then(serde_json::Value::as_i64).map_or(Self::Took, Self::Waits))
    }
}

async fn page(request: HttpRequest, state: web::Data<AppState>, signed: Signed, form: Form) -> Result<HttpResponse, Failed> {
    let drawn = drawn(&request, &state).await?;
    form.draw(&request, &state, &signed, &drawn, &Fields::default()).show()
}

async fn answer(request: HttpRequest, state: web::Data<AppState>, sent: SignedForm, form: Form) -> Result<HttpResponse, Failed> {
    let SignedForm { signed, fields } = sent;
    let drawn = drawn(&request, &state).await?;
    let home = form.home(&drawn);
    let again = form.draw(&request, &state, &signed, &drawn, &fields);
    let call = signed.call(fields.get("key"));
    let book = state.book.clone();
    let done = block(move || form.run(&book, &call, &drawn, &fields)).await.map_err(|error| internal(&error))?;
    match done {
        Ok(Done::Took) => Ok(see(&home)),
        Ok(Done::Waits(proposal)) => Ok(see(&link::proposal(proposal))),
        Ok(Done::Shows(secret, about)) => FormPage {
            lead: about.to_owned(),
            codes: vec![secret],
            links: vec![("Go on".to_owned(), home)],
            ..FormPage::new(&request, &state, form.title())
        }
        .show(),
        Err(error) => again.refuse(error),
    }
}
