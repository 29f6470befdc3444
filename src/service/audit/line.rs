//! One leaf as lines for people: what happened, to what, how it ended, why, and where it leads.

use super::change::{self, Change};
use super::refused::{Body, REFUSED};
use crate::domain::approval::Step;
use crate::domain::event::Event;
use crate::domain::ids::EntryNo;
use crate::domain::outcome::OutcomeCode;
use crate::report::link;
use crate::service::approvals::kinds;
use crate::service::command::Kind;
use crate::service::identity::Happened;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::trail::Trace;
use crate::store::{incident, key, person, request};
use jiff::Timestamp;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Kinds of leaf that a form offers, besides those of facts.
pub const KINDS: &[&str] = &[
    "access_event",
    "claim_approval",
    "claims_file",
    "closed_period",
    "contribution_batch",
    "entry",
    "fee_report",
    "fee_report_step",
    "incident",
    "payout_batch",
    "person",
    "price_set",
    "proposal",
    "proposal_step",
    "refusal",
    "service_key",
    "service_key_revocation",
];

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was recorded.
    Recorded,
    /// It was refused, with the code.
    Refused(String),
}

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Index of its leaf.
    pub leaf: i64,
    /// Moment of recording.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// Short name of the session, where a person was in one.
    pub session: String,
    /// Stable word of what it is: a kind of record or of fact.
    pub kind: String,
    /// The same for people.
    pub title: String,
    /// What it is about.
    pub subject: String,
    /// Where it leads; nothing where there is only the leaf itself.
    pub link: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, in the words of who did it or of what refused it.
    pub reason: String,
    /// Idempotency key of the command.
    pub request: String,
    /// What it changed, where it replaces something.
    pub change: Option<Change>,
}

/// Names for the numbers in leaves.
pub struct Names {
    persons: BTreeMap<i64, String>,
    keys: BTreeMap<i64, String>,
    incidents: BTreeMap<i64, String>,
}

impl Names {
    /// Reads them.
    pub fn load(conn: &mut Conn) -> Result<Self, StoreError> {
        Ok(Self {
            persons: person::all(conn)?.into_iter().map(|row| (i64::from(row.id), row.login)).collect(),
            keys: key::all(conn)?.into_iter().map(|row| (i64::from(row.id), row.name)).collect(),
            incidents: incident::all(conn)?.into_iter().map(|row| (i64::from(row.id), row.code)).collect(),
        })
    }
}

impl Names {
    /// Login name of a person; empty for nobody.
    pub fn person(&self, id: Option<i64>) -> String {
        id.and_then(|id| self.persons.get(&id).cloned()).unwrap_or_default()
    }
}

fn text<'j>(value: &'j Json, name: &str) -> &'j str {
    value.get(name).and_then(Json::as_str).unwrap_or_default()
}

/// A number that stands as one or as text.
fn number(value: &Json, name: &str) -> Option<i64> {
    let found = value.get(name)?;
    found.as_i64().or_else(|| found.as_str()?.parse().ok())
}

/// The session in the idempotency key of a person's form: its short name stands before the dot. Keys of programs say nothing of it.
pub fn session_in<'r>(actor: &str, request: &'r str) -> Option<&'r str> {
    let (session, _) = request.split_once('.').filter(|_| actor.starts_with("person:"))?;
    (session.len() == 12 && session.bytes().all(|b| b.is_ascii_hexdigit())).then_some(session)
}

/// The kind of a leaf as filters know it: facts are known by their own.
pub fn kind_of(trace: &Trace) -> &str {
    match trace.kind.as_str() {
        "fact" => text(&trace.body, "kind"),
        other => other,
    }
}

