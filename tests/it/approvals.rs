//! Four eyes: what has weight takes effect when others have agreed to exactly that, and never by one person alone.

use crate::small_book::{call, done, opened, person, typed};
use crate::support::database::TestDb;
use jiff::Timestamp;
use safu_ledger::domain::approval::State;
use safu_ledger::domain::outcome::OutcomeCode;
use safu_ledger::domain::person::PersonId;
use safu_ledger::service::approvals::{self, Decide, Proposal, Revise};
use safu_ledger::service::verify::verify;
use safu_ledger::service::{Book, Call, Reply};
use safu_ledger::store::error::StoreError;
use serde_json::{Value, json};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A book under four eyes with its people.
struct House {
    book: Book,
    paula: PersonId,
    tess: PersonId,
    approvers: Vec<PersonId>,
}

impl House {
    fn new(db: &TestDb) -> Self {
        let house = Self::in_one_hand(db);
        house.guard();
        house
    }

    /// Puts it under four eyes.
    fn guard(&self) {
        let terms = json!({"one_up_to": "10000", "two_up_to": "1000000", "committee": 3, "expire_hours": 72, "ratify_hours": 24});
        done(self.book.set_approval_terms(&call(), day("2019-01-03"), typed(terms)));
    }

    /// The same people, before the first terms.
    fn in_one_hand(db: &TestDb) -> Self {
        let book = opened(db);
        for admin in ["ada", "abel"] {
            person(&book, admin, &["administrator"]);
        }
        let (paula, tess) = (person(&book, "paula", &["preparer"]), person(&book, "tess", &["treasurer"]));
        let approvers = ["ann", "ben", "cleo"].map(|login| person(&book, login, &["approver"])).to_vec();
        Self { book, paula, tess, approvers }
    }

    /// A memo figure that Paula proposes: one approval.
    fn memo(&self, quantity: &str) -> Proposal {
        let figure = typed(json!({"account": 9110, "asset": "BTC", "quantity": quantity}));
        let asked = done(self.book.set_memo(&as_person(self.paula), day("2019-01-03"), figure));
        assert_eq!(asked["state"], "submitted", "{asked}");
        self.at(&asked)
    }

    /// Sponsor's capital that Tess proposes.
    fn capital(&self, btc: &str) -> Value {
        let event = json!({"event": "sponsor-capital", "on": "2019-01-01", "receipts": [{"wallet": "cold", "asset": "BTC", "quantity": btc}]});
        done(self.book.post_treasury(&as_person(self.tess), typed(event)))
    }

    fn at(&self, asked: &Value) -> Proposal {
        self.find(asked["proposal"].as_i64().unwrap())
    }

    fn find(&self, id: i64) -> Proposal {
        let now = self.book.clock.now();
        self.book.read(|conn| approvals::find(conn, id, now)).unwrap().unwrap()
    }
}

fn day(text: &str) -> jiff::civil::Date {
    text.parse().unwrap()
}

fn as_person(person: PersonId) -> Call {
    Call::fresh(format!("person:{person}")).by(person, true)
}

fn seen(proposal: &Proposal) -> Decide {
    Decide { proposal: proposal.id, hash: proposal.hash.clone(), reason: "looked at".to_owned() }
}

fn refused(result: Result<Reply, StoreError>) -> OutcomeCode {
    match result {
        Ok(reply) => reply.success().unwrap_err().code,
        Err(error) => error.into_rejection().code,
    }
}

on_both_engines!(what_others_agree_to_takes_effect_and_verifies, |db| {
    let house = House::new(&db);
    let proposal = house.memo("5");
    assert_eq!((proposal.state, proposal.missing()), (State::Submitted, 1));
    let before = house.book.preview(proposal.id).unwrap();
    assert_eq!(before.did["quantity"], "5");
    assert!(!before.before.figures.is_empty() && before.before.figures.len() == before.after.figures.len());
    assert_eq!(house.find(proposal.id).state, State::Submitted, "a preview keeps nothing");
    assert!(house.book.proposal_doc(proposal.id).unwrap().finding.unwrap().contains("1 more must agree"));
    let did = done(house.book.approve(&as_person(house.approvers[0]), seen(&proposal)));
    assert_eq!((did["state"].as_str(), did["did"]["quantity"].as_str()), (Some("executed"), Some("5")));
    assert_eq!(house.find(proposal.id).state, State::Executed);
    assert_eq!(refused(house.book.approve(&as_person(house.approvers[1]), seen(&proposal))), OutcomeCode::WrongState);
    assert!(verify(&house.book).unwrap().is_good());
});

