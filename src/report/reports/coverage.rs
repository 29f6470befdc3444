//! Coverage: what the fund is worth against what it owes, asset by asset, with every ratio, its parts and its formula.

use super::coverage_history;
use crate::domain::account::no;
use crate::domain::amount::Value;
use crate::domain::coverage::{Coverage, Position, Ratio};
use crate::report::doc::{Cell, Chart, ChartKind, Column, Content, Doc, Figure, Row, RowKind, Table, Tone};
use crate::report::fund::{self, Fund};
use crate::report::params::Params;
use crate::report::source::{BookFacts, ReportError, Source, overflow};
use crate::report::{link, registry};
use rust_decimal::Decimal;

/// Ratios that stand as headline figures, in their order.
const HEADLINES: [&str; 5] = ["coverage", "matched", "available", "net_of_loans", "liquid"];

/// Makes the report.
pub fn run(source: &mut dyn Source, params: &Params) -> Result<Doc, ReportError> {
    let report = registry::find("coverage")?;
    let as_of = source.facts().as_of;
    let fund = Fund::load(source, as_of)?;
    let history = coverage_history::points(source, None, as_of)?;
    let facts = source.facts();
    let mut charts = Vec::new();
    charts.extend(matched_chart(&fund.coverage));
    charts.extend(composition_chart(facts, &fund));
    if !history.is_empty() {
        charts.push(coverage_history::chart(&history, fund.terms.as_ref()));
    }
    Ok(Doc {
        name: report.name.to_owned(),
        title: report.title.to_owned(),
        finding: Some(finding(facts, &fund.coverage)),
        basis: fund::basis(facts, report, params, fund.prices.as_ref()),
        figures: figures(&fund),
        charts,
        tables: vec![
            ratios(&fund),
            holdings(facts, &fund)?,
            obligations(facts, &fund)?,
            stress(&fund),
            policy(facts, &fund),
            memo(facts, &fund),
        ],
        notes: notes(),
    })
}

fn notes() -> Vec<String> {
    [
        "Fund value is units × price of what stands in wallets, at custodians, in transit and encumbered (accounts 1110 to 1150); \
         receivables, undertakings of the sponsor and expected recoveries are not part of it.",
        "Obligations are the carrying amounts of accounts 2110 to 2170; what is owed in kind is remeasured at every price lock.",
        "A ratio whose denominator is zero is n/a. Stress keeps obligations at their carrying amounts.",
    ]
    .map(str::to_owned)
    .into()
}

/// One sentence for the head of the page.
pub fn finding(facts: &BookFacts, coverage: &Coverage) -> String {
    let currency = facts.currency();
    let worth = match &coverage.fund_value {
        Ok(value) => format!("The fund is worth {} {currency}", fund::compact(*value)),
        Err(why) => return format!("The fund's value is not known: {why}."),
    };
    let Some(ratio) = coverage.get("coverage").and_then(|ratio| ratio.value.clone().ok()) else {
        return format!("{worth}; nothing is owed.");
    };
    let lowest = coverage.matched.first().and_then(|lowest| {
        let value = fund::shown(&Content::Ratio(lowest.value.clone().ok()?));
        Some(format!("; {} is covered {value} in kind", lowest.label.trim_start_matches("Matched ")))
    });
    format!("{worth}, {} what it owes{}.", fund::shown(&Content::Ratio(ratio)), lowest.unwrap_or_default())
}

/// The headline figures.
pub fn figures(fund: &Fund) -> Vec<Figure> {
    let coverage = &fund.coverage;
    let value = match &coverage.fund_value {
        Ok(value) => Cell::value(*value),
        Err(why) => Cell::blank(why),
    };
    let sums = [
        ("fund_value", "Fund value", value.to(link::coverage("holdings")), "Σ units × price"),
        (
            "obligations",
            "Obligations",
            Cell::value(coverage.obligations).to(link::coverage("obligations")),
            "Σ carrying amounts of 2110 to 2170",
        ),
    ];
    let sums = sums.map(|(key, label, cell, formula)| Figure::new(key, label, cell).formula(formula));
    let ratios = HEADLINES.iter().filter_map(|key| coverage.get(key)).map(|ratio| figure(fund, ratio));
    sums.into_iter().chain(ratios).collect()
}

