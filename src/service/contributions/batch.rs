//! Deciding a batch of single events inside its transaction: which are new, what the fund's share of each is, and the one
//! entry a business date that carries them.

use super::events::{Group, Outcome, Request, stopped};
use super::known::{Known, Stored, by_external_id};
use super::stop::{self, Decided};
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::contribution::policy::{PolicyBook, Share};
use crate::domain::ids::VenueId;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::ledger::asset_table::AssetTable;
use crate::ledger::posting::accrual::{self, Accrual};
use crate::ledger::posting::{Context, Header, NextLot};
use crate::proof::merkle::{Frontier, Hash};
use crate::service::mode;
use crate::service::posting::Prices;
use crate::service::refs::{FUNCTIONAL, Refs};
use crate::service::{Answer, KeyedContent, Refusal, Reply, depends_on_state, policies, problem};
use crate::store::Store;
use crate::store::conn::Conn;
use crate::store::contribution::{self, BatchRow, EventRow, NewBatch, Pick};
use crate::store::error::StoreError;
use crate::store::tx::Tx;
use jiff::civil::Date;
use serde_json::{Value, json};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What became of one request.
pub(super) enum Decision {
    /// Answered before; here is the kept answer.
    Kept(Reply),
    /// The same request as an earlier one of this group, by its index.
    Same(usize),
    Refused(Rejection),
    Accepted(Accepted),
}

pub(super) struct Accepted {
    new: usize,
    known: usize,
    dates: Vec<Date>,
    dry_run: bool,
}

/// What decisions rest on besides the events themselves.
struct Ground {
    refs: Refs,
    assets: AssetTable,
    policies: PolicyBook,
    prices: BTreeMap<Date, Prices>,
    /// By venue, asset and day: the share in force, where there is a price for it; none where contributions are stopped.
    shares: BTreeMap<(i32, i32, Date), Option<Share>>,
    /// Why nothing may be recorded, where somebody made the book read-only.
    read_only: Option<Rejection>,
    /// By venue and day: whether contributions are stopped. Empty for books whose policies have no stop.
    stops: BTreeMap<(i32, Date), Decided>,
}

impl Ground {
    fn load(store: &Store, conn: &mut Conn) -> Result<Self, StoreError> {
        let read_only = match mode::require_open(store, conn) {
            Ok(()) => None,
            Err(StoreError::Rejected(rejection)) => Some(rejection),
            Err(error) => return Err(error),
        };
        let refs = Refs::load(conn)?;
        let assets = AssetTable::new(FUNCTIONAL, refs.assets.values().cloned())?;
        let policies = policies::contribution_policies(conn)?;
        let (prices, shares, stops) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Ok(Self { refs, assets, policies, prices, shares, read_only, stops })
    }
}

/// The ground of the batch before. It still holds for the next one if nobody else has written since.
pub(super) struct Kept {
    /// Where the head stands after that batch.
    version: i64,
    ground: Ground,
}

/// Events that were accepted from earlier requests of a group. Jobs number their events in the order of time, so requests rarely
/// touch each other; while their ids lie in ranges apart, nothing is listed.
#[derive(Default)]
struct Seen<'a> {
    /// By venue: the lowest and the highest id of each request.
    ranges: Vec<(i32, &'a str, &'a str)>,
    /// How many of the batch's picks are listed here.
    listed: usize,
    events: HashMap<(i32, &'a str), Hash>,
}

impl<'a> Seen<'a> {
    /// Lists what was accepted so far if the ids of these rows lie in the range of an earlier request.
    fn prepare(&mut self, rows: &'a [EventRow], picks: &[Pick], group: &'a Group) {
        let mut own: BTreeMap<i32, (&str, &str)> = BTreeMap::new();
        for row in rows {
            let id = row.external_id.as_str();
            own.entry(row.venue_id).and_modify(|(low, high)| (*low, *high) = (id.min(low), id.max(high))).or_insert((id, id));
        }
        let meets = |(venue, low, high): &(i32, &str, &str)| own.get(venue).is_some_and(|(l, h)| l <= high && low <= h);
        if self.ranges.iter().any(meets) {
            for pick in picks.get(self.listed..).unwrap_or_default() {
                let row = group.rows.get(pick.request).and_then(|rows| rows.get(pick.event));
                let leaf = group.requests.get(pick.request).and_then(|request| request.leaves.get(pick.event));
                if let Some((row, leaf)) = row.zip(leaf) {
                    self.events.insert((row.venue_id, &row.external_id), *leaf);
                }
            }
            self.listed = picks.len();
        }
        self.ranges.extend(own.into_iter().map(|(venue, (low, high))| (venue, low, high)));
    }
}

