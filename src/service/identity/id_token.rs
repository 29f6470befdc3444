//! ID tokens of OpenID Connect: whose they are, if they are what they must be. Pure: the keys are handed in, nothing is fetched.
//!
//! Two signatures are known, RS256 and ES256. Which one is used is said by the token but decided by the key: a key of one kind never
//! checks a signature of the other, and a token without signature is none.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use subtle::ConstantTimeEq;

/// How far the clocks of the provider and of this machine may be apart, in seconds.
const LEEWAY: i64 = 60;
/// Longest token that is looked at.
const LONGEST: usize = 32 << 10;
/// Longest name of a person at the provider, as the standard has it.
const LONGEST_SUBJECT: usize = 255;

/// Public keys of a provider (RFC 7517). Those of other kinds are passed over.
#[derive(Debug, Clone, Default)]
pub struct KeySet(Vec<Jwk>);

#[derive(Debug, Clone, Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// What a token must say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Who made it, letter by letter.
    pub issuer: &'a str,
    /// For whom.
    pub audience: &'a str,
    /// What the request that it answers had asked for.
    pub nonce: &'a str,
    /// Now.
    pub now: Timestamp,
}

/// Somebody as a provider names him. The subject is the provider's, never changes, and is not an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The provider.
    pub issuer: String,
    /// The person there.
    pub subject: String,
    /// How the person proved it there (`amr`).
    pub methods: Vec<String>,
    /// The class of that proof (`acr`).
    pub class: Option<String>,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// None of the keys can have signed it; the provider may have new ones.
    UnknownKey,
    /// It is not good, whatever keys there are.
    Refused(&'static str),
}

impl KeySet {
    /// Reads the provider's document.
    ///
    /// # Errors
    /// Text that is no set of keys.
    pub fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<Value>,
        }
        let document: Document = serde_json::from_slice(text)?;
        Ok(Self(document.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect()))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Rs256,
    Es256,
}

impl Algorithm {
    fn of(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

impl Jwk {
    fn suits(&self, algorithm: Algorithm, id: Option<&str>) -> bool {
        let kind = match algorithm {
            Algorithm::Rs256 => self.kty == "RSA",
            Algorithm::Es256 => self.kty == "EC" && self.crv.as_deref() == Some("P-256"),
        };
        kind && self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.alg.as_deref().is_none_or(|alg| alg == algorithm.name())
            && id.is_none_or(|id| self.kid.as_deref() == Some(id))
    }

    fn signed(&self, algorithm: Algorithm, message: &[u8], proof: &[u8]) -> Option<bool> {
        let part = |text: &Option<String>| decoded(text.as_deref()?);
        let good = match algorithm {
            Algorithm::Rs256 => {
                let (n, e) = (without_zeros(part(&self.n)?), without_zeros(part(&self.e)?));
                RsaPublicKeyComponents { n: &n, e: &e }.verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, proof)
            }
            Algorithm::Es256 => {
                let point = [[4].as_slice(), &part(&self.x)?, &part(&self.y)?].concat();
                UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point).verify(message, proof)
            }
        };
        Some(good.is_ok())
    }
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Some providers write numbers with a leading zero.
fn without_zeros(bytes: Vec<u8>) -> Vec<u8> {
    bytes.into_iter().skip_while(|byte| *byte == 0).collect()
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    nbf: Option<i64>,
    iat: Option<i64>,
    nonce: Option<String>,
    amr: Option<Vec<String>>,
    acr: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Who a token is about, if a key of the provider has signed it and it says everything that it must.
///
/// # Errors
/// [`Wrong`].
pub fn verify(token: &str, keys: &KeySet, expected: &Expected<'_>) -> Result<Identity, Wrong> {
    if token.len() > LONGEST {
        return Err(Wrong::Refused("the token is too long"));
    }
    let unsigned = Wrong::Refused("the token is not signed in a way that is known here");
    let (message, proof) = token.rsplit_once('.').ok_or(unsigned)?;
    let (head, body) = message.split_once('.').ok_or(unsigned)?;
    let header: Header = json_of(head)?;
    if header.crit.is_some() {
        return Err(unsigned);
    }
    let algorithm = Algorithm::of(&header.alg).ok_or(unsigned)?;
    let proof = decoded(proof).ok_or(unsigned)?;
    let mut suitable = keys.0.iter().filter(|key| key.suits(algorithm, header.kid.as_deref())).peekable();
    if suitable.peek().is_none() {
        return Err(Wrong::UnknownKey);
    }
    if !suitable.any(|key| key.signed(algorithm, message.as_bytes(), &proof) == Some(true)) {
        return Err(Wrong::Refused("the signature of the token is not the provider's"));
    }
    checked(json_of(body)?, expected)
}

fn json_of<T: DeserializeOwned>(part: &str) -> Result<T, Wrong> {
    let wrong = Wrong::Refused("the token cannot be read, or lacks what it must say");
    serde_json::from_slice(&decoded(part).ok_or(wrong)?).map_err(|_| wrong)
}

fn checked(claims: Claims, expected: &Expected<'_>) -> Result<Identity, Wrong> {
    let refuse = |why| Err(Wrong::Refused(why));
    if claims.iss != expected.issuer {
        return refuse("the token was made by another provider");
    }
    let for_us = match &claims.aud {
        Audience::One(one) => one == expected.audience,
        Audience::Many(many) => {
            many.iter().any(|one| one == expected.audience)
                && (many.len() == 1 || claims.azp.as_deref() == Some(expected.audience))
        }
    };
    if !for_us || claims.azp.as_deref().is_some_and(|party| party != expected.audience) {
        return refuse("the token was made for another program");
    }
    let now = expected.now.as_second();
    let early = |at: Option<i64>| at.is_some_and(|at| at > now.saturating_add(LEEWAY));
    if claims.exp.saturating_add(LEEWAY) <= now || early(claims.nbf) || early(claims.iat) {
        return refuse("the token has expired, or is not good yet; check the clocks");
    }
    let nonce = claims.nonce.unwrap_or_default();
    if !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
        return refuse("the token answers another request");
    }
    if claims.sub.is_empty() || claims.sub.len() > LONGEST_SUBJECT || claims.sub.chars().any(char::is_control) {
        return refuse("the token names nobody");
    }
    Ok(Identity { issuer: claims.iss, subject: claims.sub, methods: claims.amr.unwrap_or_default(), class: claims.acr })
}
