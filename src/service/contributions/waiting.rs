//! The versions of one venue's day: which of them posts, which waits and for what, and what posts by itself once it may.
//!
//! A version posts when the version it replaces is the latest posted one (none for the first) and every price it needs is there.
//! Whatever changes that (a report, a refusal, a locked price set) ends in [`Day::advance`], the one place that posts.

use super::feed::Feed;
use super::stop::{self, Decided, NO_SHARE, STOPPED};
use super::{amounts_json, parse_amounts};
use crate::domain::amount::Quantity;
use crate::domain::asset::AssetId;
use crate::domain::contribution::policy::{ContributionPolicy, Share};
use crate::domain::contribution::restatement::total_changes;
use crate::domain::entry::Balanced;
use crate::domain::ids::{EntryNo, ReportId, VenueId};
use crate::domain::outcome::{OutcomeCode, Problem, Rejection};
use crate::ledger::posting::accrual::{self, Accrual};
use crate::ledger::posting::restatement::{self, Change, Restatement};
use crate::ledger::posting::{Context, Header, NextLot};
use crate::proof::leaf::canonical;
use crate::service::approvals::gate;
use crate::service::command::Command;
use crate::service::posting::Prices;
use crate::service::prices::LockPrices;
use crate::service::refs::{FUNCTIONAL, Refs};
use crate::service::{Answer, Book, Call, Reply};
use crate::store::error::StoreError;
use crate::store::fee_report::{self, NewStep, PostedRow, ReportRow, StepRow};
use crate::store::tx::Tx;
use jiff::civil::Date;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// State of a report that is posted.
pub const ACCEPTED: &str = "accepted";
/// State of a report that is kept and waits.
pub const QUARANTINED: &str = "quarantined";
/// State of a report that a newer version has replaced or overtaken.
pub const SUPERSEDED: &str = "superseded";
/// State of a report that was refused.
pub const REJECTED: &str = "rejected";

/// Reason: a price it needs is missing or too old.
pub const FOR_PRICE: &str = "waiting-for-price";
/// Reason: the version it replaces is not posted yet.
pub const FOR_VERSION: &str = "waiting-for-version";
/// Reason: the same report and version came before with other content.
pub const CONFLICT: &str = "conflict";
/// Reason: another report holds the venue's day already.
pub const DUPLICATE_KEYS: &str = "duplicate-natural-keys";
/// Reason: a newer version was posted before it came.
pub const OUT_OF_ORDER: &str = "out-of-order";
/// Reason: a newer version has taken its place.
pub const RESTATED: &str = "restated";
/// Reason: a person ended its quarantine.
pub const BY_HAND: &str = "by-hand";

/// How a kept version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It came with this command.
    New,
    /// It waits for a version or a price.
    Waiting { for_price: bool },
    /// It waits for people: it contradicts what came before.
    Held,
    /// It is posted.
    Posted,
    /// A newer version has its place.
    Superseded,
    /// A person ended its quarantine: as if it had been refused when it came.
    Rejected,
}

impl Standing {
    fn of(step: &StepRow) -> Self {
        match (step.state.as_str(), step.reason.as_str()) {
            (ACCEPTED, _) => Self::Posted,
            (QUARANTINED, FOR_PRICE) => Self::Waiting { for_price: true },
            (QUARANTINED, FOR_VERSION) => Self::Waiting { for_price: false },
            (QUARANTINED, _) => Self::Held,
            (REJECTED, _) => Self::Rejected,
            _ => Self::Superseded,
        }
    }

    /// True when it speaks for its day, so that others must agree with it.
    const fn counts(self) -> bool {
        !matches!(self, Self::Held | Self::Rejected)
    }

    const fn in_quarantine(self) -> bool {
        matches!(self, Self::Waiting { .. } | Self::Held)
    }

    const fn may_post(self) -> bool {
        matches!(self, Self::New | Self::Waiting { .. })
    }
}

