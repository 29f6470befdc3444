//! Wallets, observations, breaks and months as documents: pages show them, the API answers with them, the command line prints them.

use super::breaks::{BreakNow, now as break_now, standing};
use super::history::{BreakStep, Seen, breaks, latest};
use super::statement::{Line, Standing, statement};
use super::{OBSERVED, Pair, SIGNED, SignedOff, signed_off};
use crate::domain::account::AccountNo;
use crate::domain::amount::Quantity;
use crate::domain::ids::EntryNo;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::period::Period;
use crate::report::doc::{Cell, Column, Doc, Figure, Row, Table, Tone};
use crate::report::{format, link};
use crate::service::refs::Refs;
use crate::service::registry::wallet_terms;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::{fact, holding};
use jiff::{Timestamp, civil::Date};

fn text(key: &str, title: &str) -> Column {
    Column::text(key, title)
}

fn number(key: &str, title: &str) -> Column {
    Column::number(key, title)
}

fn units(pair: &Pair, quantity: Quantity, to: String) -> Cell {
    Cell::units(quantity, pair.scale).to(to)
}

/// The entries behind what the book has of a pair.
fn book_link(refs: &Refs, pair: &Pair) -> String {
    let account = refs.wallets.get(&pair.wallet).map_or(0, |wallet| wallet.account_no);
    link::account(AccountNo(account), Some(&pair.asset_code))
}

fn seen_link(pair: &Pair) -> String {
    link::balances(&pair.subject())
}

/// The registry: every wallet with what it is for, and what it holds by the book and by the last observation.
///
/// # Errors
/// The database's failure.
pub fn wallets(conn: &mut Conn) -> Result<Doc, StoreError> {
    let (refs, terms) = (Refs::load(conn)?, wallet_terms(conn)?);
    let held = holding::held_on(conn, &Date::MAX.to_string())?;
    let mut pairs: std::collections::BTreeSet<Pair> = std::collections::BTreeSet::new();
    for ((wallet, asset), units) in &held {
        if !units.is_zero() {
            pairs.insert(Pair::of(&refs, *wallet, *asset)?);
        }
    }
    for subject in fact::subjects(conn, OBSERVED)? {
        pairs.insert(Pair::of_subject(&refs, &subject)?);
    }
    let mut rows = Vec::new();
    for (id, wallet) in &refs.wallets {
        let own = terms.get(&wallet.code);
        let of = |name: fn(&crate::service::registry::WalletTerms) -> &String| own.map(name).filter(|text| !text.is_empty());
        let account = AccountNo(wallet.account_no);
        let purpose = of(|terms| &terms.purpose).cloned();
        let purpose = purpose.or_else(|| refs.accounts.get(&account).map(|account| account.name.clone())).unwrap_or_default();
        let network = of(|terms| &terms.network).map_or_else(|| Cell::blank("not said"), Cell::text);
        let head = |asset: Cell| {
            vec![Cell::text(&wallet.code), asset, Cell::text(&purpose), network.clone(), Cell::code(&wallet.address)]
        };
        let mut empty = true;
        for pair in pairs.iter().filter(|pair| pair.wallet == *id) {
            empty = false;
            let mut cells = head(Cell::text(&pair.asset_code));
            cells.extend(registry_line(conn, &refs, pair)?);
            rows.push(Row::body(cells));
        }
        if empty {
            let mut cells = head(Cell::blank("holds nothing"));
            cells.extend([Cell::blank("never"), Cell::empty(), Cell::empty(), Cell::empty()]);
            rows.push(Row::body(cells));
        }
    }
    let columns = vec![
        text("wallet", "Wallet"),
        text("asset", "Asset"),
        text("purpose", "Purpose"),
        text("network", "Network"),
        text("address", "Address"),
        text("observed_at", "Last observed"),
        number("book", "Book units then"),
        number("observed", "Observed units"),
        number("difference", "Difference"),
    ];
    let empty = "There is no wallet yet. Entries need one to put units into; add the first with `safu wallets add`.";
    Ok(Doc {
        name: "wallets".to_owned(),
        title: "Wallets".to_owned(),
        finding: Some("Where the fund's units lie, by the book and by what was observed last.".to_owned()),
        tables: vec![Table::new("wallets", "Wallets and their assets", columns, rows, empty)],
        notes: vec!["Book units are those of the end of the day that the observation speaks of.".to_owned()],
        ..Doc::default()
    })
}

