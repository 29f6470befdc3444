//! Separation of duties: who made and who checked what, which roles one person held together, and how many approvals were looked at
//! to say that nobody approved the own work.

use crate::report::control::{Duty, Holder, RoleSpell};
use crate::report::doc::{Basis, Cell, Column, Doc, Figure, Row, Table, Tone};
use crate::report::params::Params;
use crate::report::source::{ReportError, Source};
use crate::report::{format, link, registry};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Makes the report.
pub fn run(source: &mut dyn Source, params: &Params) -> Result<Doc, ReportError> {
    let report = registry::find("duties")?;
    let until = params.until()?;
    let duties = source.duties(until)?;
    let holders = source.holders(until)?;
    let tested: usize = duties.iter().map(|duty| duty.voices.len()).sum();
    let own = duties.iter().flat_map(|duty| &duty.voices).filter(|voice| voice.own).count();
    let pairs = role_pairs(&holders.persons);
    let together = pairs.iter().filter(|pair| pair.together).count();
    Ok(Doc {
        name: report.name.to_owned(),
        title: report.title.to_owned(),
        finding: Some(finding(tested, own, together)),
        basis: Basis { as_of: params.as_of()?, known_at: params.known_at()?, ..Basis::default() },
        figures: figures(&duties, tested, own, holders.persons.len(), together),
        tables: vec![work(&duties), partners(&duties), held(&pairs)],
        notes: vec![
            "Maker and checker are natural persons, whatever key or session they used. That they differ is refused by the product and \
             by the database; here it is counted again from what is stored."
                .to_owned(),
            "Commands that were given before the first approval terms, and those that need no approval, had one person only; the \
             audit log has them."
                .to_owned(),
        ],
        ..Doc::default()
    })
}

fn finding(tested: usize, own: usize, together: usize) -> String {
    let looked = format::how_many(i64::try_from(tested).unwrap_or(i64::MAX), "decision", "decisions");
    match (own, together) {
        (0, 0) => format!("Of {looked} none was on the own work, and nobody held roles together that exclude each other."),
        (0, _) => format!("Of {looked} none was on the own work, but roles that exclude each other were held together."),
        _ => format!("Of {looked} {own} were on the own work; run `safu verify`."),
    }
}

fn figures(duties: &[Duty], tested: usize, own: usize, persons: usize, together: usize) -> Vec<Figure> {
    let figure = |key: &str, label: &str, cell: Cell, state: Option<(&str, Tone)>| Figure {
        key: key.to_owned(),
        label: label.to_owned(),
        cell,
        state: state.map(|(word, tone)| (word.to_owned(), tone)),
        formula: None,
        parts: None,
        hint: None,
    };
    let must_be_none = |found: usize| Some(if found == 0 { ("none", Tone::Good) } else { ("must not be", Tone::Bad) });
    vec![
        figure("proposals", "Proposals", Cell::count(duties.len()).to("#duties"), None),
        figure("tested", "Decisions tested", Cell::count(tested).to("#partners"), None),
        figure("own", "Decisions on the own work", Cell::count(own).to("#duties"), must_be_none(own)),
        figure("persons", "Persons tested", Cell::count(persons).to("#roles"), None),
        figure("together", "Roles held against the rule", Cell::count(together).to("#roles"), must_be_none(together)),
    ]
}

