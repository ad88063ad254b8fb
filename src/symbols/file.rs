//! What one file says of places in it: its symbols, and the debug information in it or beside it.

use super::{Build, Found, Line, Module, debug_id};
use crate::sys::files::Map;
use addr2line::gimli::{self, EndianSlice, RunTimeEndian};
#[cfg(unix)]
use object::ObjectSegment;
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// More compressed debug information than this is left alone: names come from the symbols then,
/// without lines. What is not compressed takes no memory of the process.
const UNPACKED_MAX: u64 = 64 << 20;
/// Longer names and paths are cut.
const TEXT_MAX: usize = 1024;

type Context<'a> = addr2line::Context<EndianSlice<'a, RunTimeEndian>>;

/// What this system's programs are written in. `object::File` would have the readers of all.
#[cfg(all(unix, not(target_vendor = "apple"), target_pointer_width = "64"))]
type Parsed<'a> = object::read::elf::ElfFile64<'a>;
#[cfg(all(unix, not(target_vendor = "apple"), target_pointer_width = "32"))]
type Parsed<'a> = object::read::elf::ElfFile32<'a>;
#[cfg(target_vendor = "apple")]
type Parsed<'a> = object::read::macho::MachOFile64<'a>;
#[cfg(all(windows, target_pointer_width = "64"))]
type Parsed<'a> = object::read::pe::PeFile64<'a>;
#[cfg(all(windows, target_pointer_width = "32"))]
type Parsed<'a> = object::read::pe::PeFile32<'a>;

/// What is found at each offset from the image's beginning, in their order. Nothing, when the file
/// is not there or not the build that is meant.
pub fn look_up(module: &Module, offsets: &[u64]) -> Vec<Found> {
    let mut found = vec![Found::default(); offsets.len()];
    let Some(map) = Map::of(Path::new(&module.path)) else { return found };
    let Ok(parsed) = Parsed::parse(&*map) else { return found };
    if !is_build(&parsed, &module.build) {
        return found;
    }
    let start = image_start(&parsed);
    let addresses: Vec<u64> = offsets.iter().map(|offset| start.wrapping_add(*offset)).collect();
    let mut symbols = symbols_at(&parsed, &addresses);
    let beside = Beside::find(&parsed, Path::new(&module.path));
    let beside = beside.as_ref().and_then(|it| Parsed::parse(&*it.0).ok());
    if let Some(beside) = &beside {
        for (known, better) in symbols.iter_mut().zip(symbols_at(beside, &addresses)) {
            *known = better.or(known.take());
        }
    }
    let debug = Debug::read(&parsed).or_else(|| beside.as_ref().and_then(Debug::read));
    let context = debug.as_ref().and_then(Debug::context);
    for ((found, address), symbol) in found.iter_mut().zip(&addresses).zip(symbols) {
        let name = symbol.as_ref().map(|symbol| symbol.name.as_str());
        let lines = context.as_ref().and_then(|context| lines(context, *address, name));
        found.lines = lines.unwrap_or_default();
        if let Some(symbol) = symbol {
            found.function_start = symbol.address.checked_sub(start);
            if found.lines.is_empty() {
                found.lines.push(Line { function: readable(&symbol.name), ..Line::default() });
            }
        }
    }
    found
}

fn is_build(parsed: &Parsed<'_>, build: &Build) -> bool {
    let Build::Id(wanted) = build else { return true };
    let elf = || parsed.build_id().ok().flatten().map(debug_id);
    let macho = || {
        let uuid = parsed.mach_uuid().ok().flatten()?;
        Some(uuid::Uuid::from_bytes(uuid).hyphenated().to_string().to_uppercase())
    };
    let pe = || {
        let pdb = parsed.pdb_info().ok().flatten()?;
        let mut id = pdb.guid();
        id[0..4].reverse();
        id[4..6].reverse();
        id[6..8].reverse();
        let age = if pdb.age() > 0 { format!("-{:x}", pdb.age()) } else { String::new() };
        Some(uuid::Uuid::from_bytes(id).hyphenated().to_string() + &age)
    };
    let own = elf().or_else(macho).or_else(pe);
    own.as_ref() == Some(wanted)
}

/// The address that the file gives its first byte.
#[cfg(windows)]
fn image_start(parsed: &Parsed<'_>) -> u64 {
    parsed.relative_address_base()
}

#[cfg(target_vendor = "apple")]
fn image_start(parsed: &Parsed<'_>) -> u64 {
    let mut segments = parsed.segments();
    let text = segments.find(|it| it.name().ok().flatten() == Some("__TEXT"));
    text.map_or(0, |text| text.address())
}

#[cfg(all(unix, not(target_vendor = "apple")))]
fn image_start(parsed: &Parsed<'_>) -> u64 {
    parsed.segments().map(|it| it.address()).min().unwrap_or(0) & !0xFFF
}

/// A function by the symbol table.
struct Symbol {
    name: String,
    address: u64,
    size: u64,
}

