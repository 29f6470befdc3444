//! The form as a page.

use super::form::{Form, Mistake};
use crate::domain::account::no;
use crate::domain::amount::{VALUE_SCALE, format_minor_trimmed};
use crate::domain::manual::{GUARDED, Guarded, Side, guard};
use crate::report::doc::Basis;
use crate::report::link;
use crate::report::render::display::grouped;
use crate::service::Book;
use crate::service::approvals::{Rehearsed, docs, terms};
use crate::service::entries::template;
use crate::service::refs::Refs;
use crate::store::error::StoreError;
use crate::store::evidence::find;
use crate::web::app::AppState;
use crate::web::problem::{Failed, html, plain_context};
use crate::web::session::Signed;
use crate::web::view::{Layout, Notice, Section, TableView};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

/// What is shown: the form, what was wrong, what it would do, and the lists that its fields suggest from.
pub(super) struct Shown {
    pub(super) form: Form,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) rehearsed: Option<Rehearsed>,
    pub(super) notice: Option<String>,
    /// Name of each file of the form.
    pub(super) files: Vec<File>,
    pub(super) templates: Vec<String>,
    pub(super) refs: Refs,
    /// True where the book asks for approval.
    pub(super) guarded: bool,
}

/// A file that is part of the entry.
pub(super) struct File {
    hash: String,
    name: String,
    href: String,
}

impl Shown {
    /// The form with its lists.
    pub(super) fn load(book: &Book, mut form: Form) -> Result<Self, StoreError> {
        book.read(|conn| {
            let mut files = Vec::new();
            for hash in std::mem::take(&mut form.evidence) {
                if let Some(row) = find(conn, &hash)? {
                    files.push(File { href: link::evidence(&hash), name: row.name, hash: hash.clone() });
                    form.evidence.push(hash);
                }
            }
            let templates = template::all(conn)?.into_iter().map(|template| template.name).collect();
            let guarded = terms::in_force(conn)?.is_some();
            let refs = Refs::load(conn)?;
            Ok(Self { form, mistakes: Vec::new(), rehearsed: None, notice: None, files, templates, refs, guarded })
        })
    }
}

/// A field of a line.
struct LineField {
    id: String,
    name: &'static str,
    label: &'static str,
    list: &'static str,
    value: String,
    wrong: bool,
}

/// A line.
struct Line {
    number: usize,
    at: usize,
    account: LineField,
    side: LineField,
    rest: Vec<LineField>,
}

#[derive(Template)]
#[template(path = "entry_form.html")]
struct EntryFormPage {
    layout: Layout,
    csrf: String,
    key: String,
    currency: String,
    shown: Shown,
    lines: Vec<Line>,
    accounts: Vec<(String, String)>,
    assets: Vec<String>,
    banks: Vec<String>,
    imbalance: Vec<(String, String)>,
    guards: &'static [Guarded],
    preview: Vec<TableView>,
    books: String,
}

impl EntryFormPage {
    fn is_wrong(&self, field: &str) -> bool {
        self.shown.mistakes.iter().any(|mistake| mistake.field == field)
    }
}

fn lines(shown: &Shown) -> Vec<Line> {
    let wrong = |id: &str| shown.mistakes.iter().any(|mistake| mistake.field == id);
    let line = |(at, line): (usize, &super::form::FormLine)| {
        let number = at.saturating_add(1);
        let field = |name: &'static str, label: &'static str, list: &'static str, value: &str| {
            let id = format!("line-{number}-{name}");
            LineField { wrong: wrong(&id), id, name, label, list, value: value.to_owned() }
        };
        Line {
            number,
            at,
            account: field("account", "Account", "accounts", &line.account),
            side: field("side", "Side", "", &line.side),
            rest: vec![
                field("asset", "Asset", "assets", &line.asset),
                field("wallet", "Bank account", "banks", &line.wallet),
                field("units", "Units", "", &line.units),
                field("value", "Value", "", &line.value),
            ],
        }
    };
    shown.form.lines.iter().enumerate().map(line).collect()
}

/// The page.
pub(super) fn show(state: &AppState, signed: &Signed, shown: Shown, status: StatusCode) -> Result<HttpResponse, Failed> {
    let mut context = plain_context(state, "/entries/new", Some(signed.user()));
    context.section = Section::Journal;
    context.notices = shown.notice.iter().map(|text| Notice { tone: "good", text: text.clone() }).collect();
    let title = match &shown.form.draft {
        Some((number, _)) => format!("Edit draft {number}"),
        None => "New entry".to_owned(),
    };
    let refs = &shown.refs;
    let open = refs.accounts.values().filter(|account| guard(account.no).is_none());
    let banks = refs.wallets.values().filter(|wallet| wallet.account_no == no::BANK.0);
    let preview = shown.rehearsed.as_ref().map(|rehearsed| docs::rehearsal_tables(&rehearsed.preview)).unwrap_or_default();
    let page = EntryFormPage {
        layout: Layout::new(&context, &title, &Basis::default()),
        csrf: signed.csrf().to_owned(),
        key: Signed::fresh_key(),
        currency: state.currency.clone(),
        lines: lines(&shown),
        accounts: open.map(|account| (account.no.to_string(), account.name.clone())).collect(),
        assets: refs.assets.values().map(|asset| asset.code.to_string()).collect(),
        banks: banks.map(|wallet| wallet.code.clone()).collect(),
        imbalance: shown.form.imbalance(refs),
        guards: GUARDED,
        preview: preview.iter().map(|table| TableView::new(&context, table)).collect(),
        books: shown.rehearsed.as_ref().map(books).unwrap_or_default(),
        shown,
    };
    let mut response = html(page.render())?;
    *response.status_mut() = status;
    Ok(response)
}

/// What a rehearsal comes to, in a sentence.
pub(super) fn books(rehearsed: &Rehearsed) -> String {
    let amount = grouped(&format_minor_trimmed(rehearsed.amount.minor(), VALUE_SCALE));
    match rehearsed.needs {
        0 => format!("It would book {amount}, at once."),
        1 => format!("It would book {amount}, once one other person has approved it."),
        many => format!("It would book {amount}, once {many} other persons have approved it."),
    }
}
