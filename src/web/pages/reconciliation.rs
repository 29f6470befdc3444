//! Wallets, what was observed of them, breaks, and months to sign off; each page with the forms of what its reader may do there.

use super::{Asked, Page};
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::period::Period;
use crate::domain::person::Role;
use crate::report::link;
use crate::service::reconciliation::breaks::{AssignBreak, BreakNow, ExplainBreak, MatchBalances};
use crate::service::reconciliation::sign_off::{SignOff, month as read_month};
use crate::service::reconciliation::{Explanation, docs, statement};
use crate::service::registry::{DescribeWallet, NewWallet};
use crate::service::{Book, Call, Reply, people};
use crate::store::error::StoreError;
use crate::web::app::AppState;
use crate::web::blocking::block;
use crate::web::form::SignedUpload;
use crate::web::problem::{Failed, internal};
use crate::web::routes::{Reach, Route};
use crate::web::session::{Fields, Signed, SignedForm, see};
use crate::web::view::{Choice, Deed, DeedField, Extras, Field, FieldKind, Section, User};
use actix_web::{HttpResponse, web};
use serde_json::Value as Json;

const NOW: &str = "Reconciliation is shown as it stands now.";
/// Balances of one page.
const LISTED: usize = 500;
/// Who prepares reconciliations.
const PREPARES: &[Role] = &[Role::Preparer, Role::Treasurer];
/// Who keeps the list of wallets.
const KEEPS: &[Role] = &[Role::Treasurer];

fn crumbs() -> Vec<(String, String)> {
    vec![("Reconciliation".to_owned(), Section::Reconciliation.path())]
}

/// A form of the person at the screen, with what every form carries.
pub(super) fn deed(user: &User, action: &str, button: &str, about: &str) -> Deed {
    let hidden = [("csrf", user.csrf.clone()), ("key", Signed::fresh_key())];
    Deed {
        action: action.to_owned(),
        button: button.to_owned(),
        about: about.to_owned(),
        hidden: hidden.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        ..Deed::default()
    }
}

pub(super) fn may<'a>(asked: &'a Asked<'_>, roles: &[Role]) -> Option<&'a User> {
    asked.user.as_ref().filter(|user| user.person.holds(roles))
}

/// The registry.
pub(super) fn wallets(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let doc = asked.book.read(docs::wallets)?;
    let terms = || [DeedField::text("purpose", "Purpose").optional(), DeedField::text("network", "Network").optional()];
    let deeds = may(asked, KEEPS).map(|user| {
        let accounts = [
            ("1110", "1110 cold"),
            ("1120", "1120 payout"),
            ("1130", "1130 in transit"),
            ("1140", "1140 custodian"),
            ("1150", "1150 encumbered"),
            ("1160", "1160 bank"),
        ];
        let mut add = deed(user, "/wallets", "Add the wallet", "A wallet takes units once it is in the registry.");
        add.fields.extend([DeedField::text("code", "Code"), DeedField::choice("account", "Carried on", choices(&accounts))]);
        add.fields.extend([DeedField::text("address", "Address").optional()]);
        add.fields.extend(terms());
        let mut describe = deed(
            user,
            "/wallets/describe",
            "Describe the wallet",
            "With a network, only balances of that network are taken as observed.",
        );
        describe.fields.extend([DeedField::text("wallet", "Code")]);
        describe.fields.extend(terms());
        vec![add, describe]
    });
    let context = asked.context_of_now(Section::Reconciliation, NOW);
    Ok(Page { context, doc, extras: Extras { crumbs: crumbs(), deeds: deeds.unwrap_or_default(), ..Extras::default() } })
}

pub(super) fn choices(all: &[(&str, &str)]) -> Vec<Choice> {
    all.iter().map(|(value, label)| Choice { value: (*value).to_owned(), label: (*label).to_owned() }).collect()
}

/// What was observed.
pub(super) fn balances(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let doc = asked.book.read(|conn| docs::balances(conn, asked.value("of"), LISTED))?;
    let placeholder = "BTC@cold".to_owned();
    let context = asked.context_of_now(Section::Reconciliation, NOW);
    let context = context.with_field(Field::new("of", "Asset and wallet", FieldKind::Text { placeholder }));
    Ok(Page { context, doc, extras: Extras { crumbs: crumbs(), ..Extras::default() } })
}