/// A batch being decided inside the transaction.
pub(super) struct Batch<'a> {
    tx: Tx<'a>,
    group: &'a Group,
    known: Known,
    ground: Ground,
    picks: Vec<Pick>,
    /// Over the rows that are recorded.
    tree: Frontier,
    keys: HashMap<(&'a str, &'a str), usize>,
    seen: Seen<'a>,
    totals: BTreeMap<Date, BTreeMap<AssetId, Quantity>>,
    parts: Vec<Value>,
}

impl<'a> Batch<'a> {
    /// Starts with nothing decided; what is known of the group was read in the same transaction.
    pub(super) fn begin(
        store: &Store,
        tx: Tx<'a>,
        (group, known): (&'a Group, Known),
        kept: Option<Kept>,
    ) -> Result<Self, StoreError> {
        let ground = match kept {
            Some(kept) if kept.version == tx.head.version && !store.is_held() => kept.ground,
            _ => Ground::load(store, tx.conn)?,
        };
        Ok(Self {
            tx,
            group,
            known,
            ground,
            picks: Vec::new(),
            tree: Frontier::new(),
            keys: HashMap::new(),
            seen: Seen::default(),
            totals: BTreeMap::new(),
            parts: Vec::new(),
        })
    }

    pub(super) fn decide(&mut self, index: usize) -> Result<Decision, StoreError> {
        let group = self.group;
        let Some((request, rows)) = group.requests.get(index).zip(group.rows.get(index)) else {
            return Err(stopped());
        };
        let id = (request.call.actor.as_str(), request.call.key.as_str());
        if let Some(first) = self.keys.get(&id) {
            let same = group.requests.get(*first).is_some_and(|other| other.content == request.content);
            return Ok(if same { Decision::Same(*first) } else { Decision::Refused(key_conflict(&request.call.key)) });
        }
        let key = KeyedContent { call: &request.call, hash: request.content, text: None };
        let before = if self.known.is_fresh(id.0, id.1) { Ok(None) } else { key.kept_answer(self.tx.conn) };
        let decided = match before {
            Ok(Some(reply)) => Ok(Decision::Kept(reply)),
            Ok(None) => {
                // A dry run leaves its key free, also for requests of its own group.
                if !request.call.dry_run {
                    self.keys.insert(id, index);
                }
                self.accept(index, request, rows).map(Decision::Accepted)
            }
            Err(error) => Err(error),
        };
        match decided {
            Err(StoreError::Rejected(rejection)) => Ok(Decision::Refused(rejection)),
            other => other,
        }
    }

    /// Decides one request as a whole: nothing of it counts unless every event is good.
    fn accept(&mut self, index: usize, request: &'a Request, rows: &'a [EventRow]) -> Result<Accepted, StoreError> {
        if let Some(rejection) = &self.ground.read_only {
            return Err(rejection.clone().into());
        }
        let stored = self.stored(rows)?;
        self.seen.prepare(rows, &self.picks, self.group);
        let mut picks = Vec::with_capacity(rows.len());
        for (at, ((row, leaf), date)) in rows.iter().zip(&request.leaves).zip(&request.dates).enumerate() {
            if self.is_known(&stored, row, leaf).ok_or_else(|| event_conflict(at, &row.external_id))? {
                continue;
            }
            let share = match self.ground.shares.get(&(row.venue_id, row.asset_id, *date)) {
                Some(share) => *share,
                None => self.share(at, row, *date)?,
            };
            let amount = match share {
                Some(share) => share.of(row.net_fee.quantity()).ok_or_else(|| too_large(at))?,
                None => Quantity::ZERO,
            };
            picks.push(Pick { request: index, event: at, amount: amount.into() });
        }
        let mut dates: Vec<Date> = picks.iter().filter_map(|pick| request.dates.get(pick.event)).copied().collect();
        dates.sort_unstable();
        dates.dedup();
        let (new, dry_run) = (picks.len(), request.call.dry_run);
        let known = rows.len().saturating_sub(new).saturating_add(request.repeats);
        if new > 0 && !dry_run {
            self.take(&picks, request, rows)?;
            self.parts.push(json!({"actor": request.call.actor, "key": request.call.key, "rows": new}));
            self.picks.extend(picks);
        }
        Ok(Accepted { new, known, dates, dry_run })
    }

    /// Whether the event was recorded before, in the book or earlier in this group; `None` when it was, with other content.
    fn is_known(&self, stored: &Stored, row: &EventRow, leaf: &Hash) -> Option<bool> {
        let of_venue = self.known.events_of(row.venue_id).or_else(|| stored.get(&row.venue_id));
        if let Some(before) = of_venue.and_then(|venue| venue.get(row.external_id.as_str())) {
            return before.says(row).then_some(true);
        }
        match self.seen.events.get(&(row.venue_id, row.external_id.as_str())) {
            Some(before) => (before == leaf).then_some(true),
            None => Some(false),
        }
    }

    /// The stored events with the ids of these rows, of venues where they were not found for the whole group.
    fn stored(&mut self, rows: &[EventRow]) -> Result<Stored, StoreError> {
        let mut by_venue: BTreeMap<i32, Vec<&str>> = BTreeMap::new();
        for row in rows.iter().filter(|row| self.known.events_of(row.venue_id).is_none()) {
            by_venue.entry(row.venue_id).or_default().push(&row.external_id);
        }
        let mut stored = Stored::new();
        for (venue, ids) in by_venue {
            let found = contribution::known(self.tx.conn, venue, &ids)?;
            if !found.is_empty() {
                stored.insert(venue, by_external_id(found));
            }
        }
        Ok(stored)
    }

    /// The share in force for the event's venue and day, none where contributions are stopped; refused without a policy or a price.
    fn share(&mut self, at: usize, row: &EventRow, date: Date) -> Result<Option<Share>, StoreError> {
        let ground = &mut self.ground;
        let venue = ground.refs.venues.get(&VenueId(row.venue_id)).map_or("", |venue| venue.code.as_str());
        let at_event = |mut rejection: Rejection| {
            for problem in &mut rejection.problems {
                problem.pointer = format!("/{at}/business_date");
            }
            rejection
        };
        let policy = ground.policies.require(venue, date).map_err(at_event)?;
        let (share, max_age) = (policy.share, i64::from(policy.price_max_age_hours));
        let prices = match ground.prices.entry(date) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => free.insert(Prices::at(self.tx.conn, date)?),
        };
        prices.require(&ground.refs, AssetId(row.asset_id), date, max_age).map_err(at_event)?;
        let decided = match ground.stops.get(&(row.venue_id, date)) {
            Some(known) => Some(known.clone()),
            None => stop::decide(self.tx.conn, &ground.refs, policy, (venue, date), prices).map_err(|error| match error {
                StoreError::Rejected(rejection) => at_event(rejection).into(),
                other => other,
            })?,
        };
        let stopped = decided.as_ref().is_some_and(|decided| decided.decision.stopped);
        if let Some(decided) = decided {
            ground.stops.insert((row.venue_id, date), decided);
        }
        let share = if stopped { None } else { Some(share) };
        ground.shares.insert((row.venue_id, row.asset_id, date), share);
        Ok(share)
    }

