//! The feed of contributions: which days are covered, which reports came and what became of them, what is still to be settled.

use super::fee_report::{self, word};
use super::{Asked, PAGE_ROWS, Page, reports};
use crate::domain::account::no;
use crate::domain::amount::Value;
use crate::domain::contribution::calendar::{CalendarDay, DayState, count_states};
use crate::report::doc::{Basis, Cell, Chart, ChartKind, Column, Content, Doc, Figure, HeatCell, Row, RowKind, Table, Tone};
use crate::report::{format, link};
use crate::service::contributions::ageing::{self, AssetAgeing, Bucket};
use crate::service::contributions::calendar::{self, VenueCalendar};
use crate::service::contributions::view::{self, ReportFilter, ReportItem};
use crate::service::contributions::waiting::{ACCEPTED, QUARANTINED, REJECTED, SUPERSEDED};
use crate::service::refs::Refs;
use crate::store::error::StoreError;
use crate::web::view::{Choice, Extras, Field, FieldKind, PageContext, Section};
use jiff::{ToSpan, civil::Date};
use rust_decimal::Decimal;

/// Weeks that the calendar shows unless it is asked for more.
const WEEKS: i64 = 26;

/// What the page is about, read from the book in one go.
struct Feed {
    refs: Refs,
    until: Date,
    calendars: Vec<VenueCalendar>,
    reports: view::Page<ReportItem>,
    open: Vec<AssetAgeing>,
}

/// The page.
pub(super) fn page(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let until = match asked.date("to")?.or(asked.date("as_of")?) {
        Some(day) => day,
        None => {
            let last = asked.book.read(crate::store::view::last_day)?.and_then(|day| day.parse().ok());
            last.unwrap_or_else(|| asked.book.clock.today())
        }
    };
    let from = match asked.date("from")? {
        Some(day) => Some(day),
        None => until.checked_sub(WEEKS.weeks()).ok(),
    };
    let known_at = asked.known_at()?;
    let now = known_at.unwrap_or_else(|| asked.book.clock.now());
    let feed = asked.book.read(|conn| {
        let filter = ReportFilter {
            venue: asked.value("venue").map(str::to_owned),
            state: asked.value("state").map(str::to_owned),
            from: asked.date("from")?,
            until: Some(until),
            known_at,
            cursor: asked.cursor()?,
            limit: PAGE_ROWS,
        };
        Ok(Feed {
            until,
            calendars: calendar::calendars(conn, asked.value("venue"), from, until, now)?,
            reports: view::reports(conn, &filter)?,
            open: ageing::open(conn, until, known_at)?,
            refs: Refs::load(conn)?,
        })
    })?;
    let context = context(asked, &feed.refs);
    Ok(Page { context, doc: feed.doc(asked)?, extras: Extras::default() })
}

const fn wants_attention(state: DayState) -> bool {
    matches!(state, DayState::Missing | DayState::Quarantined | DayState::Stale)
}

fn context(asked: &Asked<'_>, refs: &Refs) -> PageContext {
    let all = |label: &str| Choice { value: String::new(), label: label.to_owned() };
    let choice = |value: &str, label: &str| Choice { value: value.to_owned(), label: label.to_owned() };
    let venues = refs.venues.values().map(|venue| choice(&venue.code, &venue.code));
    let states = [ACCEPTED, QUARANTINED, SUPERSEDED, REJECTED].map(|slug| choice(slug, word(slug)));
    let venues = FieldKind::Select { choices: std::iter::once(all("All")).chain(venues).collect() };
    let states = FieldKind::Select { choices: std::iter::once(all("Any")).chain(states).collect() };
    reports::context(asked, Section::Contributions)
        .with_field(Field::new("venue", "Venue", venues))
        .with_field(Field::new("state", "State", states))
        .with_field(Field::new("from", "From", FieldKind::Date))
        .with_field(Field::new("to", "To", FieldKind::Date))
}

const fn tone_of(state: DayState) -> Tone {
    match state {
        DayState::NotDue => Tone::Neutral,
        DayState::Accepted => Tone::Good,
        DayState::Late | DayState::Stale | DayState::Quarantined => Tone::Warn,
        DayState::Missing => Tone::Bad,
    }
}

