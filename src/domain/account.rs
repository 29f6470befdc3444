//! Accounts and the chart of accounts. The chart is data: a book may add leaf accounts of its own.

use serde::Serialize;
use std::fmt;

/// An account number, 1000 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct AccountNo(pub i32);

impl fmt::Display for AccountNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The class of an account; it follows from the first digit of the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountClass {
    /// 1xxx: what the fund has.
    Asset,
    /// 2xxx: what the fund owes.
    Liability,
    /// 3xxx: the fund balance.
    Equity,
    /// 4xxx: income.
    Income,
    /// 5xxx: expense.
    Expense,
    /// 9xxx: memo figures that never enter totals and take no postings.
    Memo,
}

impl AccountClass {
    /// The class a number belongs to, or `None` where no class is.
    pub const fn of(no: AccountNo) -> Option<Self> {
        match no.0 {
            1000..=1999 => Some(Self::Asset),
            2000..=2999 => Some(Self::Liability),
            3000..=3999 => Some(Self::Equity),
            4000..=4999 => Some(Self::Income),
            5000..=5999 => Some(Self::Expense),
            9000..=9999 => Some(Self::Memo),
            _ => None,
        }
    }

    /// Balance-sheet accounts carry on; income and expense are closed to the fund balance.
    pub const fn is_closed_each_period(self) -> bool {
        matches!(self, Self::Income | Self::Expense)
    }

    /// The word on statements.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Asset => "Assets",
            Self::Liability => "Liabilities",
            Self::Equity => "Fund balance",
            Self::Income => "Income",
            Self::Expense => "Expenses",
            Self::Memo => "Memo",
        }
    }
}

/// One account of a book's chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Number.
    pub no: AccountNo,
    /// Name in the language of the statements.
    pub name: String,
    /// Class.
    pub class: AccountClass,
}

