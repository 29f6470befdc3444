//! The book at one pair of as-of and known-at: what reports read.

use super::daily::day_near;
use super::window::{View, parse_day};
use crate::domain::account::AccountNo;
use crate::domain::amount::{Quantity, Value};
use crate::domain::asset::AssetId;
use crate::domain::contribution::calendar::{CalendarDay, DayState};
use crate::domain::coverage::{Scenario, Targets};
use crate::domain::event::Event;
use crate::domain::ids::EntryNo;
use crate::domain::period::{Period, Timing};
use crate::domain::price::Price;
use crate::ledger::trial_balance::{Amounts, TrialBalance};
use crate::report::control::{Duty, Holders, Receivable};
use crate::report::source::{
    AccountLine, AccountPage, Band, BookFacts, CoverageTerms, EntryFacts, FeedState, IncidentLine, Inclusion, JournalFilter,
    JournalPage, JournalTotals, LineCursor, LineFilter, MemoFigure, Movement, PriceSet, Quote, ReportError, Source, overflow,
};
use crate::service::at::At;
use crate::service::contributions::calendar::{self, VenueCalendar};
use crate::service::incidents;
use crate::service::inclusion;
use crate::service::memo::{self, MEMO};
use crate::service::policies::{COVERAGE, CoveragePolicy, Ratio};
use crate::service::refs::Refs;
use crate::store::error::StoreError;
use crate::store::fact;
use crate::store::journal::{self, EntryRow, PostingRow};
use crate::store::late;
use crate::store::price::{self, PriceRow, PriceSetRow};
use crate::store::view::{self, AccountFilter, EntryFilter, Numbered};
use jiff::{Timestamp, ToSpan, civil::Date};
use std::collections::{BTreeMap, BTreeSet};

/// Filters that find more entries than this get no sums: they would read all of them, and a page must not take long.
const MAX_SUMMED: i64 = 5_000;
/// Weeks of the feeds that are looked at.
const FEED_WEEKS: i64 = 26;

