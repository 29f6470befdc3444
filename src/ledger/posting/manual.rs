//! E31: lines that a person wrote, for what no other event covers. The guard over accounts ([`guard`]) is what keeps sub-ledgers and
//! their accounts together.

use super::context::{Context, Header};
use super::entry::{EntryBuilder, too_large};
use crate::domain::account::{AccountNo, no};
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::domain::entry::{Balanced, Dims, Unbalanced};
use crate::domain::event::Event;
use crate::domain::ids::WalletId;
use crate::domain::manual::{MAX_MANUAL_LINES, guard};
use crate::domain::outcome::{OutcomeCode, Problem, Rejection};
use crate::domain::price::Price;
use std::collections::BTreeMap;

/// One line; debit positive, credit negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManualLine {
    /// Account.
    pub account: AccountNo,
    /// Asset.
    pub asset: AssetId,
    /// Units.
    pub quantity: Quantity,
    /// Functional value.
    pub value: Value,
    /// The bank account, on 1160; nothing elsewhere.
    pub wallet: Option<WalletId>,
}

/// The lines as they are, once none of them touches a guarded account, units of the functional currency are worth themselves, no bank
/// account is overdrawn, and all of them balance. Every line that is wrong is named.
///
/// # Errors
/// `InvalidField` with a problem for each line, or for each asset that does not balance; `UnknownAsset`, `InsufficientUnits`.
pub fn post(ctx: &mut Context<'_>, header: Header, lines: &[ManualLine]) -> Result<Balanced, Rejection> {
    let wrong = lines.iter().enumerate().filter_map(|(at, line)| check(ctx, at, line).err());
    if let Some(all) = Rejection::together(wrong) {
        return Err(all);
    }
    if !(2..=MAX_MANUAL_LINES).contains(&lines.len()) {
        let detail = format!("a manual entry has 2 to {MAX_MANUAL_LINES} lines");
        return Err(Rejection::invalid("/lines", lines.len(), detail));
    }
    require_cover(ctx, lines)?;
    let mut entry = EntryBuilder::new(ctx, Event::Manual, header);
    for line in lines {
        entry.draft.line(line.account, line.asset, line.quantity, line.value, Dims { wallet: line.wallet, ..Dims::default() });
    }
    let EntryBuilder { ctx, draft, .. } = entry;
    let off = imbalance(lines)?;
    draft.balance().map_err(|fault| unbalanced(ctx, &off, &fault))
}

/// Refuses a line for what is wrong with it by itself.
fn check(ctx: &Context<'_>, at: usize, line: &ManualLine) -> Result<(), Rejection> {
    let invalid = |field: &str, value: &dyn std::fmt::Display, detail: String| {
        Err(Rejection::invalid(format!("/lines/{at}/{field}"), value, detail))
    };
    let account = line.account;
    if let Some(guard) = guard(account) {
        let detail = format!("is tied to {} and takes no manual entry; use {}", guard.tied_to, guard.instead);
        return invalid("account", &account, detail);
    }
    ctx.assets.get(line.asset).map_err(|unknown| unknown.at(&format!("/lines/{at}/asset")))?;
    check_bank(ctx, at, line)?;
    if line.quantity.is_zero() && line.value.is_zero() {
        return invalid("units", &"", "moves neither units nor value; fill the line in, or leave it out".to_owned());
    }
    let functional = ctx.assets.functional();
    let worth = ctx.assets.fair_value(functional, line.quantity, Price::ONE);
    if line.asset == functional && worth.as_ref() != Ok(&line.value) {
        let code = ctx.assets.code(functional);
        let detail =
            format!("differs from the units; a unit of {code} is worth one: give the same amount, or leave the value out");
        return invalid("value", &line.value, detail);
    }
    Ok(())
}

/// The bank holds the functional currency in bank accounts, and nothing else has any.
fn check_bank(ctx: &Context<'_>, at: usize, line: &ManualLine) -> Result<(), Rejection> {
    let (account, functional) = (line.account, ctx.assets.functional());
    let at = |field: &str| format!("/lines/{at}/{field}");
    match line.wallet {
        None if account == no::BANK => {
            Err(Rejection::invalid(at("wallet"), "", format!("is needed on account {account}: name the bank account")))
        }
        Some(_) if account != no::BANK => {
            let detail = format!("belongs to bank accounts only; leave it empty on account {account}");
            Err(Rejection::invalid(at("wallet"), "", detail))
        }
        Some(_) if line.asset != functional => {
            let detail = format!("account {account} holds {} only", ctx.assets.code(functional));
            Err(Rejection::invalid(at("asset"), ctx.assets.code(line.asset), detail))
        }
        _ => Ok(()),
    }
}

/// A bank account pays at most what it holds.
fn require_cover(ctx: &mut Context<'_>, lines: &[ManualLine]) -> Result<(), Rejection> {
    for line in lines {
        let Some(wallet) = line.wallet else { continue };
        let balance = ctx.bank.entry(wallet).or_default();
        *balance = balance.checked_add(line.quantity).ok_or_else(too_large)?;
    }
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.quantity < Quantity::ZERO) {
        let left = line.wallet.and_then(|wallet| ctx.bank.get(&wallet)).copied().unwrap_or_default();
        if left < Quantity::ZERO {
            let text = |quantity| ctx.assets.text(line.asset, quantity);
            let detail = format!("the bank account would stand at {}; pay at most what it holds", text(left));
            let code = OutcomeCode::InsufficientUnits;
            return Err(Rejection::new(code, format!("/lines/{at}/units"), text(line.quantity.negated()), detail));
        }
    }
    Ok(())
}

/// Units of every asset that the lines do not bring to zero, and the value.
type Imbalance = (BTreeMap<AssetId, Quantity>, Value);

fn imbalance(lines: &[ManualLine]) -> Result<Imbalance, Rejection> {
    let (mut units, mut value) = (BTreeMap::<AssetId, Quantity>::new(), Value::ZERO);
    for line in lines {
        let sum = units.entry(line.asset).or_default();
        *sum = sum.checked_add(line.quantity).ok_or_else(too_large)?;
        value = value.checked_add(line.value).ok_or_else(too_large)?;
    }
    units.retain(|_, sum| !sum.is_zero());
    Ok((units, value))
}

/// What does not balance, asset by asset: a person wrote it, so a person is told how to mend it.
fn unbalanced(ctx: &Context<'_>, (units, value): &Imbalance, fault: &Unbalanced) -> Rejection {
    let side = |debit: bool| if debit { "debits" } else { "credits" };
    let mut problems: Vec<Problem> = Vec::new();
    for (asset, by) in units {
        let debit = *by > Quantity::ZERO;
        let amount = ctx.assets.text(*asset, if debit { *by } else { by.negated() });
        let detail = format!(
            "the {} of {} are higher by {amount}; units of every asset must come to zero",
            side(debit),
            ctx.assets.code(*asset)
        );
        problems.push(Problem { pointer: "/lines".to_owned(), detail, value: amount });
    }
    if !value.is_zero() {
        let debit = *value > Value::ZERO;
        let amount = if debit { *value } else { value.negated() };
        let detail = format!("the {} are higher by {amount} in value; the value of all lines must come to zero", side(debit));
        problems.push(Problem { pointer: "/lines".to_owned(), detail, value: amount.to_string() });
    }
    if problems.is_empty() {
        problems.push(Problem { pointer: "/lines".to_owned(), detail: fault.to_string(), value: String::new() });
    }
    Rejection { code: OutcomeCode::InvalidField, problems }
}
