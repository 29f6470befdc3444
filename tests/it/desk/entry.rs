//! An entry from the first letter to its reversal, by two persons in a browser. The one who prepared it never gets to approve it.

use super::{Desk, PASSWORD, close_for_good, force, forced, tick};
use crate::login::Client;
use crate::pages::axe;
use crate::small_book::{call, done};
use crate::support::browser::Browser;
use crate::support::database::TestDb;
use safu_ledger::domain::approval::State;
use safu_ledger::service::Call;
use safu_ledger::service::entries::ManualEntry;
use safu_ledger::service::evidence::GivenFile;
use safu_ledger::service::verify::verify;
use serde_json::json;

const MEMO: &str = "Custody fee of December";

/// Writes an entry of 12,500.50 in the browser, with the file that this amount asks for, and gives the number of its proposal.
fn prepare(desk: &Desk, browser: &Browser) -> i64 {
    browser.goto(&desk.page("/entries/new"));
    browser.fill("#memo", MEMO);
    browser.fill("#reason", "The custodian bills in arrears");
    browser.fill("#line-1-account", "5210");
    browser.fill("#line-1-units", "12500.50");
    assert!(browser.text("#balance").contains("USD 12500.5 debit"), "{}", browser.text("#balance"));
    browser.fill("#line-2-account", "2300");
    browser.click(".line:nth-of-type(2) .rest");
    assert_eq!(browser.text("#balance"), "The lines balance.");
    assert_eq!(browser.eval("return document.querySelector('#line-2-units').value"), "12500.5");
    browser.click("button[value=add-line]");
    assert_eq!(browser.eval("return document.activeElement.id"), "line-3-account", "a new line without a round trip");
    browser.screenshot("entry-form-light");
    browser.media("screen", "dark");
    browser.screenshot("entry-form-dark");
    browser.media("screen", "light");
    browser.viewport(390, 844);
    assert!(!browser.scrolls_sideways());
    browser.screenshot("entry-form-phone");
    browser.viewport(1280, 900);
    // Without the file it comes back as it was filled in, with what is missing first and in focus.
    browser.follow("button.main");
    assert_eq!(browser.eval("return document.activeElement.id"), "mistakes");
    assert!(browser.text("#mistakes").contains("attach at least one file"), "{}", browser.text("#mistakes"));
    assert_eq!(browser.eval("return document.querySelector('#memo').value"), MEMO);
    browser.screenshot("entry-mistakes");
    forget(browser);
    let folder = tempfile::tempdir().unwrap();
    let bill = folder.path().join("bill.pdf");
    std::fs::write(&bill, "%PDF-1.4 the bill").unwrap();
    browser.fill("#file", bill.to_str().unwrap());
    browser.follow(".acts button[value=check]");
    let shown = browser.text("main");
    for part in
        ["It would book 12,500.5, once one other person has approved it.", "Fund and coverage before and after", "bill.pdf"]
    {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    browser.screenshot("entry-preview");
    browser.assert_quiet(&desk.server.origin);
    browser.follow("button.main");
    let number = browser.url().rsplit('/').next().unwrap().parse().unwrap();
    assert!(browser.text("main").contains("bill.pdf"), "{}", browser.text("main"));
    number
}

/// Waits until the console has told of so many refusals; it hears of them later than the page.
fn drain(browser: &Browser, wanted: usize) {
    let mut heard = 0;
    for _ in 0..500 {
        heard += browser.console().len();
        if heard >= wanted {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("the console told of {heard} refusals, not of {wanted}");
}

/// Drops what the console says of a page that came back with a refusal, if it does.
fn forget(browser: &Browser) {
    std::thread::sleep(std::time::Duration::from_millis(300));
    browser.console();
}

/// Every way in which the maker could try to approve.
fn fail_alone(desk: &Desk, browser: &Browser, proposal: i64) {
    let page = format!("/approvals/{proposal}");
    let untouched = || {
        let found = desk.find(proposal);
        assert_eq!((found.state, found.voices.len()), (State::Submitted, 0));
    };
    let buttons = "return [...document.querySelectorAll('.deed button')].map(b => b.innerText)";
    assert_eq!(browser.eval(buttons), json!(["Withdraw"]), "nothing offers it");
    force(browser, proposal, "approve");
    untouched();
    desk.step_up(browser, "paula", &page);
    refused_to_the_maker(browser, proposal, "with the second factor shown too");
    let many = format!(
        "const fields = new URLSearchParams(); \
         for (const name of ['csrf', 'hash']) fields.set(name, document.querySelector(`.deed input[name=${{name}}]`).value); \
         return Promise.all([...Array(20).keys()].map(at => {{ const own = new URLSearchParams(fields); own.set('key', 'many-' + at); \
         return fetch('/approvals/{proposal}/approve', {{ method: 'POST', body: own }}).then(answer => answer.status) }}))"
    );
    assert_eq!(browser.eval(&many), json!(vec![403; 20]), "many at once");
    untouched();
    drain(browser, 21);
    another_session(desk, proposal);
    let ask = json!({"proposal": proposal, "hash": desk.find(proposal).hash});
    let by_key = desk.server.post("/api/v1/proposals/approval").key(&desk.paula_key).idempotent("by-key").json(&ask).send();
    by_key.refused("step-up-needed");
    untouched();
    as_an_approver(desk, browser, proposal);
    untouched();
    by_another_name(desk, browser, proposal);
    untouched();
}

/// It is refused for who asks, not for a role that they lack at the time.
fn refused_to_the_maker(browser: &Browser, proposal: i64, what: &str) {
    let (status, page) = forced(browser, proposal, "approve");
    assert_eq!(status, 403, "{what}");
    assert!(page.contains("was made by you"), "{what}: {page}");
}

/// The same person in a second session of another program, with the second factor shown there.
fn another_session(desk: &Desk, proposal: i64) {
    let client = Client::new(&desk.server);
    assert_eq!(client.log_in("paula", PASSWORD, &desk.next_code("paula")).status, 303);
    let csrf = Client::hidden(&client.get("/step-up"), "csrf");
    let code = desk.next_code("paula");
    assert_eq!(client.post("/step-up", &[("csrf", &csrf), ("code", &code), ("next", "/")]).status, 303);
    // The step-up has made another session of it, and forms are bound to theirs.
    let csrf = Client::hidden(&client.get(&format!("/approvals/{proposal}")), "csrf");
    let hash = desk.find(proposal).hash;
    let answer = client.post(
        &format!("/approvals/{proposal}/approve"),
        &[("csrf", &csrf), ("hash", &hash), ("key", "another-session"), ("reason", "")],
    );
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(answer.text().contains("was made by you"), "{}", answer.text());
}

/// The same person with the role of an approver: a change of role makes nobody another person, and it ends the sessions.
fn as_an_approver(desk: &Desk, browser: &Browser, proposal: i64) {
    let page = format!("/approvals/{proposal}");
    desk.role("paula", "preparer", false);
    browser.goto(&desk.page(&page));
    assert!(browser.url().contains("/login"), "the session died with the role");
    desk.role("paula", "approver", true);
    desk.log_in(browser, "paula");
    desk.step_up(browser, "paula", &page);
    assert!(!browser.text("main").contains("Approve and carry out"));
    refused_to_the_maker(browser, proposal, "an approver by now, but the maker still");
    drain(browser, 1);
    desk.role("paula", "approver", false);
    desk.role("paula", "preparer", true);
}

/// The same person by the name of another: who somebody is does not go by names.
fn by_another_name(desk: &Desk, browser: &Browser, proposal: i64) {
    desk.rename("paula", "Ann A.");
    desk.log_in(browser, "paula");
    let page = format!("/approvals/{proposal}");
    desk.step_up(browser, "paula", &page);
    assert!(browser.text(".user").contains("Ann A."), "{}", browser.text(".user"));
    assert!(browser.text("main").contains("Ann A.") && !browser.text("main").contains("Approve and carry out"));
    refused_to_the_maker(browser, proposal, "the maker still, under whatever name");
    drain(browser, 1);
    browser.follow(".user button");
}

/// Approves as Ann, who finds it in the queue by keys.
fn approve(desk: &Desk, browser: &Browser, proposal: i64) {
    desk.log_in(browser, "ann");
    browser.goto(&desk.page("/approvals"));
    browser.press("j");
    browser.press("\u{e007}");
    let page = format!("/approvals/{proposal}");
    desk.wait_for(browser, &page);
    if browser.text(".deed button").contains("second factor") {
        browser.follow(".deed button");
        browser.fill("input[name=code]", &desk.next_code("ann"));
        browser.follow(".entry button");
    }
    browser.follow(".deed button");
    assert!(browser.text("main").contains("it took effect"), "{}", browser.text("main"));
    browser.follow(".user button");
}

#[test]
fn an_entry_is_prepared_approved_by_another_reversed_and_its_month_closed() {
    let Some(browser) = Browser::start() else { return };
    let db = TestDb::sqlite();
    let desk = Desk::new(&db);
    desk.log_in(&browser, "paula");
    let proposal = prepare(&desk, &browser);
    fail_alone(&desk, &browser, proposal);
    browser.goto(&desk.page("/login"));
    approve(&desk, &browser, proposal);
    let (no, _) = desk.find(proposal).entries().unwrap();

    desk.log_in(&browser, "paula");
    browser.goto(&desk.page(&format!("/entries/{no}")));
    let shown = browser.text("main");
    assert!(shown.contains("bill.pdf") && shown.contains("The custodian bills in arrears"), "{shown}");
    browser.screenshot("entry-manual");
    browser.follow(".controls a[href$='/reverse']");
    browser.fill("#reason", "Billed twice");
    browser.follow(".acts button[value=check]");
    assert!(browser.text("main").contains("Fund and coverage before and after"), "{}", browser.text("main"));
    browser.screenshot("entry-reverse");
    browser.follow("button.main");
    let reversal: i64 = browser.url().rsplit('/').next().unwrap().parse().unwrap();
    assert_eq!(force(&browser, reversal, "execute"), 409);
    drain(&browser, 1);
    browser.follow(".user button");
    approve(&desk, &browser, reversal);

    desk.log_in(&browser, "paula");
    browser.goto(&desk.page(&format!("/entries/{no}")));
    assert!(browser.text("main").contains("Reversed by"), "{}", browser.text("main"));
    let csv = browser.eval("return fetch('/journal?format=csv').then(answer => answer.text())");
    let csv = csv.as_str().unwrap();
    assert!(csv.contains(MEMO) && csv.contains("Billed twice"), "{csv}");
    // The month of the entry is closed, exported as it was left, and the day ends.
    browser.follow(".user button");
    desk.to_february();
    desk.log_in(&browser, "paula");
    tick(&desk, &browser);
    close_for_good(&desk, &browser);
    browser.goto(&desk.page("/journal?to=2019-01-31"));
    let csv = browser.eval("return fetch(document.querySelector('a[href*=\"format=csv\"]').href).then(answer => answer.text())");
    assert!(csv.as_str().unwrap().contains(MEMO), "{csv}");
    browser.goto(&desk.page(&format!("/entries/{no}")));
    browser.assert_quiet(&desk.server.origin);
    browser.follow(".user button");
    browser.eval("history.back()");
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(!browser.text("body").contains(MEMO), "after logging out the page before is gone");
    assert!(verify(&desk.server.book).unwrap().is_good());
}

#[test]
fn a_draft_is_kept_edited_cloned_and_made_a_template() {
    let Some(browser) = Browser::start() else { return };
    let db = TestDb::sqlite();
    let desk = Desk::new(&db);
    desk.log_in(&browser, "paula");
    browser.goto(&desk.page("/entries/new"));
    browser.fill("#memo", "Rent");
    browser.fill("#reason", "No event for it");
    for (line, account) in [(1, "5210"), (2, "2300")] {
        browser.fill(&format!("#line-{line}-account"), account);
        browser.fill(&format!("#line-{line}-units"), "7");
    }
    browser.fill("#template", "Rent");
    browser.follow("button[value=template]");
    assert!(browser.text(".notice").contains("“Rent” is kept"), "{}", browser.text("main"));
    browser.follow("button[value=draft]");
    assert!(browser.text("main").contains("keeps it as a draft"), "{}", browser.text("main"));
    let draft = browser.url().rsplit('/').next().unwrap().parse().unwrap();
    browser.follow(".controls a[href*='draft=']");
    browser.eval("document.querySelector('#memo').value = ''");
    browser.fill("#memo", "Rent of May");
    // Meanwhile the same draft is edited elsewhere: this edit is too late, says so, and loses nothing.
    let seen = desk.find(draft);
    let mut elsewhere = seen.command.clone();
    elsewhere["memo"] = json!("Rent of June");
    let by = Call::fresh("person:paula").by(desk.ids[2], false);
    let edit = safu_ledger::service::approvals::Revise { proposal: draft, hash: seen.hash, command: elsewhere };
    done(desk.server.book.revise(&by, edit));
    browser.follow("button[value=draft]");
    assert!(browser.text("#mistakes").contains("was changed since"), "{}", browser.text("main"));
    assert_eq!(browser.eval("return document.querySelector('#memo').value"), "Rent of May");
    forget(&browser);
    browser.goto(&desk.page(&format!("/entries/new?draft={draft}")));
    assert_eq!(browser.eval("return document.querySelector('#memo').value"), "Rent of June");
    browser.follow("button.main");
    assert_eq!(
        (desk.find(draft).state, desk.find(draft).revision),
        (State::Submitted, 2),
        "an unchanged draft is no new revision"
    );
    browser.goto(&desk.page("/entries/new?template=Rent"));
    assert_eq!(browser.eval("return document.querySelector('#line-2-account').value"), "2300");
    browser.assert_quiet(&desk.server.origin);
}

#[test]
fn axe_finds_nothing_wrong_with_the_forms() {
    let Some(axe) = axe::source() else { return };
    let Some(browser) = Browser::start() else { return };
    let db = TestDb::sqlite();
    let desk = Desk::before_terms(&db);
    let line = |account: i32, side: &str| json!({"account": account, "asset": "USD", "side": side, "units": "7"});
    let entry = json!({"on": "2019-01-03", "memo": "Rent", "reason": "r", "lines": [line(5210, "debit"), line(2300, "credit")]});
    let file = GivenFile { name: "bill.pdf".to_owned(), bytes: b"%PDF-1.4".as_slice().into() };
    let mut entry: ManualEntry = serde_json::from_value(entry).unwrap();
    entry.evidence = vec![done(desk.server.book.add_evidence(&call(), file))["sha256"].as_str().unwrap().to_owned()];
    done(desk.server.book.post_manual(&call(), entry));
    desk.guard();
    desk.log_in(&browser, "paula");
    let sound = |what: &str| {
        for scheme in ["light", "dark"] {
            browser.media("screen", scheme);
            assert_eq!(axe::violations(&browser, &axe), [] as [String; 0], "{what}, {scheme}");
        }
        browser.media("screen", "light");
    };
    for path in ["/entries/new", "/entries/1", "/entries/1/reverse", "/evidence", "/approvals"] {
        browser.goto(&desk.page(path));
        sound(path);
    }
    browser.goto(&desk.page("/entries/new?clone=1"));
    browser.follow(".acts button[value=check]");
    sound("a preview");
    browser.screenshot("entry-clone");
    browser.media("print", "light");
    browser.screenshot("entry-print");
    browser.media("screen", "light");
    browser.fill("#line-1-units", "x");
    browser.follow("button.main");
    assert!(browser.text("#mistakes").contains("Line 1, units"), "{}", browser.text("main"));
    sound("mistakes");
}
