//! Reading JSON from outside so that every field gets its own finding.
//!
//! A derived `Deserialize` stops at the first wrong type and silently keeps the last of two equal keys inside maps. Here every
//! value arrives as [`Loose`], borrowed from the input where it can be, and the caller says what each field should have been.

use super::findings::Findings;
use crate::domain::outcome::OutcomeCode;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Any JSON value, as far as the formats here care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Loose<'a> {
    /// A string.
    Text(Cow<'a, str>),
    /// A whole number of zero or more.
    Whole(u64),
    /// `null`.
    Null,
    /// An object; keys in order, also equal ones.
    Object(Vec<(Cow<'a, str>, Loose<'a>)>),
    /// Anything else, named for people.
    Other(&'static str),
}

impl Loose<'_> {
    /// What this is, for people.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Whole(_) => "a number",
            Self::Null => "null",
            Self::Object(_) => "an object",
            Self::Other(kind) => kind,
        }
    }
}

/// A key, borrowed where the input has no escapes in it.
struct Key<'a>(Cow<'a, str>);

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Key(Cow::Borrowed(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Key(Cow::Owned(text.to_owned())))
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Loose::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Loose::Text(Cow::Owned(text.to_owned())))
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Loose::Whole(number))
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Loose::Other("a negative number"))
    }
    // The value is not looked at: a JSON number with a fraction cannot say an exact amount.
    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Loose::Other("a number with a fraction or an exponent"))
    }
    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Loose::Other("true or false"))
    }
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Loose::Null)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Loose::Other("a list"))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            entries.push((key, map.next_value()?));
        }
        Ok(Loose::Object(entries))
    }
}

impl<'de> Deserialize<'de> for Loose<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

/// An object read against a list of known fields.
#[derive(Debug)]
pub(super) struct Record<'a, const N: usize> {
    /// The values in the order of the known fields.
    pub(super) values: [Option<Loose<'a>>; N],
    /// Keys that are not known.
    unknown: Vec<String>,
    /// Known keys that came more than once.
    twice: Vec<&'static str>,
    /// What stood there instead of an object.
    instead: Option<&'static str>,
}

impl<const N: usize> Record<'_, N> {
    /// Notes what is wrong with the shape; false when there is no object at all and so nothing further to look at.
    pub(super) fn note_shape(&self, code: OutcomeCode, findings: &mut Findings, pointer: impl Fn(&str) -> String) -> bool {
        for key in &self.unknown {
            findings.add(code, pointer(key), "", "is not a known field; remove it or mend its name");
        }
        for key in &self.twice {
            findings.add(code, pointer(key), "", "is given twice; give it once");
        }
        if let Some(kind) = self.instead {
            findings.add(OutcomeCode::InvalidField.max(code), pointer(""), kind, "must be an object with named fields");
        }
        self.instead.is_none()
    }
}

/// Reads one object into a [`Record`] of these fields.
#[derive(Clone, Copy)]
pub(super) struct Fields<const N: usize>(pub(super) &'static [&'static str; N]);

impl<const N: usize> Fields<N> {
    const fn instead<'a>(kind: &'static str) -> Record<'a, N> {
        Record { values: [const { None }; N], unknown: Vec::new(), twice: Vec::new(), instead: Some(kind) }
    }

    /// Reads a whole text that holds exactly one object.
    pub(super) fn read(self, text: &str) -> Result<Record<'_, N>, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let record = self.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(record)
    }
}

impl<'de, const N: usize> DeserializeSeed<'de> for Fields<N> {
    type Value = Record<'de, N>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Fields<N> {
    type Value = Record<'de, N>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Self::instead("a string"))
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Self::instead("a number"))
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Self::instead("a number"))
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Self::instead("a number"))
    }
    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Self::instead("true or false"))
    }
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Self::instead("null"))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::instead("a list"))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut record = Self::instead("");
        record.instead = None;
        while let Some(Key(key)) = map.next_key()? {
            let known = self.0.iter().zip(record.values.iter_mut()).find(|(name, _)| **name == key);
            match known {
                Some((_, slot @ None)) => *slot = Some(map.next_value()?),
                Some((name, _)) => {
                    map.next_value::<IgnoredAny>()?;
                    record.twice.push(name);
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                    record.unknown.push(key.into_owned());
                }
            }
        }
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: Fields<2> = Fields(&["a", "b"]);

    #[test]
    fn values_are_borrowed_and_shapes_are_noted() {
        let record = FIELDS.read(r#"{"a":"x","b":1.5,"a":"y","c":[{}]}"#).unwrap();
        assert!(matches!(&record.values[0], Some(Loose::Text(Cow::Borrowed("x")))));
        assert_eq!(record.values[1].as_ref().map(Loose::kind), Some("a number with a fraction or an exponent"));
        let mut findings = Findings::new();
        assert!(record.note_shape(OutcomeCode::UnknownField, &mut findings, |key| format!("/{key}")));
        let rejection = findings.into_result().unwrap_err();
        assert_eq!(rejection.problems.iter().map(|p| p.pointer.as_str()).collect::<Vec<_>>(), ["/c", "/a"]);
    }

    #[test]
    fn what_is_no_object_is_named() {
        for (text, kind) in
            [("1", "a number"), ("-1", "a number"), ("[1,[2]]", "a list"), ("null", "null"), ("\"a\"", "a string")]
        {
            assert_eq!(FIELDS.read(text).unwrap().instead, Some(kind));
        }
        assert!(FIELDS.read("{} {}").is_err());
        assert!(FIELDS.read(&"[".repeat(100_000)).is_err());
    }
}