on_both_engines!(the_amount_decides_how_many_must_agree, |db| {
    let house = House::new(&db);
    for (btc, needed) in [("2", 1), ("3", 2), ("300", 3)] {
        let asked = house.capital(btc);
        assert_eq!(asked["needs"], needed, "{btc} BTC at 5,000");
        let proposal = house.at(&asked);
        for (at, approver) in house.approvers.iter().take(needed).enumerate() {
            assert_eq!(house.find(proposal.id).missing(), needed - at);
            let answer = done(house.book.approve(&as_person(*approver), seen(&proposal)));
            let state = if at + 1 == needed { "executed" } else { "submitted" };
            assert_eq!(answer["state"], state, "{answer}");
            if at + 1 < needed {
                assert_eq!(refused(house.book.approve(&as_person(*approver), seen(&proposal))), OutcomeCode::AlreadyExists);
            }
        }
        let (first, last) = house.find(proposal.id).entries().unwrap();
        assert_eq!(first, last, "one entry");
    }
    let verdict = verify(&house.book).unwrap();
    assert!(verdict.is_good(), "{:#?}", verdict.findings);
});

on_both_engines!(nobody_agrees_to_the_own_proposal, |db| {
    let house = House::new(&db);
    let proposal = house.memo("5");
    assert_eq!(refused(house.book.approve(&as_person(house.paula), seen(&proposal))), OutcomeCode::Forbidden);
    assert_eq!(refused(house.book.approve(&as_person(house.tess), seen(&proposal))), OutcomeCode::Forbidden, "no approver");
    let by_key = Call::fresh("key:ann").by(house.approvers[0], false);
    assert_eq!(refused(house.book.approve(&by_key, seen(&proposal))), OutcomeCode::StepUpNeeded, "a key shows no second factor");
    assert_eq!(refused(house.book.approve(&call(), seen(&proposal))), OutcomeCode::ApprovalNeeded, "nobody");
    assert_eq!(refused(house.book.withdraw(&as_person(house.tess), seen(&proposal))), OutcomeCode::Forbidden, "not hers");
    // A change of roles does not make two persons of one.
    change_role(&house, "paula", "preparer", false);
    change_role(&house, "paula", "approver", true);
    assert_eq!(refused(house.book.approve(&as_person(house.paula), seen(&proposal))), OutcomeCode::Forbidden);
    assert_eq!(house.find(proposal.id).state, State::Submitted);
    // And the database refuses it by itself.
    let direct = format!(
        "INSERT INTO proposal_step (proposal_id, no, maker, step, person, revision, state, content, recorded_at, leaf) \
         VALUES ({}, 3, {paula}, 'approve', {paula}, 1, 'approved', 'null', 0, -1)",
        proposal.id,
        paula = house.paula
    );
    assert!(db.execute(&direct).is_err(), "the own approval is refused by a CHECK");
    let renamed = direct.replace(&format!(", {}, 'approve'", house.paula), &format!(", {}, 'approve'", house.tess));
    assert!(db.execute(&renamed).is_err(), "a step of another maker is refused by the key of the proposal");
});

/// A role changed the way it is changed in a book under four eyes: by one administrator, agreed to by the other.
fn change_role(house: &House, login: &str, role: &str, held: bool) {
    let admins = house.book.read(safu_ledger::service::people::all).unwrap();
    let admin = |login: &str| admins.iter().find(|person| person.login == login).unwrap().id;
    let set = json!({"login": login, "role": role, "held": held, "reason": "test"});
    let asked = done(house.book.set_role(&as_person(admin("ada")), typed(set)));
    if held {
        let proposal = house.at(&asked);
        assert_eq!(refused(house.book.approve(&as_person(admin("ada")), seen(&proposal))), OutcomeCode::Forbidden);
        assert_eq!(refused(house.book.approve(&as_person(house.approvers[0]), seen(&proposal))), OutcomeCode::Forbidden);
        done(house.book.approve(&as_person(admin("abel")), seen(&proposal)));
    }
}

