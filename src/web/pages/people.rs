//! Persons and keys, with what an administrator can do about them.

use super::{Asked, Page, missing};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::{PersonId, Role};
use crate::report::link;
use crate::service::identity::docs::{self, SEES_PEOPLE};
use crate::store::error::StoreError;
use crate::web::view::{Extras, Section};

const NOW: &str = "Persons and keys are shown as they stand now.";

impl Asked<'_> {
    /// True for an administrator at the screen.
    fn is_administrator(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.person.holds(&[Role::Administrator]))
    }
}

/// Who sees others: administrators, auditors, and everybody while nobody can log in.
fn require_sight(asked: &Asked<'_>, own: Option<PersonId>) -> Result<(), Rejection> {
    let Some(user) = &asked.user else { return Ok(()) };
    if user.person.holds(SEES_PEOPLE) || own == Some(user.person.id) {
        return Ok(());
    }
    let detail = "administrators and auditors see this; your own page is your account";
    Err(Rejection::new(OutcomeCode::Forbidden, "", "", detail))
}

fn actions(asked: &Asked<'_>, all: &[(&str, String)]) -> Vec<(String, String)> {
    let shown = if asked.is_administrator() { all } else { &[] };
    shown.iter().map(|(label, path)| ((*label).to_owned(), path.clone())).collect()
}

/// All persons.
pub(super) fn list(asked: &Asked<'_>) -> Result<Page, StoreError> {
    require_sight(asked, None)?;
    let now = asked.book.clock.now();
    let doc = asked.book.read(|conn| docs::people_doc(conn, now))?;
    let mut actions = actions(asked, &[("Make a person known", "/people/new".to_owned())]);
    actions.push(("Service keys".to_owned(), link::keys()));
    Ok(Page { context: asked.context_of_now(Section::None, NOW), doc, extras: Extras { actions, ..Extras::default() } })
}

/// One person.
pub(super) fn page(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let nobody = || missing(asked.part("person"), "there is no person of this number");
    let id = PersonId(asked.part("person").parse().map_err(|_| nobody())?);
    require_sight(asked, Some(id))?;
    let now = asked.book.clock.now();
    let found = asked.book.read(|conn| docs::person_doc(conn, id, now))?.ok_or_else(nobody)?;
    let at = |what: &str| format!("{}/{what}", link::person(id));
    let access = match found.has_login {
        true => vec![("End all sessions", at("end-sessions")), ("Reset the login", at("reset"))],
        false => vec![("Invite to set a login up", at("invitation"))],
    };
    let all: Vec<(&str, String)> =
        [("Give or take a role", at("role")), ("Change the name", at("name"))].into_iter().chain(access).collect();
    let crumbs = vec![("Persons".to_owned(), link::people())];
    let extras = Extras { crumbs, facts: found.facts, actions: actions(asked, &all), ..Extras::default() };
    Ok(Page { context: asked.context_of_now(Section::None, NOW), doc: found.doc, extras })
}

/// All keys.
pub(super) fn keys(asked: &Asked<'_>) -> Result<Page, StoreError> {
    require_sight(asked, None)?;
    let now = asked.book.clock.now();
    let doc = asked.book.read(|conn| docs::keys_doc(conn, now))?;
    let own = [("Make a key", "/keys/new".to_owned()), ("Revoke a key", "/keys/revocation".to_owned())];
    let mut actions = actions(asked, &own);
    actions.push(("Persons".to_owned(), link::people()));
    Ok(Page { context: asked.context_of_now(Section::None, NOW), doc, extras: Extras { actions, ..Extras::default() } })
}
