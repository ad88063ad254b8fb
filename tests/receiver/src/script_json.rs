//! The JSON form of a [`Script`], for tests in other languages. `README.md` describes it.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::reply::{At, Cut, Drip, Part, Reply, Verdict};
use crate::script::{Answer, Script, When};

type Result<T> = std::result::Result<T, String>;

pub(crate) fn parse(json: &str) -> Result<Script> {
    let rules: Vec<Map<String, Value>> =
        serde_json::from_str(json).map_err(|e| format!("a script is an array of rules: {e}"))?;
    rules.iter().enumerate().try_fold(Script::new(), |script, (index, rule)| {
        add_rule(script, rule).map_err(|reason| format!("rule {index}: {reason}"))
    })
}

fn add_rule(script: Script, rule: &Map<String, Value>) -> Result<Script> {
    let mut prefix = "/";
    let mut when = When::Always;
    let mut reply = Reply::usual();
    for (key, value) in rule {
        // A misspelt key must not pass for a rule that merely does nothing.
        match key.as_str() {
            "path" => prefix = text(key, value)?,
            "times" => when = When::Times(number(key, value)?),
            "every" => when = When::Every(number(key, value)?.max(1)),
            "every_connection" => when = When::EveryConnection(number(key, value)?.max(1)),
            _ => reply = add_to_reply(reply, key, value)?,
        }
    }
    Ok(script.rule(prefix, when, Answer::Fixed(reply)))
}

fn add_to_reply(mut reply: Reply, key: &str, value: &Value) -> Result<Reply> {
    Ok(match key {
        "status" => {
            let status = u16::try_from(number(key, value)?).ok();
            reply.status = Some(status.filter(|it| (100..1000).contains(it)).ok_or("bad status")?);
            reply
        }
        "headers" => {
            let headers = value.as_object().ok_or("headers is not an object")?;
            headers.iter().try_fold(reply, |reply, (name, value)| {
                text(name, value).map(|value| reply.header(name, value))
            })?
        }
        "body" => match value {
            Value::String(body) => reply.body(body.as_str()),
            body => reply.json(body),
        },
        "delay_ms" => reply.delay(millis(key, value)?),
        "drip" => {
            reply.drip = Some(drip(value)?);
            reply
        }
        "chunked" => reply.chunked(size(key, value)?),
        "max_body" => reply.max_body(size(key, value)?),
        "results" => {
            let results = value.as_array().ok_or("results is not an array")?;
            let results = results.iter().map(verdict).collect::<Result<Vec<_>>>()?;
            reply.results(results)
        }
        "reset" => reply.cut(Cut::Reset, at(key, value)?),
        "close" => reply.cut(Cut::Close, at(key, value)?),
        "hang" => reply.cut(Cut::Hang, at(key, value)?),
        "truncate" => reply.truncate(size(key, value)?),
        _ => return Err(format!("{key:?} is not known")),
    })
}

/// `"retry"`, or `{"result": "drop", "details": "billing_limit_exceeded"}`.
fn verdict(value: &Value) -> Result<Verdict> {
    if let Value::String(result) = value {
        return Ok(Verdict::new(result, None));
    }
    let fields = value.as_object().ok_or("a result is a text or an object")?;
    let mut verdict = Verdict::ok();
    for (key, value) in fields {
        match key.as_str() {
            "result" => text(key, value)?.clone_into(&mut verdict.result),
            "details" => verdict.details = Some(text(key, value)?.to_owned()),
            _ => return Err(format!("results: {key:?} is not known")),
        }
    }
    Ok(verdict)
}

fn drip(value: &Value) -> Result<Drip> {
    let fields = value.as_object().ok_or("drip is not an object")?;
    let mut drip = Drip { part: Part::All, bytes: 1, interval: Duration::from_millis(1) };
    for (key, value) in fields {
        match key.as_str() {
            "bytes" => drip.bytes = size(key, value)?.max(1),
            "interval_ms" => drip.interval = millis(key, value)?,
            "part" => {
                drip.part = match text(key, value)? {
                    "head" => Part::Head,
                    "body" => Part::Body,
                    "all" => Part::All,
                    other => return Err(format!("drip: there is no part {other:?}")),
                }
            }
            _ => return Err(format!("drip: {key:?} is not known")),
        }
    }
    Ok(drip)
}

