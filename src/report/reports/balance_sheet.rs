//! The balance sheet: what the fund has, what it owes, and the fund balance between them; beside it, if wanted, an earlier day.

use crate::domain::account::{AccountClass, AccountNo};
use crate::domain::amount::Value;
use crate::ledger::trial_balance::TrialBalance;
use crate::report::doc::{Cell, Column, Doc, Row, RowKind, Table, Tone};
use crate::report::params::Params;
use crate::report::source::{BookFacts, ReportError, Source, overflow};
use crate::report::{fund, link, registry};
use jiff::civil::Date;
use std::collections::BTreeSet;

/// Balances of one day, credit balances above zero for what is owed.
struct Day<'a> {
    on: Date,
    balance: &'a TrialBalance,
}

impl Day<'_> {
    fn account(&self, account: AccountNo) -> Result<Value, ReportError> {
        let value = self.balance.value_of(&[account]).ok_or_else(overflow)?;
        Ok(if AccountClass::of(account) == Some(AccountClass::Asset) { value } else { value.negated() })
    }

    fn class(&self, class: AccountClass) -> Result<Value, ReportError> {
        let value = fund::value_of_class(self.balance, class)?;
        Ok(if class == AccountClass::Asset { value } else { value.negated() })
    }

    /// Income less expense that no close has moved to the fund balance yet.
    fn result(&self) -> Result<Value, ReportError> {
        let income = self.class(AccountClass::Income)?;
        income.checked_add(self.class(AccountClass::Expense)?).ok_or_else(overflow)
    }

    fn equity(&self) -> Result<Value, ReportError> {
        self.class(AccountClass::Equity)?.checked_add(self.result()?).ok_or_else(overflow)
    }
}

/// Makes the report.
pub fn run(source: &mut dyn Source, params: &Params) -> Result<Doc, ReportError> {
    let report = registry::find("balance-sheet")?;
    let as_of = source.facts().as_of;
    let before = params.date("compare")?;
    let balances = (source.balances(as_of)?, before.map(|day| source.balances(day)).transpose()?);
    let facts = source.facts();
    let days: Vec<Day<'_>> = [Some((as_of, &balances.0)), before.zip(balances.1.as_ref())]
        .into_iter()
        .flatten()
        .map(|(on, balance)| Day { on, balance })
        .collect();
    let mut rows = Vec::new();
    for class in [AccountClass::Asset, AccountClass::Liability, AccountClass::Equity] {
        rows.push(Row::of(RowKind::Group, vec![Cell::text(class.title())]));
        for account in accounts(facts, &days, class)? {
            let values = each(&days, |day| day.account(account))?;
            let name =
                vec![Cell::text(account.to_string()).to(link::account(account, None)), Cell::text(facts.account_name(account))];
            rows.push(line(RowKind::Body, name, &values, &days, &Behind::Account(account)));
        }
        let (label, values) = if class == AccountClass::Equity {
            let result = each(&days, |day| day.result())?;
            let open = Behind::Accounts(of_classes(facts, &[AccountClass::Income, AccountClass::Expense]));
            rows.push(line(RowKind::Body, vec![Cell::empty(), Cell::text("Result not yet closed")], &result, &days, &open));
            ("Fund balance", each(&days, |day| day.equity())?)
        } else {
            (class.title(), each(&days, |day| day.class(class))?)
        };
        let label = vec![Cell::empty(), Cell::text(format!("Total: {}", label.to_lowercase()))];
        let classes: &[AccountClass] = match class {
            AccountClass::Equity => &[AccountClass::Equity, AccountClass::Income, AccountClass::Expense],
            AccountClass::Liability => &[AccountClass::Liability],
            _ => &[AccountClass::Asset],
        };
        rows.push(line(RowKind::Subtotal, label, &values, &days, &Behind::Accounts(of_classes(facts, classes))));
    }
    rows.push(check(&days)?);
    Ok(Doc {
        name: report.name.to_owned(),
        title: report.title.to_owned(),
        finding: Some(finding(facts, &days)?),
        basis: fund::basis(facts, report, params, None),
        tables: vec![Table {
            id: "balance-sheet".to_owned(),
            caption: format!("Balance sheet ({})", facts.currency()),
            columns: columns(facts, before),
            rows,
            next: None,
            empty: None,
        }],
        notes: vec![
            "Holdings are at cost; 1190 brings them to fair value. Memo figures and undertakings are not part of this."
                .to_owned(),
        ],
        ..Doc::default()
    })
}

