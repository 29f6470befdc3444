//! Logins by an identity provider. A person is linked to issuer and subject, by himself after showing the second factor, or by
//! administrators; never by an e-mail address, which others may come to own.

use super::id_token::Identity;
use super::login::Attempt;
use super::record::{self, Happened};
use super::reset::RESET;
use super::session::{SignedIn, open_session};
use super::{Visitor, fresh_token, unknown_person, valid_credential, wrong};
use crate::domain::approval::Risk;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::domain::person::Role;
use crate::domain::text::check_free_text;
use crate::proof::merkle::sha256;
use crate::service::command::Command;
use crate::service::{Answer, Book, Call, Reply};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::tx::Tx;
use crate::store::{fact, identity, person};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Kind of the facts that link persons to identities of providers; the subject is the login name.
pub const PROVIDER: &str = "person.provider";

/// An identity at a provider that is to be linked to a person, or not to be any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkProvider {
    /// Login name of the person.
    pub login: String,
    /// The provider, as its tokens name it.
    pub issuer: String,
    /// The person there: the `sub` of the tokens, never an e-mail address.
    pub subject: String,
    /// True to link, false to take the link away.
    pub held: bool,
    /// Why.
    pub reason: String,
}

/// A link in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Login name.
    pub login: String,
    /// The provider.
    pub issuer: String,
    /// The person there.
    pub subject: String,
}

/// All links in force. A reset of a login takes the links before it away, like everything else the login was made of.
pub fn links(conn: &mut Conn) -> Result<Vec<Link>, StoreError> {
    let mut held: BTreeMap<(String, String), (String, i64)> = BTreeMap::new();
    for row in fact::of_kind(conn, PROVIDER)? {
        let link: LinkProvider = row.parse()?;
        if link.held {
            held.insert((link.issuer, link.subject), (link.login, row.id));
        } else {
            held.remove(&(link.issuer, link.subject));
        }
    }
    let resets = fact::of_kind(conn, RESET)?;
    let stands = |login: &str, at: i64| !resets.iter().any(|reset| reset.subject == login && reset.id > at);
    let all = held.into_iter().filter(|(_, (login, at))| stands(login, *at));
    Ok(all.map(|((issuer, subject), (login, _))| Link { login, issuer, subject }).collect())
}

/// The login name that is linked to an identity.
fn linked_to(conn: &mut Conn, issuer: &str, subject: &str) -> Result<Option<String>, StoreError> {
    Ok(links(conn)?.into_iter().find(|link| link.issuer == issuer && link.subject == subject).map(|link| link.login))
}

impl Command for LinkProvider {
    const KIND: &'static str = PROVIDER;
    const TITLE: &'static str = "Link a person to an identity provider";
    const GIVERS: &'static [Role] = &[Role::Administrator];
    const APPROVERS: &'static [Role] = &[Role::Administrator];

    fn risk(&self) -> Risk {
        // Taking a right away must never wait.
        if self.held { Risk::One } else { Risk::Free }
    }

    fn check(&self) -> Result<(), Rejection> {
        for (pointer, text, most) in
            [("/issuer", &self.issuer, 500), ("/subject", &self.subject, 255), ("/reason", &self.reason, 500)]
        {
            check_free_text(text, most).map_err(|e| Rejection::invalid(pointer, text, e.to_string()))?;
        }
        Ok(())
    }

    fn decide(&self, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        link(tx, self)?;
        Ok(Answer::created(json!({"login": self.login, "issuer": self.issuer, "subject": self.subject, "linked": self.held})))
    }
}

/// Queues the fact, if it changes anything and takes nobody else's place.
fn link(tx: &mut Tx<'_>, new: &LinkProvider) -> Result<(), StoreError> {
    let row = person::of_login(tx.conn, &new.login)?.ok_or_else(|| unknown_person(&new.login))?;
    match linked_to(tx.conn, &new.issuer, &new.subject)? {
        Some(login) if new.held => {
            let detail = if login == new.login { "is linked to this person already" } else { "is linked to another person" };
            Err(Rejection::new(OutcomeCode::AlreadyExists, "/subject", &new.subject, detail).into())
        }
        Some(login) if login == new.login => {
            tx.add_fact(PROVIDER, &row.login, tx.today(), new);
            Ok(())
        }
        None if new.held => {
            tx.add_fact(PROVIDER, &row.login, tx.today(), new);
            Ok(())
        }
        _ => {
            let detail = "is not linked to this person";
            Err(Rejection::new(OutcomeCode::NotFound, "/subject", &new.subject, detail).into())
        }
    }
}

impl Book {
    /// Links a person to an identity, or takes the link away, as an administrator does.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyExists` for an identity that is linked.
    pub fn link_provider(&self, call: &Call, new: LinkProvider) -> Result<Reply, StoreError> {
        self.give(call, new)
    }