    /// Records whether contributions are stopped for the venues and days of accepted events, where the book does not say yet.
    fn queue_decisions(&mut self) {
        if self.ground.stops.values().all(|decided| decided.recorded) {
            return;
        }
        let group = self.group;
        let of_pick = |pick: &Pick| {
            let row = group.rows.get(pick.request)?.get(pick.event)?;
            Some((row.venue_id, *group.requests.get(pick.request)?.dates.get(pick.event)?))
        };
        for key in self.picks.iter().filter_map(of_pick).collect::<BTreeSet<_>>() {
            let venue = self.ground.refs.venues.get(&VenueId(key.0)).map_or("", |venue| venue.code.as_str());
            if let Some(decided) = self.ground.stops.get_mut(&key) {
                decided.record(&mut self.tx, venue, key.1);
            }
        }
    }

    /// Counts accepted events in: totals and the rows' tree. All sums are known to fit before anything changes, so that nothing of a
    /// request that is refused here counts.
    fn take(&mut self, picks: &[Pick], request: &'a Request, rows: &'a [EventRow]) -> Result<(), StoreError> {
        let mut sums: BTreeMap<(Date, AssetId), Quantity> = BTreeMap::new();
        for pick in picks {
            let Some((row, date)) = rows.get(pick.event).zip(request.dates.get(pick.event)) else { continue };
            let asset = AssetId(row.asset_id);
            let so_far = || self.totals.get(date).and_then(|of_day| of_day.get(&asset)).copied().unwrap_or_default();
            let sum = sums.entry((*date, asset)).or_insert_with(so_far);
            *sum = sum.checked_add(pick.amount.quantity()).ok_or_else(|| too_large(pick.event))?;
        }
        for ((date, asset), sum) in sums {
            self.totals.entry(date).or_default().insert(asset, sum);
        }
        if self.tree.size() == 0 && picks.len() == rows.len() {
            self.tree = request.tree.clone();
        } else {
            picks.iter().filter_map(|pick| request.leaves.get(pick.event)).for_each(|leaf| self.tree.push(*leaf));
        }
        Ok(())
    }

