//! From a request to a page, or to the file of what it shows.

use super::{Asked, Download, FILES, Make, MakeFile, PAGES, Page};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::report::render::{self, Format, Look};
use crate::web::app::AppState;
use crate::web::blocking::block;
use crate::web::problem::{Failed, internal};
use crate::web::routes::{Reach, Route};
use crate::web::session::user_of;
use crate::web::view::render_page;
use actix_web::http::header::{self, ContentDisposition, DispositionParam, DispositionType};
use actix_web::{HttpRequest, HttpResponse, web};

/// Every page, every file, and what answers the forms of pages.
pub(in crate::web) fn routes() -> Vec<Route> {
    let page = |(path, make): &(&'static str, Make)| {
        let make = *make;
        read(path, move |asked: &Asked<'_>| write(&make(asked)?, format_of(asked)?))
    };
    let file = |(path, make): &(&'static str, MakeFile)| {
        let make = *make;
        read(path, move |asked: &Asked<'_>| {
            let Download { media, name, bytes } = make(asked)?;
            Ok(Written { media, name: Some(name), bytes })
        })
    };
    let forms = [
        super::approvals::routes(),
        super::close::routes(),
        super::operations::routes(),
        super::reconciliation::routes(),
        super::prices::routes(),
        super::audit::routes(),
    ];
    forms.into_iter().flatten().chain(PAGES.iter().map(page)).chain(FILES.iter().map(file)).collect()
}

fn read(path: &'static str, answer: impl Fn(&Asked<'_>) -> Result<Written, Failed> + Copy + Send + 'static) -> Route {
    let handler = move |request: HttpRequest, state: web::Data<AppState>| respond(request, state, answer);
    Route::get(path, Reach::Readers, move |route| route.to(handler))
}

async fn respond(
    request: HttpRequest,
    state: web::Data<AppState>,
    answer: impl Fn(&Asked<'_>) -> Result<Written, Failed> + Send + 'static,
) -> Result<HttpResponse, Failed> {
    let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let unreadable = "the part of the address after the question mark cannot be read; follow a link to this page";
    let query = query.map_err(|_| Rejection::new(OutcomeCode::Malformed, "", request.query_string(), unreadable))?.into_inner();
    let parts = request.match_info().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let (path, user) = (request.path().to_owned(), user_of(&request));
    // A page reads the book for milliseconds, but it does block.
    let written = block(move || {
        answer(&Asked {
            book: &state.book,
            name: &state.name,
            currency: &state.currency,
            banner: state.banner(),
            checks: &state.checks,
            user: user.clone(),
            path: &path,
            query,
            parts,
        })
    });
    Ok(written.await.map_err(|error| internal(&error))??.response())
}

/// A page on its way out.
struct Written {
    media: &'static str,
    /// The name of a file to keep; none for what a browser shows.
    name: Option<String>,
    bytes: Vec<u8>,
}

impl Written {
    fn response(self) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        response.content_type(self.media);
        if let Some(name) = self.name {
            let parameters = vec![DispositionParam::Filename(name)];
            response.insert_header((
                header::CONTENT_DISPOSITION,
                ContentDisposition { disposition: DispositionType::Attachment, parameters },
            ));
        }
        response.body(self.bytes)
    }
}

/// Writes a page, or what it shows as a file.
fn write(page: &Page, format: Option<Format>) -> Result<Written, Failed> {
    let Some(format) = format else {
        let text = render_page(&page.context, &page.doc, &page.extras).map_err(|error| internal(&error))?;
        return Ok(Written { media: "text/html; charset=utf-8", name: None, bytes: text.into_bytes() });
    };
    let bytes = render::render(&page.doc, format, Look::default()).map_err(|error| internal(&error))?;
    Ok(Written { media: format.media_type(), name: Some(format.file_name(&page.doc)), bytes })
}

/// The file format that the query asks for, if it does.
fn format_of(asked: &Asked<'_>) -> Result<Option<Format>, Rejection> {
    let Some(name) = asked.value("format").filter(|name| *name != "html") else { return Ok(None) };
    let files = [Format::Csv, Format::Xlsx, Format::Json];
    let known = Format::parse(name).filter(|format| files.contains(format));
    let unknown = || Rejection::invalid("/format", name, "is not a format of pages; use html, csv, xlsx or json");
    Ok(Some(known.ok_or_else(unknown)?))
}
