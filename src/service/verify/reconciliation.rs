//! Reconciliation: every observation came with a file that is known, every break has the units that were observed and that the book
//! had then, and what was signed off is what the book and the observations said at that moment.

use super::{Verdict, count};
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::ids::WalletId;
use crate::domain::observation::day_of_observation;
use crate::service::reconciliation::history::{Opened, Seen};
use crate::service::reconciliation::observe::ImportedFile;
use crate::service::reconciliation::sign_off::Signed;
use crate::service::reconciliation::statement::hash_of;
use crate::service::reconciliation::{BREAK, FILE, OBSERVED, Pair, SIGNED};
use crate::service::refs::Refs;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::fact::{self, FactRow};
use crate::store::holding::{self, Moved};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::iter::Peekable;
use std::vec::IntoIter;

/// Checks all observations, breaks and sign-offs.
pub(super) fn check(conn: &mut Conn, verdict: &mut Verdict) -> Result<(), StoreError> {
    let refs = Refs::load(conn)?;
    let seen = observations(conn, &refs, verdict)?;
    let (breaks, signed) = (fact::of_kind(conn, BREAK)?, fact::of_kind(conn, SIGNED)?);
    verdict.counts.breaks = count(breaks.len());
    let mut claims: Vec<FactRow> = breaks.into_iter().chain(signed).collect();
    if claims.is_empty() {
        return Ok(());
    }
    claims.sort_by_key(|row| row.leaf);
    let mut then = Then { moved: holding::all_moved(conn)?.into_iter().peekable(), held: BTreeMap::new() };
    for row in &claims {
        then.up_to(row.leaf)?;
        let subject = format!("fact {} ({} {})", row.id, row.kind, row.subject);
        let wrong =
            if row.kind == BREAK { check_break(&refs, &seen, &then, row)? } else { check_signed(&refs, &seen, &then, row)? };
        wrong.into_iter().for_each(|detail| verdict.add(subject.clone(), detail));
    }
    Ok(())
}

type Observed = HashMap<i64, (Pair, Seen)>;

/// Every observation by its number, each checked with the file it came in.
fn observations(conn: &mut Conn, refs: &Refs, verdict: &mut Verdict) -> Result<Observed, StoreError> {
    let (mut seen, mut places, mut in_files) = (Observed::new(), BTreeSet::new(), BTreeMap::<String, usize>::new());
    for row in fact::of_kind(conn, OBSERVED)? {
        let subject = format!("observation {} ({})", row.id, row.subject);
        let pair = Pair::of_subject(refs, &row.subject)?;
        let one = Seen::of_row(&pair, &row)?;
        if (&one.observation.wallet, &one.observation.asset) != (&pair.wallet_code, &pair.asset_code) {
            verdict.add(subject.clone(), "is filed under another wallet or asset than it says");
        }
        if day_of_observation(one.at()).to_string() != row.effective_on {
            verdict.add(subject.clone(), "is filed under another day than its moment");
        }
        if !places.insert((row.subject.clone(), one.at())) {
            verdict.add(subject, "was recorded for the same moment before");
        }
        let so_far = in_files.entry(one.observation.sha256.clone()).or_default();
        *so_far = so_far.saturating_add(1);
        seen.insert(row.id, (pair, one));
    }
    verdict.counts.observations = count(seen.len());
    for row in fact::of_kind(conn, FILE)? {
        let file: ImportedFile = row.parse()?;
        let found = in_files.remove(&file.sha256).unwrap_or_default();
        if row.subject != file.sha256 || found != file.recorded {
            let detail = format!("says {} balances of it were new, stored are {found}", file.recorded);
            verdict.add(format!("file of balances {}", file.file), detail);
        }
    }
    for (sha256, found) in in_files {
        verdict.add(format!("file of balances {sha256}"), format!("is not recorded, though {found} balances came with it"));
    }
    Ok(seen)
}

/// What wallets held, by business date, as it was known at a leaf.
struct Then {
    moved: Peekable<IntoIter<Moved>>,
    held: BTreeMap<(WalletId, AssetId), BTreeMap<String, Quantity>>,
}

impl Then {
    fn up_to(&mut self, leaf: i64) -> Result<(), StoreError> {
        while let Some(moved) = self.moved.next_if(|moved| moved.leaf < leaf) {
            let sum = self.held.entry(moved.key).or_default().entry(moved.day).or_default();
            *sum = sum.checked_add(moved.quantity).ok_or_else(too_large)?;
        }
        Ok(())
    }

    fn book(&self, pair: &Pair, day: &str) -> Result<Quantity, StoreError> {
        let Some(days) = self.held.get(&(pair.wallet, pair.asset)) else { return Ok(Quantity::ZERO) };
        Quantity::checked_sum(days.range(..=day.to_owned()).map(|(_, units)| *units)).ok_or_else(too_large)
    }
}

fn check_break(refs: &Refs, seen: &Observed, then: &Then, row: &FactRow) -> Result<Vec<String>, StoreError> {
    let opened: Opened = row.parse()?;
    let pair = Pair::of_subject(refs, &opened.of)?;
    let Some((of, one)) = seen.get(&opened.observation) else {
        return Ok(vec![format!("names observation {}, which is not there", opened.observation)]);
    };
    let book = then.book(&pair, &row.effective_on)?;
    let difference = one.quantity.checked_sub(book).ok_or_else(too_large)?;
    let due = [
        ("what it is about", of.subject(), &opened.of),
        ("observed", pair.text(one.quantity), &opened.observed),
        ("the book then", pair.text(book), &opened.book),
        ("the difference", pair.text(difference), &opened.difference),
    ];
    let mut wrong: Vec<String> = due
        .into_iter()
        .filter(|(_, due, says)| due != *says)
        .map(|(what, due, says)| format!("{what}: says {says}, it was {due}"))
        .collect();
    if one.at() != opened.observed_at || one.day().to_string() != row.effective_on {
        wrong.push("has another moment than its observation".to_owned());
    }
    Ok(wrong)
}

fn check_signed(refs: &Refs, seen: &Observed, then: &Then, row: &FactRow) -> Result<Vec<String>, StoreError> {
    let signed: Signed = row.parse()?;
    let mut wrong = Vec::new();
    if hash_of(&json!({"period": row.subject, "lines": signed.lines})) != signed.statement {
        wrong.push("its lines are not those that were signed".to_owned());
    }
    for line in signed.lines.as_array().into_iter().flatten() {
        let text = |name: &str| line.get(name).and_then(Json::as_str).unwrap_or_default();
        let pair = Pair::of_subject(refs, text("of"))?;
        let observation = line.get("observation").and_then(Json::as_i64).and_then(|id| seen.get(&id));
        let Some((_, one)) = observation.filter(|(of, _)| *of == pair) else {
            wrong.push(format!("{}: names an observation that is not there", text("of")));
            continue;
        };
        let due = [("observed", pair.text(one.quantity)), ("book", pair.text(then.book(&pair, &one.day().to_string())?))];
        for (name, due) in due.into_iter().filter(|(name, due)| text(name) != due) {
            wrong.push(format!("{}, {name}: says {}, it was {due}", text("of"), text(name)));
        }
    }
    Ok(wrong)
}

fn too_large() -> StoreError {
    StoreError::Damaged("what a wallet held does not fit".to_owned())
}
