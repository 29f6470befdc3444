//! Approvals: how many persons must agree to a command, and the life of a proposal.
//!
//! A proposal binds to one revision of one command by the hash of its canonical JSON. Whoever made it cannot approve it. An edit
//! makes a new revision, and what was approved before does not count for it.

use crate::domain::amount::Value;
use crate::domain::words::words;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How weighty a command is, whatever its amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    /// Takes effect at once, for those whose role allows it.
    Free,
    /// Always one approval.
    One,
    /// Approvals by the amount it books.
    ByAmount,
    /// Always the committee.
    Committee,
}

/// How many approvals an amount needs. Amounts are functional values, compared with the sum of the debits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiers {
    /// Up to this one approval is enough.
    pub one_up_to: Value,
    /// Up to this two are.
    pub two_up_to: Value,
    /// Above, and for what always goes to the committee.
    pub committee: u8,
}

impl Tiers {
    /// Approvals that a command needs; zero means that it takes effect at once.
    pub fn needed(&self, risk: Risk, amount: Value) -> u8 {
        match risk {
            Risk::Free => 0,
            Risk::One => 1,
            Risk::Committee => self.committee,
            Risk::ByAmount if amount <= self.one_up_to => 1,
            Risk::ByAmount if amount <= self.two_up_to => 2.min(self.committee),
            Risk::ByAmount => self.committee,
        }
    }
}

words! {
    /// Where a proposal stands.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    State {
        /// Kept by its maker, not asked for yet.
        Draft = "draft";
        /// Waits for approvals.
        Submitted = "submitted";
        /// Has its approvals, waits to be carried out.
        Approved = "approved";
        /// Somebody said no.
        Rejected = "rejected";
        /// Its maker took it back.
        Withdrawn = "withdrawn";
        /// Its time ran out.
        Expired = "expired";
        /// Took effect.
        Executed = "executed";
    }
}

words! {
    /// What happens to a proposal.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    Step {
        /// Its maker wrote it, or wrote it anew: a new revision.
        Draft = "draft";
        /// Its maker asks for approval.
        Submit = "submit";
        /// A person approves the revision.
        Approve = "approve";
        /// A person refuses it.
        Reject = "reject";
        /// Its maker takes it back.
        Withdraw = "withdraw";
        /// It takes effect.
        Execute = "execute";
        /// A person approves afterwards what took effect in an emergency.
        Ratify = "ratify";
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

impl State {
    /// Where a step leads; `None` where it is not possible. `enough` says whether the approvals, this one included, suffice.
    pub const fn after(self, step: Step, enough: bool) -> Option<Self> {
        match (self, step) {
            // A submitted one may be edited: it is a draft again, and its approvals do not count any more.
            (Self::Draft | Self::Submitted, Step::Draft) => Some(Self::Draft),
            (Self::Draft, Step::Submit) => Some(Self::Submitted),
            (Self::Submitted, Step::Approve) => Some(if enough { Self::Approved } else { Self::Submitted }),
            (Self::Submitted | Self::Approved, Step::Reject) => Some(Self::Rejected),
            (Self::Draft | Self::Submitted | Self::Approved, Step::Withdraw) => Some(Self::Withdrawn),
            (Self::Approved, Step::Execute) | (Self::Executed, Step::Ratify) => Some(Self::Executed),
            _ => None,
        }
    }

    /// True while something can still come of it.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Draft | Self::Submitted | Self::Approved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_go_by_amount_and_risk() {
        let value = |units: i128| Value(units * 100_000_000);
        let tiers = Tiers { one_up_to: value(10_000), two_up_to: value(1_000_000), committee: 3 };
        assert_eq!(tiers.needed(Risk::Free, value(5_000_000)), 0);
        assert_eq!(tiers.needed(Risk::ByAmount, value(10_000)), 1);
        assert_eq!(tiers.needed(Risk::ByAmount, value(10_001)), 2);
        assert_eq!(tiers.needed(Risk::ByAmount, value(1_000_001)), 3);
        assert_eq!(tiers.needed(Risk::Committee, value(1)), 3);
        let small = Tiers { committee: 1, ..tiers };
        assert_eq!(small.needed(Risk::ByAmount, value(10_001)), 1, "no tier asks for more than the committee has");
    }

    #[test]
    fn a_proposal_ends_once() {
        assert_eq!(State::Submitted.after(Step::Approve, false), Some(State::Submitted));
        assert_eq!(State::Submitted.after(Step::Approve, true), Some(State::Approved));
        assert_eq!(State::Draft.after(Step::Approve, true), None, "what was not asked for is not approved");
        assert_eq!(State::Submitted.after(Step::Execute, true), None);
        for end in [State::Rejected, State::Withdrawn, State::Expired, State::Executed] {
            assert!(!end.is_open());
            for step in Step::ALL.iter().filter(|step| **step != Step::Ratify) {
                assert_eq!(end.after(*step, true), None, "{end} {step}");
            }
        }
        assert_eq!(State::Rejected.after(Step::Ratify, true), None);
    }
}
