//! The integration tests, one binary. Each group of tests is `tests/it/<name>.rs` (and a folder of that name), listed here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "a test fails by panicking, and says why on the terminal"
)]

// First, so that the macro `on_both_engines!` is known below.
#[macro_use]
#[path = "it/support/mod.rs"]
mod support;

#[path = "it/api.rs"]
mod api;
#[path = "it/approvals.rs"]
mod approvals;
#[path = "it/audit.rs"]
mod audit;
#[path = "it/audit_pack.rs"]
mod audit_pack;
#[path = "it/backup.rs"]
mod backup;
#[path = "it/close.rs"]
mod close;
#[path = "it/contributions.rs"]
mod contributions;
#[path = "it/demo.rs"]
mod demo;
#[path = "it/desk.rs"]
mod desk;
#[path = "it/entries.rs"]
mod entries;
#[path = "it/events.rs"]
mod events;
#[path = "it/evidence.rs"]
mod evidence;
#[path = "it/exports.rs"]
mod exports;
#[path = "it/hostile.rs"]
mod hostile;
#[path = "it/identity.rs"]
mod identity;
#[path = "it/incidents.rs"]
mod incidents;
#[path = "it/log.rs"]
mod log;
#[path = "it/login.rs"]
mod login;
#[path = "it/oidc.rs"]
mod oidc;
#[path = "it/operations.rs"]
mod operations;
#[path = "it/pages.rs"]
mod pages;
#[path = "it/people.rs"]
mod people;
#[path = "it/price_governance.rs"]
mod price_governance;
#[path = "it/readonly.rs"]
mod readonly;
#[path = "it/reconciliation.rs"]
mod reconciliation;
#[path = "it/report_diff.rs"]
mod report_diff;
#[path = "it/reporting.rs"]
mod reporting;
#[path = "it/roles.rs"]
mod roles;
#[path = "it/running.rs"]
mod running;
#[path = "it/secrets.rs"]
mod secrets;
#[path = "it/small_book.rs"]
mod small_book;
#[path = "it/story.rs"]
mod story;
#[path = "it/treasury.rs"]
mod treasury;
#[path = "it/verify.rs"]
mod verify;
