//! Proposals as documents: pages show them, the API answers with them, the command line prints them.

use super::preview::Preview;
use super::proposal::{self, Proposal, StepDone};
use crate::domain::approval::State;
use crate::domain::ids::EntryNo;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::PersonId;
use crate::report::doc::{Cell, Column, Content, Doc, Figure, Row, Table, Tone};
use crate::report::{format, link};
use crate::service::Book;
use crate::service::{evidence, people};
use crate::store;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use jiff::Timestamp;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// What an empty queue says.
const NOTHING: &str = "Nothing waits for a decision. What one person asks for and others must agree to comes here; \
    `safu approvals terms` says from when on and from which amount that is.";

/// Names of persons by number.
struct Names(BTreeMap<PersonId, String>);

impl Names {
    fn load(conn: &mut Conn) -> Result<Self, StoreError> {
        Ok(Self(people::all(conn)?.into_iter().map(|person| (person.id, person.name)).collect()))
    }

    fn of(&self, id: PersonId) -> &str {
        self.0.get(&id).map_or("unknown", String::as_str)
    }
}

/// The proposals before a number, latest first; those that wait stand above the rest.
///
/// # Errors
/// The database's failure.
pub fn queue(conn: &mut Conn, now: Timestamp, before: Option<i64>, limit: i64) -> Result<Doc, StoreError> {
    let names = Names::load(conn)?;
    let mut listed = proposal::list(conn, before, limit.saturating_add(1), now)?;
    let more = i64::try_from(listed.len()).is_ok_and(|found| found > limit);
    if more {
        listed.pop();
    }
    let next = listed.last().filter(|_| more).map(|last| last.id.to_string());
    let (waiting, ended): (Vec<_>, Vec<_>) = listed.into_iter().partition(|one| one.state.is_open() || one.to_ratify() > 0);
    let finding = match waiting.len() {
        0 => "Nothing waits for a decision.".to_owned(),
        1 => "One proposal waits for a decision.".to_owned(),
        many => format!("{many} proposals wait for a decision."),
    };
    let rows = |listed: &[Proposal]| listed.iter().map(|one| row(&names, one)).collect::<Result<Vec<_>, _>>();
    let mut done = Table::new("ended", "Ended", columns(), rows(&ended)?, "No proposal has ended yet.");
    done.next = next;
    Ok(Doc {
        name: "approvals".to_owned(),
        title: "Approvals".to_owned(),
        finding: Some(finding),
        tables: vec![Table::new("waiting", "Waiting", columns(), rows(&waiting)?, NOTHING), done],
        ..Doc::default()
    })
}

fn columns() -> Vec<Column> {
    vec![
        Column::number("proposal", "Number"),
        Column::text("title", "What"),
        Column::text("maker", "Made by"),
        Column::text("since", "Since"),
        Column::number("amount", "Amount"),
        Column::text("approvals", "Approvals"),
        Column::text("state", "State"),
    ]
}

fn row(names: &Names, one: &Proposal) -> Result<Row, StoreError> {
    let since = one.steps.first().map_or_else(Cell::empty, |step| Cell::time(step.at));
    let amount = amount(one).map_or_else(|| Cell::blank("not asked for yet"), |cell| cell.to(link::proposal(one.id)));
    Ok(Row::body(vec![
        Cell::count(one.id).to(link::proposal(one.id)),
        Cell::text(one.rules()?.title).to(link::proposal(one.id)),
        Cell::text(names.of(one.maker)),
        since,
        amount,
        Cell::text(voices(one)),
        state(one),
    ]))
}

fn amount(one: &Proposal) -> Option<Cell> {
    let text = &one.submission.as_ref()?.amount;
    crate::domain::amount::Value::parse(text).ok().map(Cell::value)
}

/// How far the approvals are: `1 of 3`.
fn voices(one: &Proposal) -> String {
    one.submission.as_ref().map_or_else(String::new, |asked| {
        let wanted = if one.state == State::Executed { asked.ratify } else { asked.needed };
        format!("{} of {wanted}", one.voices.len())
    })
}

