//! Who somebody is: proofs are counted, used once, and end with what they rest on.

use crate::small_book::{call, done, opened, person};
use crate::support::database::TestDb;
use jiff::SignedDuration;
use safu_ledger::domain::outcome::{OutcomeCode, Rejection};
use safu_ledger::domain::person::PersonId;
use safu_ledger::service::identity::change::Proof;
use safu_ledger::service::identity::invite::Enrolment;
use safu_ledger::service::identity::reset::ResetLogin;
use safu_ledger::service::identity::totp::{Secret, step_at};
use safu_ledger::service::identity::{SignedIn, Visitor, session};
use safu_ledger::service::keys::{self, KeyScope};
use safu_ledger::service::people::SetRole;
use safu_ledger::service::verify::verify;
use safu_ledger::service::{Book, Call};
use safu_ledger::store::error::StoreError;
use safu_ledger::store::{access, log};
use serde_json::json;

const PASSWORD: &str = "four plain words here";

/// A person who can log in.
struct Someone {
    id: PersonId,
    login: &'static str,
    secret: Secret,
    recovery: Vec<String>,
    token: String,
}

fn from(address: &str) -> Visitor {
    Visitor { address: address.to_owned(), user_agent: "test".to_owned() }
}

fn later(book: &Book, seconds: i64) {
    book.clock.set(book.clock.now() + SignedDuration::from_secs(seconds));
}

fn enrolment(book: &Book, login: &str, secret: &Secret) -> Enrolment {
    let code = secret.code(step_at(book.clock.now()));
    Enrolment {
        login: login.to_owned(),
        name: format!("Person {login}"),
        password: PASSWORD.to_owned(),
        secret: secret.clone(),
        code,
    }
}

fn someone(book: &Book, login: &'static str, roles: &[&str]) -> Someone {
    let id = person(book, login, roles);
    let token = book.invite(&call(), login).unwrap();
    let secret = Secret::fresh().unwrap();
    let made = book.enrol(&from("192.0.2.1"), &token, enrolment(book, login, &secret)).unwrap();
    later(book, 60);
    Someone { id, login, secret, recovery: made.recovery_codes, token: made.token }
}

impl Someone {
    /// The code of now; the clock goes on, so that the next one is another.
    fn code(&self, book: &Book) -> String {
        later(book, 60);
        self.secret.code(step_at(book.clock.now()))
    }

    fn log_in(&self, book: &Book) -> String {
        let code = self.code(book);
        book.log_in(&from("192.0.2.1"), self.login, PASSWORD, &code, None).unwrap()
    }

    fn proof(&self, book: &Book) -> Proof {
        Proof { password: PASSWORD.to_owned(), code: self.code(book) }
    }
}

fn signed(book: &Book, token: &str) -> Option<SignedIn> {
    let now = book.clock.now();
    book.read(|conn| session::find(conn, token, now)).unwrap()
}

#[track_caller]
fn refused<T>(result: Result<T, StoreError>) -> Rejection {
    match result {
        Ok(_) => panic!("was not refused"),
        Err(error) => error.into_rejection(),
    }
}

fn events(book: &Book, what: &str) -> usize {
    book.read(|conn| access::page(conn, None, 1000)).unwrap().iter().filter(|event| event.what == what).count()
}

on_both_engines!(wrong_codes_in_parallel_are_all_counted, |db| {
    let book = opened(&db);
    let ann = someone(&book, "ann", &["approver"]);
    let codes: Vec<OutcomeCode> = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..24)
            .map(|n| {
                let (book, login) = (&book, ann.login);
                scope.spawn(move || refused(book.log_in(&from(&format!("198.51.100.{n}")), login, PASSWORD, "000000", None)).code)
            })
            .collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let of = |code| codes.iter().filter(|one| **one == code).count();
    assert_eq!((of(OutcomeCode::Unauthenticated), of(OutcomeCode::RateLimited)), (5, 19), "{codes:?}");
    assert_eq!(events(&book, "login-refused"), 5);
    assert!(verify(&book).unwrap().is_good());
});

