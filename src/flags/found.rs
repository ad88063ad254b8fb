//! A flag as it was found without a request.

use super::draft::{Origin, Record};

/// What is known of one flag from definitions at hand. Borrows from them: most of it is read
/// rarely.
#[derive(Clone, Copy, Debug)]
pub struct Found<'d> {
    pub key: &'d str,
    /// `None`: not known here.
    pub enabled: Option<bool>,
    pub variant: Option<&'d str>,
    /// JSON text.
    pub payload: Option<&'d str>,
    /// A code: why it has its value, or none.
    pub reason: &'static str,
    pub id: Option<i64>,
    pub version: Option<i64>,
    pub has_experiment: Option<bool>,
    /// It has no value here, and the server may have one.
    pub needs_server: bool,
}

impl Found<'_> {
    pub fn to_record(self) -> Record {
        let description = if self.enabled.is_some() {
            "Evaluated locally"
        } else {
            "Could not be evaluated locally"
        };
        Record {
            key: self.key.to_owned(),
            enabled: self.enabled,
            variant: self.variant.map(str::to_owned),
            payload: self.payload.map(str::to_owned),
            reason: Some(self.reason.to_owned()),
            description: Some(description.to_owned()),
            id: self.id,
            version: self.version,
            has_experiment: self.has_experiment,
            origin: Origin::Local,
            source: None,
        }
    }
}
