//! Fee reports come in: checked as a whole before the write, decided in one command, kept whatever becomes of them.

use super::feed::Feed;
use super::waiting::{CONFLICT, DUPLICATE_KEYS, Day, Outcome, QUARANTINED, REJECTED};
use crate::domain::amount::format_minor_trimmed;
use crate::domain::contribution::check::{AssetTotal, CheckContext, CheckedReport, check_report};
use crate::domain::contribution::manifest::Manifest;
use crate::domain::contribution::policy::{ContributionPolicy, PolicyBook};
use crate::domain::contribution::rows::{RowFormat, RowSet};
use crate::domain::csv_text::MAX_LINE_BYTES;
use crate::domain::ids::VenueId;
use crate::domain::outcome::{OutcomeCode, Problem, Rejection};
use crate::proof::leaf::canonical;
use crate::proof::merkle::{Frontier, Hash, sha256};
use crate::service::refs::Refs;
use crate::service::{Answer, Book, Call, Reply, policies, problem};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::fee_report::{self, NewReport, NewStep, ReportRow, StepRow};
use crate::store::tx::Tx;
use crate::store::{log, request};
use jiff::civil::Date;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A report that is right in itself, with all that can be computed before the write.
struct Prepared {
    policy: ContributionPolicy,
    rows: Arc<RowSet>,
    rows_root: Hash,
    totals: Value,
}

/// What a submission says and brings.
struct Submission {
    manifest: Manifest,
    bytes: Vec<u8>,
    /// SHA-256 of the bytes that came, hex.
    sha256: String,
    today: Date,
}

impl Book {
    /// Takes a fee report in: its manifest and the bytes of its rows.
    ///
    /// The reply is 201 when it is recorded (state `accepted`, or `superseded` for a version that comes too late), 202 when it
    /// waits in quarantine, 409 when it contradicts an earlier one (it is kept for people to see), 422 when it is refused (kept
    /// with its problems where the venue is known). The same report, version and bytes again give the first answer again,
    /// whatever the key.
    ///
    /// # Errors
    /// A manifest that cannot be read, an unusable idempotency key, or the database's failure; then nothing was recorded.
    pub fn submit_report(&self, call: &Call, manifest: &[u8], rows: Vec<u8>) -> Result<Reply, StoreError> {
        let manifest = Manifest::parse(manifest)?;
        let sha256 = hex::encode(sha256(&rows));
        let submission = Arc::new(Submission { manifest, bytes: rows, sha256, today: self.clock.today() });
        let (refs, policies) = self.read(|conn| Ok((Refs::load(conn)?, policies::contribution_policies(conn)?)))?;
        let prepared = submission.prepare(&refs, &policies);
        let content = json!({"fee_report": submission.content(), "sha256": submission.sha256});
        let seen_before = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&seen_before);
        let reply = self.command(call, &content, move |tx| {
            flag.store(false, Ordering::Relaxed);
            let (answer, replayed) = submission.decide(tx, &prepared)?;
            flag.store(replayed, Ordering::Relaxed);
            Ok(answer)
        })?;
        let replayed = reply.replayed || seen_before.load(Ordering::Relaxed);
        Ok(Reply { replayed, ..reply })
    }
}

impl Submission {
    fn content(&self) -> Value {
        serde_json::from_str(&self.manifest.to_json()).unwrap_or(Value::Null)
    }

    /// Everything that can be checked and computed without the state of the book's reports.
    fn prepare(&self, refs: &Refs, policies: &PolicyBook) -> Result<Arc<Prepared>, Rejection> {
        let context = CheckContext { directory: refs, policies, today: self.today };
        let CheckedReport { rows, totals, policy, .. } = check_report(&self.manifest, &self.bytes, context)?;
        for (row, number) in rows.rows.iter().zip(1_u64..) {
            if i64::try_from(row.trades).is_err() {
                let detail = format!("is not a believable count; write at most {}", i64::MAX);
                return Err(Rejection::new(OutcomeCode::InvalidRow, format!("row {number}, column trades"), row.trades, detail));
            }
        }
        let mut frontier = Frontier::new();
        fee_report::push_rows(&mut frontier, &rows)
            .ok_or_else(|| Rejection::new(OutcomeCode::Internal, "", "", "a row names an asset outside its set"))?;
        let totals = totals_json(refs, &totals);
        Ok(Arc::new(Prepared { policy, rows: Arc::new(rows), rows_root: frontier.root(), totals }))
    }

