//! Two states of one report side by side: before, after, difference. It knows no report; what it compares is the [`Doc`], so
//! every report has it.
//!
//! Rows are the same row where their words are the same, or, failing that, where the first of them is and no other row has it.
//! Figures are subtracted exactly; an amount that is on one side only is a difference of the whole of it.

use super::doc::{Basis, Cell, Column, Content, Doc, Figure, Row, RowKind, Table, Tone};
use super::render::display;
use super::{format, link};
use crate::domain::amount::{Quantity, Value};
use crate::domain::outcome::Rejection;
use std::collections::{BTreeMap, BTreeSet};

/// The report `after` with what it was `before` beside every figure.
///
/// # Errors
/// `InvalidField` for lists that go on over pages: what is on one page of each says nothing of the rest.
pub fn compare(before: &Doc, after: &Doc) -> Result<Doc, Rejection> {
    let (was, is) = (words(&before.basis), words(&after.basis));
    if let Some(table) = before.tables.iter().chain(&after.tables).find(|table| table.next.is_some()) {
        let detail = format!("{:?} goes on over pages; filter it, or give a limit that holds all of it", table.caption);
        return Err(Rejection::invalid("/compare_as_of", was, detail));
    }
    let ids = merge(&ids(before), &ids(after));
    let (mut tables, mut all, mut changed) = (Vec::new(), 0_usize, 0_usize);
    for (b, a) in ids {
        let pair = (b.and_then(|at| before.tables.get(at)), a.and_then(|at| after.tables.get(at)));
        let compared = Compared { was: &before.basis, pair }.table();
        all = all.saturating_add(compared.rows);
        changed = changed.saturating_add(compared.changed);
        tables.push(compared.table);
    }
    if !after.figures.is_empty() || !before.figures.is_empty() {
        tables.push(figures(before, after));
    }
    let mut basis = after.basis.clone();
    basis.filters.push(("Compared with".to_owned(), was.clone()));
    let mut notes = after.notes.clone();
    notes.extend(before.notes.iter().filter(|note| !after.notes.contains(note)).cloned());
    notes.push(format!("Before is {was}; after is {is}. Charts show one state only and are left out."));
    Ok(Doc {
        name: after.name.clone(),
        title: format!("{}: before and after", after.title),
        finding: Some(format!(
            "{} of {} differ between {was} and {is}.",
            format::count(count(changed)),
            format::how_many(count(all), "row", "rows")
        )),
        basis,
        tables,
        notes,
        ..Doc::default()
    })
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn ids(doc: &Doc) -> Vec<String> {
    doc.tables.iter().map(|table| table.id.clone()).collect()
}

/// A basis in words.
fn words(basis: &Basis) -> String {
    let day = basis.as_of.map_or_else(|| "the whole book".to_owned(), |day| day.to_string());
    basis.known_at.map_or_else(|| day.clone(), |at| format!("{day} as known at {}", format::instant(at)))
}

/// Pairs the places of equal keys, in the order of `after`; what only `before` has stands behind what it stood behind there.
fn merge(before: &[String], after: &[String]) -> Vec<(Option<usize>, Option<usize>)> {
    let places: BTreeMap<&str, usize> = after.iter().enumerate().map(|(at, key)| (key.as_str(), at)).collect();
    let mut partner = vec![None; after.len()];
    let mut alone: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    let mut anchor = None;
    for (b, key) in before.iter().enumerate() {
        match places.get(key.as_str()) {
            Some(a) => {
                if let Some(slot) = partner.get_mut(*a) {
                    *slot = Some(b);
                }
                anchor = Some(*a);
            }
            None => alone.entry(anchor).or_default().push(b),
        }
    }
    let gone = |at: Option<usize>| alone.get(&at).into_iter().flatten().map(|b| (Some(*b), None)).collect::<Vec<_>>();
    let mut pairs = gone(None);
    for (a, b) in partner.into_iter().enumerate() {
        pairs.push((b, Some(a)));
        pairs.extend(gone(Some(a)));
    }
    pairs
}

/// The keys of the rows of both sides.
fn row_keys(before: Option<&Table>, after: Option<&Table>) -> (Vec<String>, Vec<String>) {
    let keys = |table: Option<&Table>| table.map_or_else(|| (Vec::new(), Vec::new()), whole_and_short);
    let ((mut was, was_short), (is, is_short)) = (keys(before), keys(after));
    // What has no partner by all its words has one by the first of them, if it is the only one on both sides.
    let left = |own: &[String], other: &[String], short: &[String]| {
        let other: BTreeSet<&String> = other.iter().collect();
        let mut found: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, (_, short)) in own.iter().zip(short).enumerate().filter(|(_, (key, _))| !other.contains(key)) {
            found.entry(short.clone()).or_default().push(at);
        }
        found
    };
    let (of_was, of_is) = (left(&was, &is, &was_short), left(&is, &was, &is_short));
    for (short, places) in of_was {
        if let ([b], Some([a])) = (places.as_slice(), of_is.get(&short).map(Vec::as_slice))
            && let (Some(slot), Some(key)) = (was.get_mut(*b), is.get(*a))
        {
            slot.clone_from(key);
        }
    }
    (was, is)
}

