//! `safu treasury`: the fund's own movements, and the events of an incident that have no workflow of their own. Amounts at
//! wallets are written WALLET:ASSET:QUANTITY.

use super::CliResult;
use super::ctx::{CliError, Ctx};
use super::listing::{doc, entry_text, field, units};
use crate::domain::ids::EntryNo;
use crate::report::doc::{Cell, Column, Doc, Row};
use crate::report::link;
use crate::service::Book;
use crate::service::registry::parsed_facts;
use crate::service::treasury::{IdentifiedAs, IncidentUnits, TREASURY, TreasuryCommand, TreasuryEvent, TreasuryFact, Units};
use clap::{Subcommand, ValueEnum};
use jiff::civil::Date;
use std::io::Read;
use std::path::PathBuf;

/// Options of `safu treasury`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Business date; today if left out.
    #[arg(long, global = true, value_name = "DATE")]
    on: Option<Date>,
    /// What people read in the journal.
    #[arg(long, global = true)]
    memo: Option<String>,
    /// Transaction id or other reference from outside; booked once per event.
    #[arg(long, global = true)]
    reference: Option<String>,
    #[command(subcommand)]
    verb: Verb,
}

/// What an unidentified receipt turned out to be.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Identity {
    /// A contribution that was never accrued.
    Contribution,
    /// A recovery of an incident.
    Recovery,
    /// Capital of the sponsor.
    Capital,
}

/// Units of an incident.
#[derive(Debug, Clone, clap::Args)]
struct Claims {
    /// Incident code.
    incident: String,
    /// Asset.
    asset: String,
    /// Units.
    quantity: String,
}

impl Claims {
    fn units(&self) -> IncidentUnits {
        IncidentUnits::new(&self.incident, &self.asset, &self.quantity)
    }
}

/// Units of an incident's obligation and what pays them.
#[derive(Debug, Clone, clap::Args)]
struct Paid {
    /// Incident code.
    incident: String,
    /// What is paid: WALLET:ASSET:QUANTITY.
    #[arg(value_parser = units)]
    paid: Units,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Post commands from a JSON file: one object, or one a line.
    Post {
        /// The file; `-` for standard input.
        file: PathBuf,
    },
    /// List what was posted.
    List,
    #[command(flatten)]
    Event(EventVerb),
    #[command(flatten)]
    Incident(IncidentVerb),
}

#[derive(Debug, Clone, Subcommand)]
enum EventVerb {
    /// Accrued contributions arrive (E02).
    Settlement {
        /// What arrived: WALLET:ASSET:QUANTITY, as often as needed.
        #[arg(required = true, value_parser = units)]
        receipts: Vec<Units>,
    },
    /// Yield is earned (E03a).
    YieldAccrued {
        /// Asset.
        asset: String,
        /// Units.
        quantity: String,
    },
    /// Accrued yield arrives (E03b).
    YieldReceived {
        /// What arrived: WALLET:ASSET:QUANTITY.
        #[arg(value_parser = units)]
        receipt: Units,
    },
    /// Units move between own wallets (E05).
    Transfer {
        /// The wallet that gives.
        from: String,
        /// The wallet that gets.
        to: String,
        /// Asset.
        asset: String,
        /// Units that arrive; the fee comes on top.
        quantity: String,
        /// The network fee: WALLET:ASSET:QUANTITY.
        #[arg(long, value_parser = units)]
        fee: Option<Units>,
    },
    /// One asset is exchanged for another (E06).
    Rebalance {
        /// What was given: WALLET:ASSET:QUANTITY.
        #[arg(value_parser = units)]
        sold: Units,
        /// What came back: WALLET:ASSET:QUANTITY.
        #[arg(value_parser = units)]
        bought: Units,
    },
    /// The sponsor gives capital (E19a).
    SponsorCapital {
        /// What arrived: WALLET:ASSET:QUANTITY, as often as needed.
        #[arg(required = true, value_parser = units)]
        receipts: Vec<Units>,
    },
    /// The fund borrows (E19b).
    Loan {
        /// What arrived: WALLET:ASSET:QUANTITY.
        #[arg(value_parser = units)]
        receipt: Units,
    },
    /// Interest on a loan accrues (E19c).
    LoanInterest {
        /// Asset of the loan.
        asset: String,
        /// Units.
        quantity: String,
    },
    /// An undertaking of the sponsor becomes enforceable (E19d).
    TopUpEnforceable {
        /// Amount in functional currency.
        amount: String,
    },
    /// Units of the fund itself are lost (E20).
    AssetLoss {
        /// What is gone: WALLET:ASSET:QUANTITY.
        #[arg(value_parser = units)]
        lost: Units,
        /// Incident code, where one is open.
        #[arg(long)]
        incident: Option<String>,
    },
    /// Refundable contributions are set off (E22).
    Offset {
        /// Asset.
        asset: String,
        /// Units.
        quantity: String,
    },
    /// Units arrive from nobody knows whom (E26).
    UnidentifiedReceipt {
        /// What arrived: WALLET:ASSET:QUANTITY.
        #[arg(value_parser = units)]
        receipt: Units,
    },
    /// An unidentified receipt is identified (E26b).
    Identified {
        /// Asset.
        asset: String,
        /// Units.
        quantity: String,
        /// What it is.
        #[arg(long = "as", value_enum)]
        identity: Identity,
        /// Incident code of a recovery.
        #[arg(long)]
        incident: Option<String>,
    },
    /// Units are pledged or frozen (E27).
    Encumber {
        /// What: WALLET:ASSET:QUANTITY.
        #[arg(value_parser = units)]
        units: Units,
        /// A wallet on account 1150; left out, the units stay where they lie.
        #[arg(long)]
        to: Option<String>,
    },
    /// Encumbered units are free again (E27).
    Release {
        /// What: WALLET:ASSET:QUANTITY.
        #[arg(value_parser = units)]
        units: Units,
        /// The wallet they move to; left out, they stay where they lie.
        #[arg(long)]
        to: Option<String>,
    },
    /// Surplus is released to the sponsor (E28).
    SurplusReleased {
        /// What leaves: WALLET:ASSET:QUANTITY.
        #[arg(value_parser = units)]
        units: Units,
        /// 3200 (capital given back) or 3100 (accumulated balance distributed).
        #[arg(long, default_value_t = 3200)]
        against: i32,
    },
}