impl Feed {
    fn doc(&self, asked: &Asked<'_>) -> Result<Doc, StoreError> {
        let days: Vec<CalendarDay> = self.calendars.iter().flat_map(|venue| venue.days.iter().copied()).collect();
        let open = sum(self.open.iter().map(|asset| asset.value))?;
        let mut charts = Vec::new();
        if !days.is_empty() {
            charts.push(self.strip(&days));
        }
        charts.extend(self.ages(asked.currency)?);
        let filters = ["venue", "state", "from"].into_iter();
        let filters = filters.filter_map(|name| Some((label(name).to_owned(), asked.value(name)?.to_owned())));
        Ok(Doc {
            name: "contributions".to_owned(),
            title: "Contributions".to_owned(),
            finding: Some(self.finding()),
            basis: Basis { as_of: Some(self.until), known_at: asked.known_at()?, prices: None, filters: filters.collect() },
            figures: figures(&days, open),
            charts,
            tables: vec![self.open_table(asked.currency)?, self.list()],
            notes: vec![
                "A day is missing when its report was due and nothing usable came; due is by the policy in force on that day."
                    .to_owned(),
                "What is accrued and not settled is aged by business date; settlements use up the oldest dates first.".to_owned(),
            ],
        })
    }

    fn finding(&self) -> String {
        if self.refs.venues.is_empty() {
            return "No venue is registered yet, so nothing is due. Add one with `safu venues add`.".to_owned();
        }
        let venues = self.calendars.iter();
        let mut bad =
            venues.flat_map(|venue| venue.days.iter().filter(|day| wants_attention(day.state)).map(move |day| (venue, day)));
        let Some((venue, day)) = bad.next() else { return "Every day that is due is covered.".to_owned() };
        match bad.count() {
            0 => format!("One day wants attention: {} of {} is {}.", day.date, venue.venue, day.state.title().to_lowercase()),
            more => format!("{} days want attention.", more.saturating_add(1)),
        }
    }

    /// The heat strip: one calendar a venue, each day a link to its report or to what is there of that day.
    fn strip(&self, days: &[CalendarDay]) -> Chart {
        let cell = |venue: &VenueCalendar, day: &CalendarDay| HeatCell {
            day: day.date,
            state: day.state.title().to_owned(),
            tone: tone_of(day.state),
            weight: if day.state == DayState::NotDue { Decimal::new(1, 1) } else { Decimal::new(7, 1) },
            link: Some(match venue.reports.get(&day.date) {
                Some(report) => link::fee_report(*report),
                None => format!("{}?venue={}&from={}&to={}", Section::Contributions.path(), venue.venue, day.date, day.date),
            }),
        };
        let rows = self.calendars.iter();
        let rows = rows.map(|venue| (venue.venue.clone(), venue.days.iter().map(|day| cell(venue, day)).collect()));
        let counts = count_states(days).into_iter().filter(|(_, many)| *many > 0);
        let words: Vec<String> = counts.map(|(state, many)| format!("{many} {}", state.title().to_lowercase())).collect();
        Chart {
            id: "calendar".to_owned(),
            title: "Reports by business date".to_owned(),
            finding: format!("Of {} days: {}.", days.len(), words.join(", ")),
            kind: ChartKind::Heat { rows: rows.collect() },
        }
    }

    fn ages(&self, currency: &str) -> Result<Option<Chart>, StoreError> {
        let mut parts = Vec::new();
        let assets: Vec<&AssetAgeing> = self.open.iter().filter(|asset| !asset.value.is_zero()).collect();
        for bucket in Bucket::ALL {
            let mut values = Vec::new();
            for asset in &assets {
                values.push(crate::report::fund::decimal(in_bucket(asset, bucket)?));
            }
            if values.iter().any(|value| !value.is_zero()) {
                parts.push((bucket.title().to_owned(), values));
            }
        }
        let old = parts.iter().find(|(title, _)| title == Bucket::Older.title());
        let finding = match old {
            Some(_) => "Part of it has been open for more than 90 days.",
            None => "Nothing has been open for more than 90 days.",
        };
        let receivable = |asset: &&AssetAgeing| {
            let code = self.refs.code(asset.asset);
            (code.to_owned(), Some(link::account(no::CONTRIBUTIONS_RECEIVABLE, Some(code))))
        };
        Ok((!parts.is_empty()).then(|| Chart {
            id: "ageing".to_owned(),
            title: "Accrued and not settled, by age".to_owned(),
            finding: finding.to_owned(),
            kind: ChartKind::Stacked { categories: assets.iter().map(receivable).collect(), parts, unit: currency.to_owned() },
        }))
    }

    fn list(&self) -> Table {
        let mut list = fee_report::list("reports", "Fee reports, the latest received first", &self.reports.items);
        list.next = self.reports.next.map(|id| id.to_string());
        list
    }

