//! The identity provider as the other end of a connection: where its doors are, which keys it signs with, and what it gives for a code.
//! Everything here blocks and belongs on a thread of its own.

use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::service::identity::id_token::{self, Expected, Identity, KeySet, Wrong};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long one exchange with the provider may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long doors and keys are believed.
const BELIEVED: Duration = Duration::from_secs(3600);
/// Tokens of unknown keys make the keys be fetched again, but not more often than this.
const BETWEEN_FETCHES: Duration = Duration::from_secs(10);
/// The largest answer that is read.
const MAX_ANSWER: u64 = 1 << 20;
/// Exchanges at the same time; the provider's slowness must not become the server's.
const EXCHANGES: usize = 8;

/// How persons may log in by an identity provider.
#[derive(Debug, Clone)]
pub struct OidcConfig {
    /// Its name, as its tokens have it.
    pub issuer: String,
    /// What this server is called there.
    pub client_id: String,
    /// What proves that; none for a public client.
    pub client_secret: Option<ClientSecret>,
    /// Its name for people, on the button.
    pub name: String,
    /// True where the provider's second factor (`amr` has `mfa`, or `acr` is the one wanted) is enough to log in. To step up, the own
    /// one is asked for in any case.
    pub trusts_second_factor: bool,
    /// The class of proof that counts as a second factor, and is asked for.
    pub acr: Option<String>,
}

/// A secret that is not printed.
#[derive(Clone)]
pub struct ClientSecret(pub String);

impl std::fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("secret")
    }
}

impl OidcConfig {
    /// Refuses an issuer that cannot be trusted to be itself.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub fn check(&self) -> Result<(), String> {
        if !is_safe(&self.issuer) || self.issuer.contains(['?', '#']) {
            return Err(format!(
                "the issuer {:?} must be an https address without query (http on this machine only)",
                self.issuer
            ));
        }
        if self.client_id.is_empty() {
            return Err("the name of this server at the provider is missing".to_owned());
        }
        Ok(())
    }

    /// True where this proof needs no code of the own second factor.
    pub(super) fn is_enough(&self, who: &Identity) -> bool {
        let by_class = self.acr.is_some() && self.acr == who.class;
        self.trusts_second_factor && (by_class || who.methods.iter().any(|method| method == "mfa"))
    }
}

/// HTTPS, or plain HTTP that does not leave the machine.
fn is_safe(address: &str) -> bool {
    if address.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return false;
    }
    if address.strip_prefix("https://").is_some_and(|rest| !rest.is_empty()) {
        return true;
    }
    let Some(rest) = address.strip_prefix("http://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
    ["127.0.0.1", "localhost", "[::1]"].contains(&name)
}

/// What the provider says of itself.
#[derive(Debug, Deserialize)]
struct Doors {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

#[derive(Clone)]
struct Known {
    doors: Arc<Doors>,
    keys: Arc<KeySet>,
    at: Duration,
    fetched_again: Option<Duration>,
}

/// A provider with what is known of it.
pub(super) struct Provider {
    pub(super) config: OidcConfig,
    pub(super) exchanges: Semaphore,
    agent: ureq::Agent,
    known: Mutex<Option<Known>>,
}

/// A login that was begun, as the provider is asked for it.
pub(super) struct Request<'a> {
    pub(super) redirect: &'a str,
    pub(super) state: &'a str,
    pub(super) nonce: &'a str,
    pub(super) challenge: &'a str,
}