/// A leaf as lines: one, but for refusals that were folded together.
pub fn read(conn: &mut Conn, names: &Names, trace: &Trace) -> Result<Vec<Line>, StoreError> {
    let kind = kind_of(trace).to_owned();
    let (title, subject, link, reason) = said(names, trace);
    let mut line = Line {
        leaf: trace.leaf,
        at: trace.at,
        actor: trace.actor.clone(),
        session: session_in(&trace.actor, &trace.request).unwrap_or_default().to_owned(),
        kind,
        title,
        subject,
        link,
        outcome: Outcome::Recorded,
        reason,
        request: trace.request.clone(),
        change: None,
    };
    match trace.kind.as_str() {
        "refusal" => refusal(conn, trace, &mut line)?,
        "access_event" => {
            text(&trace.body, "session").clone_into(&mut line.session);
            if let "login-refused" | "proof-refused" = text(&trace.body, "what") {
                line.outcome = Outcome::Refused(OutcomeCode::Unauthenticated.slug().to_owned());
            }
        }
        "fact" if line.kind == REFUSED => return Ok(folded(&line, trace)),
        "fact" => line.change = change::of(conn, trace)?,
        _ => {}
    }
    Ok(vec![line])
}

/// Title, subject, address and reason of a leaf.
fn said(names: &Names, trace: &Trace) -> (String, String, Option<String>, String) {
    let body = &trace.body;
    let word = |name: &str| text(body, name).to_owned();
    let id = |name: &str| number(body, name);
    let named = |all: &BTreeMap<i64, String>, name: &str| id(name).and_then(|id| all.get(&id).cloned()).unwrap_or_default();
    let show = |id: Option<i64>| id.map(|id| id.to_string()).unwrap_or_default();
    match trace.kind.as_str() {
        "entry" => {
            let event = Event::from_code(text(body, "event")).map_or_else(|| word("event"), |e| format!("{e} {}", e.title()));
            (event, show(id("no")), id("no").map(|no| link::entry(EntryNo(no))), word("memo"))
        }
        "proposal" => {
            let asks = kinds::find(text(body, "kind")).map_or("unknown", |kind| kind.title);
            (format!("Proposed: {asks}"), show(id("id")), id("id").map(link::proposal), String::new())
        }
        "proposal_step" => {
            let step = Step::from_slug(text(body, "step")).map_or("acted on", step_word);
            let reason = body.get("content").map(|content| text(content, "reason").to_owned()).unwrap_or_default();
            (format!("Proposal {step}"), show(id("proposal")), id("proposal").map(link::proposal), reason)
        }
        "access_event" => {
            let what = Happened::from_slug(text(body, "what")).map_or("Login", Happened::about);
            (what.to_owned(), named(&names.persons, "person"), None, String::new())
        }
        "person" => ("Person made known".to_owned(), word("login"), None, String::new()),
        "service_key" => ("Key made".to_owned(), word("name"), None, String::new()),
        "service_key_revocation" => ("Key revoked".to_owned(), named(&names.keys, "key_id"), None, String::new()),
        "price_set" => {
            let day = word("cutoff_on");
            let link = day.parse().ok().map(link::price_set);
            ("Prices locked".to_owned(), day, link, String::new())
        }
        "closed_period" => {
            let period = word("period");
            let link = link::journal(&format!("period={period}"));
            ("Period closed".to_owned(), period, Some(link), String::new())
        }
        "fee_report" => ("Fee report received".to_owned(), word("report_id"), id("id").map(link::fee_report), String::new()),
        "fee_report_step" => {
            let report = id("report");
            (format!("Fee report {}", word("state")), show(report), report.map(link::fee_report), word("reason"))
        }
        "contribution_batch" => ("Contributions recorded".to_owned(), show(id("id")), id("id").map(link::batch), String::new()),
        "incident" => ("Incident declared".to_owned(), word("code"), Some(link::incident(text(body, "code"))), word("title")),
        "claims_file" | "claim_approval" | "payout_batch" => {
            let code = named(&names.incidents, "incident");
            let title = match trace.kind.as_str() {
                "claims_file" => "Claims imported",
                "claim_approval" => "Claims approved",
                _ => "Claims paid",
            };
            let link = (!code.is_empty()).then(|| link::incident(&code));
            (title.to_owned(), code, link, String::new())
        }
        "fact" => fact(body),
        other => {
            let subject = ["code", "name", "no", "id"].into_iter().map(|name| show_any(body, name)).find(|text| !text.is_empty());
            (words(other), subject.unwrap_or_default(), None, String::new())
        }
    }
}

fn show_any(body: &Json, name: &str) -> String {
    number(body, name).map_or_else(|| text(body, name).to_owned(), |number| number.to_string())
}

