//! What reports on control read of the book: the receivable by age, who held which access, who made and who checked what.

use super::window::View;
use crate::domain::amount::Value;
use crate::domain::approval::Step;
use crate::domain::ids::EntryNo;
use crate::domain::person::{PersonId, Role};
use crate::report::control::{Duty, HeldKey, Holder, Holders, OpenDate, Receivable, Recorded, RoleSpell, Voice};
use crate::service::approvals::{self, Proposal};
use crate::service::contributions::ageing;
use crate::service::identity::LOGINS;
use crate::service::people::{ROLE, SetRole};
use crate::store::access;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::trail::{self, Trace};
use crate::store::{fact, key, person};
use jiff::{Timestamp, civil::Date};
use std::collections::BTreeMap;

/// Records of the log that are looked through for the last use of keys; older uses are not looked for.
const LOOKED_BACK: i64 = 20_000;
/// Records that are read at a time.
const CHUNK: i64 = 2_000;

impl View<'_> {
    pub(super) fn receivables_on(&mut self, as_of: Date) -> Result<Vec<Receivable>, StoreError> {
        let known_at = self.facts.known_at;
        let item = |item: ageing::OpenItem| OpenDate {
            day: item.date,
            age_days: item.age_days,
            quantity: item.quantity,
            value: item.value,
        };
        let all = ageing::open(self.conn, as_of, known_at)?.into_iter();
        let receivable = |one: ageing::AssetAgeing| Receivable {
            asset: one.asset,
            quantity: one.quantity,
            value: one.value,
            items: one.items.into_iter().map(item).collect(),
        };
        Ok(all.map(receivable).collect())
    }

    /// Leaves that count: known at the view's moment, and recorded until the given one.
    fn leaves_until(&mut self, until: Option<Timestamp>) -> Result<i64, StoreError> {
        let Some(until) = until else { return Ok(self.known.leaves) };
        let counted = trail::count_until(self.conn, until)?;
        Ok(counted.min(self.known.leaves))
    }

    pub(super) fn holders_until(&mut self, until: Option<Timestamp>) -> Result<Holders, StoreError> {
        let leaves = self.leaves_until(until)?;
        holders(self.conn, leaves)
    }

    pub(super) fn duties_until(&mut self, until: Option<Timestamp>) -> Result<Vec<Duty>, StoreError> {
        let leaves = self.leaves_until(until)?;
        let names: BTreeMap<PersonId, String> =
            person::all(self.conn)?.into_iter().map(|row| (PersonId(row.id), row.login)).collect();
        let now = until.map_or(self.now, |until| until.min(self.now));
        let proposals = approvals::all_before(self.conn, leaves, now)?;
        proposals.iter().map(|proposal| duty(proposal, &names)).collect()
    }
}

/// Persons and keys with what they held when the log had this many leaves.
///
/// # Errors
/// The database's failure.
pub fn holders(conn: &mut Conn, leaves: i64) -> Result<Holders, StoreError> {
    let mut holders = Holders::default();
    let mut persons: BTreeMap<i32, String> = BTreeMap::new();
    let spells = spells(conn, leaves)?;
    let logins: BTreeMap<i32, i64> = access::last_of(conn, &LOGINS, leaves)?.into_iter().collect();
    for row in person::all(conn)?.into_iter().filter(|row| row.leaf < leaves) {
        let since = recorded(trail::find(conn, row.leaf)?)?;
        persons.insert(row.id, row.login.clone());
        holders.persons.push(Holder {
            spells: spells.get(&row.login).cloned().unwrap_or_default(),
            last_login: logins.get(&row.id).map(|at| moment(*at)).transpose()?,
            login: row.login,
            name: row.name,
            since,
        });
    }
    let uses = last_uses(conn, leaves)?;
    let mut revoked = BTreeMap::new();
    for row in key::revocations(conn)?.into_iter().filter(|row| row.leaf < leaves) {
        revoked.insert(row.key_id, recorded(trail::find(conn, row.leaf)?)?);
    }
    for row in key::all(conn)?.into_iter().filter(|row| row.leaf < leaves) {
        holders.keys.push(HeldKey {
            since: recorded(trail::find(conn, row.leaf)?)?,
            last_command: uses.get(&format!("key:{}", row.name)).copied(),
            owner: row.owner.and_then(|owner| persons.get(&owner).cloned()),
            expires_at: row.expires_at.map(moment).transpose()?,
            revoked: revoked.remove(&row.id),
            name: row.name,
            scope: row.scope,
        });
    }
    holders.looked_back = LOOKED_BACK;
    Ok(holders)
}

