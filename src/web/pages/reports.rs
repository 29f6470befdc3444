//! Reports of the registry as pages: the list of them, each by its name, and those that have an address of their own.

use super::{Asked, Page, prices};
use crate::domain::event::Event;
use crate::report::doc::{Cell, Column, Doc, Row, RowKind, Table};
use crate::report::link;
use crate::report::registry::{self, Group, ParamDef, ParamKind, REPORTS, ReportDef};
use crate::service::entries::PREPARE;
use crate::service::refs::Refs;
use crate::store::error::StoreError;
use crate::web::view::{Choice, Extras, Field, FieldKind, PageContext, Section};

/// The first page.
pub(super) fn dashboard(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let mut page = of(asked, "dashboard", Section::Dashboard, None)?;
    if asked.value("as_of").or(asked.value("known_at")).is_none() {
        page.doc.figures.extend(asked.book.read(crate::service::reconciliation::docs::headline)?);
    }
    if let Some(steps) = super::first_steps::first_steps(asked)? {
        page.doc.tables.insert(0, steps);
    }
    Ok(page)
}

/// The list of all reports.
pub(super) fn index(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let mut rows = Vec::new();
    for group in Group::ALL {
        let listed = REPORTS.iter().filter(|report| report.group == group && report.is_listed());
        let row = |report: &ReportDef| Row::body(vec![Cell::text(report.title).to(address(report)), Cell::text(report.about)]);
        let own: Vec<Row> = listed.map(row).collect();
        if !own.is_empty() {
            rows.push(Row::of(RowKind::Group, vec![Cell::text(group.title()), Cell::empty()]));
            rows.extend(own);
        }
    }
    let columns = vec![Column::text("report", "Report"), Column::text("about", "What it answers")];
    let list = Table::new("reports", "All reports", columns, rows, "There are no reports.");
    let doc = Doc {
        name: "reports".to_owned(),
        title: "Reports".to_owned(),
        finding: Some(
            "Each can be asked as of any day and as it was known at any moment; filters stay when you move on.".to_owned(),
        ),
        tables: vec![list],
        ..Doc::default()
    };
    Ok(Page { context: context(asked, Section::Reports), doc, extras: Extras::default() })
}

/// The address of a report: some have a page of their own.
fn address(report: &ReportDef) -> String {
    match report.name {
        "dashboard" => Section::Dashboard.path(),
        "journal" => Section::Journal.path(),
        "prices" => Section::Prices.path(),
        name => link::report(name),
    }
}

/// A report by its name.
pub(super) fn page(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let name = asked.part("name");
    let section = if name.starts_with("coverage") { Section::Coverage } else { Section::Reports };
    let mut page = of(asked, name, section, None)?;
    if section == Section::Reports {
        page.extras.crumbs = vec![("Reports".to_owned(), Section::Reports.path())];
    }
    Ok(page)
}

/// Entries.
pub(super) fn journal(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let mut page = of(asked, "journal", Section::Journal, None)?;
    if asked.user.as_ref().is_some_and(|user| user.person.holds(PREPARE)) {
        page.extras.actions.push(("New entry".to_owned(), "/entries/new".to_owned()));
    }
    page.extras.actions.push(("Evidence".to_owned(), "/evidence".to_owned()));
    Ok(page)
}

/// One account.
pub(super) fn account(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let mut page = of(asked, "account", Section::Journal, Some("account"))?;
    page.extras.crumbs = vec![("Journal".to_owned(), Section::Journal.path())];
    Ok(page)
}

/// All price sets.
pub(super) fn price_sets(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let mut page = of(asked, "prices", Section::Prices, None)?;
    prices::add_governance(asked, &mut page)?;
    Ok(page)
}

/// One price set.
pub(super) fn price_set(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let mut page = of(asked, "price-set", Section::Prices, Some("day"))?;
    page.extras.crumbs = vec![("Prices".to_owned(), Section::Prices.path())];
    prices::add_to_set(asked, &mut page)?;
    Ok(page)
}

/// A context with as-of and known-at.
pub(super) fn context(asked: &Asked<'_>, section: Section) -> PageContext {
    PageContext {
        banner: asked.banner.clone(),
        user: asked.user.clone(),
        ..PageContext::report(asked.name, asked.currency, asked.path, asked.query.clone(), section)
    }
}

/// The report with a form of its parameters; the `subject` is one that the address has already.
pub(super) fn of(asked: &Asked<'_>, name: &str, section: Section, subject: Option<&str>) -> Result<Page, StoreError> {
    let report = registry::find(name)?;
    let doc = asked.book.report(name, &query(asked, subject))?;
    let mut context = context(asked, section);
    let params = report.params.iter().filter(|param| param.kind != ParamKind::Subject && Some(param.name) != subject);
    let refs = asked.book.read(Refs::load)?;
    for param in params {
        context = context.with_field(Field::new(param.name, param.title, field(param, &refs)));
    }
    context = context.with_field(Field::new("compare_as_of", "Before: as of", FieldKind::Date)).with_field(Field::new(
        "compare_known_at",
        "Before: known at (UTC)",
        FieldKind::Instant,
    ));
    Ok(Page { context, doc, extras: Extras::default() })
}

/// The query with the part of the address that a report takes as a parameter.
pub(super) fn query(asked: &Asked<'_>, subject: Option<&str>) -> Vec<(String, String)> {
    let own = asked.query.iter().filter(|(key, _)| Some(key.as_str()) != subject).cloned();
    own.chain(subject.map(|name| (name.to_owned(), asked.part(name).to_owned()))).collect()
}

fn field(param: &ParamDef, refs: &Refs) -> FieldKind {
    let all = Choice { value: String::new(), label: "All".to_owned() };
    let listed = |choices: Vec<Choice>| FieldKind::Select { choices: std::iter::once(all).chain(choices).collect() };
    let written = |example: &str| FieldKind::Text { placeholder: example.to_owned() };
    match param.kind {
        ParamKind::Date => FieldKind::Date,
        ParamKind::Text if param.name == "closings" => {
            listed(vec![Choice { value: "out".to_owned(), label: "Left out".to_owned() }])
        }
        ParamKind::Text if param.name == "period" => written("YYYY-MM"),
        ParamKind::Text | ParamKind::Subject => written("memo or source"),
        ParamKind::Asset => {
            let choice = |code: &str| Choice { value: code.to_owned(), label: code.to_owned() };
            listed(refs.assets.values().map(|asset| choice(asset.code.as_str())).collect())
        }
        ParamKind::Account => {
            let choice = |account: &crate::domain::account::Account| Choice {
                value: account.no.to_string(),
                label: format!("{} {}", account.no, account.name),
            };
            listed(refs.accounts.values().map(choice).collect())
        }
        ParamKind::Event => {
            let choice = |event: &Event| Choice { value: event.code().to_owned(), label: format!("{event} {}", event.title()) };
            listed(Event::ALL.iter().map(choice).collect())
        }
    }
}
