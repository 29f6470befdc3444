//! What a request brings to a page: where it is, its filters, and what travels along to other pages.

use crate::report::link;
use crate::service::people::Person;
use std::fmt::Write;

/// Query parameters that every link inside the product takes along, so that two figures on two pages rest on the same basis.
const TRAVELLING: [&str; 2] = ["as_of", "known_at"];

/// The parts of the main navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Section {
    /// The first page.
    #[default]
    Dashboard,
    /// Coverage of what is owed.
    Coverage,
    /// Entries and accounts.
    Journal,
    /// The feed of fee contributions.
    Contributions,
    /// Incidents, claims and payouts.
    Incidents,
    /// Proposals.
    Approvals,
    /// The audit log.
    Audit,
    /// Price sets.
    Prices,
    /// Wallets and what was observed of them.
    Reconciliation,
    /// Months and their closing.
    Close,
    /// All reports.
    Reports,
    /// A page outside the navigation.
    None,
}

impl Section {
    /// In the order of the navigation.
    pub const ALL: &[Self] = &[
        Self::Dashboard,
        Self::Coverage,
        Self::Journal,
        Self::Contributions,
        Self::Incidents,
        Self::Prices,
        Self::Reconciliation,
        Self::Close,
        Self::Approvals,
        Self::Reports,
        Self::Audit,
    ];

    /// Words of the link.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Dashboard => "Dashboard",
            Self::Coverage => "Coverage",
            Self::Journal => "Journal",
            Self::Contributions => "Contributions",
            Self::Incidents => "Incidents",
            Self::Prices => "Prices",
            Self::Reconciliation => "Reconciliation",
            Self::Close => "Close",
            Self::Approvals => "Approvals",
            Self::Reports => "Reports",
            Self::Audit => "Audit",
            Self::None => "",
        }
    }

    /// The key that leads there after `g`: the first letter, or one that is heard in the word where another part has that.
    pub const fn key(self) -> char {
        match self {
            Self::Dashboard => 'd',
            Self::Coverage => 'c',
            Self::Journal => 'j',
            Self::Contributions => 'n',
            Self::Incidents => 'i',
            Self::Prices => 'p',
            Self::Reconciliation => 'o',
            Self::Close => 'l',
            Self::Approvals => 'a',
            Self::Reports => 'r',
            Self::Audit => 'u',
            Self::None => ' ',
        }
    }

    /// Path of the page.
    pub fn path(self) -> String {
        match self {
            Self::Dashboard | Self::None => "/".to_owned(),
            Self::Coverage => link::report("coverage"),
            Self::Journal => "/journal".to_owned(),
            Self::Contributions => "/contributions".to_owned(),
            Self::Incidents => "/incidents".to_owned(),
            Self::Prices => "/prices".to_owned(),
            Self::Reconciliation => "/reconciliation".to_owned(),
            Self::Close => link::closes(),
            Self::Approvals => "/approvals".to_owned(),
            Self::Reports => "/reports".to_owned(),
            Self::Audit => "/audit".to_owned(),
        }
    }
}

/// A message about what was just done.
#[derive(Debug, Clone)]
pub struct Notice {
    /// `neutral`, `good`, `warn` or `bad` (see [`super::tone_name`]).
    pub tone: &'static str,
    /// One sentence.
    pub text: String,
}

/// The person at the screen.
#[derive(Debug, Clone)]
pub struct User {
    /// Name.
    pub name: String,
    /// What the forms of the session carry as `csrf`.
    pub csrf: String,
    /// Who, with the roles held now.
    pub person: Person,
    /// True while the last step-up holds.
    pub stepped_up: bool,
}

/// A field of a filter form.
#[derive(Debug, Clone)]
pub struct Field {
    /// Name in the query.
    pub name: String,
    /// Label for people.
    pub label: String,
    /// Value in force; empty if none.
    pub value: String,
    /// What kind of input.
    pub kind: FieldKind,
}

impl Field {
    /// A field whose value is still empty; [`PageContext::with_field`] fills it from the query.
    pub fn new(name: &str, label: &str, kind: FieldKind) -> Self {
        Self { name: name.into(), label: label.into(), value: String::new(), kind }
    }

    /// True for a day. Days are written, not picked: pickers show them in the order of the browser's language, and 05/08 must
    /// not be mistaken for 08/05.
    pub const fn is_date(&self) -> bool {
        matches!(self.kind, FieldKind::Date)
    }

    /// What to write, for inputs of text.
    pub fn placeholder(&self) -> &str {
        match &self.kind {
            FieldKind::Text { placeholder } => placeholder,
            FieldKind::Instant => "now",
            FieldKind::Date => "YYYY-MM-DD",
            FieldKind::Select { .. } => "",
        }
    }

    /// Choices, for those that have some.
    pub fn choices(&self) -> &[Choice] {
        match &self.kind {
            FieldKind::Select { choices } => choices,
            _ => &[],
        }
    }

    /// True for a field of the state that a report is compared with; those stand folded away behind the others.
    pub fn is_of_comparison(&self) -> bool {
        self.name.starts_with("compare_")
    }

    /// True for a list of choices.
    pub const fn is_select(&self) -> bool {
        matches!(self.kind, FieldKind::Select { .. })
    }
}

