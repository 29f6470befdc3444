//! Seals: the balances at the leaf of each are the ones that were sealed, nothing was booked into a month after its seal, and no
//! month that was closed since the first seal is without one.

use super::Verdict;
use crate::service::periods::seal::{self, Seal};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::journal::EntryRow;
use crate::store::price;
use crate::store::projection::{Amounts, BalanceKey};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Running balances.
type Running = BTreeMap<BalanceKey, Amounts>;

/// The seals that the replay has not come to yet.
pub(super) struct Seals {
    ahead: VecDeque<(i64, String, Seal)>,
    /// Months with a seal that the replay has come to.
    met: BTreeSet<String>,
    last_entry: i64,
}

impl Seals {
    pub(super) fn load(conn: &mut Conn, verdict: &mut Verdict) -> Result<Self, StoreError> {
        let mut ahead = VecDeque::new();
        for row in seal::all(conn)? {
            match row.parse() {
                Ok(sealed) => ahead.push_back((row.leaf, row.subject, sealed)),
                Err(error) => verdict.add(format!("seal of {}", row.subject), error.to_string()),
            }
        }
        Ok(Self { ahead, met: BTreeSet::new(), last_entry: 0 })
    }

    /// Checks the seals that lie before an entry, and that the entry's month is not sealed.
    pub(super) fn before(&mut self, header: &EntryRow, running: &Running, verdict: &mut Verdict) {
        self.check_until(header.leaf, running, verdict);
        if self.met.last().is_some_and(|sealed| header.period <= *sealed) {
            let detail = format!("is booked in {}, which was closed and sealed before", header.period);
            verdict.add(format!("entry {}", header.no), detail);
        }
        self.last_entry = header.no;
    }

    fn check_until(&mut self, leaf: i64, running: &Running, verdict: &mut Verdict) {
        while let Some((at, month, sealed)) = self.ahead.pop_front() {
            if at >= leaf {
                self.ahead.push_front((at, month, sealed));
                return;
            }
            let subject = format!("seal of {month}");
            if u64::try_from(at) != Ok(sealed.log_size) {
                verdict.add(subject.clone(), format!("says log size {}, its leaf is {at}", sealed.log_size));
            }
            if sealed.last_entry != self.last_entry {
                let detail = format!("says that entry {} was the last, it was {}", sealed.last_entry, self.last_entry);
                verdict.add(subject.clone(), detail);
            }
            let (root, balances) = seal::root(running);
            if root != sealed.root || balances != sealed.balances {
                let detail = format!(
                    "seals {} balances with the root {}; the journal makes {balances} with {root}",
                    sealed.balances, sealed.root
                );
                verdict.add(subject, detail);
            }
            self.met.insert(month);
        }
    }

    /// Checks the seals after the last entry, and that closed months and seals are the same.
    pub(super) fn finish(
        mut self,
        conn: &mut Conn,
        running: &Running,
        last_entry: i64,
        verdict: &mut Verdict,
    ) -> Result<(), StoreError> {
        self.last_entry = last_entry;
        self.check_until(i64::MAX, running, verdict);
        let closed: BTreeSet<String> = price::closed_periods(conn)?.into_iter().map(|row| row.period).collect();
        for month in self.met.difference(&closed) {
            verdict.add(format!("seal of {month}"), "seals a month that is not closed");
        }
        let since = self.met.first().cloned();
        for month in
            closed.iter().filter(|month| since.as_ref().is_some_and(|first| *month >= first) && !self.met.contains(*month))
        {
            verdict.add(format!("closed month {month}"), "has no seal");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::amount::{Quantity, Value};

    fn running(units: i128) -> Running {
        let key = BalanceKey { account: 1110, asset: 2, wallet: 1, incident: 0 };
        let zero = BalanceKey { asset: 3, ..key };
        Running::from([(key, Amounts { quantity: Quantity(units), value: Value(7) }), (zero, Amounts::default())])
    }

    fn seals() -> Seals {
        let (root, balances) = seal::root(&running(5));
        let sealed = Seal { log_size: 9, last_entry: 3, balances, root, items: Vec::new() };
        Seals { ahead: VecDeque::from([(9, "2019-01".to_owned(), sealed)]), met: BTreeSet::new(), last_entry: 3 }
    }

    fn entry(leaf: i64, period: &str) -> EntryRow {
        EntryRow {
            no: 4,
            event: "E02".to_owned(),
            effective_on: "2019-01-31".to_owned(),
            period: period.to_owned(),
            recorded_at: 0,
            actor: String::new(),
            request_key: String::new(),
            memo: String::new(),
            source: String::new(),
            reverses: None,
            marks: "{}".to_owned(),
            leaf,
        }
    }

    fn found(mut seals: Seals, running: &Running, period: &str) -> Vec<String> {
        let mut verdict = Verdict::default();
        seals.before(&entry(10, period), running, &mut verdict);
        verdict.findings.into_iter().map(|finding| format!("{}: {}", finding.subject, finding.detail)).collect()
    }

    #[test]
    fn other_balances_and_entries_of_a_sealed_month_are_found() {
        assert!(found(seals(), &running(5), "2019-02").is_empty());
        let other = found(seals(), &running(6), "2019-02");
        assert!(other.len() == 1 && other[0].starts_with("seal of 2019-01: seals 1 balances"), "{other:?}");
        assert!(found(seals(), &running(5), "2019-01")[0].contains("was closed and sealed before"));
        let mut moved = seals();
        moved.last_entry = 2;
        assert!(found(moved, &running(5), "2019-02")[0].contains("entry 3 was the last, it was 2"));
    }
}
