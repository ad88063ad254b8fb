//! `ph_queue_*`: the queue, for tests and for hosts that deliver by themselves.

use super::boundary::attempt;
use super::boundary::outside_callbacks;
use super::types::{CStrOwned, OwnedStr};
use super::{ph_client, ph_status};
use crate::error::Error;
use std::mem::MaybeUninit;

/// Takes up to `max_events` queued events out, oldest first, as the text of a
/// JSON array of events as `POST /batch/` has them. They are counted in
/// `PH_STAT_DRAINED` and will not be sent. An array without elements when
/// nothing is queued.
///
/// On success `*json_out` is the caller's, to free with `ph_string_free`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_queue_drain(
    client: Option<&ph_client>,
    max_events: usize,
    json_out: Option<&mut MaybeUninit<CStrOwned>>,
) -> ph_status {
    attempt(|| {
        let out = json_out.ok_or(Error::Null)?;
        outside_callbacks()?;
        let json = client.map_or_else(|| b"[]".to_vec(), |client| client.client.drain(max_events));
        out.write(OwnedStr::new(json));
        Ok(())
    })
}
