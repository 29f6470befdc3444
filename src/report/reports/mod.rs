//! The reports, one file each; [`super::registry`] names them.

pub mod coverage;
pub mod coverage_history;
pub mod trial_balance;
