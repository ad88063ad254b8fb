//! A context from JSON, for wrappers that hand everything over at once.

use super::Context;
use crate::error::Error;
use crate::json;
use crate::props::Props;
use serde_json::from_slice;
use std::collections::BTreeMap;

impl Context {
    /// A member that is null is as good as absent; one that is not known is refused.
    pub fn from_json(text: &[u8]) -> Result<Context, Error> {
        let mut all = Props::new();
        all.set_members(text)?;
        let mut context = Context::default();
        for member in json::members(all.text()).filter(|member| member.value != b"null") {
            let value = member.value;
            match member.key {
                b"groups" => {
                    for (group_type, key) in parsed(from_slice::<BTreeMap<String, String>>(value))?
                    {
                        context.set_group(&whole(group_type)?, &whole(key)?)?;
                    }
                }
                b"person_properties" => context.set_person_properties(&props(value)?)?,
                b"group_properties" => {
                    for group in json::members(props(value)?.text()) {
                        let group_type = whole(json::read_text(group.key).into_owned())?;
                        context.set_group_properties(&group_type, &props(group.value)?)?;
                    }
                }
                b"device_id" => context.set_device_id(&whole(parsed(from_slice(value))?)?)?,
                b"flag_keys" => {
                    context.limit_flag_keys();
                    for key in parsed(from_slice::<Vec<String>>(value))? {
                        context.add_flag_key(&whole(key)?)?;
                    }
                }
                b"evaluation_contexts" => {
                    for name in parsed(from_slice::<Vec<String>>(value))? {
                        context.add_evaluation_context(&whole(name)?)?;
                    }
                }
                b"geoip_disable" => context.set_geoip_disable(parsed(from_slice(value))?),
                b"local_only" => context.set_local_only(parsed(from_slice(value))?),
                b"flag_events" => context.set_flag_events(parsed(from_slice(value))?),
                _ => return Err(Error::Json),
            }
        }
        Ok(context)
    }
}

fn parsed<T>(value: serde_json::Result<T>) -> Result<T, Error> {
    value.map_err(|_| Error::Json)
}

fn props(value: &[u8]) -> Result<Props, Error> {
    let mut props = Props::new();
    props.set_members(value)?;
    Ok(props)
}

/// A name that had to be repaired would be somebody else's.
fn whole(text: String) -> Result<String, Error> {
    if text.contains('\u{FFFD}') { Err(Error::Utf8) } else { Ok(text) }
}