struct Kept {
    row: ReportRow,
    last_step: i64,
    standing: Standing,
}

/// What became of one report in this command.
#[derive(Debug, Clone)]
pub(in crate::service) struct Outcome {
    /// Report.
    pub report: i64,
    /// State.
    pub state: &'static str,
    /// Reason, empty for an ordinary acceptance.
    pub reason: &'static str,
    /// Entry.
    pub entry: Option<EntryNo>,
    /// What it posted.
    pub posted: Option<PostedRow>,
    /// Why it waits.
    pub problems: Vec<Problem>,
}

/// One business day of one venue with every version that came for it.
pub(in crate::service) struct Day {
    venue: VenueId,
    venue_code: String,
    date: Date,
    kept: Vec<Kept>,
    /// Contents for the day that were refused or rejected by hand.
    refused: Vec<ReportRow>,
    /// Reports of the same name for another day that hold that day.
    elsewhere: Vec<ReportRow>,
    latest: Option<PostedRow>,
    outcomes: Vec<Outcome>,
}

enum Attempt {
    Posted(Box<Outcome>),
    NoPrice(Vec<Problem>),
}

impl Day {
    /// Loads the day; `report_id` also brings reports of that name for other days.
    pub fn load(tx: &mut Tx<'_>, feed: &Feed, venue: VenueId, date: Date, report_id: &str) -> Result<Self, StoreError> {
        let day = date.to_string();
        let rows = fee_report::of_day(tx.conn, venue.0, &day, report_id)?;
        let (kept, refused): (Vec<_>, Vec<_>) = rows.into_iter().partition(ReportRow::is_kept);
        let steps = fee_report::last_steps(tx.conn, &kept.iter().map(|row| row.id).collect::<Vec<_>>(), i64::MAX)?;
        let with_step = |row: ReportRow| {
            let step = steps.get(&row.id);
            let step = step.ok_or_else(|| StoreError::Damaged(format!("fee report {} has no step", row.id)))?;
            Ok(Kept { row, last_step: step.step, standing: Standing::of(step) })
        };
        let kept: Vec<Kept> = kept.into_iter().map(with_step).collect::<Result<_, StoreError>>()?;
        let (kept, elsewhere): (Vec<_>, Vec<_>) = kept.into_iter().partition(|kept| kept.row.business_date == day);
        let elsewhere = elsewhere.into_iter().filter(|kept| kept.standing.counts()).map(|kept| kept.row).collect();
        let by_hand = kept.iter().filter(|kept| kept.standing == Standing::Rejected).map(|kept| kept.row.clone());
        let mut refused: Vec<ReportRow> = refused.into_iter().filter(|row| row.business_date == day).chain(by_hand).collect();
        refused.sort_by_key(|row| row.id);
        let latest = fee_report::posted_versions(tx.conn, venue.0, &day)?.pop();
        let venue_code = feed.refs.venues.get(&venue).map_or_else(String::new, |row| row.code.clone());
        Ok(Self { venue, venue_code, date, kept, refused, elsewhere, latest, outcomes: Vec::new() })
    }

    /// The kept report with exactly this content.
    pub fn same_content(&self, report_id: &str, version: i64, sha256: &str) -> Option<&ReportRow> {
        let same = |row: &&ReportRow| row.report_id == report_id && row.version == version && row.sha256 == sha256;
        self.kept.iter().map(|kept| &kept.row).find(same)
    }

    /// The refusals of exactly this content, oldest first.
    pub fn refusals_of(&self, report_id: &str, version: i64, sha256: &str) -> Vec<&ReportRow> {
        let same = |row: &&ReportRow| row.report_id == report_id && row.version == version && row.sha256 == sha256;
        self.refused.iter().filter(same).collect()
    }