on_both_engines!(throttling_delays_but_never_locks_for_good, |db| {
    let book = opened(&db);
    let ann = someone(&book, "ann", &["approver"]);
    ann.log_in(&book);
    let stranger = from("198.51.100.7");
    let mut longest = 0;
    for _ in 0..40 {
        let refusal = refused(book.log_in(&stranger, "ann", "not her password", "000000", None));
        if refusal.code == OutcomeCode::RateLimited {
            let wait: i64 = refusal.problems[0].value.parse().unwrap();
            longest = longest.max(wait);
            later(&book, wait);
        }
    }
    assert_eq!(longest, 900, "a quarter of an hour is the most");
    let again = ann.secret.code(step_at(book.clock.now()));
    book.log_in(&from("192.0.2.1"), "ann", PASSWORD, &again, None).expect("her own address is not slowed by strangers");
    later(&book, 900);
    let code = ann.secret.code(step_at(book.clock.now()));
    book.log_in(&from("203.0.113.9"), "ann", PASSWORD, &code, None).expect("after the delay a new address gets in too");
});

on_both_engines!(a_code_is_taken_once, |db| {
    let book = opened(&db);
    let ann = someone(&book, "ann", &["approver"]);
    let code = ann.code(&book);
    let came_in: usize = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..5)
            .map(|n| {
                let (book, code) = (&book, code.clone());
                scope.spawn(move || book.log_in(&from(&format!("198.51.100.{n}")), "ann", PASSWORD, &code, None).is_ok())
            })
            .collect();
        tries.into_iter().map(|one| usize::from(one.join().unwrap())).sum()
    });
    assert_eq!(came_in, 1);
    later(&book, 3);
    assert_eq!(refused(book.log_in(&from("192.0.2.1"), "ann", PASSWORD, &code, None)).code, OutcomeCode::Unauthenticated);
    for _ in 0..2 {
        later(&book, 900);
        let recovery = book.log_in(&from("192.0.2.1"), "ann", PASSWORD, &ann.recovery[3].to_lowercase(), None);
        if let Err(error) = recovery {
            assert_eq!(error.into_rejection().code, OutcomeCode::Unauthenticated, "used before");
            assert_eq!(events(&book, "login-recovery"), 1);
            return;
        }
    }
    panic!("a recovery code let in twice");
});

on_both_engines!(a_session_dies_with_what_it_rests_on, |db| {
    let book = opened(&db);
    let paula = someone(&book, "paula", &["preparer"]);
    assert!(signed(&book, &paula.token).is_some(), "enrolling opens a session");
    let here = from("192.0.2.1");
    let role = |role: &str, held| {
        let set = SetRole { login: "paula".to_owned(), role: role.to_owned(), held, reason: "test".to_owned() };
        done(book.set_role(&call(), set));
    };
    let link = |login: &str, held| {
        let link = json!({"login": login, "issuer": "https://id.example", "subject": "7", "held": held, "reason": "test"});
        done(book.link_provider(&call(), serde_json::from_value(link).unwrap()));
    };
    let new = Secret::fresh().unwrap();
    type Act<'a> = (&'a str, Box<dyn Fn(&SignedIn) + 'a>);
    let acts: Vec<Act<'_>> = vec![
        ("a role is given", Box::new(|_| role("treasurer", true))),
        ("a role is taken", Box::new(|_| role("treasurer", false))),
        (
            "a key is made",
            Box::new(|_| drop(book.create_key_for(&call(), "hers", KeyScope::Operate, None, Some("paula")).unwrap())),
        ),
        ("a key is revoked", Box::new(|_| book.revoke_key(&call(), "hers").unwrap())),
        ("recovery codes are made", Box::new(|by| drop(book.new_recovery_codes(by, &here, &paula.proof(&book)).unwrap()))),
        ("the password is set", Box::new(|by| book.change_password(by, &here, &paula.proof(&book), PASSWORD).unwrap())),
        ("an identity is linked", Box::new(|_| link("paula", true))),
        ("a link is taken away", Box::new(|_| link("paula", false))),
        ("somebody ends them", Box::new(|_| assert!(book.end_sessions_of(&call(), "paula").unwrap() > 0))),
        (
            "the device is changed",
            Box::new(|by| {
                let proof = paula.proof(&book);
                let code = new.code(step_at(book.clock.now()));
                book.change_second_factor(by, &here, &proof, &new, &code).unwrap();
            }),
        ),
    ];
    for (what, act) in acts {
        let (one, other) = (paula.log_in(&book), paula.log_in(&book));
        let by = signed(&book, &one).unwrap();
        act(&by);
        assert!(signed(&book, &one).is_none() && signed(&book, &other).is_none(), "{what}");
    }
    assert!(refused(book.log_in(&here, "paula", PASSWORD, &paula.code(&book), None)).code == OutcomeCode::Unauthenticated);
    later(&book, 60);
    let renewed = book.log_in(&here, "paula", PASSWORD, &new.code(step_at(book.clock.now())), None).unwrap();
    done(book.reset_login(&call(), ResetLogin { login: "paula".to_owned(), reason: "lost".to_owned() }));
    assert!(signed(&book, &renewed).is_none());
    later(&book, 60);
    let code = new.code(step_at(book.clock.now()));
    assert_eq!(refused(book.log_in(&here, "paula", PASSWORD, &code, None)).code, OutcomeCode::Unauthenticated);
    book.invite(&call(), "paula").expect("after a reset she is invited anew");
    assert!(verify(&book).unwrap().is_good());
});

