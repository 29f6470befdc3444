//! `safu periods`: the checklists of months, and closing them.

use super::CliResult;
use super::ctx::Ctx;
use super::listing::{entry_text, field};
use crate::domain::close::ItemState;
use crate::service::periods::checklist::MarkItem;
use clap::Subcommand;

/// Verbs of `safu periods`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List the months and how far their closing is.
    List,
    /// Show the checklist of a month and what is left to mend; for a closed month its sign-off.
    Checklist {
        /// The month, for example 2019-05.
        month: String,
    },
    /// Tick an item with its evidence, leave it out with a reason, open it again, or name who looks after it.
    Tick(Tick),
    /// Close a month softly: from then on only what was approved goes into it.
    SoftClose {
        /// The month, for example 2019-05. Months are closed in order.
        month: String,
    },
    /// Close a month for good: income and expense go to the fund balance, and all balances are sealed.
    Close {
        /// The month, for example 2019-05. Months are closed in order.
        month: String,
    },
    /// Show what was recorded for a closed month since.
    Changes {
        /// The month, for example 2019-05.
        month: String,
    },
}

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true)))]
pub struct Tick {
    /// The month, for example 2019-05.
    month: String,
    /// The item's word, as the checklist shows it.
    item: String,
    /// It is done; this is the evidence.
    #[arg(long, value_name = "EVIDENCE", group = "what", conflicts_with_all = ["not_applicable", "open"])]
    done: Option<String>,
    /// It does not apply; this is the reason.
    #[arg(long, value_name = "REASON", group = "what", conflicts_with = "open")]
    not_applicable: Option<String>,
    /// It is open again.
    #[arg(long, group = "what")]
    open: bool,
    /// Login of the person who looks after it from now on.
    #[arg(long, value_name = "LOGIN", group = "what")]
    owner: Option<String>,
}

impl Tick {
    fn mark(&self) -> MarkItem {
        let (state, note) = match (&self.done, &self.not_applicable) {
            (Some(evidence), _) => (Some(ItemState::Done), evidence.clone()),
            (None, Some(reason)) => (Some(ItemState::NotApplicable), reason.clone()),
            (None, None) => (Some(ItemState::Open).filter(|_| self.open), String::new()),
        };
        let state = state.map(|state| state.slug().to_owned());
        MarkItem { period: self.month.clone(), item: self.item.clone(), state, note, owner: self.owner.clone() }
    }
}

/// Runs `safu periods`.
pub fn run(ctx: &Ctx, verb: &Verb) -> CliResult {
    let book = ctx.book()?;
    let reply = match verb {
        Verb::List => return ctx.print_doc(&book.periods_doc()?, None),
        Verb::Checklist { month } => return ctx.print_doc(&book.period_doc(month)?, None),
        Verb::Changes { month } => return ctx.print_doc(&book.changes_doc(month)?, None),
        Verb::Tick(tick) => {
            let reply = book.mark_item(&ctx.call(), tick.mark())?;
            let text = |answer: &_| format!("{} of {} is marked.", field(answer, "item"), field(answer, "period"));
            return ctx.print_reply(&reply, text);
        }
        Verb::SoftClose { month } => book.soft_close(&ctx.call(), month)?,
        Verb::Close { month } => book.close_period(&ctx.call(), month)?,
    };
    ctx.print_reply(&reply, |answer| {
        let month = field(answer, "period");
        match (field(answer, "proposal").as_str(), answer.get("lines"), answer.get("seal")) {
            ("", Some(_), _) => format!("{month} is closed.\n{}", entry_text(answer)),
            ("", None, Some(_)) => format!("{month} is closed; it had no income and no expense."),
            ("", None, None) => format!("{month} is softly closed; only what is approved goes into it now."),
            (number, ..) => format!("Proposal {number} waits for approval."),
        }
    })
}
