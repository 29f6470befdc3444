//! The checklist of a month: what the book finds, and what people have ticked, left out or taken on.

use super::conditions::{self, Unmet};
use super::{Recorded, closed, month, seal, soft};
use crate::domain::approval::Risk;
use crate::domain::close::{Item, ItemState, MonthState};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::period::Period;
use crate::domain::person::Role;
use crate::domain::text::check_free_text;
use crate::service::command::Command;
use crate::service::refs::Refs;
use crate::service::{Answer, Book, Call, Reply, people};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::fact;
use crate::store::tx::Tx;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// Kind of the facts that mark an item; the subject is the month.
pub const MARK: &str = "close.item";

/// The longest evidence or reason.
const MAX_NOTE: usize = 500;
/// The most findings that one reason can accept; more fit no leaf, and no reason.
const MAX_ACCEPTED: usize = 500;

/// What a person says about an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkItem {
    /// The month, as `2019-05`.
    pub period: String,
    /// The item's word, for example `statements`.
    pub item: String,
    /// `done`, `not-applicable` or `open`; without it only the owner changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Evidence of what was done (a reference to a file, a ticket, a statement), or the reason why it does not apply.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Login of the person who looks after the item from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// A mark as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct MarkFact {
    item: Item,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<ItemState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    note: String,
    /// What the book had found when the item was left out; what it finds later is not covered by the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    accepted: Vec<String>,
}

impl Book {
    /// Ticks an item, leaves it out with a reason, opens it again, or names who looks after it.
    ///
    /// # Errors
    /// `InvalidField`, `NotFound` for an unknown owner, `PeriodClosed`; `WrongState` for what the book finds out by itself.
    pub fn mark_item(&self, call: &Call, mark: MarkItem) -> Result<Reply, StoreError> {
        self.give(call, mark)
    }

    /// The checklist of a month (`2019-05`) as it stands now, or as it was signed off.
    ///
    /// # Errors
    /// `InvalidField`, or the database's failure.
    pub fn checklist(&self, period: &str) -> Result<Checklist, StoreError> {
        let (period, now) = (month(period)?, self.clock.now());
        self.read(|conn| Checklist::load(conn, period, now))
    }
}

impl MarkItem {
    fn item(&self) -> Result<Item, Rejection> {
        Item::from_slug(&self.item).ok_or_else(|| {
            let all: Vec<&str> = Item::ALL.iter().map(|item| item.slug()).collect();
            Rejection::invalid("/item", &self.item, format!("is not an item; use one of {}", all.join(", ")))
        })
    }

    fn state(&self) -> Result<Option<ItemState>, Rejection> {
        let state = |word: &String| {
            ItemState::from_slug(word)
                .ok_or_else(|| Rejection::invalid("/state", word, "is not a state; use done, not-applicable or open"))
        };
        self.state.as_ref().map(state).transpose()
    }
}

impl Command for MarkItem {
    const KIND: &'static str = "period.item";
    const TITLE: &'static str = "Mark an item of a month's checklist";
    const GIVERS: &'static [Role] = &[Role::Preparer, Role::Treasurer, Role::IncidentOfficer];

    // A tick moves nothing. The close that rests on it is approved, with the checklist in sight.
    fn risk(&self) -> Risk {
        Risk::Free
    }

