//! JSON as a tree over its text: strings are where they stand, and members in their order. A
//! project's definitions are tens of thousands of values, each looked at once.

use serde_core::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

#[derive(Debug)]
pub enum Json<'j> {
    Null,
    Bool(bool),
    Number(Number),
    String(Cow<'j, str>),
    List(Vec<Json<'j>>),
    Object(Object<'j>),
}

/// Members, as trees or as texts that nobody has looked into. The last of those with one key counts.
#[derive(Debug)]
pub struct Object<'j, T = Json<'j>>(Vec<(Cow<'j, str>, T)>);

impl<'j, T> Object<'j, T> {
    pub const EMPTY: Self = Object(Vec::new());

    /// Objects in definitions have few members.
    pub fn get(&self, name: &str) -> Option<&T> {
        let member = self.0.iter().rev().find(|(key, _)| key == name);
        member.map(|(_, value)| value)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sorted by their keys, each of which is there once.
    pub fn into_sorted(self) -> Vec<(Cow<'j, str>, T)> {
        let mut members = self.0;
        members.reverse();
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        members.dedup_by(|(later, _), (first, _)| later == first);
        members
    }
}

impl Json<'_> {
    pub fn is_null(&self) -> bool {
        matches!(self, Json::Null)
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Json::Bool(value) => Some(*value),
            _ => None,
        }
    }

    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Json::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Json::Number(number) => number.as_f64(),
            _ => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(text) => Some(text),
            _ => None,
        }
    }
}

/// For what is rare: as its owner has it, it is written as everything else is.
impl From<&Json<'_>> for Value {
    fn from(json: &Json<'_>) -> Value {
        match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => Value::Number(number.clone()),
            Json::String(text) => Value::String(text.as_ref().to_owned()),
            Json::List(values) => values.iter().map(Value::from).collect(),
            Json::Object(Object(members)) => {
                members.iter().map(|(key, value)| (key.as_ref(), Value::from(value))).collect()
            }
        }
    }
}

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Value::from(self).fmt(f)
    }
}

impl<'j> Deserialize<'j> for Json<'j> {
    fn deserialize<D: Deserializer<'j>>(deserializer: D) -> Result<Json<'j>, D::Error> {
        deserializer.deserialize_any(Tree)
    }
}

impl<'j, T: Deserialize<'j>> Deserialize<'j> for Object<'j, T> {
    fn deserialize<D: Deserializer<'j>>(deserializer: D) -> Result<Object<'j, T>, D::Error> {
        deserializer.deserialize_map(Members(PhantomData))
    }
}

struct Tree;

impl<'j> Visitor<'j> for Tree {
    type Value = Json<'j>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json<'j>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'j>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'j>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'j>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json<'j>, E> {
        Ok(Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_borrowed_str<E>(self, text: &'j str) -> Result<Json<'j>, E> {
        Ok(Json::String(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'j>, E> {
        Ok(Json::String(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'j>>(self, mut list: A) -> Result<Json<'j>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Json::List(values))
    }

    fn visit_map<A: MapAccess<'j>>(self, members: A) -> Result<Json<'j>, A::Error> {
        Members(PhantomData).visit_map(members).map(Json::Object)
    }
}

struct Members<T>(PhantomData<T>);

impl<'j, T: Deserialize<'j>> Visitor<'j> for Members<T> {
    type Value = Object<'j, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'j>>(self, mut map: A) -> Result<Object<'j, T>, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = map.next_key()? {
            // A key is a string, whatever reads it.
            if let Json::String(key) = key {
                members.push((key, map.next_value()?));
            }
        }
        Ok(Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_written_as_any_other_json() {
        for text in [
            "null",
            "[true,false,-7,18446744073709551615,-0.0,1.5e300,\"a\\\"\\u0001ä\"]",
            r#"{"b":{"\n":[]},"a":{},"":[[{}]]}"#,
            r#"{"a":1,"b":2,"a":{"c":3}}"#,
        ] {
            let tree: Json<'_> = serde_json::from_str(text).unwrap();
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(tree.to_string(), value.to_string());
        }
        for text in ["", "[", "[1e999]", r#""\ud800""#, "{1:2}", "{\"a\":1,}", "1 2"] {
            assert!(serde_json::from_str::<Json<'_>>(text).is_err(), "{text}");
        }
        assert!(serde_json::from_str::<Json<'_>>(&"[".repeat(500)).is_err());
    }

    #[test]
    fn texts_are_borrowed_unless_they_are_escaped() {
        let object: Object<'_> = serde_json::from_str(r#"{"a":"plain","b\t":"\u0062"}"#).unwrap();
        assert!(matches!(object.get("a"), Some(Json::String(Cow::Borrowed("plain")))));
        assert!(matches!(object.get("b\t"), Some(Json::String(Cow::Owned(b))) if b == "b"));
        assert!(object.get("b").is_none());
    }

    #[test]
    fn the_last_of_two_members_with_one_key_counts() {
        let object: Object<'_, u8> = serde_json::from_str(r#"{"b":1,"a":2,"b":3,"c":4}"#).unwrap();
        assert_eq!(object.get("b"), Some(&3));
        let sorted: Vec<_> = object.into_sorted();
        assert_eq!(sorted, [("a".into(), 2), ("b".into(), 3), ("c".into(), 4)]);
    }
}
