//! Lots: which units leave first, at what cost, and what entries do to them.
//!
//! Units leave first-in first-out by (`acquired_on`, `id`). A part of a lot takes cost × units ÷ lot units, rounded half-even;
//! the last part takes the remainder, so that an empty lot costs exactly zero.

use crate::domain::account::{AccountNo, no};
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::domain::entry::{Balanced, Posting};
use crate::domain::ids::{LotId, WalletId};
use crate::domain::lot::Lot;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::price::Price;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// Units taken out of one lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The lot.
    pub lot: LotId,
    /// Units, above zero.
    pub units: Quantity,
    /// Their cost.
    pub cost: Value,
    /// What the lot was last marked to.
    pub mark: Option<Price>,
    /// When the units were acquired.
    pub acquired_on: Date,
}

/// The open lots of one (wallet, account, asset), oldest first. Every [`take`](Self::take) moves it on, so several in one
/// entry see each other.
#[derive(Debug, Clone, Default)]
pub struct LotQueue {
    lots: BTreeMap<(Date, LotId), Lot>,
}

impl LotQueue {
    /// A queue of the open ones among `lots`, in any order. The caller selects those of one wallet, account and asset.
    pub fn new(lots: impl IntoIterator<Item = Lot>) -> Self {
        let open = lots.into_iter().filter(|lot| lot.quantity > Quantity::ZERO);
        Self { lots: open.map(|lot| ((lot.acquired_on, lot.id), lot)).collect() }
    }

    /// Adds a lot at its place in the order.
    pub fn push(&mut self, lot: Lot) {
        self.lots.insert((lot.acquired_on, lot.id), lot);
    }

    /// Units left.
    pub fn available(&self) -> Quantity {
        // Saturating: the sum only has to tell whether there is enough, and no request is that large.
        self.lots.values().fold(Quantity::ZERO, |sum, lot| Quantity(sum.minor().saturating_add(lot.quantity.minor())))
    }

    /// The lots left, oldest first.
    pub fn lots(&self) -> impl Iterator<Item = &Lot> {
        self.lots.values()
    }

    /// Takes `units` from the oldest lots on: all of them, or none and a rejection.
    ///
    /// # Errors
    /// `InvalidField` when `units` is not above zero, `InsufficientUnits` when the lots hold less.
    pub fn take(&mut self, units: Quantity) -> Result<Vec<Taken>, Rejection> {
        if units <= Quantity::ZERO {
            return Err(Rejection::invalid("/quantity", units.minor(), "must be above zero"));
        }
        let available = self.available();
        if available < units {
            let detail = format!("the lots hold {} smallest units; take at most that, or receive more first", available.minor());
            return Err(Rejection::new(OutcomeCode::InsufficientUnits, "/quantity", units.minor(), detail));
        }
        let mut taken = Vec::new();
        let mut wanted = units;
        while wanted > Quantity::ZERO {
            let Some(mut oldest) = self.lots.first_entry() else { break };
            let lot = oldest.get_mut();
            let part = wanted.min(lot.quantity);
            let (Some(cost), Some(left), Some(rest)) =
                (part.share_of(lot.quantity, lot.cost), lot.quantity.checked_sub(part), wanted.checked_sub(part))
            else {
                return Err(Rejection::new(OutcomeCode::Internal, "/quantity", units.minor(), "the cost of a lot does not fit"));
            };
            taken.push(Taken { lot: lot.id, units: part, cost, mark: lot.mark, acquired_on: lot.acquired_on });
            wanted = rest;
            if left.is_zero() {
                oldest.remove();
            } else {
                lot.quantity = left;
                // |cost of a part| is at most |cost of the lot|, both of one sign, so this cannot overflow.
                lot.cost = lot.cost.checked_sub(cost).unwrap_or_default();
            }
        }
        Ok(taken)
    }
}

/// What is wrong between an entry and the lots it names. Each is a fault of the program or of the stored data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LotFault {
    /// A line on an account held in lots names no lot or no wallet.
    #[error("line {0} moves units held in lots but names no lot or wallet")]
    Unnamed(usize),
    /// The lot does not exist.
    #[error("lot {0} does not exist")]
    Unknown(LotId),
    /// The lot exists already.
    #[error("lot {0} was opened twice")]
    OpenedTwice(LotId),
    /// The line's account, wallet or asset is not the lot's.
    #[error("lot {0} lies on another account, wallet or asset than the line says")]
    Elsewhere(LotId),
    /// More was taken than the lot held.
    #[error("lot {0} would hold less than nothing")]
    Negative(LotId),
    /// The lot is empty but has a cost.
    #[error("lot {0} is empty but would still cost {1}")]
    CostLeft(LotId, Value),
    /// A sum does not fit.
    #[error("a sum of lot {0} does not fit")]
    Overflow(LotId),
}

