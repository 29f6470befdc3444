//! The form of a manual entry: what stands in its fields, whatever it says, and the command it comes to. Lines that are left empty do
//! not count.

use crate::domain::amount::{Quantity, VALUE_SCALE, Value, format_minor_trimmed};
use crate::domain::manual::{MAX_MANUAL_LINES, Side};
use crate::domain::outcome::{OutcomeCode, Problem, Rejection};
use crate::service::entries::{GivenLine, ManualEntry};
use crate::service::refs::{FUNCTIONAL, Refs};
use crate::web::session::Fields;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// Lines of a form that is begun.
const FIRST_LINES: usize = 2;

/// A line as it stands in the form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FormLine {
    pub(super) account: String,
    pub(super) side: String,
    pub(super) asset: String,
    pub(super) wallet: String,
    pub(super) units: String,
    pub(super) value: String,
}

/// The form.
#[derive(Debug, Clone, Default)]
pub(super) struct Form {
    pub(super) on: String,
    pub(super) memo: String,
    pub(super) reason: String,
    pub(super) lines: Vec<FormLine>,
    /// Hashes of the files that belong to it.
    pub(super) evidence: Vec<String>,
    /// The draft that is edited: its number, and the hash of the revision that was read.
    pub(super) draft: Option<(i64, String)>,
    /// Name under which it is kept as a template.
    pub(super) template: String,
}

/// Something that is wrong with the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    /// The field's id, to go there.
    pub(super) field: String,
    /// The field, for people.
    pub(super) label: String,
    /// What is wrong, and how to mend it.
    pub(super) detail: String,
    /// What was found.
    pub(super) value: String,
}

impl FormLine {
    fn of(line: &GivenLine) -> Self {
        Self {
            account: line.account.to_string(),
            side: line.side.slug().to_owned(),
            asset: line.asset.clone(),
            wallet: line.wallet.clone(),
            units: line.units.clone(),
            value: line.value.clone(),
        }
    }

    fn is_blank(&self) -> bool {
        [&self.account, &self.wallet, &self.units, &self.value].iter().all(|text| text.is_empty())
    }

    /// The line of a command, `at` being its place there.
    fn given(&self, at: usize) -> Result<GivenLine, Rejection> {
        let place = |field: &str| format!("/lines/{at}/{field}");
        // Some browsers put the words of a suggestion behind its number.
        let number = self.account.split_whitespace().next().unwrap_or_default();
        let account = number.parse().map_err(|_| {
            Rejection::invalid(place("account"), &self.account, "is not the number of an account, for example 5210")
        })?;
        let side = Side::from_slug(&self.side)
            .ok_or_else(|| Rejection::invalid(place("side"), &self.side, "is neither debit nor credit; choose one"))?;
        let [asset, wallet, units, value] = [&self.asset, &self.wallet, &self.units, &self.value].map(String::clone);
        Ok(GivenLine { account, asset, wallet, side, units, value })
    }
}

impl Form {
    /// An empty form.
    pub(super) fn blank(today: Date, currency: &str) -> Self {
        let line = |side: Side| FormLine { side: side.slug().to_owned(), asset: currency.to_owned(), ..FormLine::default() };
        let lines = [Side::Debit, Side::Credit].into_iter().cycle().take(FIRST_LINES).map(line).collect();
        Self { on: today.to_string(), lines, ..Self::default() }
    }

    /// The form of these lines.
    pub(super) fn filled(on: Date, memo: &str, reason: &str, lines: &[GivenLine]) -> Self {
        let lines = lines.iter().map(FormLine::of).collect();
        Self { on: on.to_string(), memo: memo.to_owned(), reason: reason.to_owned(), lines, ..Self::default() }
    }

    /// What a browser sent. Every line sends all of its fields, so their order makes the lines.
    pub(super) fn of(fields: &Fields) -> Self {
        let column = |name: &'static str| fields.all(name).take(MAX_MANUAL_LINES).map(|text| text.trim().to_owned()).collect();
        let mut columns: [Vec<String>; 6] = ["account", "side", "asset", "wallet", "units", "value"].map(column);
        let longest = columns.iter().map(Vec::len).max().unwrap_or(0);
        columns.iter_mut().for_each(|column| column.resize(longest, String::new()));
        let [accounts, sides, assets, wallets, units, values] = columns.map(Vec::into_iter);
        let rest = assets.zip(wallets).zip(units.zip(values));
        let line = |((account, side), ((asset, wallet), (units, value)))| FormLine { account, side, asset, wallet, units, value };
        let number = fields.get("draft").parse().ok();
        Self {
            on: fields.get("on").trim().to_owned(),
            memo: fields.get("memo").trim().to_owned(),
            reason: fields.get("reason").trim().to_owned(),
            lines: accounts.zip(sides).zip(rest).map(line).collect(),
            evidence: fields.all("evidence").map(str::to_owned).collect(),
            draft: number.map(|number| (number, fields.get("hash").to_owned())),
            template: fields.get("template").trim().to_owned(),
        }
    }

    /// One more line, on the side and in the asset that the others leave open.
    pub(super) fn add_line(&mut self, currency: &str) {
        if self.lines.len() < MAX_MANUAL_LINES {
            let asset = self.lines.last().map_or(currency, |last| last.asset.as_str()).to_owned();
            self.lines.push(FormLine { side: Side::Credit.slug().to_owned(), asset, ..FormLine::default() });
        }
    }

    /// The form without a line.
    pub(super) fn remove_line(&mut self, at: usize) {
        if at < self.lines.len() {
            self.lines.remove(at);
        }
    }

    /// The lines that count, with their place in the form.
    fn counted(&self) -> impl Iterator<Item = (usize, &FormLine)> {
        self.lines.iter().enumerate().filter(|(_, line)| !line.is_blank())
    }

