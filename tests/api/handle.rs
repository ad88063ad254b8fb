//! Property maps, events and exceptions that free themselves.

use crate::c::*;
use std::ffi::{CStr, CString, c_char};
use std::ptr;

pub fn c_text(text: &str) -> CString {
    CString::new(text).unwrap()
}

/// A text that the library lends; `None` for `NULL`.
pub fn lent_text(text: *const c_char) -> Option<String> {
    // SAFETY: the library lends NUL-terminated texts that last until the handle's next call.
    let text = (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })?;
    Some(text.to_str().unwrap().to_owned())
}

/// A text that is the caller's: copied, and given back.
pub fn owned_text(text: *mut c_char) -> String {
    let copy = lent_text(text).unwrap();
    ph_string_free(text);
    copy
}

pub struct Props {
    raw: *mut ph_props,
}

impl Props {
    pub fn new() -> Props {
        Props { raw: ph_props_new() }
    }

    pub fn raw(&self) -> *mut ph_props {
        self.raw
    }

    fn set<V>(
        self,
        setter: extern "C" fn(*mut ph_props, *const c_char, V) -> Status,
        key: &str,
        value: V,
    ) -> Props {
        let key = c_text(key);
        assert_eq!(setter(self.raw, key.as_ptr(), value), PH_OK);
        self
    }

    pub fn str(self, key: &str, value: &str) -> Props {
        let value = c_text(value);
        self.set(ph_props_set_str, key, value.as_ptr())
    }

    pub fn int(self, key: &str, value: i64) -> Props {
        self.set(ph_props_set_int, key, value)
    }

    pub fn uint(self, key: &str, value: u64) -> Props {
        self.set(ph_props_set_uint, key, value)
    }

    pub fn double(self, key: &str, value: f64) -> Props {
        self.set(ph_props_set_double, key, value)
    }

    pub fn bool(self, key: &str, value: bool) -> Props {
        self.set(ph_props_set_bool, key, value)
    }

    pub fn null(self, key: &str) -> Props {
        let key = c_text(key);
        assert_eq!(ph_props_set_null(self.raw, key.as_ptr()), PH_OK);
        self
    }

    pub fn object(self, key: &str, value: &Props) -> Props {
        self.set(ph_props_set_object, key, value.raw.cast_const())
    }

    pub fn json(self, key: &str, json: &str) -> Props {
        let json = c_text(json);
        self.set(ph_props_set_json, key, json.as_ptr())
    }
}

impl Drop for Props {
    fn drop(&mut self) {
        ph_props_free(self.raw);
    }
}

pub struct Event {
    raw: *mut ph_event,
}

impl Event {
    pub fn new(distinct_id: &str, name: &str) -> Event {
        Event::try_new(&c_text(distinct_id), &c_text(name)).unwrap()
    }

    pub fn try_new(distinct_id: &CStr, name: &CStr) -> Result<Event, Status> {
        let mut raw = ptr::null_mut();
        match ph_event_new(distinct_id.as_ptr(), name.as_ptr(), &raw mut raw) {
            PH_OK => Ok(Event { raw }),
            status => Err(status),
        }
    }

    pub fn of_json(distinct_id: &CStr, name: &CStr, details: &str) -> Result<Event, Status> {
        let (id, name) = (distinct_id.to_bytes(), name.to_bytes());
        let mut raw = ptr::null_mut();
        let status = ph_event_new_json(
            id.as_ptr().cast(),
            id.len(),
            name.as_ptr().cast(),
            name.len(),
            details.as_ptr().cast(),
            details.len(),
            &raw mut raw,
        );
        if status == PH_OK { Ok(Event { raw }) } else { Err(status) }
    }

    pub fn raw(&self) -> *mut ph_event {
        self.raw
    }

    pub fn text(
        self,
        setter: extern "C" fn(*mut ph_event, *const c_char) -> Status,
        text: &str,
    ) -> Event {
        let text = c_text(text);
        assert_eq!(setter(self.raw, text.as_ptr()), PH_OK);
        self
    }

    pub fn props(
        self,
        setter: extern "C" fn(*mut ph_event, *const ph_props) -> Status,
        props: &Props,
    ) -> Event {
        assert_eq!(setter(self.raw, props.raw), PH_OK);
        self
    }

    pub fn group(self, group_type: &str, key: &str) -> Event {
        let (group_type, key) = (c_text(group_type), c_text(key));
        assert_eq!(ph_event_set_group(self.raw, group_type.as_ptr(), key.as_ptr()), PH_OK);
        self
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        ph_event_free(self.raw);
    }
}

pub struct Exception {
    raw: *mut ph_exception,
}

impl Exception {
    pub fn new(kind: &str, message: &str) -> Exception {
        let (kind, message) = (c_text(kind), c_text(message));
        let mut raw = ptr::null_mut();
        assert_eq!(ph_exception_new(kind.as_ptr(), message.as_ptr(), &raw mut raw), PH_OK);
        Exception { raw }
    }

    pub fn raw(&self) -> *mut ph_exception {
        self.raw
    }

    /// Adds a frame; empty texts are passed as `NULL`, for unknown.
    pub fn frame(self, function: &str, file: &str, line: u32, module: &str, in_app: bool) -> Self {
        let texts = [function, file, module].map(c_text);
        let [function, file, module] =
            texts.each_ref().map(|text| if text.is_empty() { ptr::null() } else { text.as_ptr() });
        let status = ph_exception_add_frame(self.raw, function, file, line, module, in_app);
        assert_eq!(status, PH_OK);
        self
    }

    /// Without the stack of the thread that captures it.
    pub fn without_stack(self) -> Exception {
        assert_eq!(ph_exception_set_stack(self.raw, false, 0), PH_OK);
        self
    }

    pub fn text(
        self,
        setter: extern "C" fn(*mut ph_exception, *const c_char) -> Status,
        text: &str,
    ) -> Exception {
        let text = c_text(text);
        assert_eq!(setter(self.raw, text.as_ptr()), PH_OK);
        self
    }

    pub fn cause(self, cause: &Exception, source: &str) -> Exception {
        let source = c_text(source);
        assert_eq!(ph_exception_add_cause(self.raw, cause.raw, source.as_ptr()), PH_OK);
        self
    }

    pub fn props(self, props: &Props) -> Exception {
        assert_eq!(ph_exception_set_properties(self.raw, props.raw), PH_OK);
        self
    }
}

impl Drop for Exception {
    fn drop(&mut self) {
        ph_exception_free(self.raw);
    }
}