/// The lots of a book by number, empty ones included, as the entries so far left them. This is how lots are replayed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LotTable {
    lots: BTreeMap<LotId, Lot>,
}

impl LotTable {
    /// A table of lots as stored.
    pub fn new(lots: impl IntoIterator<Item = Lot>) -> Self {
        Self { lots: lots.into_iter().map(|lot| (lot.id, lot)).collect() }
    }

    /// The lot with this number, open or empty.
    pub fn get(&self, id: LotId) -> Option<&Lot> {
        self.lots.get(&id)
    }

    /// All lots by number, empty ones included.
    pub fn all(&self) -> impl Iterator<Item = &Lot> {
        self.lots.values()
    }

    /// The open lots by number.
    pub fn open(&self) -> impl Iterator<Item = &Lot> {
        self.lots.values().filter(|lot| lot.quantity > Quantity::ZERO)
    }

    /// Applies an entry: opens, consumes and refills lots, then marks them.
    ///
    /// # Errors
    /// The first [`LotFault`]; the table is then half-applied and must be thrown away.
    pub fn apply(&mut self, entry: &Balanced) -> Result<(), LotFault> {
        self.apply_lines(entry.lines(), &entry.draft().marks)
    }

    /// The same for lines and marks as read back from a store.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn apply_lines(&mut self, lines: &[Posting], marks: &BTreeMap<AssetId, Price>) -> Result<(), LotFault> {
        for (index, line) in lines.iter().enumerate() {
            if !no::HOLDINGS.contains(&line.account) {
                continue;
            }
            let (Some(id), Some(wallet)) = (line.dims.lot, line.dims.wallet) else {
                return Err(LotFault::Unnamed(index.saturating_add(1)));
            };
            if line.opens.is_some() {
                self.open_lot(id, wallet, line)?;
            } else {
                self.move_lot(id, wallet, line)?;
            }
        }
        // Only valuations mark, so the walk over all lots is not the price of every entry.
        if !marks.is_empty() {
            for lot in self.lots.values_mut().filter(|lot| lot.quantity > Quantity::ZERO) {
                lot.mark = marks.get(&lot.asset).copied().or(lot.mark);
            }
        }
        Ok(())
    }

    fn open_lot(&mut self, id: LotId, wallet: WalletId, line: &Posting) -> Result<(), LotFault> {
        let Some(opening) = line.opens else { return Ok(()) };
        if line.quantity <= Quantity::ZERO || line.value < Value::ZERO {
            return Err(LotFault::Negative(id));
        }
        let lot = Lot {
            id,
            account: line.account,
            wallet,
            asset: line.asset,
            acquired_on: opening.acquired_on,
            quantity: line.quantity,
            cost: line.value,
            mark: opening.mark,
        };
        match self.lots.insert(id, lot) {
            None => Ok(()),
            Some(_) => Err(LotFault::OpenedTwice(id)),
        }
    }

    fn move_lot(&mut self, id: LotId, wallet: WalletId, line: &Posting) -> Result<(), LotFault> {
        let lot = self.lots.get_mut(&id).ok_or(LotFault::Unknown(id))?;
        if (lot.account, lot.wallet, lot.asset) != (line.account, wallet, line.asset) {
            return Err(LotFault::Elsewhere(id));
        }
        lot.quantity = lot.quantity.checked_add(line.quantity).ok_or(LotFault::Overflow(id))?;
        lot.cost = lot.cost.checked_add(line.value).ok_or(LotFault::Overflow(id))?;
        if lot.quantity < Quantity::ZERO || lot.cost < Value::ZERO {
            return Err(LotFault::Negative(id));
        }
        if lot.quantity.is_zero() && !lot.cost.is_zero() {
            return Err(LotFault::CostLeft(id, lot.cost));
        }
        Ok(())
    }
}

/// Open lots by where they lie, ready to take from.
#[derive(Debug, Clone, Default)]
pub struct LotQueues {
    queues: BTreeMap<(WalletId, AccountNo, AssetId), LotQueue>,
}

impl LotQueues {
    /// Sorts `lots` into queues.
    pub fn new(lots: impl IntoIterator<Item = Lot>) -> Self {
        let mut queues = Self::default();
        for lot in lots {
            queues.push(lot);
        }
        queues
    }