fn state(one: &Proposal) -> Cell {
    if one.to_ratify() > 0 {
        return Cell::state("to be ratified", Tone::Bad);
    }
    let tone = match one.state {
        State::Submitted | State::Approved => Tone::Warn,
        State::Executed => Tone::Good,
        State::Draft | State::Withdrawn => Tone::Neutral,
        State::Rejected | State::Expired => Tone::Bad,
    };
    Cell::state(one.state.slug(), tone)
}

impl Book {
    /// A proposal with its command, what it would do now, and every step.
    ///
    /// # Errors
    /// `NotFound`, or the database's failure. A command that would be refused now is shown with that refusal.
    pub fn proposal_doc(&self, id: i64) -> Result<Doc, StoreError> {
        let now = self.clock.now();
        let (one, names, shown) = self.read(|conn| {
            let missing = || Rejection::new(OutcomeCode::NotFound, "/proposal", id, "is not a proposal of this book");
            let one = proposal::find(conn, id, now)?.ok_or_else(missing)?;
            let shown = shown_by(conn, &one)?;
            Ok((one, Names::load(conn)?, shown))
        })?;
        let preview = if one.state.is_open() { Some(self.preview(id)) } else { None };
        let mut doc = match preview {
            Some(Err(StoreError::Rejected(refusal))) => document(&one, &names, None, Some(&refusal)),
            Some(Err(error)) => Err(error),
            Some(Ok(preview)) => document(&one, &names, Some(&preview), None),
            None => document(&one, &names, None, None),
        }?;
        doc.tables.extend(shown);
        Ok(doc)
    }
}

/// The files that show a proposal: those its command names, and those attached to it.
fn shown_by(conn: &mut Conn, one: &Proposal) -> Result<Option<Table>, StoreError> {
    let mut files = Vec::new();
    let named = one.command.get("evidence").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    for hash in named.iter().filter_map(Json::as_str) {
        // A draft may name what is not there; its preview says so.
        files.extend(store::evidence::find(conn, hash)?.map(|file| (file, "Part of the command".to_owned())));
    }
    let attached = evidence::of(conn, &format!("proposal/{}", one.id))?;
    files.extend(attached.into_iter().map(|(file, attachment)| (file, attachment.note)));
    let rows = files.iter().map(|(file, note)| (file, note.as_str()));
    Ok((!files.is_empty()).then(|| evidence::table("evidence", "Evidence", rows, "")))
}

/// What a command that is still being written would do, as tables.
pub fn rehearsal_tables(preview: &Preview) -> Vec<Table> {
    vec![effect(preview), fields("would", "What it would record now", &preview.did)]
}

fn document(one: &Proposal, names: &Names, preview: Option<&Preview>, refusal: Option<&Rejection>) -> Result<Doc, StoreError> {
    let rules = one.rules()?;
    let mut tables = vec![fields("command", "The command", &one.command)];
    let mut notes = vec![format!("An approval binds to exactly this command: SHA-256 {}.", one.hash)];
    if let Some(preview) = preview {
        tables.push(effect(preview));
        tables.push(fields("would", "What it would record now", &preview.did));
    }
    if let Some(refusal) = refusal {
        notes.push(format!("It would be refused now: {refusal}"));
    }
    tables.push(steps(&one.steps, names));
    if let Some((reason, until)) = one.submission.as_ref().and_then(|asked| asked.emergency.clone()) {
        notes.push(format!("An emergency: {reason}. To be ratified until {}.", format::instant(until)));
    }
    Ok(Doc {
        name: format!("approval-{}", one.id),
        title: format!("Proposal {}: {}", one.id, rules.title),
        finding: Some(finding(one, names)),
        figures: figures(one),
        tables,
        notes,
        ..Doc::default()
    })
}

fn finding(one: &Proposal, names: &Names) -> String {
    let maker = names.of(one.maker);
    match one.state {
        State::Draft => format!("{maker} keeps it as a draft and has not asked for approval."),
        State::Submitted => format!("{maker} asks for it; {} more must agree.", one.missing()),
        State::Approved => "It has its approvals and waits to be carried out.".to_owned(),
        State::Executed if one.to_ratify() > 0 => {
            format!("It took effect in an emergency; {} more must ratify it.", one.to_ratify())
        }
        State::Executed => format!("{maker} proposed it and {} agreed; it took effect.", agreed(one, names)),
        State::Rejected => "It was refused and will not take effect.".to_owned(),
        State::Withdrawn => format!("{maker} took it back."),
        State::Expired => "Its time ran out before it took effect.".to_owned(),
    }
}