#[derive(Debug, Subcommand)]
enum IncidentVerb {
    /// More is reserved for handling claims (E07).
    HandlingReserveRaised {
        /// Incident code.
        incident: String,
        /// Amount in functional currency.
        amount: String,
    },
    /// Cost of handling claims is paid (E30).
    ClaimsHandlingPaid {
        #[command(flatten)]
        by: Paid,
        /// What is settled, in functional currency.
        #[arg(long)]
        amount: String,
    },
    /// Approved claims will be paid at a fixed price (E12a).
    FixedPriceElected {
        #[command(flatten)]
        claims: Claims,
        /// Functional currency per unit.
        #[arg(long)]
        price: String,
        /// The stable asset that will be paid.
        #[arg(long)]
        stable: String,
    },
    /// Fixed-price claims are paid (E12b).
    FixedPricePaid(Paid),
    /// A claim against others is taken over (E15).
    SubrogatedClaim(Claims),
    /// A payout cannot be delivered (E16a).
    Undeliverable(Claims),
    /// Unclaimed compensation expires in favour of the fund (E16b).
    UnclaimedForfeited(Claims),
    /// Unclaimed compensation is owed to an authority (E16c).
    UnclaimedEscheated(Claims),
    /// The authority is paid (E16c).
    EscheatPaid(Paid),
    /// Approved claims are cut; the rest stays owed as recovery rights (E17).
    Shortfall(Claims),
    /// An obligation ends by law (E17b).
    LegallyReleased {
        #[command(flatten)]
        claims: Claims,
        /// 2130 (approved claims) or 2140 (recovery rights).
        #[arg(long, default_value_t = 2140)]
        account: i32,
    },
    /// Recovery rights are redeemed (E18a).
    RightsRedeemed(Paid),
    /// Recovery rights become capital (E18b).
    RightsConverted(Claims),
    /// A recovery will not come (E21).
    RecoveryWrittenOff(Claims),
}

impl EventVerb {
    fn event(&self) -> TreasuryEvent {
        use TreasuryEvent as E;
        match self.clone() {
            Self::Settlement { receipts } => E::Settlement { receipts },
            Self::YieldAccrued { asset, quantity } => E::YieldAccrued { asset, quantity },
            Self::YieldReceived { receipt } => E::YieldReceived { receipt },
            Self::Transfer { from, to, asset, quantity, fee } => E::Transfer { from, to, asset, quantity, fee },
            Self::Rebalance { sold, bought } => E::Rebalance { sold, bought },
            Self::SponsorCapital { receipts } => E::SponsorCapital { receipts },
            Self::Loan { receipt } => E::Loan { receipt },
            Self::LoanInterest { asset, quantity } => E::LoanInterest { asset, quantity },
            Self::TopUpEnforceable { amount } => E::TopUpEnforceable { amount },
            Self::AssetLoss { lost, incident } => E::AssetLoss { lost, incident },
            Self::Offset { asset, quantity } => E::Offset { asset, quantity },
            Self::UnidentifiedReceipt { receipt } => E::UnidentifiedReceipt { receipt },
            Self::Identified { asset, quantity, identity, incident } => {
                let identity = match identity {
                    Identity::Contribution => IdentifiedAs::Contribution,
                    Identity::Recovery => IdentifiedAs::Recovery,
                    Identity::Capital => IdentifiedAs::Capital,
                };
                E::Identified { asset, quantity, identity, incident }
            }
            Self::Encumber { units, to } => E::Encumber { units, to },
            Self::Release { units, to } => E::Release { units, to },
            Self::SurplusReleased { units, against } => E::SurplusReleased { against, units },
        }
    }
}