    /// Adds an open lot; an empty one is left out.
    pub fn push(&mut self, lot: Lot) {
        if lot.quantity > Quantity::ZERO {
            self.queue(lot.wallet, lot.account, lot.asset).push(lot);
        }
    }

    /// The queue of one place; empty where nothing lies.
    pub fn queue(&mut self, wallet: WalletId, account: AccountNo, asset: AssetId) -> &mut LotQueue {
        self.queues.entry((wallet, account, asset)).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::entry::{Dims, LotOpening};
    use jiff::civil::date;

    fn lot(id: i64, day: i8, quantity: i128, cost: i128) -> Lot {
        Lot {
            id: LotId(id),
            account: no::COLD,
            wallet: WalletId(1),
            asset: AssetId(2),
            acquired_on: date(2019, 1, day),
            quantity: Quantity(quantity),
            cost: Value(cost),
            mark: None,
        }
    }

    fn parts(taken: &[Taken]) -> Vec<(i64, i128, i128)> {
        taken.iter().map(|t| (t.lot.0, t.units.minor(), t.cost.minor())).collect()
    }

    #[test]
    fn the_oldest_units_leave_first_and_takes_see_each_other() {
        let mut queue = LotQueue::new([lot(3, 2, 5, 50), lot(9, 1, 3, 100), lot(2, 2, 5, 10)]);
        assert_eq!(parts(&queue.take(Quantity(4)).unwrap()), [(9, 3, 100), (2, 1, 2)]);
        assert_eq!(parts(&queue.take(Quantity(5)).unwrap()), [(2, 4, 8), (3, 1, 10)]);
        assert_eq!(queue.available(), Quantity(4));
    }

    #[test]
    fn parts_of_a_lot_add_up_to_its_cost() {
        let mut queue = LotQueue::new([lot(1, 1, 3, 100)]);
        let costs: Vec<_> = (0..3).map(|_| queue.take(Quantity(1)).unwrap()[0].cost.minor()).collect();
        assert_eq!(costs, [33, 34, 33]);
        assert_eq!(queue.lots().count(), 0);
    }

    #[test]
    fn too_much_and_nothing_are_refused_and_take_nothing() {
        let mut queue = LotQueue::new([lot(1, 1, 3, 100)]);
        assert_eq!(queue.take(Quantity(4)).unwrap_err().code, OutcomeCode::InsufficientUnits);
        assert_eq!(queue.take(Quantity(0)).unwrap_err().code, OutcomeCode::InvalidField);
        assert_eq!(queue.take(Quantity(-1)).unwrap_err().code, OutcomeCode::InvalidField);
        assert_eq!(queue.available(), Quantity(3));
    }

    fn line(id: Option<i64>, quantity: i128, value: i128, opens: bool) -> Posting {
        Posting {
            account: no::COLD,
            asset: AssetId(2),
            quantity: Quantity(quantity),
            value: Value(value),
            dims: Dims { wallet: Some(WalletId(1)), lot: id.map(LotId), ..Dims::default() },
            opens: opens.then_some(LotOpening { acquired_on: date(2019, 1, 1), mark: None }),
        }
    }

    #[test]
    fn lines_that_do_not_fit_their_lot_are_faults() {
        let apply = |lines: &[Posting]| LotTable::new([lot(1, 1, 3, 100)]).apply_lines(lines, &BTreeMap::new());
        assert_eq!(apply(&[line(Some(1), -3, -100, false), line(Some(2), 3, 100, true)]), Ok(()));
        assert_eq!(apply(&[line(None, -3, -100, false)]), Err(LotFault::Unnamed(1)));
        assert_eq!(apply(&[line(Some(5), -3, -100, false)]), Err(LotFault::Unknown(LotId(5))));
        assert_eq!(apply(&[line(Some(1), 3, 100, true)]), Err(LotFault::OpenedTwice(LotId(1))));
        assert_eq!(apply(&[line(Some(2), -3, 100, true)]), Err(LotFault::Negative(LotId(2))));
        assert_eq!(apply(&[line(Some(1), -4, -100, false)]), Err(LotFault::Negative(LotId(1))));
        assert_eq!(apply(&[line(Some(1), -3, -99, false)]), Err(LotFault::CostLeft(LotId(1), Value(1))));
        let elsewhere = Posting { asset: AssetId(3), ..line(Some(1), -1, -33, false) };
        assert_eq!(apply(&[elsewhere]), Err(LotFault::Elsewhere(LotId(1))));
    }
}