/// The roles over time, by login name.
fn spells(conn: &mut Conn, leaves: i64) -> Result<BTreeMap<String, Vec<RoleSpell>>, StoreError> {
    let mut spells: BTreeMap<String, Vec<RoleSpell>> = BTreeMap::new();
    for row in fact::of_kind(conn, ROLE)?.into_iter().filter(|row| row.leaf < leaves) {
        let set: SetRole = row.parse()?;
        let role = Role::from_slug(&set.role).ok_or_else(|| StoreError::Damaged(format!("fact {}: role", row.id)))?;
        let at = recorded(trail::find(conn, row.leaf)?)?;
        let own = spells.entry(row.subject).or_default();
        if set.held {
            own.push(RoleSpell { role, since: at, reason: set.reason, until: None });
        } else if let Some(spell) = own.iter_mut().rev().find(|spell| spell.role == role && spell.until.is_none()) {
            spell.until = Some(at);
        }
    }
    Ok(spells)
}

/// When each key last recorded something, by its actor.
fn last_uses(conn: &mut Conn, leaves: i64) -> Result<BTreeMap<String, Timestamp>, StoreError> {
    let mut uses = BTreeMap::new();
    let (mut below, end) = (leaves, trail::below(conn, 0, leaves, 1)?.first().map_or(0, |leaf| leaf.idx));
    let first = end.saturating_sub(LOOKED_BACK);
    loop {
        let read = trail::below(conn, first, below, CHUNK)?;
        for leaf in &read {
            let Some(at) = trail::at_in(&leaf.bytes) else { continue };
            for actor in trail::actors_in(&leaf.bytes).filter(|actor| actor.starts_with("key:")) {
                uses.entry(actor.to_owned()).or_insert(at);
            }
        }
        let Some(last) = read.last() else { break };
        below = last.idx;
    }
    Ok(uses)
}

fn duty(proposal: &Proposal, names: &BTreeMap<PersonId, String>) -> Result<Duty, StoreError> {
    let name = |id: PersonId| names.get(&id).cloned().unwrap_or_else(|| format!("person {id}"));
    let decides = |step: Step| matches!(step, Step::Approve | Step::Ratify | Step::Reject);
    let voices = proposal.steps.iter().filter(|step| decides(step.step));
    let voice = |step: &approvals::StepDone| Voice { login: name(step.person), at: step.at, own: step.person == proposal.maker };
    let damaged = || StoreError::Damaged(format!("proposal {} has no step", proposal.id));
    let executed = proposal.steps.iter().find(|step| step.step == Step::Execute);
    let amount = proposal.submission.as_ref().and_then(|asked| Value::parse(&asked.amount).ok());
    Ok(Duty {
        proposal: proposal.id,
        title: proposal.rules()?.title.to_owned(),
        maker: name(proposal.maker),
        made_at: proposal.steps.first().ok_or_else(damaged)?.at,
        voices: voices.map(voice).collect(),
        executed_by: executed.map(|step| name(step.person)),
        amount,
        state: if proposal.to_ratify() > 0 { "to be ratified".to_owned() } else { proposal.state.slug().to_owned() },
        entries: proposal.entries().map(|(first, last)| (EntryNo(first), EntryNo(last))),
    })
}

fn moment(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|_| StoreError::Damaged(format!("{micros} is not a moment")))
}

fn recorded(trace: Option<Trace>) -> Result<Recorded, StoreError> {
    let trace = trace.ok_or_else(|| StoreError::Damaged("a record has no leaf".to_owned()))?;
    Ok(Recorded { at: trace.at, by: trace.actor })
}