impl Source for View<'_> {
    fn facts(&self) -> &BookFacts {
        &self.facts
    }

    fn balances(&mut self, as_of: Date) -> Result<TrialBalance, ReportError> {
        Ok(self.balances_as_of(as_of)?)
    }

    fn movements(&mut self, from: Option<Date>, to: Date) -> Result<Vec<Movement>, ReportError> {
        Ok(self.movements_between(from, to)?)
    }

    fn prices(&mut self, day: Date) -> Result<Option<PriceSet>, ReportError> {
        let header =
            price::headers(self.conn)?.into_iter().rev().find(|h| h.cutoff_on <= day.to_string() && h.leaf < self.known.leaves);
        let Some(header) = header else { return Ok(None) };
        let set = price::set_on(self.conn, &header.cutoff_on)?;
        Ok(set.map(|set| price_set(&set.header, &set.prices)).transpose()?)
    }

    fn price_sets(&mut self, from: Option<Date>, to: Date) -> Result<Vec<PriceSet>, ReportError> {
        let (from, to) = (from.map(|day| day.to_string()).unwrap_or_default(), to.to_string());
        let mut rows: BTreeMap<String, Vec<PriceRow>> = BTreeMap::new();
        for row in price::all_prices(self.conn)? {
            rows.entry(row.cutoff_on.clone()).or_default().push(row);
        }
        let headers = price::headers(self.conn)?;
        let wanted = headers.iter().filter(|h| h.leaf < self.known.leaves && (&from..=&to).contains(&&h.cutoff_on));
        let sets = wanted.map(|h| price_set(h, rows.get(&h.cutoff_on).map(Vec::as_slice).unwrap_or_default()));
        Ok(sets.collect::<Result<_, _>>()?)
    }

    fn coverage_policies(&mut self) -> Result<Vec<CoverageTerms>, ReportError> {
        let mut terms = Vec::new();
        for row in fact::of_kind(self.conn, COVERAGE)?.into_iter().filter(|row| row.leaf < self.known.leaves) {
            terms.push(coverage_terms(&self.refs, parse_day(&row.effective_on)?, &row.parse()?)?);
        }
        // Stable, so that of two for the same day the later recording stays behind and holds.
        terms.sort_by_key(|terms| terms.since);
        Ok(terms)
    }

    fn memo(&mut self, day: Date) -> Result<Vec<MemoFigure>, ReportError> {
        let rows = fact::of_kind(self.conn, MEMO)?.into_iter().filter(|row| row.leaf < self.known.leaves);
        let rows = rows.map(|row| Ok((parse_day(&row.effective_on)?, row.subject.clone(), row.parse()?)));
        let figures = rows.collect::<Result<Vec<_>, StoreError>>()?;
        let found = memo::latest(&self.refs, day, figures)?;
        let figure =
            |m: memo::MemoInForce| MemoFigure { account: m.account, asset: m.asset, quantity: m.quantity, since: m.since };
        Ok(found.into_iter().map(figure).collect())
    }

    fn closed_periods(&mut self) -> Result<Vec<String>, ReportError> {
        let rows = price::closed_periods(self.conn)?;
        Ok(rows.into_iter().filter(|row| row.leaf < self.known.leaves).map(|row| row.period).collect())
    }

    fn journal(&mut self, filter: &JournalFilter, below: Option<EntryNo>, limit: usize) -> Result<JournalPage, ReportError> {
        let mut stored = self.entry_filter(filter)?;
        if let Some(below) = below {
            let last = below.0.saturating_sub(1);
            stored.last = Some(stored.last.map_or(last, |known| known.min(last)));
        }
        let mut rows = view::entries(self.conn, &stored, i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX))?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| EntryNo(row.no));
        Ok(JournalPage { entries: self.with_lines(rows)?, next })
    }

    fn journal_totals(&mut self, filter: &JournalFilter) -> Result<Option<JournalTotals>, ReportError> {
        let stored = self.entry_filter(filter)?;
        let rows = view::entries(self.conn, &stored, MAX_SUMMED.saturating_add(1))?;
        let entries = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        if entries > MAX_SUMMED {
            return Ok(None);
        }
        let numbers: Vec<i64> = rows.iter().map(|row| row.no).collect();
        let mut totals = JournalTotals { entries, ..JournalTotals::default() };
        for part in numbers.chunks(2_000) {
            for line in view::postings_of(self.conn, part)?.iter().filter(|line| wants(filter, line)) {
                totals.add(line.value.value()).ok_or_else(overflow)?;
            }
        }
        Ok(Some(totals))
    }

    fn account_lines(
        &mut self,
        filter: &LineFilter,
        below: Option<LineCursor>,
        limit: usize,
    ) -> Result<AccountPage, ReportError> {
        let stored = AccountFilter { below: below.map(|at| (at.entry.0, at.line)), ..self.account_filter(filter)? };
        let wanted = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
        let mut rows = view::account_lines(self.conn, &stored, wanted)?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().map(|(_, line)| LineCursor { entry: EntryNo(line.entry_no), line: line.line });
        Ok(AccountPage { lines: self.account_page(filter.account, rows)?, next: last.filter(|_| more) })
    }

    fn moved_from(&mut self, filter: &LineFilter, from: LineCursor) -> Result<Amounts, ReportError> {
        // The sums of the days after a middle day, corrected by the postings that stand on its other side by number.
        let middle = day_near(self.conn, from.entry.0)?.unwrap_or(self.facts.as_of);
        let mut sum = Amounts::default();
        let mut add = |quantity: Quantity, value: Value| {
            sum = sum.plus(quantity, value).ok_or_else(overflow)?;
            Ok::<_, ReportError>(())
        };
        let first = filter.from.map_or(middle, |day| day.max(middle));
        let wanted = |asset: AssetId| filter.asset.is_none_or(|only| only == asset);
        for one in self.movements_between(Some(first), filter.to)? {
            if one.account == filter.account && wanted(one.asset) {
                add(one.quantity, one.value)?;
            }
        }
        let before = (from.entry.0, from.line);
        let earlier = Numbered::Between(1, from.entry.0.min(self.known.last_entry));
        for line in self.lines_of(filter, Some(first), filter.to, earlier)? {
            if (line.entry_no, line.line) < before && wanted(AssetId(line.asset_id)) {
                add(line.quantity.quantity().negated(), line.value.value().negated())?;
            }
        }
        let Ok(eve) = first.yesterday() else { return Ok(sum) };
        let later = Numbered::Between(from.entry.0, self.known.last_entry);
        for line in self.lines_of(filter, filter.from, eve.min(filter.to), later)? {
            if (line.entry_no, line.line) >= before && wanted(AssetId(line.asset_id)) {
                add(line.quantity.quantity(), line.value.value())?;
            }
        }
        Ok(sum)
    }

    fn entry(&mut self, no: EntryNo) -> Result<Option<EntryFacts>, ReportError> {
        if no.0 > self.known.last_entry {
            return Ok(None);
        }
        let header = journal::headers_between(self.conn, no.0, no.0)?;
        Ok(self.with_lines(header)?.pop())
    }

    fn incidents(&mut self) -> Result<Vec<IncidentLine>, ReportError> {
        let at = At::of(self.conn, Some(self.facts.as_of), self.known)?;
        let mut lines = Vec::new();
        for summary in incidents::view::list(self.conn, &at)?.into_iter().rev() {
            lines.push(IncidentLine {
                kind: summary.kind.title().to_owned(),
                state: summary.life.state.title().to_owned(),
                open: summary.life.state.is_open(),
                reserve: summary.owed()?,
                gross: summary.loss.gross,
                recovered: summary.loss.recovered,
                net: summary.loss.net,
                occurred_at: summary.occurred_at,
                code: summary.code,
                title: summary.title,
            });
        }
        Ok(lines)
    }

    fn feeds(&mut self) -> Result<Vec<FeedState>, ReportError> {
        let until = self.facts.as_of;
        let from = until.checked_sub(FEED_WEEKS.weeks()).ok();
        let calendars = calendar::calendars(self.conn, None, from, until, self.now)?;
        let count = |days: &[CalendarDay], states: &[DayState]| {
            i64::try_from(days.iter().filter(|day| states.contains(&day.state)).count()).unwrap_or(i64::MAX)
        };
        let feed = |venue: VenueCalendar| FeedState {
            last: venue.days.iter().rev().find(|day| day.posted_version.is_some()).map(|day| day.date),
            missing: count(&venue.days, &[DayState::Missing]),
            waiting: count(&venue.days, &[DayState::Quarantined, DayState::Stale]),
            venue: venue.venue,
        };
        Ok(calendars.into_iter().map(feed).collect())
    }

    fn receivables(&mut self, as_of: Date) -> Result<Vec<Receivable>, ReportError> {
        Ok(self.receivables_on(as_of)?)
    }

    fn holders(&mut self, until: Option<Timestamp>) -> Result<Holders, ReportError> {
        Ok(self.holders_until(until)?)
    }

    fn duties(&mut self, until: Option<Timestamp>) -> Result<Vec<Duty>, ReportError> {
        Ok(self.duties_until(until)?)
    }

    fn late_entries(&mut self) -> Result<i64, ReportError> {
        Ok(late::count(self.conn, &self.facts.as_of.to_string(), self.known.last_entry)?)
    }

    fn inclusion(&mut self, leaf: i64) -> Result<Option<Inclusion>, ReportError> {
        Ok(inclusion::inclusion(self.conn, &self.tree, leaf)?)
    }
}

