//! What a pack is taken from: the rows that the log covers up to a size, and the part of the log that was recorded in the range.

use super::Options;
use super::file::Csv;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::proof::merkle::{Hash, root_of};
use crate::report::control::Recorded;
use crate::report::params::moment;
use crate::service::approvals;
use crate::service::audit::change;
use crate::service::audit::line::{self, Names, Outcome};
use crate::service::audit::refused::REFUSED;
use crate::service::refs::Refs;
use crate::service::reporting::holders;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::fact::{self, FactRow};
use crate::store::log::{self, Leaf};
use crate::store::trail::{self, Trace};
use crate::store::{person, price, reference};
use jiff::Timestamp;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Leaves and facts that are read at a time.
const CHUNK: i64 = 2_000;

/// Takes each file as it is made.
pub(super) type Take<'t> = dyn FnMut(&str, Csv) -> Result<(), StoreError> + 't;

/// Who recorded what when, with the leaf.
type Files = BTreeMap<String, Csv>;

/// One state of a book's log and a range of it.
pub(super) struct Scope<'a> {
    pub(super) conn: &'a mut Conn,
    pub(super) options: &'a Options,
    /// Name of the book.
    pub(super) book_name: String,
    /// Leaves that count.
    pub(super) size: i64,
    /// Root over them, hex.
    pub(super) root: String,
    /// When the last of them was recorded.
    pub(super) last_recorded_at: Option<Timestamp>,
    /// The first leaf of the range and the one after the last.
    pub(super) range: (i64, i64),
    pub(super) refs: Refs,
    hashes: Vec<Hash>,
}

impl<'a> Scope<'a> {
    pub(super) fn open(conn: &'a mut Conn, options: &'a Options) -> Result<Self, StoreError> {
        let mut hashes = log::leaf_hashes(conn)?;
        let there = i64::try_from(hashes.len()).unwrap_or(i64::MAX);
        let size = options.size.unwrap_or(there);
        if size > there {
            let detail = format!("the log has {there} records only; take the pack to the book that it was made from");
            return Err(Rejection::new(OutcomeCode::InvalidField, "/size", size, detail).into());
        }
        hashes.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        let before = options.from.yesterday().map_err(|_| Rejection::invalid("/from", options.from, "is before all days"))?;
        let first = trail::count_until(conn, moment("/from", &before.to_string())?)?.min(size);
        let end = trail::count_until(conn, moment("/to", &options.to.to_string())?)?.min(size);
        let last = trail::find(conn, size.saturating_sub(1))?;
        Ok(Self {
            book_name: reference::book_row(conn)?.map(|book| book.name).unwrap_or_default(),
            size,
            root: hex::encode(root_of(hashes.iter().copied())),
            last_recorded_at: last.map(|trace| trace.at),
            range: (first, end),
            refs: Refs::load(conn)?,
            conn,
            options,
            hashes,
        })
    }

    /// True for what was recorded in the range.
    pub(super) fn is_in_range(&self, leaf: i64) -> bool {
        (self.range.0..self.range.1).contains(&leaf)
    }

    /// Makes every file.
    pub(super) fn each_file(&mut self, take: &mut Take<'_>) -> Result<(), StoreError> {
        self.entries(take)?;
        take("approvals.csv", self.approvals()?)?;
        self.people(take)?;
        take("policy_changes.csv", self.policy_changes()?)?;
        take("prices.csv", self.prices()?)?;
        take("periods.csv", self.periods()?)?;
        self.records(take)?;
        let mut log = Csv::new(&["leaf", "hash"]);
        for (hash, leaf) in self.hashes.iter().zip(0_i64..) {
            log.row([leaf.to_string().as_str(), hex::encode(hash).as_str()]);
        }
        take("log.csv", log)
    }

    fn approvals(&mut self) -> Result<Csv, StoreError> {
        let mut csv = Csv::new(&[
            "proposal",
            "kind",
            "title",
            "step_no",
            "step",
            "revision",
            "person",
            "name",
            "maker",
            "is_own",
            "at",
            "reason",
            "amount",
            "needed",
            "hash",
            "first_entry",
            "last_entry",
            "leaf",
        ]);
        let people: BTreeMap<i32, (String, String)> =
            person::all(self.conn)?.into_iter().map(|row| (row.id, (row.login, row.name))).collect();
        let of = |id: i32| people.get(&id).cloned().unwrap_or_default();
        // Whether a proposal has expired by now is not what a pack says; its steps are.
        let mut proposals = approvals::all_before(self.conn, self.size, Timestamp::UNIX_EPOCH)?;
        proposals.reverse();
        for proposal in &proposals {
            let title = proposal.rules()?.title;
            for step in proposal.steps.iter().filter(|step| self.is_in_range(step.leaf)) {
                let text = |name: &str| match step.content.get(name) {
                    Some(Json::String(text)) => text.clone(),
                    Some(Json::Number(number)) => number.to_string(),
                    _ => String::new(),
                };
                let (login, name) = of(step.person.0);
                csv.row([
                    proposal.id.to_string().as_str(),
                    &proposal.kind,
                    title,
                    &step.no.to_string(),
                    step.step.slug(),
                    &step.revision.to_string(),
                    &login,
                    &name,
                    &of(proposal.maker.0).0,
                    if step.person == proposal.maker { "yes" } else { "no" },
                    &step.at.to_string(),
                    &text("reason"),
                    &text("amount"),
                    &text("needed"),
                    &text("hash"),
                    &text("first_entry"),
                    &text("last_entry"),
                    &step.leaf.to_string(),
                ]);
            }
        }
        Ok(csv)
    }

