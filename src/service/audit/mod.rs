//! The audit log: everything that was recorded and every command of a known caller that was refused, as an auditor reads it; the
//! check of the whole chain; and what an auditor takes along.
//!
//! What was recorded is read from the log's own leaves. Refusals that depend on the state of the book are leaves too. Those of form or
//! right are kept by [`refused`], folded and bounded, so that nobody can fill the log by being refused.

pub mod change;
pub mod check;
pub mod docs;
pub mod line;
pub mod list;
pub mod pack;
pub mod refused;
