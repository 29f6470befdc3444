//! Evidence over HTTP: files go out as downloads and never as something a browser shows, and come in by the form of the page that they
//! belong to.

use super::app::AppState;
use super::blocking::block;
use super::form::SignedUpload;
use super::problem::{Failed, internal};
use super::routes::{Reach, Route};
use super::session::{own_path, see};
use crate::domain::evidence::FileKind;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::service::evidence::{AttachEvidence, BRING, GivenFile, served_name};
use crate::service::{Book, Call};
use crate::store::error::StoreError;
use crate::store::evidence::EvidenceRow;
use actix_web::http::header::{self, ContentDisposition, DispositionParam, DispositionType};
use actix_web::{HttpResponse, web};

/// The policy under which a file goes out: whoever manages to show it shows it without scripts, forms and origin.
const FILE_POLICY: &str = "default-src 'none'; sandbox";

/// The download and the form.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/evidence/attachments", Reach::Roles(BRING), |route| route.to(attach)),
        Route::get("/evidence/{sha256}", Reach::Readers, |route| route.to(get)),
    ]
}

async fn get(hash: web::Path<String>, state: web::Data<AppState>) -> Result<HttpResponse, Failed> {
    let found = block(move || state.book.evidence(&hash)).await.map_err(|error| internal(&error))?;
    Ok(download(found?))
}

/// A file as a download under a name of our own.
pub(super) fn download((row, bytes): (EvidenceRow, Vec<u8>)) -> HttpResponse {
    let media = FileKind::from_slug(&row.kind).map_or("application/octet-stream", FileKind::media);
    let parameters = vec![DispositionParam::Filename(served_name(&row))];
    HttpResponse::Ok()
        .content_type(media)
        .insert_header((header::CONTENT_DISPOSITION, ContentDisposition { disposition: DispositionType::Attachment, parameters }))
        .insert_header((header::CONTENT_SECURITY_POLICY, FILE_POLICY))
        .body(bytes)
}

/// The form that pages of entries, proposals and incidents have.
async fn attach(form: SignedUpload, state: web::Data<AppState>) -> Result<HttpResponse, Failed> {
    let call = form.signed.call(form.fields.get("key"));
    let (subject, note) = (form.fields.get("subject").to_owned(), form.fields.get("note").trim().to_owned());
    let back = own_path(form.fields.get("back")).to_owned();
    let done = block(move || attach_all(&state.book, &call, form.files, &subject, &note));
    done.await.map_err(|error| internal(&error))??;
    Ok(see(&back))
}

fn attach_all(book: &Book, call: &Call, files: Vec<GivenFile>, subject: &str, note: &str) -> Result<(), StoreError> {
    if files.is_empty() {
        let detail = "no file was chosen; choose one and attach it again";
        return Err(Rejection::new(OutcomeCode::InvalidField, "/file", "", detail).into());
    }
    for (at, file) in files.into_iter().enumerate() {
        let part = |what: &str| Call { key: format!("{}.{at}{what}", call.key), ..call.clone() };
        let added = book.add_evidence(&part("f"), file)?.success()?.json();
        let sha256 = added.get("sha256").and_then(|hash| hash.as_str()).unwrap_or_default().to_owned();
        let ask = AttachEvidence { sha256, subject: subject.to_owned(), note: note.to_owned() };
        book.attach_evidence(&part("a"), ask)?.success()?;
    }
    Ok(())
}
