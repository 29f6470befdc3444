//! Work that blocks, away from the threads that answer: its log lines carry the id of the request too.

use actix_web::error::BlockingError;
use actix_web::web;
use std::future::Future;
use tracing::Span;

/// Runs work that blocks on a thread for that.
///
/// # Errors
/// The work did not come to its end.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub(super) fn block<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Result<T, BlockingError>> {
    let span = Span::current();
    web::block(move || span.in_scope(work))
}
