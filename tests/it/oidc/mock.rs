//! An identity provider of the test's own: discovery, keys and tokens over HTTP on the loopback, signed with real keys. Whoever comes
//! is logged in at once as the same subject.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use safu_ledger::proof::merkle::sha256;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

type Spoil = fn(&mut Value, &mut Value);

pub struct Mock {
    /// `http://127.0.0.1:PORT`.
    pub issuer: String,
    state: Arc<Mutex<State>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct State {
    key: Signer,
    forger: Signer,
    forges: bool,
    codes: HashMap<String, BTreeMap<String, String>>,
    extra: Value,
    spoil: Option<Spoil>,
    made: u32,
    stops: bool,
}

enum Pair {
    Es(Box<EcdsaKeyPair>),
    Rs(Box<RsaKeyPair>),
}

struct Signer {
    id: String,
    pair: Pair,
}

fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Signer {
    fn new(id: String, kind: &str) -> Self {
        let random = SystemRandom::new();
        let pair = if kind == "ES256" {
            let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            Pair::Es(Box::new(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref(), &random).unwrap()))
        } else {
            let made = Command::new("openssl")
                .args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-outform", "DER"])
                .output()
                .expect("openssl makes an RSA key");
            Pair::Rs(Box::new(RsaKeyPair::from_der(&made.stdout).expect("an RSA key")))
        };
        Self { id, pair }
    }

    fn public(&self) -> Value {
        match &self.pair {
            Pair::Es(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": self.id, "x": b64(&point[1..33]), "y": b64(&point[33..])})
            }
            Pair::Rs(pair) => {
                let parts: PublicKeyComponents<Vec<u8>> = pair.public().into();
                json!({"kty": "RSA", "alg": "RS256", "kid": self.id, "n": b64(&parts.n), "e": b64(&parts.e)})
            }
        }
    }

    fn sign(&self, mut header: Value, claims: &Value) -> String {
        if header["alg"].is_null() {
            header["alg"] = json!(if matches!(self.pair, Pair::Es(_)) { "ES256" } else { "RS256" });
        }
        let message = format!("{}.{}", b64(header.to_string().as_bytes()), b64(claims.to_string().as_bytes()));
        let random = SystemRandom::new();
        let proof = match &self.pair {
            _ if header["alg"] == "none" => Vec::new(),
            Pair::Es(pair) => pair.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec(),
            Pair::Rs(pair) => {
                let mut proof = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut proof).unwrap();
                proof
            }
        };
        format!("{message}.{}", b64(&proof))
    }
}

impl Mock {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            key: Signer::new("first".to_owned(), "ES256"),
            forger: Signer::new("first".to_owned(), "ES256"),
            forges: false,
            codes: HashMap::new(),
            extra: json!({}),
            spoil: None,
            made: 0,
            stops: false,
        }));
        let (shared, name) = (Arc::clone(&state), issuer.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.lock().map_or(true, |state| state.stops) {
                    return;
                }
                answer(&shared, &name, stream.unwrap());
            }
        });
        Self { issuer, state, thread: Mutex::new(Some(thread)) }
    }

    /// Logs the person in: the address to which the provider sends the browser back.
    pub fn authorize(&self, address: &str) -> String {
        let asked = query_of(address);
        assert!(address.starts_with(&format!("{}/authorize?", self.issuer)), "{address}");
        assert_eq!((asked["response_type"].as_str(), asked["scope"].as_str()), ("code", "openid"));
        assert_eq!((asked["client_id"].as_str(), asked["code_challenge_method"].as_str()), ("safu", "S256"));
        let mut state = self.state.lock().unwrap();
        state.made += 1;
        let code = format!("code-{}", state.made);
        let back = asked["redirect_uri"].clone();
        let path = back.splitn(4, '/').nth(3).unwrap().to_owned();
        let answer = format!("/{path}?code={code}&state={}", asked["state"]);
        state.codes.insert(code, asked);
        answer
    }

    /// Signs with a new key from now on; the one before is not named any more.
    pub fn rotate(&self, kind: &str) {
        let mut state = self.state.lock().unwrap();
        state.made += 1;
        state.key = Signer::new(format!("key-{}", state.made), kind);
    }

    /// Changes header and claims of every token before it is signed.
    pub fn spoil(&self, spoil: Option<Spoil>) {
        self.state.lock().unwrap().spoil = spoil;
    }

    /// Signs with a key that has the right name and is another.
    pub fn forge(&self, forges: bool) {
        self.state.lock().unwrap().forges = forges;
    }

    /// What tokens say besides.
    pub fn claim(&self, claims: &Value) {
        self.state.lock().unwrap().extra = claims.clone();
    }

    /// Goes silent.
    pub fn stop(&self) {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner).stops = true;
        let _ = TcpStream::connect(self.issuer.trim_start_matches("http://"));
        if let Some(thread) = self.thread.lock().unwrap().take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking());
        }
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.stop();
    }
}

fn answer(state: &Mutex<State>, issuer: &str, mut stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let path = first.split(' ').nth(1).unwrap_or_default();
    let (status, body) = match path {
        "/.well-known/openid-configuration" => {
            let at = |path: &str| format!("{issuer}/{path}");
            let doors = json!({"issuer": issuer, "authorization_endpoint": at("authorize"), "token_endpoint": at("token"), "jwks_uri": at("keys")});
            (200, doors)
        }
        "/keys" => (200, json!({"keys": [{"kty": "oct", "k": "unused"}, state.lock().unwrap().key.public()]})),
        "/token" => match token(&mut state.lock().unwrap(), issuer, &headers, &String::from_utf8(body).unwrap()) {
            Some(token) => (200, json!({"id_token": token, "access_token": "x", "token_type": "Bearer"})),
            None => (400, json!({"error": "invalid_grant"})),
        },
        _ => (404, json!({})),
    };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}

/// A token for a code: given once, to who asked for it, from where it was asked for.
fn token(state: &mut State, issuer: &str, headers: &BTreeMap<String, String>, body: &str) -> Option<String> {
    let given = pairs(body);
    let asked = state.codes.remove(&given["code"])?;
    let challenge = b64(&sha256(given["code_verifier"].as_bytes()));
    let basic = format!("Basic {}", STANDARD.encode("safu:s3cret%26more"));
    let right = challenge == asked["code_challenge"]
        && given["redirect_uri"] == asked["redirect_uri"]
        && given["grant_type"] == "authorization_code"
        && headers.get("authorization") == Some(&basic);
    if !right {
        return None;
    }
    // The clock of the servers in tests stands still, so the moment is theirs.
    let now = "2019-05-08T12:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second();
    let mut claims = json!({
        "iss": issuer, "sub": super::SUBJECT, "aud": "safu", "iat": now, "exp": now + 86_400, "nonce": asked["nonce"],
    });
    claims.as_object_mut().unwrap().extend(state.extra.as_object().unwrap().clone());
    let mut header = json!({"kid": state.key.id, "typ": "JWT"});
    if let Some(spoil) = state.spoil {
        spoil(&mut header, &mut claims);
    }
    let key = if state.forges { &state.forger } else { &state.key };
    Some(key.sign(header, &claims))
}

/// The query of an address.
pub fn query_of(address: &str) -> BTreeMap<String, String> {
    pairs(address.split_once('?').unwrap().1)
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    text.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.to_owned(), unescaped(value))).collect()
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        if *byte == b'%' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&after[..2]).unwrap(), 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(*byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}