/// A month: the one that is asked for, else the last that is over.
pub(super) fn month(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let now = asked.book.clock.now();
    let period = match asked.value("period") {
        Some(text) => read_month("/period", text)?,
        None => {
            let first = Period::of(asked.book.clock.today()).first_day();
            Period::of(first.yesterday().unwrap_or(first))
        }
    };
    let (doc, hash) =
        asked.book.read(|conn| Ok((docs::month(conn, period, now)?, statement::statement(conn, period)?.hash())))?;
    let placeholder = "YYYY-MM".to_owned();
    let context = asked.context_of_now(Section::Reconciliation, NOW);
    let mut field = Field::new("period", "Month", FieldKind::Text { placeholder });
    field.value = period.to_string();
    let mut context = context;
    context.fields.push(field);
    let extras = Extras {
        actions: vec![
            ("Wallets".to_owned(), "/wallets".to_owned()),
            ("Observed balances".to_owned(), "/reconciliation/balances".to_owned()),
        ],
        deeds: may(asked, PREPARES).map(|user| month_deeds(user, period, &hash)).unwrap_or_default(),
        ..Extras::default()
    };
    Ok(Page { context, doc, extras })
}

fn month_deeds(user: &User, period: Period, hash: &str) -> Vec<Deed> {
    let mut import = deed(
        user,
        "/reconciliation/import",
        "Import the file",
        "A file of observed balances, CSV or JSON. It is checked whole, then recorded and matched.",
    );
    import.takes_file = true;
    let mut again = deed(
        user,
        "/reconciliation/match",
        "Match again",
        "Compares the month's observations with the book once more, for entries that came later.",
    );
    let mut sign = deed(
        user,
        "/reconciliation/sign-off",
        "Sign the month off",
        "Exactly what this page shows. Under four eyes somebody else has to agree; elsewhere a preparer who signs himself says why.",
    );
    for one in [&mut import, &mut again, &mut sign] {
        one.hidden.push(("period".to_owned(), period.to_string()));
    }
    sign.hidden.push(("statement".to_owned(), hash.to_owned()));
    sign.fields.push(DeedField::text("note", "Remark").optional());
    vec![import, again, sign]
}

/// One break.
pub(super) fn one(asked: &Asked<'_>) -> Result<Page, StoreError> {
    let (number, now) = (asked.number("break")?, asked.book.clock.now());
    let (doc, found, persons) =
        asked.book.read(|conn| Ok((docs::one_break(conn, number, now)?, docs::find_break(conn, number)?, people::all(conn)?)))?;
    let deeds = may(asked, PREPARES).filter(|_| !found.ended).map(|user| break_deeds(user, &found, &persons));
    let context = asked.context_of_now(Section::Reconciliation, NOW);
    Ok(Page { context, doc, extras: Extras { crumbs: crumbs(), deeds: deeds.unwrap_or_default(), ..Extras::default() } })
}

fn break_deeds(user: &User, found: &BreakNow, persons: &[people::Person]) -> Vec<Deed> {
    let page = link::reconciliation_break(found.one.number);
    let mut explain = deed(
        user,
        &format!("{page}/explain"),
        "Record the reason",
        "It covers exactly this difference. Entries account for it if they are dated later and move as much together.",
    );
    explain.hidden.push(("difference".to_owned(), found.pair.text(found.difference)));
    let kinds: Vec<(&str, &str)> = Explanation::ALL.iter().map(|kind| (kind.slug(), kind.title())).collect();
    explain.fields.extend([
        DeedField::choice("explanation", "Kind", choices(&kinds)),
        DeedField::text("entries", "Entries, by number").optional(),
    ]);
    explain.asks_reason = true;
    let mut assign = deed(user, &format!("{page}/assign"), "Assign", "Whoever owns a break clears it up.");
    let logins: Vec<(&str, &str)> = persons.iter().map(|person| (person.login.as_str(), person.name.as_str())).collect();
    assign.fields.extend([DeedField::choice("owner", "Owner", choices(&logins)), DeedField::text("note", "Remark").optional()]);
    vec![explain, assign]
}

/// What answers the forms.
pub(super) fn routes() -> Vec<Route> {
    let form = |path: &'static str, roles: &'static [Role], act: Act| {
        let run = move |state, form| answer(act, String::new(), state, form);
        Route::post(path, Reach::Roles(roles), move |route| route.to(run))
    };
    let of_break = |path: &'static str, act: Act| {
        let run = move |number: web::Path<String>, state, form| answer(act, number.into_inner(), state, form);
        Route::post(path, Reach::Roles(PREPARES), move |route| route.to(run))
    };
    vec![
        form("/wallets", KEEPS, add_wallet),
        form("/wallets/describe", KEEPS, describe_wallet),
        Route::post("/reconciliation/import", Reach::Roles(PREPARES), |route| route.to(import)),
        form("/reconciliation/match", PREPARES, match_again),
        form("/reconciliation/sign-off", PREPARES, sign_off),
        of_break("/reconciliation/breaks/{break}/explain", explain),
        of_break("/reconciliation/breaks/{break}/assign", assign),
    ]
}

