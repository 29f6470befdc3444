//! Months, and one month with its checklist, what the person at the screen can do about it, and its sign-off.

use super::{Asked, Page};
use crate::domain::close::{Item, ItemState, MonthState};
use crate::report::link;
use crate::service::command::Command;
use crate::service::periods::ClosePeriod;
use crate::service::periods::checklist::{Checklist, ItemView, MarkItem};
use crate::service::periods::files;
use crate::service::periods::soft::SoftClose;
use crate::service::{Book, Call, Reply};
use crate::store::error::StoreError;
use crate::web::app::AppState;
use crate::web::blocking::block;
use crate::web::problem::{Failed, internal};
use crate::web::routes::{Reach, Route};
use crate::web::session::{Fields, Signed, SignedForm, see};
use crate::web::view::{Choice, Deed, DeedField, Extras, Section, Upload, User};
use actix_web::{HttpResponse, web};
use serde_json::Value;

const NOW: &str = "Months and checklists are shown as they stand now.";

/// All months.
pub(super) fn list(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let doc = asked.book.periods_doc()?;
    Ok(Page { context: asked.context_of_now(Section::Close, NOW), doc, extras: Extras::default() })
}

/// One month.
pub(super) fn page(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let period = asked.part("period");
    let doc = asked.book.period_doc(period)?;
    let checklist = asked.book.checklist(period)?;
    let mut extras = Extras { crumbs: vec![("Close".to_owned(), Section::Close.path())], ..Extras::default() };
    if let Some(user) = asked.user.as_ref().filter(|_| checklist.state != MonthState::Closed) {
        extras.row_deeds = deeds(user, &checklist);
        extras.upload = Upload::of(Some(user), items_of(&checklist), asked.path);
    }
    Ok(Page { context: asked.context_of_now(Section::Close, NOW), doc, extras })
}

/// The items that evidence can be attached to: those that people answer for first, because they are what files are brought for.
fn items_of(checklist: &Checklist) -> Vec<Choice> {
    let (found, answered): (Vec<Item>, Vec<Item>) = Item::ALL.iter().partition(|item| item.is_computed());
    let all = answered.into_iter().chain(found);
    all.map(|item| choice(&files::subject(checklist.period, item), item.title())).collect()
}

/// The acts there are, by the last part of their address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Mark,
    SoftClose,
    Close,
}

impl Act {
    const ALL: [Self; 3] = [Self::Mark, Self::SoftClose, Self::Close];

    const fn word(self) -> &'static str {
        match self {
            Self::Mark => "item",
            Self::SoftClose => "soft-close",
            Self::Close => "close",
        }
    }

    fn run(self, book: &Book, call: &Call, period: String, fields: &Fields) -> Result<Reply, StoreError> {
        let text = |name: &str| fields.get(name).trim().to_owned();
        let given = |name: &str| Some(text(name)).filter(|value| !value.is_empty());
        match self {
            Self::Mark => {
                let mark =
                    MarkItem { period, item: text("item"), state: given("state"), note: text("note"), owner: given("owner") };
                book.mark_item(call, mark)
            }
            Self::SoftClose => book.soft_close(call, &period),
            Self::Close => book.close_period(call, &period),
        }
    }

    fn deed(self, user: &User, checklist: &Checklist) -> Deed {
        let hidden = [("csrf", user.csrf.clone()), ("key", Signed::fresh_key())];
        Deed {
            action: format!("{}/{}", link::close(&checklist.period.to_string()), self.word()),
            hidden: hidden.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            ..Deed::default()
        }
    }
}