/// Of every row all its words and the first of them, each with the heading above it.
fn whole_and_short(table: &Table) -> (Vec<String>, Vec<String>) {
    let (mut heading, mut seen): (String, BTreeMap<String, usize>) = (String::new(), BTreeMap::new());
    let (mut whole, mut short) = (Vec::new(), Vec::new());
    for row in &table.rows {
        let first = row.cells.first().map(|cell| display::exact(&cell.content)).unwrap_or_default();
        if row.kind == RowKind::Group {
            heading.clone_from(&first);
        }
        let place = format!("{heading}\u{1f}{:?}", row.kind);
        let mut key = format!("{place}\u{1f}{first}");
        for (cell, _) in row.cells.iter().zip(&table.columns).skip(1).filter(|(_, column)| !column.numeric) {
            if let Content::Text(_) | Content::Code(_) | Content::Date(_) = cell.content {
                key.push('\u{1f}');
                key.push_str(&display::exact(&cell.content));
            }
        }
        let times = seen.entry(key.clone()).and_modify(|times| *times = times.saturating_add(1)).or_insert(0);
        whole.push(format!("{key}\u{1f}{times}"));
        short.push(format!("{place}\u{1f}{first}"));
    }
    (whole, short)
}

/// A compared table, how many rows it has and how many of them differ.
struct Done {
    table: Table,
    rows: usize,
    changed: usize,
}

/// How a column is shown.
enum Shown {
    /// Words that are the same on both sides.
    Once,
    /// Words that differ somewhere.
    Twice,
    /// Figures.
    Subtracted,
}

/// One table on both sides.
struct Compared<'a> {
    was: &'a Basis,
    pair: (Option<&'a Table>, Option<&'a Table>),
}

/// Places of one row or one column on both sides.
type Places = (Option<usize>, Option<usize>);

impl<'a> Compared<'a> {
    fn table(&self) -> Done {
        let (before, after) = self.pair;
        let (was, is) = row_keys(before, after);
        let rows = merge(&was, &is);
        let heads = |table: Option<&Table>| -> Vec<String> {
            table.map(|table| table.columns.iter().map(|column| column.key.clone()).collect()).unwrap_or_default()
        };
        let columns: Vec<(Places, Shown)> = merge(&heads(before), &heads(after))
            .into_iter()
            .enumerate()
            .map(|(at, places)| (places, self.shown(at, places, &rows)))
            .collect();
        let (mut all, mut changed, mut made) = (0_usize, 0_usize, Vec::new());
        for row in &rows {
            let (kind, cells, word) = self.row(*row, &columns);
            if kind != RowKind::Group {
                all = all.saturating_add(1);
                changed = changed.saturating_add(usize::from(word.is_some()));
            }
            made.push(Row::of(kind, cells));
        }
        let whole = after.or(before).cloned().unwrap_or_default();
        let table = Table { columns: self.columns(&columns), rows: made, next: None, ..whole };
        Done { table, rows: all, changed }
    }

