//! Strict JSON from outside: unknown fields and keys that are given twice are refused, and a refusal says where.

use crate::domain::outcome::{OutcomeCode, Rejection};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;

/// Reads strict JSON: what the type does not know is refused.
pub(super) fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Rejection> {
    no_key_twice(body)?;
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| json_rejection(&error))?;
    deserializer.end().map_err(|error| malformed_json(&error))?;
    Ok(value)
}

fn malformed_json(error: &serde_json::Error) -> Rejection {
    Rejection::new(OutcomeCode::Malformed, "", "", format!("is not JSON ({error}); send one UTF-8 JSON object"))
}

fn json_rejection(error: &serde_path_to_error::Error<serde_json::Error>) -> Rejection {
    let inner = error.inner();
    if !inner.is_data() {
        return malformed_json(inner);
    }
    let text = inner.to_string();
    let told = text.split(" at line ").next().unwrap_or(&text).to_owned();
    let named = told.split('`').nth(1).unwrap_or_default();
    let parent = pointer(error.path());
    if told.starts_with("unknown field") {
        let at = at_field(&parent, named);
        return Rejection::new(OutcomeCode::UnknownField, at, "", "is not a known field; remove it or mend its name");
    }
    if told.starts_with("duplicate field") {
        return Rejection::new(OutcomeCode::UnknownField, at_field(&parent, named), "", "is given twice; give it once");
    }
    if told.starts_with("missing field") {
        return Rejection::invalid(at_field(&parent, named), "", "is missing; give it");
    }
    Rejection::invalid(parent, "", told)
}

/// The pointer of a field. The path may end with the field itself already.
fn at_field(parent: &str, field: &str) -> String {
    if parent.rsplit('/').next() == Some(field) { parent.to_owned() } else { format!("{parent}/{field}") }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut out = String::new();
    for segment in path {
        let part = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => escaped(key),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        out.push('/');
        out.push_str(&part);
    }
    out
}

/// Refuses a key that an object has twice, at any depth. Types that collect an object into a map would silently keep the last.
fn no_key_twice(body: &[u8]) -> Result<(), Rejection> {
    let mut found = None;
    let walk = Walk { at: String::new(), twice: &mut found };
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    walk.deserialize(&mut deserializer).map_err(|error| malformed_json(&error))?;
    match found {
        Some(at) => Err(Rejection::new(OutcomeCode::UnknownField, at, "", "is given twice; give it once")),
        None => Ok(()),
    }
}

/// Looks at one value and everything in it; notes the first key that comes twice.
struct Walk<'f> {
    at: String,
    twice: &'f mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut index = 0_usize;
        while seq.next_element_seed(Walk { at: format!("{}/{index}", self.at), twice: self.twice })?.is_some() {
            index = index.saturating_add(1);
        }
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut keys = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let at = format!("{}/{}", self.at, escaped(&key));
            if !keys.insert(key) {
                self.twice.get_or_insert(at);
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            map.next_value_seed(Walk { at, twice: self.twice })?;
        }
        Ok(())
    }
}

/// A key as a part of a JSON pointer.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only read")]
        inner: Vec<Inner>,
        #[serde(default)]
        #[expect(dead_code, reason = "only read")]
        by_name: BTreeMap<String, u8>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only read")]
        name: String,
    }

    #[test]
    fn every_mistake_is_named_with_its_place() {
        let cases = [
            (r#"{"inner":[{"name":"a","nam":1}]}"#, OutcomeCode::UnknownField, "/inner/0/nam"),
            (r#"{"inner":[{"name":"a","name":"b"}]}"#, OutcomeCode::UnknownField, "/inner/0/name"),
            (r#"{"inner":[],"by_name":{"x/y":1,"x/y":2}}"#, OutcomeCode::UnknownField, "/by_name/x~1y"),
            (r#"{"inner":[{"name":"a"},{}]}"#, OutcomeCode::InvalidField, "/inner/1/name"),
            (r#"{"inner":[{"name":7}]}"#, OutcomeCode::InvalidField, "/inner/0/name"),
            (r#"{}"#, OutcomeCode::InvalidField, "/inner"),
            (r#"{"inner":[]"#, OutcomeCode::Malformed, ""),
            (r#"{"inner":[]} 1"#, OutcomeCode::Malformed, ""),
            ("", OutcomeCode::Malformed, ""),
            ("\u{feff}{}", OutcomeCode::Malformed, ""),
        ];
        for (text, code, pointer) in cases {
            let rejection = read_json::<Outer>(text.as_bytes()).unwrap_err();
            let found = (rejection.code, rejection.problems[0].pointer.as_str());
            assert_eq!(found, (code, pointer), "{text}: {rejection}");
        }
        assert_eq!(read_json::<Outer>(&[b'['; 100_000]).unwrap_err().code, OutcomeCode::Malformed);
        assert_eq!(read_json::<Outer>(b"{\"inner\":[{\"name\":\"\xff\"}]}").unwrap_err().code, OutcomeCode::Malformed);
        assert!(read_json::<Outer>(br#"{"inner":[{"name":"a"}],"by_name":{"x":1}}"#).is_ok());
    }
}
