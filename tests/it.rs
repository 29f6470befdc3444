//! The integration tests, one binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::print_stderr,
    missing_docs,
    reason = "helpers of tests fail like tests: loudly"
)]

#[path = "it/exports.rs"]
mod exports;
#[path = "it/support/mod.rs"]
mod support;