fn at(key: &str, value: &Value) -> Result<At> {
    match value {
        Value::String(moment) if moment == "head" => Ok(At::Head),
        Value::String(moment) if moment == "body" => Ok(At::Body),
        Value::Number(_) => size(key, value).map(At::Response),
        _ => Err(format!("{key} is not \"head\", \"body\" or a number of response bytes")),
    }
}

fn text<'a>(key: &str, value: &'a Value) -> Result<&'a str> {
    value.as_str().ok_or_else(|| format!("{key} is not a string"))
}

fn number(key: &str, value: &Value) -> Result<u64> {
    value.as_u64().ok_or_else(|| format!("{key} is not a natural number"))
}

fn size(key: &str, value: &Value) -> Result<usize> {
    usize::try_from(number(key, value)?).map_err(|_| format!("{key} is too large"))
}

fn millis(key: &str, value: &Value) -> Result<Duration> {
    number(key, value).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(json: &str) -> (String, When, Reply) {
        let mut script = parse(json).unwrap();
        let rule = script.rules.remove(0);
        let Answer::Fixed(reply) = rule.answer else { unreachable!("JSON cannot compute") };
        (rule.prefix, rule.when, reply)
    }

    #[test]
    fn every_key_has_its_meaning() {
        let (prefix, when, reply) = only(
            r#"[{"path": "/batch/", "times": 2, "status": 429, "headers": {"Retry-After": "3"},
                 "body": {"a": 1}, "delay_ms": 50, "chunked": 8, "max_body": 99, "reset": "head",
                 "drip": {"part": "body", "bytes": 2, "interval_ms": 5}}]"#,
        );
        let expected = Reply::status(429)
            .header("Retry-After", "3")
            .body(r#"{"a":1}"#)
            .delay(Duration::from_millis(50))
            .chunked(8)
            .max_body(99)
            .reset(At::Head)
            .drip(Part::Body, 2, Duration::from_millis(5));
        assert_eq!((prefix.as_str(), when, reply), ("/batch/", When::Times(2), expected));
    }

    #[test]
    fn cuts_and_periods_have_their_forms() {
        for (json, when, reply) in [
            (r#"[{}]"#, When::Always, Reply::usual()),
            (
                r#"[{"results": ["ok", {"result": "drop", "details": "d"}]}]"#,
                When::Always,
                Reply::usual().results([Verdict::ok(), Verdict::drop("d")]),
            ),
            (r#"[{"every": 3, "close": "body"}]"#, When::Every(3), Reply::usual().close(At::Body)),
            (
                r#"[{"every_connection": 7, "hang": 20}]"#,
                When::EveryConnection(7),
                Reply::usual().hang(At::Response(20)),
            ),
            (r#"[{"truncate": 9}]"#, When::Always, Reply::usual().truncate(9)),
            (r#"[{"body": "plain"}]"#, When::Always, Reply::usual().body("plain")),
        ] {
            assert_eq!(only(json), ("/".to_owned(), when, reply), "{json}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (json, reason) in [
            (r#"{}"#, "a script is an array of rules"),
            (r#"[{}, {"staus": 500}]"#, "rule 1: \"staus\" is not known"),
            (r#"[{"status": 7}]"#, "rule 0: bad status"),
            (r#"[{"times": -1}]"#, "times is not a natural number"),
            (r#"[{"reset": "lunch"}]"#, "reset is not \"head\""),
            (r#"[{"drip": {"byte": 1}}]"#, "drip: \"byte\" is not known"),
            (r#"[{"headers": {"Retry-After": 3}}]"#, "Retry-After is not a string"),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
