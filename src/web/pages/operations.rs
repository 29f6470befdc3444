//! The state of the place where the book lies, and the switch that makes it read-only.

use super::{Asked, Page};
use crate::domain::person::Role;
use crate::report::doc::{Cell, Tone};
use crate::service::doctor;
use crate::service::mode::{Mode, SetMode};
use crate::store::error::StoreError;
use crate::web::app::AppState;
use crate::web::blocking::block;
use crate::web::problem::{Failed, internal};
use crate::web::routes::{Reach, Route};
use crate::web::session::{Signed, SignedForm, see};
use crate::web::view::{Deed, Extras, Section, User};
use actix_web::{HttpResponse, web};

const PATH: &str = "/operations";
const NOW: &str = "Operations are shown as they stand now.";

/// The page.
pub(super) fn page(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let mode = Mode::of(asked.book)?;
    let mut doc = doctor::examine(asked.book.store.url(), &asked.book.clock).doc();
    doc.name = "operations".to_owned();
    doc.title = "Operations".to_owned();
    let (words, tone) = match &mode {
        Mode::Open => ("takes commands", Tone::Good),
        Mode::Started | Mode::Switched(_) => ("read-only by hand", Tone::Warn),
        Mode::Lost(_) => ("cannot be written", Tone::Bad),
    };
    if mode != Mode::Open {
        let of_checks = doc.finding.take().unwrap_or_default();
        doc.finding = Some(format!("The book takes no commands: {words}. {of_checks}"));
    }
    let mut facts = vec![("The book".to_owned(), Cell::state(words, tone))];
    match &mode {
        Mode::Switched(switch) => {
            facts.push(("Switched by".to_owned(), Cell::text(&switch.by)));
            facts.push(("Since".to_owned(), Cell::text(switch.since())));
            facts.push(("Reason".to_owned(), Cell::text(&switch.reason)));
        }
        Mode::Lost(why) => facts.push(("Because".to_owned(), Cell::text(why))),
        Mode::Open | Mode::Started => {}
    }
    let deeds = asked.user.as_ref().and_then(|user| deed(user, &mode)).into_iter().collect();
    Ok(Page { context: asked.context_of_now(Section::None, NOW), doc, extras: Extras { facts, deeds, ..Extras::default() } })
}

/// The switch, for administrators.
fn deed(user: &User, mode: &Mode) -> Option<Deed> {
    let (word, button, about) = match mode {
        Mode::Open => {
            ("read-only", "Make read-only", "Every command is refused from now on, by every server of this book. Logins go on.")
        }
        Mode::Switched(_) => ("open", "Take commands again", "Commands are taken again at once."),
        Mode::Started | Mode::Lost(_) => return None,
    };
    let hidden = [("csrf", user.csrf.clone()), ("key", Signed::fresh_key())];
    user.person.holds(&[Role::Administrator]).then(|| Deed {
        action: format!("{PATH}/{word}"),
        button: button.to_owned(),
        about: about.to_owned(),
        hidden: hidden.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        asks_reason: true,
        ends: word == "read-only",
        ..Deed::default()
    })
}

/// The addresses of the switch.
pub(super) fn routes() -> Vec<Route> {
    let of = |(word, read_only): (&str, bool)| {
        let run = move |state, form| switch(read_only, state, form);
        Route::post(format!("{PATH}/{word}"), Reach::Roles(&[Role::Administrator]), move |route| route.to(run))
    };
    [("read-only", true), ("open", false)].map(of).into_iter().collect()
}

async fn switch(read_only: bool, state: web::Data<AppState>, form: SignedForm) -> Result<HttpResponse, Failed> {
    let call = form.signed.call(form.fields.get("key"));
    let set = SetMode { read_only, reason: form.fields.get("reason").trim().to_owned() };
    let done = block(move || {
        let reply = state.book.set_mode(&call, set);
        state.watch.look(&state.book);
        reply
    });
    done.await.map_err(|error| internal(&error))??.success().map_err(StoreError::from)?;
    Ok(see(PATH))
}
