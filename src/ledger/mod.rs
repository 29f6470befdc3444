//! Accounting rules over the domain, pure: one event in, one balanced entry out, and the checks that hold at every moment.

pub mod asset_table;
pub mod invariants;
pub mod lots;
pub mod posting;
pub mod trial_balance;

#[cfg(test)]
mod tests;
