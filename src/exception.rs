//! `$exception`: an error as PostHog's error tracking reads it.

mod entry;
mod frame;
mod from_json;
mod in_app;
mod noise;
mod steps;
mod tracker;

#[cfg(feature = "symbols")]
pub use frame::debug_id;
pub use frame::{FRAMES_MAX, Frame};
pub use in_app::InApp;
pub use noise::Limit;
pub use tracker::{Settings, Tracker};

use crate::error::Error;
use crate::event::Event;
use crate::props::Props;
use crate::sys::images::Located;
use crate::timestamp::Timestamp;
use ::uuid::Uuid;
use entry::{ALLOWANCES, Allowance, Entry};
use frame::Natives;
use std::hash::{Hash, Hasher};

/// The outermost exception and all that it is made of are at most so many.
pub const ENTRIES_MAX: usize = 50;
/// Exceptions of the same type are of one kind when so many innermost frames are the same.
const TOP: usize = 5;

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

/// Whether the stack of the capturing thread is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OwnStack {
    /// If the exception has no frames of its own.
    Default,
    /// But for its innermost frames.
    Taken(usize),
    Off,
}

/// An exception to be captured, with the exceptions that it is made of.
#[derive(Clone)]
pub struct Exception {
    pub level: Level,
    pub fingerprint: Option<String>,
    /// What reports it, `<technology>.<hook>`.
    pub source: Option<String>,
    pub own_stack: OwnStack,
    pub props: Props,
    pub uuid: Option<Uuid>,
    pub timestamp: Option<Timestamp>,
    /// Ids of the trace and of the span in which it happened.
    trace: Option<(String, String)>,
    groups: Vec<(String, String)>,
    /// Depth first, the outermost ahead: as `$exception_list` has them. Never empty.
    entries: Vec<Entry>,
}

/// Keys of the event that only the library writes, or only PostHog.
const RESERVED: [&str; 14] = [
    "$exception_list",
    "$exception_level",
    "$exception_source",
    "$debug_images",
    SUPPRESSED,
    "$exception_types",
    "$exception_values",
    "$exception_sources",
    "$exception_functions",
    "$exception_fingerprint_version",
    "$exception_fingerprint_record",
    "$exception_issue_id",
    "$exception_release",
    "$cymbal_errors",
];

/// How many of the same kind were not sent since the last that was.
const SUPPRESSED: &str = "$exception_suppressed_count";

/// What an event says beside its exception.
pub struct Scene<'a> {
    pub settings: &'a Settings,
    event_bytes_max: usize,
    /// The stack of the capturing thread, if it is to be taken.
    own: &'a [usize],
    /// What the addresses lie in, in the order of `addresses`.
    located: Located,
    steps: Option<Vec<u8>>,
    suppressed: u64,
}

impl Exception {
    /// `kind` is the type's name, e.g. `std::runtime_error`.
    pub fn new(kind: &[u8], message: &[u8]) -> Result<Exception, Error> {
        Ok(Exception {
            level: Level::Error,
            fingerprint: None,
            source: None,
            own_stack: OwnStack::Default,
            props: Props::new(),
            uuid: None,
            timestamp: None,
            trace: None,
            groups: Vec::new(),
            entries: vec![Entry::new(kind, message)?],
        })
    }

    /// Whether the program dealt with it.
    pub fn set_handled(&mut self, handled: bool) {
        self.entries[0].handled = Some(handled);
    }

    /// Whether its stack is not that of the error itself.
    pub fn set_synthetic(&mut self, synthetic: bool) {
        self.entries[0].synthetic = Some(synthetic);
    }

    /// By what it was noticed: `generic`, `logger`, `panic`, …
    pub fn set_mechanism(&mut self, kind: &str) -> Result<(), Error> {
        self.entries[0].mechanism = Some(crate::event::checked(kind)?.to_owned());
        Ok(())
    }

    pub fn set_group(&mut self, group_type: &str, key: &str) -> Result<(), Error> {
        let (group_type, key) = (crate::event::checked(group_type)?, crate::event::checked(key)?);
        self.groups.push((group_type.to_owned(), key.to_owned()));
        Ok(())
    }

    /// As W3C Trace Context has them: 32 and 16 hexadecimal digits, not all of them 0.
    pub fn set_trace(&mut self, trace_id: &str, span_id: &str) -> Result<(), Error> {
        let is_id = |text: &str, len| {
            text.len() == len
                && text.bytes().all(|byte| byte.is_ascii_hexdigit())
                && text.bytes().any(|byte| byte != b'0')
        };
        if !is_id(trace_id, 32) || !is_id(span_id, 16) {
            return Err(Error::Range);
        }
        self.trace = Some((trace_id.to_ascii_lowercase(), span_id.to_ascii_lowercase()));
        Ok(())
    }

    /// Adds the caller of the frame that was added last.
    pub fn push_frame(&mut self, frame: Frame) {
        let frames = &mut self.entries[0].stack.frames;
        if frames.len() < FRAMES_MAX {
            frames.push(frame);
        }
    }

    /// Frames in place of those that it had, the outermost first.
    pub fn set_frames(&mut self, frames: Vec<Frame>) {
        self.entries[0].stack.frames = frames.into_iter().rev().take(FRAMES_MAX).collect();
    }

    /// Return addresses in place of those that it had, the innermost first.
    pub fn set_addresses(&mut self, addresses: impl Iterator<Item = usize>) {
        self.entries[0].stack.addresses = addresses.take(FRAMES_MAX).collect();
    }

