//! Bodies of several parts, held in memory within one limit for all parts together.

use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::web::app::AppState;
use crate::web::form::content;
use crate::web::input::Input;
use crate::web::limits::{broken_body, too_large};
use crate::web::problem::{self, Failed};
use actix_multipart::Multipart;
use futures_util::TryStreamExt;
use tokio::sync::SemaphorePermit;

/// What came, and the right to hold it in memory: keep it until the parts are used up.
pub(super) struct Upload<'a> {
    /// Sets the place free when dropped.
    pub(super) permit: SemaphorePermit<'a>,
    /// The parts.
    pub(super) parts: Parts,
}

/// One part.
pub(super) struct Part {
    name: String,
    /// The name of the file it was, if its sender says it.
    pub(super) file_name: Option<String>,
    /// Content.
    pub(super) bytes: Vec<u8>,
}

/// The parts of a body.
pub(super) struct Parts(Vec<Part>);

impl Parts {
    /// Takes a part out.
    pub(super) fn take(&mut self, name: &str) -> Option<Part> {
        let at = self.0.iter().position(|part| part.name == name)?;
        Some(self.0.swap_remove(at))
    }

    /// Takes a part out that must be there.
    pub(super) fn need(&mut self, name: &str) -> Result<Part, Rejection> {
        self.take(name)
            .ok_or_else(|| Rejection::new(OutcomeCode::Malformed, name, "", "this part of the form is missing; send it"))
    }
}

/// Reads the parts of a request. Parts of other names, and parts that come twice, are refused.
pub(super) async fn parts<'a>(input: &mut Input, state: &'a AppState, known: &[&str]) -> Result<Upload<'a>, Failed> {
    input.require_media(&["multipart/form-data"])?;
    let limit = state.limits.upload_bytes;
    if input.announced().is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let permit = state.uploads.acquire().await.map_err(|error| problem::internal(&error))?;
    let payload = input.take_payload();
    let mut form = Multipart::new(input.request.headers(), payload);
    let read = read(&mut form, limit, known);
    let parts = tokio::time::timeout(state.limits.body_time, read).await.map_err(|error| broken_body(&error))??;
    Ok(Upload { permit, parts })
}

async fn read(form: &mut Multipart, limit: usize, known: &[&str]) -> Result<Parts, Failed> {
    let mut parts: Vec<Part> = Vec::new();
    let mut left = limit;
    while let Some(mut field) = form.try_next().await.map_err(|error| broken_body(&error))? {
        let name = field.name().unwrap_or_default().to_owned();
        let refused = |detail: &str| Rejection::new(OutcomeCode::UnknownField, name.as_str(), "", detail);
        if !known.contains(&name.as_str()) {
            return Err(refused(&format!("is not a part of this form; its parts are {}", known.join(", "))).into());
        }
        if parts.iter().any(|part| part.name == name) {
            return Err(refused("is given twice; give it once").into());
        }
        let file_name = field.content_disposition().and_then(|found| found.get_filename()).map(str::to_owned);
        let bytes = content(&mut field, left).await?.ok_or_else(|| too_large(limit))?;
        left = left.saturating_sub(bytes.len());
        parts.push(Part { name, file_name, bytes });
    }
    Ok(Parts(parts))
}