/// Last observed, book, observed, difference.
fn registry_line(conn: &mut Conn, refs: &Refs, pair: &Pair) -> Result<Vec<Cell>, StoreError> {
    let day = |seen: &Seen| seen.day().to_string();
    let seen = latest(conn, pair, Date::MAX)?;
    let until = seen.as_ref().map_or_else(|| Date::MAX.to_string(), day);
    let moved = holding::moved_by_day(conn, pair.wallet, pair.asset)?;
    let book = Quantity::checked_sum(moved.range(..=until).map(|(_, units)| *units)).ok_or_else(super::too_large)?;
    let book_cell = units(pair, book, book_link(refs, pair));
    let Some(seen) = seen else {
        return Ok(vec![Cell::blank("never"), book_cell, Cell::blank("not observed"), Cell::blank("not observed")]);
    };
    let difference = seen.quantity.checked_sub(book).ok_or_else(super::too_large)?;
    Ok(vec![
        Cell::time(seen.at()),
        book_cell,
        units(pair, seen.quantity, seen_link(pair)),
        units(pair, difference, seen_link(pair)),
    ])
}

/// Observations, all or of one pair (`BTC@cold`), latest first.
///
/// # Errors
/// `NotFound` for a pair that there is not, or the database's failure.
pub fn balances(conn: &mut Conn, of: Option<&str>, limit: usize) -> Result<Doc, StoreError> {
    let refs = Refs::load(conn)?;
    let subjects = match of {
        Some(of) => {
            let missing = || Rejection::new(OutcomeCode::NotFound, "/of", of, "was never observed; write it as BTC@cold");
            let known = fact::subjects(conn, OBSERVED)?.into_iter().find(|subject| subject == of);
            vec![known.ok_or_else(missing)?]
        }
        None => fact::subjects(conn, OBSERVED)?,
    };
    let mut seen = Vec::new();
    for subject in subjects {
        let pair = Pair::of_subject(&refs, &subject)?;
        for row in fact::last_days(conn, OBSERVED, &subject, i64::try_from(limit).unwrap_or(i64::MAX))? {
            seen.push((pair.clone(), Seen::of_row(&pair, &row)?));
        }
    }
    seen.sort_by_key(|(_, seen)| std::cmp::Reverse(seen.at()));
    seen.truncate(limit);
    let row = |(pair, seen): &(Pair, Seen)| {
        let month = link::reconciliation(&Period::of(seen.day()).to_string());
        let said = &seen.observation;
        Row::body(vec![
            Cell::time(seen.at()),
            Cell::text(&pair.wallet_code).to(seen_link(pair)),
            Cell::text(&pair.asset_code),
            units(pair, seen.quantity, month),
            said.block_height.map_or_else(|| Cell::blank("none"), |height| Cell::code(height.to_string())),
            Cell::text(&said.source),
            Cell::text(format!("{}, row {}", said.file, said.row)),
            Cell::code(&said.sha256),
        ])
    };
    let columns = vec![
        text("observed_at", "Observed"),
        text("wallet", "Wallet"),
        text("asset", "Asset"),
        number("quantity", "Units"),
        text("block_height", "Block"),
        text("source", "Source"),
        text("file", "File"),
        text("sha256", "SHA-256 of the file"),
    ];
    let empty = "Nothing was observed yet. Without it nobody knows whether the wallets hold what the book has; import a file with \
                 `safu balances import`.";
    let title = of.map_or_else(|| "Observed balances".to_owned(), |of| format!("Observed balances of {of}"));
    let caption = format!("The latest {limit} at most, the latest first");
    let table = Table::new("balances", &caption, columns, seen.iter().map(row).collect(), empty);
    Ok(Doc { name: "balances".to_owned(), title, tables: vec![table], ..Doc::default() })
}

fn break_state(now: &BreakNow) -> Cell {
    match (&now.reason, now.ended) {
        (_, true) => Cell::state("ended", Tone::Good),
        (Some(reason), _) => Cell::state(reason.explanation.title().to_lowercase(), Tone::Warn),
        (None, _) => Cell::state("no reason", Tone::Bad),
    }
}

fn age(since: Timestamp, now: Timestamp) -> Cell {
    Cell::text(format::span(now.duration_since(since)))
}

fn break_columns() -> Vec<Column> {
    vec![
        text("break", "Break"),
        text("wallet", "Wallet"),
        text("asset", "Asset"),
        number("difference", "Observed less book"),
        text("state", "State"),
        text("reason", "Reason"),
        text("owner", "Owner"),
        text("age", "Age"),
        text("incident", "Incident"),
    ]
}

