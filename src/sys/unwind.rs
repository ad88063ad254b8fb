//! The stack of the calling thread, as return addresses.

/// The stack pointer of a frame: the address of one of its variables will do.
#[derive(Clone, Copy)]
pub struct Frame(usize);

impl Frame {
    /// The frame that has this variable.
    #[inline(always)]
    pub fn of<T>(variable: &T) -> Frame {
        Frame(std::ptr::from_ref(variable).addr())
    }

    pub fn address(self) -> usize {
        self.0
    }
}

/// Writes the return addresses of the frames outside `inner`, the innermost first, and returns how
/// many there are. The first `skip` are left out. What lies on the stack inside `inner`, however
/// much of it the compiler has inlined, is not seen: stacks grow downwards, so that a frame is
/// outside when its stack pointer is higher.
///
/// It allocates nothing and takes no lock but the system's own for unwinding.
#[cfg(not(miri))]
pub fn trace(inner: Frame, skip: usize, out: &mut [usize]) -> usize {
    let (mut len, mut skipped) = (0, 0);
    if out.is_empty() {
        return 0;
    }
    // SAFETY: asks for one caller at a time only where the system's debug help library is used,
    // which is on 32-bit Windows; there the host sees to it, as the header says.
    unsafe {
        backtrace::trace_unsynchronized(|frame| {
            let address = frame.ip().addr();
            if address == 0 {
                return false;
            }
            if frame.sp().addr() > inner.0 {
                if skipped < skip {
                    skipped += 1;
                } else {
                    out[len] = address;
                    len += 1;
                }
            }
            len < out.len()
        });
    }
    len
}

/// Miri has no machine stack.
#[cfg(miri)]
pub fn trace(_: Frame, _: usize, _: &mut [usize]) -> usize {
    0
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;

    #[inline(never)]
    fn deeper(depth: usize, out: &mut [usize]) -> usize {
        if depth == 0 {
            let here = 0_u8;
            return trace(Frame::of(&here), 0, out);
        }
        // Not a tail call: the result is looked at.
        std::hint::black_box(deeper(depth - 1, out))
    }

    #[test]
    fn it_is_bounded_and_innermost_first() {
        let mut out = [0; 64];
        assert_eq!(deeper(10_000, &mut out), 64);
        // All but the outermost return into the same place.
        assert!(out[1..64].iter().all(|address| *address == out[1]), "{out:x?}");
        let mut few = [0; 3];
        assert_eq!(deeper(10, &mut few), 3);
        assert_eq!(deeper(10, &mut []), 0);
    }

    #[test]
    fn frames_can_be_skipped() {
        #[inline(never)]
        fn both(whole: &mut [usize], part: &mut [usize]) -> (usize, usize) {
            let here = 0_u8;
            (trace(Frame::of(&here), 0, whole), trace(Frame::of(&here), 2, part))
        }
        let (mut whole, mut part) = ([0; 64], [0; 64]);
        let (all, rest) = both(&mut whole, &mut part);
        assert_eq!(all, rest + 2);
        assert_eq!(whole[2..all], part[..rest]);
    }
}