/// A fact by the title of its command where it is one, else by its kind.
fn fact(body: &Json) -> (String, String, Option<String>, String) {
    let kind = text(body, "kind");
    let title = kinds::find(kind).map_or_else(|| words(kind), |kind| kind.title.to_owned());
    let said = body.get("body").unwrap_or(&Json::Null);
    let reason = ["reason", "note", "memo", "text"].into_iter().map(|name| text(said, name)).find(|text| !text.is_empty());
    let subject = text(body, "subject");
    let link = kind.starts_with("incident").then(|| link::incident(subject)).filter(|_| !subject.is_empty());
    (title, subject.to_owned(), link, reason.unwrap_or_default().to_owned())
}

/// `policy.coverage` as `Policy coverage`.
fn words(slug: &str) -> String {
    let text = slug.replace(['.', '_', '-'], " ");
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

const fn step_word(step: Step) -> &'static str {
    match step {
        Step::Draft => "drafted",
        Step::Submit => "submitted",
        Step::Approve => "approved",
        Step::Reject => "rejected",
        Step::Withdraw => "withdrawn",
        Step::Execute => "carried out",
        Step::Ratify => "ratified",
    }
}

/// A refusal that was kept under its key: what was asked and why it was refused stand with the kept answer.
fn refusal(conn: &mut Conn, trace: &Trace, line: &mut Line) -> Result<(), StoreError> {
    line.outcome = Outcome::Refused(text(&trace.body, "code").to_owned());
    line.title = "Refused command".to_owned();
    let Some(kept) = request::find(conn, &trace.actor, &trace.request)? else { return Ok(()) };
    let answer: Json = serde_json::from_str(&kept.response).unwrap_or(Json::Null);
    text(&answer, "detail").clone_into(&mut line.reason);
    let content: Option<Json> = kept.content.and_then(|content| serde_json::from_str(&content).ok());
    let asked = content.as_ref().and_then(Json::as_object).and_then(|asked| asked.iter().next());
    if let Some((kind, command)) = asked {
        line.title = kinds::find(kind).map_or_else(|| words(kind), |kind: Kind| kind.title.to_owned());
        // Acts on proposals name the proposal; commands what they are about.
        if let Some(id) = number(command, "proposal") {
            line.subject = id.to_string();
            line.link = Some(link::proposal(id));
        }
    }
    Ok(())
}

/// Refusals that were folded together, each with how often it was met.
fn folded(line: &Line, trace: &Trace) -> Vec<Line> {
    let body = trace.body.get("body").cloned().unwrap_or(Json::Null);
    let Ok(body) = serde_json::from_value::<Body>(body) else { return vec![line.clone()] };
    let one = |refused: super::refused::Met| Line {
        actor: text(&trace.body, "subject").to_owned(),
        session: refused.session.clone(),
        title: refused.what.clone(),
        subject: if refused.count == 1 { String::new() } else { format!("{} times until {}", refused.count, refused.last) },
        link: None,
        outcome: Outcome::Refused(refused.code.clone()),
        reason: refused.detail.clone(),
        request: refused.request_id.clone(),
        at: refused.first,
        ..line.clone()
    };
    let mut lines: Vec<Line> = body.refused.into_iter().map(one).collect();
    if body.more > 0 {
        lines.push(Line {
            actor: text(&trace.body, "subject").to_owned(),
            title: "Further refusals of other kinds".to_owned(),
            subject: format!("{} times", body.more),
            outcome: Outcome::Refused("several".to_owned()),
            ..line.clone()
        });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_read_from_the_key_of_a_form() {
        assert_eq!(session_in("person:paula", "0123456789ab.01890"), Some("0123456789ab"));
        assert_eq!(session_in("key:paula", "0123456789ab.01890"), None);
        for other in ["", "0123456789ab", "0123456789a.x", "0123456789ax.y", "report.2019-01-01"] {
            assert_eq!(session_in("person:paula", other), None, "{other}");
        }
    }

    #[test]
    fn a_kind_nobody_has_told_of_reads_as_words() {
        assert_eq!(words("recon.sign_off"), "Recon sign off");
        assert_eq!(words(""), "");
    }
}