impl View<'_> {
    /// Postings of the account of a filter by entries of some days with these numbers.
    fn lines_of(
        &mut self,
        filter: &LineFilter,
        from: Option<Date>,
        to: Date,
        wanted: Numbered,
    ) -> Result<Vec<PostingRow>, StoreError> {
        let from = from.map(|day| day.to_string()).unwrap_or_default();
        let found = view::numbered(self.conn, &from, &to.to_string(), wanted)?;
        let numbers: Vec<i64> = found.into_iter().map(|(no, ..)| no).collect();
        view::postings_on(self.conn, filter.account.0, &numbers)
    }

    /// The numbers between which the entries of these days lie, as far as they are known.
    fn numbers(&mut self, from: Option<Date>, to: Date) -> Result<(i64, i64), StoreError> {
        let from = from.map(|day| day.to_string()).unwrap_or_default();
        if from.is_empty() && view::last_day(self.conn)?.is_none_or(|last| last <= to.to_string()) {
            return Ok((1, self.known.last_entry));
        }
        let found = view::numbers_between(self.conn, &from, &to.to_string())?;
        Ok(found.map_or((1, 0), |(first, last)| (first, last.min(self.known.last_entry))))
    }

    fn entry_filter(&mut self, filter: &JournalFilter) -> Result<EntryFilter, StoreError> {
        let to = filter.to.map_or(self.facts.as_of, |to| to.min(self.facts.as_of));
        let (first, mut last) = self.numbers(filter.from, to)?;
        let mut accounts: Vec<i32> = filter.accounts.iter().map(|account| account.0).collect();
        if let (true, Some(asset)) = (accounts.is_empty(), filter.asset) {
            accounts = view::accounts_with(self.conn, asset.0)?;
            last = if accounts.is_empty() { 0 } else { last };
        }
        Ok(EntryFilter {
            from: filter.from.map(|day| day.to_string()),
            to: Some(to.to_string()),
            event: filter.event.map(|event| event.code().to_owned()),
            accounts_first: view::has_few_postings(self.conn, &accounts)?,
            accounts,
            period: filter.period.clone(),
            except: filter.without_closings.then(|| Event::PeriodClose.code().to_owned()),
            asset: filter.asset.map(|asset| asset.0),
            pattern: filter.text.as_deref().map(pattern),
            last: Some(last),
            first,
        })
    }

    fn account_filter(&mut self, filter: &LineFilter) -> Result<AccountFilter, StoreError> {
        let (first, last) = self.numbers(filter.from, filter.to)?;
        Ok(AccountFilter {
            account: filter.account.0,
            asset: filter.asset.map(|asset| asset.0),
            from: filter.from.map(|day| day.to_string()).unwrap_or_default(),
            to: filter.to.to_string(),
            first,
            last,
            below: None,
        })
    }

    fn account_page(&mut self, account: AccountNo, rows: Vec<(EntryRow, PostingRow)>) -> Result<Vec<AccountLine>, StoreError> {
        let numbers: BTreeSet<i64> = rows.iter().map(|(header, _)| header.no).collect();
        let numbers: Vec<i64> = numbers.into_iter().collect();
        let mut contra: BTreeMap<i64, Vec<AccountNo>> = BTreeMap::new();
        for (no, other) in view::accounts_of(self.conn, &numbers)? {
            if other != account.0 {
                contra.entry(no).or_default().push(AccountNo(other));
            }
        }
        let reversed: BTreeMap<i64, i64> = view::reversals_of(self.conn, &numbers)?.into_iter().collect();
        let (known, soft) = (self.known.last_entry, self.soft_closes()?);
        let line = |(header, posting): (EntryRow, PostingRow)| {
            let contra = contra.get(&header.no).cloned().unwrap_or_default();
            let by = reversed.get(&header.no).copied().filter(|by| *by <= known);
            let entry = timed(&soft, entry_facts(header, &[], by)?);
            Ok(AccountLine { posting: posting.to_domain()?, entry, contra })
        };
        rows.into_iter().map(line).collect()
    }

    fn with_lines(&mut self, rows: Vec<EntryRow>) -> Result<Vec<EntryFacts>, StoreError> {
        let numbers: Vec<i64> = rows.iter().map(|row| row.no).collect();
        let mut lines: BTreeMap<i64, Vec<PostingRow>> = BTreeMap::new();
        for line in view::postings_of(self.conn, &numbers)? {
            lines.entry(line.entry_no).or_default().push(line);
        }
        let reversed: BTreeMap<i64, i64> = view::reversals_of(self.conn, &numbers)?.into_iter().collect();
        let (known, soft) = (self.known.last_entry, self.soft_closes()?);
        let entry = |row: EntryRow| {
            let postings = lines.remove(&row.no).unwrap_or_default();
            let by = reversed.get(&row.no).copied().filter(|by| *by <= known);
            Ok(timed(&soft, entry_facts(row, &postings, by)?))
        };
        rows.into_iter().map(entry).collect()
    }
}

