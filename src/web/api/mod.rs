//! The operations of the API, one file a noun.

/// An entry as answers show it, for examples.
macro_rules! entry {
    () => {
        r#"{"entry":814,"event":"E02","effective_on":"2019-05-10","lines":[{"account":1130,"asset":"BTC","quantity":"1.5","value":"8775.15"},{"account":1210,"asset":"BTC","quantity":"-1.5","value":"-8775.15"}]}"#
    };
}

mod approvals;
mod audit;
mod contributions;
mod entries;
mod fee_reports;
mod incident_views;
mod incidents;
mod mode;
mod periods;
mod prices;
mod reconciliation;
mod reports;
mod treasury;
mod uploads;

use super::operation::Operation;

/// All operations, in the order of the documentation.
pub fn operations() -> Vec<Operation> {
    [
        contributions::OPERATIONS,
        fee_reports::OPERATIONS,
        prices::OPERATIONS,
        treasury::OPERATIONS,
        reconciliation::OPERATIONS,
        entries::OPERATIONS,
        periods::OPERATIONS,
        incidents::OPERATIONS,
        incident_views::OPERATIONS,
        approvals::OPERATIONS,
        reports::OPERATIONS,
        mode::OPERATIONS,
        audit::OPERATIONS,
    ]
    .concat()
}

/// What each heading of the documentation is about.
pub const TAGS: &[(&str, &str)] = &[
    ("Contributions", "What venues owe the fund of their trading fees, as single events."),
    ("Fee reports", "The same as whole reports, one a venue and business date."),
    ("Prices", "Daily price sets: imported, then locked; a locked set is never changed."),
    ("Treasury", "What happens to the fund's own assets, and reversals."),
    ("Entries", "Manual entries for what no other event covers, their templates, and evidence."),
    ("Reconciliation", "Wallets, what they were observed to hold, and how that compares with the book."),
    ("Close", "Months: their checklist, the soft close, the close with its seal, and what came late."),
    ("Incidents", "From the first suspicion over claims and payouts to the last recovery."),
    ("Approvals", "Persons and roles, and what takes effect once others agree to it."),
    ("Reports", "What the pages show, as data."),
    ("Operations", "Whether the book takes commands."),
    ("Audit", "Who did what, what was refused, the check of the chain, and what an auditor takes along."),
];
