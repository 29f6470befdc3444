//! The people of the demo: one or two for every role, with logins that are printed and therefore worth nothing anywhere else. They put
//! the book under four eyes on the last morning of the story, and leave something to decide in the queues.

use super::DemoError;
use super::story::{END, Story, done};
use crate::domain::account::no;
use crate::domain::amount::format_minor_trimmed;
use crate::domain::asset::AssetId;
use crate::domain::close::{Item, ItemState};
use crate::domain::ids::WalletId;
use crate::domain::person::PersonId;
use crate::proof::merkle::sha256;
use crate::service::approvals::{self, ApprovalTerms, Decide, Draft};
use crate::service::identity::Visitor;
use crate::service::identity::invite::Enrolment;
use crate::service::identity::totp::{Secret, step_at};
use crate::service::memo::MemoFigure;
use crate::service::people::{NewPerson, SetRole};
use crate::service::periods::checklist::MarkItem;
use crate::service::policies::FunctionalAmount;
use crate::service::refs::Refs;
use crate::service::treasury::{TreasuryCommand, TreasuryEvent};
use crate::service::{Call, Reply};
use crate::store::projection;
use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The password of everybody in the demo. It is printed, so it is no secret.
pub const PASSWORD: &str = "only for this demo";

/// Bytes of a shared secret.
const SECRET_BYTES: usize = 20;
/// The last month of the story, which stays open.
const OPEN_MONTH: &str = "2019-06";
/// Its last day.
const LAST_OF_MONTH: Date = date(2019, 6, 30);
/// Bitcoin that the observed balance has and the book has not, in satoshi.
const UNBOOKED_BTC: i128 = 35_000_000;
/// Stable units that the observed balance has and the book has not.
const UNBOOKED_USDC: i128 = 1_250_000_000;

/// A person of the demo.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// Login name.
    pub login: &'static str,
    /// Name.
    pub name: &'static str,
    /// Role.
    pub role: &'static str,
}

const fn member(login: &'static str, name: &'static str, role: &'static str) -> Member {
    Member { login, name, role }
}

/// Everybody.
pub const PEOPLE: [Member; 8] = [
    member("ada", "Ada Adams (demo)", "administrator"),
    member("abel", "Abel Abbot (demo)", "administrator"),
    member("paula", "Paula Price (demo)", "preparer"),
    member("ann", "Ann Archer (demo)", "approver"),
    member("ben", "Ben Brook (demo)", "approver"),
    member("tess", "Tess Tailor (demo)", "treasurer"),
    member("ivo", "Ivo Iris (demo)", "incident-officer"),
    member("otto", "Otto Oak (demo)", "auditor"),
];

impl Member {
    /// The member of this login name.
    pub fn find(login: &str) -> Option<Self> {
        PEOPLE.into_iter().find(|member| member.login == login)
    }

    /// The shared secret of the second factor. It follows from the name, so that it is the same in every demo.
    pub fn secret(&self) -> Secret {
        let hash = sha256(format!("safu demo, second factor of {}", self.login).as_bytes());
        Secret::of_bytes(hash.get(..SECRET_BYTES).unwrap_or(&hash))
    }

    /// The code that a device shows at a moment.
    pub fn code(&self, at: Timestamp) -> String {
        self.secret().code(step_at(at))
    }
}

/// Who is who in the book.
type Ids = BTreeMap<&'static str, PersonId>;

/// The last morning.
pub fn run(story: &mut Story<'_>) -> Result<(), DemoError> {
    story.at(6, 0)?;
    let ids = arrive(story)?;
    observe(story)?;
    story.at(6, 30)?;
    let terms = ApprovalTerms {
        one_up_to: amount("10000")?,
        two_up_to: amount("1000000")?,
        committee: 2,
        expire_hours: 14 * 24,
        ratify_hours: 24,
        evidence_above: None,
    };
    let (call, today) = (story.call("cli:controller"), story.today);
    done(story.book.set_approval_terms(&call, today, terms))?;
    story.at(7, 0)?;
    half_done(story, &ids)?;
    story.at(8, 0)?;
    queues(story, &ids)?;
    story.book.clock.set(END);
    Ok(())
}

fn amount(text: &str) -> Result<FunctionalAmount, DemoError> {
    serde_json::from_value(Value::String(text.to_owned())).map_err(|e| DemoError::Unexpected(format!("an amount: {e}")))
}

/// Everybody is made known, gets a role, and sets a login up.
fn arrive(story: &mut Story<'_>) -> Result<Ids, DemoError> {
    let mut ids = Ids::new();
    for member in PEOPLE {
        let call = story.call("cli:controller");
        let made =
            done(story.book.add_person(&call, NewPerson { login: member.login.to_owned(), name: member.name.to_owned() }))?;
        let number = made.json().get("person").and_then(Value::as_i64).and_then(|number| i32::try_from(number).ok());
        let number = number.ok_or_else(|| DemoError::Unexpected(format!("{} has no number", member.login)))?;
        ids.insert(member.login, PersonId(number));
        let call = story.call("cli:controller");
        let (role, reason) = (member.role.to_owned(), "The demo shows every role".to_owned());
        done(story.book.set_role(&call, SetRole { login: member.login.to_owned(), role, held: true, reason }))?;
    }
    for member in PEOPLE {
        let call = story.call("cli:controller");
        let token = story.book.invite(&call, member.login)?;
        let chosen = Enrolment {
            login: member.login.to_owned(),
            name: member.name.to_owned(),
            password: PASSWORD.to_owned(),
            secret: member.secret(),
            code: member.code(story.book.clock.now()),
        };
        story.book.enrol(&Visitor::default(), &token, chosen)?;
    }
    Ok(ids)
}