    fn people(&mut self, take: &mut Take<'_>) -> Result<(), StoreError> {
        let holders = holders(self.conn, self.size)?;
        let at = |recorded: Option<&Recorded>| recorded.map(|r| (r.at.to_string(), r.by.clone())).unwrap_or_default();
        let mut users = Csv::new(&["login", "name", "known_since", "made_known_by", "roles_at_the_end", "last_login"]);
        let mut roles = Csv::new(&["login", "name", "role", "from", "given_by", "reason", "until", "taken_by"]);
        let mut keys = Csv::new(&["key", "scope", "owner", "made", "made_by", "expires", "revoked", "revoked_by"]);
        for person in &holders.persons {
            let held: Vec<&str> =
                person.spells.iter().filter(|spell| spell.until.is_none()).map(|spell| spell.role.slug()).collect();
            let (since, by) = at(Some(&person.since));
            let login = person.last_login.map(|at| at.to_string()).unwrap_or_default();
            users.row([person.login.as_str(), &person.name, &since, &by, &held.join(" "), &login]);
            for spell in &person.spells {
                let ((from, given), (until, taken)) = (at(Some(&spell.since)), at(spell.until.as_ref()));
                roles.row([person.login.as_str(), &person.name, spell.role.slug(), &from, &given, &spell.reason, &until, &taken]);
            }
        }
        for key in &holders.keys {
            let ((made, by), (revoked, revoked_by)) = (at(Some(&key.since)), at(key.revoked.as_ref()));
            let expires = key.expires_at.map(|at| at.to_string()).unwrap_or_default();
            let owner = key.owner.as_deref().unwrap_or_default();
            keys.row([key.name.as_str(), &key.scope, owner, &made, &by, &expires, &revoked, &revoked_by]);
        }
        take("users.csv", users)?;
        take("roles.csv", roles)?;
        take("keys.csv", keys)
    }

    fn policy_changes(&mut self) -> Result<Csv, StoreError> {
        let mut csv = Csv::new(&[
            "kind",
            "subject",
            "effective_on",
            "recorded_at",
            "actor",
            "request",
            "changed",
            "before",
            "after",
            "leaf",
        ]);
        let mut histories: BTreeMap<(String, String), Vec<FactRow>> = BTreeMap::new();
        let mut after = 0;
        loop {
            let page = fact::page(self.conn, after, CHUNK)?;
            let Some(last) = page.last() else { break };
            after = last.id;
            for row in page.into_iter().filter(|row| row.leaf < self.size && change::replaces(&row.kind)) {
                histories.entry((row.kind.clone(), row.subject.clone())).or_default().push(row);
            }
        }
        for ((kind, subject), history) in &histories {
            for (at, row) in history.iter().enumerate() {
                if !self.is_in_range(row.leaf) {
                    continue;
                }
                let change = change::among(history, at)?;
                let trace = self.trace(row.leaf)?;
                csv.row([
                    kind.as_str(),
                    subject,
                    &row.effective_on,
                    &trace.at.to_string(),
                    &trace.actor,
                    &trace.request,
                    &change.in_short(),
                    &change.before.to_string(),
                    &change.after.to_string(),
                    &row.leaf.to_string(),
                ]);
            }
        }
        Ok(csv)
    }

    fn trace(&mut self, leaf: i64) -> Result<Trace, StoreError> {
        trail::find(self.conn, leaf)?.ok_or_else(|| StoreError::Damaged(format!("leaf {leaf} is missing")))
    }

