//! The builder that posting rules write their lines with: receiving, moving, disposing of and paying with units.

use super::context::{Carrying, Context, Header, Place};
use crate::domain::account::{AccountNo, no};
use crate::domain::amount::{Quantity, Value, format_minor_trimmed};
use crate::domain::asset::AssetId;
use crate::domain::entry::{Balanced, Dims, Draft, LotOpening, MAX_LINES, Posting, Unbalanced};
use crate::domain::event::Event;
use crate::domain::ids::{IncidentId, ReportId};
use crate::domain::lot::Lot;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::ledger::lots::Taken;

/// How far an in-kind obligation may stand from quantity × price and still count as measured at that price: what the rounding
/// of ten thousand moves since the last remeasurement can add up to, and less than any statement shows.
const ROUNDING_SLACK: Value = Value(10_000);

/// One entry being written.
pub(super) struct EntryBuilder<'c, 'a> {
    pub(super) ctx: &'c mut Context<'a>,
    pub(super) draft: Draft,
    dims: Dims,
}

impl<'c, 'a> EntryBuilder<'c, 'a> {
    pub(super) fn new(ctx: &'c mut Context<'a>, event: Event, header: Header) -> Self {
        Self { ctx, draft: Draft::new(event, header.effective_on, header.memo), dims: Dims::default() }
    }

    /// Every line from here on belongs to this incident.
    pub(super) fn for_incident(mut self, incident: Option<IncidentId>) -> Self {
        self.dims.incident = incident;
        self
    }

    /// Every line from here on belongs to this fee report.
    pub(super) fn for_report(mut self, report: Option<ReportId>) -> Self {
        self.dims.report = report;
        self
    }

    /// Units and value on the debit side; amounts may be negative, which is a credit.
    pub(super) fn debit(&mut self, account: AccountNo, asset: AssetId, quantity: Quantity, value: Value) {
        self.draft.line(account, asset, quantity, value, self.dims);
    }

    /// Units and value on the credit side.
    pub(super) fn credit(&mut self, account: AccountNo, asset: AssetId, quantity: Quantity, value: Value) {
        self.draft.line(account, asset, quantity.negated(), value.negated(), self.dims);
    }

    /// Value only, debit.
    pub(super) fn debit_value(&mut self, account: AccountNo, asset: AssetId, value: Value) {
        self.debit(account, asset, Quantity::ZERO, value);
    }

    /// Value only, credit.
    pub(super) fn credit_value(&mut self, account: AccountNo, asset: AssetId, value: Value) {
        self.credit(account, asset, Quantity::ZERO, value);
    }

    /// Refuses an unknown asset and a quantity of zero or less.
    pub(super) fn require_positive(&self, asset: AssetId, quantity: Quantity, pointer: &str) -> Result<(), Rejection> {
        self.ctx.assets.get(asset)?;
        if quantity > Quantity::ZERO {
            return Ok(());
        }
        Err(Rejection::invalid(pointer, self.ctx.assets.text(asset, quantity), "must be above zero"))
    }

    /// The fair value of units that must be above zero.
    pub(super) fn fair_value(&self, asset: AssetId, quantity: Quantity, pointer: &str) -> Result<Value, Rejection> {
        self.require_positive(asset, quantity, pointer)?;
        self.ctx.fair_value(asset, quantity).map_err(|mut rejection| {
            if rejection.code == OutcomeCode::InvalidField {
                rejection.problems.iter_mut().for_each(|p| pointer.clone_into(&mut p.pointer));
            }
            rejection
        })
    }

    /// Units into a wallet of the fund at `value`: a new lot, or plain money at the bank.
    pub(super) fn receive(&mut self, place: Place, asset: AssetId, quantity: Quantity, value: Value) -> Result<(), Rejection> {
        let opening = LotOpening { acquired_on: self.draft.effective_on, mark: None };
        match place.account {
            no::BANK => {
                self.require_bank_currency(place, asset)?;
                self.bank_line(place, asset, quantity, value)
            }
            no::ENCUMBERED => {
                Err(Rejection::invalid("/account", place.account, "receive units on a free account first, then encumber them"))
            }
            _ => self.open_lot(place, asset, quantity, value, opening),
        }
    }

    /// Takes units out of a wallet: lots out at cost, and their share of the fair-value adjustment reversed. Gives the cost.
    pub(super) fn remove(&mut self, place: Place, asset: AssetId, quantity: Quantity, pointer: &str) -> Result<Value, Rejection> {
        if place.is_bank() {
            return self.pay_from_bank(place, asset, quantity, pointer);
        }
        let slices = self.take_lots(place, asset, quantity, pointer)?;
        let mut cost = Value::ZERO;
        let mut unrealised = Value::ZERO;
        for slice in &slices {
            self.lot_line(place, asset, slice);
            cost = add(cost, slice.cost)?;
            if let Some(mark) = slice.mark {
                let marked = self.ctx.assets.fair_value(asset, slice.units, mark)?;
                unrealised = add(unrealised, sub(marked, slice.cost)?)?;
            }
        }
        self.debit_value(no::UNREALISED, asset, unrealised);
        self.credit_value(no::FAIR_VALUE_ADJUSTMENT, asset, unrealised);
        Ok(cost)
    }

