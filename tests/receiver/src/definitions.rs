//! The flag definitions behind `/flags/definitions`, answered as PostHog answers those who have the
//! secret key.

use serde_json::{Value, json};

use crate::request::Request;

/// The definitions of the project, and who may read them.
#[derive(Clone, Debug, PartialEq)]
pub struct Definitions {
    json: Value,
    /// Which change of the definitions this is: what the ETag tells.
    version: u64,
}

impl Default for Definitions {
    /// A project without flags.
    fn default() -> Definitions {
        let json = json!({"flags": [], "group_type_mapping": {}, "cohorts": {}});
        Definitions { json, version: 1 }
    }
}

impl Definitions {
    /// Replaces them, and with them the ETag.
    pub(crate) fn set(&mut self, json: Value) {
        self.json = json;
        self.version += 1;
    }

    fn etag(&self) -> String {
        format!("W/\"definitions-{}\"", self.version)
    }

    /// Status, ETag and body.
    pub(crate) fn answer(&self, request: &Request) -> (u16, Option<String>, Value) {
        let refused = |detail: &str| json!({"type": "authentication_error", "detail": detail});
        if request.method != "GET" {
            return (405, None, refused("only GET is allowed here"));
        }
        let query = request.path.split_once('?').map_or("", |(_, query)| query);
        let mut token = query.split('&').filter_map(|pair| pair.strip_prefix("token="));
        if token.next().is_none_or(str::is_empty) {
            return (401, None, refused("the project's token is missing"));
        }
        let key = request.header("authorization").and_then(|it| it.strip_prefix("Bearer "));
        if !key.is_some_and(|key| key.starts_with("phx_") || key.starts_with("phs_")) {
            return (401, None, refused("the secret key is missing"));
        }
        let etag = self.etag();
        if request.header("if-none-match") == Some(&etag) {
            return (304, Some(etag), Value::Null);
        }
        (200, Some(etag), self.json.clone())
    }
}