    fn column(&self, (b, a): Places) -> Option<&'a Column> {
        let of = |table: Option<&'a Table>, at: Option<usize>| table?.columns.get(at?);
        of(self.pair.1, a).or_else(|| of(self.pair.0, b))
    }

    fn cell(&self, before: bool, row: Places, column: Places) -> Option<&'a Cell> {
        let (table, row, column) = if before { (self.pair.0, row.0, column.0) } else { (self.pair.1, row.1, column.1) };
        table?.rows.get(row?)?.cells.get(column?)
    }

    fn shown(&self, at: usize, column: Places, rows: &[Places]) -> Shown {
        if at > 0 && self.column(column).is_some_and(|column| column.numeric) {
            return Shown::Subtracted;
        }
        let differs = |row: &Places| {
            let both = self.cell(true, *row, column).zip(self.cell(false, *row, column));
            both.is_some_and(|(was, is)| was.content != is.content)
        };
        if at > 0 && rows.iter().any(differs) { Shown::Twice } else { Shown::Once }
    }

    fn columns(&self, columns: &[(Places, Shown)]) -> Vec<Column> {
        let mut out = Vec::new();
        for (places, shown) in columns {
            let Some(column) = self.column(*places) else { continue };
            let of = |part: &str| Column {
                key: format!("{}_{part}", column.key),
                title: if column.title.is_empty() { part.to_owned() } else { format!("{}, {part}", column.title) },
                numeric: column.numeric,
            };
            match shown {
                Shown::Once => out.push(column.clone()),
                Shown::Twice => out.extend([of("before"), of("after")]),
                Shown::Subtracted => out.extend([of("before"), of("after"), of("difference")]),
            }
        }
        out.push(Column::text("change", "Change"));
        out
    }

    fn row(&self, row: Places, columns: &[(Places, Shown)]) -> (RowKind, Vec<Cell>, Option<()>) {
        let of = |table: Option<&Table>, at: Option<usize>| table?.rows.get(at?).map(|row| row.kind);
        let kind = of(self.pair.1, row.1).or_else(|| of(self.pair.0, row.0)).unwrap_or_default();
        let there = (row.0.is_some(), row.1.is_some());
        let (mut cells, mut differs) = (Vec::new(), false);
        for (column, shown) in columns {
            let was = self.cell(true, row, *column).map(|cell| then(cell, self.was));
            let is = self.cell(false, row, *column).cloned();
            match shown {
                Shown::Once => cells.push(is.or(was).unwrap_or_else(Cell::empty)),
                Shown::Twice | Shown::Subtracted => {
                    differs |= was.as_ref().zip(is.as_ref()).is_some_and(|(was, is)| was.content != is.content);
                    let less = difference(was.as_ref(), is.as_ref());
                    cells.extend([was.unwrap_or_else(Cell::empty), is.unwrap_or_else(Cell::empty)]);
                    if matches!(shown, Shown::Subtracted) {
                        cells.push(less);
                    }
                }
            }
        }
        if kind == RowKind::Group {
            cells.truncate(1);
            return (kind, cells, None);
        }
        let word = match there {
            (true, false) => Some(("gone", Tone::Warn)),
            (false, true) => Some(("new", Tone::Warn)),
            _ => differs.then_some(("changed", Tone::Neutral)),
        };
        cells.push(word.map_or_else(Cell::empty, |(word, tone)| Cell::state(word, tone)));
        (kind, cells, word.map(|_| ()))
    }
}

/// A cell of the state before: its link leads to that state.
fn then(cell: &Cell, basis: &Basis) -> Cell {
    let link = cell.link.as_deref().map(|href| link::on_basis(href, basis.as_of, basis.known_at));
    Cell { content: cell.content.clone(), link }
}

/// After less before; an amount on one side only counts whole.
fn difference(was: Option<&Cell>, is: Option<&Cell>) -> Cell {
    // The empty side of a debit and a credit is nothing, like a row that is not there.
    let amount = |cell: Option<&Cell>| {
        let content = cell.map(|cell| cell.content.clone());
        content.filter(|content| !matches!(content, Content::Text(text) if text.is_empty()))
    };
    let link = || is.or(was).and_then(|cell| cell.link.clone());
    let found = match (amount(was), amount(is)) {
        (None, None) => return Cell::empty(),
        (Some(was), Some(is)) => less(&is, &was),
        (None, Some(is)) => whole(&is, false),
        (Some(was), None) => whole(&was, true),
    };
    found.map_or_else(|| Cell::blank("n/a: not two amounts of one kind"), |content| Cell { content, link: link() })
}

fn less(is: &Content, was: &Content) -> Option<Content> {
    match (is, was) {
        (Content::Units { quantity, scale, asset }, Content::Units { quantity: other, scale: same, asset: of })
            if scale == same && asset == of =>
        {
            Some(Content::Units { quantity: quantity.checked_sub(*other)?, scale: *scale, asset: asset.clone() })
        }
        (Content::Value(is), Content::Value(was)) => is.checked_sub(*was).map(Content::Value),
        (Content::Price(is), Content::Price(was)) => is.checked_sub(*was).map(Content::Price),
        (Content::Ratio(is), Content::Ratio(was)) => is.checked_sub(*was).map(Content::Ratio),
        (Content::Percent(is), Content::Percent(was)) => is.checked_sub(*was).map(Content::Percent),
        (Content::Count(is), Content::Count(was)) => is.checked_sub(*was).map(Content::Count),
        _ => None,
    }
}

/// What an amount makes that is new or gone. A ratio or a price that was not there is not zero.
fn whole(content: &Content, gone: bool) -> Option<Content> {
    let nothing = match content {
        Content::Units { scale, asset, .. } => Content::Units { quantity: Quantity::ZERO, scale: *scale, asset: asset.clone() },
        Content::Value(_) => Content::Value(Value::ZERO),
        Content::Count(_) => Content::Count(0),
        _ => return None,
    };
    if gone { less(&nothing, content) } else { less(content, &nothing) }
}