    /// Takes units out for `proceeds`: as [`remove`](Self::remove), with the gain or loss against cost on 4300. The caller
    /// debits the proceeds.
    pub(super) fn dispose(
        &mut self,
        place: Place,
        asset: AssetId,
        quantity: Quantity,
        proceeds: Value,
        pointer: &str,
    ) -> Result<(), Rejection> {
        let cost = self.remove(place, asset, quantity, pointer)?;
        self.credit_value(no::REALISED, asset, sub(proceeds, cost)?);
        Ok(())
    }

    /// Moves units between places of the fund; cost, day of acquisition and mark go with them, one new lot per lot touched.
    pub(super) fn carry(
        &mut self,
        from: Place,
        to: Place,
        asset: AssetId,
        quantity: Quantity,
        pointer: &str,
    ) -> Result<(), Rejection> {
        for slice in self.take_lots(from, asset, quantity, pointer)? {
            self.lot_line(from, asset, &slice);
            let opening = LotOpening { acquired_on: slice.acquired_on, mark: slice.mark };
            self.open_lot(to, asset, slice.units, slice.cost, opening)?;
        }
        Ok(())
    }

    /// Takes units off a receivable or an obligation pro rata of its carrying amount. Gives the value.
    pub(super) fn release(
        &self,
        carrying: &mut Carrying,
        account: AccountNo,
        asset: AssetId,
        quantity: Quantity,
        pointer: &str,
    ) -> Result<Value, Rejection> {
        self.require_positive(asset, quantity, pointer)?;
        let stands = carrying.quantity;
        carrying.take(quantity).ok_or_else(|| {
            let detail = format!("account {account} stands at {}; use at most that", self.ctx.assets.text(asset, stands));
            Rejection::new(OutcomeCode::InsufficientUnits, pointer, self.ctx.assets.text(asset, quantity), detail)
        })
    }

    /// Pays an in-kind obligation with the units it is owed in. Its carrying amount must be measured at the day's price, so that
    /// what leaves it is the fair value of the payment.
    pub(super) fn pay_in_kind(
        &mut self,
        account: AccountNo,
        mut owed: Carrying,
        place: Place,
        asset: AssetId,
        quantity: Quantity,
    ) -> Result<(), Rejection> {
        let value = self.release(&mut owed, account, asset, quantity, "/quantity")?;
        let fair = self.fair_value(asset, quantity, "/quantity")?;
        if sub(value, fair)?.minor().abs() > ROUNDING_SLACK.minor() {
            let detail =
                format!("account {account} carries these units at {value}, the day's price makes them {fair}; remeasure first");
            return Err(Rejection::new(OutcomeCode::OutOfOrder, "/quantity", self.ctx.assets.text(asset, quantity), detail));
        }
        self.debit(account, asset, quantity, value);
        self.dispose(place, asset, quantity, value, "/quantity")
    }

    /// Moves units of an obligation to another obligation account, pro rata of the carrying amount.
    pub(super) fn reclassify(
        &mut self,
        from: AccountNo,
        to: AccountNo,
        mut carrying: Carrying,
        asset: AssetId,
        quantity: Quantity,
    ) -> Result<(), Rejection> {
        let value = self.release(&mut carrying, from, asset, quantity, "/quantity")?;
        self.debit(from, asset, quantity, value);
        self.credit(to, asset, quantity, value);
        Ok(())
    }

    /// Seals the entry.
    pub(super) fn seal(self) -> Result<Balanced, Rejection> {
        seal(self.draft)
    }

    fn take_lots(&mut self, place: Place, asset: AssetId, quantity: Quantity, pointer: &str) -> Result<Vec<Taken>, Rejection> {
        self.require_positive(asset, quantity, pointer)?;
        if !place.holds_lots() {
            return Err(Rejection::invalid("/account", place.account, "is not an account that holds units; use 1110 to 1150"));
        }
        let queue = self.ctx.lots.queue(place.wallet, place.account, asset);
        let available = queue.available();
        if available >= quantity {
            return queue.take(quantity);
        }
        let text = |q| self.ctx.assets.text(asset, q);
        let detail = format!("wallet {} holds {} on account {}; use at most that", place.wallet, text(available), place.account);
        Err(Rejection::new(OutcomeCode::InsufficientUnits, pointer, text(quantity), detail))
    }

