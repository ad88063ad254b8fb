//! `$exception`: an error as PostHog's error tracking reads it.

use crate::error::Error;
use crate::event::Event;
use crate::props::Props;

/// Frames beyond these are left out, the outermost first.
pub const FRAMES_MAX: usize = 64;

/// How bad it is: the levels that PostHog knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    Fatal,
    Error,
    Warning,
    Log,
    Info,
    Debug,
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Level::Fatal => "fatal",
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Log => "log",
            Level::Info => "info",
            Level::Debug => "debug",
        }
    }
}

/// One frame of a stack that the caller has, e.g. an interpreter's.
#[derive(Clone, Default)]
pub struct Frame {
    pub function: Option<String>,
    pub file: Option<String>,
    pub line: Option<u32>,
    pub module: Option<String>,
    pub in_app: bool,
}

/// An exception to be captured.
#[derive(Clone)]
pub struct Exception {
    kind: String,
    message: Vec<u8>,
    pub level: Level,
    /// Whether the program dealt with it.
    pub handled: bool,
    /// Innermost first, as callers have them; PostHog wants the outermost first.
    frames: Vec<Frame>,
    pub fingerprint: Option<String>,
    pub props: Props,
}

/// Keys of the event that only the library writes.
const RESERVED: [&str; 4] =
    ["$exception_list", "$exception_level", "$exception_source", "$debug_images"];

impl Exception {
    /// `kind` is the type's name, e.g. `std::runtime_error`.
    pub fn new(kind: &str, message: &[u8]) -> Result<Exception, Error> {
        Ok(Exception {
            kind: crate::event::checked(kind)?.to_owned(),
            message: message.to_vec(),
            level: Level::Error,
            handled: true,
            frames: Vec::new(),
            fingerprint: None,
            props: Props::new(),
        })
    }

    /// Adds the caller of the frame that was added last.
    pub fn push_frame(&mut self, frame: Frame) {
        if self.frames.len() < FRAMES_MAX {
            self.frames.push(frame);
        }
    }

    /// The event that says so.
    pub fn event(&self, distinct_id: &str) -> Result<Event, Error> {
        let mut event = Event::new(distinct_id, "$exception")?;
        event.props = self.props.try_clone()?;
        for key in RESERVED {
            event.props.remove(key);
        }
        let mut mechanism = Props::new();
        mechanism.set_str("type", b"generic")?;
        mechanism.set_bool("handled", self.handled)?;
        mechanism.set_i64("exception_id", 0)?;
        let mut item = Props::new();
        item.set_str("type", self.kind.as_bytes())?;
        item.set_str("value", &self.message)?;
        item.set_object("mechanism", &mechanism)?;
        if !self.frames.is_empty() {
            item.set_object("stacktrace", &self.stacktrace()?)?;
        }
        event.props.set_raw("$exception_list", &array([&item]))?;
        event.props.set_str("$exception_level", self.level.name().as_bytes())?;
        event.props.set_str("$exception_type", self.kind.as_bytes())?;
        event.props.set_str("$exception_message", &self.message)?;
        if let Some(fingerprint) = &self.fingerprint {
            event.props.set_str("$exception_fingerprint", fingerprint.as_bytes())?;
        }
        Ok(event)
    }

    fn stacktrace(&self) -> Result<Props, Error> {
        let frames =
            self.frames.iter().rev().map(Frame::props).collect::<Result<Vec<Props>, Error>>()?;
        let mut stacktrace = Props::new();
        stacktrace.set_str("type", b"raw")?;
        stacktrace.set_raw("frames", &array(&frames))?;
        Ok(stacktrace)
    }
}

impl Frame {
    fn props(&self) -> Result<Props, Error> {
        let mut props = Props::new();
        props.set_str("platform", b"custom")?;
        props.set_str("lang", b"c")?;
        for (key, value) in
            [("function", &self.function), ("filename", &self.file), ("module", &self.module)]
        {
            if let Some(value) = value {
                props.set_str(key, value.as_bytes())?;
            }
        }
        if let Some(line) = self.line {
            props.set_i64("lineno", i64::from(line))?;
        }
        props.set_bool("in_app", self.in_app)?;
        props.set_bool("resolved", true)?;
        Ok(props)
    }
}

/// A JSON array of objects.
fn array<'a>(items: impl IntoIterator<Item = &'a Props>) -> Vec<u8> {
    let mut out = vec![b'['];
    for item in items {
        if out.len() > 1 {
            out.push(b',');
        }
        out.push(b'{');
        out.extend_from_slice(item.text());
        out.push(b'}');
    }
    out.push(b']');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(exception: &Exception) -> serde_json::Value {
        let event = exception.event("u").unwrap();
        let text = String::from_utf8(event.props.text().to_vec()).unwrap();
        serde_json::from_str(&format!("{{{text}}}")).unwrap()
    }

    #[test]
    fn the_list_and_the_flat_properties_agree() {
        let mut exception = Exception::new("io_error", b"disk full").unwrap();
        exception.level = Level::Fatal;
        exception.handled = false;
        exception.fingerprint = Some("disk".to_owned());
        assert_eq!(
            value(&exception),
            serde_json::json!({
                "$exception_list": [{
                    "type": "io_error",
                    "value": "disk full",
                    "mechanism": {"type": "generic", "handled": false, "exception_id": 0},
                }],
                "$exception_level": "fatal",
                "$exception_type": "io_error",
                "$exception_message": "disk full",
                "$exception_fingerprint": "disk",
            })
        );
    }

    #[test]
    fn frames_leave_outermost_first_and_bounded() {
        let mut exception = Exception::new("e", b"").unwrap();
        for depth in 0..100 {
            let function = Some(format!("f{depth}"));
            exception.push_frame(Frame { function, line: Some(depth), ..Frame::default() });
        }
        let value = value(&exception);
        let frames = value["$exception_list"][0]["stacktrace"]["frames"].as_array().unwrap();
        assert_eq!(frames.len(), FRAMES_MAX);
        assert_eq!(frames[0]["function"], "f63");
        assert_eq!(frames[63]["function"], "f0");
        assert_eq!(frames[63]["lineno"], 0);
        assert!(frames[0].get("filename").is_none());
    }

    #[test]
    fn the_callers_properties_cannot_replace_the_librarys() {
        let mut exception = Exception::new("e", b"m").unwrap();
        exception.props.set_str("$exception_list", b"mine").unwrap();
        exception.props.set_str("$exception_source", b"mine").unwrap();
        exception.props.set_str("area", b"checkout").unwrap();
        let value = value(&exception);
        assert!(value["$exception_list"].is_array());
        assert!(value.get("$exception_source").is_none());
        assert_eq!(value["area"], "checkout");
    }
}
