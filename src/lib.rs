//! safu-ledger: the books of an exchange's user-protection fund.
//!
//! Layers, each using only those before it: [`domain`] ← [`ledger`] ← `store` ← `service` ← `web`, `cli`; the pure
//! side branches `report` and [`proof`] take data and give tables and trees. `docs/ARCHITECTURE.md` has the map.

// The worked story is checked by unit tests and by tests from outside with the same code.
#[cfg(test)]
extern crate self as safu_ledger;

pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod ledger;
pub mod proof;
pub mod report;
pub mod service;
pub mod store;
pub mod telemetry;
pub mod web;
