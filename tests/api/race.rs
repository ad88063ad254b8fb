//! What the other tests would look like under ThreadSanitizer if there were a race in the library.
//! `tests/commands/races` runs this one first: a sanitizer that is not on finds nothing either.

use crate::c::*;
use crate::handle::Props;
use std::ffi::CStr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

/// A map is one thread's at a time, and it is the caller who sees to that. Here two threads have it
/// one after the other, with nothing that orders them but the time: so nothing can go wrong on a
/// real machine, and it is a race all the same.
#[test]
#[ignore = "for ThreadSanitizer, which has to find it"]
fn two_threads_write_to_one_map() {
    let props = Props::new();
    let (map, step) = (props.raw() as usize, AtomicU8::new(0));
    // Relaxed: it orders nothing else. Both threads live until the end.
    let reach = |to: u8| step.store(to, Ordering::Relaxed);
    let wait_for = |at: u8| {
        while step.load(Ordering::Relaxed) < at {
            thread::yield_now();
        }
    };
    let write = |key: &CStr| {
        let status = ph_props_set_bool(map as *mut ph_props, key.as_ptr(), true);
        assert_eq!(status, PH_OK);
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            wait_for(1);
            write(c"first");
            reach(2);
            wait_for(3);
        });
        scope.spawn(|| {
            reach(1);
            wait_for(2);
            write(c"second");
            reach(3);
        });
    });
}
