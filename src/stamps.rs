//! What the library adds to the properties of every event that does not have it already.

use crate::config::Config;
use crate::error::Error;
use crate::props::{Marks, Props};
use crate::sys::os;

/// The stamps of one client, serialised once.
#[derive(Clone)]
pub struct Stamps {
    all: Props,
    /// Each alone, for events that bring some of their own.
    each: Vec<(u32, Vec<u8>)>,
    mask: u32,
}

impl Stamps {
    pub fn new(config: &Config) -> Result<Stamps, Error> {
        let (os_name, os_version) = os::name_and_version();
        let mut all = Props::new();
        all.set_str("$lib", config.library_name.as_bytes())?;
        all.set_str("$lib_version", config.library_version.as_bytes())?;
        all.set_str("$os", os_name.as_bytes())?;
        if let Some(version) = os_version {
            all.set_str("$os_version", version.as_bytes())?;
        }
        all.set_bool("$is_server", config.is_server)?;
        all.set_bool("$geoip_disable", config.geoip_disable.unwrap_or(config.is_server))?;
        if let Some(environment) = &config.environment {
            all.set_str("environment", environment.as_bytes())?;
        }
        if !config.denied.is_empty() {
            all.remove_denied(&|key| config.denied.contains(key))?;
        }
        Ok(Stamps::of(all))
    }

    fn of(all: Props) -> Stamps {
        let members = crate::json::members(all.text());
        let each = members.map(|m| (Marks::of(m.key), m.entry.to_vec())).collect();
        let mask = all.marks();
        Stamps { all, each, mask }
    }

    /// The same but for the library's own name, for protocols that have it in a header.
    pub fn without_library(&self) -> Stamps {
        let mut all = self.all.clone();
        all.remove("$lib");
        all.remove("$lib_version");
        Stamps::of(all)
    }

    /// As a map, for `before_send`.
    pub fn props(&self) -> &Props {
        &self.all
    }

    /// The stamps that win over an event's own property.
    pub fn reserved(&self) -> u32 {
        self.mask & Marks::ENVIRONMENT
    }

    /// Bytes that the stamps add at most.
    pub fn len(&self) -> usize {
        self.all.text().len() + 1
    }

    /// Appends what an event with these marks lacks, each member with a comma before it.
    pub fn write_absent(&self, marks: u32, out: &mut Vec<u8>) {
        // Whoever names another library has named its version, or meant none.
        let marks = if marks & Marks::LIB != 0 { marks | Marks::LIB_VERSION } else { marks };
        if marks & self.mask == 0 && !self.all.is_empty() {
            out.push(b',');
            out.extend_from_slice(self.all.text());
            return;
        }
        for (_, entry) in self.each.iter().filter(|(mark, _)| marks & mark == 0) {
            out.push(b',');
            out.extend_from_slice(entry);
        }
    }
}
