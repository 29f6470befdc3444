//! Beside the price sets: two sources compared, who locked and who approved, and the forms to import and lock.

use super::reconciliation::{choices, deed, go_on, may};
use super::{Asked, Page};
use crate::domain::outcome::Rejection;
use crate::domain::person::Role;
use crate::service::command::Command;
use crate::service::prices::{LockPrices, governance, imported_days};
use crate::store::error::StoreError;
use crate::web::app::AppState;
use crate::web::blocking::block;
use crate::web::form::SignedUpload;
use crate::web::problem::{Failed, internal};
use crate::web::routes::{Reach, Route};
use crate::web::session::SignedForm;
use crate::web::view::{DeedField, Section};
use actix_web::{HttpResponse, web};
use jiff::civil::Date;

/// Sets whose governance is shown.
const SETS: usize = 31;
/// Who imports and locks.
const LOCKS: &[Role] = LockPrices::GIVERS;

/// Adds the governance to the list of sets. It is of now, so it is left out where an earlier state is asked for.
pub(super) fn add_governance(asked: &Asked<'_>, page: &mut Page) -> Result<(), StoreError> {
    if asked.value("as_of").or(asked.value("known_at")).is_some() {
        return Ok(());
    }
    let now = asked.book.clock.now();
    let (tables, days) =
        asked.book.read(|conn| Ok((governance::tables(conn, now, SETS)?, imported_days(conn, Date::MIN, Date::MAX)?)))?;
    page.doc.tables.extend(tables);
    let Some(user) = may(asked, LOCKS) else { return Ok(()) };
    let mut import =
        deed(user, "/prices/import", "Import the file", "Prices by day, CSV or JSON, ready to be locked or to be compared.");
    import.takes_file = true;
    import.fields.push(DeedField::text("source", "Source"));
    import.fields.push(DeedField::choice(
        "as",
        "Take it as",
        choices(&[("first", "the first source"), ("second", "a second source")]),
    ));
    page.extras.deeds.push(import);
    let days: Vec<String> = days.iter().take(31).map(ToString::to_string).collect();
    if !days.is_empty() {
        let about = "The prices of the day become its set, which never changes, and the books are valued. What needs a second look needs a \
                     reason, and under four eyes somebody else.";
        let mut lock = deed(user, "/prices/lock", "Lock the day", about);
        let days: Vec<(&str, &str)> = days.iter().map(|day| (day.as_str(), day.as_str())).collect();
        lock.fields.push(DeedField::choice("day", "Day", choices(&days)));
        lock.fields.push(DeedField::choice(
            "outliers",
            "Outliers",
            choices(&[("refuse", "are refused"), ("accept", "are accepted")]),
        ));
        lock.fields.push(DeedField::text("reason", "Reason").optional());
        page.extras.deeds.push(lock);
    }
    Ok(())
}

/// Adds both sources, and who locked and approved, to one set.
pub(super) fn add_to_set(asked: &Asked<'_>, page: &mut Page) -> Result<(), StoreError> {
    let Ok(day) = asked.part("day").parse::<Date>() else { return Ok(()) };
    let now = asked.book.clock.now();
    let (tables, facts) = asked.book.read(|conn| governance::of_day(conn, day, now))?;
    page.doc.tables.extend(tables);
    page.extras.facts.extend(facts);
    Ok(())
}

/// What answers the forms.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/prices/import", Reach::Roles(LOCKS), |route| route.to(import)),
        Route::post("/prices/lock", Reach::Roles(LOCKS), |route| route.to(lock)),
    ]
}

async fn import(form: SignedUpload, state: web::Data<AppState>) -> Result<HttpResponse, Failed> {
    let call = form.signed.call(form.fields.get("key"));
    let source = form.fields.get("source").trim().to_owned();
    let second = match form.fields.get("as") {
        "first" => false,
        "second" => true,
        other => return Err(Rejection::invalid("/as", other, "is first or second").into()),
    };
    let mut files = form.files.into_iter();
    let (Some(file), None) = (files.next(), files.next()) else {
        return Err(Rejection::invalid("/file", "", "choose one file of prices").into());
    };
    let done = block(move || match second {
        true => state.book.import_second_prices(&call, &source, &file.bytes),
        false => state.book.import_prices(&call, &source, &file.bytes),
    });
    go_on(done.await.map_err(|error| internal(&error))??, &Section::Prices.path())
}

async fn lock(form: SignedForm, state: web::Data<AppState>) -> Result<HttpResponse, Failed> {
    let call = form.signed.call(form.fields.get("key"));
    let text = form.fields.get("day");
    let day: Date = text.parse().map_err(|_| Rejection::invalid("/day", text, "is not a date; write YYYY-MM-DD"))?;
    let reason = Some(form.fields.get("reason").trim().to_owned()).filter(|reason| !reason.is_empty());
    let accept_outliers = form.fields.get("outliers") == "accept";
    let command = LockPrices { reason, accept_outliers, ..LockPrices::imported(day) };
    let done = block(move || state.book.lock_prices(&call, command)).await.map_err(|error| internal(&error))?;
    go_on(done?, &Section::Prices.path())
}
