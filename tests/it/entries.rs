//! Manual entries: posted for what no other event covers, guarded, evidenced, drafted, approved, reversed.

use crate::small_book::{call, done, opened, person, typed};
use crate::support::database::TestDb;
use safu_ledger::domain::approval::State;
use safu_ledger::domain::outcome::{OutcomeCode, Rejection};
use safu_ledger::domain::person::PersonId;
use safu_ledger::service::approvals::{self, Decide, Draft, Proposal, Revise};
use safu_ledger::service::entries::ManualEntry;
use safu_ledger::service::entries::template::{self, EntryTemplate};
use safu_ledger::service::entries::{clone_of, given};
use safu_ledger::service::evidence::{self, GivenFile};
use safu_ledger::service::reversals::Reverse;
use safu_ledger::service::verify::verify;
use safu_ledger::service::{Book, Call, Reply};
use safu_ledger::store::error::StoreError;
use serde_json::json;
use std::sync::Barrier;

/// Custody cost of this many dollars, still to be paid.
fn fee(amount: &str) -> ManualEntry {
    let line = |account: i32, side: &str| json!({"account": account, "asset": "USD", "side": side, "units": amount});
    typed(json!({
        "on": "2019-01-02", "memo": "Custody fee of December", "reason": "The custodian bills in arrears",
        "lines": [line(5210, "debit"), line(2300, "credit")],
    }))
}

fn rejection(result: Result<Reply, StoreError>) -> Rejection {
    match result {
        Ok(reply) => reply.success().unwrap_err(),
        Err(error) => error.into_rejection(),
    }
}

/// A book under four eyes: up to 10,000 one approval is enough.
struct House {
    book: Book,
    paula: PersonId,
    ann: PersonId,
}

impl House {
    fn new(db: &TestDb) -> Self {
        let book = opened(db);
        for admin in ["ada", "abel"] {
            person(&book, admin, &["administrator"]);
        }
        let (paula, ann) = (person(&book, "paula", &["preparer"]), person(&book, "ann", &["approver"]));
        let terms = json!({"one_up_to": "10000", "two_up_to": "1000000", "committee": 1, "expire_hours": 72, "ratify_hours": 24});
        done(book.set_approval_terms(&call(), "2019-01-03".parse().unwrap(), typed(terms)));
        Self { book, paula, ann }
    }

    fn paula(&self) -> Call {
        Call::fresh("person:paula").by(self.paula, true)
    }

    fn ann(&self) -> Call {
        Call::fresh("person:ann").by(self.ann, true)
    }

    fn find(&self, id: i64) -> Proposal {
        let now = self.book.clock.now();
        self.book.read(|conn| approvals::find(conn, id, now)).unwrap().unwrap()
    }
}

fn seen(proposal: &Proposal) -> Decide {
    Decide { proposal: proposal.id, hash: proposal.hash.clone(), reason: String::new() }
}

on_both_engines!(what_a_person_writes_is_posted_with_its_reason, |db| {
    let book = opened(&db);
    let posted = done(book.post_manual(&call(), fee("1250.50")));
    assert_eq!((posted["event"].as_str(), posted["lines"][0]["value"].as_str()), (Some("E31"), Some("1250.5")));
    let no = posted["entry"].as_i64().unwrap();
    let source = format!("manual:{}", posted["fact"]);
    let kept = book.read(|conn| given(conn, &source)).unwrap().unwrap();
    assert_eq!(kept, fee("1250.50"));
    assert_eq!(book.read(|conn| clone_of(conn, no)).unwrap().lines.len(), 2);
    let again = book.read(|conn| clone_of(conn, no)).unwrap();
    done(book.post_manual(&call(), again));
    let reverse = Reverse { entry: no, on: "2019-01-03".parse().unwrap(), reason: "The bill was wrong".to_owned() };
    done(book.reverse_entry(&call(), reverse.clone()));
    assert_eq!(rejection(book.reverse_entry(&call(), reverse)).code, OutcomeCode::AlreadyReversed);
    assert!(verify(&book).unwrap().is_good());
});