on_both_engines!(sessions_and_step_ups_end_by_themselves, |db| {
    let book = opened(&db);
    let ann = someone(&book, "ann", &["approver"]);
    let token = ann.log_in(&book);
    let here = from("192.0.2.1");
    let before = signed(&book, &token).unwrap();
    assert!(!before.stepped_up(book.clock.now()));
    let raised = book.step_up(&before, &here, &ann.code(&book)).unwrap();
    assert!(signed(&book, &token).is_none(), "the token changes with the step-up");
    assert!(signed(&book, &raised).unwrap().stepped_up(book.clock.now()));
    later(&book, 299);
    assert!(signed(&book, &raised).unwrap().stepped_up(book.clock.now()));
    later(&book, 1);
    let kept = signed(&book, &raised).unwrap();
    assert!(!kept.stepped_up(book.clock.now()), "five minutes are over");
    assert_eq!(refused(book.step_up(&kept, &here, "000000")).code, OutcomeCode::Unauthenticated);
    book.touch_session(&kept).unwrap();
    for _ in 0..26 {
        later(&book, 29 * 60);
        let Some(still) = signed(&book, &raised) else { break };
        book.touch_session(&still).unwrap();
    }
    let lasted = book.clock.now().as_microsecond() - before.session.created_at;
    assert!((11 * 3600..=12 * 3600 + 1800).contains(&(lasted / 1_000_000)), "{lasted}");
    assert!(signed(&book, &raised).is_none(), "twelve hours are over");
    let idle = ann.log_in(&book);
    later(&book, 1800);
    assert!(signed(&book, &idle).is_none(), "half an hour without a request");
});

/// Nanoseconds that this thread has worked. What waits for a processor meanwhile, as others work, does not count.
fn worked() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse().unwrap()
}

on_both_engines!(an_unknown_name_is_refused_like_a_known_one, |db| {
    let book = opened(&db);
    someone(&book, "ann", &["approver"]);
    let mut least = [u64::MAX; 2];
    for round in 0..4 {
        for (at, login) in ["ann", "nobody"].into_iter().enumerate() {
            let before = worked();
            let refusal = refused(book.log_in(&from(&format!("198.51.100.{round}")), login, "not the password", "123456", None));
            least[at] = least[at].min(worked() - before);
            later(&book, 900);
            let known = refused(book.log_in(&from("198.51.100.99"), "ann", "another wrong one", "654321", None));
            assert_eq!((refusal.code, refusal), (OutcomeCode::Unauthenticated, known));
            later(&book, 900);
        }
    }
    assert!(least[1] * 2 > least[0] && least[0] * 2 > least[1], "{least:?}");
});

on_both_engines!(invitations_are_good_once_and_for_a_day, |db| {
    let book = opened(&db);
    let here = from("192.0.2.1");
    let (first, second) =
        (book.invite_first_administrator("cli:test").unwrap(), book.invite_first_administrator("cli:test").unwrap());
    let secret = Secret::fresh().unwrap();
    assert_eq!(refused(book.enrol(&here, &first, enrolment(&book, "ada", &secret))).code, OutcomeCode::NotFound, "replaced");
    let weak = Enrolment { password: "ada-ada-ada-ada".to_owned(), ..enrolment(&book, "ada", &secret) };
    assert_eq!(refused(book.enrol(&here, &second, weak)).code, OutcomeCode::InvalidField);
    let wrong = Enrolment { code: "000000".to_owned(), ..enrolment(&book, "ada", &secret) };
    assert_eq!(refused(book.enrol(&here, &second, wrong)).code, OutcomeCode::InvalidField);
    let came_in: usize = std::thread::scope(|scope| {
        let tries: Vec<_> = ["ada", "eve", "mal"]
            .map(|login| {
                let (book, token, secret, here) = (&book, &second, &secret, &here);
                scope.spawn(move || book.enrol(here, token, enrolment(book, login, secret)).is_ok())
            })
            .into_iter()
            .collect();
        tries.into_iter().map(|one| usize::from(one.join().unwrap())).sum()
    });
    assert_eq!(came_in, 1, "one administrator");
    assert_eq!(refused(book.invite_first_administrator("cli:test")).code, OutcomeCode::WrongState);
    person(&book, "paula", &["preparer"]);
    let late = book.invite(&call(), "paula").unwrap();
    later(&book, 24 * 3600);
    assert_eq!(refused(book.enrol(&here, &late, enrolment(&book, "paula", &secret))).code, OutcomeCode::NotFound, "expired");
    assert!(verify(&book).unwrap().is_good());
});