/// The kinds of filter fields.
#[derive(Debug, Clone)]
pub enum FieldKind {
    /// A day.
    Date,
    /// A moment, written as `2019-05-08T12:00:00Z`; empty is now.
    Instant,
    /// Free text.
    Text {
        /// Example of what to write.
        placeholder: String,
    },
    /// One of a list.
    Select {
        /// What can be chosen.
        choices: Vec<Choice>,
    },
}

/// One choice of a list.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Value in the query.
    pub value: String,
    /// Words.
    pub label: String,
}

/// What a request brings to a page.
#[derive(Debug, Clone, Default)]
pub struct PageContext {
    /// Name of the book.
    pub book: String,
    /// Code of the functional currency, shown with headline values.
    pub currency: String,
    /// Path of the request.
    pub path: String,
    /// Decoded query of the request, in order.
    pub query: Vec<(String, String)>,
    /// The part of the navigation that is lit.
    pub section: Section,
    /// A warning above everything.
    pub banner: Option<String>,
    /// Who is logged in.
    pub user: Option<User>,
    /// True for a page for somebody who is not logged in: no menu.
    pub is_outside: bool,
    /// Messages about what was just done.
    pub notices: Vec<Notice>,
    /// Filter form; no fields, no form.
    pub fields: Vec<Field>,
    /// False for pages that cannot be exported.
    pub exportable: bool,
    /// True for a page that is a file of its own: nothing around it, so no menu, form, script or link into the product.
    pub is_file: bool,
}

impl PageContext {
    /// A context with the as-of and known-at fields of every report, exportable.
    pub fn report(book: &str, currency: &str, path: &str, query: Vec<(String, String)>, section: Section) -> Self {
        let context = Self {
            book: book.into(),
            currency: currency.into(),
            path: path.into(),
            query,
            section,
            exportable: true,
            ..Self::default()
        };
        context.with_field(Field::new("as_of", "As of", FieldKind::Date)).with_field(Field::new(
            "known_at",
            "Known at (UTC)",
            FieldKind::Instant,
        ))
    }

    /// The context of a page that is a file of its own.
    pub fn file(book: &str, currency: &str) -> Self {
        Self { book: book.into(), currency: currency.into(), section: Section::None, is_file: true, ..Self::default() }
    }

    /// Adds a filter field with its value from the query.
    #[must_use]
    pub fn with_field(mut self, mut field: Field) -> Self {
        field.value = self.value_of(&field.name).unwrap_or_default().to_owned();
        self.fields.push(field);
        self
    }

    /// The value of a query parameter, if it is given and not empty.
    pub fn value_of(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// The address with the travelling filters added where it does not have its own; an unsafe address becomes empty, and in a
    /// file every one that leads out of it.
    pub fn carry(&self, href: &str) -> String {
        if !link::is_safe(href) || (self.is_file && !href.starts_with('#')) {
            return String::new();
        }
        if !href.starts_with('/') {
            return href.to_owned();
        }
        let (address, anchor) = href.split_once('#').map_or((href, None), |(a, b)| (a, Some(b)));
        let has = |name: &str| {
            let query = address.split_once('?').map_or("", |(_, query)| query);
            query.split('&').any(|pair| pair.split('=').next() == Some(name))
        };
        let mut out = address.to_owned();
        for name in TRAVELLING {
            if let Some(value) = self.value_of(name).filter(|_| !has(name)) {
                push_pair(&mut out, name, value);
            }
        }
        if let Some(anchor) = anchor {
            let _ = write!(out, "#{anchor}");
        }
        out
    }

    /// This page with one parameter set (or, empty, taken out) and everything else kept.
    pub fn here_with(&self, name: &str, value: &str) -> String {
        let mut out = self.path.clone();
        for (key, old) in &self.query {
            if key != name && !old.is_empty() {
                push_pair(&mut out, key, old);
            }
        }
        if !value.is_empty() {
            push_pair(&mut out, name, value);
        }
        out
    }

    /// Links to exactly what is shown, in other formats.
    pub(super) fn exports(&self) -> Vec<(&'static str, String)> {
        let formats = [("CSV", "csv"), ("XLSX", "xlsx"), ("JSON", "json")];
        let all = formats.iter().map(|(label, format)| (*label, self.here_with("format", format)));
        if self.exportable { all.collect() } else { Vec::new() }
    }

    /// Whether a comparison is asked for, on pages that can show one.
    pub(super) fn compared(&self) -> Option<bool> {
        let mut fields = self.fields.iter().filter(|field| field.is_of_comparison()).peekable();
        fields.peek()?;
        Some(fields.any(|field| !field.value.is_empty()))
    }

    /// Parameters that the filter form must not lose, because no field of it carries them. A new filter starts at the first page.
    pub(super) fn kept_in_form(&self) -> Vec<(String, String)> {
        let own = |key: &str| self.fields.iter().any(|field| field.name == key);
        let lost = |key: &str| matches!(key, "cursor" | "format");
        self.query.iter().filter(|(key, value)| !own(key) && !lost(key) && !value.is_empty()).cloned().collect()
    }
}

/// Appends a query parameter to an address.
fn push_pair(out: &mut String, name: &str, value: &str) {
    out.push(if out.contains('?') { '&' } else { '?' });
    for (at, text) in [name, value].into_iter().enumerate() {
        if at == 1 {
            out.push('=');
        }
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':') {
                out.push(char::from(byte));
            } else {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}
