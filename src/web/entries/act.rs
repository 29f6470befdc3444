//! What the buttons of the form do.

use super::form::{Form, Mistake};
use super::page::Shown;
use crate::domain::ids::EntryNo;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::report::link;
use crate::service::approvals::{self, Decide, Draft, Revise};
use crate::service::entries::template::EntryTemplate;
use crate::service::entries::{MANUAL, ManualEntry};
use crate::service::evidence::GivenFile;
use crate::service::{Book, Call};
use crate::store::error::StoreError;
use crate::web::session::Fields;
use actix_web::http::StatusCode;
use serde_json::{Value as Json, json};

/// What comes after a button.
pub(super) enum Next {
    /// Another page.
    Go(String),
    /// The form again.
    Show(Box<Shown>, StatusCode),
}

/// Does what the pressed button says. A refusal brings the form back as it was filled in.
pub(super) fn act(book: &Book, call: &Call, currency: &str, fields: &Fields, files: Vec<GivenFile>) -> Result<Next, StoreError> {
    let mut form = Form::of(fields);
    let mut wrong = take_files(book, call, &mut form, files)?;
    if !wrong.is_empty() {
        return refused(book, form, wrong, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let pressed = fields.get("do");
    let done = match pressed {
        "add-line" => {
            form.add_line(currency);
            return again(book, form, None);
        }
        "attach" => return again(book, form, Some("The file is in the book, and part of this entry.".to_owned())),
        "draft" => draft(book, call, &form).map(Next::Go),
        "submit" => submit(book, call, &form).map(Next::Go),
        "template" => return save_template(book, call, form),
        _ => match pressed.strip_prefix("remove-").and_then(|at| at.parse().ok()) {
            Some(at) => {
                form.remove_line(at);
                return again(book, form, None);
            }
            None => check(book, &form).map(|shown| Next::Show(Box::new(shown), StatusCode::OK)),
        },
    };
    match done {
        Err(StoreError::Rejected(rejection)) if rejection.code.status() < 500 => {
            wrong.extend(form.mistakes(&rejection));
            refused(book, form, wrong, status(&rejection))
        }
        other => other,
    }
}

fn status(rejection: &Rejection) -> StatusCode {
    StatusCode::from_u16(rejection.code.status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY)
}

fn again(book: &Book, form: Form, notice: Option<String>) -> Result<Next, StoreError> {
    let shown = Shown { notice, ..Shown::load(book, form)? };
    Ok(Next::Show(Box::new(shown), StatusCode::OK))
}

fn refused(book: &Book, form: Form, mistakes: Vec<Mistake>, status: StatusCode) -> Result<Next, StoreError> {
    let shown = Shown { mistakes, ..Shown::load(book, form)? };
    Ok(Next::Show(Box::new(shown), status))
}

/// Takes the files that came along into the book. They stay part of the form whatever becomes of the rest.
fn take_files(book: &Book, call: &Call, form: &mut Form, files: Vec<GivenFile>) -> Result<Vec<Mistake>, StoreError> {
    let mut wrong = Vec::new();
    for (at, file) in files.into_iter().enumerate() {
        let call = Call { key: format!("{}.f{at}", call.key), ..call.clone() };
        match book.add_evidence(&call, file).map(crate::service::Reply::success) {
            Ok(Ok(reply)) => {
                let hash = text(&reply.json(), "sha256");
                if !form.evidence.contains(&hash) {
                    form.evidence.push(hash);
                }
            }
            Ok(Err(rejection)) | Err(StoreError::Rejected(rejection)) => wrong.extend(form.mistakes(&rejection)),
            Err(error) => return Err(error),
        }
    }
    Ok(wrong)
}

fn text(answer: &Json, name: &str) -> String {
    answer.get(name).and_then(Json::as_str).unwrap_or_default().to_owned()
}

/// The real decision, taken back.
fn check(book: &Book, form: &Form) -> Result<Shown, StoreError> {
    let rehearsed = book.rehearse(&form.entry()?)?;
    Ok(Shown { rehearsed: Some(rehearsed), ..Shown::load(book, form.clone())? })
}

/// Keeps the form as a draft, or as a new revision of the draft that it is of.
fn draft(book: &Book, call: &Call, form: &Form) -> Result<String, StoreError> {
    let entry = form.entry()?;
    if let Some((number, _)) = revised(book, call, form, &entry)? {
        return Ok(link::proposal(number));
    }
    let new = Draft { kind: MANUAL.to_owned(), command: json!(entry) };
    let kept = book.draft(call, new)?.success()?.json();
    number(&kept, "proposal").map(link::proposal)
}

/// The draft of the form with the entry in it: number and hash; nothing for a form without a draft.
fn revised(book: &Book, call: &Call, form: &Form, entry: &ManualEntry) -> Result<Option<(i64, String)>, StoreError> {
    let Some((number, hash)) = &form.draft else { return Ok(None) };
    let now = book.clock.now();
    let proposal = book.read(|conn| approvals::find(conn, *number, now))?;
    let command = json!(entry);
    if proposal.is_some_and(|proposal| proposal.command == command && proposal.hash == *hash) {
        return Ok(Some((*number, hash.clone())));
    }
    let call = Call { key: format!("{}.r", call.key), ..call.clone() };
    let kept = book.revise(&call, Revise { proposal: *number, hash: hash.clone(), command })?.success()?.json();
    Ok(Some((*number, text(&kept, "hash"))))
}

/// Posts the entry, or asks for approval of it.
fn submit(book: &Book, call: &Call, form: &Form) -> Result<String, StoreError> {
    let entry = form.entry()?;
    let answer = match revised(book, call, form, &entry)? {
        Some((proposal, hash)) => book.submit(call, Decide { proposal, hash, reason: String::new() })?,
        None => book.post_manual(call, entry)?,
    };
    let answer = answer.success()?.json();
    match answer.get("proposal") {
        Some(_) => number(&answer, "proposal").map(link::proposal),
        None => number(&answer, "entry").map(|no| link::entry(EntryNo(no))),
    }
}

pub(super) fn number(answer: &Json, name: &str) -> Result<i64, StoreError> {
    let missing = || StoreError::Damaged(format!("an answer without {name}"));
    answer.get(name).and_then(Json::as_i64).ok_or_else(missing)
}

fn save_template(book: &Book, call: &Call, form: Form) -> Result<Next, StoreError> {
    let save = |form: &Form| {
        let lines = form.given()?;
        if lines.is_empty() {
            let detail = "a template has at least one line; fill one in";
            return Err(Rejection::new(OutcomeCode::InvalidField, "/lines", "", detail).into());
        }
        let [name, memo, reason] = [&form.template, &form.memo, &form.reason].map(String::clone);
        book.save_template(call, EntryTemplate { name, memo, reason, lines })?.success().map_err(StoreError::from)
    };
    match save(&form) {
        Ok(_) => {
            let notice = format!("The template “{}” is kept. Nothing was booked.", form.template);
            again(book, form, Some(notice))
        }
        Err(StoreError::Rejected(rejection)) if rejection.code.status() < 500 => {
            let (wrong, status) = (form.mistakes(&rejection), status(&rejection));
            refused(book, form, wrong, status)
        }
        Err(error) => Err(error),
    }
}
