//! Secrets that have to be read again (codes are computed from the second factor's) stand in the database sealed with
//! ChaCha20-Poly1305. The key stands apart from the database and from its backups: in a file beside an embedded book, or in what
//! `SAFU_SECRETS_KEY` and `SAFU_SECRETS_KEY_FILE` say.
//!
//! There may be several keys, one a line: the first seals, all open. So a key is changed in steps, each of which may be cut off.

use super::Book;
use super::clock::random_bytes;
use crate::domain::outcome::{OutcomeCode, Rejection};
use crate::proof::merkle::sha256;
use crate::store::conn::DatabaseUrl;
use crate::store::error::StoreError;
use crate::store::identity;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The form of what is sealed: version, name of the key, nonce, text with its tag.
const VERSION: u8 = 1;
const NAME_BYTES: usize = 4;
const NONCE_BYTES: usize = 12;
/// The largest file that is read as one of keys.
const MAX_FILE: u64 = 64 << 10;

/// Where the keys are.
#[derive(Clone, Debug)]
pub enum Secrets {
    /// In this file.
    File(PathBuf),
    /// Given as they are, in hex.
    Given(GivenKeys),
    /// Nobody has said.
    Nowhere,
}

/// Keys that were given in the environment; they are never printed.
#[derive(Clone)]
pub struct GivenKeys(String);

impl std::fmt::Debug for GivenKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("keys")
    }
}

/// One key.
#[derive(Clone)]
struct Key([u8; 32]);

impl Key {
    fn fresh() -> Result<Self, StoreError> {
        Ok(Self(random_bytes()?))
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        let bytes = hex::decode(text).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        bytes.map(Self).ok_or_else(|| unusable("a key of secrets is 64 hexadecimal digits, and one of those given is not"))
    }

    /// What tells keys apart, and gives nothing of them away.
    fn name(&self) -> [u8; NAME_BYTES] {
        let hash = sha256(&[b"safu secrets key".as_slice(), &self.0].concat());
        let mut name = [0; NAME_BYTES];
        name.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        name
    }

    fn cipher(&self) -> Result<LessSafeKey, StoreError> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, &self.0).map_err(|_| unusable("a key of secrets cannot be used"))?;
        Ok(LessSafeKey::new(key))
    }
}

fn unusable(why: impl Into<String>) -> StoreError {
    StoreError::Surroundings(why.into())
}

impl Secrets {
    /// Where they are unless it is said: beside an embedded book; nowhere for a book on a server.
    pub fn beside(url: &DatabaseUrl) -> Self {
        match url.path() {
            Some(path) => {
                let mut name = path.as_os_str().to_owned();
                name.push(".key");
                Self::File(PathBuf::from(name))
            }
            None => Self::Nowhere,
        }
    }

    /// Keys in hex, separated by commas or blanks, the sealing one first.
    pub fn given(text: &str) -> Self {
        Self::Given(GivenKeys(text.to_owned()))
    }

    /// A fresh key in hex.
    ///
    /// # Errors
    /// `Surroundings` if the system gives no randomness.
    pub fn fresh_text() -> Result<String, StoreError> {
        Ok(hex::encode(Key::fresh()?.0))
    }