    fn check(&self) -> Result<(), Rejection> {
        month(&self.period)?;
        let (item, state) = (self.item()?, self.state()?);
        if state.is_none() && self.owner.is_none() {
            return Err(Rejection::invalid("/state", "", "say how the item stands, or who looks after it"));
        }
        if state == Some(ItemState::Done) && item.is_computed() {
            return Err(Rejection::invalid("/item", item.slug(), "is not ticked: the book finds out by itself whether it holds"));
        }
        if state == Some(ItemState::NotApplicable) && !item.may_be_left_out() {
            return Err(Rejection::invalid("/item", item.slug(), "cannot be left out; the month's figures rest on it"));
        }
        if state.is_some_and(|state| state != ItemState::Open) || !self.note.is_empty() {
            check_free_text(&self.note, MAX_NOTE).map_err(|error| {
                let detail = format!("{error}; write the evidence of what was done, or the reason why it does not apply");
                Rejection::invalid("/note", &self.note, detail)
            })?;
        }
        Ok(())
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        let (period, item, state) = (month(&self.period)?, self.item()?, self.state()?);
        if closed(tx.conn, period)?.is_some() {
            let detail = "is closed; its checklist stands as it was signed off";
            return Err(Rejection::new(OutcomeCode::PeriodClosed, "/period", period, detail).into());
        }
        if period.first_day() > tx.today() {
            return Err(Rejection::invalid("/period", period, "has not begun").into());
        }
        if let Some(owner) = &self.owner
            && !people::all(tx.conn)?.iter().any(|person| person.login == *owner)
        {
            let detail = "is not the login of a person of this book";
            return Err(Rejection::new(OutcomeCode::NotFound, "/owner", owner, detail).into());
        }
        let left_out = state == Some(ItemState::NotApplicable) && item.is_computed();
        let accepted = if left_out { found(tx, period, item)? } else { Vec::new() };
        let mark = MarkFact { item, state, owner: self.owner.clone(), note: self.note.clone(), accepted };
        tx.add_fact(MARK, &period.to_string(), period.last_day(), &mark);
        Ok(Answer::created(json!({
            "period": period.to_string(), "item": item.slug(), "state": state, "owner": self.owner, "note": self.note,
            "accepted": mark.accepted,
        })))
    }
}

/// What the book finds wrong about an item right now.
fn found(tx: &mut Tx<'_>, period: Period, item: Item) -> Result<Vec<String>, StoreError> {
    let refs = Refs::load(tx.conn)?;
    let unmet = conditions::unmet(tx.conn, &refs, item, (period, tx.stamp.at), &BTreeSet::new())?;
    let keys: Vec<String> = unmet.into_iter().flat_map(|unmet| unmet.keys).collect();
    if keys.is_empty() {
        let detail = "holds already; there is nothing to leave out";
        return Err(Rejection::new(OutcomeCode::WrongState, "/item", item.slug(), detail).into());
    }
    if keys.len() > MAX_ACCEPTED {
        let detail = format!("has {} findings; one reason accepts {MAX_ACCEPTED} at most, so mend the feed first", keys.len());
        return Err(Rejection::new(OutcomeCode::AboveLimit, "/item", item.slug(), detail).into());
    }
    Ok(keys)
}

/// An item with how it stands.
#[derive(Debug, Clone)]
pub struct ItemView {
    /// Which.
    pub item: Item,
    /// How it stands.
    pub state: ItemState,
    /// Login of the person who looks after it, or the role where nobody is named.
    pub owner: String,
    /// Evidence, or the reason why it was left out.
    pub note: String,
    /// What the book finds wrong and no reason covers, each with its mend.
    pub unmet: Vec<Unmet>,
    /// Who marked it last, and when.
    pub marked: Option<Recorded>,
}

/// A closed month's last things.
#[derive(Debug, Clone)]
pub struct SignOff {
    /// The closing entry; none when the month had no income and no expense.
    pub entry: Option<i64>,
    /// The seal with its leaf; none for a month that was closed before there were seals.
    pub seal: Option<(i64, seal::Seal)>,
    /// Who closed it, and when.
    pub recorded: Recorded,
}

/// The checklist of a month.
#[derive(Debug, Clone)]
pub struct Checklist {
    /// The month.
    pub period: Period,
    /// How far it is.
    pub state: MonthState,
    /// The items in their order; none for a month that was closed before there were checklists.
    pub items: Vec<ItemView>,
    /// Who closed it softly, and when.
    pub soft: Option<Recorded>,
    /// How it was closed for good.
    pub closed: Option<SignOff>,
}

