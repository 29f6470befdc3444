//! Incidents, claims and payouts as documents: pages show them, the API answers with them, the command line prints them. Each is
//! made here once, so that all three say the same.

mod charts;
mod claims;
mod incident;
mod list;
mod payouts;
mod tables;

pub use claims::{MAX_PAGE, claim, claims, search};
pub use incident::{document, incident};
pub use list::list;
pub use payouts::{payout, payouts};

use crate::domain::amount::{Quantity, Value};
use crate::domain::incident::life::State;
use crate::report::doc::{Cell, Tone};
use crate::report::{format, fund, link};
use crate::service::refs::{FUNCTIONAL, Refs};

/// The state as a word with its tone.
fn state(state: State) -> Cell {
    let tone = match state {
        State::Suspected | State::Declared | State::Assessed | State::Reopened => Tone::Bad,
        State::Recognised | State::ClaimsOpen | State::Paying => Tone::Warn,
        State::Closed => Tone::Good,
        State::Rejected => Tone::Neutral,
    };
    Cell::state(state.title(), tone)
}

/// A table of an incident's document.
fn anchor(code: &str, table: &str) -> String {
    format!("{}#{table}", link::incident(code))
}

/// A functional value in a sentence.
fn amount(refs: &Refs, value: Value) -> String {
    format!("{} {}", format::compact(fund::decimal(value)), refs.code(FUNCTIONAL))
}

/// Heading of a column of functional values.
fn valued(refs: &Refs, title: &str) -> String {
    format!("{title} ({})", refs.code(FUNCTIONAL))
}

/// Stored whole units as exact units; what cannot be read is shown as the text it is.
fn stored(refs: &Refs, asset: &str, text: &str) -> Cell {
    let scale = refs.asset("", asset).map_or(0, |asset| asset.scale);
    Quantity::parse(text, scale).map_or_else(|_| Cell::text(text), |quantity| Cell::units(quantity, scale))
}

/// The code of a wallet; empty if there is no such wallet.
fn wallet(refs: &Refs, id: crate::domain::ids::WalletId) -> &str {
    refs.wallets.get(&id).map_or("", |wallet| wallet.code.as_str())
}