fn break_row(one: &BreakNow, now: Timestamp) -> Row {
    let to = link::reconciliation_break(one.one.number);
    let incident = one.one.incident().map(|(code, _)| code);
    Row::body(vec![
        Cell::text(one.one.number.to_string()).to(&to),
        Cell::text(&one.pair.wallet_code),
        Cell::text(&one.pair.asset_code),
        units(&one.pair, one.difference, to),
        break_state(one),
        one.reason.as_ref().map_or_else(Cell::empty, |reason| Cell::text(&reason.text)),
        one.one.owner().map_or_else(|| Cell::blank("nobody"), Cell::text),
        age(one.one.opened.observed_at, now),
        incident.map_or_else(Cell::empty, |code| Cell::text(code).to(link::incident(code))),
    ])
}

fn break_table(standing: &[BreakNow], now: Timestamp) -> Table {
    let rows = standing.iter().map(|one| break_row(one, now)).collect();
    let empty = "No break stands: whatever was observed last is what the book has.";
    Table::new("breaks", "Breaks that stand", break_columns(), rows, empty)
}

/// The breaks that stand.
///
/// # Errors
/// The database's failure.
pub fn standing_breaks(conn: &mut Conn, now: Timestamp) -> Result<Doc, StoreError> {
    let found = standing(conn)?;
    Ok(Doc { name: "breaks".to_owned(), title: "Breaks".to_owned(), tables: vec![break_table(&found, now)], ..Doc::default() })
}

/// Where one break stands.
///
/// # Errors
/// `NotFound`, or the database's failure.
pub fn find_break(conn: &mut Conn, number: i64) -> Result<BreakNow, StoreError> {
    let (refs, all) = (Refs::load(conn)?, breaks(conn)?);
    let missing = || Rejection::new(OutcomeCode::NotFound, "/break", number, "is not a break of this book");
    let one = all.iter().find(|one| one.number == number).ok_or_else(missing)?;
    break_now(conn, &refs, &all, one)
}

/// One break with all that happened to it.
///
/// # Errors
/// `NotFound`, or the database's failure.
pub fn one_break(conn: &mut Conn, number: i64, now: Timestamp) -> Result<Doc, StoreError> {
    let refs = Refs::load(conn)?;
    let found = find_break(conn, number)?;
    let opened = &found.one.opened;
    let pair = &found.pair;
    let figure = |key: &str, label: &str, cell: Cell| plain_figure(key, label, cell);
    let last = found.seen.quantity;
    let book = last.checked_sub(found.difference).ok_or_else(super::too_large)?;
    let rows = std::iter::once(Row::body(vec![
        Cell::text("opened"),
        Cell::text(format!("observed {}, book {}", opened.observed, opened.book)),
        Cell::text(&opened.difference),
        Cell::text(&opened.by),
    ]))
    .chain(found.one.steps.iter().map(|(_, step)| step_row(step)))
    .collect();
    let columns =
        vec![text("step", "What"), text("about", "About"), text("difference", "Difference then"), text("by", "Recorded by")];
    Ok(Doc {
        name: format!("break-{number}"),
        title: format!("Break {number}: {} at {}", pair.asset_code, pair.wallet_code),
        finding: Some(finding(&found)),
        figures: vec![
            figure("state", "State", break_state(&found)),
            figure("book", "Book units", Cell::units_of(book, pair.scale, &pair.asset_code).to(book_link(&refs, pair))),
            figure("observed", "Observed units", Cell::units_of(last, pair.scale, &pair.asset_code).to(seen_link(pair))),
            figure(
                "difference",
                "Observed less book",
                Cell::units_of(found.difference, pair.scale, &pair.asset_code).to(seen_link(pair)),
            ),
            figure("owner", "Owner", found.one.owner().map_or_else(|| Cell::blank("nobody yet"), Cell::text)),
            figure("age", "Age", age(opened.observed_at, now)),
        ],
        tables: vec![Table::new("steps", "What happened so far", columns, rows, "Nothing yet.")],
        notes: vec![format!(
            "Compared at {} ({}), with the book of {}.",
            format::instant(found.seen.at()),
            found.seen.observation.source,
            found.seen.day()
        )],
        ..Doc::default()
    })
}

