//! `ph_crash_*`: crashes, and the directory that their reports wait in.

use super::boundary::{attempt, outside_callbacks};
use super::config::change;
use super::types::{CStrArg, optional_text, slice, text};
use super::{ph_client, ph_config, ph_status};
use crate::error::Error;
use crate::sys::unwind::Frame;
use std::ffi::c_char;

/// Sets the directory in which the client keeps what is to outlive the process: its
/// events until they are delivered, and the record of its crash
/// (`ph_config_set_crash_handler`, `ph_crash_write`). `NULL` or an empty path means
/// none, the default.
///
/// An event for which a capture returned `PH_OK` is in a memory-mapped file then,
/// and survives whatever ends the process: `SIGKILL`, `abort`, the lack of memory,
/// `_exit`. Whether it survives the end of the system (a loss of power) is another
/// matter (`ph_config_set_storage_sync`). `before_send` and the denylist have run before
/// anything is stored. The file begins with one slot of 256 KiB and grows as events
/// wait; it is bounded by `ph_config_set_storage_max_bytes` in place of the bounds of
/// the queue in memory, and a full disk counts as a full queue
/// (`ph_config_set_overflow`). `ph_shutdown` removes it when everything is delivered,
/// and else leaves what is not (`PH_STAT_STORED`) to the next process.
///
/// `ph_init` takes over the files of dead processes with the same API key and host
/// (`PH_STAT_ADOPTED`), without asking the network, and starts the sender if there
/// is something in them. Of more than 32 files, one descriptor each, the sender goes on
/// with the next when those before are delivered. They are sent oldest first, with their uuids and times, in
/// turns with new events; `ph_shutdown` waits for them, `ph_flush` and
/// `ph_queue_drain` do not. An event whose request was under way when the process died
/// is sent again, with the same uuid. Places that cannot be read are skipped
/// (`PH_STAT_DROPPED_DAMAGED`); files of other projects, or of a format that this
/// version does not know, are left, and the log says how many.
///
/// `ph_init` makes the directory, for its owner alone, if only it is missing. Many
/// processes and clients may share one: each has files of its own (that of crashes is
/// of about one MiB, allocated at once). A child of `fork` makes its own. The API key
/// is not written. Where the directory cannot be used (no parent, not writable, full,
/// not a directory, another user's, writable for everybody) or is removed later, the
/// log has a warning, and the client works without. A client that is disabled has no
/// file, one that only captures (`ph_config_set_capture_only`) stores no events.
/// `ph_opt_out` removes what is stored; `ph_opt_in` begins anew.
///
/// The files are locked (`fcntl`): a program that closes all its descriptors must
/// do so before `ph_init`. A relative path is taken from the working directory of
/// `ph_init`. `PH_ERROR_UTF8`; `PH_ERROR_UNSUPPORTED` in builds without the
/// feature `crash`, and on systems other than Linux on x86-64 and aarch64.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_storage_dir(
    config: Option<&mut ph_config>,
    path: CStrArg<'_>,
) -> ph_status {
    change(config, |config| {
        let path = path.map(|_| text(path)).transpose()?.filter(|path| !path.is_empty());
        if path.is_some() && !cfg!(storage) {
            return Err(Error::Unsupported);
        }
        config.storage_dir = path.map(Into::into);
        Ok(())
    })
}

/// Bounds the stored events, in bytes of the file: those of this process, as many again
/// of AI events, and what is adopted of each. An event may have half of it. What is
/// adopted beyond it is given up, the oldest first (`PH_STAT_DROPPED_OVERFLOW`). No
/// disk is taken before it is needed. Where many processes share a directory, the
/// first that starts anew adopts what all of them left: allow for the sum. 1 MiB to
/// 64 GiB; default 64 MiB.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_storage_max_bytes(
    config: Option<&mut ph_config>,
    bytes: u64,
) -> ph_status {
    change(config, |config| config.storage_max_bytes.set(bytes))
}

/// Gives up events that have been stored for so long, when they are adopted, and a
/// batch that has been tried for so long, counted from its first request; in place of
/// `ph_config_set_max_age_ms` where there is a storage directory. What waits behind a
/// batch, in a process that runs on, is not given up for its age: the bytes bound it.
/// Milliseconds, 1 to 365 days; default 7 days.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_storage_max_age_ms(
    config: Option<&mut ph_config>,
    age_ms: u64,
) -> ph_status {
    change(config, |config| config.storage_max_age_ms.set(age_ms))
}

/// Has stored events survive the end of the system, too, as a loss of power brings it
/// about. Without a storage directory it does nothing. Default false: what ends the
/// process costs nothing then, what ends the system costs what it had not written to
/// the disk by itself, which may be what was captured in the last half minute.
///
/// A thread of its own (`posthog-sync`) tells the disk (`fdatasync`), at most once in
/// each `ph_config_set_flush_interval_ms`, and only if something was captured since
/// that is not settled. So an event is on the disk, or settled, when it was captured
/// that interval ago, and the disk has had its time, whether or not the server
/// answers. Events for which a `ph_flush` or `ph_shutdown` waits, and that are not
/// settled by half of its timeout, are told of then: they are on the disk when it
/// answers `PH_ERROR_TIMEOUT`, if the disk takes no longer than the other half. With
/// `PH_NO_WAIT` neither does. After an exception of the level fatal the disk is told
/// at once, without the capture waiting for it.
///
/// What a process stored in its last interval before it died is the system's to write;
/// the disk is told of it an interval after another process has adopted it. The record
/// of a crash is the system's to write, too: nothing waits for a disk in a signal
/// handler. That an event is settled is not synced: after a loss of power some are sent
/// again, with the same uuids.
///
/// A capture never waits for the sync; the first one in each page of memory that was
/// written to the disk takes some microseconds longer, and on file systems that keep
/// pages still while they write them (Btrfs) as long as that takes. Where the disk
/// fails, the log has one warning, and nothing else changes. `PH_ERROR_UNSUPPORTED` as
/// for `ph_config_set_storage_dir`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_storage_sync(
    config: Option<&mut ph_config>,
    enabled: bool,
) -> ph_status {
    change(config, |config| {
        if enabled && !cfg!(storage) {
            return Err(Error::Unsupported);
        }
        config.storage_sync = enabled;
        Ok(())
    })
}

