//! Persons, roles and approvals. A key proposes in the name of the person who answers for it; it never approves, because it cannot
//! show a second factor.

use super::reports::{DOC, FORMAT, format_of, send};
use crate::domain::outcome::OutcomeCode;
use crate::service::approvals::{ApprovalTerms, Decide, Draft, Revise, docs};
use crate::service::identity::provider::LinkProvider;
use crate::service::people::{NewPerson, RenamePerson, SetRole};
use crate::web::input::Input;
use crate::web::operation::{CURSOR, LIMIT, Media, Method, Operation, Param, Success};
use crate::web::problem::Failed;
use actix_web::HttpResponse;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::ToSchema;

const PROPOSAL: Param = Param::path("proposal", "Number of the proposal.", "12");
const SEEN: &[Media] = &[Media::json::<Decide>(
    r#"{"proposal":12,"hash":"9f2c5e1b8a7d4c3f0e6b2a1d9c8f7e5b4a3d2c1f0e9b8a7d6c5f4e3b2a1d0c9f","reason":"Checked against the custodian's statement"}"#,
)];
const ACTS: &[OutcomeCode] =
    &[OutcomeCode::StepUpNeeded, OutcomeCode::ApprovalNeeded, OutcomeCode::NotFound, OutcomeCode::WrongState];

