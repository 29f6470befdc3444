//! `safu approvals`: what waits for a decision. Approving needs a second factor and is done on the pages.

use super::CliResult;
use super::ctx::Ctx;
use super::listing::field;
use crate::service::approvals::{ApprovalTerms, Decide, docs};
use crate::service::policies::FunctionalAmount;
use clap::Subcommand;
use jiff::civil::Date;

/// Proposals that a listing shows.
const LISTED: i64 = 100;

/// Verbs of `safu approvals`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List proposals, those that wait first.
    List,
    /// Show a proposal: its command, what it would do now, and every step.
    Show {
        /// Its number.
        proposal: i64,
    },
    /// Set how many must agree to which amounts. The first terms put the book under four eyes for good.
    Terms {
        /// First day.
        #[arg(long, value_name = "DATE")]
        from: Date,
        /// Up to this amount one approval is enough.
        #[arg(long, default_value = "10000", value_parser = amount, value_name = "AMOUNT")]
        one_up_to: FunctionalAmount,
        /// Up to this amount two are.
        #[arg(long, default_value = "1000000", value_parser = amount, value_name = "AMOUNT")]
        two_up_to: FunctionalAmount,
        /// Approvals above it, and for what always goes to the committee.
        #[arg(long, default_value_t = 3, value_name = "PERSONS")]
        committee: u8,
        /// Hours after which a proposal expires.
        #[arg(long, default_value_t = 72, value_name = "HOURS")]
        expire_hours: u32,
        /// Hours within which an emergency has to be ratified.
        #[arg(long, default_value_t = 24, value_name = "HOURS")]
        ratify_hours: u32,
        /// Above this amount a manual entry needs evidence; if left out, above what one approval carries.
        #[arg(long, value_parser = amount, value_name = "AMOUNT")]
        evidence_above: Option<FunctionalAmount>,
    },
    /// Take an own proposal back.
    Withdraw(Seen),
    /// Carry out a proposal that has its approvals.
    Execute(Seen),
}

#[derive(Debug, clap::Args)]
pub struct Seen {
    /// Number of the proposal.
    proposal: i64,
    /// The hash that `safu approvals show` printed.
    #[arg(long)]
    hash: String,
    /// Why.
    #[arg(long, default_value = "")]
    reason: String,
}

impl Seen {
    fn ask(&self) -> Decide {
        Decide { proposal: self.proposal, hash: self.hash.clone(), reason: self.reason.clone() }
    }
}

fn amount(text: &str) -> Result<FunctionalAmount, String> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|error| error.to_string())
}

/// Runs `safu approvals`.
pub fn run(ctx: &Ctx, verb: &Verb) -> CliResult {
    let book = ctx.book()?;
    let reply = match verb {
        Verb::List => {
            let now = book.clock.now();
            return ctx.print_doc(&book.read(|conn| docs::queue(conn, now, None, LISTED))?, None);
        }
        Verb::Show { proposal } => return ctx.print_doc(&book.proposal_doc(*proposal)?, None),
        Verb::Terms { from, one_up_to, two_up_to, committee, expire_hours, ratify_hours, evidence_above } => {
            let terms = ApprovalTerms {
                one_up_to: *one_up_to,
                two_up_to: *two_up_to,
                committee: *committee,
                expire_hours: *expire_hours,
                ratify_hours: *ratify_hours,
                evidence_above: *evidence_above,
            };
            book.set_approval_terms(&ctx.call(), *from, terms)?
        }
        Verb::Withdraw(seen) => book.withdraw(&ctx.call(), seen.ask())?,
        Verb::Execute(seen) => book.execute(&ctx.call(), seen.ask())?,
    };
    ctx.print_reply(&reply, |answer| match field(answer, "proposal").as_str() {
        "" => "The approval terms hold.".to_owned(),
        number => format!("Proposal {number} is now {}.", field(answer, "state")),
    })
}