fn finding(found: &BreakNow) -> String {
    if found.ended {
        return "It has ended: what was observed is what the book has, or a later break took its place.".to_owned();
    }
    let more = if found.difference.minor() < 0 { "less" } else { "more" };
    let units = found.pair.text(Quantity(found.difference.minor().saturating_abs()));
    let reason = match &found.reason {
        Some(reason) => format!("{}: {}", reason.explanation.title(), reason.text),
        None => "nobody has said why".to_owned(),
    };
    format!("The wallet holds {units} {} {more} than the book has; {reason}.", found.pair.asset_code)
}

fn step_row(step: &BreakStep) -> Row {
    let (what, about, difference, by) = match step {
        BreakStep::Incident { incident, difference, by } => {
            ("incident drafted", Cell::text(incident).to(link::incident(incident)), difference.as_str(), by)
        }
        BreakStep::Assign { owner, note, by } => {
            let note = if note.is_empty() { String::new() } else { format!(": {note}") };
            ("assigned", Cell::text(format!("to {owner}{note}")), "", by)
        }
        BreakStep::Explain { explanation, reason, entries, difference, by, .. } => {
            let shown: Vec<String> = entries.iter().map(ToString::to_string).collect();
            let named = if shown.is_empty() { String::new() } else { format!(" (entries {})", shown.join(", ")) };
            let cell = Cell::text(format!("{reason}{named}"));
            let cell = entries.first().map_or_else(|| cell.clone(), |no| cell.clone().to(link::entry(EntryNo(*no))));
            (explanation.slug(), cell, difference.as_str(), by)
        }
    };
    Row::body(vec![Cell::text(what), about, Cell::text(difference), Cell::text(by)])
}

fn plain_figure(key: &str, label: &str, cell: Cell) -> Figure {
    Figure { key: key.to_owned(), label: label.to_owned(), cell, state: None, formula: None, parts: None, hint: None }
}

/// A month: wallets by assets with book, observed and difference, the breaks that stand, and its sign-offs.
///
/// # Errors
/// The database's failure.
pub fn month(conn: &mut Conn, period: Period, now: Timestamp) -> Result<Doc, StoreError> {
    let (refs, statement) = (Refs::load(conn)?, statement(conn, period)?);
    let signed = signed_off(conn, period)?;
    let open = statement.lines.iter().filter(|line| line.is_open()).count();
    let explained = statement.lines.iter().filter(|line| matches!(line.standing, Standing::Explained(_))).count();
    let rows = statement.lines.iter().map(|line| line_row(&refs, &statement.breaks, line, now)).collect();
    let columns = vec![
        text("wallet", "Wallet"),
        text("asset", "Asset"),
        text("observed_at", "Observed"),
        number("book", "Book"),
        number("observed", "Observed"),
        number("difference", "Difference"),
        text("state", "State"),
        text("break", "Break"),
        text("age", "Age"),
        text("mend", "To do"),
    ];
    let empty = "No wallet held anything in this month, so there is nothing to reconcile.";
    let to = |anchor: &str| format!("{}#{anchor}", link::reconciliation(&period.to_string()));
    let figures = vec![
        plain_figure("state", "Sign-off", sign_off_cell(signed.as_ref())),
        plain_figure("lines", "Wallets and assets", Cell::count(statement.lines.len()).to(to("lines"))),
        plain_figure("open", "To be cleared up", Cell::count(open).to(to("lines"))),
        plain_figure("explained", "Differences with a reason", Cell::count(explained).to(to("lines"))),
    ];
    Ok(Doc {
        name: "reconciliation".to_owned(),
        title: format!("Reconciliation of {period}"),
        finding: Some(month_finding(statement.lines.len(), open, explained, signed.as_ref())),
        figures,
        tables: vec![
            Table::new("lines", "Book and observed, at the last observation of the month", columns, rows, empty),
            break_table(&standing(conn)?, now),
            sign_offs(conn, period)?,
        ],
        notes: vec![
            format!("Hash of this statement: {}. A sign-off names it.", statement.hash()),
            "An observation is compared with the book at the end of its UTC day; one made at midnight closes the day before."
                .to_owned(),
        ],
        ..Doc::default()
    })
}