    fn lot_line(&mut self, place: Place, asset: AssetId, slice: &Taken) {
        let dims = Dims { wallet: Some(place.wallet), lot: Some(slice.lot), ..self.dims };
        self.draft.line(place.account, asset, slice.units.negated(), slice.cost.negated(), dims);
    }

    fn open_lot(
        &mut self,
        place: Place,
        asset: AssetId,
        quantity: Quantity,
        cost: Value,
        opening: LotOpening,
    ) -> Result<(), Rejection> {
        if !place.holds_lots() {
            return Err(Rejection::invalid("/account", place.account, "is not an account that holds units; use 1110 to 1150"));
        }
        let id = self.ctx.allocate_lot();
        let dims = Dims { wallet: Some(place.wallet), lot: Some(id), ..self.dims };
        self.draft.lines.push(Posting { account: place.account, asset, quantity, value: cost, dims, opens: Some(opening) });
        let LotOpening { acquired_on, mark } = opening;
        self.ctx.lots.push(Lot { id, account: place.account, wallet: place.wallet, asset, acquired_on, quantity, cost, mark });
        Ok(())
    }

    fn require_bank_currency(&self, place: Place, asset: AssetId) -> Result<(), Rejection> {
        let functional = self.ctx.assets.functional();
        if asset == functional {
            return Ok(());
        }
        let code = self.ctx.assets.code(functional);
        Err(Rejection::invalid("/asset", self.ctx.assets.code(asset), format!("account {} holds {code} only", place.account)))
    }

    fn bank_line(&mut self, place: Place, asset: AssetId, quantity: Quantity, value: Value) -> Result<(), Rejection> {
        let dims = Dims { wallet: Some(place.wallet), ..self.dims };
        self.draft.line(place.account, asset, quantity, value, dims);
        let balance = self.ctx.bank.entry(place.wallet).or_default();
        *balance = balance.checked_add(quantity).ok_or_else(too_large)?;
        Ok(())
    }

    fn pay_from_bank(&mut self, place: Place, asset: AssetId, quantity: Quantity, pointer: &str) -> Result<Value, Rejection> {
        self.require_bank_currency(place, asset)?;
        let value = self.fair_value(asset, quantity, pointer)?;
        let balance = self.ctx.bank.get(&place.wallet).copied().unwrap_or_default();
        if balance < quantity {
            let detail = format!("the bank account holds {}; pay at most that", self.ctx.assets.text(asset, balance));
            return Err(Rejection::new(OutcomeCode::InsufficientUnits, pointer, self.ctx.assets.text(asset, quantity), detail));
        }
        self.bank_line(place, asset, quantity.negated(), value.negated())?;
        Ok(value)
    }
}

/// Seals a draft. An entry that does not balance is a fault of its rule and never of the user; too many lines is a limit.
pub(super) fn seal(draft: Draft) -> Result<Balanced, Rejection> {
    draft.balance().map_err(|fault| match fault {
        Unbalanced::Lines(found) if found > MAX_LINES => {
            let detail = format!("would touch {found} lots and accounts, an entry has at most {MAX_LINES} lines; split it");
            Rejection::new(OutcomeCode::AboveLimit, "", found, detail)
        }
        other => Rejection::new(OutcomeCode::Internal, "", "", format!("the entry does not hold: {other}")),
    })
}

/// The sum, or a rejection when it does not fit.
pub(super) fn add(a: Value, b: Value) -> Result<Value, Rejection> {
    a.checked_add(b).ok_or_else(too_large)
}

/// The difference, or a rejection when it does not fit.
pub(super) fn sub(a: Value, b: Value) -> Result<Value, Rejection> {
    a.checked_sub(b).ok_or_else(too_large)
}

/// An amount that no book can hold.
pub(super) fn too_large() -> Rejection {
    Rejection::invalid(
        "",
        "",
        format!("an amount is larger than the book can hold (about {} as a value)", format_minor_trimmed(i128::MAX, 8)),
    )
}

/// Refuses an empty list.
pub(super) fn require_some<T>(items: &[T], pointer: &str) -> Result<(), Rejection> {
    if items.is_empty() { Err(Rejection::invalid(pointer, "", "needs at least one item")) } else { Ok(()) }
}

/// Refuses a list that names one key twice.
pub(super) fn require_distinct<T, K: Ord>(items: &[T], list: &str, key: impl Fn(&T) -> K) -> Result<(), Rejection> {
    let mut seen = std::collections::BTreeSet::new();
    match items.iter().position(|item| !seen.insert(key(item))) {
        None => Ok(()),
        Some(at) => Err(Rejection::invalid(format!("{list}/{at}"), "", "names what an earlier item names; add the two up")),
    }
}