/// What this person can do about the month now. What is not offered is refused too, whoever sends it.
fn deeds(user: &User, checklist: &Checklist) -> Vec<Deed> {
    let mut deeds = Vec::new();
    if user.person.holds(MarkItem::GIVERS) {
        let open = checklist.items.iter().filter(|view| view.state == ItemState::Open && view.item.may_be_left_out());
        deeds.extend(open.map(|view| mark(user, checklist, view)));
        deeds.push(change(user, checklist));
    }
    if user.person.holds(SoftClose::GIVERS) && checklist.state == MonthState::Open {
        deeds.push(Deed {
            button: format!("Close {} softly", checklist.period),
            about: "From then on only what was approved goes into the month; everything else is booked in the next one."
                .to_owned(),
            ends: true,
            ..Act::SoftClose.deed(user, checklist)
        });
    }
    if user.person.holds(ClosePeriod::GIVERS) && checklist.state == MonthState::SoftClosed {
        deeds.push(Deed {
            button: format!("Close {} for good", checklist.period),
            about: "Posts the closing entry and seals all balances. A closed month is never reopened.".to_owned(),
            ends: true,
            ..Act::Close.deed(user, checklist)
        });
    }
    deeds
}

/// Ticks an open item, or leaves it out.
fn mark(user: &User, checklist: &Checklist, view: &ItemView) -> Deed {
    let mut deed = Act::Mark.deed(user, checklist);
    deed.hidden.push(("item".to_owned(), view.item.slug().to_owned()));
    let (done, left_out) = (ItemState::Done, ItemState::NotApplicable);
    if view.item.is_computed() {
        deed.hidden.push(("state".to_owned(), left_out.slug().to_owned()));
        deed.fields = vec![DeedField::text("note", "Reason")];
        deed.about = format!("{}. Leave out what the book finds now, with a reason.", view.item.title());
        deed.button = "Leave it out".to_owned();
        return deed;
    }
    let states = [done, left_out].map(|state| choice(state.slug(), state.title())).to_vec();
    deed.fields = vec![DeedField::text("note", "Evidence, or the reason"), DeedField::choice("state", "State", states)];
    deed.about = format!("{}. Looked after by {}.", view.item.title(), view.owner);
    deed.button = "Save".to_owned();
    deed
}

fn choice(value: &str, label: &str) -> Choice {
    Choice { value: value.to_owned(), label: label.to_owned() }
}

/// Opens an item again, or names who looks after one.
fn change(user: &User, checklist: &Checklist) -> Deed {
    let items = Item::ALL.iter().map(|item| choice(item.slug(), item.title())).collect();
    let states = vec![choice("", "as it is"), choice(ItemState::Open.slug(), "open again")];
    let mut deed = Act::Mark.deed(user, checklist);
    deed.fields = vec![
        DeedField::choice("item", "Item", items),
        DeedField::choice("state", "State", states),
        DeedField::text("owner", "Looked after by (login)").optional(),
    ];
    deed.about = "Open an item again, or name the person who looks after it.".to_owned();
    deed.button = "Change".to_owned();
    deed
}

/// The addresses of the acts.
pub(super) fn routes() -> Vec<Route> {
    let of = |act: Act| {
        let run = move |path, state, form| answer(act, path, state, form);
        let givers = match act {
            Act::Mark => MarkItem::GIVERS,
            Act::SoftClose => SoftClose::GIVERS,
            Act::Close => ClosePeriod::GIVERS,
        };
        Route::post(format!("/close/{{period}}/{}", act.word()), Reach::Roles(givers), move |route| route.to(run))
    };
    Act::ALL.map(of).into_iter().collect()
}

async fn answer(act: Act, path: web::Path<String>, state: web::Data<AppState>, form: SignedForm) -> Result<HttpResponse, Failed> {
    let period = path.into_inner();
    let page = link::close(&period);
    let call = form.signed.call(form.fields.get("key"));
    let done = block(move || act.run(&state.book, &call, period, &form.fields)).await.map_err(|error| internal(&error))?;
    let reply = done?.success().map_err(StoreError::from)?;
    let proposal = reply.json().get("proposal").and_then(Value::as_i64);
    Ok(see(&proposal.map_or(page, link::proposal)))
}
