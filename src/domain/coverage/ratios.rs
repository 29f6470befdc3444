//! Computes every ratio from positions and totals: what is above and below the line, and the words for both.

use super::{Amount, Coverage, Holding, Input, Kind, MILLION, NOTHING_OWED, Position, RATIO_DECIMALS, Ratio, Scenario};
use crate::domain::amount::{Quantity, Rounding, Value, mul_div, pow10};
use rust_decimal::Decimal;

const TOO_LARGE: &str = "a sum does not fit";

type Known = Result<Value, String>;

/// `numerator / denominator` with 6 decimals, half-even; the reason where the denominator is not above zero.
fn quotient(numerator: i128, denominator: i128, empty: &str) -> Result<Decimal, String> {
    if denominator <= 0 {
        return Err(empty.to_owned());
    }
    mul_div(numerator, MILLION, denominator, Rounding::HalfEven)
        .and_then(|millionths| Decimal::try_from_i128_with_scale(millionths, RATIO_DECIMALS).ok())
        .ok_or_else(|| "the ratio is too large to show".to_owned())
}

fn share_of(value: Value, millionths: i128) -> Option<Value> {
    mul_div(value.minor(), millionths, MILLION, Rounding::HalfEven).map(Value)
}

fn sum(items: impl IntoIterator<Item = Value>) -> Known {
    Value::checked_sum(items).ok_or_else(|| TOO_LARGE.to_owned())
}

fn less(from: &Known, items: &[Value]) -> Known {
    let mut left = from.clone()?;
    for item in items {
        left = left.checked_sub(*item).ok_or_else(|| TOO_LARGE.to_owned())?;
    }
    Ok(left)
}

impl From<&Known> for Amount {
    fn from(known: &Known) -> Self {
        match known {
            Ok(value) => Self::Value(*value),
            Err(why) => Self::Unknown(why.clone()),
        }
    }
}

/// The words of a ratio.
struct Words<'a> {
    key: &'a str,
    label: &'a str,
    formula: &'a str,
    /// Said where the denominator is zero.
    empty: &'a str,
}

fn ratio(words: &Words<'_>, kind: Kind, numerator: &Known, denominator: &Known) -> Ratio {
    let value = match (numerator, denominator) {
        (_, Ok(below)) if below.minor() <= 0 => Err(words.empty.to_owned()),
        (Ok(above), Ok(below)) => quotient(above.minor(), below.minor(), words.empty),
        (_, Err(why)) | (Err(why), _) => Err(why.clone()),
    };
    Ratio {
        key: words.key.to_owned(),
        label: words.label.to_owned(),
        value,
        kind,
        numerator: numerator.into(),
        denominator: denominator.into(),
        formula: words.formula.to_owned(),
    }
}

fn missing_price(position: &Position) -> String {
    format!("there is no locked price of {}", position.code)
}

impl Position {
    fn value_of(&self, units: Quantity) -> Known {
        if units.is_zero() {
            return Ok(Value::ZERO);
        }
        let price = self.price.ok_or_else(|| missing_price(self))?;
        price.fair_value(units, self.scale).ok_or_else(|| TOO_LARGE.to_owned())
    }

    fn matched(&self) -> Ratio {
        let free = self.held.checked_sub(self.encumbered).unwrap_or(Quantity::ZERO);
        let units = |quantity| Amount::Units { quantity, scale: self.scale, code: self.code.clone() };
        Ratio {
            key: format!("matched.{}", self.code),
            label: format!("Matched {}", self.code),
            value: quotient(free.minor(), self.owed.minor(), NOTHING_OWED),
            kind: Kind::Multiple,
            numerator: units(free),
            denominator: units(self.owed),
            formula: format!("{0} held and not encumbered / {0} owed in kind", self.code),
        }
    }
}

impl Input {
    fn fund_value(&self) -> Known {
        let values: Result<Vec<Value>, String> = self.positions.iter().map(|p| p.value_of(p.held)).collect();
        sum(values?)
    }

    fn summed(&self, part: impl Fn(&Position) -> Known) -> Known {
        let values: Result<Vec<Value>, String> = self.positions.iter().map(part).collect();
        sum(values?)
    }

    /// Computes every ratio.
    pub fn coverage(&self) -> Coverage {
        let fund_value = self.fund_value();
        let obligations = sum(self.positions.iter().map(|p| p.obligations));
        let holdings = self
            .positions
            .iter()
            .filter(|p| !p.held.is_zero())
            .filter_map(|p| Some(Holding { asset: p.asset, code: p.code.clone(), value: p.value_of(p.held).ok()? }));
        let holdings: Vec<Holding> = holdings.collect();
        let mut matched: Vec<Ratio> = self.positions.iter().filter(|p| p.owed.minor() > 0).map(Position::matched).collect();
        matched.sort_by(|a, b| a.value.as_ref().ok().cmp(&b.value.as_ref().ok()).then_with(|| a.key.cmp(&b.key)));
        let sums = Sums { input: self, value: &fund_value, owed: &obligations };
        let mut ratios = sums.cover();
        ratios.push(lowest(&matched));
        ratios.extend(sums.user_assets());
        ratios.extend(sums.levels());
        ratios.extend(sums.mix(&holdings));
        ratios.extend(sums.time());
        Coverage {
            stress: self.targets.scenarios.iter().map(|scenario| sums.stress(scenario)).collect(),
            obligations: obligations.clone().unwrap_or(Value::ZERO),
            fund_value: fund_value.clone(),
            holdings,
            ratios,
            matched,
        }
    }
}