on_both_engines!(an_edit_voids_what_was_agreed_to, |db| {
    let house = House::new(&db);
    let proposal = house.at(&house.capital("300"));
    done(house.book.approve(&as_person(house.approvers[0]), seen(&proposal)));
    let mut command = proposal.command.clone();
    command["receipts"][0]["quantity"] = json!("301");
    let edit = Revise { proposal: proposal.id, hash: proposal.hash.clone(), command };
    assert_eq!(refused(house.book.revise(&as_person(house.paula), edit.clone())), OutcomeCode::Forbidden);
    done(house.book.revise(&as_person(house.tess), edit.clone()));
    assert_eq!(refused(house.book.revise(&as_person(house.tess), edit)), OutcomeCode::WrongState, "it is another revision now");
    let edited = house.find(proposal.id);
    assert_eq!((edited.state, edited.revision, edited.voices.len()), (State::Draft, 2, 0));
    assert_ne!(edited.hash, proposal.hash);
    assert_eq!(
        refused(house.book.approve(&as_person(house.approvers[1]), seen(&proposal))),
        OutcomeCode::WrongState,
        "stale hash"
    );
    assert_eq!(refused(house.book.approve(&as_person(house.approvers[1]), seen(&edited))), OutcomeCode::WrongState, "a draft");
    done(house.book.submit(&as_person(house.tess), seen(&edited)));
    for approver in &house.approvers {
        done(house.book.approve(&as_person(*approver), seen(&edited)));
    }
    assert_eq!(house.find(proposal.id).state, State::Executed);
    assert!(verify(&house.book).unwrap().is_good());
});

on_both_engines!(a_proposal_waits_only_so_long_and_ends_once, |db| {
    let house = House::new(&db);
    let (late, taken, denied) = (house.memo("1"), house.memo("2"), house.memo("3"));
    done(house.book.withdraw(&as_person(house.paula), seen(&taken)));
    let silent = Decide { reason: String::new(), ..seen(&denied) };
    assert_eq!(refused(house.book.reject(&as_person(house.approvers[0]), silent)), OutcomeCode::InvalidField, "no reason");
    done(house.book.reject(&as_person(house.approvers[0]), seen(&denied)));
    house.book.clock.set("2019-01-06T12:00:01Z".parse::<Timestamp>().unwrap());
    for (proposal, state) in [(late, State::Expired), (taken, State::Withdrawn), (denied, State::Rejected)] {
        assert_eq!(house.find(proposal.id).state, state);
        assert_eq!(refused(house.book.approve(&as_person(house.approvers[1]), seen(&proposal))), OutcomeCode::WrongState);
    }
});

on_both_engines!(an_emergency_is_ratified_afterwards, |db| {
    let house = House::new(&db);
    let event = json!({"event": "sponsor-capital", "on": "2019-01-01", "receipts": [{"wallet": "cold", "asset": "BTC", "quantity": "300"}]});
    let mut urgent = as_person(house.tess);
    urgent.by.as_mut().unwrap().emergency = Some("the payout wallet is empty".to_owned());
    let proposal = house.at(&done(house.book.post_treasury(&urgent, typed(event))));
    assert_eq!(proposal.missing(), 1, "instead of three");
    done(house.book.approve(&as_person(house.approvers[0]), seen(&proposal)));
    assert_eq!((house.find(proposal.id).state, house.find(proposal.id).to_ratify()), (State::Executed, 2));
    assert_eq!(refused(house.book.approve(&as_person(house.approvers[0]), seen(&proposal))), OutcomeCode::AlreadyExists);
    done(house.book.approve(&as_person(house.approvers[1]), seen(&proposal)));
    done(house.book.approve(&as_person(house.approvers[2]), seen(&proposal)));
    assert_eq!(house.find(proposal.id).to_ratify(), 0);
    assert!(verify(&house.book).unwrap().is_good());
});

