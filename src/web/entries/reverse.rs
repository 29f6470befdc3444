//! Taking an entry back: a day and a reason, rehearsed like everything else.

use super::act::number;
use super::form::{Form, Mistake};
use super::page::books;
use crate::domain::event::Event;
use crate::domain::ids::EntryNo;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::report::doc::Basis;
use crate::report::link;
use crate::service::approvals::{Rehearsed, docs};
use crate::service::reversals::Reverse;
use crate::service::{Book, Call};
use crate::store::error::StoreError;
use crate::store::journal;
use crate::web::app::AppState;
use crate::web::blocking::block;
use crate::web::problem::{Failed, html, internal, plain_context};
use crate::web::session::{Fields, Signed, SignedForm, see};
use crate::web::view::{Layout, Section, TableView};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

#[derive(Template)]
#[template(path = "entry_reverse.html")]
struct ReversePage {
    layout: Layout,
    csrf: String,
    key: String,
    action: String,
    original: Original,
    on: String,
    reason: String,
    mistakes: Vec<Mistake>,
    preview: Vec<TableView>,
    books: String,
}

impl ReversePage {
    fn is_wrong(&self, field: &str) -> bool {
        self.mistakes.iter().any(|mistake| mistake.field == field)
    }
}

/// The entry that is to be taken back.
struct Original {
    no: EntryNo,
    title: String,
    memo: String,
    on: String,
    href: String,
}

fn original(book: &Book, text: &str) -> Result<Original, StoreError> {
    let missing = || Rejection::new(OutcomeCode::NotFound, "/entry", text, "is not an entry of this book");
    let no = text.parse().map(EntryNo).map_err(|_| missing())?;
    let (header, _) = book.read(|conn| journal::find(conn, no))?.ok_or_else(missing)?;
    let title = Event::from_code(&header.event).map_or("", Event::title).to_owned();
    Ok(Original { no, title, memo: header.memo, on: header.effective_on, href: link::entry(no) })
}

/// What comes back to the screen.
struct Shown {
    original: Original,
    on: String,
    reason: String,
    mistakes: Vec<Mistake>,
    rehearsed: Option<Rehearsed>,
}

fn show(state: &AppState, signed: &Signed, shown: Shown, status: StatusCode) -> Result<HttpResponse, Failed> {
    let Shown { original, on, reason, mistakes, rehearsed } = shown;
    let action = format!("{}/reverse", original.href);
    let mut context = plain_context(state, &action, Some(signed.user()));
    context.section = Section::Journal;
    let tables = rehearsed.as_ref().map(|rehearsed| docs::rehearsal_tables(&rehearsed.preview)).unwrap_or_default();
    let page = ReversePage {
        layout: Layout::new(&context, &format!("Reverse entry {}", original.no), &Basis::default()),
        csrf: signed.csrf().to_owned(),
        key: Signed::fresh_key(),
        action,
        original,
        on,
        reason,
        mistakes,
        preview: tables.iter().map(|table| TableView::new(&context, table)).collect(),
        books: rehearsed.as_ref().map(books).unwrap_or_default(),
    };
    let mut response = html(page.render())?;
    *response.status_mut() = status;
    Ok(response)
}

/// The empty form.
pub(super) async fn ask(entry: web::Path<String>, state: web::Data<AppState>, signed: Signed) -> Result<HttpResponse, Failed> {
    let book = state.book.clone();
    let shown = block(move || {
        let (on, reason) = (book.clock.today().to_string(), String::new());
        Ok::<_, StoreError>(Shown { original: original(&book, &entry)?, on, reason, mistakes: Vec::new(), rehearsed: None })
    });
    let shown = shown.await.map_err(|error| internal(&error))??;
    show(&state, &signed, shown, StatusCode::OK)
}

/// Tries the reversal out, or asks for it.
pub(super) async fn send(entry: web::Path<String>, state: web::Data<AppState>, form: SignedForm) -> Result<HttpResponse, Failed> {
    let SignedForm { signed, fields } = form;
    let (book, call) = (state.book.clone(), signed.call(fields.get("key")));
    let done = block(move || reverse(&book, &call, &entry, &fields)).await.map_err(|error| internal(&error))??;
    match done {
        Done::Go(address) => Ok(see(&address)),
        Done::Show(shown, status) => show(&state, &signed, *shown, status),
    }
}

enum Done {
    Go(String),
    Show(Box<Shown>, StatusCode),
}

fn reverse(book: &Book, call: &Call, entry: &str, fields: &Fields) -> Result<Done, StoreError> {
    let original = original(book, entry)?;
    let (on, reason) = (fields.get("on").trim().to_owned(), fields.get("reason").trim().to_owned());
    let decided = decide(book, call, original.no, &on, &reason, fields.get("do") == "submit");
    let (mistakes, rehearsed, status) = match decided {
        Ok(Decided::Asked(address)) => return Ok(Done::Go(address)),
        Ok(Decided::Tried(rehearsed)) => (Vec::new(), Some(*rehearsed), StatusCode::OK),
        Err(StoreError::Rejected(rejection)) if rejection.code.status() < 500 => {
            let status = StatusCode::from_u16(rejection.code.status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
            (Form::default().mistakes(&rejection), None, status)
        }
        Err(error) => return Err(error),
    };
    Ok(Done::Show(Box::new(Shown { original, on, reason, mistakes, rehearsed }), status))
}

enum Decided {
    Asked(String),
    Tried(Box<Rehearsed>),
}

fn decide(book: &Book, call: &Call, no: EntryNo, on: &str, reason: &str, submit: bool) -> Result<Decided, StoreError> {
    let on = on.parse().map_err(|_| Rejection::invalid("/on", on, "is not a day; write YYYY-MM-DD"))?;
    let command = Reverse { entry: no.0, on, reason: reason.to_owned() };
    if !submit {
        return Ok(Decided::Tried(Box::new(book.rehearse(&command)?)));
    }
    let answer = book.reverse_entry(call, command)?.success()?.json();
    let address = match answer.get("proposal") {
        Some(_) => number(&answer, "proposal").map(link::proposal),
        None => number(&answer, "entry").map(|no| link::entry(EntryNo(no))),
    };
    address.map(Decided::Asked)
}