    /// What a new report contradicts, if it does: the same version with other content, or the same name for another day.
    pub fn conflict(&self, new: &ReportRow) -> Option<Rejection> {
        let (name, version) = (&new.report_id, new.version);
        let counts = |kept: &&Kept| kept.standing.counts();
        if let Some(before) = self.kept.iter().filter(counts).find(|k| k.row.report_id == *name && k.row.version == version) {
            let detail = format!(
                "version {version} of {name} came before with SHA-256 {}; send a correction as a higher version that supersedes it",
                before.row.sha256
            );
            return Some(Rejection::new(OutcomeCode::ReportConflict, "/sha256", &new.sha256, detail));
        }
        let other = self.elsewhere.first()?;
        let detail = format!("{name} is the report of {}; give the report of another day another name", other.business_date);
        Some(Rejection::new(OutcomeCode::ReportConflict, "/business_date", self.date, detail))
    }

    /// The report that already holds the day under another name.
    pub fn holder(&self, new: &ReportRow) -> Option<&ReportRow> {
        let other = |kept: &&Kept| kept.standing.counts() && kept.row.report_id != new.report_id;
        self.kept.iter().find(other).map(|kept| &kept.row)
    }

    /// Why a new version can never post: it replaces a version that is not the latest posted one any more.
    pub fn wrong_base(&self, new: &ReportRow) -> Option<Rejection> {
        let latest = self.latest_version()?;
        let base = self.base(new.supersedes);
        if new.version <= latest || base.is_some_and(|base| base >= latest) {
            return None;
        }
        let detail = format!("version {latest} is posted; a newer version must supersede {latest}");
        let found = new.supersedes.map_or_else(|| "null".to_owned(), |version| version.to_string());
        Some(Rejection::new(OutcomeCode::OutOfOrder, "/supersedes", found, detail))
    }

    /// Takes a new report in; [`Self::advance`] then finds out what becomes of it.
    pub fn take_in(&mut self, row: ReportRow) {
        self.kept.push(Kept { row, last_step: 0, standing: Standing::New });
    }

    /// Takes a refusal in: a version that replaces the refused one need not wait for it any more.
    pub fn take_in_refused(&mut self, row: ReportRow) {
        self.refused.push(row);
    }

    /// Keeps a new report for people to look at.
    pub fn hold(&mut self, tx: &mut Tx<'_>, row: ReportRow, reason: &'static str, problems: Vec<Problem>) {
        self.kept.push(Kept { row, last_step: 0, standing: Standing::Held });
        let at = self.kept.len().saturating_sub(1);
        self.step(tx, at, Outcome::quarantined(reason, problems));
    }

    /// Ends the quarantine of a report by a person's decision; [`Self::advance`] then finds out what it held up.
    ///
    /// # Errors
    /// `WrongState` for a report that is not in quarantine.
    pub fn reject(&mut self, tx: &mut Tx<'_>, report: &ReportRow, because: &str) -> Result<(), StoreError> {
        let at = self.kept.iter().position(|kept| kept.row.id == report.id);
        let standing = at.and_then(|at| self.kept.get(at)).map(|kept| kept.standing);
        let (Some(at), true) = (at, standing.is_some_and(Standing::in_quarantine)) else {
            let detail = match standing {
                Some(Standing::Posted) => "is posted; mend it by a higher version, which posts only the difference",
                Some(Standing::Superseded) => "is superseded already; nothing of it waits",
                _ => "is rejected already; nothing of it waits",
            };
            return Err(Rejection::new(OutcomeCode::WrongState, "/id", report.id, detail).into());
        };
        let words = Problem { pointer: "/reason".to_owned(), detail: because.to_owned(), value: String::new() };
        self.step(tx, at, Outcome { state: REJECTED, ..Outcome::quarantined(BY_HAND, vec![words]) });
        self.refused.push(report.clone());
        Ok(())
    }

    /// What became of a report of this day, in short.
    pub fn summary(&self, outcome: &Outcome) -> Option<Value> {
        let row = self.kept.iter().find(|kept| kept.row.id == outcome.report).map(|kept| &kept.row)?;
        Some(json!({
            "id": row.id, "report_id": row.report_id, "venue": self.venue_code, "business_date": row.business_date,
            "version": row.version, "state": outcome.state, "reason": outcome.reason,
            "entry": outcome.entry.map(|entry| entry.0),
        }))
    }