fn work(duties: &[Duty]) -> Table {
    let row = |duty: &Duty| {
        let own = duty.voices.iter().any(|voice| voice.own);
        let voices: Vec<&str> = duty.voices.iter().map(|voice| voice.login.as_str()).collect();
        let to = link::proposal(duty.proposal);
        let entries = duty.entries.map_or_else(Cell::empty, |(first, last)| {
            let words = if first == last { first.to_string() } else { format!("{first}–{last}") };
            Cell::text(words).to(link::entry(first))
        });
        Row::body(vec![
            Cell::text(duty.proposal.to_string()).to(&to),
            Cell::text(&duty.title),
            Cell::text(&duty.maker),
            Cell::time(duty.made_at),
            Cell::text(voices.join(", ")),
            duty.voices.last().map_or_else(Cell::empty, |voice| Cell::time(voice.at)),
            Cell::text(duty.executed_by.as_deref().unwrap_or_default()),
            duty.amount.map_or_else(|| Cell::blank("not asked for"), |amount| Cell::value(amount).to(&to)),
            Cell::text(&duty.state),
            entries,
            if own { Cell::state("own work", Tone::Bad) } else { Cell::state("apart", Tone::Good) },
        ])
    };
    let columns = vec![
        Column::text("proposal", "Proposal"),
        Column::text("title", "What"),
        Column::text("maker", "Made by"),
        Column::text("made_at", "Made"),
        Column::text("checkers", "Decided by"),
        Column::text("decided_at", "Last decision"),
        Column::text("executed_by", "Carried out by"),
        Column::number("amount", "Amount"),
        Column::text("state", "State"),
        Column::text("entries", "Entries"),
        Column::text("apart", "Maker and checker"),
    ];
    let empty = "No proposal was made; proposals begin with the first approval terms (`safu approvals terms`).";
    Table::new("duties", "Who made and who checked what", columns, duties.iter().map(row).collect(), empty)
}

/// How often each person decided on the work of each other.
fn partners(duties: &[Duty]) -> Table {
    let mut found: BTreeMap<(&str, &str), (usize, Timestamp)> = BTreeMap::new();
    for duty in duties {
        for voice in &duty.voices {
            let pair = found.entry((&duty.maker, &voice.login)).or_insert((0, voice.at));
            *pair = (pair.0.saturating_add(1), pair.1.max(voice.at));
        }
    }
    let row = |((maker, checker), (times, last)): ((&str, &str), (usize, Timestamp))| {
        Row::body(vec![Cell::text(maker), Cell::text(checker), Cell::count(times).to("#duties"), Cell::time(last)])
    };
    let columns = vec![
        Column::text("maker", "Made by"),
        Column::text("checker", "Decided by"),
        Column::number("times", "Decisions"),
        Column::text("last", "Last"),
    ];
    Table::new("partners", "Who decides on whose work", columns, found.into_iter().map(row).collect(), "Nothing was decided yet.")
}

/// Two roles that exclude each other, held by one person.
struct Pair<'a> {
    person: &'a Holder,
    one: &'a RoleSpell,
    other: &'a RoleSpell,
    together: bool,
}

fn role_pairs(persons: &[Holder]) -> Vec<Pair<'_>> {
    let mut pairs = Vec::new();
    for person in persons {
        for (at, one) in person.spells.iter().enumerate() {
            for other in person.spells.iter().skip(at.saturating_add(1)).filter(|other| one.role.excludes(other.role)) {
                pairs.push(Pair { person, one, other, together: one.overlaps(other) });
            }
        }
    }
    pairs
}

fn held(pairs: &[Pair<'_>]) -> Table {
    let span = |spell: &RoleSpell| {
        let end = spell.until.as_ref().map_or_else(|| "now".to_owned(), |until| format::instant(until.at));
        format!("{} to {end}", format::instant(spell.since.at))
    };
    let row = |pair: &Pair<'_>| {
        let word =
            if pair.together { Cell::state("together", Tone::Bad) } else { Cell::state("one after the other", Tone::Neutral) };
        Row::body(vec![
            Cell::text(&pair.person.login),
            Cell::text(&pair.person.name),
            Cell::text(pair.one.role.slug()),
            Cell::text(span(pair.one)),
            Cell::text(pair.other.role.slug()),
            Cell::text(span(pair.other)),
            word,
        ])
    };
    let columns = vec![
        Column::text("login", "Login"),
        Column::text("name", "Name"),
        Column::text("role", "Role"),
        Column::text("held", "Held"),
        Column::text("other_role", "Other role"),
        Column::text("other_held", "Held"),
        Column::text("how", "How"),
    ];
    let empty = "Nobody has held two roles that exclude each other, neither together nor one after the other.";
    Table::new("roles", "Roles that exclude each other", columns, pairs.iter().map(row).collect(), empty)
}
