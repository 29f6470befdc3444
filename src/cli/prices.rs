//! `safu prices`: import, lock, value, look up.

use super::CliResult;
use super::ctx::{CliError, Ctx};
use super::listing::{doc, entries_text, entry_text, field, moved_text, pair};
use crate::domain::asset::AssetId;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::price::Price;
use crate::report::doc::{Cell, Column, Content, Doc, Row};
use crate::report::link;
use crate::service::Book;
use crate::service::prices::{GivenPrices, LockPrices, Quote, governance};
use crate::service::refs::Refs;
use crate::store::price;
use clap::Subcommand;
use jiff::civil::Date;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Sets whose governance is shown.
const SETS: usize = 31;

/// Verbs of `safu prices`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Keep the prices of a file, ready to be locked.
    Import {
        /// CSV (`date,asset,price[,basis]`, or `date` and one column an asset), or JSON; `-` for standard input.
        file: PathBuf,
        /// Where the prices come from; the name of the file if left out.
        #[arg(long)]
        source: Option<String>,
        /// A second source, only to be compared with the first.
        #[arg(long)]
        second: bool,
    },
    /// Lock the set of a day, and value holdings and obligations at it.
    Lock(LockArgs),
    /// Value holdings and obligations at the locked set of a day.
    Value {
        /// Cut-off day of the set.
        day: Date,
    },
    /// Compare two sources of the days that wait, and show who locked and who approved.
    Compare,
    /// List the locked sets.
    List,
    /// Show the prices of a day's set.
    Show {
        /// Cut-off day of the set.
        day: Date,
    },
}

#[derive(Debug, clap::Args)]
pub struct LockArgs {
    /// Cut-off day (24:00 UTC).
    day: Date,
    /// Lock every imported day from DAY up to this one that has no set yet.
    #[arg(long, value_name = "DATE", conflicts_with = "price")]
    until: Option<Date>,
    /// A price typed in, for example BTC=5850.1; without any the imported prices of the day are locked.
    #[arg(long, value_name = "ASSET=PRICE", value_parser = pair)]
    price: Vec<(String, String)>,
    /// Where typed prices come from.
    #[arg(long, default_value = "typed in", requires = "price")]
    source: String,
    /// Lock although prices are far from the set before.
    #[arg(long, requires = "reason")]
    accept_outliers: bool,
    /// Why prices are right that are outliers, set by hand, carried over, or far from the second source.
    #[arg(long)]
    reason: Option<String>,
    /// Value nothing now.
    #[arg(long)]
    no_value: bool,
}

/// Runs `safu prices`.
pub fn run(ctx: &Ctx, verb: &Verb) -> CliResult {
    let book = ctx.book()?;
    match verb {
        Verb::Import { file, source, second } => {
            let source = source.clone().unwrap_or_else(|| file_name(file));
            let bytes = read_file(file)?;
            let reply = match second {
                true => book.import_second_prices(&ctx.call(), &source, &bytes)?,
                false => book.import_prices(&ctx.call(), &source, &bytes)?,
            };
            ctx.print_reply(&reply, |answer| {
                let [days, first, last] = ["days", "first", "last"].map(|name| field(answer, name));
                if *second {
                    return format!(
                        "{days} days of a second source imported, {first} to {last}. `safu prices compare` shows both."
                    );
                }
                format!("{days} days imported, {first} to {last}. Lock them with `safu prices lock {first} --until {last}`.")
            })
        }
        Verb::Lock(args) => lock(ctx, &book, args),
        Verb::Value { day } => {
            let reply = book.revalue(&ctx.call(), *day)?;
            ctx.print_reply(&reply, |answer| match entries_text(answer) {
                text if text.is_empty() => format!("Everything stands at the prices of {day} already."),
                text => text,
            })
        }
        Verb::Compare => {
            let now = book.clock.now();
            ctx.print_doc(&book.read(|conn| governance::doc(conn, now, SETS))?, None)
        }
        Verb::List => ctx.print_doc(&list(&book)?, None),
        Verb::Show { day } => ctx.print_doc(&show(&book, *day)?, None),
    }
}

