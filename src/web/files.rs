//! Style, script and icon.

use super::assets;
use super::problem::Failed;
use super::routes::{Reach, Route};
use crate::domain::outcome::{OutcomeCode, Rejection};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};

/// `/assets/{name}` and the icon that browsers ask for unasked.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/assets/{name}", Reach::Public, |route| route.to(asset)),
        Route::get("/favicon.ico", Reach::Public, |route| route.to(icon)),
    ]
}

async fn asset(request: HttpRequest) -> Result<HttpResponse, Failed> {
    serve(request.path(), assets::CACHE_CONTROL)
}

// Not under its hashed name, so it may not be kept for ever.
async fn icon() -> Result<HttpResponse, Failed> {
    serve(assets::href("favicon.svg"), "public, max-age=86400")
}

fn serve(path: &str, cache: &'static str) -> Result<HttpResponse, Failed> {
    let missing = || Rejection::new(OutcomeCode::NotFound, "", path, "there is no such file; load the page again");
    let asset = assets::find(path).ok_or_else(missing)?;
    Ok(HttpResponse::Ok().content_type(asset.content_type).insert_header((header::CACHE_CONTROL, cache)).body(asset.bytes))
}
