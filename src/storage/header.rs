//! How each file of the storage directory begins.

use super::Project;

/// Bytes in front of what a file is for: a page, so that the rest can be mapped by itself.
pub const HEADER: usize = 4096;

const MAGIC: [u8; 8] = *b"posthog\0";
/// Raised with every change to the layout of any kind.
const VERSION: u32 = 1;
/// The bytes that the checksum covers.
const COVERED: usize = 72;

/// What a file is for. Files of one kind have its name as their extension.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Crash = 1,
    /// Events that wait to be sent.
    Events = 2,
    /// The same of AI events.
    Ai = 3,
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::Crash, Kind::Events, Kind::Ai];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Crash => "crash",
            Kind::Events => "events",
            Kind::Ai => "ai",
        }
    }
}

pub struct Header {
    pub kind: Kind,
    pub project: Project,
    pub id: [u8; 16],
}

impl Header {
    pub fn bytes(&self) -> [u8; HEADER] {
        let mut out = [0; HEADER];
        out[0..8].copy_from_slice(&MAGIC);
        out[8..12].copy_from_slice(&VERSION.to_le_bytes());
        out[12..16].copy_from_slice(&(self.kind as u32).to_le_bytes());
        out[16..48].copy_from_slice(&self.project.0);
        out[48..64].copy_from_slice(&self.id);
        // Another machine's numbers lie the other way round, and its registers are others.
        out[64..72].copy_from_slice(&machine());
        let checksum = crc32fast::hash(&out[..COVERED]);
        out[COVERED..COVERED + 4].copy_from_slice(&checksum.to_le_bytes());
        out
    }

    /// `None` for what this version, on this machine, cannot have written.
    pub fn parse(bytes: &[u8; HEADER]) -> Option<Header> {
        let part = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
        let is_ours = bytes.starts_with(&MAGIC)
            && part(8)? == VERSION
            && bytes[64..72] == machine()
            && part(COVERED)? == crc32fast::hash(&bytes[..COVERED]);
        let number = part(12)?;
        let kind = Kind::ALL.into_iter().find(|kind| *kind as u32 == number)?;
        is_ours.then_some(Header {
            kind,
            project: Project(bytes[16..48].try_into().ok()?),
            id: bytes[48..64].try_into().ok()?,
        })
    }
}

/// The architecture, cut to eight bytes.
fn machine() -> [u8; 8] {
    let mut out = [0; 8];
    let name = std::env::consts::ARCH.as_bytes();
    let len = name.len().min(out.len());
    out[..len].copy_from_slice(&name[..len]);
    out
}
