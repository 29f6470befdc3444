//! What is kept of every login, refusal and change: one row and its leaf, without secrets.

use super::{Visitor, keyed_hash};
use crate::domain::words::words;
use crate::service::clock::{fresh_id, random_bytes};
use crate::store::access::{self, AccessRow};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::identity;
use crate::store::tx::{Stamp, Tx};
use jiff::Timestamp;

words! {
    /// What can happen to a login.
    Happened / about {
    LoggedIn = "login", "Logged in";
    LoggedInByRecoveryCode = "login-recovery", "Logged in with a recovery code";
    LoggedInByProvider = "login-provider", "Logged in by the identity provider";
    Refused = "login-refused", "Was refused at the login";
    LoggedOut = "logout", "Logged out";
    SteppedUp = "step-up", "Showed the second factor again";
    ProofRefused = "proof-refused", "Gave a wrong password or code inside a session";
    PasswordChanged = "password-changed", "Changed the password";
    SecondFactorChanged = "second-factor-changed", "Changed the second factor";
    RecoveryCodesMade = "recovery-codes", "Made new recovery codes";
    ProviderLinked = "provider-linked", "Linked an identity of the provider";
    ProviderUnlinked = "provider-unlinked", "Took the link to an identity of the provider away";
    Invited = "invited", "Was invited to set a login up";
    Enrolled = "enrolled", "Set a login up";
    SessionEnded = "session-ended", "Had a session ended";
    SessionsEnded = "sessions-ended", "Had all sessions ended";
    }
}

/// The words of those events that are logins.
pub const LOGINS: [&str; 3] =
    [Happened::LoggedIn.slug(), Happened::LoggedInByRecoveryCode.slug(), Happened::LoggedInByProvider.slug()];

/// Hexadecimal digits of an address's hash that are kept: enough to tell addresses apart.
const ADDRESS_DIGITS: usize = 16;

/// Begins a transaction in which an event will be recorded.
pub(super) fn begin<'a>(conn: &'a mut Conn, at: Timestamp, actor: String) -> Result<Tx<'a>, StoreError> {
    Tx::begin(conn, Stamp { at, actor, request: fresh_id() })
}

/// Queues an event; one a transaction, because its number is that of the last one stored and one more.
pub(super) fn record(
    tx: &mut Tx<'_>,
    what: Happened,
    person: Option<i32>,
    session: &str,
    visitor: &Visitor,
) -> Result<(), StoreError> {
    let address = if visitor.address.is_empty() {
        String::new()
    } else {
        let key = identity::address_key(tx.conn, random_bytes()?)?;
        let hash = keyed_hash(&key, &visitor.address);
        hash.get(..ADDRESS_DIGITS).unwrap_or_default().to_owned()
    };
    let id = access::last(tx.conn)?.saturating_add(1);
    let recorded_at = tx.stamp.at.as_microsecond();
    tx.record(AccessRow { id, what: what.slug().to_owned(), person, session: session.to_owned(), address, recorded_at, leaf: 0 });
    Ok(())
}