/// Gives the command of a form; the part of the path, the fields, and where to go afterwards.
type Act = fn(&Book, &Call, &str, &Fields) -> Result<(Reply, String), StoreError>;

async fn answer(act: Act, part: String, state: web::Data<AppState>, form: SignedForm) -> Result<HttpResponse, Failed> {
    let call = form.signed.call(form.fields.get("key"));
    let done = block(move || act(&state.book, &call, &part, &form.fields)).await.map_err(|error| internal(&error))?;
    let (reply, back) = done?;
    go_on(reply, &back)
}

/// On to the page that shows what was done, or to the proposal that it has become.
pub(super) fn go_on(reply: Reply, back: &str) -> Result<HttpResponse, Failed> {
    let reply = reply.success().map_err(StoreError::from)?;
    let proposal = reply.json().get("proposal").and_then(Json::as_i64);
    Ok(see(&proposal.map_or_else(|| back.to_owned(), link::proposal)))
}

fn text(fields: &Fields, name: &str) -> String {
    fields.get(name).trim().to_owned()
}

fn add_wallet(book: &Book, call: &Call, _: &str, fields: &Fields) -> Result<(Reply, String), StoreError> {
    let account = fields.get("account");
    let account = account.parse().map_err(|_| Rejection::invalid("/account", account, "is not a number of an account"))?;
    let new = NewWallet {
        code: text(fields, "code"),
        account,
        address: text(fields, "address"),
        purpose: text(fields, "purpose"),
        network: text(fields, "network"),
    };
    Ok((book.add_wallet(call, new)?, "/wallets".to_owned()))
}

fn describe_wallet(book: &Book, call: &Call, _: &str, fields: &Fields) -> Result<(Reply, String), StoreError> {
    let [wallet, purpose, network] = ["wallet", "purpose", "network"].map(|name| text(fields, name));
    Ok((book.describe_wallet(call, DescribeWallet { wallet, purpose, network })?, "/wallets".to_owned()))
}

fn match_again(book: &Book, call: &Call, _: &str, fields: &Fields) -> Result<(Reply, String), StoreError> {
    let period = text(fields, "period");
    let back = link::reconciliation(&read_month("/period", &period)?.to_string());
    Ok((book.match_balances(call, MatchBalances { period })?, back))
}

fn sign_off(book: &Book, call: &Call, _: &str, fields: &Fields) -> Result<(Reply, String), StoreError> {
    let [period, statement, note] = ["period", "statement", "note"].map(|name| text(fields, name));
    let back = link::reconciliation(&read_month("/period", &period)?.to_string());
    Ok((book.sign_off(call, SignOff { period, statement, note })?, back))
}

fn break_of(part: &str) -> Result<i64, Rejection> {
    part.parse().map_err(|_| Rejection::new(OutcomeCode::NotFound, "/break", part, "is not a number of a break"))
}

fn explain(book: &Book, call: &Call, part: &str, fields: &Fields) -> Result<(Reply, String), StoreError> {
    let number = break_of(part)?;
    let kind = fields.get("explanation");
    let explanation =
        Explanation::from_slug(kind).ok_or_else(|| Rejection::invalid("/explanation", kind, "is not a kind of reason"))?;
    let entries = fields.get("entries").split([',', ' ']).filter(|no| !no.is_empty()).map(|no| {
        no.parse().map_err(|_| Rejection::invalid("/entries", no, "is not a number of an entry; separate them by commas"))
    });
    let entries = entries.collect::<Result<Vec<i64>, _>>()?;
    let [reason, difference] = ["reason", "difference"].map(|name| text(fields, name));
    let command = ExplainBreak { number, explanation, reason, difference, entries };
    Ok((book.explain_break(call, command)?, link::reconciliation_break(number)))
}

fn assign(book: &Book, call: &Call, part: &str, fields: &Fields) -> Result<(Reply, String), StoreError> {
    let number = break_of(part)?;
    let [owner, note] = ["owner", "note"].map(|name| text(fields, name));
    Ok((book.assign_break(call, AssignBreak { number, owner, note })?, link::reconciliation_break(number)))
}

async fn import(form: SignedUpload, state: web::Data<AppState>) -> Result<HttpResponse, Failed> {
    let call = form.signed.call(form.fields.get("key"));
    let period = form.fields.get("period").to_owned();
    let mut files = form.files.into_iter();
    let (Some(file), None) = (files.next(), files.next()) else {
        return Err(Rejection::invalid("/file", "", "choose one file of observed balances").into());
    };
    let done = block(move || state.book.import_balances(&call, &file.name, &file.bytes)).await;
    let reply = done.map_err(|error| internal(&error))??;
    let back = read_month("/period", &period)
        .map_or_else(|_| Section::Reconciliation.path(), |month| link::reconciliation(&month.to_string()));
    go_on(reply, &back)
}
