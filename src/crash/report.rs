//! What processes that have died left behind, as exceptions.

use super::images::add_loaded;
use super::record::{Fault, Record};
use super::{signal, unwind};
use crate::clock;
use crate::error::Error;
use crate::exception::{Exception, FRAMES_MAX, Level as Severity};
use crate::log::{Level, Logger};
use crate::storage::{Directory, HEADER, Kind, Owned};
use crate::sys::crash::{NAMES, layout};
use crate::sys::images::Image;
use crate::uuid::Random;
use serde_json::{Map, Value};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Reports beyond these are given up, the oldest first.
const REPORTS_MAX: usize = 32;
/// A report is given up after so many processes that have begun to read it and did not end that.
const READINGS_MAX: u32 = 2;
const READINGS: u64 = (HEADER + std::mem::offset_of!(layout::Control, readings)) as u64;
/// Older reports are given up.
const AGE_MAX_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// A thread that writes a note and dies of a signal so soon after has done both for one reason.
const ONE_REASON_MS: i64 = 10_000;

/// One crash of another process.
pub struct Report {
    pub exception: Exception,
    pub distinct_id: Option<String>,
    pub release: Option<String>,
    /// A JSON array.
    pub steps: Option<Vec<u8>>,
    pub images: Vec<Arc<Image>>,
    file: Arc<File>,
}

/// Removed when every report of it is settled.
struct File {
    owned: Mutex<Option<Owned>>,
    left: std::sync::atomic::AtomicUsize,
}

impl Report {
    /// What to call once it needs no memory of it any more. Not called, it is there at the next
    /// start.
    pub fn acknowledgement(&self) -> impl FnOnce() + Send + 'static {
        let file = Arc::clone(&self.file);
        move || {
            if file.left.fetch_sub(1, std::sync::atomic::Ordering::AcqRel) == 1 {
                let mut owned = file.owned.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(owned) = owned.take() {
                    owned.remove();
                }
            }
        }
    }
}

/// The reports of one directory.
pub struct Reports;

impl Reports {
    /// Takes over what dead processes of the same project left. What cannot be read is told.
    pub fn adopt(directory: &Directory, logger: &Logger) -> Vec<Report> {
        let now_ms = clock::now().unix_millis();
        let (read, too_many) = read_all(directory, logger);
        let mut reports = Vec::new();
        for (owned, record) in read {
            let is_old = now_ms.saturating_sub(record.time_ms()) > AGE_MAX_MS;
            if is_old {
                owned.remove();
            } else {
                let read = AssertUnwindSafe(|| reports_of(owned, record));
                // Without memory for it, it stays for the next time.
                reports.extend(catch_unwind(read).unwrap_or(Ok(Vec::new())).unwrap_or_default());
            }
        }
        if too_many > 0 {
            let text = format_args!("{too_many} crash reports were too many and are given up");
            logger.log(Level::Warn, text);
        }
        reports
    }
}

/// The newest records of dead processes, some files at a time, and how many more there were. What is no
/// report is removed.
fn read_all(directory: &Directory, logger: &Logger) -> (VecDeque<(Owned, Record)>, usize) {
    let (mut read, mut too_many) = (VecDeque::new(), 0);
    let (mut foreign, mut unknown, mut behind) = (0, 0, None::<PathBuf>);
    while let Ok(found) = directory.adopt(Kind::Crash, behind.as_deref(), REPORTS_MAX) {
        foreign += found.left.foreign;
        unknown += found.left.unknown;
        for owned in found.adopted {
            let may_be_read = begin_reading(&owned);
            if !may_be_read {
                let text = "a crash report that could not be read is given up";
                logger.log(Level::Warn, format_args!("{text}"));
            }
            match read_record(&owned).filter(|_| may_be_read) {
                Some(record) if record.crash.is_some() || record.note.is_some() => {
                    read.push_back((owned, record));
                }
                // A process that has ended without a crash.
                _ => owned.remove(),
            }
        }
        while read.len() > REPORTS_MAX {
            too_many += 1;
            read.pop_front().into_iter().for_each(|(owned, _)| owned.remove());
        }
        behind = found.rest;
        if behind.is_none() {
            break;
        }
    }
    for (count, why) in
        [(foreign, "of another project"), (unknown, "that this version cannot read")]
    {
        if count > 0 {
            let text = format_args!("{count} crash files {why} stay where they are");
            logger.log(Level::Warn, text);
        }
    }
    (read, too_many)
}

impl Record {
    fn time_ms(&self) -> i64 {
        let times = [self.crash.as_ref(), self.note.as_ref().map(|(fault, _)| fault)];
        times.into_iter().flatten().map(|fault| fault.time.unix_millis()).max().unwrap_or(0)
    }
}

/// False for one that earlier processes have not lived to read: what ends in it must not end every
/// start of the program. It can be what it refers to, such as an executable that is being replaced.
fn begin_reading(owned: &Owned) -> bool {
    let mut count = [0; 4];
    let Ok(()) = owned.file.read_at(&mut count, READINGS) else { return false };
    let count = u32::from_ne_bytes(count);
    let _ = owned.file.write_at(&count.saturating_add(1).to_ne_bytes(), READINGS);
    count < READINGS_MAX
}