/// The accounts that posting rules name. Each constant is the number of the standard chart.
pub mod no {
    use super::AccountNo;
    macro_rules! accounts { ($($(#[$d:meta])* $name:ident = $no:literal;)*) => { $($(#[$d])* pub const $name: AccountNo = AccountNo($no);)* } }
    accounts! {
        /// Cold wallets, at cost (lots).
        COLD = 1110;
        /// Payout wallets, at cost (lots).
        PAYOUT = 1120;
        /// In transit between own wallets.
        TRANSIT = 1130;
        /// At custodian or yield venue.
        CUSTODIAN = 1140;
        /// Encumbered.
        ENCUMBERED = 1150;
        /// Bank.
        BANK = 1160;
        /// Fair-value adjustment (cumulative unrealised).
        FAIR_VALUE_ADJUSTMENT = 1190;
        /// Contributions receivable.
        CONTRIBUTIONS_RECEIVABLE = 1210;
        /// Yield receivable.
        YIELD_RECEIVABLE = 1230;
        /// Recoveries and subrogation, gross.
        RECOVERIES = 1240;
        /// Allowance on recoveries.
        RECOVERIES_ALLOWANCE = 1249;
        /// Sponsor top-up receivable (enforceable only).
        TOP_UP_RECEIVABLE = 1250;
        /// Provision: case reserves.
        CASE_RESERVES = 2110;
        /// Provision: IBNR, claimants not identified yet.
        IBNR = 2120;
        /// Claims approved, payable in kind.
        CLAIMS_PAYABLE = 2130;
        /// Claims approved, payable at fixed price.
        CLAIMS_PAYABLE_FIXED = 2131;
        /// Recovery-right obligations.
        RECOVERY_RIGHTS = 2140;
        /// Unclaimed compensation.
        UNCLAIMED = 2150;
        /// Escheat payable.
        ESCHEAT = 2160;
        /// Claims-handling reserve.
        CLAIMS_HANDLING = 2170;
        /// Sponsor or lender loans.
        LOANS = 2210;
        /// Interest payable.
        INTEREST_PAYABLE = 2220;
        /// Suspense: unidentified receipts.
        SUSPENSE = 2240;
        /// Contributions refundable.
        REFUNDABLE = 2250;
        /// Accounts payable.
        ACCOUNTS_PAYABLE = 2300;
        /// Accumulated fund balance.
        FUND_BALANCE = 3100;
        /// Sponsor contributed capital.
        SPONSOR_CAPITAL = 3200;
        /// Designated target (memo split of 3100).
        DESIGNATED_TARGET = 3300;
        /// Asset conversion clearing; always worth 0 in functional value.
        CONVERSION = 3900;
        /// Fee contributions.
        CONTRIBUTIONS = 4100;
        /// Contribution restatements.
        RESTATEMENTS = 4110;
        /// Yield and interest.
        YIELD = 4200;
        /// Realised gain or loss against cost.
        REALISED = 4300;
        /// Change in unrealised fair value.
        UNREALISED = 4310;
        /// Settlement difference on contributions.
        SETTLEMENT_DIFFERENCE = 4320;
        /// Recoveries above recognised loss.
        RECOVERIES_ABOVE_LOSS = 4400;
        /// Forfeited unclaimed compensation.
        FORFEITED = 4500;
        /// Gain on legal release of claims.
        RELEASE_GAIN = 4600;
        /// Compensation incurred: case.
        INCURRED_CASE = 5100;
        /// Compensation incurred: change in IBNR.
        INCURRED_IBNR = 5110;
        /// Development of prior estimates.
        DEVELOPMENT = 5120;
        /// Remeasurement of in-kind obligations.
        REMEASUREMENT = 5130;
        /// Fixed-price election difference.
        ELECTION_DIFFERENCE = 5140;
        /// Loss recoveries (contra).
        LOSS_RECOVERIES = 5150;
        /// Network fees.
        NETWORK_FEES = 5200;
        /// Conversion and custody cost.
        CONVERSION_COST = 5210;
        /// Claims-handling expense.
        CLAIMS_HANDLING_EXPENSE = 5300;
        /// Loss or write-off of fund assets.
        ASSET_LOSS = 5400;
        /// Loan interest.
        LOAN_INTEREST = 5500;
        /// Memo: user assets the fund covers.
        COVERED_USER_ASSETS = 9100;
        /// Memo: user assets in hot wallets.
        HOT_WALLET_USER_ASSETS = 9110;
        /// Memo: stolen funds traced or frozen.
        TRACED = 9200;
        /// Memo: contingent rights.
        CONTINGENT_RIGHTS = 9300;
        /// Memo: sponsor undertaking.
        SPONSOR_UNDERTAKING = 9400;
        /// Memo: possible loss above the provision.
        POSSIBLE_LOSS = 9500;
    }

    /// Accounts whose units are held in lots, in the order of the balance sheet.
    pub const HOLDINGS: [AccountNo; 5] = [COLD, PAYOUT, TRANSIT, CUSTODIAN, ENCUMBERED];
    /// Obligations that enter the coverage ratio.
    pub const OBLIGATIONS: [AccountNo; 8] =
        [CASE_RESERVES, IBNR, CLAIMS_PAYABLE, CLAIMS_PAYABLE_FIXED, RECOVERY_RIGHTS, UNCLAIMED, ESCHEAT, CLAIMS_HANDLING];
    /// Obligations owed in kind: they carry quantity × price at each close.
    pub const IN_KIND: [AccountNo; 6] = [CASE_RESERVES, IBNR, CLAIMS_PAYABLE, RECOVERY_RIGHTS, UNCLAIMED, ESCHEAT];
}

/// The standard chart: number and name of every account a new book starts with.
pub const STANDARD_CHART: &[(i32, &str)] = &[
    (1110, "Cold wallets, at cost"),
    (1120, "Payout wallets, at cost"),
    (1130, "In transit between own wallets"),
    (1140, "At custodian or yield venue"),
    (1150, "Encumbered"),
    (1160, "Bank"),
    (1190, "Fair-value adjustment"),
    (1210, "Contributions receivable"),
    (1230, "Yield receivable"),
    (1240, "Recoveries and subrogation, gross"),
    (1249, "Allowance on recoveries"),
    (1250, "Sponsor top-up receivable"),
    (2110, "Provision: case reserves"),
    (2120, "Provision: IBNR"),
    (2130, "Claims approved, payable in kind"),
    (2131, "Claims approved, payable at fixed price"),
    (2140, "Recovery-right obligations"),
    (2150, "Unclaimed compensation"),
    (2160, "Escheat payable"),
    (2170, "Claims-handling reserve"),
    (2210, "Sponsor or lender loans"),
    (2220, "Interest payable"),
    (2240, "Suspense: unidentified receipts"),
    (2250, "Contributions refundable"),
    (2300, "Accounts payable"),
    (3100, "Accumulated fund balance"),
    (3200, "Sponsor contributed capital"),
    (3300, "Designated target"),
    (3900, "Asset conversion clearing"),
    (4100, "Fee contributions"),
    (4110, "Contribution restatements"),
    (4200, "Yield and interest"),
    (4300, "Realised gain or loss against cost"),
    (4310, "Change in unrealised fair value"),
    (4320, "Settlement difference on contributions"),
    (4400, "Recoveries above recognised loss"),
    (4500, "Forfeited unclaimed compensation"),
    (4600, "Gain on legal release of claims"),
    (5100, "Compensation incurred: case"),
    (5110, "Compensation incurred: change in IBNR"),
    (5120, "Development of prior estimates"),
    (5130, "Remeasurement of in-kind obligations"),
    (5140, "Fixed-price election difference"),
    (5150, "Loss recoveries"),
    (5200, "Network fees"),
    (5210, "Conversion and custody cost"),
    (5300, "Claims-handling expense"),
    (5400, "Loss or write-off of fund assets"),
    (5500, "Loan interest"),
    (9100, "Memo: user assets covered"),
    (9110, "Memo: hot-wallet user assets"),
    (9200, "Memo: stolen funds traced or frozen"),
    (9300, "Memo: contingent rights"),
    (9400, "Memo: sponsor undertaking"),
    (9500, "Memo: possible loss above the provision"),
];
