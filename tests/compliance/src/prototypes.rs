//! The prototypes of the C API: those that the library's own tests are written with.

#[path = "../../api/c.rs"]
#[allow(non_camel_case_types, dead_code)]
mod c;

pub use c::*;