/// The name of a file, for the log.
pub(super) fn file_name(file: &Path) -> String {
    file.file_name().map_or_else(|| "standard input".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The bytes of a file, or of standard input for `-`.
pub(super) fn read_file(file: &Path) -> Result<Vec<u8>, CliError> {
    if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(file).map_err(|e| CliError::Usage(format!("{}: {e}", file.display())))
}

fn lock(ctx: &Ctx, book: &Book, args: &LockArgs) -> CliResult {
    let command = |day| LockPrices {
        day,
        given: typed(args),
        accept_outliers: args.accept_outliers,
        reason: args.reason.clone(),
        value: !args.no_value,
    };
    let Some(until) = args.until else {
        let reply = book.lock_prices(&ctx.call(), command(args.day))?;
        return ctx.print_reply(&reply, lock_text);
    };
    if ctx.global.dry_run {
        return Err(CliError::Usage("each day depends on the one before; try a range without --dry-run, or one day".to_owned()));
    }
    for day in book.read(|conn| crate::service::prices::imported_days(conn, args.day, until))? {
        let reply = book.lock_prices(&ctx.call_part(&day.to_string()), command(day))?;
        ctx.print_reply(&reply, lock_text)?;
    }
    Ok(())
}

fn typed(args: &LockArgs) -> Option<GivenPrices> {
    if args.price.is_empty() {
        return None;
    }
    let quote = |(code, price): &(String, String)| (code.clone(), Quote { price: price.clone(), basis: "manual".to_owned() });
    Some(GivenPrices { source: args.source.clone(), source_hash: String::new(), prices: args.price.iter().map(quote).collect() })
}

/// The set, what it was valued at, and the fee reports that waited for it.
fn lock_text(answer: &serde_json::Value) -> String {
    let entries = answer.get("entries").and_then(serde_json::Value::as_array);
    let posted: String = entries.into_iter().flatten().map(entry_text).collect();
    let released = moved_text(answer, "released");
    format!("The set of {} is locked.\n{posted}{released}", field(answer, "day"))
}

fn list(book: &Book) -> Result<Doc, CliError> {
    let rows = book.read(price::headers)?.into_iter().map(|set| {
        let day = match set.cutoff_on.parse::<Date>() {
            Ok(day) => Cell::date(day).to(link::price_set(day)),
            Err(_) => Cell::text(&set.cutoff_on),
        };
        Row::body(vec![day, Cell::text(set.source), Cell::code(set.source_hash)])
    });
    let columns =
        vec![Column::text("day", "Day"), Column::text("source", "Source"), Column::text("sha256", "SHA-256 of the file")];
    let empty = "No price set is locked yet; import a file with `safu prices import`, then lock a day.";
    Ok(doc("prices", "Locked price sets", columns, rows.collect(), empty))
}

fn show(book: &Book, day: Date) -> Result<Doc, CliError> {
    let (set, refs) = book.read(|conn| Ok((price::set_on(conn, &day.to_string())?, Refs::load(conn)?)))?;
    let Some(set) = set else {
        return Err(Rejection::new(OutcomeCode::NotFound, "/day", day, "has no locked price set").into());
    };
    let rows = set.prices.iter().map(|row| {
        let price = Price::parse(&row.price).map_or_else(|_| Cell::text(&row.price), |p| Cell::new(Content::Price(p.decimal())));
        Row::body(vec![Cell::text(refs.code(AssetId(row.asset_id))), price, Cell::text(&row.basis)])
    });
    let columns = vec![Column::text("asset", "Asset"), Column::number("price", "Price"), Column::text("basis", "Basis")];
    let mut shown = doc("price-set", &format!("Prices of {day}"), columns, rows.collect(), "The set has no prices.");
    shown.basis.prices = Some((day, set.header.source));
    Ok(shown)
}
