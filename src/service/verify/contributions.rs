//! Single contributions: each batch's rows hash to the root in its leaf, each amount follows from the policy that was in force
//! when it was recorded, and the amounts add up to the entries that carry them.

use super::Verdict;
use super::journal::Replay;
use super::stops::Stops;
use crate::domain::amount::Quantity;
use crate::domain::asset::{Asset, AssetId};
use crate::domain::contribution::event::FeeEvent;
use crate::domain::contribution::policy::{PolicyBook, Share};
use crate::domain::ids::VenueId;
use crate::domain::text::Name;
use crate::proof::merkle::Frontier;
use crate::proof::row::{EventNames, RowEncoder, fee_event};
use crate::service::policies::{self, ContributionTerms};
use crate::service::refs::Refs;
use crate::store::conn::Conn;
use crate::store::contribution::{self, BatchRow, ContributionRow};
use crate::store::error::StoreError;
use crate::store::{fact, rebuild};
use jiff::civil::Date;
use std::collections::BTreeMap;
use std::sync::mpsc;

/// Batches that are read at a time.
const CHUNK: i64 = 500;
/// Batches with their rows that wait to be checked; each holds some thousands of rows.
const AHEAD: usize = 4;

/// A batch with its rows.
type Read = (BatchRow, Vec<ContributionRow>);

/// Checks all batches and their rows. One thread reads while another hashes: each is about half of the work.
pub(super) fn check(conn: &mut Conn, replay: &Replay, stops: &Stops, verdict: &mut Verdict) -> Result<(), StoreError> {
    let refs = Refs::load(conn)?;
    let policies = Policies::load(conn)?;
    let (send, receive) = mpsc::sync_channel::<Read>(AHEAD);
    std::thread::scope(|scope| {
        let checker = scope.spawn(|| {
            let mut found = Verdict::default();
            for (batch, rows) in receive {
                check_batch((&refs, &policies.as_of_leaf(batch.leaf), stops), (&batch, &rows), replay, &mut found);
            }
            found
        });
        let read = read_all(conn, verdict, send);
        verdict.merge(checker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        read
    })
}

/// Reads every batch, hands it on with its rows, and checks that the rows are numbered without gaps.
fn read_all(conn: &mut Conn, verdict: &mut Verdict, checker: mpsc::SyncSender<Read>) -> Result<(), StoreError> {
    let (mut next, mut after) = (1_i64, 0_i64);
    loop {
        let batches = contribution::batches(conn, after, CHUNK)?;
        let Some(last) = batches.last().map(|batch| batch.id) else { break };
        for batch in batches {
            if batch.first_contribution != next {
                let detail = format!("starts at contribution {}, expected {next}", batch.first_contribution);
                verdict.add(format!("batch {}", batch.id), detail);
            }
            next = batch.first_contribution.saturating_add(batch.row_count);
            let mut rows = Vec::new();
            contribution::stream(conn, batch.first_contribution, next.saturating_sub(1), |row| {
                rows.push(row);
                Ok(())
            })?;
            // The checker takes until there is no more; if it is gone it has panicked, which is heard when it is joined.
            if checker.send((batch, rows)).is_err() {
                break;
            }
        }
        after = last;
    }
    let (_, _, stored) = rebuild::child_counts(conn)?;
    if stored != next.saturating_sub(1) {
        verdict.add("contributions", format!("{stored} are stored, the batches hold {}", next.saturating_sub(1)));
    }
    Ok(())
}

fn check_batch(
    (refs, policies, stops): (&Refs, &PolicyBook, &Stops),
    (batch, rows): (&BatchRow, &[ContributionRow]),
    replay: &Replay,
    verdict: &mut Verdict,
) {
    let mut walk = Walk {
        refs,
        policies,
        stops,
        leaf: batch.leaf,
        tree: Frontier::new(),
        encoder: RowEncoder::new(),
        totals: BTreeMap::new(),
        terms: None,
    };
    for row in rows {
        let placed = if row.batch_id == batch.id { Ok(()) } else { Err(format!("says it is of batch {}", row.batch_id)) };
        if let Err(fault) = placed.and_then(|()| walk.row(row)) {
            verdict.add(format!("contribution {} ({})", row.id, row.external_id), fault);
        }
    }
    verdict.counts.contributions = verdict.counts.contributions.saturating_add(walk.tree.size());
    let subject = format!("batch {}", batch.id);
    if walk.tree.root().as_slice() != batch.rows_root {
        verdict.add(subject.clone(), "its rows do not hash to the root in its leaf");
    }
    let source = format!("batch:{}", batch.id);
    for ((date, asset), total) in walk.totals {
        let booked = replay.accrued.get(&(source.clone(), date.clone(), asset)).copied().unwrap_or_default();
        if booked != total {
            let detail = format!(
                "its {} of {date} add up to {} minor units, the journal has {}",
                refs.code(asset),
                total.minor(),
                booked.minor()
            );
            verdict.add(subject.clone(), detail);
        }
    }
}

struct Walk<'a> {
    refs: &'a Refs,
    policies: &'a PolicyBook,
    stops: &'a Stops,
    /// The batch's leaf.
    leaf: i64,
    tree: Frontier,
    encoder: RowEncoder,
    totals: BTreeMap<(String, AssetId), Quantity>,
    /// Rows of a batch mostly share venue, day and asset; what follows from them is kept from row to row.
    terms: Option<Terms<'a>>,
}

