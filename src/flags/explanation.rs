//! Why a flag has its value, or none, as it is told.

use crate::json;

/// One explanation, for a person and for a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// One step a line.
    pub text: String,
    /// An object: `flag`, and `evaluations`, each with its `flag`, `steps` and `outcome`. The last
    /// is the flag's own, those before it are of the flags that it depends on.
    pub json: String,
}

/// Why a flag was not evaluated here.
#[cfg_attr(
    not(any(feature = "local-evaluation", test)),
    expect(dead_code, reason = "without definitions no flag is looked for")
)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missing {
    Off,
    NotWanted,
    NoDefinitions,
    NoFlag,
}

impl Missing {
    fn code(self) -> &'static str {
        match self {
            Missing::Off => "client_off",
            Missing::NotWanted => "not_wanted",
            Missing::NoDefinitions => "no_definitions",
            Missing::NoFlag => "no_such_flag",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Missing::Off => "the client is disabled or opted out",
            Missing::NotWanted => "the context names other flags",
            Missing::NoDefinitions => "there are no definitions here",
            Missing::NoFlag => "the definitions have no such flag",
        }
    }
}

impl Explanation {
    /// There was nothing to evaluate.
    pub fn missing(key: &str, why: Missing) -> Explanation {
        let mut name = Vec::new();
        json::write_text(&mut name, key);
        let name = String::from_utf8_lossy(&name);
        let code = why.code();
        Explanation {
            text: format!("flag {key:?}\n  not evaluated here ({code}): {}\n", why.text()),
            json: format!(r#"{{"flag":"{name}","evaluations":[],"missing":"{code}"}}"#),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_evaluated_is_told_too() {
        for why in [Missing::Off, Missing::NotWanted, Missing::NoDefinitions, Missing::NoFlag] {
            let told = Explanation::missing("a\"b\n", why);
            let json: serde_json::Value = serde_json::from_str(&told.json).unwrap();
            assert_eq!((&json["flag"], &json["missing"]), (&"a\"b\n".into(), &why.code().into()));
            assert!(told.text.contains(why.code()) && told.text.ends_with('\n'));
        }
    }
}