on_both_engines!(under_four_eyes_nobody_takes_the_place_of_another_alone, |db| {
    let book = opened(&db);
    let ada = someone(&book, "ada", &["administrator"]);
    let abel = someone(&book, "abel", &["administrator"]);
    someone(&book, "ann", &["approver"]);
    for approver in ["ben", "cleo"] {
        person(&book, approver, &["approver"]);
    }
    person(&book, "paula", &["preparer"]);
    let hers = book.create_key_for(&call(), "ada-cli", KeyScope::Operate, None, Some("ada")).unwrap();
    let terms = json!({"one_up_to": "10000", "two_up_to": "1000000", "committee": 3, "expire_hours": 72, "ratify_hours": 24});
    done(book.set_approval_terms(&call(), "2019-01-03".parse().unwrap(), serde_json::from_value(terms).unwrap()));
    // The machine itself, without a person.
    let lost = || ResetLogin { login: "ann".to_owned(), reason: "lost".to_owned() };
    assert_eq!(refused(book.reset_login(&call(), lost())).code, OutcomeCode::ApprovalNeeded);
    person_without_role(&book, "mal");
    assert_eq!(refused(book.invite(&call(), "mal")).code, OutcomeCode::ApprovalNeeded);
    let forged = book.create_key_for(&call(), "forged", KeyScope::Operate, None, Some("ann"));
    assert_eq!(refused(forged.map(|_| ())).code, OutcomeCode::ApprovalNeeded);
    // An administrator alone: a key acts as its owner, and what it asks for waits for another.
    let account = book.read(|conn| keys::authenticate(conn, &hers.secret, book.clock.now())).unwrap();
    assert_eq!(account.owner, Some(ada.id));
    let by_key = || Call { by: account.by(), ..Call::fresh("key:ada-cli") };
    book.invite(&by_key(), "mal").expect("an administrator invites");
    let asked = done(book.reset_login(&by_key(), lost()));
    assert_eq!(asked["state"], "submitted", "{asked}");
    let waits = book.create_key_for(&by_key(), "forged", KeyScope::Operate, None, Some("ann")).unwrap();
    assert!(waits.waits);
    assert!(book.read(|conn| keys::authenticate(conn, &waits.secret, book.clock.now())).is_err());
    let seen = safu_ledger::service::approvals::Decide {
        proposal: asked["proposal"].as_i64().unwrap(),
        hash: asked["hash"].as_str().unwrap().to_owned(),
        reason: String::new(),
    };
    assert_eq!(refused(book.approve(&by_key(), seen.clone())).code, OutcomeCode::StepUpNeeded, "a key never approves");
    let other = || Call::fresh("person:abel").by(abel.id, true);
    assert_eq!(done(book.approve(&other(), seen))["state"], "executed");
    assert_eq!(refused(book.log_in(&from("192.0.2.1"), "ann", PASSWORD, "123456", None)).code, OutcomeCode::Unauthenticated);
    assert!(verify(&book).unwrap().is_good());
});

/// A person who is made known by the machine, which is free.
fn person_without_role(book: &Book, login: &str) {
    let new = json!({"login": login, "name": "Somebody"});
    done(book.add_person(&call(), serde_json::from_value(new).unwrap()));
}

#[test]
fn the_log_holds_no_secret_and_no_address() {
    let db = TestDb::sqlite();
    let book = opened(&db);
    let ann = someone(&book, "ann", &["approver"]);
    let token = ann.log_in(&book);
    refused(book.log_in(&from("192.0.2.1"), "a password typed as a name", "x", "y", None));
    let leaves = book.read(|conn| log::leaves(conn, 0, 10_000)).unwrap();
    let all: String = leaves.iter().map(|leaf| leaf.bytes.as_str()).collect();
    for secret in [PASSWORD, &token, &ann.token, &ann.secret.text(), &ann.recovery[0], "192.0.2.1", "a password typed"] {
        assert!(!all.contains(secret), "{secret}");
    }
    for event in ["invited", "enrolled", "login", "login-refused"] {
        assert!(events(&book, event) > 0, "{event}");
    }
}