struct Terms<'a> {
    venue_id: i32,
    business_date: String,
    asset_id: i32,
    venue: &'a str,
    date: Date,
    asset: &'a Asset,
    /// None where contributions are stopped.
    share: Option<Share>,
}

impl<'a> Walk<'a> {
    fn row(&mut self, row: &ContributionRow) -> Result<(), String> {
        let fits = |terms: &Terms<'_>| {
            terms.venue_id == row.venue_id && terms.asset_id == row.asset_id && terms.business_date == row.business_date
        };
        let terms = match self.terms.take().filter(fits) {
            Some(terms) => terms,
            None => self.look_up(row)?,
        };
        let event = FeeEvent {
            index: 0,
            external_id: Name::parse(&row.external_id).map_err(|e| format!("external_id {e}"))?,
            venue: VenueId(row.venue_id),
            business_date: terms.date,
            pair: None,
            asset: terms.asset.id,
            net_fee: row.net_fee.quantity(),
        };
        let names = EventNames { venue: terms.venue, pair: &row.pair, asset: &terms.asset.code, scale: terms.asset.scale };
        self.tree.push(fee_event(&mut self.encoder, &event, names).leaf_hash());
        let due = terms.share.map_or(Some(Quantity::ZERO), |share| share.of(event.net_fee));
        match self.totals.get_mut(&(row.business_date.clone(), terms.asset.id)) {
            Some(sum) => *sum = sum.checked_add(row.amount.quantity()).ok_or("a sum is too large")?,
            None => {
                self.totals.insert((row.business_date.clone(), terms.asset.id), row.amount.quantity());
            }
        }
        let share = terms.share;
        self.terms = Some(terms);
        if due != Some(row.amount.quantity()) {
            let share = share.map_or_else(|| "nothing".to_owned(), |share| share.to_string());
            return Err(format!("amount is {} minor units, {share} of {} is due", row.amount.0, row.net_fee.0));
        }
        Ok(())
    }

    fn look_up(&self, row: &ContributionRow) -> Result<Terms<'a>, String> {
        let venue = self.refs.venues.get(&VenueId(row.venue_id)).ok_or("its venue is missing")?;
        let asset = self.refs.assets.get(&AssetId(row.asset_id)).ok_or("its asset is missing")?;
        let date: Date = row.business_date.parse().map_err(|_| "business_date is no date")?;
        let policy = self.policies.in_force(&venue.code, date).ok_or("no policy was in force")?;
        let stopped = self.stops.stopped(&venue.code, &row.business_date, self.leaf);
        Ok(Terms {
            venue_id: row.venue_id,
            business_date: row.business_date.clone(),
            asset_id: row.asset_id,
            venue: &venue.code,
            date,
            asset,
            share: Some(policy.share).filter(|_| policy.stop_at.is_none() || !stopped),
        })
    }
}

/// Contribution policies with the leaf that recorded each, to know which were there at any point of the log.
pub(super) struct Policies(Vec<(i64, crate::domain::contribution::policy::ContributionPolicy)>);

impl Policies {
    pub(super) fn load(conn: &mut Conn) -> Result<Self, StoreError> {
        let mut all = Vec::new();
        for row in fact::of_kind(conn, policies::CONTRIBUTION)? {
            let damaged = |what: String| StoreError::Damaged(format!("fact {}: {what}", row.id));
            let terms: ContributionTerms = row.parse()?;
            let day = row.effective_on.parse().map_err(|_| damaged("date".to_owned()))?;
            all.push((row.leaf, terms.to_domain(day).map_err(|e| damaged(e.to_string()))?));
        }
        Ok(Self(all))
    }

    pub(super) fn as_of_leaf(&self, leaf: i64) -> PolicyBook {
        PolicyBook::new(self.0.iter().filter(|(at, _)| *at < leaf).map(|(_, policy)| policy.clone()).collect())
    }
}
