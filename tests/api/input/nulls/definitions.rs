//! `NULL` for every pointer of the functions of local evaluation.

use super::{Handles, NONE, OK, Rows, null, rows};
use crate::c::*;
use std::ffi::{c_char, c_void};
use std::ptr;

pub const ALL: [fn(&Handles) -> Rows; 2] = [options, calls];

unsafe extern "C" fn get(_: *mut c_void, _: *mut ph_definitions) -> i32 {
    0
}

unsafe extern "C" fn put(_: *mut c_void, _: *const c_char, _: usize) -> i32 {
    0
}

unsafe extern "C" fn free(_: *mut c_void) {}

fn options(_: &Handles) -> Rows {
    let (none, config) = (null::<ph_config>(), ph_config_new(OK));
    let cache = ph_config_set_definitions_cache;
    let (get, put, free) = (Some(get as _), Some(put as _), Some(free as _));
    let rows = rows! {
        ph_config_set_local_evaluation.config(none, true) => PH_ERROR_NULL;
        ph_config_set_definitions_poll_ms.config(none, 0) => PH_ERROR_NULL;
        ph_config_set_flags_local_only.config(none, true) => PH_ERROR_NULL;
        ph_config_set_flags_bootstrap.config(none, OK) => PH_ERROR_NULL;
        ph_config_set_flags_bootstrap.json(config, NONE) => PH_OK;
        ph_config_set_definitions_cache.config(none, get, put, null(), None) => PH_ERROR_NULL;
        ph_config_set_definitions_cache.get(config, None, put, null(), None) => PH_ERROR_NULL;
        ph_config_set_definitions_cache.put(config, get, None, null(), None) => PH_ERROR_NULL;
        ph_config_set_definitions_cache.userdata(config, get, put, null(), free) => PH_OK;
    };
    let last = cache(config, get, put, null(), None) == PH_OK;
    ph_config_free(config);
    rows.into_iter().chain([("ph_config_set_definitions_cache.userdata_free", last)]).collect()
}

fn calls(it: &Handles) -> Rows {
    let (client, none) = (it.client.raw(), ptr::null::<ph_client>());
    let (mut saved, mut told) = (null(), [null(); 2]);
    let [off, told] = &mut told;
    let context = it.context;
    let definitions = c"{\"flags\":[]}".as_ptr();
    let rows = rows! {
        ph_flags_wait_ready.client(none, PH_FOREVER) => PH_OK;
        ph_flags_refresh.client(none, PH_FOREVER) => PH_OK;
        ph_flags_override.client(none, c"[]".as_ptr()) => PH_OK;
        ph_flags_override.json(client, NONE) => PH_OK;
        ph_definitions_load.client(none, definitions, 12) => PH_OK;
        ph_definitions_load.json(client, NONE, 12) => PH_ERROR_NULL;
        ph_definitions_save.client(none, &raw mut saved) => PH_OK;
        ph_definitions_save.json_out(client, null()) => PH_ERROR_NULL;
        ph_definitions_load_file.client(none, OK) => PH_OK;
        ph_definitions_load_file.path(client, NONE) => PH_ERROR_NULL;
        ph_definitions_save_file.client(none, OK) => PH_OK;
        ph_definitions_save_file.path(client, NONE) => PH_ERROR_NULL;
        ph_definitions_set.definitions(null(), definitions, 12) => PH_ERROR_NULL;
        ph_flag_explain.client(none, OK, OK, context, PH_EXPLAIN_TEXT, &raw mut *off) => PH_OK;
        ph_flag_explain.distinct_id(client, NONE, OK, context, 0, null()) => PH_ERROR_NULL;
        ph_flag_explain.key(client, OK, NONE, context, 0, null()) => PH_ERROR_NULL;
        ph_flag_explain.context(client, OK, OK, ptr::null(), PH_EXPLAIN_JSON, &raw mut *told) => PH_OK;
        ph_flag_explain.text_out(client, OK, OK, context, 0, null()) => PH_ERROR_NULL;
    };
    assert!(saved.is_null());
    ph_string_free(*off);
    ph_string_free(*told);
    rows.into_iter().chain([("ph_definitions_set.json", text_of_handle())]).collect()
}

#[cfg(feature = "local-evaluation")]
fn text_of_handle() -> bool {
    crate::flags::local::cache::with_handle(|handle| {
        ph_definitions_set(handle, NONE, 5) == PH_ERROR_NULL
    })
}

/// Nobody is ever handed one.
#[cfg(not(feature = "local-evaluation"))]
fn text_of_handle() -> bool {
    true
}