/// The headline figures, one a row.
fn figures(before: &Doc, after: &Doc) -> Table {
    let keys = |doc: &Doc| -> Vec<String> { doc.figures.iter().map(|figure| figure.key.clone()).collect() };
    let mut rows = Vec::new();
    for (b, a) in merge(&keys(before), &keys(after)) {
        let (was, is) = (b.and_then(|at| before.figures.get(at)), a.and_then(|at| after.figures.get(at)));
        let cell = |figure: Option<&Figure>| figure.map(|figure| figure.cell.clone());
        let (was_cell, is_cell) = (cell(was).map(|cell| then(&cell, &before.basis)), cell(is));
        let less = match (&was_cell, &is_cell) {
            (Some(was), Some(is)) if is_words(&was.content) && is_words(&is.content) => Cell::empty(),
            (was, is) => difference(was.as_ref(), is.as_ref()),
        };
        let label = is.or(was).map(|figure| figure.label.clone()).unwrap_or_default();
        let or_empty = |cell: Option<Cell>| cell.unwrap_or_else(Cell::empty);
        rows.push(Row::body(vec![Cell::text(label), or_empty(was_cell), or_empty(is_cell), less]));
    }
    let columns = vec![
        Column::text("figure", "Figure"),
        Column::number("before", "Before"),
        Column::number("after", "After"),
        Column::number("difference", "Difference"),
    ];
    Table::new("figures", "Headline figures", columns, rows, "")
}

const fn is_words(content: &Content) -> bool {
    matches!(content, Content::Text(_) | Content::Code(_) | Content::State(..) | Content::Date(_) | Content::Time(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doc(day: &str, rows: Vec<Row>) -> Doc {
        let columns = vec![Column::text("name", "Name"), Column::text("state", "State"), Column::number("value", "Value")];
        Doc {
            basis: Basis { as_of: Some(day.parse().unwrap()), ..Basis::default() },
            tables: vec![Table::new("t", "T", columns, rows, "")],
            ..Doc::default()
        }
    }

    fn row(name: &str, state: &str, value: i128) -> Row {
        Row::body(vec![Cell::text(name), Cell::state(state, Tone::Good), Cell::value(Value(value)).to("/journal?x=1#a")])
    }

    fn texts(table: &Table) -> Vec<String> {
        let line = |row: &Row| row.cells.iter().map(|cell| display::exact(&cell.content)).collect::<Vec<_>>().join("|");
        table.rows.iter().map(line).collect()
    }

    #[test]
    fn rows_stand_beside_each_other_and_are_subtracted() {
        let before =
            doc("2019-01-01", vec![row("a", "open", 100_000_000), row("gone", "open", 5), row("b", "open", 300_000_000)]);
        let after = doc("2019-01-02", vec![row("a", "shut", 250_000_000), row("b", "open", 300_000_000), row("new", "open", -7)]);
        let compared = compare(&before, &after).unwrap();
        let table = &compared.tables[0];
        let keys: Vec<&str> = table.columns.iter().map(|column| column.key.as_str()).collect();
        assert_eq!(keys, ["name", "state_before", "state_after", "value_before", "value_after", "value_difference", "change"]);
        assert_eq!(
            texts(table),
            [
                "a|open|shut|1.00000000|2.50000000|1.50000000|changed",
                "gone|open||0.00000005||-0.00000005|gone",
                "b|open|open|3.00000000|3.00000000|0.00000000|",
                "new||open||-0.00000007|-0.00000007|new",
            ]
        );
        let link = |row: usize, cell: usize| table.rows[row].cells[cell].link.clone().unwrap();
        assert_eq!(link(0, 3), "/journal?x=1&as_of=2019-01-01#a", "what was leads to what was");
        assert_eq!(link(0, 4), "/journal?x=1#a");
        assert!(compared.finding.unwrap().starts_with("3 of 4 rows differ"));
    }

    #[test]
    fn a_row_whose_words_changed_is_still_the_same_row() {
        let words = |text: &str| Row::body(vec![Cell::text("policy"), Cell::text(text), Cell::value(Value(1))]);
        let compared = compare(&doc("2019-01-01", vec![words("old")]), &doc("2019-01-02", vec![words("new")])).unwrap();
        assert_eq!(texts(&compared.tables[0]), ["policy|old|new|0.00000001|0.00000001|0.00000000|changed"]);
        let twice = vec![words("old"), words("older")];
        let compared = compare(&doc("2019-01-01", twice), &doc("2019-01-02", vec![words("new")])).unwrap();
        assert_eq!(compared.tables[0].rows.len(), 3, "nobody knows which of two it was");
    }

    #[test]
    fn a_list_of_pages_is_not_compared() {
        let mut paged = doc("2019-01-01", vec![row("a", "open", 1)]);
        paged.tables[0].next = Some("7".to_owned());
        assert!(compare(&paged, &doc("2019-01-02", Vec::new())).is_err());
    }
}
