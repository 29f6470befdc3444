//! What machines ask a server: does it live, can it work, what did it do.

use super::app::AppState;
use super::blocking::block;
use super::problem::{self, Failed};
use super::routes::{Reach, Route};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::service::Book;
use crate::service::mode::Mode;
use crate::store::error::StoreError;
use crate::store::{migrate, reference};
use actix_web::{HttpResponse, web};

/// `/livez`, `/readyz` and `/metrics`.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/livez", Reach::Public, |route| route.to(livez)),
        Route::get("/readyz", Reach::Public, |route| route.to(readyz)),
        Route::get("/metrics", Reach::Public, |route| route.to(metrics)),
    ]
}

async fn livez() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("live\n")
}

async fn readyz(state: web::Data<AppState>) -> Result<HttpResponse, Failed> {
    let book = state.book.clone();
    let mode = block(move || check(&book)).await.map_err(|error| problem::internal(&error))??;
    let words = mode.banner().map_or_else(|| "ready\n".to_owned(), |words| format!("ready, {words}\n"));
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(words))
}

/// Over a connection of its own: one that is open already would not notice that the file or the server is gone.
fn check(book: &Book) -> Result<Mode, Failed> {
    let unavailable = |detail: String| Failed::from(Rejection::new(OutcomeCode::Unavailable, "database", "", detail));
    let url = book.store.url();
    if url.path().is_some_and(|path| !path.exists()) {
        return Err(unavailable(format!("{} is not there any more", url.display())));
    }
    let answer = url.connect().and_then(|mut conn| {
        let current = migrate::is_current(&mut conn)?;
        Ok((current, reference::book_row(&mut conn)?.is_some()))
    });
    match answer {
        Ok((true, true)) => match Mode::of(book)? {
            Mode::Lost(why) => Err(unavailable(format!("the book cannot be written: {why}"))),
            mode => Ok(mode),
        },
        Ok((false, _)) => Err(unavailable("the schema is not up to date; run `safu migrate`".to_owned())),
        Ok((true, false)) => {
            let detail = "the database holds no book; restore it, or make one with `safu init`, and start the server anew";
            Err(Rejection::new(OutcomeCode::BookMissing, "database", url.display(), detail).into())
        }
        Err(StoreError::Rejected(rejection)) => Err(rejection.into()),
        Err(error) => Err(unavailable(error.to_string())),
    }
}

async fn metrics(state: web::Data<AppState>) -> Result<HttpResponse, Failed> {
    let text = state.metrics.render(state.book.store.commits()).map_err(|error| problem::internal(&error))?;
    Ok(HttpResponse::Ok().content_type("application/openmetrics-text; version=1.0.0; charset=utf-8").body(text))
}