fn read_record(owned: &Owned) -> Option<Record> {
    let mut bytes = vec![0; layout::LEN];
    owned.file.read_at(&mut bytes, HEADER as u64).ok()?;
    Record::parse(&bytes)
}

fn reports_of(owned: Owned, record: Record) -> Result<Vec<Report>, Error> {
    let (id, time_ms) = (owned.id, record.time_ms());
    let Record { crash, note, mut images, loaded, context, .. } = record;
    add_loaded(&mut images, &loaded, time_ms);
    let exceptions = exceptions_of(crash, note, &images)?;
    let _ = owned.file.write_at(&[0; 4], READINGS);
    let file = Arc::new(File { owned: Mutex::new(Some(owned)), left: exceptions.len().into() });
    let images: Vec<_> = images.into_iter().map(Arc::new).collect();
    let text = |key: &str| context.get(key).and_then(Value::as_str).map(str::to_owned);
    let steps = context.get("steps").map(|steps| steps.to_string().into_bytes());
    let mut reports = Vec::new();
    for (index, mut exception) in exceptions.into_iter().enumerate() {
        // The same at every start, should this one not live to see it delivered.
        let mut seed = [0; 32];
        seed[..16].copy_from_slice(&id);
        seed[16] = index as u8 + 1;
        let millis = exception.timestamp.map_or(0, |time| time.unix_millis());
        exception.uuid = Some(Random::from_seed(seed).uuid(millis));
        if let Some(props) = context.get("props").and_then(Value::as_object) {
            add_props(&mut exception, props)?;
        }
        reports.push(Report {
            exception,
            distinct_id: text("distinct_id"),
            release: text("release"),
            steps: steps.clone(),
            images: images.clone(),
            file: Arc::clone(&file),
        });
    }
    Ok(reports)
}

/// Super properties and stamps of the process that died; what the report itself says stays.
fn add_props(exception: &mut Exception, props: &Map<String, Value>) -> Result<(), Error> {
    for (key, value) in props {
        if exception.props.get(key).is_none() {
            exception.props.set_json(key, value.to_string().as_bytes())?;
        }
    }
    Ok(())
}

/// A note and a crash that are one event are told as one.
fn exceptions_of(
    crash: Option<Fault>,
    note: Option<(Fault, Vec<u8>)>,
    images: &[Image],
) -> Result<Vec<Exception>, Error> {
    let mut exceptions = Vec::new();
    match (crash, note) {
        (Some(crash), Some((note, message))) if is_one(&note, &crash) => {
            let mut exception = of_note(&note, &message, images)?;
            describe_signal(&mut exception, &crash)?;
            exceptions.push(exception);
        }
        (crash, note) => {
            if let Some((note, message)) = note {
                exceptions.push(of_note(&note, &message, images)?);
            }
            if let Some(crash) = crash {
                exceptions.push(of_signal(&crash, images)?);
            }
        }
    }
    Ok(exceptions)
}

fn is_one(note: &Fault, crash: &Fault) -> bool {
    let between = crash.time.unix_millis() - note.time.unix_millis();
    note.thread == crash.thread && (0..=ONE_REASON_MS).contains(&between)
}

fn of_signal(fault: &Fault, images: &[Image]) -> Result<Exception, Error> {
    let message = signal::message(fault.signal, fault.code, fault.address);
    let kind = signal::name(fault.signal);
    let mut exception = Exception::new(kind.as_bytes(), message.as_bytes())?;
    exception.set_mechanism("signal")?;
    exception.source = Some("native.signal_handler".to_owned());
    describe_signal(&mut exception, fault)?;
    describe(&mut exception, fault, images)?;
    Ok(exception)
}

fn of_note(fault: &Fault, message: &[u8], images: &[Image]) -> Result<Exception, Error> {
    let mut exception = Exception::new(b"panic", message)?;
    exception.set_mechanism("panic")?;
    describe(&mut exception, fault, images)?;
    Ok(exception)
}

fn describe_signal(exception: &mut Exception, fault: &Fault) -> Result<(), Error> {
    let props = &mut exception.props;
    props.set_str("$exception_signal", signal::name(fault.signal).as_bytes())?;
    props.set_i64("$exception_signal_code", fault.code.into())?;
    if fault.code > 0 {
        let address = format!("{:#x}", fault.address);
        props.set_str("$exception_signal_address", address.as_bytes())?;
    }
    let mut registers = crate::props::Props::new();
    for (name, value) in NAMES.iter().zip(&fault.registers) {
        registers.set_str(name, format!("{value:#x}").as_bytes())?;
    }
    props.set_object("$exception_registers", &registers)
}

fn describe(exception: &mut Exception, fault: &Fault, images: &[Image]) -> Result<(), Error> {
    exception.level = Severity::Fatal;
    exception.set_handled(false);
    exception.set_synthetic(false);
    exception.own_stack = crate::exception::OwnStack::Off;
    exception.timestamp = Some(fault.time);
    exception.props.set_str("$exception_thread", fault.thread_name.as_bytes())?;
    exception.props.set_u64("$exception_thread_id", fault.thread.into())?;
    let addresses = unwind::addresses(fault, images, FRAMES_MAX);
    exception.set_addresses(addresses.into_iter());
    Ok(())
}

#[cfg(test)]
mod tests;
