//! Importing observed balances: the whole file is checked, against itself, the registry and what was observed before; then all of it
//! is recorded and matched, or nothing.

use super::history::{History, Observation, Seen, breaks};
use super::matching::Matching;
use super::{FILE, OBSERVED, Pair};
use crate::domain::amount::Quantity;
use crate::domain::approval::Risk;
use crate::domain::contribution::rows::amount_mend;
use crate::domain::csv_text::Tally;
use crate::domain::observation::{self, Row};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use crate::domain::text::check_free_text;
use crate::proof::merkle::sha256;
use crate::service::command::Command;
use crate::service::refs::Refs;
use crate::service::registry::wallet_terms;
use crate::service::{Answer, Book, Call, Reply};
use crate::store::error::StoreError;
use crate::store::fact;
use crate::store::tx::Tx;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A file of observed balances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportBalances {
    /// Name of the file, for people.
    pub file: String,
    /// Its text; the SHA-256 of exactly these bytes is kept with every balance.
    pub content: String,
}

/// An imported file, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportedFile {
    /// Its name.
    pub file: String,
    /// SHA-256, hex.
    pub sha256: String,
    /// Rows in it.
    pub rows: usize,
    /// Those of them that were new.
    pub recorded: usize,
    /// Breaks that it opened.
    pub breaks: Vec<i64>,
    /// Incidents that were drafted because of it.
    pub incidents: Vec<String>,
    /// Who imported it.
    pub by: String,
}

impl Book {
    /// Imports a file of observed balances. The same file again is answered with what was recorded.
    ///
    /// # Errors
    /// `Malformed`, `InvalidRow`, `DuplicateRow`, `UnknownAsset`, `UnknownWallet`, or `ObservationConflict` for a moment of which
    /// something else was recorded; then nothing of the file was.
    pub fn import_balances(&self, call: &Call, file: &str, bytes: &[u8]) -> Result<Reply, StoreError> {
        let content = std::str::from_utf8(bytes).map_err(|e| {
            let detail = format!("is not UTF-8 ({e}); save it as UTF-8");
            Rejection::new(OutcomeCode::Malformed, "file", "", detail)
        })?;
        self.give(call, ImportBalances { file: file.to_owned(), content: content.to_owned() })
    }
}

impl Command for ImportBalances {
    const KIND: &'static str = "balances";
    const TITLE: &'static str = "Import observed balances";
    const GIVERS: &'static [Role] = &[Role::Preparer, Role::Treasurer];

    fn risk(&self) -> Risk {
        // What was observed moves nothing; what is made of it is signed off by another.
        Risk::Free
    }

    fn check(&self) -> Result<(), Rejection> {
        check_free_text(&self.file, 200).map_err(|e| Rejection::invalid("/file", &self.file, e.to_string()))?;
        observation::parse(&self.content).map(|_| ())
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let sha256 = hex::encode(sha256(self.content.as_bytes()));
        if let Some(known) = fact::of_subject(tx.conn, FILE, &sha256)?.first() {
            return Ok(Answer::ok(answer(&known.parse()?, true)));
        }
        let refs = Refs::load(tx.conn)?;
        let rows = observation::parse(&self.content)?;
        let count = rows.len();
        let good = checked(tx, &refs, rows)?;
        let fresh = new_ones(tx, good)?;
        let recorded = fresh.len();
        let mut by_pair: BTreeMap<Pair, Vec<Seen>> = BTreeMap::new();
        for (pair, row, quantity) in fresh {
            let seen = record(tx, self, &sha256, &pair, row, quantity);
            by_pair.entry(pair).or_default().push(seen);
        }
        let mut matching = Matching::load(tx)?;
        for (pair, seen) in by_pair {
            match_pair(tx, &refs, &mut matching, pair, seen)?;
        }
        let by = tx.stamp.actor.clone();
        let (breaks, incidents) = (matching.opened, matching.drafted);
        let stored = ImportedFile { file: self.file.clone(), sha256, rows: count, recorded, breaks, incidents, by };
        tx.add_fact(FILE, &stored.sha256, tx.today(), &stored);
        Ok(Answer::created(answer(&stored, false)))
    }
}

fn answer(file: &ImportedFile, known: bool) -> serde_json::Value {
    json!({
        "file": file.file,
        "sha256": file.sha256,
        "rows": file.rows,
        "recorded": file.recorded,
        "breaks": file.breaks,
        "incidents": file.incidents,
        "already_imported": known,
    })
}

type Good = (Pair, Row, Quantity);