/// A ratio as a headline figure.
pub fn figure(fund: &Fund, ratio: &Ratio) -> Figure {
    let is_coverage = ratio.key == "coverage";
    let matched = ratio.key == "matched" && ratio.value.is_ok();
    let state = if is_coverage { Some(fund.state()) } else { matched.then(|| matched_state(ratio)) };
    Figure {
        key: ratio.key.clone(),
        label: ratio.label.clone(),
        cell: fund::ratio_cell(ratio).to(link::report("coverage")),
        state,
        formula: Some(ratio.formula.clone()),
        parts: Some(fund::parts(ratio)),
        hint: if is_coverage { levels(fund) } else { None },
    }
}

/// The levels of the policy in words.
fn levels(fund: &Fund) -> Option<String> {
    let terms = fund.terms.as_ref()?;
    let minimum = terms.minimum.map(|minimum| format!("minimum {}", fund::shown(&Content::Ratio(fund::level(minimum)))));
    let bands = terms.bands.iter().map(|b| format!("{} below {}", b.name, fund::shown(&Content::Ratio(fund::level(b.below)))));
    let words: Vec<String> = minimum.into_iter().chain(bands).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// Whether a matched ratio is one at least.
pub fn matched_state(ratio: &Ratio) -> (String, Tone) {
    match &ratio.value {
        Ok(value) if *value >= Decimal::ONE => ("fully matched".to_owned(), Tone::Good),
        Ok(_) => ("not matched".to_owned(), Tone::Bad),
        Err(_) => ("not applicable".to_owned(), Tone::Neutral),
    }
}

fn matched_chart(coverage: &Coverage) -> Option<Chart> {
    let lowest = coverage.matched.first()?;
    let short: Vec<&str> = coverage
        .matched
        .iter()
        .filter(|ratio| ratio.value.as_ref().is_ok_and(|value| *value < Decimal::ONE))
        .map(|ratio| ratio.label.trim_start_matches("Matched "))
        .collect();
    let finding = if short.is_empty() {
        format!(
            "Every asset that is owed in kind is held in full; the lowest is {}.",
            lowest.label.trim_start_matches("Matched ")
        )
    } else {
        format!("The fund holds less than it owes in kind of {}.", short.join(", "))
    };
    let bars = coverage.matched.iter().rev().filter_map(|ratio| {
        let value = ratio.value.clone().ok()?;
        let code = ratio.label.trim_start_matches("Matched ").to_owned();
        Some((code, value, matched_state(ratio).1, Some(link::coverage("ratios"))))
    });
    Some(Chart {
        id: "matched".to_owned(),
        title: "Matched per asset".to_owned(),
        finding,
        kind: ChartKind::Ranked {
            bars: bars.collect(),
            marker: Some(("fully matched".to_owned(), Decimal::ONE)),
            unit: "×".to_owned(),
        },
    })
}

fn composition_chart(facts: &BookFacts, fund: &Fund) -> Option<Chart> {
    let value = fund.coverage.fund_value.clone().ok()?;
    let positions = &fund.input.positions;
    let held = |p: &Position| fund.coverage.holdings.iter().find(|h| h.asset == p.asset).map_or(Value::ZERO, |h| h.value);
    let largest = positions.iter().max_by_key(|p| held(p))?;
    let share = crate::domain::amount::mul_div(
        held(largest).minor(),
        1_000_000,
        value.minor(),
        crate::domain::amount::Rounding::HalfEven,
    );
    let share = share.map(|millionths| fund::shown(&Content::Percent(fund::level(millionths))));
    Some(Chart {
        id: "composition".to_owned(),
        title: "What is held and what is owed".to_owned(),
        finding: format!("{} is {} of what is held.", largest.code, share?),
        kind: ChartKind::Stacked {
            categories: vec![
                ("Held".to_owned(), Some(link::coverage("holdings"))),
                ("Owed".to_owned(), Some(link::coverage("obligations"))),
            ],
            parts: positions
                .iter()
                .map(|p| (p.code.clone(), vec![fund::decimal(held(p)), fund::decimal(p.obligations)]))
                .collect(),
            unit: facts.currency().to_owned(),
        },
    })
}

/// Every ratio with its parts and its formula.
fn ratios(fund: &Fund) -> Table {
    let coverage = &fund.coverage;
    let row = |ratio: &Ratio| {
        let (numerator, denominator) = fund::parts(ratio);
        let to = numerator.link.clone().unwrap_or_else(|| link::coverage("holdings"));
        Row::body(vec![
            Cell::text(&ratio.label),
            fund::ratio_cell(ratio).to(to),
            numerator,
            denominator,
            Cell::text(&ratio.formula),
            Cell::code(ratio.key.clone()),
        ])
    };
    Table::new(
        "ratios",
        "Ratios with their parts",
        vec![
            Column::text("ratio", "Ratio"),
            Column::number("value", "Value"),
            Column::number("numerator", "Numerator"),
            Column::number("denominator", "Denominator"),
            Column::text("formula", "Formula"),
            Column::text("key", "Key in files"),
        ],
        coverage.ratios.iter().chain(&coverage.matched).chain(&coverage.stress).map(row).collect(),
        "",
    )
}

fn holdings(facts: &BookFacts, fund: &Fund) -> Result<Table, ReportError> {
    let currency = facts.currency();
    let mut rows = Vec::new();
    for account in no::HOLDINGS {
        for position in &fund.input.positions {
            let units = fund.balance.get(account, position.asset).quantity;
            if units.is_zero() {
                continue;
            }
            let to = link::account(account, Some(&position.code));
            let value = position.price.map(|price| price.fair_value(units, position.scale).ok_or_else(overflow)).transpose()?;
            let missing = || Cell::blank(format!("there is no locked price of {}", position.code));
            let price = position.price.map_or_else(missing, |price| Cell::new(Content::Price(price.decimal())));
            rows.push(Row::body(vec![
                Cell::text(account.to_string()).to(link::account(account, None)),
                Cell::text(facts.account_name(account)),
                Cell::text(&position.code),
                Cell::units(units, position.scale).to(&to),
                price.to(fund.prices.as_ref().map_or_else(|| "/prices".to_owned(), |set| link::price_set(set.cutoff_on))),
                value.map_or_else(missing, Cell::value).to(&to),
                Cell::new(Content::Percent(fund::level(position.haircut))).to(link::coverage("policy")),
            ]));
        }
    }
    if !rows.is_empty() {
        let mut cells = vec![Cell::text("Fund value"), Cell::empty(), Cell::empty(), Cell::empty(), Cell::empty()];
        cells.push(match &fund.coverage.fund_value {
            Ok(value) => Cell::value(*value).to(link::postings(&no::HOLDINGS)),
            Err(why) => Cell::blank(why),
        });
        cells.push(Cell::empty());
        rows.push(Row::of(RowKind::Total, cells));
    }
    Ok(Table {
        id: "holdings".to_owned(),
        caption: "What is held".to_owned(),
        columns: vec![
            Column::text("account", "Account"),
            Column::text("name", "Name"),
            Column::text("asset", "Asset"),
            Column::number("units", "Units"),
            Column::number("price", &format!("Price ({currency})")),
            Column::number("value", &format!("Value ({currency})")),
            Column::number("haircut", "Haircut"),
        ],
        rows,
        next: None,
        empty: Some("The fund holds nothing yet; a settlement of contributions brings the first units.".to_owned()),
    })
}

fn obligations(facts: &BookFacts, fund: &Fund) -> Result<Table, ReportError> {
    let currency = facts.currency();
    let mut rows = Vec::new();
    for account in no::OBLIGATIONS {
        for position in &fund.input.positions {
            let amounts = fund.balance.get(account, position.asset);
            if amounts.is_zero() {
                continue;
            }
            let to = link::account(account, Some(&position.code));
            rows.push(Row::body(vec![
                Cell::text(account.to_string()).to(link::account(account, None)),
                Cell::text(facts.account_name(account)),
                Cell::text(&position.code),
                Cell::units(amounts.quantity.negated(), position.scale).to(&to),
                Cell::value(amounts.value.negated()).to(&to),
            ]));
        }
    }
    if !rows.is_empty() {
        let total = Cell::value(fund.coverage.obligations).to(link::postings(&no::OBLIGATIONS));
        rows.push(Row::of(RowKind::Total, vec![Cell::text("Obligations"), Cell::empty(), Cell::empty(), Cell::empty(), total]));
    }
    Ok(Table {
        id: "obligations".to_owned(),
        caption: "What is owed".to_owned(),
        columns: vec![
            Column::text("account", "Account"),
            Column::text("name", "Name"),
            Column::text("asset", "Asset"),
            Column::number("units", "Units"),
            Column::number("value", &format!("Value ({currency})")),
        ],
        rows,
        next: None,
        empty: Some("Nothing is owed: no incident is recognised, or every claim is paid.".to_owned()),
    })
}

fn stress(fund: &Fund) -> Table {
    let row = |ratio: &Ratio| {
        let (word, tone) = fund::judge(fund.terms.as_ref(), ratio.value.clone().ok());
        Row::body(vec![
            Cell::text(&ratio.label),
            fund::amount_cell(&ratio.numerator).to(link::coverage("holdings")),
            fund::amount_cell(&ratio.denominator).to(link::coverage("obligations")),
            fund::ratio_cell(ratio).to(link::coverage("policy")),
            Cell::state(word, tone),
        ])
    };
    Table::new(
        "stress",
        "Stress scenarios of the policy",
        vec![
            Column::text("scenario", "Scenario"),
            Column::number("value_left", "Value left"),
            Column::number("owed", "Owed"),
            Column::number("coverage", "Coverage"),
            Column::text("state", "State"),
        ],
        fund.coverage.stress.iter().map(row).collect(),
        "No scenario is saved; `safu policy coverage` takes them with the policy.",
    )
}

/// The policy in force: what people typed in, so there are no entries behind it.
fn policy(facts: &BookFacts, fund: &Fund) -> Table {
    let mut rows = Vec::new();
    if let Some(terms) = &fund.terms {
        let mut row = |what: String, cell: Cell| rows.push(Row::body(vec![Cell::text(what), cell]));
        let currency = facts.currency();
        row("In force since".to_owned(), Cell::date(terms.since));
        for (what, value) in [("Target", terms.targets.target), ("Floor", terms.targets.floor)] {
            if let Some(value) = value {
                row(format!("{what} of the fund value ({currency})"), Cell::value(value));
            }
        }
        if let Some(minimum) = terms.minimum {
            row("Minimum coverage".to_owned(), Cell::new(Content::Ratio(fund::level(minimum))));
        }
        for band in &terms.bands {
            row(
                format!("Coverage is called \u{201c}{}\u{201d} below", band.name),
                Cell::new(Content::Ratio(fund::level(band.below))),
            );
        }
        for (asset, haircut) in &terms.haircuts {
            row(format!("Haircut of {}", facts.code(*asset)), Cell::new(Content::Percent(fund::level(*haircut))));
        }
    }
    Table::new(
        "policy",
        "Coverage policy: set by people, not made of entries",
        vec![Column::text("what", "What"), Column::number("value", "Value")],
        rows,
        "No coverage policy is in force; `safu policy coverage` sets one.",
    )
}

fn memo(facts: &BookFacts, fund: &Fund) -> Table {
    let rows = fund.memo.iter().map(|figure| {
        Row::body(vec![
            Cell::text(figure.account.to_string()),
            Cell::text(facts.account_name(figure.account)),
            Cell::text(facts.code(figure.asset)),
            Cell::units(figure.quantity, facts.scale(figure.asset)),
            Cell::date(figure.since),
        ])
    });
    Table::new(
        "memo",
        "Memo figures: typed in to compare with, not made of entries and in no total",
        vec![
            Column::text("account", "Account"),
            Column::text("name", "Name"),
            Column::text("asset", "Asset"),
            Column::number("units", "Units"),
            Column::text("since", "Since"),
        ],
        rows.collect(),
        "No memo figure is recorded; the reserve ratio and the hot-wallet coverage need them.",
    )
}
