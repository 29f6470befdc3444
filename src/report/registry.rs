//! Every report of the product. One line here gives its page, its API answer, its command line and its exports.

use super::doc::Doc;
use super::params::Params;
use super::reports::{
    access, account, ageing, balance_sheet, changes_in_fund, coverage, coverage_history, dashboard, duties, entry, journal,
    prices, roll_forward, trial_balance,
};
use super::source::{ReportError, Source};
use crate::domain::outcome::{OutcomeCode, Rejection};

/// What a parameter is, for forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    /// A business date.
    Date,
    /// An account number.
    Account,
    /// An asset code.
    Asset,
    /// An event code.
    Event,
    /// Free words.
    Text,
    /// What the report is about (an entry, a price set): part of the page's address, not of its form.
    Subject,
}

/// A parameter of a report besides as-of and known-at.
#[derive(Debug, Clone, Copy)]
pub struct ParamDef {
    /// Name in queries and on the command line.
    pub name: &'static str,
    /// Label for people.
    pub title: &'static str,
    /// Kind.
    pub kind: ParamKind,
    /// True where there is no report without it.
    pub required: bool,
}

const fn param(name: &'static str, title: &'static str, kind: ParamKind) -> ParamDef {
    ParamDef { name, title, kind, required: false }
}

/// Where a report stands in lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// What the fund is worth against what it owes.
    Coverage,
    /// Statements of the books.
    Statements,
    /// Entries and accounts.
    Journal,
    /// Valuation.
    Prices,
    /// The feed of contributions.
    Contributions,
    /// Incidents, claims and payouts.
    Incidents,
    /// Who may do what, and who did.
    Control,
}

impl Group {
    /// Every group in the order of lists.
    pub const ALL: [Self; 7] =
        [Self::Coverage, Self::Statements, Self::Journal, Self::Prices, Self::Contributions, Self::Incidents, Self::Control];

    /// The heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Coverage => "Coverage",
            Self::Statements => "Statements",
            Self::Journal => "Journal",
            Self::Prices => "Prices",
            Self::Contributions => "Contributions",
            Self::Incidents => "Incidents",
            Self::Control => "Control",
        }
    }
}

/// The function that makes a report.
pub type Run = fn(&mut dyn Source, &Params) -> Result<Doc, ReportError>;

/// A report.
#[derive(Debug, Clone, Copy)]
pub struct ReportDef {
    /// Name in addresses and on the command line.
    pub name: &'static str,
    /// Title for people.
    pub title: &'static str,
    /// What it answers, in one line.
    pub about: &'static str,
    /// Where it stands in lists.
    pub group: Group,
    /// Its own parameters.
    pub params: &'static [ParamDef],
    /// Makes it.
    pub run: Run,
}

impl ReportDef {
    /// True when it can be made without naming a subject, so that lists can lead to it.
    pub fn is_listed(&self) -> bool {
        !self.params.iter().any(|param| param.required)
    }
}

const FROM: ParamDef = param("from", "From", ParamKind::Date);
const TO: ParamDef = param("to", "To", ParamKind::Date);