    fn open_table(&self, currency: &str) -> Result<Table, StoreError> {
        let mut rows = Vec::new();
        for asset in self.open.iter().filter(|asset| !(asset.value.is_zero() && asset.quantity.is_zero())) {
            let code = self.refs.code(asset.asset);
            let to = link::account(no::CONTRIBUTIONS_RECEIVABLE, Some(code));
            let mut cells = vec![Cell::text(code), Cell::units(asset.quantity, self.refs.scale(asset.asset)).to(&to)];
            for bucket in Bucket::ALL {
                cells.push(Cell::value(in_bucket(asset, bucket)?).to(&to));
            }
            cells.push(Cell::value(asset.value).to(&to));
            let on = |day| link::account_on(no::CONTRIBUTIONS_RECEIVABLE, code, day);
            cells.push(asset.items.first().map_or_else(Cell::empty, |item| Cell::date(item.date).to(on(item.date))));
            rows.push(Row::body(cells));
        }
        if !rows.is_empty() {
            let to = link::account(no::CONTRIBUTIONS_RECEIVABLE, None);
            let mut cells = vec![Cell::text("Total"), Cell::empty()];
            for bucket in Bucket::ALL {
                let all = self.open.iter().map(|asset| in_bucket(asset, bucket)).collect::<Result<Vec<_>, _>>()?;
                cells.push(Cell::value(sum(all)?).to(&to));
            }
            cells.push(Cell::value(sum(self.open.iter().map(|asset| asset.value))?).to(&to));
            cells.push(Cell::empty());
            rows.push(Row::of(RowKind::Total, cells));
        }
        let mut columns = vec![Column::text("asset", "Asset"), Column::number("units", "Units open")];
        columns.extend(Bucket::ALL.map(|bucket| Column::number(bucket.slug(), bucket.title())));
        columns.push(Column::number("value", &format!("Value ({currency})")));
        columns.push(Column::text("oldest", "Oldest"));
        let empty = "Nothing is accrued and not settled.";
        Ok(Table::new("ageing", "Accrued and not settled, by age", columns, rows, empty))
    }
}

fn label(name: &str) -> &'static str {
    match name {
        "venue" => "Venue",
        "state" => "State",
        _ => "From",
    }
}

fn sum(values: impl IntoIterator<Item = Value>) -> Result<Value, StoreError> {
    Value::checked_sum(values).ok_or_else(|| StoreError::Damaged("a sum of the receivable does not fit".to_owned()))
}

fn in_bucket(asset: &AssetAgeing, bucket: Bucket) -> Result<Value, StoreError> {
    sum(asset.items.iter().filter(|item| item.bucket == bucket).map(|item| item.value))
}

fn figures(days: &[CalendarDay], open: Value) -> Vec<Figure> {
    let of = |wanted: &[DayState]| days.iter().filter(|day| wanted.contains(&day.state)).count();
    let covered = of(&[DayState::Accepted, DayState::Late, DayState::Stale]);
    let due = days.len().saturating_sub(of(&[DayState::NotDue]));
    let judged = |many: usize, tone: Tone, word: &str, good: &str| match many {
        0 => Some((good.to_owned(), Tone::Good)),
        _ => Some((word.to_owned(), tone)),
    };
    let (missing, waiting) = (of(&[DayState::Missing]), of(&[DayState::Quarantined, DayState::Stale]));
    let figure = |key: &str, label: &str, cell: Cell, state: Option<(String, Tone)>, hint: String| {
        Figure::new(key, label, cell).state(state).hint(&hint)
    };
    let late = match of(&[DayState::Late]) {
        0 => "none".to_owned(),
        many => many.to_string(),
    };
    let due_words = format::show(&Content::Count(i64::try_from(due).unwrap_or(i64::MAX)), format::Style::default()).plain();
    let receivable = link::account(no::CONTRIBUTIONS_RECEIVABLE, None);
    vec![
        figure(
            "covered",
            "Days covered",
            Cell::count(covered).to("#calendar"),
            None,
            format!("of {due_words} due, {late} of them late"),
        ),
        figure(
            "missing",
            "Days missing",
            Cell::count(missing).to("#calendar"),
            judged(missing, Tone::Bad, "due and not here", "none"),
            String::new(),
        ),
        figure(
            "waiting",
            "Days waiting",
            Cell::count(waiting).to(format!("{}?state={QUARANTINED}#reports", Section::Contributions.path())),
            judged(waiting, Tone::Warn, "in quarantine", "none"),
            String::new(),
        ),
        figure("open", "Accrued, not settled", Cell::value(open).to(receivable), None, "on the receivable 1210".to_owned()),
    ]
}
