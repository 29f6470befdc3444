//! Manual entries: the guarded exception to "every event is a typed command". An account whose balance something else in the book
//! adds up to takes none; which accounts those are, why, and what to use instead, is data.

use super::account::AccountNo;
use super::words::words;
use serde::{Deserialize, Serialize};

/// The most lines of a manual entry. What needs more is an import, and wants a command of its own.
pub const MAX_MANUAL_LINES: usize = 200;
/// The most attachments of one manual entry.
pub const MAX_MANUAL_EVIDENCE: usize = 50;

words! {
    /// The side of a line.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    Side / title {
        Debit = "debit", "Debit";
        Credit = "credit", "Credit";
    }
}

/// A range of accounts that takes no manual entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guarded {
    /// First account.
    pub first: i32,
    /// Last account.
    pub last: i32,
    /// What its balance is tied to.
    pub tied_to: &'static str,
    /// What to use instead.
    pub instead: &'static str,
}

const fn guarded_range(first: i32, last: i32, tied_to: &'static str, instead: &'static str) -> Guarded {
    Guarded { first, last, tied_to, instead }
}

const INCIDENTS: &str = "the claims, estimates and payouts of incidents";
const INCOME_OF_REPORTS: &str = "fee reports, events and settlements, row by row";

/// Every guarded range, in the order of the chart. Leaf accounts that a book adds inside a range are guarded with it.
pub const GUARDED: &[Guarded] = &[
    guarded_range(
        1100,
        1159,
        "the lots of wallets",
        "`safu treasury transfer`, `safu treasury rebalance` or another event of the treasury",
    ),
    guarded_range(1190, 1199, "the marks of open lots", "`safu prices value`"),
    guarded_range(
        1210,
        1219,
        INCOME_OF_REPORTS,
        "`safu contributions submit` (a higher version corrects) or `safu treasury settlement`",
    ),
    guarded_range(
        1240,
        1249,
        "the recoveries of incidents",
        "`safu recoveries recognise`, `safu recoveries receive` or `safu treasury recovery-written-off`",
    ),
    guarded_range(2110, 2119, INCIDENTS, "`safu incidents estimate` or `safu claims approve`"),
    guarded_range(2120, 2129, INCIDENTS, "`safu incidents estimate`"),
    guarded_range(2130, 2139, INCIDENTS, "`safu claims approve` or `safu payouts pay`"),
    guarded_range(2140, 2149, INCIDENTS, "`safu treasury shortfall` or `safu treasury rights-redeemed`"),
    guarded_range(2150, 2169, INCIDENTS, "`safu treasury undeliverable` or `safu treasury unclaimed-escheated`"),
    guarded_range(2170, 2179, INCIDENTS, "`safu treasury handling-reserve-raised` or `safu treasury claims-handling-paid`"),
    guarded_range(
        2240,
        2249,
        "receipts that wait to be identified",
        "`safu treasury unidentified-receipt` or `safu treasury identified`",
    ),
    guarded_range(2250, 2259, "restated fee reports", "`safu contributions submit` or `safu treasury offset`"),
    guarded_range(3100, 3199, "the closes of periods", "`safu periods close`"),
    guarded_range(3300, 3399, "the fund balance that it is a part of", "`safu policy coverage`"),
    guarded_range(3900, 3999, "the two sides of an exchange of assets", "`safu treasury rebalance`"),
    guarded_range(4100, 4199, INCOME_OF_REPORTS, "`safu contributions submit` (a higher version corrects)"),
    guarded_range(
        4300,
        4309,
        "the cost of lots that have left",
        "the event by which they left, for example `safu treasury rebalance`",
    ),
    guarded_range(4310, 4319, "the marks of open lots", "`safu prices value`"),
    guarded_range(4320, 4329, INCOME_OF_REPORTS, "`safu treasury settlement`"),
    guarded_range(
        4400,
        4699,
        INCIDENTS,
        "`safu recoveries receive`, `safu treasury unclaimed-forfeited` or `safu treasury legally-released`",
    ),
    guarded_range(5100, 5149, INCIDENTS, "`safu incidents estimate` or `safu incidents recognise`"),
    guarded_range(5150, 5159, "the recoveries of incidents", "`safu recoveries recognise`"),
    guarded_range(9000, 9999, "memo figures, which are dated facts and no postings", "`safu memo set`"),
];

/// The guard of an account, if it has one.
pub fn guard(account: AccountNo) -> Option<&'static Guarded> {
    GUARDED.iter().find(|range| (range.first..=range.last).contains(&account.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::{STANDARD_CHART, no};

    #[test]
    fn what_a_sub_ledger_adds_up_to_is_guarded() {
        let tied = no::HOLDINGS.iter().chain(&no::OBLIGATIONS).chain(&no::IN_KIND);
        let more = [no::FAIR_VALUE_ADJUSTMENT, no::CONTRIBUTIONS_RECEIVABLE, no::RECOVERIES, no::CONVERSION, no::FUND_BALANCE];
        for account in tied.chain(&more) {
            assert!(guard(*account).is_some(), "{account}");
        }
    }

    #[test]
    fn what_has_no_other_way_is_open() {
        let open: Vec<i32> = STANDARD_CHART.iter().map(|(no, _)| *no).filter(|no| guard(AccountNo(*no)).is_none()).collect();
        assert_eq!(open, [1160, 1230, 1250, 2210, 2220, 2300, 3200, 4200, 5200, 5210, 5300, 5400, 5500]);
    }

    #[test]
    fn ranges_are_in_order_and_apart() {
        for pair in GUARDED.windows(2) {
            assert!(pair[0].last < pair[1].first && pair[0].first <= pair[0].last, "{:?}", pair[0]);
        }
    }
}