fn agreed(one: &Proposal, names: &Names) -> String {
    let all: Vec<&str> = one.voices.iter().map(|person| names.of(*person)).collect();
    all.join(", ")
}

fn figures(one: &Proposal) -> Vec<Figure> {
    let mut figures = vec![Figure::new("state", "State", state(one))];
    if let Some(asked) = &one.submission {
        figures.push(Figure::new("approvals", "Approvals", Cell::text(voices(one))));
        if let Some(amount) = amount(one) {
            figures.push(Figure::new("amount", "Books (debits)", amount.to("#would")));
        }
        if one.state.is_open() {
            figures.push(Figure::new("expires_at", "Waits until", Cell::text(format::instant(asked.expires_at))));
        }
    }
    if let Some((first, last)) = one.entries() {
        let no = EntryNo(first);
        let cell = if first == last { Cell::entry(no) } else { Cell::text(format!("{first}–{last}")).to(link::entry(no)) };
        figures.push(Figure::new("entries", "Entries", cell));
    }
    figures
}

/// The coverage figures before and after, those that change first.
fn effect(preview: &Preview) -> Table {
    let mut rows: Vec<(bool, Row)> = Vec::new();
    for before in &preview.before.figures {
        let Some(after) = preview.after.figures.iter().find(|figure| figure.key == before.key) else { continue };
        let same = before.cell.content == after.cell.content;
        let word = if same { Cell::text("unchanged") } else { Cell::state("changes", Tone::Warn) };
        let cells = vec![Cell::text(before.label.clone()), before.cell.clone(), Cell::new(after.cell.content.clone()), word];
        rows.push((same, Row::body(cells)));
    }
    rows.sort_by_key(|(same, _)| *same);
    let columns = vec![
        Column::text("figure", "Figure"),
        Column::number("before", "Before"),
        Column::number("after", "After"),
        Column::text("change", "Change"),
    ];
    let rows = rows.into_iter().map(|(_, row)| row).collect();
    Table::new("effect", "Fund and coverage before and after", columns, rows, "The book has no coverage figures yet.")
}

fn steps(steps: &[StepDone], names: &Names) -> Table {
    let rows = steps.iter().map(|step| {
        let reason = step.content.get("reason").and_then(Json::as_str).unwrap_or_default();
        Row::body(vec![
            Cell::count(i64::from(step.no)),
            Cell::text(step.step.slug()),
            Cell::text(names.of(step.person)),
            Cell::time(step.at),
            Cell::count(i64::from(step.revision)),
            Cell::text(reason),
        ])
    });
    let columns = vec![
        Column::number("no", "Step"),
        Column::text("step", "What"),
        Column::text("person", "Who"),
        Column::text("at", "When"),
        Column::number("revision", "Revision"),
        Column::text("reason", "Reason"),
    ];
    Table::new("steps", "What happened so far", columns, rows.collect(), "Nothing yet.")
}

/// A JSON value as a table of its fields, nested ones by their path.
fn fields(id: &str, caption: &str, value: &Json) -> Table {
    let mut rows = Vec::new();
    flatten(value, "", &mut rows);
    let columns = vec![Column::text("field", "Field"), Column::text("value", "Value")];
    Table::new(id, caption, columns, rows, "It has no fields.")
}

fn flatten(value: &Json, path: &str, rows: &mut Vec<Row>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path} {name}") };
    match value {
        Json::Object(fields) => fields.iter().for_each(|(name, field)| flatten(field, &below(&name.replace('_', " ")), rows)),
        Json::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| flatten(item, &below(&at.saturating_add(1).to_string()), rows));
        }
        Json::Null => {}
        Json::String(text) => rows.push(Row::body(vec![Cell::text(path), Cell::new(Content::Text(text.clone()))])),
        other => rows.push(Row::body(vec![Cell::text(path), Cell::text(other.to_string())])),
    }
}
