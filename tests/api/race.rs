//! What the other tests would look like under ThreadSanitizer if there were a race in the library.
//! `tests/commands/races` runs this one first: a sanitizer that is not on finds nothing either.

use crate::c::*;
use crate::handle::{Props, c_text};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// A map is one thread's at a time, and it is the caller who sees to that. Here two threads have it
/// one after the other, with nothing that orders them but the time: so nothing can go wrong on a
/// real machine, and it is a race all the same.
#[test]
#[ignore = "for ThreadSanitizer, which has to find it"]
fn two_threads_write_to_one_map() {
    let props = Props::new();
    let (map, is_written) = (props.raw() as usize, AtomicBool::new(false));
    let write = |key: &str| {
        let status = ph_props_set_bool(map as *mut ph_props, c_text(key).as_ptr(), true);
        assert_eq!(status, PH_OK);
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            write("first");
            is_written.store(true, Ordering::Relaxed);
        });
        scope.spawn(|| {
            while !is_written.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            write("second");
        });
    });
}
