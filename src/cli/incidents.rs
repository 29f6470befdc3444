//! `safu incidents`: from the first suspicion to closing.

use super::CliResult;
use super::ctx::{CliError, Ctx};
use super::listing::{entries_text, field};
use crate::domain::incident::kind::IncidentKind;
use crate::domain::incident::life::State;
use crate::service::at::At;
use crate::service::incidents::declare::{NewIncident, NewStatement};
use crate::service::incidents::docs;
use crate::service::incidents::estimates::{NewAssetEstimate, NewEstimate};
use crate::service::incidents::recognition::NewRecognition;
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

/// Verbs of `safu incidents`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Record that an incident happened.
    Declare(Declare),
    /// Move an incident on where nothing is booked: declared, rejected or reopened.
    Step {
        /// Code of the incident.
        code: String,
        /// declared, rejected or reopened.
        state: String,
        /// Why.
        #[arg(long)]
        note: String,
        /// When; now if left out.
        #[arg(long, value_name = "TIME")]
        at: Option<Timestamp>,
    },
    /// Record what was said in public; a promise to pay is an obligating event.
    Statement {
        /// Code of the incident.
        code: String,
        /// What was said.
        #[arg(long)]
        text: String,
        /// Who said it.
        #[arg(long, value_name = "WHO")]
        by: String,
        /// When; now if left out.
        #[arg(long, value_name = "TIME")]
        at: Option<Timestamp>,
    },
    /// Record a version of the estimate; after recognition its changes are booked.
    Estimate(Estimate),
    /// Book the loss by the latest estimate, at the day's price.
    Recognise {
        /// Code of the incident.
        code: String,
        /// Business date; today if left out.
        #[arg(long, value_name = "DATE")]
        on: Option<Date>,
        /// Expected cost of handling the claims, in the functional currency.
        #[arg(long, value_name = "AMOUNT")]
        handling: Option<String>,
        /// What it rests on.
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
    },
    /// List incidents with what is owed and lost.
    List,
    /// Show one incident.
    Show {
        /// Code of the incident.
        code: String,
    },
    /// Close an incident of which nothing is owed any more.
    Close {
        /// Code of the incident.
        code: String,
        /// Business date; today if left out.
        #[arg(long, value_name = "DATE")]
        on: Option<Date>,
        /// Remark.
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
    },
}