    /// Puts a copy of `cause`, and of all that it is made of, below this one. Beyond the bound they
    /// are left out. A copy: whatever becomes of `cause`, there can be no cycle.
    pub fn push_cause(&mut self, cause: &Exception, source: &str) -> Result<(), Error> {
        let source = crate::event::checked(source)?;
        let first = self.entries.len();
        for entry in cause.entries.iter().take(ENTRIES_MAX - first) {
            let mut entry = entry.clone();
            entry.parent = match entry.parent {
                // The parent came before, so that it is here, too.
                Some((parent, source)) => Some((first + parent, source)),
                None => Some((0, source.to_owned())),
            };
            self.entries.push(entry);
        }
        Ok(())
    }

    /// How many innermost frames of the capturing thread are left out; `None` when its stack is not
    /// to be taken.
    fn skip(&self) -> Option<usize> {
        match self.own_stack {
            OwnStack::Taken(skip) => Some(skip),
            OwnStack::Default if self.entries[0].stack.is_empty() => Some(0),
            OwnStack::Default | OwnStack::Off => None,
        }
    }

    /// What makes it the same error as another: its type and where it happened.
    fn kind(&self, own: &[usize]) -> u64 {
        let Entry { kind, stack, .. } = &self.entries[0];
        let mut hasher = std::hash::DefaultHasher::new();
        kind.hash(&mut hasher);
        let addresses = own.iter().chain(&stack.addresses).take(TOP);
        addresses.for_each(|address| address.hash(&mut hasher));
        let frames = stack.frames.iter().take(TOP);
        frames.for_each(|frame| frame.identity().hash(&mut hasher));
        hasher.finish()
    }

    /// Never held back: the program ends of it.
    pub fn is_urgent(&self) -> bool {
        self.level == Level::Fatal
    }

    /// Every address of it that may be sent, after those of the capturing thread.
    fn addresses(&self, own: &[usize]) -> Vec<usize> {
        let entries = self.entries.iter().flat_map(|entry| entry.stack.sent_addresses());
        // The call before a return address is what counts: it may be its function's last.
        own.iter().chain(entries).map(|address| address.saturating_sub(1)).collect()
    }

    /// The event that says so. It is made as large as it may be, and smaller if it has to.
    fn event(&self, distinct_id: &str, scene: Scene<'_>) -> Result<Event, Error> {
        let mut event = Event::new(distinct_id, "$exception")?;
        event.props = self.props.try_clone()?;
        (event.uuid, event.timestamp) = (self.uuid, self.timestamp);
        for key in RESERVED {
            event.props.remove(key);
        }
        for (group_type, key) in &self.groups {
            event.set_group(group_type, key)?;
        }
        self.describe(&mut event.props, &scene)?;
        let natives = Natives::new(&scene.settings.in_app, scene.located);
        if let Some(images) = natives.debug_images()? {
            event.props.set_raw("$debug_images", &images)?;
        }
        let mut outermost = self.entries[0].clone();
        if !scene.own.is_empty() {
            outermost.stack.addresses = [scene.own, &outermost.stack.addresses].concat();
        }
        outermost.mechanism.get_or_insert_with(|| "generic".to_owned());
        outermost.handled.get_or_insert(true);
        // A stack that the library took is not that of the error, which nobody may have thrown.
        outermost.synthetic.get_or_insert(!scene.own.is_empty());
        let others = event.props.text().len();
        for (index, allowance) in ALLOWANCES.iter().enumerate() {
            let list = self.list(&outermost, allowance, &natives)?;
            let steps = scene.steps.as_deref().filter(|_| allowance.steps);
            let len = others + list.len() + allowance.text + steps.map_or(0, <[u8]>::len);
            if len > scene.event_bytes_max && index + 1 < ALLOWANCES.len() {
                continue;
            }
            let message = entry::cut(&outermost.value, allowance.text);
            event.props.set_str("$exception_type", entry::cut(&outermost.kind, allowance.text))?;
            event.props.set_str("$exception_message", message)?;
            event.props.set_raw("$exception_list", &list)?;
            if let Some(steps) = steps {
                event.props.set_raw("$exception_steps", steps)?;
            }
            break;
        }
        Ok(event)
    }

    /// `$exception_list`.
    fn list(
        &self,
        outermost: &Entry,
        allowance: &Allowance,
        natives: &Natives<'_>,
    ) -> Result<Vec<u8>, Error> {
        let mut list = vec![b'['];
        let entries = std::iter::once(outermost).chain(&self.entries[1..]);
        for (id, entry) in entries.enumerate() {
            list.extend_from_slice(if id > 0 { b",{" } else { b"{" });
            list.extend_from_slice(entry.props(id, allowance, natives)?.text());
            list.push(b'}');
        }
        list.push(b']');
        Ok(list)
    }

    /// What is said of the whole.
    fn describe(&self, props: &mut Props, scene: &Scene<'_>) -> Result<(), Error> {
        props.set_str("$exception_level", self.level.name().as_bytes())?;
        if let Some(source) = &self.source {
            props.set_str("$exception_source", source.as_bytes())?;
        }
        if let Some(fingerprint) = &self.fingerprint {
            props.set_str("$exception_fingerprint", fingerprint.as_bytes())?;
        }
        if let Some((trace_id, span_id)) = &self.trace {
            props.set_str("$trace_id", trace_id.as_bytes())?;
            props.set_str("$span_id", span_id.as_bytes())?;
        }
        if let Some(release) = &scene.settings.release {
            if props.get("$release_id").is_none() {
                props.set_str("$release_id", release.as_bytes())?;
            }
        }
        if scene.suppressed > 0 {
            props.set_u64(SUPPRESSED, scene.suppressed)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
