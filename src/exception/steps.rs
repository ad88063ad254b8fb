//! Steps: what the program did before an error, oldest first, as far as they fit.

use crate::error::Error;
use crate::props::Props;
use crate::timestamp::Timestamp;
use std::collections::VecDeque;

/// Bytes of all steps together, as JSON.
pub const BYTES_MAX: usize = 32_768;

const MESSAGE: &str = "$message";
const TIMESTAMP: &str = "$timestamp";

/// The last steps of one client.
#[derive(Default)]
pub struct Steps {
    /// Each a JSON object.
    ring: VecDeque<Box<[u8]>>,
    bytes: usize,
}

/// A step as JSON; whether the caller's properties had keys that are the library's.
pub fn step(
    message: &[u8],
    props: Option<&Props>,
    now: Timestamp,
) -> Result<(Box<[u8]>, bool), Error> {
    if message.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::Empty);
    }
    let mut timestamp = Vec::new();
    now.write(&mut timestamp);
    let mut step = Props::new();
    step.set_str(MESSAGE, message)?;
    step.set_str(TIMESTAMP, &timestamp)?;
    let mut stripped = false;
    if let Some(props) = props {
        stripped = props.get(MESSAGE).is_some() || props.get(TIMESTAMP).is_some();
        step.merge_absent(props)?;
    }
    if step.text().len() + 2 > BYTES_MAX {
        return Err(Error::TooLarge);
    }
    let text = [b"{", step.text(), b"}"].concat();
    Ok((text.into(), stripped))
}

impl Steps {
    /// Adds the newest; the oldest make room.
    pub fn push(&mut self, step: Box<[u8]>) {
        self.bytes += step.len();
        self.ring.push_back(step);
        while self.bytes > BYTES_MAX {
            let Some(oldest) = self.ring.pop_front() else { break };
            self.bytes -= oldest.len();
        }
    }

    /// All of them as a JSON array; `None` without any.
    pub fn text(&self) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(self.bytes + self.ring.len() + 1);
        for step in &self.ring {
            out.push(if out.is_empty() { b'[' } else { b',' });
            out.extend_from_slice(step);
        }
        out.push(b']');
        (!self.ring.is_empty()).then_some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-20T10:00:00Z").unwrap()
    }

    fn text(steps: &Steps) -> String {
        String::from_utf8(steps.text().unwrap()).unwrap()
    }

    #[test]
    fn steps_carry_their_time_and_properties() {
        let mut props = Props::new();
        props.set_str("$message", b"mine").unwrap();
        props.set_i64("level", 3).unwrap();
        let mut steps = Steps::default();
        assert_eq!(steps.text(), None);
        let (first, stripped) = step(b"saved \"a\"", Some(&props), now()).unwrap();
        assert!(stripped);
        steps.push(first);
        let (second, stripped) = step(b"quit", None, now()).unwrap();
        assert!(!stripped);
        steps.push(second);
        assert_eq!(
            text(&steps),
            r#"[{"$message":"saved \"a\"","$timestamp":"2026-11-20T10:00:00Z","level":3},{"$message":"quit","$timestamp":"2026-11-20T10:00:00Z"}]"#
        );
    }

    #[test]
    fn the_oldest_make_room() {
        let mut steps = Steps::default();
        for number in 0..10_000 {
            let message = format!("step {number}");
            steps.push(step(message.as_bytes(), None, now()).unwrap().0);
            assert!(steps.bytes <= BYTES_MAX);
        }
        let kept: Vec<serde_json::Value> = serde_json::from_str(&text(&steps)).unwrap();
        assert_eq!(kept.last().unwrap()["$message"], "step 9999");
        assert_eq!(kept[0]["$message"], format!("step {}", 10_000 - kept.len()));
        assert!(steps.bytes > BYTES_MAX - 100, "{}", steps.bytes);
    }

    #[test]
    fn bad_steps_are_refused() {
        assert_eq!(step(b" \n", None, now()).err(), Some(Error::Empty));
        let long = vec![b'x'; BYTES_MAX];
        assert_eq!(step(&long, None, now()).err(), Some(Error::TooLarge));
    }
}