on_both_engines!(what_is_wrong_is_named_field_by_field, |db| {
    let book = opened(&db);
    let wrong = |change: fn(&mut ManualEntry)| {
        let mut entry = fee("10");
        change(&mut entry);
        let refused = rejection(book.post_manual(&call(), entry));
        (refused.code, refused.problems.iter().map(|problem| problem.pointer.clone()).collect::<Vec<_>>())
    };
    assert_eq!(wrong(|e| e.lines[0].account = 1110), (OutcomeCode::InvalidField, vec!["/lines/0/account".to_owned()]));
    assert_eq!(wrong(|e| e.lines[1].account = 2301), (OutcomeCode::UnknownAccount, vec!["/lines/1/account".to_owned()]));
    assert_eq!(wrong(|e| e.lines[1].asset = "DOGE".to_owned()).0, OutcomeCode::UnknownAsset);
    assert_eq!(wrong(|e| e.lines[0].units = "1e5".to_owned()).1, ["/lines/0/units"]);
    assert_eq!(
        wrong(|e| e.lines[0].units = "11".to_owned()),
        (OutcomeCode::InvalidField, vec!["/lines".into(), "/lines".into()])
    );
    assert_eq!(wrong(|e| e.lines[0].wallet = "cold".to_owned()).1, ["/lines/0/wallet"]);
    assert_eq!(wrong(|e| (e.memo, e.reason) = (String::new(), " ".to_owned())).1, ["/memo", "/reason"]);
    assert_eq!(wrong(|e| e.on = "2019-01-04".parse().unwrap()).1, ["/on"]);
    assert_eq!(wrong(|e| e.evidence = vec!["00".repeat(32)]), (OutcomeCode::NotFound, vec!["/evidence/0".to_owned()]));
    assert_eq!(wrong(|e| e.lines.truncate(1)).1, ["/lines"]);
    let both = wrong(|e| (e.lines[0].account, e.lines[1].account) = (2130, 3900)).1;
    assert_eq!(both, ["/lines/0/account", "/lines/1/account"], "all of them at once");
});

on_both_engines!(above_a_limit_it_takes_evidence, |db| {
    let house = House::new(&db);
    let refused = rejection(house.book.post_manual(&house.paula(), fee("10000.01")));
    assert_eq!((refused.code, refused.problems[0].pointer.as_str()), (OutcomeCode::InvalidField, "/evidence"));
    assert_eq!(done(house.book.post_manual(&house.paula(), fee("10000")))["needs"], 1);
    let file = GivenFile { name: "bill.pdf".to_owned(), bytes: b"%PDF-1.4".as_slice().into() };
    let added = done(house.book.add_evidence(&house.paula(), file));
    let mut entry = fee("10000.01");
    entry.evidence = vec![added["sha256"].as_str().unwrap().to_owned()];
    let asked = done(house.book.post_manual(&house.paula(), entry));
    let proposal = house.find(asked["proposal"].as_i64().unwrap());
    let shown = house.book.proposal_doc(proposal.id).unwrap();
    assert!(shown.tables.iter().any(|table| table.id == "evidence" && table.rows.len() == 1), "the approver sees the file");
    let did = done(house.book.approve(&house.ann(), seen(&proposal)));
    let subject = format!("entry/{}", did["did"]["entry"]);
    assert_eq!(house.book.read(|conn| evidence::of(conn, &subject)).unwrap().len(), 1, "the entry has it too");
    assert!(verify(&house.book).unwrap().is_good());
});

