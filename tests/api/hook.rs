//! Closures as C callbacks: the closure is the userdata, and freeing the userdata drops it.

use crate::c::*;
use crate::client::Config;
use std::ffi::{CStr, c_char, c_void};
use std::sync::{Arc, Mutex};

type Log = Box<dyn Fn(i32, &str) + Send + Sync>;
type BeforeSend = Box<dyn Fn(*mut ph_event) -> i32 + Send + Sync>;
type Delivery = Box<dyn Fn(i32, usize) + Send + Sync>;

pub fn userdata<T>(value: T) -> *mut c_void {
    Box::into_raw(Box::new(value)).cast()
}

pub unsafe extern "C" fn free<T>(userdata: *mut c_void) {
    // SAFETY: `userdata` made it from a box of that type, and the library frees it once.
    drop(unsafe { Box::from_raw(userdata.cast::<T>()) });
}

unsafe extern "C" fn log(userdata: *mut c_void, level: i32, message: *const c_char) {
    // SAFETY: it was registered with a `Log`, which the library has not freed yet.
    let call = unsafe { &*userdata.cast::<Log>() };
    // SAFETY: the library passes a NUL-terminated text that lasts for the call.
    let message = unsafe { CStr::from_ptr(message) };
    call(level, message.to_str().expect("a log line is UTF-8"));
}

unsafe extern "C" fn before_send(userdata: *mut c_void, event: *mut ph_event) -> i32 {
    // SAFETY: it was registered with a `BeforeSend`, which the library has not freed yet.
    let call = unsafe { &*userdata.cast::<BeforeSend>() };
    call(event)
}

unsafe extern "C" fn delivery(userdata: *mut c_void, delivery: i32, events: usize) {
    // SAFETY: it was registered with a `Delivery`, which the library has not freed yet.
    let call = unsafe { &*userdata.cast::<Delivery>() };
    call(delivery, events);
}

impl Config {
    pub fn on_log(self, call: impl Fn(i32, &str) + Send + Sync + 'static) -> Config {
        let data = userdata::<Log>(Box::new(call));
        let status = ph_config_set_log(self.raw(), Some(log), data, Some(free::<Log>));
        assert_eq!(status, PH_OK);
        self
    }

    /// Returning 0 keeps the event, anything else drops it.
    pub fn before_send(self, call: impl Fn(*mut ph_event) -> i32 + Send + Sync + 'static) -> Self {
        let data = userdata::<BeforeSend>(Box::new(call));
        let free = Some(free::<BeforeSend> as unsafe extern "C" fn(*mut c_void));
        assert_eq!(ph_config_add_before_send(self.raw(), Some(before_send), data, free), PH_OK);
        self
    }

    pub fn on_delivery(self, call: impl Fn(i32, usize) + Send + Sync + 'static) -> Config {
        let data = userdata::<Delivery>(Box::new(call));
        let status =
            ph_config_set_delivery(self.raw(), Some(delivery), data, Some(free::<Delivery>));
        assert_eq!(status, PH_OK);
        self
    }
}

/// Puts a client's log lines aside: its options, and the lines.
pub fn logged(config: Config) -> (Config, Told<String>) {
    let told = Told::new();
    let lines = told.clone();
    (config.on_log(move |_, text| lines.push(text.to_owned())), told)
}

/// What callbacks were told, in order.
pub struct Told<T>(Arc<Mutex<Vec<T>>>);

impl<T> Clone for Told<T> {
    fn clone(&self) -> Told<T> {
        Told(Arc::clone(&self.0))
    }
}

impl<T: Clone> Told<T> {
    pub fn new() -> Told<T> {
        Told(Arc::default())
    }

    pub fn push(&self, value: T) {
        self.0.lock().unwrap().push(value);
    }

    pub fn all(&self) -> Vec<T> {
        self.0.lock().unwrap().clone()
    }

    pub fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// Says when the last clone is gone: put into a closure, it tells that the closure was freed.
pub struct Alive(Arc<()>);

impl Alive {
    pub fn new() -> Alive {
        Alive(Arc::new(()))
    }

    pub fn token(&self) -> Arc<()> {
        Arc::clone(&self.0)
    }

    /// How many closures still hold a token.
    pub fn holders(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}
