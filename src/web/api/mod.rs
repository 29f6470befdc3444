//! The operations of the API, one file a noun.

mod contributions;
mod prices;
mod treasury;

use super::operation::Operation;

/// All operations, in the order of the documentation.
pub fn operations() -> Vec<Operation> {
    [contributions::OPERATIONS, prices::OPERATIONS, treasury::OPERATIONS].concat()
}

/// What each heading of the documentation is about.
pub const TAGS: &[(&str, &str)] = &[
    ("Contributions", "What venues owe the fund of their trading fees: single events and whole reports."),
    ("Prices", "Daily price sets: imported, then locked; a locked set is never changed."),
    ("Treasury", "What happens to the fund's own assets, month closing and reversals."),
];
