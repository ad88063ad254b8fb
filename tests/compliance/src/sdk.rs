//! A client of the library, as C sees it.

use crate::mode::Mode;
use crate::prototypes::*;
use serde_json::{Map, Value};
use std::ffi::{CStr, CString, c_char};
use std::ptr;

/// What `/init` asks for.
pub struct Options<'a> {
    pub api_key: &'a str,
    pub host: &'a str,
    pub flush_at: Option<u32>,
    pub flush_interval_ms: Option<u32>,
    pub max_retries: Option<u32>,
    pub compresses: bool,
    pub geoip_disable: bool,
    pub historical: bool,
    pub test: &'a str,
}

/// As many statistics as the harness is told of.
const STATS: usize = PH_STAT_RETRIES + 1;

pub struct Sdk {
    client: *mut ph_client,
}

// SAFETY: the header lets every thread use a client at once.
unsafe impl Send for Sdk {}
// SAFETY: as above.
unsafe impl Sync for Sdk {}

/// A status that is not `PH_OK`, in words.
pub fn checked(status: Status) -> Result<(), String> {
    if status == PH_OK { Ok(()) } else { Err(format!("{status:?}")) }
}

fn c_text(text: &str) -> Result<CString, String> {
    CString::new(text).map_err(|_| format!("{text:?} has a NUL inside"))
}

impl Sdk {
    pub fn new(options: &Options<'_>, mode: Mode) -> Result<Sdk, String> {
        let config = ph_config_new(c_text(options.api_key)?.as_ptr());
        let mut client = ptr::null_mut();
        let made = configure(config, options, mode)
            .and_then(|()| checked(ph_init(config, &raw mut client)));
        ph_config_free(config);
        made.map(|()| Sdk { client })
    }

    /// Captures an event; its uuid.
    pub fn capture(&self, event: &Event, is_ai: bool) -> Result<String, String> {
        let mut uuid = [0; PH_UUID_SIZE];
        let capture = if is_ai { ph_capture_ai } else { ph_capture_event };
        checked(capture(self.client, event.raw, uuid.as_mut_ptr()))?;
        let text = uuid.iter().take_while(|byte| **byte != 0).map(|byte| char::from(*byte as u8));
        Ok(text.collect())
    }

    pub fn flush(&self, timeout_ms: u32) -> Result<(), String> {
        match ph_flush(self.client, timeout_ms) {
            // Given up is settled, too: the harness looks at what arrived.
            PH_OK | PH_ERROR_LOST => Ok(()),
            status => Err(format!("{status:?}")),
        }
    }

    pub fn stats(&self) -> [u64; STATS] {
        let mut values = [0; STATS];
        ph_stats_get(self.client, values.as_mut_ptr(), values.len());
        values
    }

    /// The value of a flag: a boolean, the name of a variant, or null when it is not known.
    pub fn flag(&self, distinct_id: &str, key: &str, context: &Context) -> Result<Value, String> {
        const TIMEOUT_MS: u32 = 10_000;
        let (id, key) = (c_text(distinct_id)?, c_text(key)?);
        let mut flags = ptr::null_mut();
        let raw = context.raw.cast_const();
        let status = ph_flags_evaluate(self.client, id.as_ptr(), raw, TIMEOUT_MS, &raw mut flags);
        checked(status)?;
        let variant = ph_flags_get_variant(flags, key.as_ptr());
        let value = if !variant.is_null() {
            // SAFETY: the library lends a NUL-terminated text that lasts as long as the flags.
            unsafe { CStr::from_ptr(variant) }.to_string_lossy().into_owned().into()
        } else if ph_flags_is_known(flags, key.as_ptr()) {
            ph_flags_is_enabled(flags, key.as_ptr(), false).into()
        } else {
            Value::Null
        };
        ph_flags_free(flags);
        Ok(value)
    }

    /// Sends nothing any more: what is queued belongs to a test that is over.
    pub fn discard(&self) {
        ph_opt_out(self.client);
    }
}