    fn prices(&mut self) -> Result<Csv, StoreError> {
        let mut csv = Csv::new(&[
            "cutoff_on",
            "asset",
            "price",
            "basis",
            "source",
            "source_hash",
            "locked_at",
            "locked_by",
            "request",
            "leaf",
        ]);
        let days = self.options.from.to_string()..=self.options.to.to_string();
        let headers = price::headers(self.conn)?;
        let wanted: Vec<_> = headers
            .into_iter()
            .filter(|set| set.leaf < self.size && (self.is_in_range(set.leaf) || days.contains(&set.cutoff_on)))
            .collect();
        for header in wanted {
            let trace = self.trace(header.leaf)?;
            let set = price::set_on(self.conn, &header.cutoff_on)?;
            for row in set.map(|set| set.prices).unwrap_or_default() {
                csv.row([
                    header.cutoff_on.as_str(),
                    self.refs.code(crate::domain::asset::AssetId(row.asset_id)),
                    &row.price,
                    &row.basis,
                    &header.source,
                    &header.source_hash,
                    &trace.at.to_string(),
                    &trace.actor,
                    &trace.request,
                    &header.leaf.to_string(),
                ]);
            }
        }
        Ok(csv)
    }

    fn periods(&mut self) -> Result<Csv, StoreError> {
        let mut csv = Csv::new(&["period", "closing_entry", "closed_at", "closed_by", "request", "leaf"]);
        let size = self.size;
        for row in price::closed_periods(self.conn)?.into_iter().filter(|row| row.leaf < size) {
            let trace = self.trace(row.leaf)?;
            let entry = row.closed_entry.map(|no| no.to_string()).unwrap_or_default();
            csv.row([row.period.as_str(), &entry, &trace.at.to_string(), &trace.actor, &trace.request, &row.leaf.to_string()]);
        }
        Ok(csv)
    }

    /// One walk over the records of the range: themselves, logins, refusals, and facts by their kind.
    fn records(&mut self, take: &mut Take<'_>) -> Result<(), StoreError> {
        let names = Names::load(self.conn)?;
        let mut access = Csv::new(&["at", "what", "person", "session", "address", "actor", "leaf"]);
        let mut refusals = Csv::new(&["at", "actor", "session", "what", "about", "code", "reason", "request", "leaf"]);
        let mut records = Csv::new(&["leaf", "kind", "recorded_at", "actor", "request", "hash", "bytes"]);
        let mut facts = Files::new();
        let (mut next, end) = self.range;
        while next < end {
            let leaves = log::leaves(self.conn, next, CHUNK.min(end.saturating_sub(next)))?;
            let Some(last) = leaves.last() else { break };
            next = last.idx.saturating_add(1);
            for leaf in &leaves {
                let trace = Trace::read(leaf)?;
                record(&mut records, leaf, &trace);
                match trace.kind.as_str() {
                    "access_event" => login(&mut access, &names, &trace),
                    "fact" => fact_row(&mut facts, &trace),
                    _ => {}
                }
                if trace.kind == "refusal" || line::kind_of(&trace) == REFUSED {
                    for line in line::read(self.conn, &names, &trace)? {
                        refused(&mut refusals, &line);
                    }
                }
            }
        }
        take("access_events.csv", access)?;
        take("refusals.csv", refusals)?;
        for (kind, csv) in facts {
            take(&format!("facts/{kind}.csv"), csv)?;
        }
        take("records.csv", records)
    }
}

fn record(csv: &mut Csv, leaf: &Leaf, trace: &Trace) {
    csv.row([
        trace.leaf.to_string().as_str(),
        &trace.kind,
        &trace.at.to_string(),
        &trace.actor,
        &trace.request,
        &hex::encode(&leaf.hash),
        &leaf.bytes,
    ]);
}

fn login(csv: &mut Csv, names: &Names, trace: &Trace) {
    let text = |name: &str| trace.body.get(name).and_then(Json::as_str).unwrap_or_default();
    let person = names.person(trace.body.get("person").and_then(Json::as_i64));
    csv.row([
        trace.at.to_string().as_str(),
        text("what"),
        &person,
        text("session"),
        text("address"),
        &trace.actor,
        &trace.leaf.to_string(),
    ]);
}

fn refused(csv: &mut Csv, line: &line::Line) {
    let code = match &line.outcome {
        Outcome::Refused(code) => code.as_str(),
        Outcome::Recorded => "",
    };
    csv.row([
        line.at.to_string().as_str(),
        &line.actor,
        &line.session,
        &line.title,
        &line.subject,
        code,
        &line.reason,
        &line.request,
        &line.leaf.to_string(),
    ]);
}

fn fact_row(facts: &mut Files, trace: &Trace) {
    let text = |name: &str| trace.body.get(name).and_then(Json::as_str).unwrap_or_default();
    let heading = ["fact", "subject", "effective_on", "recorded_at", "actor", "request", "body", "leaf"];
    let csv = facts.entry(text("kind").to_owned()).or_insert_with(|| Csv::new(&heading));
    let id = trace.body.get("id").map(ToString::to_string).unwrap_or_default();
    let body = trace.body.get("body").map(crate::proof::leaf::canonical).unwrap_or_default();
    csv.row([
        id.as_str(),
        text("subject"),
        text("effective_on"),
        &trace.at.to_string(),
        &trace.actor,
        &trace.request,
        &body,
        &trace.leaf.to_string(),
    ]);
}
