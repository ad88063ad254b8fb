//! The flag table behind `/flags/`, answered in the shape of its version 2.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use crate::{timestamp, uuid};

/// The flags of the project, in the order they are answered. They hold for every person.
#[derive(Clone, Debug, PartialEq)]
pub struct Flags(Vec<(String, Flag)>);

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flag {
    pub enabled: bool,
    pub variant: Option<String>,
    /// As PostHog sends it: a string that holds JSON.
    pub payload: Option<String>,
}

impl Flag {
    pub fn on() -> Flag {
        Flag { enabled: true, ..Flag::default() }
    }

    pub fn off() -> Flag {
        Flag::default()
    }

    pub fn variant(variant: &str) -> Flag {
        Flag { variant: Some(variant.to_owned()), ..Flag::on() }
    }

    pub fn payload(mut self, payload: &Value) -> Flag {
        self.payload = Some(payload.to_string());
        self
    }
}

impl Default for Flags {
    /// The one flag of the demo.
    fn default() -> Flags {
        Flags::none().with("new-checkout", Flag::on().payload(&json!({"copy": "hello"})))
    }
}

impl Flags {
    pub fn none() -> Flags {
        Flags(Vec::new())
    }

    pub fn with(mut self, key: &str, flag: Flag) -> Flags {
        self.0.retain(|(it, _)| it != key);
        self.0.push((key.to_owned(), flag));
        self
    }

    /// Reads `{"a": true, "b": "variant", "c": {"enabled": …, "variant": …, "payload": …}}`. A
    /// payload that is a string is sent as it is, any other as the JSON it is.
    pub fn from_json(json: &str) -> Result<Flags, String> {
        let table: Map<String, Value> = serde_json::from_str(json).map_err(|e| e.to_string())?;
        table.iter().try_fold(Flags::none(), |flags, (key, value)| {
            let flag = flag(value).ok_or_else(|| format!("flag {key:?} is not understood"))?;
            Ok(flags.with(key, flag))
        })
    }

    /// The answer to a flags request; `flag_keys_to_evaluate` in it narrows the answer.
    pub(crate) fn answer(&self, request: Option<&Value>) -> Value {
        static ANSWERS: AtomicU64 = AtomicU64::new(1);
        let wanted = request.and_then(|body| body.get("flag_keys_to_evaluate")?.as_array());
        let mut flags = Map::new();
        for (index, (key, flag)) in self.0.iter().enumerate() {
            if wanted.is_none_or(|keys| keys.iter().any(|it| it == key)) {
                flags.insert(key.clone(), flag.answer(key, index + 1));
            }
        }
        let now = timestamp::millis(SystemTime::now());
        let answer = ANSWERS.fetch_add(1, Ordering::Relaxed);
        let id = u128::from(now.unsigned_abs()) << 80 | 7 << 76 | 1 << 63 | u128::from(answer);
        json!({
            "flags": flags,
            "errorsWhileComputingFlags": false,
            "requestId": uuid::format(id),
            "evaluatedAt": now,
        })
    }
}

impl Flag {
    fn answer(&self, key: &str, id: usize) -> Value {
        let (code, index, description) = match self.enabled {
            true => ("condition_match", Some(0), "Matched condition set 1"),
            false => ("no_condition_match", None, "No matching condition set"),
        };
        json!({
            "key": key,
            "enabled": self.enabled,
            "variant": self.variant,
            "reason": {"code": code, "condition_index": index, "description": description},
            "metadata": {
                "id": id,
                "version": 1,
                "description": null,
                "payload": self.payload,
                "has_experiment": false,
            },
        })
    }
}

fn flag(value: &Value) -> Option<Flag> {
    match value {
        Value::Bool(enabled) => Some(Flag { enabled: *enabled, ..Flag::default() }),
        Value::String(variant) => Some(Flag::variant(variant)),
        Value::Object(fields) => {
            let mut flag = Flag::on();
            for (key, value) in fields {
                match (key.as_str(), value) {
                    ("enabled", Value::Bool(enabled)) => flag.enabled = *enabled,
                    ("variant" | "payload", Value::Null) => {}
                    ("variant", Value::String(variant)) => flag.variant = Some(variant.clone()),
                    ("payload", Value::String(text)) => flag.payload = Some(text.clone()),
                    ("payload", payload) => flag.payload = Some(payload.to_string()),
                    _ => return None,
                }
            }
            Some(flag)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_flag_has_the_demo_s_shape() {
        let answer = Flags::default().answer(None);
        let flag = &answer["flags"]["new-checkout"];
        assert_eq!(flag["enabled"], true);
        assert_eq!(flag["variant"], Value::Null);
        assert_eq!(flag["metadata"]["payload"], r#"{"copy":"hello"}"#);
        assert_eq!(flag["reason"]["code"], "condition_match");
        assert_eq!(answer["errorsWhileComputingFlags"], false);
        assert!(uuid::parse(answer["requestId"].as_str().unwrap()).is_some());
        assert!(answer["evaluatedAt"].as_i64().unwrap() > 1_700_000_000_000);
    }

    #[test]
    fn json_has_short_forms() {
        let json = r#"{"a": true, "b": false, "c": "blue",
                       "d": {"variant": "x", "payload": [1]}, "e": {"payload": "{bad"}}"#;
        let expected = Flags::none()
            .with("a", Flag::on())
            .with("b", Flag::off())
            .with("c", Flag::variant("blue"))
            .with("d", Flag::variant("x").payload(&json!([1])))
            .with("e", Flag { payload: Some("{bad".into()), ..Flag::on() });
        assert_eq!(Flags::from_json(json), Ok(expected));
        for bad in [r#"{"a": 1}"#, r#"{"a": {"on": true}}"#, "[]"] {
            assert!(Flags::from_json(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_request_may_ask_for_some_flags_only() {
        let flags = Flags::default().with("b", Flag::off());
        let answer = flags.answer(Some(&json!({"flag_keys_to_evaluate": ["b", "unknown"]})));
        assert_eq!(answer["flags"].as_object().unwrap().keys().collect::<Vec<_>>(), ["b"]);
    }
}