/// Operations on persons and approvals.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        body: &[Media::json::<NewPerson>(r#"{"login":"paula","name":"Paula Prepares"}"#)],
        refusals: &[OutcomeCode::AlreadyExists],
        success: Success::created("The person's number", r#"{"person":7,"login":"paula"}"#),
        route: |route| route.to(|input: Input| input.post(|book, call, body: NewPerson| book.add_person(call, body))),
        ..command("/persons", "addPerson", "Make a person known", "A natural person. Without a role a person can do nothing.")
    },
    Operation {
        body: &[Media::json::<SetRole>(r#"{"login":"paula","role":"preparer","held":true,"reason":"Joined the finance team"}"#)],
        refusals: &[OutcomeCode::ApprovalNeeded, OutcomeCode::NotFound],
        success: Success::created("The roles held now", r#"{"login":"paula","roles":["preparer"]}"#),
        route: |route| route.to(|input: Input| input.post(|book, call, body: SetRole| book.set_role(call, body))),
        ..command(
            "/persons/roles",
            "setRole",
            "Give or take a role",
            "Roles: administrator, preparer, approver, treasurer, incident-officer, auditor. Roles that one person must not hold \
             together are refused.",
        )
    },
    Operation {
        body: &[Media::json::<RenamePerson>(r#"{"login":"paula","name":"Paula Prescott","reason":"Married"}"#)],
        refusals: &[OutcomeCode::ApprovalNeeded, OutcomeCode::NotFound],
        success: Success::created(
            "The name now and the one before",
            r#"{"login":"paula","name":"Paula Prescott","before":"Paula Prepares"}"#,
        ),
        route: |route| route.to(|input: Input| input.post(|book, call, body: RenamePerson| book.give(call, body))),
        ..command(
            "/persons/names",
            "renamePerson",
            "Change a person's name",
            "The login name stays, and with it who somebody is.",
        )
    },
    Operation {
        body: &[Media::json::<LinkProvider>(
            r#"{"login":"paula","issuer":"https://id.example","subject":"248289761001","held":true,"reason":"Joined the finance team"}"#,
        )],
        refusals: &[OutcomeCode::ApprovalNeeded, OutcomeCode::NotFound, OutcomeCode::AlreadyExists],
        success: Success::created(
            "The link as it stands",
            r#"{"login":"paula","issuer":"https://id.example","subject":"248289761001","linked":true}"#,
        ),
        route: |route| route.to(|input: Input| input.post(|book, call, body: LinkProvider| book.link_provider(call, body))),
        ..command(
            "/persons/providers",
            "linkProvider",
            "Link a person to an identity provider",
            "By the issuer and the `sub` of its tokens, never by an e-mail address. With `held` false the link is taken away.",
        )
    },
    Operation {
        body: &[Media::json::<SetTerms>(
            r#"{"effective_on":"2019-07-01","terms":{"one_up_to":"10000","two_up_to":"1000000","committee":3,"expire_hours":72,"ratify_hours":24}}"#,
        )],
        refusals: &[OutcomeCode::ApprovalNeeded, OutcomeCode::OutOfOrder],
        success: Success::created("The terms as they hold now", r#"{"fact":40,"policy":"approval","effective_on":"2019-07-01"}"#),
        route: |route| {
            route.to(|input: Input| {
                input.post(|book, call, body: SetTerms| book.set_approval_terms(call, body.effective_on, body.terms))
            })
        },
        ..command(
            "/approval-terms",
            "setApprovalTerms",
            "Set the approval terms",
            "How many must agree to which amounts. The first terms put the book under four eyes for good.",
        )
    },
    Operation {
        params: &[FORMAT, CURSOR, LIMIT],
        route: |route| route.to(list),
        ..read(
            "/proposals",
            "listProposals",
            "List proposals",
            "Latest first; those that wait stand above those that have ended.",
        )
    },
    Operation {
        body: &[Media::json::<Draft>(
            r#"{"kind":"memo","command":{"effective_on":"2019-07-01","terms":{"account":9100,"asset":"BTC","quantity":"350000"}}}"#,
        )],
        refusals: ACTS,
        success: Success::created("The draft", r#"{"proposal":12,"state":"draft","hash":"9f2c"}"#),
        route: |route| route.to(|input: Input| input.post(|book, call, body: Draft| book.draft(call, body))),
        ..command("/proposals", "draftProposal", "Keep a command as a draft", "Of any kind; nobody is asked yet.")
    },
    Operation {
        body: &[Media::json::<Revise>(
            r#"{"proposal":12,"hash":"9f2c5e1b8a7d4c3f0e6b2a1d9c8f7e5b4a3d2c1f0e9b8a7d6c5f4e3b2a1d0c9f","command":{"effective_on":"2019-07-01","terms":{"account":9100,"asset":"BTC","quantity":"360000"}}}"#,
        )],
        refusals: ACTS,
        success: Success::created("The new revision", r#"{"proposal":12,"state":"draft","revision":2,"hash":"77b1"}"#),
        route: |route| route.to(|input: Input| input.post(|book, call, body: Revise| book.revise(call, body))),
        ..command(
            "/proposals/revision",
            "reviseProposal",
            "Edit an own draft",
            "Names the hash of the revision that was edited; of two who edit the same one, one is answered 409. What waits becomes a \
             draft again, and what was approved counts no more.",
        )
    },
    act("/proposals/submission", "submitProposal", "Ask for approval of an own draft", |route| {
        route.to(|input: Input| input.post(|book, call, body: Decide| book.submit(call, body)))
    }),
    act("/proposals/approval", "approveProposal", "Approve a proposal of somebody else", |route| {
        route.to(|input: Input| input.post(|book, call, body: Decide| book.approve(call, body)))
    }),
    act("/proposals/rejection", "rejectProposal", "Refuse a proposal of somebody else", |route| {
        route.to(|input: Input| input.post(|book, call, body: Decide| book.reject(call, body)))
    }),
    act("/proposals/withdrawal", "withdrawProposal", "Take an own proposal back", |route| {
        route.to(|input: Input| input.post(|book, call, body: Decide| book.withdraw(call, body)))
    }),
    act("/proposals/execution", "executeProposal", "Carry out a proposal that has its approvals", |route| {
        route.to(|input: Input| input.post(|book, call, body: Decide| book.execute(call, body)))
    }),
    // Last: addresses are tried in this order, and a number could be any word.
    Operation {
        params: &[PROPOSAL, FORMAT],
        route: |route| route.to(show),
        ..read(
            "/proposals/{proposal}",
            "getProposal",
            "Show a proposal",
            "Its command, what it would do now (the decision itself, carried out and taken back), coverage before and after, and \
             every step.",
        )
    },
];

const fn command(path: &'static str, id: &'static str, summary: &'static str, about: &'static str) -> Operation {
    Operation {
        success: Success::created("What was recorded", r#"{"proposal":12,"state":"submitted","missing":1}"#),
        ..Operation::command("Approvals", path, [id, summary, about])
    }
}

const fn act(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    route: fn(actix_web::Route) -> actix_web::Route,
) -> Operation {
    Operation {
        body: SEEN,
        refusals: ACTS,
        route,
        ..command(path, id, summary, "Names the hash that was seen; refused if the proposal is another by now.")
    }
}

const fn read(path: &'static str, id: &'static str, summary: &'static str, about: &'static str) -> Operation {
    Operation {
        method: Method::Get,
        success: Success::json("The document", DOC),
        refusals: &[OutcomeCode::InvalidField, OutcomeCode::NotFound],
        ..command(path, id, summary, about)
    }
}

/// Approval terms with the day from which they hold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetTerms {
    /// First day.
    effective_on: Date,
    /// The terms.
    terms: ApprovalTerms,
}

async fn list(input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let format = format_of(&mut query)?;
    let (cursor, limit) = query.page()?;
    query.done()?;
    let book = input.state.book.clone();
    send(format, move || book.read(|conn| docs::queue(conn, book.clock.now(), cursor, limit))).await
}

async fn show(input: Input) -> Result<HttpResponse, Failed> {
    let mut query = input.query()?;
    let format = format_of(&mut query)?;
    query.done()?;
    let text = input.part("proposal");
    let id = text.parse().map_err(|_| {
        crate::domain::outcome::Rejection::new(OutcomeCode::NotFound, "/proposal", &text, "is not a number of a proposal")
    })?;
    let book = input.state.book.clone();
    send(format, move || book.proposal_doc(id)).await
}
