//! Systems whose loader is not known here: frames leave with their addresses alone.

use super::{Image, Located};

#[derive(Default)]
pub struct Images;

impl Images {
    pub fn at(&self, addresses: &[usize]) -> Located {
        addresses.iter().map(|_| None).collect()
    }
}

pub fn is_safe() -> bool {
    true
}

pub fn main() -> Option<Image> {
    None
}