on_both_engines!(without_a_person_only_what_is_free_is_taken, |db| {
    let house = House::new(&db);
    let event = json!({"event": "sponsor-capital", "on": "2019-01-01", "receipts": [{"wallet": "cold", "asset": "BTC", "quantity": "1"}]});
    assert_eq!(refused(house.book.post_treasury(&call(), typed(event.clone()))), OutcomeCode::ApprovalNeeded);
    assert_eq!(refused(house.book.post_treasury(&as_person(house.approvers[0]), typed(event))), OutcomeCode::Forbidden);
    let terms = json!({"one_up_to": "1", "two_up_to": "1", "committee": 1, "expire_hours": 1, "ratify_hours": 1});
    assert_eq!(
        refused(house.book.set_approval_terms(&call(), day("2019-01-03"), typed(terms))),
        OutcomeCode::ApprovalNeeded,
        "the terms themselves are not loosened by one hand"
    );
    done(house.book.revalue(&call(), day("2019-01-01")));
});

/// Acts by many at once on one item: whatever their order, it is decided once, and never by its maker.
fn scramble(house: &House, rounds: usize, threads: usize) {
    let own = AtomicUsize::new(0);
    for round in 0..rounds {
        let proposal = house.memo(&format!("{}", round + 1));
        let (barrier, ended) = (Barrier::new(threads), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for at in 0..threads {
                let (proposal, barrier, ended, own) = (&proposal, &barrier, &ended, &own);
                scope.spawn(move || {
                    barrier.wait();
                    let approver = as_person(house.approvers[at % 3]);
                    let result = match at % 5 {
                        0 => house.book.approve(&approver, seen(proposal)),
                        1 => house.book.reject(&approver, seen(proposal)),
                        2 => house.book.withdraw(&as_person(house.paula), seen(proposal)),
                        3 => house.book.execute(&approver, seen(proposal)),
                        _ => {
                            own.fetch_add(1, Ordering::Relaxed);
                            let own = house.book.approve(&as_person(house.paula), seen(proposal));
                            assert_eq!(refused(own), OutcomeCode::Forbidden);
                            return;
                        }
                    };
                    match result.unwrap().success() {
                        Ok(_) => drop(ended.fetch_add(1, Ordering::Relaxed)),
                        Err(refusal) => assert_eq!(refusal.code.status(), 409, "{refusal}"),
                    }
                });
            }
        });
        assert_eq!(ended.load(Ordering::Relaxed), 1, "one of them wins");
        assert!(!house.find(proposal.id).state.is_open());
    }
    assert_eq!(own.load(Ordering::Relaxed), rounds * threads / 5);
    assert!(verify(&house.book).unwrap().is_good());
}

on_both_engines!(of_two_hundred_at_once_one_wins, |db| scramble(&House::new(&db), 2, 200));

#[test]
fn ten_thousand_times_nobody_agrees_to_the_own_proposal() {
    let db = TestDb::sqlite();
    let house = House::new(&db);
    let proposal = house.memo("1");
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let own = house.book.approve(&as_person(house.paula).dry(true), seen(&proposal));
                    assert_eq!(refused(own), OutcomeCode::Forbidden);
                }
            });
        }
    });
    assert_eq!(house.find(proposal.id).state, State::Submitted);
    assert_eq!(house.find(proposal.id).steps.len(), 2);
}

#[test]
fn a_key_without_a_person_moves_nothing_of_weight_over_http() {
    use crate::support::server::TestServer;
    let db = TestDb::sqlite();
    let house = House::in_one_hand(&db);
    let server = TestServer::serve(house.book.clone(), safu_ledger::web::app::Limits::default());
    house.guard();
    let figure = json!({"kind": "memo", "command": {"effective_on": "2019-01-03", "terms": {"account": 9110, "asset": "BTC", "quantity": "1"}}});
    server.command("/api/v1/proposals", "d-1", &figure).refused("approval-needed");
    let event = json!({"event": "sponsor-capital", "on": "2019-01-01", "receipts": [{"wallet": "cold", "asset": "BTC", "quantity": "1"}]});
    let refusal = server.command("/api/v1/treasury", "t-1", &event).refused("approval-needed");
    assert!(refusal["detail"].as_str().unwrap().contains("log"), "{refusal}");
    let seen = json!({"proposal": 1, "hash": "00"});
    server.command("/api/v1/proposals/approval", "a-1", &seen).refused("approval-needed");
    let list = server.get("/api/v1/proposals").key(&server.operate_key).send();
    assert_eq!(list.status, 200);
    server.get("/api/v1/proposals/7").key(&server.operate_key).send().refused("not-found");
    assert_eq!(server.get("/approvals").send().status, 200);
}