    /// The file, if they stand in one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            _ => None,
        }
    }

    fn keys(&self) -> Result<Vec<Key>, StoreError> {
        let text = match self {
            Self::File(path) => read(path)?,
            Self::Given(GivenKeys(text)) => text.clone(),
            Self::Nowhere => return Err(unusable(nowhere())),
        };
        let words = text.split([',', ' ', '\t', '\r', '\n']).filter(|word| !word.is_empty());
        let keys: Vec<Key> = words.map(Key::parse).collect::<Result<_, _>>()?;
        if keys.is_empty() { Err(unusable("there is no key of secrets where one should be")) } else { Ok(keys) }
    }

    /// Seals a secret. `about` says what it is and whose; it must be the same when it is opened.
    ///
    /// # Errors
    /// `Surroundings` without a key.
    pub fn seal(&self, about: &str, secret: &[u8]) -> Result<Vec<u8>, StoreError> {
        let keys = self.keys()?;
        let key = keys.first().ok_or_else(|| unusable(nowhere()))?;
        let nonce = random_bytes::<NONCE_BYTES>()?;
        let mut text = secret.to_vec();
        let sealed =
            key.cipher()?.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(about.as_bytes()), &mut text);
        sealed.map_err(|_| unusable("a secret cannot be sealed"))?;
        Ok([[VERSION].as_slice(), &key.name(), &nonce, &text].concat())
    }

    /// Opens what [`Secrets::seal`] gave.
    ///
    /// # Errors
    /// `Surroundings` without the key it was sealed with, `Damaged` for what was changed or belongs elsewhere.
    pub fn open(&self, about: &str, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let broken = || StoreError::Damaged(format!("the sealed secret {about} was changed, or is another's"));
        let (name, nonce, text) = parts(sealed).ok_or_else(broken)?;
        let keys = self.keys()?;
        let key = keys.iter().find(|key| key.name() == name).ok_or_else(|| unusable(other_key(name)))?;
        let mut text = text.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let opened = key.cipher()?.open_in_place(nonce, Aad::from(about.as_bytes()), &mut text);
        Ok(opened.map_err(|_| broken())?.to_vec())
    }

    /// Makes a key where there is none; true if one was made. Only files are made.
    ///
    /// # Errors
    /// `Surroundings` where the file cannot be written.
    pub fn make(&self) -> Result<bool, StoreError> {
        let Self::File(path) = self else { return Ok(false) };
        if path.exists() {
            return Ok(false);
        }
        write(path, &[Key::fresh()?])?;
        Ok(true)
    }
}

fn nowhere() -> String {
    "there is no key for secrets: say where with SAFU_SECRETS_KEY_FILE (`safu secrets make` makes the file), or give it in SAFU_SECRETS_KEY"
        .to_owned()
}

fn other_key(name: [u8; NAME_BYTES]) -> String {
    format!(
        "the key {} that sealed this is not at hand; put it back where the keys are (SAFU_SECRETS_KEY_FILE or SAFU_SECRETS_KEY)",
        hex::encode(name)
    )
}

fn parts(sealed: &[u8]) -> Option<([u8; NAME_BYTES], [u8; NONCE_BYTES], &[u8])> {
    let (version, rest) = sealed.split_first()?;
    let (name, rest) = rest.split_first_chunk::<NAME_BYTES>()?;
    let (nonce, text) = rest.split_first_chunk::<NONCE_BYTES>()?;
    (*version == VERSION).then_some((*name, *nonce, text))
}

fn read(path: &Path) -> Result<String, StoreError> {
    let failed = |why: &dyn std::fmt::Display| {
        unusable(format!("the key file {}: {why}; without it nobody's second factor can be read", path.display()))
    };
    let about = std::fs::metadata(path).map_err(|error| failed(&error))?;
    if about.permissions().mode() & 0o077 != 0 {
        return Err(failed(&"others may read it; `chmod 600` it"));
    }
    if about.len() > MAX_FILE {
        return Err(failed(&"is too large to be one of keys"));
    }
    std::fs::read_to_string(path).map_err(|error| failed(&error))
}

/// Writes beside the place and renames, so that the file is always whole.
fn write(path: &Path, keys: &[Key]) -> Result<(), StoreError> {
    let failed = |error: std::io::Error| unusable(format!("the key file {} cannot be written: {error}", path.display()));
    let mut aside = path.as_os_str().to_owned();
    aside.push(".new");
    let aside = PathBuf::from(aside);
    let text: String = keys.iter().map(|key| format!("{}\n", hex::encode(key.0))).collect();
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&aside, path).map_err(failed)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