    /// The decision, and whether it is the first answer again.
    fn decide(&self, tx: &mut Tx<'_>, prepared: &Result<Arc<Prepared>, Rejection>) -> Result<(Answer, bool), StoreError> {
        let mut feed = Feed::load(tx, None)?;
        let name = &self.manifest.venue;
        let Ok((venue, _)) = feed.refs.venue("/venue", name.as_str()) else {
            // Without a venue there is nothing to file it under; the refusal itself is logged.
            let refused = prepared.as_ref().err().cloned();
            return Err(refused.map_or_else(|| StoreError::Damaged(format!("the venue {name} has gone")), Into::into));
        };
        let in_force = feed.policies.in_force(name.as_str(), self.manifest.business_date);
        let prepared = match prepared {
            // A policy was recorded since the check: check again under it.
            Ok(checked) if in_force != Some(&checked.policy) => self.prepare(&feed.refs, &feed.policies),
            other => other.clone(),
        };
        let (report_id, version) = (self.manifest.report_id.as_str(), i64::from(self.manifest.version));
        let mut day = Day::load(tx, &feed, venue, self.manifest.business_date, report_id)?;
        if let Some(same) = day.same_content(report_id, version, &self.sha256) {
            return Ok((first_answer(tx.conn, same)?, true));
        }
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(rejection) => return Ok((self.refuse(tx, &mut feed, day, venue, &rejection)?, false)),
        };
        let row = self.row(venue, &prepared);
        if let Some(rejection) = day.wrong_base(&row).filter(|_| day.conflict(&row).is_none()) {
            return Ok((self.refuse(tx, &mut feed, day, venue, &rejection)?, false));
        }
        let row = ReportRow { id: tx.head.next_report(), ..row };
        tx.record(NewReport { row: row.clone(), rows: Some(Arc::clone(&prepared.rows)) });
        Ok((self.settle(tx, &mut feed, &mut day, row)?, false))
    }

    /// Finds out what becomes of a kept report.
    fn settle(&self, tx: &mut Tx<'_>, feed: &mut Feed, day: &mut Day, row: ReportRow) -> Result<Answer, StoreError> {
        if let Some(conflict) = day.conflict(&row) {
            day.hold(tx, row.clone(), CONFLICT, conflict.problems.clone());
            day.advance(tx, feed)?;
            return Ok(refused_answer(&conflict, row.id));
        }
        if let Some(holder) = day.holder(&row) {
            let detail = format!(
                "{} holds this venue's day already (version {}); send a correction under that name as a higher version",
                holder.report_id, holder.version
            );
            let problem = Problem { pointer: "/report_id".to_owned(), detail, value: row.report_id.clone() };
            day.hold(tx, row.clone(), DUPLICATE_KEYS, vec![problem]);
        } else {
            day.take_in(row.clone());
        }
        let outcomes = day.advance(tx, feed)?;
        let outcome = outcomes.iter().find(|outcome| outcome.report == row.id);
        let outcome = outcome.ok_or_else(|| StoreError::Damaged(format!("fee report {} got no state", row.id)))?;
        Ok(self.answer(&row, outcome))
    }

    fn row(&self, venue: VenueId, prepared: &Prepared) -> ReportRow {
        ReportRow { totals: canonical(&prepared.totals), rows_root: prepared.rows_root.to_vec(), ..self.bare_row(venue) }
    }

    /// The row of the report without its number and anything that comes from its rows.
    fn bare_row(&self, venue: VenueId) -> ReportRow {
        let manifest = &self.manifest;
        let totals: Map<String, Value> =
            manifest.control_totals.iter().map(|(code, amount)| (code.to_string(), Value::String(amount.clone()))).collect();
        ReportRow {
            id: 0,
            venue_id: venue.0,
            report_id: manifest.report_id.to_string(),
            business_date: manifest.business_date.to_string(),
            version: i64::from(manifest.version),
            supersedes: manifest.supersedes.map(i64::from),
            generated_at: manifest.generated_at.as_microsecond(),
            row_count: i64::try_from(manifest.row_count).unwrap_or(i64::MAX),
            sha256: self.sha256.clone(),
            control_totals: canonical(&Value::Object(totals)),
            totals: "{}".to_owned(),
            refusal: 0,
            rows_root: Frontier::new().root().to_vec(),
            submitted_by: String::new(),
            recorded_at: 0,
            leaf: 0,
        }
    }

    /// Keeps a refused report with its problems and posts nothing of it. The same refusal of the same content is kept once.
    fn refuse(
        &self,
        tx: &mut Tx<'_>,
        feed: &mut Feed,
        mut day: Day,
        venue: VenueId,
        rejection: &Rejection,
    ) -> Result<Answer, StoreError> {
        let problems = canonical(&self.problems_with_lines(rejection));
        let version = i64::from(self.manifest.version);
        let earlier = day.refusals_of(self.manifest.report_id.as_str(), version, &self.sha256);
        if let Some(last) = earlier.last() {
            let step = fee_report::steps(tx.conn, last.id)?.pop();
            if step.is_some_and(|step| step.problems == problems && step.reason == rejection.code.slug()) {
                return Ok(refused_answer(rejection, last.id));
            }
        }
        let refusal = earlier.iter().map(|row| row.refusal).max().unwrap_or(0).saturating_add(1);
        let row = ReportRow { id: tx.head.next_report(), refusal, ..self.bare_row(venue) };
        tx.record(NewReport { row: row.clone(), rows: None });
        let step = StepRow {
            report_id: row.id,
            step: 1,
            state: REJECTED.to_owned(),
            reason: rejection.code.slug().to_owned(),
            problems,
            entry_no: None,
            recorded_at: 0,
            leaf: 0,
        };
        tx.record(NewStep { step, posted: None });
        let id = row.id;
        day.take_in_refused(row);
        day.advance(tx, feed)?;
        Ok(refused_answer(rejection, id))
    }

    /// The problems as they are kept: each about a row with the line of the file it stands in, so that the failed rows can be
    /// given back.
    fn problems_with_lines(&self, rejection: &Rejection) -> Value {
        let numbers: BTreeSet<usize> = rejection.problems.iter().filter_map(|problem| row_number(&problem.pointer)).collect();
        let header = usize::from(RowFormat::detect(&self.bytes) == RowFormat::Csv);
        let mut lines = std::collections::BTreeMap::new();
        if let Some(last) = numbers.last() {
            let rows = self.bytes.split(|b| *b == b'\n').skip(header).take(*last);
            for (line, number) in rows.zip(1_usize..).filter(|(_, number)| numbers.contains(number)) {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                let shown = line.get(..MAX_LINE_BYTES).unwrap_or(line);
                lines.insert(number, String::from_utf8_lossy(shown).into_owned());
            }
        }
        let kept = |problem: &Problem| {
            let mut kept = json!({"pointer": problem.pointer, "detail": problem.detail, "value": problem.value});
            if let (Some(line), Some(members)) =
                (row_number(&problem.pointer).and_then(|number| lines.get(&number)), kept.as_object_mut())
            {
                members.insert("line".to_owned(), Value::String(line.clone()));
            }
            kept
        };
        Value::Array(rejection.problems.iter().map(kept).collect())
    }

    fn answer(&self, row: &ReportRow, outcome: &Outcome) -> Answer {
        let posted = outcome.posted.as_ref();
        let contributions = posted.and_then(|posted| serde_json::from_str::<Value>(&posted.contributions).ok());
        let mut body = json!({
            "id": row.id,
            "report_id": row.report_id,
            "venue": self.manifest.venue,
            "business_date": row.business_date,
            "version": row.version,
            "state": outcome.state,
            "entry": outcome.entry.map(|entry| entry.0),
            "rows": row.row_count,
            "contributions": contributions.unwrap_or_else(|| json!({})),
            "share": posted.map(|posted| posted.share.clone()),
            "price_set": posted.and_then(|posted| posted.price_set.clone()),
        });
        if let Some(members) = body.as_object_mut().filter(|_| !outcome.reason.is_empty()) {
            members.insert("reason".to_owned(), Value::String(outcome.reason.to_owned()));
            members.insert("problems".to_owned(), json!(outcome.problems));
        }
        let status = if outcome.state == QUARANTINED { 202 } else { 201 };
        Answer { status, body }
    }
}

