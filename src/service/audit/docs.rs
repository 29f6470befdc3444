//! The audit log as documents: pages show them, the API answers with them, the command line prints them.

use super::change::{self, Change};
use super::check;
use super::line::{self, Line, Names, Outcome};
use super::list::{self, Filter, Page};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::proof::merkle::leaf_hash;
use crate::proof::tree::Tree;
use crate::report::doc::{Basis, Cell, Column, Content, Doc, Row, Table, Tone};
use crate::report::source::Inclusion;
use crate::report::{format, link};
use crate::service::Book;
use crate::service::inclusion::inclusion;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::trail::Trace;
use crate::store::{log, request};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Characters of a change or a reason in the list; the leaf's own page has all of it.
const SHORT: usize = 200;

/// A page of the log. `filters` are the filters in force as (name, value), for the basis.
///
/// # Errors
/// The database's failure.
pub fn page(
    conn: &mut Conn,
    filter: &Filter,
    filters: Vec<(String, String)>,
    below: Option<i64>,
    limit: i64,
) -> Result<Doc, StoreError> {
    let found = list::page(conn, filter, below, limit)?;
    let rows = found.lines.iter().map(row).collect();
    let empty = "Nothing of the kind was recorded; take a filter away.";
    let mut table = Table::new("audit", "Records, the latest first", columns(), rows, empty);
    table.next = found.next.map(|next| next.to_string());
    let mut notes = vec![
        "Refusals that depend on the state of the book are kept one by one. Those for form or for want of a right are kept of persons in \
         a session and of good keys, folded by caller and kind, with how often they were met. Wrong logins are kept one by one; requests \
         without a good key, and what was refused at the terminal for its form, are not kept."
            .to_owned(),
        "Before is what was recorded last before it, whatever day it holds from.".to_owned(),
    ];
    notes.extend(cut(&found));
    let checked = check::last(conn)?;
    Ok(Doc {
        name: "audit".to_owned(),
        title: "Audit log".to_owned(),
        finding: Some(check::finding(checked.as_ref())),
        basis: Basis { filters, ..Basis::default() },
        tables: vec![table],
        notes,
        ..Doc::default()
    })
}

fn cut(page: &Page) -> Option<String> {
    let next = page.next.filter(|_| page.cut)?;
    let seen = format::how_many(i64::try_from(page.lines.len()).unwrap_or(i64::MAX), "line", "lines");
    Some(format!("This page ends at record {next}, with {seen} found so far; the next page looks further back."))
}

fn columns() -> Vec<Column> {
    vec![
        Column::text("record", "Record"),
        Column::text("at", "Recorded"),
        Column::text("actor", "Who"),
        Column::text("session", "Session"),
        Column::text("what", "What"),
        Column::text("subject", "About"),
        Column::text("change", "Before → after"),
        Column::text("outcome", "Outcome"),
        Column::text("reason", "Reason"),
        Column::text("kind", "Kind"),
        Column::text("request", "Request"),
    ]
}