fn each(days: &[Day<'_>], value: impl Fn(&Day<'_>) -> Result<Value, ReportError>) -> Result<Vec<Value>, ReportError> {
    days.iter().map(value).collect()
}

/// The accounts of a class that carry something on one of the days.
fn accounts(facts: &BookFacts, days: &[Day<'_>], class: AccountClass) -> Result<BTreeSet<AccountNo>, ReportError> {
    let mut found = BTreeSet::new();
    for account in facts.accounts.keys().filter(|account| AccountClass::of(**account) == Some(class)) {
        if each(days, |day| day.account(*account))?.iter().any(|value| !value.is_zero()) {
            found.insert(*account);
        }
    }
    Ok(found)
}

/// What a line is made of.
enum Behind {
    Account(AccountNo),
    Accounts(Vec<AccountNo>),
}

impl Behind {
    /// The entries up to a day, without those before another.
    fn link(&self, from: Option<Date>, to: Date) -> String {
        let until = format!("to={to}");
        let days = from.map_or_else(|| until.clone(), |from| format!("from={from}&{until}"));
        match self {
            Self::Account(account) => format!("{}?{days}", link::account(*account, None)),
            Self::Accounts(accounts) => format!("{}&{days}", link::postings(accounts)),
        }
    }
}

/// Accounts of the chart in these classes.
fn of_classes(facts: &BookFacts, classes: &[AccountClass]) -> Vec<AccountNo> {
    let of = |account: &&AccountNo| AccountClass::of(**account).is_some_and(|class| classes.contains(&class));
    facts.accounts.keys().filter(of).copied().collect()
}

fn line(kind: RowKind, mut cells: Vec<Cell>, values: &[Value], days: &[Day<'_>], behind: &Behind) -> Row {
    cells.extend(values.iter().zip(days).map(|(value, day)| Cell::value(*value).to(behind.link(None, day.on))));
    if let ([now, before], [today, earlier]) = (values, days) {
        let (first, last) = (today.on.min(earlier.on), today.on.max(earlier.on));
        let to = behind.link(first.tomorrow().ok(), last);
        cells.push(now.checked_sub(*before).map_or_else(|| Cell::blank("does not fit"), |value| Cell::value(value).to(to)));
    }
    Row::of(kind, cells)
}

fn columns(facts: &BookFacts, before: Option<Date>) -> Vec<Column> {
    let mut columns = vec![
        Column::text("account", "Account"),
        Column::text("name", "Name"),
        Column::number("value", &format!("{} ({})", facts.as_of, facts.currency())),
    ];
    if let Some(day) = before {
        columns.push(Column::number("before", &format!("{day} ({})", facts.currency())));
        columns.push(Column::number("change", "Change"));
    }
    columns
}

/// Assets less liabilities less fund balance, which must be zero.
fn check(days: &[Day<'_>]) -> Result<Row, ReportError> {
    let differences = each(days, |day| {
        let net = day.class(AccountClass::Asset)?.checked_sub(day.class(AccountClass::Liability)?).ok_or_else(overflow)?;
        net.checked_sub(day.equity()?).ok_or_else(overflow)
    })?;
    let whole = differences.iter().all(|difference| difference.is_zero());
    let state = if whole { ("balances", Tone::Good) } else { ("does not balance", Tone::Bad) };
    let label = vec![Cell::state(state.0.to_owned(), state.1), Cell::text("Assets less liabilities less fund balance")];
    let mut cells = label;
    cells.extend(differences.iter().map(|difference| Cell::value(*difference)));
    if days.len() > 1 {
        cells.push(Cell::empty());
    }
    Ok(Row::of(RowKind::Check, cells))
}

fn finding(facts: &BookFacts, days: &[Day<'_>]) -> Result<String, ReportError> {
    let Some(now) = days.first() else { return Ok(String::new()) };
    let (assets, liabilities) = (now.class(AccountClass::Asset)?, now.class(AccountClass::Liability)?);
    let currency = facts.currency();
    Ok(format!(
        "The fund has {} {currency} and owes {} {currency}; the fund balance is {} {currency}.",
        fund::compact(assets),
        fund::compact(liabilities),
        fund::compact(now.equity()?)
    ))
}
