//! `ph_config_*` that say in which protocol events are sent, and as what.

use super::config::change;
use super::{ph_config, ph_status};
use crate::config::Protocol;
use crate::error::Error;

/// The protocol in which events are sent.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ph_protocol {
    /// V1 where the server speaks it, else V0. The server's first answer decides, for
    /// the life of the client; AI events find out for themselves.
    PH_PROTOCOL_AUTO = 0,
    /// `POST /batch/`: one answer for a whole batch. Every PostHog speaks it.
    PH_PROTOCOL_V0 = 1,
    /// `POST /i/v1/analytics/events`: an answer for each event.
    PH_PROTOCOL_V1 = 2,
}

/// Sets the capture protocol: one of `ph_protocol`. Default `PH_PROTOCOL_AUTO`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_protocol(
    config: Option<&mut ph_config>,
    protocol: i32,
) -> ph_status {
    change(config, |config| {
        config.protocol = match protocol {
            0 => None,
            1 => Some(Protocol::V0),
            2 => Some(Protocol::V1),
            _ => return Err(Error::Range),
        };
        Ok(())
    })
}

/// Says that all events of this client are an import of what happened long ago:
/// PostHog then takes them past the checks that live events have to pass.
/// Default false.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_historical_migration(
    config: Option<&mut ph_config>,
    historical: bool,
) -> ph_status {
    change(config, |config| {
        config.historical_migration = historical;
        Ok(())
    })
}
