//! What V0 has among an event's properties and V1 beside them.

use crate::json;
use crate::props::Marks;

/// A property that V1 takes out.
pub struct Lifted {
    pub property: &'static str,
    /// Its name among V1's options; `None` for the ids, which stand beside the options.
    pub option: Option<&'static str>,
}

const fn lifted(property: &'static str, option: &'static str) -> Lifted {
    Lifted { property, option: Some(option) }
}

pub const LIFTED: [Lifted; 6] = [
    lifted("$cookieless_mode", "cookieless_mode"),
    lifted("$ignore_sent_at", "disable_skew_correction"),
    lifted("$product_tour_id", "product_tour_id"),
    lifted("$process_person_profile", "process_person_profile"),
    Lifted { property: "$session_id", option: None },
    Lifted { property: "$window_id", option: None },
];

/// The marks of those, and of what V1 has in a header.
pub const MARKS: u32 = Marks::COOKIELESS_MODE
    | Marks::IGNORE_SENT_AT
    | Marks::PRODUCT_TOUR_ID
    | Marks::PROCESS_PERSON_PROFILE
    | Marks::SESSION_ID
    | Marks::WINDOW_ID
    | Marks::LIB
    | Marks::LIB_VERSION;

pub fn of_property(key: &[u8]) -> Option<&'static Lifted> {
    LIFTED.iter().find(|lifted| lifted.property.as_bytes() == key)
}

/// The value of an option that is set. Null counts as unset.
pub fn option<'a>(options: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let set = json::members(options).find(|member| member.key == name)?.value;
    (set != b"null").then_some(set)
}
