//! Every kind of command that can be kept and carried out later. A new kind is one line here.

use super::terms::ApprovalTerms;
use crate::domain::outcome::Rejection;
use crate::service::command::{From, Kind, OfIncident};
use crate::service::contributions::rejection::{OfReport, RejectReport};
use crate::service::entries::ManualEntry;
use crate::service::entries::template::EntryTemplate;
use crate::service::evidence::AttachEvidence;
use crate::service::identity::provider::LinkProvider;
use crate::service::identity::reset::ResetLogin;
use crate::service::incidents::approvals::NewApproval;
use crate::service::incidents::declare::{CloseIncident, NewIncident, NewStatement, StepIncident};
use crate::service::incidents::estimates::NewEstimate;
use crate::service::incidents::payouts::PayClaims;
use crate::service::incidents::recognition::NewRecognition;
use crate::service::incidents::recoveries::{NewRecovery, NewRecoveryReceipt, RecoveryMemo};
use crate::service::keys::{NewKey, RevokeKey};
use crate::service::memo::MemoFigure;
use crate::service::mode::SetMode;
use crate::service::people::{NewPerson, RenamePerson, SetRole};
use crate::service::periods::ClosePeriod;
use crate::service::periods::checklist::MarkItem;
use crate::service::periods::soft::SoftClose;
use crate::service::policies::{ContributionTerms, CoveragePolicy, PricePolicy};
use crate::service::prices::LockPrices;
use crate::service::reconciliation::breaks::{AssignBreak, ExplainBreak, MatchBalances};
use crate::service::reconciliation::observe::ImportBalances;
use crate::service::reconciliation::sign_off::SignOff;
use crate::service::registry::{DescribeWallet, NewAccount, NewAsset, NewVenue, NewWallet};
use crate::service::reversals::Reverse;
use crate::service::treasury::TreasuryCommand;
use crate::service::valuation::ValueDay;

/// All kinds.
pub const KINDS: &[Kind] = &[
    Kind::of::<TreasuryCommand>(),
    Kind::of::<Reverse>(),
    Kind::of::<ManualEntry>(),
    Kind::of::<EntryTemplate>(),
    Kind::of::<AttachEvidence>(),
    Kind::of::<OfReport<RejectReport>>(),
    Kind::of::<LockPrices>(),
    Kind::of::<ValueDay>(),
    Kind::of::<ClosePeriod>(),
    Kind::of::<SoftClose>(),
    Kind::of::<MarkItem>(),
    Kind::of::<From<MemoFigure>>(),
    Kind::of::<From<ContributionTerms>>(),
    Kind::of::<From<CoveragePolicy>>(),
    Kind::of::<From<PricePolicy>>(),
    Kind::of::<From<ApprovalTerms>>(),
    Kind::of::<NewAsset>(),
    Kind::of::<NewAccount>(),
    Kind::of::<NewWallet>(),
    Kind::of::<DescribeWallet>(),
    Kind::of::<ImportBalances>(),
    Kind::of::<MatchBalances>(),
    Kind::of::<AssignBreak>(),
    Kind::of::<ExplainBreak>(),
    Kind::of::<SignOff>(),
    Kind::of::<NewVenue>(),
    Kind::of::<NewPerson>(),
    Kind::of::<SetRole>(),
    Kind::of::<RenamePerson>(),
    Kind::of::<ResetLogin>(),
    Kind::of::<SetMode>(),
    Kind::of::<LinkProvider>(),
    Kind::of::<NewKey>(),
    Kind::of::<RevokeKey>(),
    Kind::of::<NewIncident>(),
    Kind::of::<OfIncident<StepIncident>>(),
    Kind::of::<OfIncident<NewStatement>>(),
    Kind::of::<OfIncident<NewEstimate>>(),
    Kind::of::<OfIncident<NewRecognition>>(),
    Kind::of::<OfIncident<NewApproval>>(),
    Kind::of::<OfIncident<PayClaims>>(),
    Kind::of::<OfIncident<From<RecoveryMemo>>>(),
    Kind::of::<OfIncident<NewRecovery>>(),
    Kind::of::<OfIncident<NewRecoveryReceipt>>(),
    Kind::of::<OfIncident<CloseIncident>>(),
];

/// The kind of this word.
pub fn find(kind: &str) -> Option<Kind> {
    KINDS.iter().find(|known| known.kind == kind).copied()
}

/// The kind of this word.
///
/// # Errors
/// `InvalidField` naming the words there are.
pub(super) fn require(kind: &str) -> Result<Kind, Rejection> {
    find(kind).ok_or_else(|| {
        let all: Vec<&str> = KINDS.iter().map(|known| known.kind).collect();
        Rejection::invalid("/kind", kind, format!("is not a kind of command; use one of {}", all.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::KINDS;
    use std::collections::BTreeSet;

    #[test]
    fn kinds_are_unique_and_name_who_gives_and_approves() {
        let words: BTreeSet<&str> = KINDS.iter().map(|kind| kind.kind).collect();
        assert_eq!(words.len(), KINDS.len());
        for kind in KINDS {
            assert!(!kind.givers.is_empty() && !kind.approvers.is_empty(), "{}", kind.kind);
        }
    }
}