impl Drop for Sdk {
    fn drop(&mut self) {
        ph_client_free(self.client);
    }
}

fn configure(config: *mut ph_config, options: &Options<'_>, mode: Mode) -> Result<(), String> {
    let compression = if options.compresses { mode.encoding.1 } else { PH_COMPRESSION_NONE };
    checked(ph_config_set_host(config, c_text(options.host)?.as_ptr()))?;
    checked(ph_config_set_protocol(config, mode.protocol()))?;
    checked(ph_config_set_compression(config, compression))?;
    checked(ph_config_set_geoip_disable(config, options.geoip_disable))?;
    checked(ph_config_set_historical_migration(config, options.historical))?;
    if let Some(events) = options.flush_at {
        checked(ph_config_set_flush_at(config, events))?;
    }
    if let Some(interval) = options.flush_interval_ms {
        checked(ph_config_set_flush_interval_ms(config, interval))?;
    }
    if let Some(retries) = options.max_retries {
        let retries = if retries == 0 { PH_NEVER } else { retries };
        checked(ph_config_set_max_retries(config, retries))?;
    }
    if !options.test.is_empty() {
        let value = c_text(options.test)?;
        checked(ph_config_add_header(config, c"X-Test-Id".as_ptr(), value.as_ptr()))?;
    }
    Ok(())
}

/// An event to capture.
pub struct Event {
    raw: *mut ph_event,
}

impl Event {
    /// `details` as `ph_event_new_json` takes them; `options` are those of V1.
    pub fn new(
        distinct_id: &str,
        name: &str,
        details: &Map<String, Value>,
        options: Option<&Value>,
    ) -> Result<Event, String> {
        let details = Value::Object(details.clone()).to_string();
        let text = |text: &str| (text.as_ptr().cast::<c_char>(), text.len());
        let ((id, id_len), (name, name_len)) = (text(distinct_id), text(name));
        let (details, details_len) = text(&details);
        let mut raw = ptr::null_mut();
        let out = &raw mut raw;
        checked(ph_event_new_json(id, id_len, name, name_len, details, details_len, out))?;
        let event = Event { raw };
        if let Some(options) = options {
            let props = Props::of(options)?;
            checked(ph_event_set_options(event.raw, props.raw))?;
        }
        Ok(event)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        ph_event_free(self.raw);
    }
}

struct Props {
    raw: *mut ph_props,
}

impl Props {
    fn of(object: &Value) -> Result<Props, String> {
        let (props, text) = (Props { raw: ph_props_new() }, object.to_string());
        checked(ph_props_set_members(props.raw, text.as_ptr().cast(), text.len()))?;
        Ok(props)
    }
}

impl Drop for Props {
    fn drop(&mut self) {
        ph_props_free(self.raw);
    }
}

/// Everything about one evaluation besides the distinct id.
pub struct Context {
    raw: *mut ph_context,
}

impl Context {
    pub fn new() -> Context {
        Context { raw: ph_context_new() }
    }

    pub fn only(&self, key: &str) -> Result<(), String> {
        checked(ph_context_add_flag_key(self.raw, c_text(key)?.as_ptr()))
    }

    pub fn person(&self, properties: &Value) -> Result<(), String> {
        let props = Props::of(properties)?;
        checked(ph_context_set_person_properties(self.raw, props.raw))
    }

    pub fn group(&self, group_type: &str, key: &str) -> Result<(), String> {
        let (group_type, key) = (c_text(group_type)?, c_text(key)?);
        checked(ph_context_set_group(self.raw, group_type.as_ptr(), key.as_ptr()))
    }

    pub fn group_properties(&self, group_type: &str, properties: &Value) -> Result<(), String> {
        let (group_type, props) = (c_text(group_type)?, Props::of(properties)?);
        checked(ph_context_set_group_properties(self.raw, group_type.as_ptr(), props.raw))
    }

    pub fn geoip_disable(&self, disable: bool) -> Result<(), String> {
        checked(ph_context_set_geoip_disable(self.raw, disable))
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        ph_context_free(self.raw);
    }
}