/// Every report, in the order of lists.
pub const REPORTS: &[ReportDef] = &[
    ReportDef {
        name: "dashboard",
        title: "Dashboard",
        about: "How the fund stands, what changed since the last close, and what is open",
        group: Group::Coverage,
        params: &[],
        run: dashboard::run,
    },
    ReportDef {
        name: "coverage",
        title: "Coverage",
        about: "What the fund is worth against what it owes, with every ratio, its parts and its formula",
        group: Group::Coverage,
        params: &[],
        run: coverage::run,
    },
    ReportDef {
        name: "coverage-history",
        title: "Coverage history",
        about: "Fund value, obligations and coverage at every price set",
        group: Group::Coverage,
        params: &[FROM, TO],
        run: coverage_history::run,
    },
    ReportDef {
        name: "trial-balance",
        title: "Trial balance",
        about: "Units and value of every account and asset; both must come to zero",
        group: Group::Statements,
        params: &[],
        run: trial_balance::run,
    },
    ReportDef {
        name: "balance-sheet",
        title: "Balance sheet",
        about: "What the fund has, what it owes, and the fund balance; with an earlier day beside it if wanted",
        group: Group::Statements,
        params: &[param("compare", "Compare with", ParamKind::Date)],
        run: balance_sheet::run,
    },
    ReportDef {
        name: "changes-in-fund",
        title: "Changes in the fund",
        about: "From one fund balance to the next by month, with price effects apart from flows",
        group: Group::Statements,
        params: &[FROM, TO],
        run: changes_in_fund::run,
    },
    ReportDef {
        name: "roll-forward",
        title: "Roll-forward by asset",
        about: "What came into and went out of the holdings of each asset, in units and in value",
        group: Group::Statements,
        params: &[FROM, TO, param("asset", "Asset", ParamKind::Asset)],
        run: roll_forward::run,
    },
    ReportDef {
        name: "journal",
        title: "Journal",
        about: "Every entry line by line, with the sums of the filter",
        group: Group::Journal,
        params: &[
            param("account", "Account", ParamKind::Account),
            param("asset", "Asset", ParamKind::Asset),
            param("event", "Event", ParamKind::Event),
            FROM,
            TO,
            param("period", "Booked in", ParamKind::Text),
            param("closings", "Closings", ParamKind::Text),
            param("text", "Words", ParamKind::Text),
        ],
        run: journal::run,
    },
    ReportDef {
        name: "account",
        title: "Account",
        about: "The postings of one account between its opening and its closing balance",
        group: Group::Journal,
        params: &[
            ParamDef { required: true, ..param("account", "Account", ParamKind::Subject) },
            param("asset", "Asset", ParamKind::Asset),
            FROM,
            TO,
        ],
        run: account::run,
    },
    ReportDef {
        name: "entry",
        title: "Entry",
        about: "One entry with its postings, its record and its proof",
        group: Group::Journal,
        params: &[ParamDef { required: true, ..param("entry", "Entry", ParamKind::Subject) }],
        run: entry::run,
    },
    ReportDef {
        name: "prices",
        title: "Prices",
        about: "Locked price sets",
        group: Group::Prices,
        params: &[FROM, TO],
        run: prices::list,
    },
    ReportDef {
        name: "price-set",
        title: "Price set",
        about: "One locked set with what each price was before",
        group: Group::Prices,
        params: &[ParamDef { required: true, ..param("day", "Day", ParamKind::Subject) }],
        run: prices::one,
    },
    ReportDef {
        name: "ageing",
        title: "Receivable ageing",
        about: "Contributions that are accrued and not settled, by age, tied to the account",
        group: Group::Contributions,
        params: &[param("asset", "Asset", ParamKind::Asset)],
        run: ageing::run,
    },
    ReportDef {
        name: "duties",
        title: "Separation of duties",
        about: "Who made and who checked what, and roles that one person must not hold together",
        group: Group::Control,
        params: &[],
        run: duties::run,
    },
    ReportDef {
        name: "access-review",
        title: "User access review",
        about: "Every person with the roles held, since when and from whom, and every key; to go through and sign",
        group: Group::Control,
        params: &[],
        run: access::run,
    },
];

/// The report with this name.
///
/// # Errors
/// `NotFound`, with the names there are.
pub fn find(name: &str) -> Result<&'static ReportDef, Rejection> {
    REPORTS.iter().find(|report| report.name == name).ok_or_else(|| {
        let names: Vec<&str> = REPORTS.iter().map(|report| report.name).collect();
        let detail = format!("there is no such report; there are {}", names.join(", "));
        Rejection::new(OutcomeCode::NotFound, "/report", name, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_fit_addresses() {
        for (at, report) in REPORTS.iter().enumerate() {
            assert!(report.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", report.name);
            assert!(!REPORTS.iter().skip(at + 1).any(|other| other.name == report.name), "{} is there twice", report.name);
            for param in report.params {
                assert!(!super::super::params::COMMON.contains(&param.name), "{}: {}", report.name, param.name);
            }
        }
        assert!(find("nothing").is_err());
    }
}
