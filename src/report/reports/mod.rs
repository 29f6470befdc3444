//! The reports, one file each; [`super::registry`] names them.

pub mod access;
pub mod account;
pub mod ageing;
pub mod balance_sheet;
pub mod changes_in_fund;
pub mod coverage;
pub mod coverage_history;
pub mod dashboard;
pub mod duties;
pub mod entry;
pub mod journal;
pub mod prices;
pub mod roll_forward;
pub mod trial_balance;
