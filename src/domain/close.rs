//! The checklist of a month that is to be closed: what has to hold, who looks after it, and how an item may end.

use super::person::Role;
use super::words::words;
use serde::{Deserialize, Serialize};

words! {
    /// An item of the checklist. What the book does not find out by itself, people answer for.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    Item / title {
        InOrder = "in-order", "The months before are closed";
        Ended = "ended", "The month is over";
        Feeds = "feeds", "Every fee report that was due is posted";
        Suspense = "suspense", "Nothing stands in suspense";
        Reconciliation = "reconciliation", "Wallets are reconciled and signed off";
        Prices = "prices", "Prices are locked on the last day";
        Valuation = "valuation", "Holdings are marked to market on the last day";
        Obligations = "obligations", "Obligations in kind are remeasured on the last day";
        SubLedgers = "sub-ledgers", "Sub-ledgers agree with their accounts";
        Proposals = "proposals", "No proposal waits for the month";
        Statements = "statements", "Statements of custodians and banks are filed";
        Estimates = "estimates", "Estimates of open incidents are reviewed";
        Changes = "changes", "Changes against the month before are explained";
        Reports = "reports", "The reports of the month are reviewed";
    }
}

words! {
    /// How an item stands.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    ItemState {
        /// Still to be done.
        Open = "open";
        /// Holds, or was done.
        Done = "done";
        /// Left out with a reason.
        NotApplicable = "not-applicable";
    }
}

words! {
    /// How far a month is.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    MonthState {
        /// Takes entries.
        Open = "open";
        /// Takes entries of approved commands only.
        SoftClosed = "soft-closed";
        /// Takes nothing any more.
        Closed = "closed";
    }
}

impl Item {
    /// True for what the book finds out by itself.
    pub fn is_computed(self) -> bool {
        self < Self::Statements
    }

    /// True for what may be left out with a reason. What the figures of the month rest on may not.
    pub const fn may_be_left_out(self) -> bool {
        !matches!(self, Self::InOrder | Self::Ended | Self::Suspense | Self::Prices | Self::SubLedgers | Self::Proposals)
    }

    /// The role that looks after it where no person is named.
    pub const fn role(self) -> Role {
        match self {
            Self::Reconciliation | Self::Statements => Role::Treasurer,
            Self::Obligations | Self::Estimates => Role::IncidentOfficer,
            Self::Proposals => Role::Approver,
            _ => Role::Preparer,
        }
    }
}

impl ItemState {
    /// For people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::NotApplicable => "not applicable",
        }
    }
}

impl MonthState {
    /// For people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::SoftClosed => "soft-closed",
            Self::Closed => "closed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_figures_rest_on_cannot_be_left_out() {
        let strict: Vec<_> = Item::ALL.iter().filter(|item| !item.may_be_left_out()).map(|item| item.slug()).collect();
        assert_eq!(strict, ["in-order", "ended", "suspense", "prices", "sub-ledgers", "proposals"]);
        assert_eq!(Item::ALL.iter().filter(|item| item.is_computed()).count(), 10);
        assert!(Item::ALL.iter().all(|item| item.is_computed() || item.may_be_left_out()), "people decide on their own items");
    }
}