/// The lowest matched ratio under its own key: it makes the headline.
fn lowest(matched: &[Ratio]) -> Ratio {
    let formula = "the lowest of all assets: units held and not encumbered / units owed in kind".to_owned();
    match matched.first() {
        Some(first) => Ratio { key: "matched".to_owned(), formula, ..first.clone() },
        None => Ratio {
            key: "matched".to_owned(),
            label: "Matched".to_owned(),
            value: Err(NOTHING_OWED.to_owned()),
            kind: Kind::Multiple,
            numerator: Amount::Unknown(NOTHING_OWED.to_owned()),
            denominator: Amount::Unknown(NOTHING_OWED.to_owned()),
            formula,
        },
    }
}

/// The sums that most ratios share.
struct Sums<'a> {
    input: &'a Input,
    value: &'a Known,
    owed: &'a Known,
}

impl Sums<'_> {
    fn cover(&self) -> Vec<Ratio> {
        let totals = &self.input.totals;
        let encumbered = self.input.summed(|p| p.value_of(p.encumbered));
        let free = encumbered.and_then(|encumbered| less(self.value, &[encumbered]));
        let liquid = self.input.summed(|p| {
            let value = p.value_of(p.held)?;
            share_of(value, MILLION.saturating_sub(p.haircut)).ok_or_else(|| TOO_LARGE.to_owned())
        });
        let words = |key, label, formula| Words { key, label, formula, empty: NOTHING_OWED };
        let over = |words: Words<'_>, numerator: &Known| ratio(&words, Kind::Multiple, numerator, self.owed);
        vec![
            over(words("coverage", "Coverage", "fund value / obligations"), self.value),
            over(
                words(
                    "available",
                    "Available",
                    "(fund value − encumbered − unidentified receipts − contributions refundable) / obligations",
                ),
                &less(&free, &[totals.suspense, totals.refundable]),
            ),
            over(
                words(
                    "net_of_loans",
                    "Net of loans",
                    "(fund value − encumbered − loans and their interest) / obligations: borrowed money is not cover",
                ),
                &less(&free, &[totals.loans]),
            ),
            over(words("liquid", "Liquid", "Σ fund value × (1 − haircut of the asset) / obligations"), &liquid),
        ]
    }

    fn user_assets(&self) -> Vec<Ratio> {
        let totals = &self.input.totals;
        let net = less(&Ok(totals.assets), &[totals.liabilities]);
        let words = |key, label, formula, empty| Words { key, label, formula, empty };
        vec![
            ratio(
                &words(
                    "reserve_ratio",
                    "Reserve ratio",
                    "(assets − liabilities) / user assets covered (9100)",
                    "the user assets covered are zero",
                ),
                Kind::Share,
                &net,
                &self.input.memo.covered,
            ),
            ratio(
                &words(
                    "hot_wallet_coverage",
                    "Hot-wallet coverage",
                    "fund value / user assets in hot wallets (9110)",
                    "the user assets in hot wallets are zero",
                ),
                Kind::Multiple,
                self.value,
                &self.input.memo.hot_wallets,
            ),
        ]
    }

    fn levels(&self) -> Vec<Ratio> {
        let level = |level: Option<Value>, name: &str| level.ok_or_else(|| format!("no policy states a {name}"));
        let (target, floor) = (level(self.input.targets.target, "target"), level(self.input.targets.floor, "floor"));
        let words = |key, label, formula, empty| Words { key, label, formula, empty };
        let target_words = words("target_attainment", "Target attainment", "fund value / target", "the target is zero");
        let floor_words = words("distance_to_floor", "Distance to floor", "1 − floor / fund value", "the fund is worth nothing");
        let above = floor.clone().and_then(|floor| less(self.value, &[floor]));
        vec![
            ratio(&target_words, Kind::Share, self.value, &target),
            ratio(&floor_words, Kind::Share, &above, self.value),
            self.trigger_price(&floor),
        ]
    }

    fn trigger_price(&self, floor: &Known) -> Ratio {
        let held: Vec<&Position> = self.input.positions.iter().filter(|p| !p.held.is_zero()).collect();
        let one = match held.as_slice() {
            [one] => Ok(*one),
            [] => Err("the fund holds nothing".to_owned()),
            _ => Err(format!("the fund holds {} assets; one price alone does not decide", held.len())),
        };
        let units = one.clone().map(|p| Amount::Units { quantity: p.held, scale: p.scale, code: p.code.clone() });
        // A price has the scale of the value over that of the units; both become whole before they are divided.
        let value = one.and_then(|p| {
            let floor = floor.clone()?;
            let unit = pow10(u32::from(p.scale)).ok_or_else(|| TOO_LARGE.to_owned())?;
            let price = mul_div(floor.minor(), unit, p.held.minor(), Rounding::HalfEven).ok_or_else(|| TOO_LARGE.to_owned())?;
            quotient(price, 100_000_000, TOO_LARGE)
        });
        Ratio {
            key: "trigger_price".to_owned(),
            label: "Trigger price".to_owned(),
            value,
            kind: Kind::Price,
            numerator: floor.into(),
            denominator: units.unwrap_or_else(Amount::Unknown),
            formula: "floor / units held, for a fund of one asset".to_owned(),
        }
    }

    fn mix(&self, holdings: &[Holding]) -> Vec<Ratio> {
        let empty = "the fund is worth nothing";
        // Σ v²/FV over FV is Σ (v/FV)², with both sides in functional currency.
        let squares = self.value.clone().and_then(|total| {
            if total.minor() <= 0 {
                return Err(empty.to_owned());
            }
            let parts =
                holdings.iter().map(|h| mul_div(h.value.minor(), h.value.minor(), total.minor(), Rounding::HalfEven).map(Value));
            let parts: Option<Vec<Value>> = parts.collect();
            sum(parts.ok_or_else(|| TOO_LARGE.to_owned())?)
        });
        let own = self.input.summed(|p| if p.own_token { p.value_of(p.held) } else { Ok(Value::ZERO) });
        let words = |key, label, formula| Words { key, label, formula, empty };
        vec![
            ratio(
                &words("concentration", "Concentration (HHI)", "Σ (value of the asset / fund value)², 1 is a single asset"),
                Kind::Share,
                &squares,
                self.value,
            ),
            ratio(
                &words("wrong_way_share", "Wrong-way share", "value of the sponsor's own token / fund value"),
                Kind::Share,
                &own,
                self.value,
            ),
        ]
    }

    fn time(&self) -> Vec<Ratio> {
        let flows = &self.input.flows;
        let mean = |value: Value| -> Known {
            let young = || "the book is younger than a day".to_owned();
            mul_div(value.minor(), 1, flows.days, Rounding::HalfEven).map(Value).ok_or_else(young)
        };
        let window = format!("the last {} days", flows.days);
        let target = self.input.targets.target.ok_or_else(|| "no policy states a target".to_owned());
        let missing = target.and_then(|target| less(&Ok(target), &[self.value.clone()?]));
        let run_off = format!("fund value / mean net outflow a day over {window}, price movements apart");
        let to_target = format!("(target − fund value) / mean contributions a day over {window}");
        let reached = missing.as_ref().is_ok_and(|m| m.minor() <= 0);
        let mut to_target = ratio(
            &Words {
                key: "time_to_target",
                label: "Time to target (days)",
                formula: &to_target,
                empty: "nothing was contributed in the window",
            },
            Kind::Days,
            &missing,
            &mean(flows.contributions),
        );
        if reached {
            to_target.value = Err("the target is reached".to_owned());
        }
        let run_off = ratio(
            &Words {
                key: "run_off",
                label: "Run-off (days)",
                formula: &run_off,
                empty: "more came in than went out in the window",
            },
            Kind::Days,
            self.value,
            &mean(flows.net_outflow),
        );
        vec![run_off, to_target]
    }

    fn stress(&self, scenario: &Scenario) -> Ratio {
        let targets = &self.input.targets;
        let shocked = self.input.summed(|p| {
            let shock = scenario.shocks.get(&p.asset).copied().unwrap_or(0);
            share_of(p.value_of(p.held)?, MILLION.saturating_sub(shock)).ok_or_else(|| TOO_LARGE.to_owned())
        });
        let lost = if targets.stress_payout_share == 0 {
            Ok(Value::ZERO)
        } else {
            let hot = self.input.memo.hot_wallets.clone();
            hot.and_then(|hot| share_of(hot, targets.stress_payout_share).ok_or_else(|| TOO_LARGE.to_owned()))
        };
        let owed = self.owed.clone().and_then(|owed| sum([owed, scenario.loss, lost?]));
        let words = Words {
            key: &format!("stress.{}", scenario.name),
            label: &scenario.name,
            formula: "Σ units × price × (1 − shock) / (obligations + further loss + payout share × user assets in hot wallets)",
            empty: NOTHING_OWED,
        };
        ratio(&words, Kind::Multiple, &shocked, &owed)
    }
}
