//! The audit log with its filters, one record of it, the checks of the chain, and the pack for auditors.

use super::{Asked, Download, PAGE_ROWS, Page};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use crate::report::doc::{Cell, Column, Doc, Row, Table};
use crate::service::audit::list::{FILTERS, Filter};
use crate::service::audit::pack::{self, Options};
use crate::service::audit::{check, docs};
use crate::store::error::StoreError;
use crate::web::app::AppState;
use crate::web::blocking::block;
use crate::web::problem::{Failed, internal};
use crate::web::routes::{Reach, Route};
use crate::web::session::{Signed, SignedForm, see};
use crate::web::view::{Choice, Deed, Extras, Field, FieldKind, PageContext, Section};
use actix_web::{HttpResponse, web};

const WHOLE: &str = "The log is shown whole; `From` and `To` filter it by the day of recording.";
/// The most lines of one page or file.
const MAX_ROWS: i64 = 1_000;
/// Where the check is asked for and its results stand.
const CHECKS: &str = "/audit/checks";
/// Who may ask for a check: everybody with a role.
const READING: &[Role] = Role::ALL;

fn crumbs() -> Vec<(String, String)> {
    vec![("Audit".to_owned(), Section::Audit.path())]
}

fn named(asked: &Asked<'_>) -> Vec<(String, String)> {
    FILTERS.iter().filter_map(|name| Some(((*name).to_owned(), asked.value(name)?.to_owned()))).collect()
}

/// The log.
pub(super) fn list(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let filters = named(asked);
    let filter = Filter::parse(&filters)?;
    let limit = match asked.value("limit") {
        None => PAGE_ROWS,
        Some(text) => {
            let wrong = || Rejection::invalid("/limit", text, format!("write a number from 1 to {MAX_ROWS}"));
            text.parse().ok().filter(|limit| (1..=MAX_ROWS).contains(limit)).ok_or_else(wrong)?
        }
    };
    let below = asked.cursor()?;
    let (doc, kinds) = asked.book.read(|conn| Ok((docs::page(conn, &filter, filters, below, limit)?, docs::kinds(conn)?)))?;
    let mut actions = vec![("Pack for auditors".to_owned(), "/audit/pack".to_owned()), ("Checks".to_owned(), CHECKS.to_owned())];
    // A page without a line has no table to go on from.
    if let Some(table) = doc.tables.first().filter(|table| table.rows.is_empty())
        && let Some(next) = &table.next
    {
        actions.insert(0, ("Look further back".to_owned(), asked.context(Section::Audit).here_with("cursor", next)));
    }
    let extras = Extras { actions, deeds: asked_check(asked), ..Extras::default() };
    Ok(Page { context: with_fields(asked.context_of_now(Section::Audit, WHOLE), &kinds), doc, extras })
}

fn with_fields(context: PageContext, kinds: &[String]) -> PageContext {
    let choice = |value: &str, label: &str| Choice { value: value.to_owned(), label: label.to_owned() };
    let all = || std::iter::once(choice("", "All"));
    let text = |example: &str| FieldKind::Text { placeholder: example.to_owned() };
    let outcomes = all().chain([choice("recorded", "Recorded"), choice("refused", "Refused")]).collect();
    let mut listed: Vec<Choice> = all().chain([choice("policy", "policy (all)")]).collect();
    listed.extend(kinds.iter().map(|kind| choice(kind, kind)));
    context
        .with_field(Field::new("from", "From", FieldKind::Date))
        .with_field(Field::new("to", "To", FieldKind::Date))
        .with_field(Field::new("period", "Month", text("YYYY-MM")))
        .with_field(Field::new("actor", "Who", text("person:paula")))
        .with_field(Field::new("kind", "Kind", FieldKind::Select { choices: listed }))
        .with_field(Field::new("outcome", "Outcome", FieldKind::Select { choices: outcomes }))
        .with_field(Field::new("subject", "About", text("number or name")))
        .with_field(Field::new("text", "Words", text("anything recorded")))
}