    /// The lines of the command it comes to.
    pub(super) fn given(&self) -> Result<Vec<GivenLine>, Rejection> {
        let (mut lines, mut wrong) = (Vec::new(), Vec::new());
        for (at, (_, line)) in self.counted().enumerate() {
            match line.given(at) {
                Ok(line) => lines.push(line),
                Err(problem) => wrong.push(problem),
            }
        }
        Rejection::together(wrong).map_or(Ok(lines), Err)
    }

    /// The command it comes to.
    pub(super) fn entry(&self) -> Result<ManualEntry, Rejection> {
        let on = self.on.parse().map_err(|_| Rejection::invalid("/on", &self.on, "is not a day; write YYYY-MM-DD"));
        let (on, lines) = match (on, self.given()) {
            (Ok(on), Ok(lines)) => (on, lines),
            (on, lines) => {
                let wrong = [on.err(), lines.err()].into_iter().flatten();
                let none = || Rejection::new(OutcomeCode::Internal, "", "", "nothing is wrong");
                return Err(Rejection::together(wrong).unwrap_or_else(none));
            }
        };
        let (memo, reason, evidence) = (self.memo.clone(), self.reason.clone(), self.evidence.clone());
        Ok(ManualEntry { on, memo, reason, lines, evidence })
    }

    /// What a refusal says about the fields of this form.
    pub(super) fn mistakes(&self, refused: &Rejection) -> Vec<Mistake> {
        refused.problems.iter().map(|problem| self.mistake(problem)).collect()
    }

    fn mistake(&self, problem: &Problem) -> Mistake {
        let parts: Vec<&str> = problem.pointer.trim_start_matches('/').split('/').collect();
        let (field, label) = match parts.as_slice() {
            ["lines", at, field] => {
                let counted = at.parse().ok().and_then(|at| self.counted().nth(at));
                let number = counted.map_or(0, |(row, _)| row).saturating_add(1);
                (format!("line-{number}-{field}"), format!("Line {number}, {field}"))
            }
            ["lines", ..] => ("balance".to_owned(), "Balance".to_owned()),
            ["evidence" | "file", ..] => ("file".to_owned(), "Evidence".to_owned()),
            ["on"] => ("on".to_owned(), "Date".to_owned()),
            ["memo"] => ("memo".to_owned(), "Memo".to_owned()),
            ["reason"] => ("reason".to_owned(), "Reason".to_owned()),
            ["name"] => ("template".to_owned(), "Template".to_owned()),
            _ => ("main".to_owned(), "Entry".to_owned()),
        };
        Mistake { field, label, detail: problem.detail.clone(), value: problem.value.clone() }
    }

    /// What does not come to zero, as (asset, amount with its side); what cannot be read does not count. `None` where all does.
    pub(super) fn imbalance(&self, refs: &Refs) -> Vec<(String, String)> {
        let (mut units, mut value) = (BTreeMap::<&str, (i128, u8)>::new(), 0_i128);
        for (_, line) in self.counted() {
            let Ok(asset) = refs.asset("", &line.asset) else { continue };
            let quantity = Quantity::parse_unsigned(&line.units, asset.scale).unwrap_or_default().minor();
            let own =
                crate::domain::price::Price::ONE.fair_value(Quantity(quantity), asset.scale).filter(|_| asset.id == FUNCTIONAL);
            let worth = Value::parse(&line.value).ok().or(own).unwrap_or_default().minor();
            let sign = if line.side == Side::Credit.slug() { -1 } else { 1 };
            let sum = units.entry(asset.code.as_str()).or_insert((0, asset.scale));
            sum.0 = sum.0.saturating_add(quantity.saturating_mul(sign));
            value = value.saturating_add(worth.saturating_mul(sign));
        }
        let said = |minor: i128, scale: u8| {
            let side = if minor > 0 { "debit" } else { "credit" };
            let text = format_minor_trimmed(minor, scale);
            format!("{} {side}", text.trim_start_matches('-'))
        };
        let off = units.into_iter().filter(|(_, (sum, _))| *sum != 0);
        let mut all: Vec<_> = off.map(|(code, (sum, scale))| (code.to_owned(), said(sum, scale))).collect();
        if value != 0 {
            all.push(("Value".to_owned(), said(value, VALUE_SCALE)));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        Fields::of(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    fn line<'a>(account: &'a str, side: &'a str, units: &'a str) -> [(&'static str, &'a str); 6] {
        [("account", account), ("side", side), ("asset", "USD"), ("wallet", ""), ("units", units), ("value", "")]
    }

    #[test]
    fn lines_left_empty_do_not_count_and_mistakes_find_their_line() {
        let lines = [line("5210 Conversion", "debit", "5"), line("", "credit", ""), line("x", "credit", "5")].concat();
        let form = Form::of(&fields(&[&[("on", "2019-05-01"), ("memo", " m "), ("reason", "r")][..], &lines].concat()));
        assert_eq!((form.lines.len(), form.memo.as_str()), (3, "m"));
        let refused = form.entry().unwrap_err();
        assert_eq!(refused.problems[0].pointer, "/lines/1/account");
        let mistake = &form.mistakes(&refused)[0];
        assert_eq!((mistake.field.as_str(), mistake.label.as_str()), ("line-3-account", "Line 3, account"));
    }

    #[test]
    fn all_that_cannot_be_read_is_said_at_once() {
        let lines = [line("a", "debit", "5"), line("b", "", "5")].concat();
        let form = Form::of(&fields(&[&[("on", "1 May")][..], &lines].concat()));
        let places: Vec<String> = form.entry().unwrap_err().problems.into_iter().map(|problem| problem.pointer).collect();
        assert_eq!(places, ["/on", "/lines/0/account", "/lines/1/account"]);
    }
}