fn short(text: &str) -> String {
    match text.char_indices().nth(SHORT) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Files are known by their SHA-256, which on a page is shown in part.
fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn row(line: &Line) -> Row {
    let own = link::audit(line.leaf);
    let subject = if is_hash(&line.subject) { Cell::code(&line.subject) } else { Cell::text(short(&line.subject)) };
    Row::body(vec![
        Cell::text(line.leaf.to_string()).to(&own),
        Cell::time(line.at),
        Cell::text(&line.actor),
        Cell::code(&line.session),
        Cell::text(&line.title).to(line.link.as_ref().unwrap_or(&own)),
        if line.subject.is_empty() { subject } else { subject.to(line.link.as_ref().unwrap_or(&own)) },
        Cell::text(line.change.as_ref().map(|change| short(&change.in_short())).unwrap_or_default()),
        outcome(&line.outcome),
        Cell::text(short(&line.reason)),
        Cell::code(&line.kind),
        Cell::code(&line.request),
    ])
}

fn outcome(outcome: &Outcome) -> Cell {
    match outcome {
        Outcome::Recorded => Cell::state("recorded", Tone::Good),
        Outcome::Refused(code) => Cell::state(format!("refused: {code}"), Tone::Warn),
    }
}

impl Book {
    /// One record: what it says, what it changed, the command behind it with its kept answer, and the proof that it is in the log.
    ///
    /// # Errors
    /// `NotFound`, or the database's failure.
    pub fn audit_record(&self, leaf: i64) -> Result<Doc, StoreError> {
        self.read(|conn| one(conn, &self.tree, leaf))
    }
}

fn one(conn: &mut Conn, tree: &Mutex<Tree>, leaf: i64) -> Result<Doc, StoreError> {
    let missing = || Rejection::new(OutcomeCode::NotFound, "/record", leaf, "is not a record of this log");
    let stored = log::leaf(conn, leaf)?.ok_or_else(missing)?;
    let trace = Trace::read(&stored)?;
    let names = Names::load(conn)?;
    let lines = line::read(conn, &names, &trace)?;
    let mut tables = vec![Table::new("lines", "What happened", columns(), lines.iter().map(row).collect(), "")];
    if let Some(change) = lines.first().and_then(|line| line.change.as_ref()) {
        tables.push(changed(change));
    }
    tables.push(fields("body", "What was recorded", &trace.body));
    if let Some(kept) = request::find(conn, &trace.actor, &trace.request)? {
        let content: Option<Json> = kept.content.as_ref().and_then(|content| serde_json::from_str(content).ok());
        match content {
            Some(content) => tables.push(fields("command", "The command", &content)),
            None => tables.push(hash_only(&kept.content_hash)),
        }
        let answer: Json = serde_json::from_str(&kept.response).unwrap_or(Json::Null);
        tables.push(fields("answer", &format!("The answer that was kept: {}", kept.status), &answer));
    }
    tables.push(proof(&stored.bytes, inclusion(conn, tree, leaf)?));
    Ok(Doc {
        name: format!("audit-{leaf}"),
        title: format!("Record {leaf}: {}", lines.first().map_or("", |line| line.title.as_str())),
        finding: Some(format!("{} recorded it at {}.", trace.actor, format::instant(trace.at))),
        tables,
        ..Doc::default()
    })
}

fn changed(change: &Change) -> Table {
    let rows = change.fields().into_iter().map(|(name, before, after)| {
        let side = |text: String| if text.is_empty() { Cell::blank("nothing") } else { Cell::text(text) };
        Row::body(vec![Cell::text(name), side(before), side(after)])
    });
    let columns = vec![Column::text("field", "Field"), Column::text("before", "Before"), Column::text("after", "After")];
    Table::new("change", "What it changed", columns, rows.collect(), "It says what was said before.")
}

fn two(id: &str, caption: &str, rows: Vec<Row>, empty: &str) -> Table {
    Table::new(id, caption, vec![Column::text("field", "Field"), Column::text("value", "Value")], rows, empty)
}

fn fields(id: &str, caption: &str, value: &Json) -> Table {
    let mut all = BTreeMap::new();
    change::flatten(value, "", &mut all);
    let rows = all.into_iter().map(|(name, value)| Row::body(vec![Cell::text(name), Cell::new(Content::Text(value))])).collect();
    two(id, caption, rows, "It has no fields.")
}

fn hash_only(hash: &[u8]) -> Table {
    let rows = vec![Row::body(vec![Cell::text("SHA-256"), Cell::code(hex::encode(hash))])];
    two("command", "The command, which was too long to be kept", rows, "")
}

/// The leaf's bytes, its hash and the path to the root.
fn proof(bytes: &str, found: Option<Inclusion>) -> Table {
    let mut rows = vec![
        Row::body(vec![Cell::text("Bytes"), Cell::code(bytes)]),
        Row::body(vec![Cell::text("Leaf hash"), Cell::code(hex::encode(leaf_hash(bytes.as_bytes())))]),
    ];
    if let Some(found) = found {
        rows.push(Row::body(vec![Cell::text("Log size"), Cell::text(found.size.to_string())]));
        rows.push(Row::body(vec![Cell::text("Log root"), Cell::code(hex::encode(found.root))]));
        let steps = found.path.iter().zip(1_usize..);
        rows.extend(
            steps.map(|(hash, at)| Row::body(vec![Cell::text(format!("Path, step {at}")), Cell::code(hex::encode(hash))])),
        );
    }
    two("proof", "The proof that it is in the log", rows, "")
}

/// The kinds that a form offers: the usual ones of leaves, and those of the facts that are there.
///
/// # Errors
/// The database's failure.
pub fn kinds(conn: &mut Conn) -> Result<Vec<String>, StoreError> {
    let mut all: Vec<String> = line::KINDS.iter().map(|kind| (*kind).to_owned()).collect();
    all.extend(crate::store::fact::kinds(conn)?);
    all.sort();
    all.dedup();
    Ok(all)
}
