//! Forms with files, as browsers send them: within limits of size and number, and only from a page of the session.

use super::app::AppState;
use super::limits::{broken_body, too_large};
use super::problem::{self, Failed};
use super::session::{Fields, Signed, is_own_form};
use crate::domain::evidence::MAX_FILE_BYTES;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::service::evidence::GivenFile;
use actix_multipart::{Field, Multipart};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::TryStreamExt;
use futures_util::future::LocalBoxFuture;
use std::time::Duration;

/// Files of one form.
const MAX_FILES: usize = 10;
/// Fields of one form: the lines of a long entry.
const MAX_FIELDS: usize = 2_000;
/// Bytes of all fields that are no files.
const TEXT_BYTES: usize = 256 << 10;
/// Bytes of all files together: some scans of the largest size.
const FILES_BYTES: usize = MAX_FILE_BYTES.saturating_mul(3);
/// Time for a form with files to arrive.
const TIME: Duration = Duration::from_secs(300);

/// A form with files of a page of this session.
pub(super) struct SignedUpload {
    /// Who sent it.
    pub(super) signed: Signed,
    /// Its fields, in their order.
    pub(super) fields: Fields,
    /// Its files.
    pub(super) files: Vec<GivenFile>,
}

impl FromRequest for SignedUpload {
    type Error = Failed;
    type Future = LocalBoxFuture<'static, Result<Self, Failed>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let (signed, token) = Signed::of(&request)?;
            let state = request.app_data::<web::Data<AppState>>().ok_or_else(|| problem::internal(&"a server without state"))?;
            // Files are held in memory, so not too many at a time.
            let _place = state.uploads.acquire().await.map_err(|error| problem::internal(&error))?;
            let mut form = Multipart::new(request.headers(), payload);
            let read = tokio::time::timeout(TIME, read(&mut form)).await.map_err(|error| broken_body(&error))?;
            let (fields, files) = read?;
            let fields = Fields::of(fields);
            if is_own_form(&token, fields.get("csrf")) {
                return Ok(Self { signed, fields, files });
            }
            let detail = "this form is not of your present session; load the page again and repeat what you did";
            Err(Rejection::new(OutcomeCode::Forbidden, "csrf", "", detail).into())
        })
    }
}

type Read = (Vec<(String, String)>, Vec<GivenFile>);

async fn read(form: &mut Multipart) -> Result<Read, Failed> {
    let (mut fields, mut files) = (Vec::new(), Vec::new());
    let (mut text_left, mut files_left) = (TEXT_BYTES, FILES_BYTES);
    while let Some(mut field) = form.try_next().await.map_err(|error| broken_body(&error))? {
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.content_disposition().and_then(|found| found.get_filename()).map(str::to_owned);
        let Some(file_name) = file_name else {
            let bytes = content(&mut field, text_left).await?.ok_or_else(|| too_large(TEXT_BYTES))?;
            text_left = text_left.saturating_sub(bytes.len());
            let text = String::from_utf8(bytes).map_err(|_| unreadable())?;
            // Browsers send the lines of a text with carriage returns.
            fields.push((name, text.replace("\r\n", "\n")));
            require_room(fields.len(), MAX_FIELDS)?;
            continue;
        };
        let bytes = content(&mut field, files_left).await?.ok_or_else(|| too_large(FILES_BYTES))?;
        files_left = files_left.saturating_sub(bytes.len());
        // Where no file was chosen, browsers send an empty one without a name.
        if !(file_name.is_empty() && bytes.is_empty()) {
            files.push(GivenFile { name: file_name, bytes: bytes.into() });
            require_room(files.len(), MAX_FILES)?;
        }
    }
    Ok((fields, files))
}

fn unreadable() -> Failed {
    Rejection::new(OutcomeCode::Malformed, "", "", "the form cannot be read").into()
}

fn require_room(found: usize, most: usize) -> Result<(), Failed> {
    if found <= most {
        return Ok(());
    }
    let detail = format!("the form has more than {most} of these; send it in parts");
    Err(Rejection::new(OutcomeCode::BodyTooLarge, "", found, detail).into())
}

/// The content of a part; `None` if it is longer than `left`.
pub(super) async fn content(field: &mut Field, left: usize) -> Result<Option<Vec<u8>>, Failed> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.try_next().await.map_err(|error| broken_body(&error))? {
        if bytes.len().saturating_add(chunk.len()) > left {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}