/// The entry with the mark that it was booked after its month was softly closed, if it was.
fn timed(soft: &BTreeMap<String, i64>, mut entry: EntryFacts) -> EntryFacts {
    let after = soft.get(&entry.period).is_some_and(|last| entry.no.0 > *last);
    if after && entry.timing == Timing::InTime && entry.event != Event::PeriodClose {
        entry.timing = Timing::AfterSoftClose;
    }
    entry
}

fn wants(filter: &JournalFilter, line: &PostingRow) -> bool {
    let on_account = filter.accounts.is_empty() || filter.accounts.iter().any(|account| account.0 == line.account_no);
    on_account && filter.asset.is_none_or(|a| a.0 == line.asset_id)
}

/// `%text%` with the signs of LIKE taken literally.
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.to_ascii_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// An entry as reports and exports take it.
pub(super) fn entry_facts(row: EntryRow, postings: &[PostingRow], reversed_by: Option<i64>) -> Result<EntryFacts, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("entry {}: {what}", row.no));
    let effective_on = parse_day(&row.effective_on)?;
    Ok(EntryFacts {
        no: EntryNo(row.no),
        event: Event::from_code(&row.event).ok_or_else(|| damaged("event"))?,
        effective_on,
        timing: if Period::of(effective_on).to_string() == row.period { Timing::InTime } else { Timing::Late },
        recorded_at: Timestamp::from_microsecond(row.recorded_at).map_err(|_| damaged("recorded_at"))?,
        postings: postings.iter().map(PostingRow::to_domain).collect::<Result<_, _>>()?,
        reverses: row.reverses.map(EntryNo),
        reversed_by: reversed_by.map(EntryNo),
        period: row.period,
        actor: row.actor,
        request_key: row.request_key,
        memo: row.memo,
        source: row.source,
        leaf: row.leaf,
    })
}

