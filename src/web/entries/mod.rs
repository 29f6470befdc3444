//! The pages on which entries are written and taken back. They work without scripts: every button sends the form, and it comes back with
//! what was filled in.

mod act;
mod form;
mod page;
mod reverse;

use super::app::AppState;
use super::form::SignedUpload;
use super::problem::{Failed, internal};
use super::routes::{Reach, Route};
use super::session::{Signed, see};
use crate::domain::approval::State;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::service::Book;
use crate::service::approvals;
use crate::service::entries::template;
use crate::service::entries::{self, MANUAL, ManualEntry, PREPARE};
use crate::store::error::StoreError;
use crate::web::blocking::block;
use act::Next;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use form::Form;
use page::Shown;

/// The addresses. They come before those of entries by number.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/entries/new", Reach::Roles(PREPARE), |route| route.to(new)),
        Route::post("/entries/new", Reach::Roles(PREPARE), |route| route.to(send)),
        Route::get("/entries/{entry}/reverse", Reach::Roles(PREPARE), |route| route.to(reverse::ask)),
        Route::post("/entries/{entry}/reverse", Reach::Roles(PREPARE), |route| route.to(reverse::send)),
    ]
}

/// An empty form, or one filled from a draft, an entry or a template.
async fn new(request: HttpRequest, state: web::Data<AppState>, signed: Signed) -> Result<HttpResponse, Failed> {
    let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string()).map(web::Query::into_inner);
    let query = query.unwrap_or_default();
    let (book, person, currency) = (state.book.clone(), signed.person().id, state.currency.clone());
    let shown = block(move || {
        let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let form = match (value("draft"), value("clone"), value("template")) {
            (Some(number), ..) => of_draft(&book, number, person)?,
            (_, Some(number), _) => of_entry(&book, number)?,
            (.., Some(name)) => of_template(&book, name)?,
            _ => Form::blank(book.clock.today(), &currency),
        };
        Shown::load(&book, form)
    });
    let shown = shown.await.map_err(|error| internal(&error))??;
    page::show(&state, &signed, shown, StatusCode::OK)
}

fn not_found(pointer: &str, value: &str, detail: &str) -> StoreError {
    Rejection::new(OutcomeCode::NotFound, pointer, value, detail).into()
}

fn of_draft(book: &Book, number: &str, person: crate::domain::person::PersonId) -> Result<Form, StoreError> {
    let missing = || not_found("/draft", number, "is not an entry that you may still edit; look at it under approvals");
    let id = number.parse().map_err(|_| missing())?;
    let now = book.clock.now();
    let proposal = book.read(|conn| approvals::find(conn, id, now))?.ok_or_else(missing)?;
    let editable = matches!(proposal.state, State::Draft | State::Submitted);
    if proposal.kind != MANUAL || proposal.maker != person || !editable {
        return Err(missing());
    }
    let entry: ManualEntry = serde_json::from_value(proposal.command).map_err(|_| missing())?;
    let form = Form::filled(entry.on, &entry.memo, &entry.reason, &entry.lines);
    Ok(Form { evidence: entry.evidence, draft: Some((id, proposal.hash)), ..form })
}

fn of_entry(book: &Book, number: &str) -> Result<Form, StoreError> {
    let id = number.parse().map_err(|_| not_found("/clone", number, "is not the number of an entry"))?;
    let entry = book.read(|conn| entries::clone_of(conn, id))?;
    Ok(Form::filled(book.clock.today(), &entry.memo, &entry.reason, &entry.lines))
}

fn of_template(book: &Book, name: &str) -> Result<Form, StoreError> {
    let missing = || not_found("/template", name, "is not a template of this book; choose one of the list");
    let found = book.read(|conn| template::find(conn, name))?.ok_or_else(missing)?;
    let form = Form::filled(book.clock.today(), &found.memo, &found.reason, &found.lines);
    Ok(Form { template: found.name, ..form })
}

/// Does what the pressed button says.
async fn send(state: web::Data<AppState>, form: SignedUpload) -> Result<HttpResponse, Failed> {
    let SignedUpload { signed, fields, files } = form;
    let call = signed.call(fields.get("key"));
    let (book, currency) = (state.book.clone(), state.currency.clone());
    let next = block(move || act::act(&book, &call, &currency, &fields, files)).await;
    match next.map_err(|error| internal(&error))?? {
        Next::Go(address) => Ok(see(&address)),
        Next::Show(shown, status) => page::show(&state, &signed, *shown, status),
    }
}