fn month_finding(lines: usize, open: usize, explained: usize, signed: Option<&SignedOff>) -> String {
    let state = match (open, explained) {
        (0, 0) if lines == 0 => "No wallet held anything".to_owned(),
        (0, 0) => "Every wallet holds what the book has".to_owned(),
        (0, some) => format!("Every difference has a reason ({some} of them)"),
        (some, _) => format!("{some} to be cleared up before it can be signed off"),
    };
    let signed = match signed {
        Some(signed) if signed.is_current => ", and it is signed off.",
        Some(_) => "; it changed since it was signed off.",
        None => "; it is not signed off yet.",
    };
    format!("{state}{signed}")
}

fn sign_off_cell(signed: Option<&SignedOff>) -> Cell {
    match signed {
        Some(signed) if signed.is_current => Cell::state("signed off", Tone::Good),
        Some(_) => Cell::state("changed since", Tone::Bad),
        None => Cell::state("not signed off", Tone::Warn),
    }
}

fn line_row(refs: &Refs, breaks: &[super::history::Break], line: &Line, now: Timestamp) -> Row {
    let pair = &line.pair;
    let to_break = line.number.map(link::reconciliation_break);
    let since = line.number.and_then(|number| breaks.iter().find(|one| one.number == number));
    let state = match &line.standing {
        Standing::Unobserved => Cell::state("not observed", Tone::Bad),
        Standing::MovedSince => Cell::state("moved since", Tone::Bad),
        Standing::Matched => Cell::state("matches", Tone::Good),
        Standing::Open => Cell::state("no reason", Tone::Bad),
        Standing::Explained(reason) => Cell::state(reason.explanation.title().to_lowercase(), Tone::Warn),
    };
    let none = || Cell::blank("not observed");
    let to = to_break.clone().unwrap_or_else(|| seen_link(pair));
    Row::body(vec![
        Cell::text(&pair.wallet_code),
        Cell::text(&pair.asset_code),
        line.seen.as_ref().map_or_else(none, |seen| Cell::time(seen.at())),
        units(pair, line.book, book_link(refs, pair)),
        line.seen.as_ref().map_or_else(none, |seen| units(pair, seen.quantity, seen_link(pair))),
        line.difference.map_or_else(none, |difference| units(pair, difference, to)),
        state,
        match (line.number, to_break) {
            (Some(number), Some(to)) => Cell::text(number.to_string()).to(to),
            _ => Cell::empty(),
        },
        since.map_or_else(Cell::empty, |one| age(one.opened.observed_at, now)),
        Cell::text(line.mend()),
    ])
}

fn sign_offs(conn: &mut Conn, period: Period) -> Result<Table, StoreError> {
    let mut rows = Vec::new();
    for row in fact::of_subject(conn, SIGNED, &period.to_string())?.iter().rev() {
        let signed: super::sign_off::Signed = row.parse()?;
        rows.push(Row::body(vec![
            Cell::time(signed.at),
            Cell::text(signed.prepared_by.iter().cloned().collect::<Vec<_>>().join(", ")),
            Cell::text(&signed.by),
            Cell::text(&signed.note),
            Cell::code(&signed.statement),
        ]));
    }
    let columns = vec![
        text("at", "Signed off"),
        text("prepared_by", "Prepared by"),
        text("by", "Last voice"),
        text("note", "Remark"),
        text("statement", "Statement"),
    ];
    Ok(Table::new("sign-offs", "Sign-offs", columns, rows, "Nobody has signed this month off yet."))
}

/// The months that are signed off last, and how many breaks stand without a reason: for the first page.
///
/// # Errors
/// The database's failure.
pub fn headline(conn: &mut Conn) -> Result<Vec<Figure>, StoreError> {
    if fact::subjects(conn, OBSERVED)?.is_empty() {
        return Ok(Vec::new());
    }
    let last = fact::subjects(conn, SIGNED)?.into_iter().next_back();
    let found = standing(conn)?;
    let open = found.iter().filter(|one| one.reason.is_none()).count();
    let signed = match last.as_deref().and_then(Period::parse) {
        Some(period) => Cell::text(period.to_string()).to(link::reconciliation(&period.to_string())),
        None => Cell::blank("none is signed off yet"),
    };
    let state = if open == 0 { ("all have a reason", Tone::Good) } else { ("need a reason", Tone::Bad) };
    let breaks = plain_figure("breaks", "Breaks that stand", Cell::count(found.len()).to("/reconciliation#breaks"));
    let state = (!found.is_empty()).then(|| {
        let word = if open == 0 { state.0.to_owned() } else { format!("{open} {}", state.0) };
        (word, state.1)
    });
    Ok(vec![plain_figure("reconciled", "Reconciled up to", signed), Figure { state, ..breaks }])
}