fn by(story: &mut Story<'_>, ids: &Ids, login: &'static str) -> Result<Call, DemoError> {
    let id = ids.get(login).copied().ok_or_else(|| DemoError::Unexpected(format!("{login} is nobody")))?;
    Ok(story.call(&format!("person:{login}")).by(id, true))
}

/// Balances at the end of the month as nodes and custodians say they are: two of them are not what the book has.
fn observe(story: &mut Story<'_>) -> Result<(), DemoError> {
    let (refs, rows) = story.book.read(|conn| Ok((Refs::load(conn)?, projection::balances_of_accounts(conn, &no::HOLDINGS)?)))?;
    let mut held: BTreeMap<(i32, AssetId), i128> = BTreeMap::new();
    for row in &rows {
        let sum = held.entry((row.wallet_id, row.asset())).or_default();
        *sum = sum.saturating_add(row.quantity.quantity().minor());
    }
    let end = LAST_OF_MONTH.checked_add(1.day()).map_err(|e| DemoError::Unexpected(e.to_string()))?;
    let mut file = String::from("wallet,asset,network,quantity,block_height,observed_at,source\n");
    for ((wallet, asset), units) in held.into_iter().filter(|(_, units)| *units != 0) {
        let (asset, wallet) = (refs.asset_by_id(asset)?, refs.wallets.get(&WalletId(wallet)));
        let Some(wallet) = wallet else { continue };
        let unbooked = match wallet.code.as_str() {
            "cold-btc" => UNBOOKED_BTC,
            "cold-usdc" => UNBOOKED_USDC,
            _ => 0,
        };
        let units = format_minor_trimmed(units.saturating_add(unbooked), asset.scale);
        let _ = writeln!(file, "{},{},{},{units},,{end}T00:00:00Z,synthetic node", wallet.code, asset.code, asset.network);
    }
    story.folder.keep("balances/2019-06-30.csv", file.as_bytes())?;
    let call = story.call("job:balances");
    done(story.book.import_balances(&call, "2019-06-30.csv", file.as_bytes()))?;
    Ok(())
}

/// A part of June's checklist is ticked.
fn half_done(story: &mut Story<'_>, ids: &Ids) -> Result<(), DemoError> {
    let mark = |item: Item, note: &str| MarkItem {
        period: OPEN_MONTH.to_owned(),
        item: item.slug().to_owned(),
        state: Some(ItemState::Done.slug().to_owned()),
        note: note.to_owned(),
        owner: None,
    };
    let call = by(story, ids, "tess")?;
    done(story.book.mark_item(&call, mark(Item::Statements, "Statements of 30 June in the close folder, synthetic")))?;
    let call = by(story, ids, "ivo")?;
    done(story.book.mark_item(&call, mark(Item::Estimates, "No incident is open; the last one closed on 28 June")))?;
    let call = by(story, ids, "paula")?;
    let owned = MarkItem { state: None, note: String::new(), owner: Some("paula".to_owned()), ..mark(Item::Changes, "") };
    done(story.book.mark_item(&call, owned))?;
    Ok(())
}

/// One proposal is carried out; the others wait: for everybody, for one more, for an administrator, and as a draft.
fn queues(story: &mut Story<'_>, ids: &Ids) -> Result<(), DemoError> {
    let call = by(story, ids, "paula")?;
    let asked = done(story.book.set_memo(&call, story.today, users_hold("352000")))?;
    agree(story, ids, "ann", &asked)?;
    let call = by(story, ids, "tess")?;
    let event: TreasuryEvent = read(json!({
        "event": "transfer", "from": "cold-btc", "to": "payout-btc", "asset": "BTC", "quantity": "25",
    }))?;
    let transfer =
        TreasuryCommand::new(story.today, event).memo("Payout wallet filled up, synthetic").reference("synthetic-fill");
    let asked = done(story.book.post_treasury(&call, transfer))?;
    agree(story, ids, "ann", &asked)?;
    let call = by(story, ids, "paula")?;
    done(story.book.soft_close(&call, OPEN_MONTH))?;
    let call = by(story, ids, "ada")?;
    let reason = "Stands in for Tess in July".to_owned();
    let role = SetRole { login: "ivo".to_owned(), role: "treasurer".to_owned(), held: true, reason };
    done(story.book.set_role(&call, role))?;
    let call = by(story, ids, "paula")?;
    let memo = json!({"effective_on": story.today, "terms": users_hold("353500")});
    done(story.book.draft(&call, Draft { kind: "memo".to_owned(), command: memo }))?;
    Ok(())
}

fn users_hold(btc: &str) -> MemoFigure {
    MemoFigure {
        account: no::COVERED_USER_ASSETS.0,
        asset: Some("BTC".to_owned()),
        quantity: btc.to_owned(),
        note: Some("synthetic".to_owned()),
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, DemoError> {
    serde_json::from_value(value).map_err(|e| DemoError::Unexpected(e.to_string()))
}

/// Agrees to what was asked for.
fn agree(story: &mut Story<'_>, ids: &Ids, login: &'static str, asked: &Reply) -> Result<(), DemoError> {
    let id = asked.json().get("proposal").and_then(Value::as_i64);
    let id = id.ok_or_else(|| DemoError::Unexpected(format!("no proposal: {}", asked.body)))?;
    let now = story.book.clock.now();
    let one = story.book.read(|conn| approvals::find(conn, id, now))?;
    let one = one.ok_or_else(|| DemoError::Unexpected(format!("proposal {id} is missing")))?;
    let call = by(story, ids, login)?;
    done(story.book.approve(&call, Decide { proposal: id, hash: one.hash, reason: String::new() }))?;
    Ok(())
}