impl IncidentVerb {
    fn event(&self) -> TreasuryEvent {
        use TreasuryEvent as E;
        match self {
            Self::HandlingReserveRaised { incident, amount } => {
                E::HandlingReserveRaised { incident: incident.clone(), amount: amount.clone() }
            }
            Self::ClaimsHandlingPaid { by, amount } => {
                E::ClaimsHandlingPaid { incident: by.incident.clone(), amount: amount.clone(), paid: by.paid.clone() }
            }
            Self::FixedPriceElected { claims, price, stable } => {
                E::FixedPriceElected { claims: claims.units(), fixed_price: price.clone(), stable: stable.clone() }
            }
            Self::FixedPricePaid(by) => E::FixedPricePaid { incident: by.incident.clone(), paid: by.paid.clone() },
            Self::SubrogatedClaim(claims) => E::SubrogatedClaim { claims: claims.units() },
            Self::Undeliverable(claims) => E::Undeliverable { claims: claims.units() },
            Self::UnclaimedForfeited(claims) => E::UnclaimedForfeited { claims: claims.units() },
            Self::UnclaimedEscheated(claims) => E::UnclaimedEscheated { claims: claims.units() },
            Self::EscheatPaid(by) => E::EscheatPaid { incident: by.incident.clone(), paid: by.paid.clone() },
            Self::Shortfall(claims) => E::Shortfall { claims: claims.units() },
            Self::LegallyReleased { claims, account } => E::LegallyReleased { account: *account, claims: claims.units() },
            Self::RightsRedeemed(by) => E::RightsRedeemed { incident: by.incident.clone(), paid: by.paid.clone() },
            Self::RightsConverted(claims) => E::RightsConverted { claims: claims.units() },
            Self::RecoveryWrittenOff(claims) => E::RecoveryWrittenOff { claims: claims.units() },
        }
    }
}

/// Runs `safu treasury`.
pub fn run(ctx: &Ctx, args: &Args) -> CliResult {
    let book = ctx.book()?;
    let event = match &args.verb {
        Verb::Post { file } => return post(ctx, &book, file),
        Verb::List => return ctx.print_doc(&list(&book)?, None),
        Verb::Event(verb) => verb.event(),
        Verb::Incident(verb) => verb.event(),
    };
    let command = TreasuryCommand {
        on: args.on.unwrap_or_else(|| book.clock.today()),
        memo: args.memo.clone(),
        reference: args.reference.clone(),
        event,
    };
    let reply = book.post_treasury(&ctx.call(), command)?;
    ctx.print_reply(&reply, entry_text)
}

/// Posts every command of a file, each on its own; stops at the first that is refused.
fn post(ctx: &Ctx, book: &Book, file: &PathBuf) -> CliResult {
    let mut text = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().lock().read_to_string(&mut text)?;
    } else {
        text = std::fs::read_to_string(file).map_err(|e| CliError::Usage(format!("{}: {e}", file.display())))?;
    }
    let commands = match TreasuryCommand::parse(&text) {
        Ok(command) => vec![command],
        Err(whole) => {
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            let parsed: Result<Vec<_>, _> = lines.map(TreasuryCommand::parse).collect();
            parsed.map_err(|line| if text.trim_end().contains('\n') { line } else { whole })?
        }
    };
    for (at, command) in commands.into_iter().enumerate() {
        let reply = book.post_treasury(&ctx.call_part(&at.to_string()), command)?;
        ctx.print_reply(&reply, entry_text)?;
    }
    Ok(())
}

fn list(book: &Book) -> Result<Doc, CliError> {
    let facts = book.read(|conn| parsed_facts::<TreasuryFact>(conn, TREASURY))?;
    let rows = facts.into_iter().rev().map(|(on, reference, fact)| {
        let shown = serde_json::to_value(&fact.command).unwrap_or_default();
        Row::body(vec![
            Cell::date(on),
            Cell::text(field(&shown, "event")),
            Cell::count(fact.entry).to(link::entry(EntryNo(fact.entry))),
            Cell::code(reference),
            Cell::text(fact.command.memo.unwrap_or_default()),
        ])
    });
    let columns = vec![
        Column::text("on", "Date"),
        Column::text("event", "Event"),
        Column::number("entry", "Entry"),
        Column::text("reference", "Reference"),
        Column::text("memo", "Memo"),
    ];
    Ok(doc("treasury", "Treasury events, latest first", columns, rows.collect(), "Nothing was posted yet."))
}
