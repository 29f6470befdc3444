//! User access review: every person with the roles held and who gave them, and every key, for somebody to go through and sign.

use crate::report::control::{HeldKey, Holder, Holders};
use crate::report::doc::{Basis, Cell, Column, Doc, Figure, Row, Table, Tone};
use crate::report::params::Params;
use crate::report::registry;
use crate::report::source::{ReportError, Source};
use jiff::Timestamp;

/// Makes the report.
pub fn run(source: &mut dyn Source, params: &Params) -> Result<Doc, ReportError> {
    let report = registry::find("access-review")?;
    let until = params.until()?;
    let holders = source.holders(until)?;
    let moment = until.or(source.facts().known_at);
    Ok(Doc {
        name: report.name.to_owned(),
        title: report.title.to_owned(),
        finding: Some(finding(&holders)),
        basis: Basis { as_of: params.as_of()?, known_at: params.known_at()?, ..Basis::default() },
        figures: figures(&holders),
        tables: vec![roles(&holders.persons), keys(&holders, moment), past(&holders.persons)],
        notes: vec![
            "To sign off: go through each row with whoever the person reports to, take away what is not needed any more (`safu users`, \
             `safu keys revoke`), make this report again, and keep the file with the name of the reviewer and the date. Compare it with \
             the last review by its as-of day."
                .to_owned(),
            format!(
                "The last command of a key is looked for in the latest {} records of the log; reading leaves no record.",
                crate::report::format::count(holders.looked_back)
            ),
        ],
        ..Doc::default()
    })
}

fn open(person: &Holder) -> usize {
    person.spells.iter().filter(|spell| spell.until.is_none()).count()
}

fn finding(holders: &Holders) -> String {
    let with = holders.persons.iter().filter(|person| open(person) > 0).count();
    let keys = holders.keys.iter().filter(|key| key.revoked.is_none()).count();
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let people = crate::report::format::how_many(count(with), "person holds a role", "persons hold roles");
    let keys = crate::report::format::how_many(count(keys), "key is", "keys are");
    format!("{people}, and {keys} not revoked.")
}

fn figures(holders: &Holders) -> Vec<Figure> {
    let figure = |key: &str, label: &str, count: usize, to: &str| Figure {
        key: key.to_owned(),
        label: label.to_owned(),
        cell: Cell::count(count).to(to),
        state: None,
        formula: None,
        parts: None,
        hint: None,
    };
    let never = holders.persons.iter().filter(|person| open(person) > 0 && person.last_login.is_none()).count();
    vec![
        figure("persons", "Persons", holders.persons.len(), "#roles"),
        figure("roles", "Roles held", holders.persons.iter().map(open).sum(), "#roles"),
        figure("never", "With a role, never logged in", never, "#roles"),
        figure("keys", "Keys not revoked", holders.keys.iter().filter(|key| key.revoked.is_none()).count(), "#keys"),
    ]
}

fn login_cell(at: Option<Timestamp>) -> Cell {
    at.map_or_else(|| Cell::blank("never"), Cell::time)
}

fn roles(persons: &[Holder]) -> Table {
    let mut rows = Vec::new();
    for person in persons {
        let who = || [Cell::text(&person.login), Cell::text(&person.name)];
        let mut held = person.spells.iter().filter(|spell| spell.until.is_none()).peekable();
        if held.peek().is_none() {
            let none = [Cell::text("no role"), Cell::time(person.since.at), Cell::text(&person.since.by), Cell::empty()];
            rows.push(Row::body(who().into_iter().chain(none).chain([login_cell(person.last_login)]).collect()));
        }
        for spell in held {
            let role = [
                Cell::text(spell.role.slug()),
                Cell::time(spell.since.at),
                Cell::text(&spell.since.by),
                Cell::text(&spell.reason),
                login_cell(person.last_login),
            ];
            rows.push(Row::body(who().into_iter().chain(role).collect()));
        }
    }
    let columns = vec![
        Column::text("login", "Login"),
        Column::text("name", "Name"),
        Column::text("role", "Role"),
        Column::text("since", "Since"),
        Column::text("given_by", "Given by"),
        Column::text("reason", "Reason"),
        Column::text("last_login", "Last login"),
    ];
    Table::new("roles", "Persons and the roles they hold", columns, rows, "No person is known; add one with `safu users add`.")
}

fn keys(holders: &Holders, moment: Option<Timestamp>) -> Table {
    let state = |key: &HeldKey| match (&key.revoked, key.expires_at) {
        (Some(_), _) => Cell::state("revoked", Tone::Neutral),
        (None, Some(at)) if moment.is_some_and(|now| at <= now) => Cell::state("expired", Tone::Neutral),
        (None, None) => Cell::state("never expires", Tone::Warn),
        (None, Some(_)) => Cell::state("live", Tone::Good),
    };
    let row = |key: &HeldKey| {
        Row::body(vec![
            Cell::text(&key.name),
            Cell::text(&key.scope),
            key.owner.as_ref().map_or_else(|| Cell::blank("nobody"), Cell::text),
            Cell::time(key.since.at),
            Cell::text(&key.since.by),
            key.expires_at.map_or_else(|| Cell::blank("never"), Cell::time),
            key.revoked.as_ref().map_or_else(Cell::empty, |revoked| Cell::time(revoked.at)),
            key.last_command.map_or_else(|| Cell::blank("none found"), Cell::time),
            state(key),
        ])
    };
    let columns = vec![
        Column::text("key", "Key"),
        Column::text("scope", "Scope"),
        Column::text("owner", "Answered for by"),
        Column::text("since", "Made"),
        Column::text("made_by", "Made by"),
        Column::text("expires", "Expires"),
        Column::text("revoked", "Revoked"),
        Column::text("last_command", "Last command"),
        Column::text("state", "State"),
    ];
    let rows = holders.keys.iter().map(row).collect();
    Table::new("keys", "Keys", columns, rows, "There is no key; make one with `safu keys create`.")
}

/// Roles that were held and taken away.
fn past(persons: &[Holder]) -> Table {
    let mut rows = Vec::new();
    for person in persons {
        for spell in &person.spells {
            let Some(until) = &spell.until else { continue };
            rows.push(Row::body(vec![
                Cell::text(&person.login),
                Cell::text(spell.role.slug()),
                Cell::time(spell.since.at),
                Cell::text(&spell.since.by),
                Cell::time(until.at),
                Cell::text(&until.by),
            ]));
        }
    }
    let columns = vec![
        Column::text("login", "Login"),
        Column::text("role", "Role"),
        Column::text("since", "Since"),
        Column::text("given_by", "Given by"),
        Column::text("until", "Until"),
        Column::text("taken_by", "Taken by"),
    ];
    Table::new("past", "Roles that were taken away", columns, rows, "No role was ever taken away.")
}