#[derive(Debug, clap::Args)]
pub struct Declare {
    /// Kind of the incident.
    #[arg(long, value_parser = PossibleValuesParser::new(IncidentKind::ALL.iter().map(|kind| kind.slug())))]
    kind: String,
    /// One line for people.
    #[arg(long)]
    title: String,
    /// When it happened, for example 2019-05-07T17:15:24Z.
    #[arg(long, value_name = "TIME")]
    occurred_at: Timestamp,
    /// Code, for example INC-2019-001; the next of its year if left out.
    #[arg(long)]
    code: Option<String>,
    /// When it was declared; now if left out.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// It is only suspected so far.
    #[arg(long)]
    suspected: bool,
    /// What it rests on.
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
    /// What was said in public with it.
    #[arg(long, value_name = "TEXT", requires = "statement_by")]
    statement: Option<String>,
    /// Who said it.
    #[arg(long, value_name = "WHO", requires = "statement")]
    statement_by: Option<String>,
    /// When it was said; now if left out.
    #[arg(long, value_name = "TIME", requires = "statement")]
    statement_at: Option<Timestamp>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Several assets: repeat the command's options in a JSON list given with --assets, \
    [{\"asset\":\"BTC\",\"case\":\"7000\",\"ibnr\":\"100\"}].")]
pub struct Estimate {
    /// Code of the incident.
    code: String,
    /// Business date; today if left out.
    #[arg(long, value_name = "DATE")]
    on: Option<Date>,
    /// Asset code.
    #[arg(long, required_unless_present = "assets", conflicts_with = "assets")]
    asset: Option<String>,
    /// Best estimate of what known claimants are owed in all, paid or not.
    #[arg(long, value_name = "UNITS")]
    case: Option<String>,
    /// The least it may be.
    #[arg(long, value_name = "UNITS")]
    low: Option<String>,
    /// The most it may be.
    #[arg(long, value_name = "UNITS")]
    high: Option<String>,
    /// Best estimate of what claimants not identified yet are owed.
    #[arg(long, value_name = "UNITS")]
    ibnr: Option<String>,
    /// Units of the IBNR so far whose claimants are known now.
    #[arg(long, value_name = "UNITS")]
    identified: Option<String>,
    /// Several assets as a JSON list.
    #[arg(long, value_name = "JSON")]
    assets: Option<String>,
    /// What it rests on.
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
}

impl Estimate {
    fn assets(&self) -> Result<Vec<NewAssetEstimate>, CliError> {
        if let Some(json) = &self.assets {
            return serde_json::from_str(json).map_err(|e| CliError::Usage(format!("--assets: {e}")));
        }
        Ok(vec![NewAssetEstimate {
            asset: self.asset.clone().unwrap_or_default(),
            case: self.case.clone(),
            case_low: self.low.clone(),
            case_high: self.high.clone(),
            ibnr: self.ibnr.clone(),
            identified: self.identified.clone(),
        }])
    }
}

/// Runs `safu incidents`.
pub fn run(ctx: &Ctx, verb: &Verb) -> CliResult {
    let book = ctx.book()?;
    let call = ctx.call();
    let today = book.clock.today();
    match verb {
        Verb::Declare(new) => ctx.print_reply(&book.declare_incident(&call, declared(new))?, state_text),
        Verb::Step { code, state, note, at } => {
            let state = State::from_slug(state)
                .ok_or_else(|| CliError::Usage(format!("{state:?} is no state; use declared, rejected or reopened")))?;
            ctx.print_reply(&book.step_incident(&call, code, state, *at, note)?, state_text)
        }
        Verb::Statement { code, text, by, at } => {
            let new = NewStatement { text: text.clone(), by: by.clone(), at: *at };
            ctx.print_reply(&book.record_statement(&call, code, new)?, |_| format!("Statement about {code} recorded."))
        }
        Verb::Estimate(new) => {
            let estimate = NewEstimate { on: new.on.unwrap_or(today), note: new.note.clone(), assets: new.assets()? };
            ctx.print_reply(&book.estimate_incident(&call, &new.code, estimate)?, |body| {
                format!("Estimate version {} of {} recorded.\n{}", field(body, "version"), new.code, entries_text(body))
            })
        }
        Verb::Recognise { code, on, handling, note } => {
            let new = NewRecognition { on: on.unwrap_or(today), handling: handling.clone(), note: note.clone() };
            let reply = book.recognise_incident(&call, code, new)?;
            ctx.print_reply(&reply, |body| format!("{}\n{}", state_text(body), entries_text(body)))
        }
        Verb::List => ctx.print_doc(&book.read(|conn| docs::list(conn, &At::NOW))?, None),
        Verb::Show { code } => ctx.print_doc(&book.read(|conn| docs::incident(conn, code, book.clock.now()))?, None),
        Verb::Close { code, on, note } => {
            ctx.print_reply(&book.close_incident(&call, code, on.unwrap_or(today), note)?, state_text)
        }
    }
}

fn declared(new: &Declare) -> NewIncident {
    let statement = new.statement.clone().zip(new.statement_by.clone());
    NewIncident {
        code: new.code.clone(),
        kind: new.kind.clone(),
        title: new.title.clone(),
        occurred_at: new.occurred_at,
        at: new.at,
        suspected: new.suspected,
        note: new.note.clone(),
        statement: statement.map(|(text, by)| NewStatement { text, by, at: new.statement_at }),
    }
}

fn state_text(answer: &Value) -> String {
    format!("{} is {}.", field(answer, "incident"), field(answer, "state"))
}
