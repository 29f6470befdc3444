//! The seal of a closed month: the root over all balances of the book right after its closing entry, as a fact. Whoever replays the
//! log up to the seal's own leaf comes to the same root, or something was changed.
//!
//! The leaves of the tree are the balances that are not zero, by account, asset, wallet and incident: rows of the kind `balance`
//! with these four numbers (0 for no wallet and no incident), units and value in minor units, as in [`crate::proof::row`].

use super::checklist::Checklist;
use crate::domain::close::{Item, ItemState};
use crate::domain::entry::Balanced;
use crate::domain::period::Period;
use crate::proof::merkle::Frontier;
use crate::proof::row::RowEncoder;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::fact::{self, FactRow};
use crate::store::projection::{self, Amounts, BalanceKey};
use crate::store::tx::Tx;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Kind of the facts that seal a month; the subject is the month.
pub const SEAL: &str = "close.seal";

/// A seal as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// Leaves of the log before the seal's own.
    pub log_size: u64,
    /// The last entry before it.
    pub last_entry: i64,
    /// How many balances were not zero.
    pub balances: u64,
    /// Root over them, hex.
    pub root: String,
    /// The checklist as it was signed off.
    pub items: Vec<SealedItem>,
}

/// An item as it was signed off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedItem {
    /// Which.
    pub item: Item,
    /// How it ended.
    pub state: ItemState,
    /// Evidence, or the reason why it was left out; empty for what the book found out by itself.
    pub note: String,
}

/// The root over the balances that are not zero, and how many they are.
pub fn root<'b>(balances: impl IntoIterator<Item = (&'b BalanceKey, &'b Amounts)>) -> (String, u64) {
    let (mut tree, mut encoder) = (Frontier::new(), RowEncoder::new());
    for (key, amounts) in balances.into_iter().filter(|(_, amounts)| **amounts != Amounts::default()) {
        encoder.begin("balance");
        for number in [key.account, key.asset, key.wallet, key.incident] {
            encoder.amount(i128::from(number), 0);
        }
        encoder.amount(amounts.quantity.minor(), 0).amount(amounts.value.minor(), 0);
        tree.push(encoder.leaf_hash());
    }
    (hex::encode(tree.root()), tree.size())
}

/// Queues the seal of a month whose closing entry, if it has one, is queued already.
pub(super) fn seal(
    tx: &mut Tx<'_>,
    period: Period,
    closing: Option<&Balanced>,
    checklist: &Checklist,
) -> Result<Seal, StoreError> {
    let stored = projection::balances(tx.conn)?;
    let mut balances: BTreeMap<BalanceKey, Amounts> = stored.iter().map(|row| (row.key(), row.amounts())).collect();
    for line in closing.into_iter().flat_map(Balanced::lines) {
        balances.entry(BalanceKey::of(line)).or_default().add(line.quantity, line.value)?;
    }
    let (root, count) = root(&balances);
    let items = checklist.items.iter();
    let items = items.map(|view| SealedItem { item: view.item, state: view.state, note: view.note.clone() }).collect();
    let seal = Seal { log_size: tx.next_leaf(), last_entry: tx.head.last_entry, balances: count, root, items };
    tx.add_fact(SEAL, &period.to_string(), period.last_day(), &seal);
    Ok(seal)
}

/// The seal of a month with its leaf; `None` for a month that is not closed, or was closed before there were seals.
///
/// # Errors
/// The database's failure.
pub fn of(conn: &mut Conn, period: Period) -> Result<Option<(i64, Seal)>, StoreError> {
    let facts = fact::of_subject(conn, SEAL, &period.to_string())?;
    facts.first().map(|row| Ok((row.leaf, row.parse()?))).transpose()
}

/// All seals in the order of the log.
///
/// # Errors
/// The database's failure.
pub fn all(conn: &mut Conn) -> Result<Vec<FactRow>, StoreError> {
    fact::of_kind(conn, SEAL)
}
