//! The registers of a thread: those of the moment of a signal, and those of now.

use super::layout::Fault;
use std::arch::asm;

/// The names of a record's registers, in their order.
#[cfg(target_arch = "x86_64")]
pub const NAMES: &[&str] = &[
    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx", "rax",
    "rcx", "rsp", "rip",
];
#[cfg(target_arch = "aarch64")]
pub const NAMES: &[&str] = &[
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
    "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27",
    "x28", "x29", "x30", "sp", "pc",
];

/// Copies the registers that the system saved for a signal.
#[cfg(target_arch = "x86_64")]
pub fn save(context: &libc::ucontext_t, fault: &mut Fault) {
    let saved = &context.uc_mcontext.gregs;
    for (to, from) in fault.registers.iter_mut().zip(&saved[..NAMES.len()]) {
        *to = *from as u64;
    }
    fault.pc = saved[libc::REG_RIP as usize] as u64;
    fault.sp = saved[libc::REG_RSP as usize] as u64;
    fault.fp = saved[libc::REG_RBP as usize] as u64;
    fault.lr = 0;
}

/// Copies the registers that the system saved for a signal.
#[cfg(target_arch = "aarch64")]
pub fn save(context: &libc::ucontext_t, fault: &mut Fault) {
    let saved = &context.uc_mcontext;
    fault.registers[..31].copy_from_slice(&saved.regs);
    (fault.registers[31], fault.registers[32]) = (saved.sp, saved.pc);
    (fault.pc, fault.sp) = (saved.pc, saved.sp);
    (fault.fp, fault.lr) = (saved.regs[29], saved.regs[30]);
}

/// Where the thread was on its stack.
pub fn stack(context: &libc::ucontext_t) -> usize {
    #[cfg(target_arch = "x86_64")]
    let pointer = context.uc_mcontext.gregs[libc::REG_RSP as usize];
    #[cfg(target_arch = "aarch64")]
    let pointer = context.uc_mcontext.sp;
    pointer as usize
}

/// Has a thread execute again what the signal was for. After most of them it does so by itself.
pub fn repeat(signal: libc::c_int, context: &mut libc::ucontext_t) {
    let is_x86 = cfg!(target_arch = "x86_64");
    let length = match signal {
        // The one-byte breakpoint; that of the other machine is not passed over.
        libc::SIGTRAP if is_x86 => 1,
        // The instruction that makes a system call; its number has been put back.
        libc::SIGSYS => {
            if is_x86 {
                2
            } else {
                4
            }
        }
        _ => 0,
    };
    #[cfg(target_arch = "x86_64")]
    let counter = &mut context.uc_mcontext.gregs[libc::REG_RIP as usize];
    #[cfg(target_arch = "aarch64")]
    let counter = &mut context.uc_mcontext.pc;
    *counter -= length;
}

/// Those of the function that this is inlined into, as far as unwinding needs them.
#[inline(always)]
pub fn now(fault: &mut Fault) {
    let (pc, sp, fp): (u64, u64, u64);
    #[cfg(target_arch = "x86_64")]
    // SAFETY: reads three registers into others.
    unsafe {
        asm!(
            "lea {pc}, [rip]", "mov {sp}, rsp", "mov {fp}, rbp",
            pc = out(reg) pc, sp = out(reg) sp, fp = out(reg) fp,
            options(nomem, nostack, preserves_flags),
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: reads three registers into others.
    unsafe {
        asm!(
            "adr {pc}, .", "mov {sp}, sp", "mov {fp}, x29",
            pc = out(reg) pc, sp = out(reg) sp, fp = out(reg) fp,
            options(nomem, nostack, preserves_flags),
        );
    }
    (fault.pc, fault.sp, fault.fp) = (pc, sp, fp);
}