impl Provider {
    pub(super) fn new(config: OidcConfig) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).timeout_global(Some(PATIENCE));
        Self { config, exchanges: Semaphore::new(EXCHANGES), agent: agent.build().new_agent(), known: Mutex::new(None) }
    }

    /// The address at which a person proves who he is.
    pub(super) fn address(&self, now: Duration, request: &Request<'_>) -> Result<String, Rejection> {
        let doors = self.known(now)?.doors;
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", &self.config.client_id),
            ("redirect_uri", request.redirect),
            ("scope", "openid"),
            ("state", request.state),
            ("nonce", request.nonce),
            ("code_challenge", request.challenge),
            ("code_challenge_method", "S256"),
        ];
        if let Some(acr) = &self.config.acr {
            pairs.push(("acr_values", acr));
        }
        let join = if doors.authorization_endpoint.contains('?') { '&' } else { '?' };
        Ok(format!("{}{join}{}", doors.authorization_endpoint, encoded(&pairs)))
    }

    /// Gives the code back and hears who it is.
    pub(super) fn identity(
        &self,
        (now, uptime): (Timestamp, Duration),
        (code, verifier, redirect): (&str, &str, &str),
        nonce: &str,
    ) -> Result<Identity, Rejection> {
        let known = self.known(uptime)?;
        let token = self.token(&known.doors, code, verifier, redirect)?;
        let expected = Expected { issuer: &self.config.issuer, audience: &self.config.client_id, nonce, now };
        let found = match id_token::verify(&token, &known.keys, &expected) {
            Err(Wrong::UnknownKey) => id_token::verify(&token, self.keys_again(uptime)?.as_ref(), &expected),
            other => other,
        };
        found.map_err(|wrong| {
            let why = match wrong {
                Wrong::UnknownKey => "the token is signed with a key that the provider does not name",
                Wrong::Refused(why) => why,
            };
            tracing::warn!(issuer = self.config.issuer, why, "a token of the identity provider was refused");
            Rejection::new(OutcomeCode::Unauthenticated, "", "", format!("the answer of {} is not good: {why}", self.config.name))
        })
    }

    fn token(&self, doors: &Doors, code: &str, verifier: &str, redirect: &str) -> Result<String, Rejection> {
        #[derive(Deserialize)]
        struct Given {
            id_token: String,
        }
        let mut pairs =
            vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect), ("code_verifier", verifier)];
        let methods = &doors.token_endpoint_auth_methods_supported;
        let basic = methods.is_empty() || methods.iter().any(|method| method == "client_secret_basic");
        let mut request = self.agent.post(&doors.token_endpoint).header("Accept", "application/json");
        match &self.config.client_secret {
            Some(ClientSecret(secret)) if basic => {
                let pair = format!("{}:{}", escaped(&self.config.client_id), escaped(secret));
                request = request.header("Authorization", &format!("Basic {}", STANDARD.encode(pair)));
            }
            Some(ClientSecret(secret)) => {
                pairs.extend([("client_id", self.config.client_id.as_str()), ("client_secret", secret)])
            }
            None => pairs.push(("client_id", &self.config.client_id)),
        }
        let answer = request.content_type("application/x-www-form-urlencoded").send(encoded(&pairs));
        let mut answer = answer.map_err(|error| self.silent(&error))?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec().map_err(|error| self.silent(&error))?;
        let given: Option<Given> = if status == 200 { serde_json::from_slice(&body).ok() } else { None };
        given.map(|given| given.id_token).ok_or_else(|| {
            tracing::warn!(status, issuer = self.config.issuer, "the identity provider gave no token");
            let detail = format!("{} did not confirm this login; begin again", self.config.name);
            Rejection::new(OutcomeCode::Unauthenticated, "", "", detail)
        })
    }

    fn known(&self, now: Duration) -> Result<Known, Rejection> {
        let held = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = held.filter(|known| now.saturating_sub(known.at) < BELIEVED) {
            return Ok(known);
        }
        let doors = Arc::new(self.doors()?);
        let known = Known { keys: Arc::new(self.keys(&doors)?), doors, at: now, fetched_again: None };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
        Ok(known)
    }

    /// The keys as they are now, for a token of a key that was not known.
    fn keys_again(&self, now: Duration) -> Result<Arc<KeySet>, Rejection> {
        let doors = {
            let mut held = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(known) = held.as_mut() else { return Ok(Arc::default()) };
            if known.fetched_again.is_some_and(|at| now.saturating_sub(at) < BETWEEN_FETCHES) {
                return Ok(Arc::clone(&known.keys));
            }
            known.fetched_again = Some(now);
            Arc::clone(&known.doors)
        };
        let keys = Arc::new(self.keys(&doors)?);
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            known.keys = Arc::clone(&keys);
        }
        Ok(keys)
    }

    fn doors(&self) -> Result<Doors, Rejection> {
        let address = format!("{}/.well-known/openid-configuration", self.config.issuer.trim_end_matches('/'));
        let doors: Doors = serde_json::from_slice(&self.fetch(&address)?).map_err(|error| self.silent(&error))?;
        let all = [&doors.authorization_endpoint, &doors.token_endpoint, &doors.jwks_uri];
        if doors.issuer != self.config.issuer || !all.iter().all(|address| is_safe(address)) {
            return Err(self.silent(&"its description names another issuer, or addresses without https"));
        }
        Ok(doors)
    }

    fn keys(&self, doors: &Doors) -> Result<KeySet, Rejection> {
        KeySet::parse(&self.fetch(&doors.jwks_uri)?).map_err(|error| self.silent(&error))
    }

    fn fetch(&self, address: &str) -> Result<Vec<u8>, Rejection> {
        let mut answer =
            self.agent.get(address).header("Accept", "application/json").call().map_err(|error| self.silent(&error))?;
        if answer.status().as_u16() != 200 {
            return Err(self.silent(&format!("{address} answers {}", answer.status())));
        }
        answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec().map_err(|error| self.silent(&error))
    }

    fn silent(&self, why: &dyn std::fmt::Display) -> Rejection {
        tracing::warn!(%why, issuer = self.config.issuer, "the identity provider cannot be used");
        let detail =
            format!("{} cannot be reached, or does not answer as it should; log in with your password", self.config.name);
        Rejection::new(OutcomeCode::Unavailable, "", "", detail)
    }
}

/// Pairs as forms and queries have them.
fn encoded(pairs: &[(&str, &str)]) -> String {
    let all: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    all.join("&")
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            safe.push(char::from(byte));
        } else {
            let _ = write!(safe, "%{byte:02X}");
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_leaves_the_machine() {
        for good in [
            "https://id.example",
            "https://id.example/realms/a",
            "http://127.0.0.1:9000",
            "http://localhost",
            "http://[::1]:80/a",
        ] {
            assert!(is_safe(good), "{good}");
        }
        for bad in [
            "http://id.example",
            "http://127.0.0.1.evil.example",
            "https://",
            "ftp://x",
            "",
            "https://a b",
            "http://localhost.evil/",
        ] {
            assert!(!is_safe(bad), "{bad}");
        }
        assert_eq!(encoded(&[("a", "x y/&=ü")]), "a=x%20y%2F%26%3D%C3%BC");
    }
}