/// Reports crashes: `ph_init` sets handlers of the signals SEGV, BUS, ILL, FPE,
/// ABRT, TRAP and SYS, for the first client of the process that asks for it, until
/// its `ph_shutdown`. Needs `ph_config_set_storage_dir`, without which the log says
/// that there is none. Default false.
///
/// When one of them arrives, registers, a part of the stack, the thread's name and
/// the time are written to the record, within 100 ms and without allocating; then
/// whoever had the signal before gets it unchanged, or the process ends by it as
/// it would have. If a former handler lets the program go on (as those of Go and
/// of Java do), there is no report. One that leaves by a jump (`siglongjmp`) is found
/// to have done so when the same thread crashes again, or ends, or calls
/// `ph_shutdown`, or one of the functions below that say more of the process; when
/// another thread does so, after five seconds.
///
/// The next client with the same directory, API key and host that is made by
/// `ph_init` sends the report: `$exception`, `fatal`, not handled, of the mechanism
/// `signal`, with the time, the `ph_crash_set_distinct_id`, the super properties,
/// the steps and the release of the process that died. Its stack is unwound by the
/// executables and libraries on disk, if their build ids are those of the time.
/// `before_send` sees it, and it counts as accepted, for it is that client which makes
/// the event. The record is removed once that is stored or, where events cannot be,
/// once the server has it. Reports older than a week are given up, beyond 32 the
/// oldest, and those that two processes did not live to finish reading. Libraries
/// that are loaded later than the last of `ph_init`, `ph_client_start`, `ph_register`,
/// `ph_step_add` and `ph_crash_set_distinct_id` are told from others not by their build
/// ids, but by that their files have not been changed since the crash.
///
/// The handlers run on a stack of their own, which the thread of `ph_init` gets at
/// once, and others by `ph_crash_thread_attach`. A child of `fork` has a record of
/// its own from its first call of the client on, and none before.
/// `PH_ERROR_UNSUPPORTED` as for `ph_config_set_storage_dir`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_crash_handler(
    config: Option<&mut ph_config>,
    enabled: bool,
) -> ph_status {
    change(config, |config| {
        if enabled && !cfg!(storage) {
            return Err(Error::Unsupported);
        }
        config.crash_handler = enabled;
        Ok(())
    })
}

/// Gives the calling thread a stack on which signals are handled, so that a crash
/// is reported also when the thread has used up its own. For threads other than
/// the one of `ph_init`; given back when the thread ends. Does nothing for a thread
/// that has one. `PH_ERROR_UNSUPPORTED` without a crash handler,
/// `PH_ERROR_NO_MEMORY`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_crash_thread_attach(client: Option<&ph_client>) -> ph_status {
    attempt(|| {
        outside_callbacks()?;
        client.map_or(Ok(()), |client| client.client().attach_crash_thread())
    })
}

/// Says who the user is if the process dies from here on: on a user's own machine,
/// whoever was identified. `NULL`, the default, is nobody: PostHog makes no person
/// for the report. `PH_ERROR_UNSUPPORTED` without a storage directory.
#[unsafe(no_mangle)]
pub extern "C" fn ph_crash_set_distinct_id(
    client: Option<&ph_client>,
    distinct_id: CStrArg<'_>,
) -> ph_status {
    attempt(|| {
        outside_callbacks()?;
        let distinct_id = optional_text(distinct_id)?;
        client.map_or(Ok(()), |client| client.client().set_crash_identity(distinct_id))
    })
}

/// Writes down that the process is about to die, with the stack of the calling
/// thread: for the panic hooks of other languages. Safe in a signal handler: it
/// allocates nothing, takes no lock, and makes no call that is not. `message` is
/// `len` bytes without NUL, of which 4,096 are kept; `NULL` for none.
///
/// The next start reports it as an exception of the type `panic`, otherwise as
/// `ph_config_set_crash_handler` says, which it does not need. If the same thread
/// then dies of a signal, within ten seconds, that is the same report.
///
/// There is one for each process: `PH_ERROR_QUEUE_FULL` for a second.
/// `PH_ERROR_UNSUPPORTED` without a storage directory that can be used, and in a
/// child of `fork` that has not used the client yet; `PH_ERROR_SHUTDOWN`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ph_crash_write(
    client: Option<&ph_client>,
    message: *const c_char,
    len: usize,
) -> ph_status {
    let here = 0_u8;
    attempt(|| {
        let Some(client) = client else { return Ok(()) };
        let message = if message.is_null() {
            &[]
        } else {
            // SAFETY: C promises `len` bytes at `message`, which nobody changes meanwhile.
            unsafe { slice(message, len) }?
        };
        client.client().write_crash(message, Frame::of(&here).address())
    })
}