    fn latest_version(&self) -> Option<i64> {
        self.latest.as_ref().map(|posted| posted.version)
    }

    /// The version that must be posted first. A refused version that nobody mended stands for the one it would have replaced.
    fn base(&self, supersedes: Option<i64>) -> Option<i64> {
        let mut base = supersedes;
        while let Some(version) = base {
            let is_kept = self.kept.iter().any(|k| k.row.version == version && k.standing.counts());
            match self.refused.iter().rev().find(|row| row.version == version) {
                Some(refused) if !is_kept && refused.supersedes < base => base = refused.supersedes,
                _ => break,
            }
        }
        base
    }

    fn next_ready(&self) -> Option<usize> {
        let latest = self.latest_version();
        let ready =
            |kept: &Kept| kept.standing.may_post() && Some(kept.row.version) > latest && self.base(kept.row.supersedes) == latest;
        let candidates = self.kept.iter().enumerate().filter(|(_, kept)| ready(kept));
        candidates.min_by_key(|(_, kept)| kept.row.version).map(|(at, _)| at)
    }

    /// Posts every version that may post now, in order, and gives the others their state. Returns what became of whom.
    pub fn advance(&mut self, tx: &mut Tx<'_>, feed: &mut Feed) -> Result<Vec<Outcome>, StoreError> {
        while let Some(at) = self.next_ready() {
            match self.post(tx, feed, at)? {
                Attempt::Posted(outcome) => self.accept(tx, at, *outcome),
                Attempt::NoPrice(problems) => {
                    let waits_already = self.kept.get(at).is_some_and(|k| k.standing == Standing::Waiting { for_price: true });
                    if !waits_already {
                        self.step(tx, at, Outcome::quarantined(FOR_PRICE, problems));
                    }
                    break;
                }
            }
        }
        for at in 0..self.kept.len() {
            let Some(kept) = self.kept.get(at).filter(|kept| kept.standing.may_post()) else { continue };
            if Some(kept.row.version) < self.latest_version() {
                self.step(tx, at, Outcome::superseded(OUT_OF_ORDER));
            } else if kept.standing == Standing::New {
                let wanted = self.base(kept.row.supersedes).map_or_else(String::new, |version| version.to_string());
                let detail = format!("waits until version {wanted} is posted; send that version");
                let problem = Problem { pointer: "/supersedes".to_owned(), detail, value: wanted };
                self.step(tx, at, Outcome::quarantined(FOR_VERSION, vec![problem]));
            }
        }
        Ok(std::mem::take(&mut self.outcomes))
    }

    fn accept(&mut self, tx: &mut Tx<'_>, at: usize, outcome: Outcome) {
        let before = self.latest.as_ref().map(|posted| posted.report_id);
        self.latest.clone_from(&outcome.posted);
        self.step(tx, at, outcome);
        if let Some(at) = self.kept.iter().position(|kept| Some(kept.row.id) == before) {
            self.step(tx, at, Outcome::superseded(RESTATED));
        }
    }

    /// Queues the next step of a report.
    fn step(&mut self, tx: &mut Tx<'_>, at: usize, mut outcome: Outcome) {
        let Some(kept) = self.kept.get_mut(at) else { return };
        kept.last_step = kept.last_step.saturating_add(1);
        outcome.report = kept.row.id;
        let step = StepRow {
            report_id: kept.row.id,
            step: kept.last_step,
            state: outcome.state.to_owned(),
            reason: outcome.reason.to_owned(),
            problems: serde_json::to_string(&outcome.problems).unwrap_or_default(),
            entry_no: outcome.entry.map(|entry| entry.0),
            recorded_at: 0,
            leaf: 0,
        };
        kept.standing = Standing::of(&step);
        tx.record(NewStep { step, posted: outcome.posted.clone() });
        self.outcomes.push(outcome);
    }