    /// Links the person of a session to an identity, or takes the link away. All sessions of the person end.
    ///
    /// # Errors
    /// `StepUpNeeded` to link without a step-up that holds, `AlreadyExists`, `NotFound`.
    pub fn link_own(&self, signed: &SignedIn, visitor: &Visitor, who: (&str, &str), held: bool) -> Result<(), StoreError> {
        let now = self.clock.now();
        if held && !signed.stepped_up(now) {
            let detail = "show the second factor once more, then link";
            return Err(Rejection::new(OutcomeCode::StepUpNeeded, "", "", detail).into());
        }
        let (issuer, subject) = (who.0.to_owned(), who.1.to_owned());
        let reason = if held { "linked by the person" } else { "taken away by the person" };
        let new = LinkProvider { login: signed.person.login.clone(), issuer, subject, held, reason: reason.to_owned() };
        new.check()?;
        let (visitor, session) = (visitor.clone(), signed.session.clone());
        self.store.write(move |conn| {
            let hash = <[u8; 32]>::try_from(session.token_hash.as_slice()).unwrap_or_default();
            if identity::session(conn, &hash)?.is_none() {
                return Err(wrong().into());
            }
            let mut tx = record::begin(conn, now, format!("person:{}", new.login))?;
            link(&mut tx, &new)?;
            identity::end_sessions(tx.conn, session.person)?;
            let what = if held { Happened::ProviderLinked } else { Happened::ProviderUnlinked };
            record::record(&mut tx, what, Some(session.person), &session.name(), &visitor)?;
            tx.commit()
        })
    }

    /// Logs in whom the provider has named, if that identity is linked to a person: with a code of the own second factor, or without
    /// one where the provider's counts. Gives the token of the session; `before` is that of a session the browser had until now.
    ///
    /// # Errors
    /// `Unauthenticated` for an identity that is not linked and for a wrong code, `RateLimited`.
    pub fn log_in_by_provider(
        &self,
        visitor: &Visitor,
        who: &Identity,
        code: Option<&str>,
        before: Option<&str>,
    ) -> Result<String, StoreError> {
        let Some(login) = self.read(|conn| linked_to(conn, &who.issuer, &who.subject))? else {
            self.note_stranger(visitor)?;
            return Err(not_linked().into());
        };
        let (token, hash) = fresh_token()?;
        let opening = Opening { who: who.clone(), login: login.clone(), from: visitor.clone(), hash, before: before.map(hashed) };
        match code {
            Some(code) => {
                let attempt = Attempt::begin(self, visitor, &login)?;
                attempt.finish(self, true, code, Happened::Refused, move |tx, row, credential, _| {
                    let session = opening.open(tx, row, &credential)?;
                    Ok((Happened::LoggedInByProvider, session, ()))
                })?;
            }
            None => self.open_without_code(opening)?,
        }
        Ok(token)
    }

    fn open_without_code(&self, opening: Opening) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.store.write(move |conn| {
            let row = person::of_login(conn, &opening.login)?.ok_or_else(not_linked)?;
            let credential = valid_credential(conn, &row)?.ok_or_else(not_linked)?;
            let mut tx = record::begin(conn, now, format!("person:{}", row.login))?;
            let session = opening.open(&mut tx, &row, &credential)?;
            record::record(&mut tx, Happened::LoggedInByProvider, Some(row.id), &session, &opening.from)?;
            tx.commit()
        })
    }

    fn note_stranger(&self, visitor: &Visitor) -> Result<(), StoreError> {
        let (now, visitor) = (self.clock.now(), visitor.clone());
        self.store.write(move |conn| {
            let mut tx = record::begin(conn, now, "visitor".to_owned())?;
            record::record(&mut tx, Happened::Refused, None, "", &visitor)?;
            tx.commit()
        })
    }
}

/// A session that is to be opened for whom a provider has named.
struct Opening {
    who: Identity,
    login: String,
    from: Visitor,
    hash: [u8; 32],
    before: Option<[u8; 32]>,
}

impl Opening {
    /// Opens it, if the link still stands.
    fn open(&self, tx: &mut Tx<'_>, row: &person::PersonRow, credential: &identity::CredentialRow) -> Result<String, StoreError> {
        if linked_to(tx.conn, &self.who.issuer, &self.who.subject)?.as_deref() != Some(row.login.as_str()) {
            return Err(not_linked().into());
        }
        if let Some(before) = &self.before {
            identity::end_session(tx.conn, before)?;
        }
        open_session(tx, row, credential, self.hash, &self.from)
    }
}

fn hashed(token: &str) -> [u8; 32] {
    sha256(token.as_bytes())
}

fn not_linked() -> Rejection {
    let detail = "this identity of the provider is linked to nobody here; log in with password and code, then link it on your account page";
    Rejection::new(OutcomeCode::Unauthenticated, "", "", detail)
}