impl Checklist {
    /// The checklist as it stands at a moment; that of a closed month as it was signed off.
    ///
    /// # Errors
    /// The database's failure.
    pub fn load(conn: &mut Conn, period: Period, now: Timestamp) -> Result<Self, StoreError> {
        let marks = marks(conn, period)?;
        let soft = soft::recorded(conn, period)?;
        let Some(row) = closed(conn, period)? else {
            let refs = Refs::load(conn)?;
            let mut items = Vec::with_capacity(Item::ALL.len());
            for item in Item::ALL {
                items.push(view(conn, &refs, *item, (period, now), &marks)?);
            }
            let state = if soft.is_some() { MonthState::SoftClosed } else { MonthState::Open };
            return Ok(Self { period, state, items, soft, closed: None });
        };
        let sealed = seal::of(conn, period)?;
        let items = sealed.iter().flat_map(|(_, sealed)| &sealed.items).map(|sealed| signed_off(sealed, &marks)).collect();
        let recorded = Recorded::of_leaf(conn, row.leaf)?;
        let sign_off = SignOff { entry: row.closed_entry, seal: sealed, recorded };
        Ok(Self { period, state: MonthState::Closed, items, soft, closed: Some(sign_off) })
    }

    /// How many items are open.
    pub fn open(&self) -> usize {
        self.items.iter().filter(|view| view.state == ItemState::Open).count()
    }
}

/// A mark with who made it, and when.
type Marked = (MarkFact, Recorded);

fn marks(conn: &mut Conn, period: Period) -> Result<Vec<Marked>, StoreError> {
    let facts = fact::of_subject(conn, MARK, &period.to_string())?;
    facts.into_iter().map(|row| Ok((row.parse()?, Recorded::of_leaf(conn, row.leaf)?))).collect()
}

/// The last mark of an item that says how it stands.
fn last_state(marks: &[Marked], item: Item) -> Option<&Marked> {
    marks.iter().rfind(|(mark, _)| mark.item == item && mark.state.is_some())
}

fn owner(marks: &[Marked], item: Item) -> String {
    let named = marks.iter().rev().filter(|(mark, _)| mark.item == item).find_map(|(mark, _)| mark.owner.clone());
    named.unwrap_or_else(|| item.role().slug().to_owned())
}

fn view(conn: &mut Conn, refs: &Refs, item: Item, at: (Period, Timestamp), marks: &[Marked]) -> Result<ItemView, StoreError> {
    let last = last_state(marks, item);
    let said = last.and_then(|(mark, _)| mark.state).unwrap_or(ItemState::Open);
    let mut view = ItemView {
        item,
        state: said,
        owner: owner(marks, item),
        note: last.map(|(mark, _)| mark.note.clone()).unwrap_or_default(),
        unmet: Vec::new(),
        marked: last.map(|(_, recorded)| recorded.clone()),
    };
    if !item.is_computed() {
        return Ok(view);
    }
    let accepted: BTreeSet<String> = match last {
        Some((mark, _)) if said == ItemState::NotApplicable => mark.accepted.iter().cloned().collect(),
        _ => BTreeSet::new(),
    };
    view.unmet = conditions::unmet(conn, refs, item, at, &accepted)?;
    let holds = accepted.is_empty() || conditions::unmet(conn, refs, item, at, &BTreeSet::new())?.is_empty();
    view.state = match (view.unmet.is_empty(), holds) {
        (false, _) => ItemState::Open,
        (true, true) => ItemState::Done,
        (true, false) => ItemState::NotApplicable,
    };
    if view.state == ItemState::Done {
        // What was accepted has been mended since; the reason explains nothing any more.
        (view.note, view.marked) = (String::new(), None);
    }
    Ok(view)
}

fn signed_off(sealed: &seal::SealedItem, marks: &[Marked]) -> ItemView {
    let by_a_person = !sealed.note.is_empty();
    ItemView {
        item: sealed.item,
        state: sealed.state,
        owner: owner(marks, sealed.item),
        note: sealed.note.clone(),
        unmet: Vec::new(),
        marked: last_state(marks, sealed.item).filter(|_| by_a_person).map(|(_, recorded)| recorded.clone()),
    }
}