/// The number of the row a problem is about: `row 17, column net_fee` is 17.
pub(super) fn row_number(pointer: &str) -> Option<usize> {
    let rest = pointer.strip_prefix("row ")?;
    rest.split_once(',').map_or(rest, |(number, _)| number).parse().ok()
}

fn refused_answer(rejection: &Rejection, report: i64) -> Answer {
    let mut body = problem(rejection);
    if let Some(members) = body.as_object_mut() {
        members.insert("report".to_owned(), json!(report));
    }
    Answer { status: rejection.code.status(), body }
}

/// The answer that the first submission of a report got, found by the actor and the key that its leaf names.
fn first_answer(conn: &mut Conn, row: &ReportRow) -> Result<Answer, StoreError> {
    let damaged = || StoreError::Damaged(format!("the answer to fee report {} is missing", row.id));
    let leaf = log::leaf(conn, row.leaf)?.ok_or_else(damaged)?;
    let leaf: Value = serde_json::from_str(&leaf.bytes).map_err(|_| damaged())?;
    let text = |name: &str| leaf.get(name).and_then(Value::as_str).unwrap_or_default();
    let kept = request::find(conn, text("actor"), text("request"))?.ok_or_else(damaged)?;
    let body = serde_json::from_str(&kept.response).map_err(|_| damaged())?;
    Ok(Answer { status: u16::try_from(kept.status).map_err(|_| damaged())?, body })
}

fn totals_json(refs: &Refs, totals: &[AssetTotal]) -> Value {
    let sums = |total: &AssetTotal| {
        let text = |quantity: crate::domain::amount::Quantity| format_minor_trimmed(quantity.minor(), total.scale);
        let sums = json!({"gross_fee": text(total.gross_fee), "rebate": text(total.rebate), "net_fee": text(total.net_fee)});
        (refs.code(total.asset).to_owned(), sums)
    };
    Value::Object(totals.iter().map(sums).collect::<Map<_, _>>())
}