    /// Queues the batch, its entries and the kept answers, and writes it all. `start` is the index of the first decision's
    /// request.
    pub(super) fn finish(mut self, decided: Vec<Decision>, start: usize) -> Result<(Vec<Outcome>, Kept), StoreError> {
        self.queue_decisions();
        let batch = self.queue_batch();
        let entries = self.queue_entries(batch)?;
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(decided.len());
        let mut changed = false;
        let group = self.group;
        for (decision, request) in decided.into_iter().zip(group.requests.iter().skip(start)) {
            let key = KeyedContent { call: &request.call, hash: request.content, text: None };
            outcomes.push(match decision {
                Decision::Kept(reply) => Ok(reply),
                Decision::Same(first) => first_again(&outcomes, first.saturating_sub(start)),
                Decision::Refused(rejection) if depends_on_state(&rejection) && !request.call.dry_run => {
                    changed = true;
                    Ok(refuse(&mut self.tx, &key, &rejection))
                }
                Decision::Refused(rejection) => Err(rejection.into()),
                Decision::Accepted(accepted) => {
                    let body = accepted.body(batch, &entries);
                    let answer = Answer::created(body);
                    let reply = Reply { status: answer.status, body: answer.body.to_string(), replayed: false };
                    if !accepted.dry_run {
                        changed = true;
                        self.tx.keep(key.row(self.tx.stamp.at, reply.status, &reply.body));
                    }
                    Ok(reply)
                }
            });
        }
        let version = self.tx.head.version.saturating_add(i64::from(changed));
        if changed {
            self.tx.commit()?;
        }
        Ok((outcomes, Kept { version, ground: self.ground }))
    }

    fn queue_batch(&mut self) -> Option<i64> {
        let rows = i64::try_from(self.picks.len()).ok().filter(|rows| *rows > 0)?;
        let id = self.tx.head.next_batch();
        let first = self.tx.head.take_contributions(rows);
        let header = BatchRow {
            id,
            first_contribution: first,
            row_count: rows,
            rows_root: self.tree.root().to_vec(),
            requests: crate::proof::leaf::canonical(&Value::Array(std::mem::take(&mut self.parts))),
            recorded_at: 0,
            leaf: 0,
        };
        self.tx.record(NewBatch { header, group: Arc::clone(&self.group.rows), picks: std::mem::take(&mut self.picks) });
        Some(id)
    }

    fn queue_entries(&mut self, batch: Option<i64>) -> Result<BTreeMap<Date, i64>, StoreError> {
        let mut entries = BTreeMap::new();
        let Some(batch) = batch else { return Ok(entries) };
        let no_prices = Prices::none();
        for (date, totals) in std::mem::take(&mut self.totals) {
            let contributions: Vec<_> = totals.into_iter().filter(|(_, quantity)| !quantity.is_zero()).collect();
            if contributions.is_empty() {
                continue;
            }
            let prices = self.ground.prices.get(&date).unwrap_or(&no_prices);
            let mut context = Context::new(&self.ground.assets, &prices.by_asset, Vec::new(), NextLot::starting_at(0));
            let header = Header::new(date, format!("Contributions of {date}, batch {batch}"));
            let entry = accrual::post(&mut context, header, &Accrual { report: None, contributions })?;
            entries.insert(date, self.tx.post_entry(entry, format!("batch:{batch}"))?.0);
        }
        Ok(entries)
    }
}

impl Accepted {
    fn body(&self, batch: Option<i64>, entries: &BTreeMap<Date, i64>) -> Value {
        let recorded = !self.dry_run && self.new > 0;
        let numbers: Vec<i64> = self.dates.iter().filter_map(|date| entries.get(date)).copied().filter(|_| recorded).collect();
        json!({"accepted": self.new, "known": self.known, "batch": batch.filter(|_| recorded), "entries": numbers})
    }
}

fn first_again(outcomes: &[Outcome], first: usize) -> Outcome {
    match outcomes.get(first) {
        Some(Ok(reply)) => Ok(Reply { replayed: true, ..reply.clone() }),
        Some(Err(StoreError::Rejected(rejection))) => Err(rejection.clone().into()),
        _ => Err(stopped()),
    }
}

fn refuse(tx: &mut Tx<'_>, key: &KeyedContent<'_>, rejection: &Rejection) -> Reply {
    tx.record(Refusal { code: rejection.code, content: hex::encode(key.hash) });
    let (status, body) = (rejection.code.status(), problem(rejection).to_string());
    tx.keep(key.row(tx.stamp.at, status, &body));
    Reply { status, body, replayed: false }
}

fn key_conflict(key: &str) -> Rejection {
    let detail = "another request with this key and other content was sent at the same time; use a new key for a new command";
    Rejection::new(OutcomeCode::IdempotencyConflict, "Idempotency-Key", key, detail)
}

fn event_conflict(at: usize, external_id: &str) -> Rejection {
    Rejection::new(
        OutcomeCode::EventConflict,
        format!("/{at}/external_id"),
        external_id,
        "this event was submitted before with other content; events are never changed, so send the correction under a new id",
    )
}

fn too_large(at: usize) -> Rejection {
    Rejection::new(OutcomeCode::AboveLimit, format!("/{at}/net_fee"), "", "the total is larger than a book can hold")
}
