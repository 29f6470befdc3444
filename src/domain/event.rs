//! The kinds of event the book knows. Every entry carries exactly one.

use std::fmt;

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $title:literal;)*) => {
        /// An accounting event; the code is what journals, logs and exports show.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Event { $($(#[$doc])* #[doc = $title] $variant,)* }

        impl Event {
            /// Every event, in the order of the accounting document.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// The stable code, for example `E01`.
            pub const fn code(self) -> &'static str { match self { $(Self::$variant => $code),* } }
            /// The title for people.
            pub const fn title(self) -> &'static str { match self { $(Self::$variant => $title),* } }
            /// The event with this code.
            pub fn from_code(code: &str) -> Option<Self> { match code { $($code => Some(Self::$variant),)* _ => None } }
        }
    };
}

events! {
    Accrual = "E01", "Fee contributions accrued";
    Settlement = "E02", "Contributions settled";
    YieldAccrued = "E03a", "Yield accrued";
    YieldReceived = "E03b", "Yield received";
    MarkToMarket = "E04", "Mark to market";
    Transfer = "E05", "Transfer between own wallets";
    Rebalance = "E06", "Rebalance";
    IncidentRecognised = "E07", "Incident recognised";
    ClaimantIdentified = "E08a", "Claimants identified";
    IbnrReleased = "E08b", "IBNR released";
    CaseRevised = "E08c", "Case reserve revised";
    Remeasured = "E09", "In-kind obligations remeasured";
    ClaimsApproved = "E10", "Claims approved";
    PaidInKind = "E11", "Payout in kind";
    FixedPriceElected = "E12a", "Fixed price elected";
    PaidFixedPrice = "E12b", "Payout in the stable asset";
    PayoutNetworkFee = "E13", "Network fee of a payout";
    RecoveryRecognised = "E14a", "Recovery recognised";
    RecoveryReceived = "E14b", "Recovery received";
    SubrogatedClaim = "E15", "Subrogated claim recorded";
    Undeliverable = "E16a", "Payout undeliverable";
    UnclaimedForfeited = "E16b", "Unclaimed compensation forfeited";
    UnclaimedEscheated = "E16c", "Unclaimed compensation escheated";
    Shortfall = "E17", "Shortfall turned into recovery rights";
    RemainderReleased = "E17b", "Remainder legally released";
    RightsRedeemed = "E18a", "Recovery rights redeemed";
    RightsConverted = "E18b", "Recovery rights converted";
    SponsorCapital = "E19a", "Sponsor top-up as capital";
    Loan = "E19b", "Loan received";
    LoanInterest = "E19c", "Loan interest accrued";
    TopUpEnforceable = "E19d", "Top-up becomes enforceable";
    FundAssetLost = "E20", "Fund asset lost";
    RecoveryWrittenOff = "E21", "Recovery written off";
    Restatement = "E22", "Fee report restated";
    PeriodClose = "E24", "Period closed";
    SuspenseReceived = "E26", "Unidentified receipt";
    SuspenseIdentified = "E26b", "Unidentified receipt identified";
    Encumbrance = "E27", "Encumbered or released";
    SurplusReleased = "E28", "Surplus released to the sponsor";
    Reversal = "E29", "Reversal";
    ClaimsHandlingPaid = "E30", "Claims-handling cost paid";
    Manual = "E31", "Manual entry";
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
