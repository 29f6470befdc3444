//! The pages, one file each. A page is made without any request handling: [`Asked`] says what is wanted, a function reads the book
//! and gives a [`Page`], and the handler of [`routes`] writes it as HTML or as the file that was asked for. What a file holds is what the page
//! shows, because both are made from the same [`Doc`].

mod approvals;
mod audit;
mod claims;
mod close;
mod contributions;
mod entry;
mod events;
mod evidence;
mod fee_report;
mod first_steps;
mod incident;
mod incidents;
mod operations;
mod payouts;
mod people;
mod prices;
mod reconciliation;
mod reports;
mod serve;

pub(super) use serve::routes;

use super::view::{Extras, Notice, PageContext, Section, User};
use crate::domain::outcome::Rejection;
use crate::report::doc::{Basis, Doc};
use crate::report::params::moment;
use crate::service::Book;
use crate::service::at::At;
use crate::service::audit::check::Checks;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use jiff::{Timestamp, civil::Date};

/// Rows of one page of a long list.
const PAGE_ROWS: i64 = 100;

/// What a page is asked for.
pub(super) struct Asked<'a> {
    /// The book.
    pub book: &'a Book,
    /// Its name.
    pub name: &'a str,
    /// Code of its functional currency.
    pub currency: &'a str,
    /// Shown above every page.
    pub banner: Option<String>,
    /// Checks of the chain.
    pub checks: &'a Checks,
    /// Who is logged in.
    pub user: Option<User>,
    /// Path of the request.
    pub path: &'a str,
    /// Decoded query in order.
    pub query: Vec<(String, String)>,
    /// Decoded parts of the path, by the name they have in its pattern.
    pub parts: Vec<(String, String)>,
}

impl Asked<'_> {
    /// A part of the path; empty if the pattern does not have it.
    fn part(&self, name: &str) -> &str {
        self.parts.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// A part of the path that is a number; nothing else is there.
    fn number(&self, name: &str) -> Result<i64, Rejection> {
        self.part(name).parse().map_err(|_| missing(self.part(name), "is not a number, so there is nothing here"))
    }

    /// A parameter of the query, if it is given and not blank.
    fn value(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// The cursor of a list that goes by number: rows after (or before) it.
    fn cursor(&self) -> Result<Option<i64>, Rejection> {
        let parse = |text: &str| {
            text.parse().map_err(|_| Rejection::invalid("/cursor", text, "is not a cursor of this list; follow its links"))
        };
        self.value("cursor").map(parse).transpose()
    }

    /// A parameter that is a day.
    fn date(&self, name: &str) -> Result<Option<Date>, Rejection> {
        let wrong = |text: &str| Rejection::invalid(format!("/{name}"), text, "is not a date; write YYYY-MM-DD");
        self.value(name).map(|text| text.parse().map_err(|_| wrong(text))).transpose()
    }

    /// The moment up to which recordings count, if one is asked for.
    fn known_at(&self) -> Result<Option<Timestamp>, Rejection> {
        self.value("known_at").map(|text| moment("/known_at", text)).transpose()
    }

    /// The as-of and known-at that are asked for.
    fn at(&self, conn: &mut Conn) -> Result<At, StoreError> {
        At::load(conn, self.date("as_of")?, self.known_at()?)
    }

    /// The moment from which a page looks back: that of the known-at, or the end of the as-of day if that is past.
    fn moment(&self) -> Result<Timestamp, Rejection> {
        let now = self.known_at()?.unwrap_or_else(|| self.book.clock.now());
        let end = self.date("as_of")?.map(|day| moment("/as_of", &day.to_string())).transpose()?;
        Ok(end.map_or(now, |end| end.min(now)))
    }

    /// The basis as it is printed; nothing where neither is asked for.
    fn basis(&self) -> Result<Basis, Rejection> {
        Ok(Basis { as_of: self.date("as_of")?, known_at: self.known_at()?, ..Basis::default() })
    }

    /// The context of a page that can show an earlier state of part of what it shows only, or none: said where one is asked for.
    fn context_of_now(&self, section: Section, what: &str) -> PageContext {
        let mut context = self.context(section);
        if self.value("as_of").or(self.value("known_at")).is_some() {
            let text = format!("{what} As-of and known-at, which other pages take from this address, change nothing here.");
            context.notices.push(Notice { tone: "warn", text });
        }
        context
    }

    /// The context of a page without as-of and known-at.
    fn context(&self, section: Section) -> PageContext {
        PageContext {
            book: self.name.to_owned(),
            currency: self.currency.to_owned(),
            path: self.path.to_owned(),
            query: self.query.clone(),
            section,
            banner: self.banner.clone(),
            user: self.user.clone(),
            exportable: true,
            ..PageContext::default()
        }
    }
}

fn missing(value: &str, detail: &str) -> Rejection {
    Rejection::new(crate::domain::outcome::OutcomeCode::NotFound, "", value, detail)
}

/// A page before it is written.
pub(super) struct Page {
    /// Where it stands and what its filters are.
    pub context: PageContext,
    /// What it shows.
    pub doc: Doc,
    /// What it has beside that.
    pub extras: Extras,
}

/// Makes a page.
pub(super) type Make = fn(&Asked<'_>) -> Result<Page, StoreError>;

/// Every page: its address and what makes it.
pub(super) const PAGES: &[(&str, Make)] = &[
    ("/", reports::dashboard),
    ("/reports", reports::index),
    ("/reports/{name}", reports::page),
    ("/journal", reports::journal),
    ("/accounts/{account}", reports::account),
    ("/entries/{entry}", entry::page),
    ("/evidence", evidence::page),
    ("/prices", reports::price_sets),
    ("/prices/{day}", reports::price_set),
    ("/wallets", reconciliation::wallets),
    ("/reconciliation", reconciliation::month),
    ("/reconciliation/balances", reconciliation::balances),
    ("/reconciliation/breaks/{break}", reconciliation::one),
    ("/contributions", contributions::page),
    ("/contributions/reports/{report}", fee_report::page),
    ("/contributions/events", events::page),
    ("/contributions/events/{batch}", events::batch),
    ("/operations", operations::page),
    ("/close", close::list),
    ("/close/{period}", close::page),
    ("/approvals", approvals::list),
    ("/approvals/{proposal}", approvals::page),
    ("/audit", audit::list),
    ("/audit/checks", audit::checks),
    ("/audit/pack", audit::take),
    ("/audit/records/{record}", audit::one),
    ("/people", people::list),
    ("/people/{person}", people::page),
    ("/keys", people::keys),
    ("/incidents", incidents::page),
    ("/incidents/{code}", incident::page),
    ("/incidents/{code}/claims", claims::page),
    ("/incidents/{code}/payouts", payouts::list),
    ("/incidents/{code}/payouts/{batch}", payouts::page),
];

/// A file that is not what a page shows.
pub(super) struct Download {
    /// Media type.
    pub media: &'static str,
    /// Name.
    pub name: String,
    /// Content.
    pub bytes: Vec<u8>,
}

/// Makes a file.
pub(super) type MakeFile = fn(&Asked<'_>) -> Result<Download, StoreError>;

/// Every file that is not what a page shows: its address and what makes it.
pub(super) const FILES: &[(&str, MakeFile)] = &[
    ("/audit/pack.zip", audit::pack),
    ("/contributions/reports/{report}/failed.csv", fee_report::failed),
    ("/contributions/reports/{report}/changes.csv", fee_report::changed),
];
