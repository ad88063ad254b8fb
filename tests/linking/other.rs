//! Another Rust static library, with a runtime of its own: threads, panics that are caught, memory.

use std::collections::HashMap;

#[unsafe(no_mangle)]
pub extern "C" fn other_works() -> i32 {
    let thread = std::thread::spawn(|| {
        let words = "a b a".split(' ');
        words.fold(HashMap::new(), |mut counts: HashMap<&str, i32>, word| {
            *counts.entry(word).or_default() += 1;
            counts
        })
    });
    let counted = thread.join().is_ok_and(|counts| counts["a"] == 2);
    std::panic::set_hook(Box::new(|_| {}));
    let caught = std::panic::catch_unwind(|| panic!("on purpose")).is_err();
    i32::from(counted && caught)
}
