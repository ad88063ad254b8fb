//! From registers and a copied stack to return addresses, by the unwind tables of the images.

use super::record::Fault;
use crate::sys::files::{self, Map};
use crate::sys::images::{BuildId, Image};
use framehop::{
    CacheNative, ExplicitModuleSectionInfo, FrameAddress, MayAllocateDuringUnwind, Module,
    UnwindRegsNative, Unwinder, UnwinderNative,
};
use object::{Object, ObjectSection};
use std::ops::Range;
use std::path::Path;

/// No stack is followed further: the innermost are what counts.
const FRAMES_MAX: usize = 256;

/// `object::File` would have the readers of all systems.
pub type Parsed<'a> = object::read::elf::ElfFile64<'a>;
type Tables<'a> = UnwinderNative<&'a [u8], MayAllocateDuringUnwind>;

/// The return addresses of a thread, the innermost first, at most so many. Where a function was
/// interrupted it is the address behind, as if that were where a call returns to.
pub fn addresses(fault: &Fault, images: &[Image], limit: usize) -> Vec<usize> {
    let crashed_at_ms = fault.time.unix_millis();
    let maps: Vec<Option<Map>> = images.iter().map(|image| map(image, crashed_at_ms)).collect();
    let mut tables = Tables::new();
    for (image, map) in images.iter().zip(&maps) {
        if let Some(module) = map.as_ref().and_then(|map| module(image, map)) {
            tables.add_module(module);
        }
    }
    let code = Code { images, maps: &maps };
    let mut addresses = Vec::new();
    walk(fault, &tables, &code, |address| {
        addresses.push(address as usize);
        addresses.len() < limit
    });
    // Where the tables did not help, the last ones are guesses.
    let known = addresses.iter().rposition(|address| code.contains(*address as u64 - 1));
    addresses.truncate(known.map_or(0, |last| last + 1));
    addresses
}

/// What lies at a place in the files.
struct Code<'a> {
    images: &'a [Image],
    maps: &'a [Option<Map>],
}

impl Code<'_> {
    fn contains(&self, address: u64) -> bool {
        self.images.iter().any(|image| image.contains(address as usize))
    }

    fn bytes(&self, address: u64, len: u64) -> Option<&[u8]> {
        let index = self.images.iter().position(|image| image.contains(address as usize))?;
        let (image, map) = (&self.images[index], self.maps[index].as_ref()?);
        let object = Parsed::parse(&**map).ok()?;
        let at = address.checked_sub(image.start as u64)?.checked_add(image.vmaddr as u64)?;
        let section = object.sections().find(|section| {
            section.address() <= at && at < section.address().saturating_add(section.size())
        })?;
        section.data_range(at, len).ok().flatten()
    }

    /// Whether a handler of signals returns there: what it returns to was interrupted and not called.
    fn is_trampoline(&self, address: u64) -> bool {
        // As debuggers know it: the number of `rt_sigreturn`, and a system call.
        let known: &[u8] = if cfg!(target_arch = "x86_64") {
            &[0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05]
        } else {
            &[0x68, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4]
        };
        self.bytes(address, known.len() as u64) == Some(known)
    }
}

fn walk(fault: &Fault, tables: &Tables<'_>, code: &Code<'_>, mut visit: impl FnMut(u64) -> bool) {
    let mut read = |address: u64| fault.stack.word(address).ok_or(());
    let (mut pc, mut sp) = (fault.pc, fault.sp);
    if !code.contains(pc) {
        // A call of what is no code: nothing has happened since but that it was called.
        let Some(caller) = returned_to(fault) else { return };
        if !code.contains(caller) {
            return;
        }
        (pc, sp) = (caller, after_call(sp));
    }
    let mut interrupted = pc == fault.pc;
    let mut registers = registers(fault, pc, sp);
    let mut cache = CacheNative::new();
    for _ in 0..FRAMES_MAX {
        let behind = if interrupted { pc.saturating_add(1) } else { pc };
        if registers.sp() > fault.inner && !visit(behind) {
            return;
        }
        let frame = match FrameAddress::from_return_address(pc) {
            Some(frame) if !interrupted => frame,
            _ => FrameAddress::from_instruction_pointer(pc),
        };
        interrupted = code.is_trampoline(pc);
        let next = if interrupted {
            before_signal(fault, registers.sp()).map(|(pc, saved)| {
                registers = saved;
                pc
            })
        } else {
            tables.unwind_frame(frame, &mut registers, &mut cache, &mut read).ok().flatten()
        };
        // The outermost, or no way to go on.
        let Some(next) = next else { return };
        pc = next;
    }
}

