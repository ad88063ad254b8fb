//! `ph_flags_set_..._properties`: what the host knows of persons and groups, for their flags.

use super::boundary::{attempt, outside_callbacks};
use super::types::{CStrArg, optional_text, text};
use super::{ph_client, ph_props, ph_status};
use crate::error::Error;
use crate::flags::properties::Properties;

/// Adds properties of a person that go along with every later evaluation of
/// this distinct id's flags, and of nobody else's: for what PostHog does not
/// know yet, since events take their time. What the context of an evaluation
/// says wins. Sends nothing. `props` is copied; a key that is set again
/// replaces the first.
///
/// Kept in memory for as many distinct ids as `ph_config_set_flags_max_identities`
/// says, those used longest ago forgotten first, and across `fork`.
/// `PH_ERROR_NULL`, `PH_ERROR_UTF8`, `PH_ERROR_EMPTY`, `PH_ERROR_TOO_LARGE`,
/// `PH_ERROR_NO_MEMORY`, `PH_ERROR_SHUTDOWN`, `PH_ERROR_REENTRANT`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_set_person_properties(
    client: Option<&ph_client>,
    distinct_id: CStrArg<'_>,
    props: Option<&ph_props>,
) -> ph_status {
    attempt(|| {
        on_properties(client, |known| {
            known.set_person(text(distinct_id)?, &props.ok_or(Error::Null)?.props)
        })
    })
}

/// The same for one group of a type: they go along with every later evaluation
/// whose context names this group.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_set_group_properties(
    client: Option<&ph_client>,
    group_type: CStrArg<'_>,
    group_key: CStrArg<'_>,
    props: Option<&ph_props>,
) -> ph_status {
    attempt(|| {
        on_properties(client, |known| {
            let props = &props.ok_or(Error::Null)?.props;
            known.set_group(text(group_type)?, text(group_key)?, props)
        })
    })
}

/// Forgets what `ph_flags_set_person_properties` told of a distinct id, of all
/// when it is `NULL`. `PH_ERROR_UTF8`, `PH_ERROR_SHUTDOWN`,
/// `PH_ERROR_REENTRANT`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_reset_person_properties(
    client: Option<&ph_client>,
    distinct_id: CStrArg<'_>,
) -> ph_status {
    attempt(|| {
        on_properties(client, |known| {
            known.forget_person(optional_text(distinct_id)?);
            Ok(())
        })
    })
}

/// Forgets what `ph_flags_set_group_properties` told of a group, of all groups
/// when `group_type` is `NULL`. `PH_ERROR_NULL` for a type without a key,
/// `PH_ERROR_UTF8`, `PH_ERROR_SHUTDOWN`, `PH_ERROR_REENTRANT`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_flags_reset_group_properties(
    client: Option<&ph_client>,
    group_type: CStrArg<'_>,
    group_key: CStrArg<'_>,
) -> ph_status {
    attempt(|| {
        on_properties(client, |known| {
            known.forget_group(match optional_text(group_type)? {
                Some(group_type) => Some((group_type, text(group_key)?)),
                None => None,
            });
            Ok(())
        })
    })
}

/// Nothing for a client that does nothing.
fn on_properties(
    client: Option<&ph_client>,
    call: impl FnOnce(&Properties) -> Result<(), Error>,
) -> Result<(), Error> {
    outside_callbacks()?;
    let Some(client) = client else { return Ok(()) };
    client.client.flag_properties()?.map_or(Ok(()), call)
}