on_both_engines!(a_draft_is_edited_submitted_and_approved_by_another, |db| {
    let house = House::new(&db);
    let mut unbalanced = fee("100");
    unbalanced.lines[0].units = "99".to_owned();
    let kept = done(house.book.draft(&house.paula(), Draft { kind: "entry.manual".to_owned(), command: json!(unbalanced) }));
    let draft = house.find(kept["proposal"].as_i64().unwrap());
    assert_eq!(rejection(house.book.submit(&house.paula(), seen(&draft))).code, OutcomeCode::InvalidField, "it does not balance");
    let mend = Revise { proposal: draft.id, hash: draft.hash.clone(), command: json!(fee("100")) };
    done(house.book.revise(&house.paula(), mend));
    let mended = house.find(draft.id);
    assert_eq!((mended.state, mended.revision), (State::Draft, 2));
    let rehearsed = house.book.rehearse(&fee("100")).unwrap();
    assert_eq!((rehearsed.needs, rehearsed.preview.did["event"].as_str()), (1, Some("E31")));
    done(house.book.submit(&house.paula(), seen(&mended)));
    assert_eq!(rejection(house.book.approve(&house.paula(), seen(&mended))).code, OutcomeCode::Forbidden);
    let did = done(house.book.approve(&house.ann(), seen(&mended)));
    let no = did["did"]["entry"].as_i64().unwrap();
    let reverse = Reverse { entry: no, on: "2019-01-03".parse().unwrap(), reason: "The bill was wrong".to_owned() };
    let asked = done(house.book.reverse_entry(&house.paula(), reverse));
    let reversal = house.find(asked["proposal"].as_i64().unwrap());
    assert_eq!(rejection(house.book.approve(&house.paula(), seen(&reversal))).code, OutcomeCode::Forbidden);
    assert_eq!(done(house.book.approve(&house.ann(), seen(&reversal)))["did"]["reverses"], no);
    assert!(verify(&house.book).unwrap().is_good());
});

on_both_engines!(of_many_who_edit_a_draft_at_once_one_wins, |db| {
    let house = House::new(&db);
    for round in 0..3 {
        let kept = done(house.book.draft(&house.paula(), Draft { kind: "entry.manual".to_owned(), command: json!(fee("100")) }));
        let draft = house.find(kept["proposal"].as_i64().unwrap());
        let (many, together) = (8, Barrier::new(8));
        let answers: Vec<_> = std::thread::scope(|scope| {
            let edit = |at: usize| {
                let (house, draft, together) = (&house, &draft, &together);
                move || {
                    let command = json!(fee(&format!("{}", 200 + at)));
                    together.wait();
                    house.book.revise(&house.paula(), Revise { proposal: draft.id, hash: draft.hash.clone(), command })
                }
            };
            let threads: Vec<_> = (0..many).map(|at| scope.spawn(edit(at))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap().unwrap().status).collect()
        });
        assert_eq!(answers.iter().filter(|status| **status == 201).count(), 1, "round {round}: {answers:?}");
        assert_eq!(answers.iter().filter(|status| **status == 409).count(), many - 1, "round {round}: {answers:?}");
        assert_eq!(house.find(draft.id).revision, 2);
    }
});

on_both_engines!(the_latest_template_of_a_name_holds, |db| {
    let book = opened(&db);
    let template = |units: &str| EntryTemplate {
        name: "Custody fee".to_owned(),
        memo: "Custody fee".to_owned(),
        reason: String::new(),
        lines: fee(units).lines,
    };
    done(book.save_template(&call(), template("1")));
    done(book.save_template(&call(), template("2")));
    let all = book.read(template::all).unwrap();
    assert_eq!((all.len(), all[0].lines[0].units.as_str()), (1, "2"));
    done(book.save_template(&call(), EntryTemplate { lines: Vec::new(), ..template("1") }));
    assert_eq!(book.read(template::all).unwrap(), []);
    let retired = EntryTemplate { lines: Vec::new(), ..template("1") };
    assert_eq!(rejection(book.save_template(&call(), retired)).code, OutcomeCode::NotFound);
});
