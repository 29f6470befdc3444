//! What a page has beside its report: the way to it, the life of an incident, facts, texts to copy. Exports leave them out, as
//! they hold no figures.

use super::{Choice, User};
use crate::report::doc::Cell;
use crate::service::evidence;

/// What a page has beside its report.
#[derive(Debug, Clone, Default)]
pub struct Extras {
    /// The pages above this one as (label, address), the uppermost first.
    pub crumbs: Vec<(String, String)>,
    /// Steps of a life in order.
    pub life: Vec<LifeStep>,
    /// Label and value, one a line.
    pub facts: Vec<(String, Cell)>,
    /// What can be done from here, as (label, address).
    pub actions: Vec<(String, String)>,
    /// What the person at the screen can do here; each is a form.
    pub deeds: Vec<Deed>,
    /// The form that attaches evidence.
    pub upload: Option<Upload>,
    /// What the person can do about the rows of the first table; these forms stand below it.
    pub row_deeds: Vec<Deed>,
    /// Texts to copy.
    pub texts: Vec<TextBlock>,
}

/// A form that attaches files to what the page is about.
#[derive(Debug, Clone)]
pub struct Upload {
    /// What the files can be attached to, where that is chosen; a hidden field says it otherwise.
    pub subjects: Vec<Choice>,
    /// Fields that are not shown.
    pub hidden: Vec<(&'static str, String)>,
}

impl Upload {
    /// The form for a subject on the page at `back`, for those who may bring files.
    pub fn at(user: Option<&User>, subject: &str, back: &str) -> Option<Self> {
        let mut upload = Self::of(user, Vec::new(), back)?;
        upload.hidden.push(("subject", subject.to_owned()));
        Some(upload)
    }

    /// The form for one of several subjects, which the person chooses.
    pub fn of(user: Option<&User>, subjects: Vec<Choice>, back: &str) -> Option<Self> {
        let user = user.filter(|user| user.person.holds(evidence::BRING))?;
        let key = crate::service::clock::fresh_id();
        let hidden = vec![("csrf", user.csrf.clone()), ("key", key), ("back", back.to_owned())];
        Some(Self { subjects, hidden })
    }
}

/// Something that a person does with a form of one button, and perhaps a reason.
#[derive(Debug, Clone, Default)]
pub struct Deed {
    /// Where the form goes.
    pub action: String,
    /// The verb on the button.
    pub button: String,
    /// What it does, in one sentence.
    pub about: String,
    /// Fields that are not shown.
    pub hidden: Vec<(String, String)>,
    /// Fields that the person fills in.
    pub fields: Vec<DeedField>,
    /// True where a file is sent along.
    pub takes_file: bool,
    /// True where a reason has to be given.
    pub asks_reason: bool,
    /// True for what ends something.
    pub ends: bool,
}

/// A field of a form.
#[derive(Debug, Clone)]
pub struct DeedField {
    /// Name in the form.
    pub name: String,
    /// Label for people.
    pub label: String,
    /// What can be chosen; none for a text.
    pub choices: Vec<Choice>,
    /// False for what may be left empty.
    pub required: bool,
}

impl DeedField {
    /// A short text.
    pub fn text(name: &str, label: &str) -> Self {
        Self { name: name.to_owned(), label: label.to_owned(), choices: Vec::new(), required: true }
    }

    /// One of a list.
    pub fn choice(name: &str, label: &str, choices: Vec<Choice>) -> Self {
        Self { choices, ..Self::text(name, label) }
    }

    /// The same, and it may be left empty.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.required = false;
        self
    }
}

/// How far a life has come at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// It was taken.
    Done,
    /// It was the last one taken.
    Now,
    /// It lies ahead.
    Ahead,
}

/// One step of a life.
#[derive(Debug, Clone)]
pub struct LifeStep {
    /// Its name.
    pub name: String,
    /// How far the life has come.
    pub reached: Reached,
    /// When it was taken.
    pub at: Option<jiff::Timestamp>,
    /// Time since the step before, in words.
    pub after: String,
}

impl LifeStep {
    /// The CSS class.
    pub const fn class(&self) -> &'static str {
        match self.reached {
            Reached::Done => "done",
            Reached::Now => "now",
            Reached::Ahead => "ahead",
        }
    }

    /// The word beside the mark, for those who do not see it.
    pub const fn word(&self) -> &'static str {
        match self.reached {
            Reached::Done => "done",
            Reached::Now => "now",
            Reached::Ahead => "ahead",
        }
    }

    /// Day of the step.
    pub fn day(&self) -> String {
        self.at.map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default()
    }

    /// Time of day of the step, with its zone.
    pub fn time(&self) -> String {
        self.at.map(|at| format!("{} UTC", at.strftime("%H:%M:%S"))).unwrap_or_default()
    }
}

/// A text to copy, for example a command.
#[derive(Debug, Clone)]
pub struct TextBlock {
    /// What it is.
    pub title: String,
    /// The text.
    pub body: String,
}
