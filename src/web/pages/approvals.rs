//! What waits for a decision, and one proposal with what the person at the screen can do about it.

use super::{Asked, PAGE_ROWS, Page};
use crate::domain::approval::State;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::report::link;
use crate::service::approvals::{self, Decide, Proposal, docs};
use crate::service::entries::MANUAL;
use crate::service::{Book, Call, Reply};
use crate::store::error::StoreError;
use crate::web::app::AppState;
use crate::web::blocking::block;
use crate::web::problem::{Failed, internal};
use crate::web::routes::{ACTING, Reach, Route};
use crate::web::session::{Signed, SignedForm, see};
use crate::web::view::{Deed, Extras, Section, Upload, User};
use actix_web::{HttpResponse, web};

const WAITS: &str = "Proposals are shown as they stand now.";

/// All proposals.
pub(super) fn list(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let (now, cursor) = (asked.book.clock.now(), asked.cursor()?);
    let doc = asked.book.read(|conn| docs::queue(conn, now, cursor, PAGE_ROWS))?;
    Ok(Page { context: asked.context_of_now(Section::Approvals, WAITS), doc, extras: Extras::default() })
}

/// One proposal.
pub(super) fn page(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let id = asked.number("proposal")?;
    let doc = asked.book.proposal_doc(id)?;
    let crumbs = vec![("Approvals".to_owned(), Section::Approvals.path())];
    let now = asked.book.clock.now();
    let proposal = asked.book.read(|conn| approvals::find(conn, id, now))?;
    let (mut deeds, mut actions) = (Vec::new(), Vec::new());
    if let (Some(user), Some(proposal)) = (&asked.user, proposal) {
        deeds = self::deeds(user, &proposal)?;
        actions.extend(edit(user, &proposal));
    }
    let upload = Upload::at(asked.user.as_ref(), &format!("proposal/{id}"), asked.path);
    let context = asked.context_of_now(Section::Approvals, WAITS);
    Ok(Page { context, doc, extras: Extras { crumbs, deeds, actions, upload, ..Extras::default() } })
}

/// The form in which the maker of an entry edits it while it may be.
fn edit(user: &User, proposal: &Proposal) -> Option<(String, String)> {
    let editable = matches!(proposal.state, State::Draft | State::Submitted) && proposal.kind == MANUAL;
    let own = proposal.maker == user.person.id;
    (own && editable).then(|| ("Edit".to_owned(), format!("/entries/new?draft={}", proposal.id)))
}

/// The acts there are, by the last part of their address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Submit,
    Approve,
    Reject,
    Withdraw,
    Execute,
}

impl Act {
    const ALL: [Self; 5] = [Self::Submit, Self::Approve, Self::Reject, Self::Withdraw, Self::Execute];

    const fn word(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Withdraw => "withdraw",
            Self::Execute => "execute",
        }
    }

    fn run(self, book: &Book, call: &Call, ask: Decide) -> Result<Reply, StoreError> {
        match self {
            Self::Submit => book.submit(call, ask),
            Self::Approve => book.approve(call, ask),
            Self::Reject => book.reject(call, ask),
            Self::Withdraw => book.withdraw(call, ask),
            Self::Execute => book.execute(call, ask),
        }
    }

    /// The form of this act.
    fn deed(self, user: &User, proposal: &Proposal) -> Deed {
        let (button, about) = match self {
            Self::Submit => ("Ask for approval", "The others see it in their queue."),
            Self::Approve if proposal.to_ratify() > 0 => ("Ratify", "You agree to what took effect in an emergency."),
            Self::Approve if !user.stepped_up => {
                ("Show the second factor", "Approving needs a code that was shown a moment ago. You come back here.")
            }
            Self::Approve if proposal.missing() <= 1 => ("Approve and carry out", "It takes effect at once, as shown below."),
            Self::Approve => ("Approve", "You agree to exactly this command; more must agree before it takes effect."),
            Self::Reject => ("Reject", "It ends and takes no effect."),
            Self::Withdraw => ("Withdraw", "You take it back; it ends and takes no effect."),
            Self::Execute => ("Carry out", "It has its approvals and takes effect at once."),
        };
        let hidden = [("csrf", user.csrf.clone()), ("key", Signed::fresh_key()), ("hash", proposal.hash.clone())];
        Deed {
            action: format!("{}/{}", link::proposal(proposal.id), self.word()),
            button: button.to_owned(),
            about: about.to_owned(),
            hidden: hidden.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            asks_reason: self == Self::Reject,
            ends: matches!(self, Self::Reject | Self::Withdraw),
            ..Deed::default()
        }
    }
}

/// What this person can do about it now. What is not offered is refused too, whoever sends it.
fn deeds(user: &User, proposal: &Proposal) -> Result<Vec<Deed>, StoreError> {
    let rules = proposal.rules()?;
    let (own, person) = (proposal.maker == user.person.id, &user.person);
    let decides = !own && person.holds(rules.approvers) && !proposal.voices.contains(&person.id);
    let possible = |act: &Act| match (act, proposal.state) {
        (Act::Submit, State::Draft) | (Act::Withdraw, State::Draft | State::Submitted | State::Approved) => own,
        (Act::Approve, State::Submitted) | (Act::Reject, State::Submitted | State::Approved) => decides,
        (Act::Approve, State::Executed) => decides && proposal.to_ratify() > 0,
        (Act::Execute, State::Approved) => person.holds(rules.givers) || person.holds(rules.approvers),
        _ => false,
    };
    Ok(Act::ALL.into_iter().filter(possible).map(|act| act.deed(user, proposal)).collect())
}

/// The addresses of the acts. Which proposals a person may act on is the business of [`deeds`] and of the acts themselves.
pub(super) fn routes() -> Vec<Route> {
    let of = |act: Act| {
        let run = move |path, state, form| decide(act, path, state, form);
        Route::post(format!("/approvals/{{proposal}}/{}", act.word()), Reach::Roles(ACTING), move |route| route.to(run))
    };
    Act::ALL.map(of).into_iter().collect()
}

async fn decide(act: Act, path: web::Path<String>, state: web::Data<AppState>, form: SignedForm) -> Result<HttpResponse, Failed> {
    let text = path.into_inner();
    let missing = || Rejection::new(OutcomeCode::NotFound, "/proposal", &text, "is not a number of a proposal");
    let proposal: i64 = text.parse().map_err(|_| missing())?;
    let page = link::proposal(proposal);
    if act == Act::Approve && !form.signed.stepped_up() {
        return Ok(see(&Signed::step_up_address(&page)));
    }
    let call = form.signed.call(form.fields.get("key"));
    let ask = Decide { proposal, hash: form.fields.get("hash").to_owned(), reason: form.fields.get("reason").trim().to_owned() };
    let done = block(move || act.run(&state.book, &call, ask)).await.map_err(|error| internal(&error))?;
    done?.success().map_err(StoreError::from)?;
    Ok(see(&page))
}