    /// Books what the version changes against the posted one, unless a price is missing.
    fn post(&self, tx: &mut Tx<'_>, feed: &mut Feed, at: usize) -> Result<Attempt, StoreError> {
        let Some(kept) = self.kept.get(at) else { return Ok(Attempt::NoPrice(Vec::new())) };
        let row = &kept.row;
        let policy = feed.policies.require(&self.venue_code, self.date)?.clone();
        let prices = feed.prices(tx, self.date)?;
        let mut decided = match self.decide_stop(tx, feed, &policy, &prices) {
            Err(StoreError::Rejected(rejection)) => return Ok(Attempt::NoPrice(rejection.problems)),
            other => other?,
        };
        let stopped = match &self.latest {
            Some(latest) => latest.share == NO_SHARE,
            None => decided.as_ref().is_some_and(|decided| decided.decision.stopped),
        };
        let owed = contributions(&feed.refs, row, Some(policy.share).filter(|_| !stopped))?;
        let before = self.latest.as_ref().map_or_else(|| Ok(Vec::new()), |p| parse_amounts(&feed.refs, &p.contributions))?;
        let changes: Vec<(AssetId, Quantity)> =
            total_changes(&before, &owed).iter().map(|change| (change.asset, change.difference())).collect();
        let problems = missing_prices(&feed.refs, &prices, &changes, self.date, &policy);
        if !problems.is_empty() {
            return Ok(Attempt::NoPrice(problems));
        }
        if let Some(decided) = &mut decided {
            decided.record(tx, &self.venue_code, self.date);
        }
        let entry = self.entry(tx, feed, row, &prices, &changes)?;
        if let Some(entry) = &entry {
            feed.note_moved(entry)?;
        }
        let entry = entry.map(|entry| tx.post_entry(entry, format!("report:{}", row.id))).transpose()?;
        let valued = changes.iter().any(|(asset, _)| *asset != FUNCTIONAL);
        let posted = PostedRow {
            venue_id: self.venue.0,
            business_date: row.business_date.clone(),
            version: row.version,
            report_id: row.id,
            share: if stopped { NO_SHARE.to_owned() } else { policy.share.to_string() },
            contributions: canonical(&amounts_json(&feed.refs, &owed)),
            price_set: prices.cutoff_on.filter(|_| valued).map(|cutoff| cutoff.to_string()),
        };
        let reason = if stopped { STOPPED } else { "" };
        let outcome = Outcome { report: row.id, state: ACCEPTED, reason, entry, posted: Some(posted), problems: Vec::new() };
        Ok(Attempt::Posted(Box::new(outcome)))
    }

    /// Whether contributions of the day are stopped, for the first version that posts; later ones keep to what that one did.
    fn decide_stop(
        &self,
        tx: &mut Tx<'_>,
        feed: &Feed,
        policy: &ContributionPolicy,
        prices: &Prices,
    ) -> Result<Option<Decided>, StoreError> {
        match self.latest {
            Some(_) => Ok(None),
            None => stop::decide(tx.conn, &feed.refs, policy, (&self.venue_code, self.date), prices),
        }
    }

    /// The entry for the changes; none when nothing changes.
    fn entry(
        &self,
        tx: &mut Tx<'_>,
        feed: &Feed,
        row: &ReportRow,
        prices: &Prices,
        changes: &[(AssetId, Quantity)],
    ) -> Result<Option<Balanced>, StoreError> {
        if changes.is_empty() {
            return Ok(None);
        }
        let next_lot = NextLot::starting_at(tx.head.last_lot.saturating_add(1));
        let mut ctx = Context::new(&feed.assets, &prices.by_asset, [], next_lot);
        let (name, report) = (format!("Fee report {} version {}", row.report_id, row.version), Some(ReportId(row.id)));
        let Some(latest) = self.latest_version() else {
            let accrual = Accrual { report, contributions: changes.to_vec() };
            return Ok(Some(accrual::post(&mut ctx, Header::new(self.date, name), &accrual)?));
        };
        let mut restated = Vec::with_capacity(changes.len());
        for (asset, difference) in changes {
            let change = if *difference > Quantity::ZERO {
                Change::Up(*difference)
            } else {
                Change::Down(difference.negated(), feed.receivable(tx, *asset)?)
            };
            restated.push((*asset, change));
        }
        let header = Header::new(self.date, format!("{name} restates version {latest}"));
        Ok(Some(restatement::post(&mut ctx, header, &Restatement { report, changes: restated })?))
    }
}