/// The function that each address is in. The table is walked once and not kept: a large program
/// has a million symbols, of which some dozens are asked for.
fn symbols_at(parsed: &Parsed<'_>, addresses: &[u64]) -> Vec<Option<Symbol>> {
    let mut best: Vec<Option<Symbol>> = addresses.iter().map(|_| None).collect();
    let whole = parsed.symbol_table().is_some();
    let table = parsed.symbol_table().or_else(|| parsed.dynamic_symbol_table());
    let Some(table) = table else { return best };
    for symbol in object::ObjectSymbolTable::symbols(&table) {
        if symbol.kind() != SymbolKind::Text || !symbol.is_definition() {
            continue;
        }
        let (start, size) = (symbol.address(), symbol.size());
        // Without a size it reaches to the next, which has to be in the table for that.
        let ends = if size > 0 { start.saturating_add(size) } else { u64::MAX };
        if size == 0 && !whole {
            continue;
        }
        for (address, best) in addresses.iter().zip(&mut best) {
            let nearer = |known: &Symbol| (start, size) > (known.address, known.size);
            if (start..ends).contains(address) && best.as_ref().is_none_or(nearer) {
                let name = symbol.name_bytes().map(String::from_utf8_lossy).unwrap_or_default();
                if !name.is_empty() {
                    *best = Some(Symbol { name: name.into_owned(), address: start, size });
                }
            }
        }
    }
    best
}

/// The debug information of one file, as it is without compression.
struct Debug<'a> {
    sections: Vec<(gimli::SectionId, Cow<'a, [u8]>)>,
    endian: RunTimeEndian,
}

impl<'a> Debug<'a> {
    /// `None` without any, or with too much.
    fn read(parsed: &'a Parsed<'a>) -> Option<Debug<'a>> {
        let sections = || {
            let found = |id: &gimli::SectionId| Some((*id, parsed.section_by_name(id.name())?));
            WANTED.iter().filter_map(found)
        };
        let unpacked = sections().map(|(_, section)| match section.compressed_file_range() {
            Ok(range) if range.format == object::CompressionFormat::None => 0,
            Ok(range) => range.uncompressed_size,
            Err(_) => u64::MAX,
        });
        sections().next()?;
        if unpacked.fold(0, u64::saturating_add) > UNPACKED_MAX {
            return None;
        }
        let read = |(id, section): (_, <Parsed<'a> as Object<'a>>::Section<'a>)| {
            Some((id, section.uncompressed_data().ok()?))
        };
        let endian = match parsed.endianness() {
            object::Endianness::Little => RunTimeEndian::Little,
            object::Endianness::Big => RunTimeEndian::Big,
        };
        Some(Debug { sections: sections().filter_map(read).collect(), endian })
    }

    fn context(&self) -> Option<Context<'_>> {
        let load = |id: gimli::SectionId| -> Result<_, gimli::Error> {
            let data = self.sections.iter().find(|(known, _)| *known == id);
            Ok(EndianSlice::new(data.map_or(&[][..], |(_, data)| data), self.endian))
        };
        addr2line::Context::from_dwarf(gimli::Dwarf::load(load).ok()?).ok()
    }
}

/// What functions and lines are written in.
const WANTED: [gimli::SectionId; 10] = [
    gimli::SectionId::DebugInfo,
    gimli::SectionId::DebugAbbrev,
    gimli::SectionId::DebugLine,
    gimli::SectionId::DebugLineStr,
    gimli::SectionId::DebugStr,
    gimli::SectionId::DebugStrOffsets,
    gimli::SectionId::DebugAddr,
    gimli::SectionId::DebugAranges,
    gimli::SectionId::DebugRanges,
    gimli::SectionId::DebugRngLists,
];

/// A name of the symbol table, as it is in the source.
fn readable(name: &str) -> String {
    cut(&addr2line::demangle_auto(name.into(), None))
}

/// The functions at an address, innermost first; `None` when the debug information does not know. One
/// of lines alone (`-g1`) leaves most functions to the symbol table, whose name is `symbol`.
fn lines(context: &Context<'_>, address: u64, symbol: Option<&str>) -> Option<Vec<Line>> {
    let mut frames = context.find_frames(address).skip_all_loads().ok()?;
    let mut lines = Vec::new();
    while let Ok(Some(frame)) = frames.next() {
        let location = frame.location.as_ref();
        lines.push(Line {
            function: match frame.function {
                Some(function) => {
                    let name = function.raw_name().ok()?;
                    cut(&addr2line::demangle_auto(name, function.language))
                }
                None => readable(symbol?),
            },
            file: location.and_then(|it| it.file).map(cut),
            line: location.and_then(|it| it.line).filter(|line| *line > 0),
            column: location.and_then(|it| it.column).filter(|column| *column > 0),
        });
    }
    (!lines.is_empty()).then_some(lines)
}

fn cut(text: &str) -> String {
    let end = (0..=TEXT_MAX.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text[..end.unwrap_or(0)].to_owned()
}

/// Debug information in a file of its own.
struct Beside(Map);

impl Beside {
    /// Where debuggers look for it, by the build id, which has to be the same.
    fn find(parsed: &Parsed<'_>, path: &Path) -> Option<Beside> {
        let id = parsed.build_id().ok().flatten()?;
        let (first, rest) = id.split_first()?;
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let by_id = format!("/usr/lib/debug/.build-id/{first:02x}/{}.debug", hex(rest));
        let mut candidates = vec![PathBuf::from(by_id)];
        let link = parsed.gnu_debuglink().ok().flatten();
        if let (Some((name, _)), Some(folder)) = (link, path.parent()) {
            let name = String::from_utf8_lossy(name).into_owned();
            candidates.extend([folder.join(&name), folder.join(".debug").join(&name)]);
        }
        candidates.into_iter().find_map(|candidate| {
            let map = Map::of(&candidate)?;
            let same = Parsed::parse(&*map).ok()?.build_id().ok().flatten() == Some(id);
            same.then_some(Beside(map))
        })
    }
}