/// The button that asks for a check, for whoever is logged in.
fn asked_check(asked: &Asked<'_>) -> Vec<Deed> {
    let deed = |user: &crate::web::view::User| Deed {
        action: CHECKS.to_owned(),
        button: "Check the chain".to_owned(),
        about: "Replays the whole log and recomputes everything from it, in the background. Nobody waits for it.".to_owned(),
        hidden: vec![("csrf".to_owned(), user.csrf.clone()), ("key".to_owned(), Signed::fresh_key())],
        ..Deed::default()
    };
    asked.user.iter().map(deed).collect()
}

/// One record.
pub(super) fn one(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let leaf = asked.number("record")?;
    let doc = asked.book.audit_record(leaf)?;
    let extras = Extras { crumbs: crumbs(), ..Extras::default() };
    Ok(Page { context: asked.context_of_now(Section::Audit, "A record never changes."), doc, extras })
}

/// The checks.
pub(super) fn checks(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let doc = asked.book.read(|conn| check::doc(conn, Some(asked.checks)))?;
    let mut extras = Extras { crumbs: crumbs(), ..Extras::default() };
    if asked.checks.running().is_some() {
        extras.actions.push(("Look again".to_owned(), CHECKS.to_owned()));
    } else {
        extras.deeds = asked_check(asked);
    }
    Ok(Page { context: asked.context_of_now(Section::Audit, "Checks are of the book as it stood when they began."), doc, extras })
}

fn options(asked: &Asked<'_>) -> Result<Options, Rejection> {
    let text = |name: &str| asked.value(name).map(str::to_owned);
    Options::parse(&text)
}

/// What a pack has, and the way to it.
pub(super) fn take(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let row = |(name, about): &(&str, &str)| Row::body(vec![Cell::code(*name), Cell::text(*about)]);
    let columns = vec![Column::text("file", "File"), Column::text("about", "What it has")];
    let rows = pack::CONTENTS.iter().map(row).collect();
    let doc = Doc {
        name: "audit-pack".to_owned(),
        title: "Pack for auditors".to_owned(),
        finding: Some(
            "Choose the days, apply, and download: each population with its number of rows and its hash, tied to the log."
                .to_owned(),
        ),
        tables: vec![Table::new("contents", "What a pack has", columns, rows, "")],
        notes: vec![
            "The pack is for holders of the role auditor. The same days at the same size of the log give the same bytes; \
             `safu audit-pack verify` makes it again and compares."
                .to_owned(),
        ],
        ..Doc::default()
    };
    let text = |example: &str| FieldKind::Text { placeholder: example.to_owned() };
    let fields = [
        Field::new("from", "From", FieldKind::Date),
        Field::new("to", "To", FieldKind::Date),
        Field::new("backdated_days", "Back-dated: days more than", text("3")),
        Field::new("hours", "Office hours (UTC)", text("08:00-18:00")),
    ];
    let plain = PageContext { exportable: false, ..asked.context_of_now(Section::Audit, "A pack has its own days.") };
    let context = fields.into_iter().fold(plain, PageContext::with_field);
    let mut extras = Extras { crumbs: crumbs(), ..Extras::default() };
    if asked.value("from").is_some() {
        let chosen = options(asked)?;
        extras.actions.push(("Download the pack".to_owned(), chosen.address("/audit/pack.zip")));
    }
    Ok(Page { context, doc, extras })
}

/// The pack.
pub(super) fn pack(asked: &Asked<'_>) -> Result<Download, StoreError> {
    if let Some(user) = &asked.user
        && !user.person.holds(&[Role::Auditor])
    {
        let detail = "the pack is for auditors; ask somebody who holds that role";
        return Err(Rejection::new(OutcomeCode::Forbidden, "", "", detail).into());
    }
    let chosen = options(asked)?;
    Ok(Download { media: "application/zip", name: chosen.file_name(), bytes: asked.book.audit_pack_zip(&chosen)? })
}

/// What answers the button.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::post(CHECKS, Reach::Roles(READING), |route| route.to(begin))]
}

async fn begin(state: web::Data<AppState>, form: SignedForm) -> Result<HttpResponse, Failed> {
    let call = form.signed.call(form.fields.get("key"));
    let done = block(move || state.book.begin_check(&call, &state.checks)).await.map_err(|error| internal(&error))?;
    done?.success().map_err(StoreError::from)?;
    Ok(see(CHECKS))
}