impl Outcome {
    fn quarantined(reason: &'static str, problems: Vec<Problem>) -> Self {
        Self { report: 0, state: QUARANTINED, reason, entry: None, posted: None, problems }
    }
    fn superseded(reason: &'static str) -> Self {
        Self { report: 0, state: SUPERSEDED, reason, entry: None, posted: None, problems: Vec::new() }
    }
}

/// What a report owes per asset: the share of each sum, truncated once; nothing without a share.
fn contributions(refs: &Refs, row: &ReportRow, share: Option<Share>) -> Result<Vec<(AssetId, Quantity)>, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("fee report {}: {what}", row.id));
    let totals: BTreeMap<String, Value> = serde_json::from_str(&row.totals).map_err(|_| damaged("totals are not JSON"))?;
    let owed = |(code, sums): (&String, &Value)| {
        let asset = refs.asset("/totals", code).map_err(|_| damaged("totals name an asset that is missing"))?;
        let net = sums.get("net_fee").and_then(Value::as_str).and_then(|text| Quantity::parse(text, asset.scale).ok());
        let owed = net
            .and_then(|net| share.map_or(Some(Quantity::ZERO), |share| share.of(net)))
            .ok_or_else(|| damaged("a total is not an amount"))?;
        Ok((asset.id, owed))
    };
    totals.iter().map(owed).collect()
}

fn missing_prices(
    refs: &Refs,
    prices: &Prices,
    changes: &[(AssetId, Quantity)],
    day: Date,
    policy: &ContributionPolicy,
) -> Vec<Problem> {
    let hours = i64::from(policy.price_max_age_hours);
    let missing = changes.iter().filter_map(|(asset, _)| prices.require(refs, *asset, day, hours).err());
    missing.flat_map(|rejection| rejection.problems).collect()
}

/// Posts every report that waited for a price and now has it; `fresh` is a set that the same command locks. Gives one summary a
/// report that moved.
pub(in crate::service) fn release(tx: &mut Tx<'_>, fresh: Option<&Prices>) -> Result<Vec<Value>, StoreError> {
    let waiting = fee_report::waiting(tx.conn, FOR_PRICE)?;
    let mut days = BTreeSet::new();
    for row in &waiting {
        days.insert((row.venue_id, row.day()?));
    }
    let mut released = Vec::new();
    if days.is_empty() {
        return Ok(released);
    }
    let mut feed = Feed::load(tx, fresh)?;
    for (venue, date) in days {
        let mut day = Day::load(tx, &feed, VenueId(venue), date, "")?;
        let outcomes = day.advance(tx, &mut feed)?;
        released.extend(outcomes.iter().filter_map(|outcome| day.summary(outcome)));
    }
    Ok(released)
}

impl Book {
    /// Posts the reports that waited for a price and now have it. A price lock does this by itself; this is for people who want
    /// to see that nothing waits without need.
    ///
    /// # Errors
    /// The database's failure.
    pub fn release_waiting(&self, call: &Call) -> Result<Reply, StoreError> {
        let by = call.clone();
        self.command(call, &json!({"release": FOR_PRICE}), move |tx| {
            gate::require_giver(tx, &by, LockPrices::GIVERS)?;
            Ok(Answer::ok(json!({"released": release(tx, None)?})))
        })
    }
}
