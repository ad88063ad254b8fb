//! An exception from JSON: the whole tree at once, as runtimes of other languages have it.

use super::entry::Entry;
use super::frame::Frame;
use super::{ENTRIES_MAX, Exception, FRAMES_MAX};
use crate::error::Error;
use crate::json;
use serde_json::{Map, Value};

impl Exception {
    /// From an array of objects, the outermost first, then depth first:
    /// `type`, `value`, `module`, `frames` (the outermost first), `synthetic`, `handled`, `parent`
    /// (the index of an earlier one) and `source`. Beyond the bound they are left out.
    pub fn from_json(text: &[u8]) -> Result<Exception, Error> {
        let mut clean = Vec::new();
        clean.try_reserve(json::cleaned_len_max(text)).map_err(|_| Error::NoMemory)?;
        json::clean(&mut clean, text)?;
        let items: Vec<Map<String, Value>> =
            serde_json::from_slice(&clean).map_err(|_| Error::Json)?;
        let mut items = items.into_iter().take(ENTRIES_MAX).enumerate();
        let (_, first) = items.next().ok_or(Error::Json)?;
        let mut exception = Exception::new(b"-", b"")?;
        exception.entries = vec![entry(first, 0)?];
        for (index, item) in items {
            exception.entries.push(entry(item, index)?);
        }
        Ok(exception)
    }
}

/// One entry. What PostHog would not understand is an error: a wrapper's, which its tests find.
fn entry(mut item: Map<String, Value>, index: usize) -> Result<Entry, Error> {
    let mut take = |key: &str| item.shift_remove(key).filter(|value| !value.is_null());
    let text = |value: Option<Value>| match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::Json),
    };
    let switch = |value: Option<Value>| match value {
        None => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(value)),
        Some(_) => Err(Error::Json),
    };
    let kind = text(take("type"))?.ok_or(Error::Json)?;
    let value = text(take("value"))?.unwrap_or_default();
    let source = text(take("source"))?;
    let parent = match take("parent") {
        Some(parent) => Some(parent.as_u64().ok_or(Error::Json)? as usize),
        None => None,
    };
    let parent = match (index, parent) {
        (0, None) => None,
        (0, Some(_)) => return Err(Error::Json),
        (_, parent) => {
            let parent = parent.unwrap_or(index - 1);
            if parent >= index {
                return Err(Error::Json);
            }
            Some((parent, source.unwrap_or_else(|| "cause".to_owned())))
        }
    };
    let mut entry = Entry::new(kind.as_bytes(), value.as_bytes())?;
    entry.parent = parent;
    entry.module = text(take("module"))?;
    entry.synthetic = switch(take("synthetic"))?;
    entry.handled = switch(take("handled"))?;
    match take("frames") {
        None => {}
        Some(Value::Array(frames)) => {
            let frames = frames.into_iter().rev().take(FRAMES_MAX).map(Frame::from_value);
            entry.stack.frames = frames.collect::<Result<_, _>>()?;
        }
        Some(_) => return Err(Error::Json),
    }
    if item.is_empty() { Ok(entry) } else { Err(Error::Json) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_read_as_it_lies() {
        let text = br#"[
            {"type": "Group", "value": "two", "module": "app.errors", "handled": false,
             "frames": [{"platform": "python", "function": "outer"}, {"function": "inner"}]},
            {"type": "A", "parent": 0, "source": "member", "synthetic": true},
            {"type": "Root", "value": null},
            {"type": "B", "parent": 0, "source": "member", "frames": []}
        ]"#;
        let exception = Exception::from_json(text).unwrap();
        let parents: Vec<_> = exception.entries.iter().map(|it| it.parent.clone()).collect();
        let link = |parent, source: &str| Some((parent, source.to_owned()));
        assert_eq!(parents, [None, link(0, "member"), link(1, "cause"), link(0, "member")]);
        let first = &exception.entries[0];
        assert_eq!((first.handled, first.module.as_deref()), (Some(false), Some("app.errors")));
        assert_eq!(first.stack.frames[0].identity().0, "inner");
        assert_eq!(exception.entries[1].synthetic, Some(true));
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        for bad in [
            "",
            "{}",
            "[]",
            "[1]",
            "[{}]",
            r#"[{"type": 1}]"#,
            r#"[{"type": "a", "parent": 0}]"#,
            r#"[{"type": "a"}, {"type": "b", "parent": 1}]"#,
            r#"[{"type": "a"}, {"type": "b", "parent": -1}]"#,
            r#"[{"type": "a", "frames": {}}]"#,
            r#"[{"type": "a", "frames": [1]}]"#,
            r#"[{"type": "a", "unknown": 1}]"#,
        ] {
            let refused = Exception::from_json(bad.as_bytes()).err();
            assert_eq!(refused, Some(Error::Json), "{bad}");
        }
        let blank = Exception::from_json(br#"[{"type": " "}]"#).err();
        assert_eq!(blank, Some(Error::Empty));
    }

    #[test]
    fn too_many_are_left_out() {
        let many: Vec<_> = (0..1000).map(|_| r#"{"type":"e"}"#).collect();
        let exception = Exception::from_json(format!("[{}]", many.join(",")).as_bytes()).unwrap();
        assert_eq!(exception.entries.len(), ENTRIES_MAX);
    }
}