/// The rows with what they are about; refuses all that the registry does not know, at once.
fn checked(tx: &mut Tx<'_>, refs: &Refs, rows: Vec<Row>) -> Result<Vec<Good>, StoreError> {
    let terms = wallet_terms(tx.conn)?;
    let (mut tally, mut good) = (Tally::default(), Vec::new());
    let mut places = BTreeMap::new();
    for row in rows {
        tally.row = row.no;
        if row.observed_at > tx.stamp.at {
            let at = row.observed_at.to_string();
            tally.note(OutcomeCode::InvalidRow, "observed_at", &at, "lies in the future; check the clock of the source");
        }
        let pair = match (refs.wallet("", &row.wallet), refs.asset("", &row.asset)) {
            (Ok((wallet, _)), Ok(asset)) => Pair::of(refs, wallet, asset.id)?,
            (wallet, asset) => {
                let unknown = [("wallet", wallet.err()), ("asset", asset.err())];
                for (column, rejection) in unknown.into_iter().filter_map(|(column, found)| Some((column, found?))) {
                    let detail = rejection.problems.first().map(|problem| problem.detail.clone()).unwrap_or_default();
                    let value = if column == "wallet" { &row.wallet } else { &row.asset };
                    tally.note(rejection.code, column, value, detail);
                }
                continue;
            }
        };
        let asset = refs.asset_by_id(pair.asset)?;
        let own = terms.get(&row.wallet).map(|terms| terms.network.as_str()).filter(|network| !network.is_empty());
        for (network, of) in [(Some(asset.network.as_str()), &row.asset), (own, &row.wallet)] {
            if let Some(network) = network.filter(|network| *network != row.network) {
                let detail =
                    format!("is not the network of {of}, which is {network}; nothing else can be compared with the book");
                tally.note(OutcomeCode::InvalidRow, "network", &row.network, detail);
            }
        }
        if let Some(before) = places.insert((pair.subject(), row.observed_at), row.no) {
            let detail = format!("row {before} has the same wallet, asset and moment; leave one out");
            tally.note(OutcomeCode::DuplicateRow, "observed_at", &row.observed_at.to_string(), detail);
        }
        match Quantity::parse_unsigned(&row.quantity, pair.scale) {
            Ok(quantity) => good.push((pair, row, quantity)),
            Err(error) => tally.note(OutcomeCode::InvalidRow, "quantity", &row.quantity, amount_mend(&row.quantity, error)),
        }
    }
    tally.into_result()?;
    Ok(good)
}

/// Those that were not recorded before; refuses what was recorded with something else in it.
fn new_ones(tx: &mut Tx<'_>, good: Vec<Good>) -> Result<Vec<Good>, StoreError> {
    let (mut tally, mut fresh) = (Tally::default(), Vec::new());
    for (pair, row, quantity) in good {
        let day = observation::day_of_observation(row.observed_at).to_string();
        let mut same = None;
        for known in fact::on_day(tx.conn, OBSERVED, &pair.subject(), &day)? {
            same = same.or(Some(Seen::of_row(&pair, &known)?).filter(|seen| seen.at() == row.observed_at));
        }
        let Some(known) = same else {
            fresh.push((pair, row, quantity));
            continue;
        };
        if (known.quantity, known.observation.block_height) != (quantity, row.block_height) {
            let was = &known.observation;
            let block = was.block_height.map_or_else(String::new, |height| format!(" at block {height}"));
            let detail = format!(
                "row {} of {} said {} {}{block} for the same moment; what was observed is not changed, so find out which is right \
                 and send a later observation",
                was.row, was.file, was.quantity, was.asset
            );
            tally.row = row.no;
            tally.note(OutcomeCode::ObservationConflict, "quantity", &row.quantity, detail);
        }
    }
    tally.into_result()?;
    Ok(fresh)
}

fn record(tx: &mut Tx<'_>, file: &ImportBalances, sha256: &str, pair: &Pair, row: Row, quantity: Quantity) -> Seen {
    let observation = Observation {
        wallet: row.wallet,
        asset: row.asset,
        quantity: pair.text(quantity),
        block_height: row.block_height,
        observed_at: row.observed_at,
        source: row.source,
        file: file.file.clone(),
        sha256: sha256.to_owned(),
        row: row.no,
        by: tx.stamp.actor.clone(),
    };
    let day = observation::day_of_observation(row.observed_at);
    let id = tx.add_fact(OBSERVED, &pair.subject(), day, &observation);
    Seen { id, quantity, observation }
}

/// Matches the new observations of a pair in the order of their moments.
fn match_pair(tx: &mut Tx<'_>, refs: &Refs, matching: &mut Matching, pair: Pair, new: Vec<Seen>) -> Result<(), StoreError> {
    let subject = pair.subject();
    let first = new.iter().map(Seen::day).min().unwrap_or_else(|| tx.today());
    // What lies between the break that may be running and the first new observation decides whether it still runs.
    let known = breaks(tx.conn)?;
    let begun = known.iter().filter(|one| one.opened.of == subject);
    let opened = begun.map(|one| observation::day_of_observation(one.opened.observed_at)).filter(|day| *day <= first).max();
    let mut history = History::load(tx.conn, pair, opened.unwrap_or(first))?;
    let order: Vec<i64> = new.iter().map(|seen| seen.id).collect();
    history.seen.extend(new);
    history.seen.sort_by_key(Seen::at);
    for seen in history.seen.iter().filter(|seen| order.contains(&seen.id)) {
        matching.open(tx, &history, seen)?;
    }
    matching.suspect(tx, refs, &history)
}
