//! Posting rules: each event is one typed input and one function that gives the balanced entry for it.
//!
//! A service loads what the rule asks for (open lots, carrying amounts, prices) into a [`Context`], calls the rule, and
//! writes the entry. Rules decide nothing about states, approvals or periods; they refuse amounts of zero or less, units that
//! are not there, and figures that would break the books. Amounts in inputs are always above zero and in the direction that
//! the event's name says; signs appear only in the lines.
//!
//! Inside an entry every line carries the asset it is about. Income and expense lines carry the units they arose from, so that
//! each asset sums to zero in units; a change of asset goes through conversion clearing, which carries units only.

pub mod accrual;
pub mod approval;
pub mod asset_loss;
pub mod case_revision;
pub mod claims_handling;
pub mod close;
mod context;
pub mod encumbrance;
mod entry;
pub mod fixed_price;
pub mod ibnr;
pub mod incident;
pub mod loan;
pub mod manual;
pub mod mark_to_market;
pub mod payout;
pub mod rebalance;
pub mod recovery;
pub mod remeasurement;
pub mod restatement;
pub mod reversal;
pub mod rights;
pub mod settlement;
pub mod shortfall;
pub mod sponsor;
pub mod subrogation;
pub mod surplus;
pub mod suspense;
pub mod transfer;
pub mod unclaimed;
pub mod yields;

pub use context::{Carrying, Context, Header, NextLot, Place, Receipt};