fn price_set(header: &PriceSetRow, rows: &[PriceRow]) -> Result<PriceSet, StoreError> {
    let damaged = |e: &dyn std::fmt::Display| StoreError::Damaged(format!("price set {}: {e}", header.cutoff_on));
    let quote = |row: &PriceRow| {
        let price = Price::parse(&row.price).map_err(|e| damaged(&e))?;
        Ok((AssetId(row.asset_id), Quote { price, basis: row.basis.clone() }))
    };
    Ok(PriceSet {
        cutoff_on: parse_day(&header.cutoff_on)?,
        source: header.source.clone(),
        source_hash: header.source_hash.clone(),
        quotes: rows.iter().map(quote).collect::<Result<_, StoreError>>()?,
    })
}

fn coverage_terms(refs: &Refs, since: Date, policy: &CoveragePolicy) -> Result<CoverageTerms, StoreError> {
    let by_asset = |ratios: &BTreeMap<String, Ratio>| -> Result<BTreeMap<AssetId, i128>, StoreError> {
        ratios.iter().map(|(code, ratio)| Ok((refs.asset("/asset", code)?.id, ratio.millionths()))).collect()
    };
    let scenarios = policy.scenarios.iter().map(|s| {
        let loss = s.loss.map_or(Value::ZERO, |loss| loss.0);
        Ok(Scenario { name: s.name.clone(), shocks: by_asset(&s.shocks)?, loss })
    });
    Ok(CoverageTerms {
        since,
        targets: Targets {
            target: policy.target.map(|target| target.0),
            floor: policy.floor.map(|floor| floor.0),
            stress_payout_share: policy.stress_payout_share.map_or(0, Ratio::millionths),
            scenarios: scenarios.collect::<Result<_, StoreError>>()?,
        },
        minimum: policy.minimum_coverage.map(Ratio::millionths),
        bands: policy.bands.iter().map(|b| Band { below: b.below.millionths(), name: b.name.clone() }).collect(),
        haircuts: by_asset(&policy.haircuts)?,
    })
}