impl Book {
    /// Changes the key: seals every secret anew with a fresh one, then forgets those before. Keys in the environment are changed by
    /// hand: put the new one in front, run this, then take the others out. Gives how many secrets were sealed anew.
    ///
    /// # Errors
    /// `Surroundings` without the present key or where the file cannot be written; then the present key still opens everything.
    pub fn rotate_secrets(&self) -> Result<usize, StoreError> {
        if let Secrets::File(path) = &self.secrets {
            let mut keys = vec![Key::fresh()?];
            keys.extend(self.secrets.keys()?);
            write(path, &keys)?;
        }
        let secrets = self.secrets.clone();
        let done = self.store.write(move |conn| {
            let all = identity::credentials(conn)?;
            for row in &all {
                let about = about_second_factor(row.person);
                let totp = secrets.seal(&about, &secrets.open(&about, &row.totp)?)?;
                identity::put_credential(conn, &identity::CredentialRow { totp, ..row.clone() })?;
            }
            Ok(all.len())
        })?;
        if let Secrets::File(path) = &self.secrets {
            let keys = self.secrets.keys()?;
            write(path, keys.get(..1).unwrap_or_default())?;
        }
        Ok(done)
    }

    /// Checks that every sealed secret can be opened.
    ///
    /// # Errors
    /// As [`Secrets::open`], for the first one that cannot.
    pub fn check_secrets(&self) -> Result<usize, StoreError> {
        let all = self.read(identity::credentials)?;
        for row in &all {
            self.secrets.open(&about_second_factor(row.person), &row.totp)?;
        }
        Ok(all.len())
    }

    /// Refuses to go on without any key where there are secrets to open. One that opens nothing of them will do: whoever has lost the
    /// other has to be able to begin anew.
    ///
    /// # Errors
    /// `InvalidField` with what to do.
    pub fn require_secrets(&self) -> Result<(), StoreError> {
        if !self.read(identity::has_credentials)? {
            return Ok(());
        }
        self.secrets.keys().map(|_| ()).map_err(|error| match error {
            StoreError::Surroundings(why) => Rejection::new(OutcomeCode::InvalidField, "secrets", "", why).into(),
            other => other,
        })
    }
}

/// What a sealed second factor is about.
pub(super) fn about_second_factor(person: i32) -> String {
    format!("second factor of person {person}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222222222222222222222222222";

    #[test]
    fn what_is_sealed_opens_with_its_key_and_for_its_owner_only() {
        let keys = Secrets::given(ONE);
        let sealed = keys.seal("a", b"secret").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_ne!(sealed, keys.seal("a", b"secret").unwrap(), "each has a nonce of its own");
        assert_eq!(keys.open("a", &sealed).unwrap(), b"secret");
        assert!(matches!(keys.open("b", &sealed), Err(StoreError::Damaged(_))), "moved to another");
        for at in [0, 7, 20, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(keys.open("a", &changed).is_err(), "{at}");
        }
        assert!(keys.open("a", b"12345678901234567890").is_err(), "what was never sealed");
        let other = Secrets::given(TWO).open("a", &sealed).unwrap_err().to_string();
        assert!(other.contains(&hex::encode(Key::parse(ONE).unwrap().name())), "{other}");
        assert_eq!(Secrets::given(&format!("{TWO},{ONE}")).open("a", &sealed).unwrap(), b"secret");
        assert!(Secrets::Nowhere.seal("a", b"x").unwrap_err().to_string().contains("SAFU_SECRETS_KEY_FILE"));
        assert!(Secrets::given("xyz").seal("a", b"x").is_err());
    }

    #[test]
    fn a_key_file_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("book.db.key");
        let secrets = Secrets::File(path.clone());
        assert!(secrets.seal("a", b"x").unwrap_err().to_string().contains("book.db.key"));
        assert!(secrets.make().unwrap() && !secrets.make().unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let sealed = secrets.seal("a", b"x").unwrap();
        assert_eq!(secrets.open("a", &sealed).unwrap(), b"x");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(secrets.open("a", &sealed).unwrap_err().to_string().contains("chmod 600"));
    }
}