#[cfg(target_arch = "x86_64")]
fn registers(fault: &Fault, pc: u64, sp: u64) -> UnwindRegsNative {
    UnwindRegsNative::new(pc, sp, fault.fp)
}

/// What a signal interrupted, from what the system saved on the stack: the tables have it in a form
/// that is not read here.
fn before_signal(fault: &Fault, sp: u64) -> Option<(u64, UnwindRegsNative)> {
    let saved = |offset: u64| fault.stack.word(sp.checked_add(offset)?);
    #[cfg(target_arch = "x86_64")]
    let (pc, registers) = {
        let pc = saved(168)?;
        (pc, UnwindRegsNative::new(pc, saved(160)?, saved(120)?))
    };
    // Behind the 128 bytes of the signal's information.
    #[cfg(target_arch = "aarch64")]
    let (pc, registers) =
        (saved(568)?, UnwindRegsNative::new(saved(552)?, saved(560)?, saved(544)?));
    Some((pc, registers))
}

#[cfg(target_arch = "x86_64")]
fn returned_to(fault: &Fault) -> Option<u64> {
    fault.stack.word(fault.sp)
}

#[cfg(target_arch = "x86_64")]
fn after_call(sp: u64) -> u64 {
    sp.saturating_add(8)
}

#[cfg(target_arch = "aarch64")]
fn registers(fault: &Fault, _: u64, sp: u64) -> UnwindRegsNative {
    UnwindRegsNative::new(fault.lr, sp, fault.fp)
}

#[cfg(target_arch = "aarch64")]
fn returned_to(fault: &Fault) -> Option<u64> {
    Some(fault.lr)
}

#[cfg(target_arch = "aarch64")]
fn after_call(sp: u64) -> u64 {
    sp
}

/// The file of an image, if it is the build that ran, or has not been changed since it did.
fn map(image: &Image, crashed_at_ms: i64) -> Option<Map> {
    let version = files::version(&image.path)?;
    let map = Map::of(Path::new(&image.path))?;
    let is_same = match &image.id {
        Some(BuildId::Elf(id)) => {
            let object = Parsed::parse(&*map).ok()?;
            object.build_id().ok().flatten() == Some(id)
        }
        _ => version.changed_at_ms() <= crashed_at_ms,
    };
    is_same.then_some(map)
}

fn module<'a>(image: &Image, map: &'a Map) -> Option<Module<&'a [u8]>> {
    let object = Parsed::parse(&**map).ok()?;
    let section = |name: &str| -> (Option<Range<u64>>, Option<&'a [u8]>) {
        let Some(section) = object.section_by_name(name) else { return (None, None) };
        let range = section.address()..section.address().saturating_add(section.size());
        // Its bytes are borrowed from the map, which outlives the parsed file.
        let data = section.file_range().and_then(|(start, len)| {
            map.get(usize::try_from(start).ok()?..)?.get(..usize::try_from(len).ok()?)
        });
        (Some(range), data)
    };
    let (text_svma, text) = section(".text");
    let (eh_frame_svma, eh_frame) = section(".eh_frame");
    // Zig's linker writes one without the table that it is for: then the section itself is read.
    let has_table = |header: &&[u8]| matches!(header, [_, _, count, table, ..] if ![*count, *table].contains(&0xFF));
    let (eh_frame_hdr_svma, eh_frame_hdr) = section(".eh_frame_hdr");
    let eh_frame_hdr = eh_frame_hdr.filter(has_table);
    let eh_frame_hdr_svma = eh_frame_hdr_svma.filter(|_| eh_frame_hdr.is_some());
    let (got_svma, _) = section(".got");
    let (_, debug_frame) = section(".debug_frame");
    let sections = ExplicitModuleSectionInfo {
        base_svma: image.vmaddr as u64,
        text_svma,
        text,
        got_svma,
        eh_frame_svma,
        eh_frame,
        eh_frame_hdr_svma,
        eh_frame_hdr,
        debug_frame,
        ..ExplicitModuleSectionInfo::default()
    };
    let range = image.start as u64..image.end as u64;
    Some(Module::new(image.path.clone(), range, image.start as u64, sections))
}
