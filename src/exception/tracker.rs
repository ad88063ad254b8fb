//! What one life of a client keeps for its exceptions: steps, what was sent lately, what is loaded.

use super::noise::{Limit, Noise};
use super::{Exception, FRAMES_MAX, InApp, Scene, TOP, steps};
use crate::error::Error;
use crate::event::Event;
use crate::props::Props;
#[cfg(storage)]
use crate::sys::images::Image;
use crate::sys::images::{self, Images};
use crate::sys::unwind::{self, Frame};
use crate::timestamp::Timestamp;
use crate::uuid::Random;
#[cfg(storage)]
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What the options say of exceptions.
#[derive(Clone, Default)]
pub struct Settings {
    pub in_app: InApp,
    pub release: Option<String>,
    pub limit: Limit,
}

/// The state of one client's exceptions. A forked child has its own: it neither waits for the
/// locks of its parent nor counts what the parent suppressed.
pub struct Tracker {
    settings: Settings,
    event_bytes_max: usize,
    images: Images,
    noise: Mutex<Noise>,
    steps: Mutex<steps::Steps>,
    /// Whether there was a fatal one.
    was_fatal: AtomicBool,
    begun: Instant,
    /// What nobody's ids are made from, where a test wants them the same in each run.
    nobody: Option<Mutex<Random>>,
}

/// An event on its way, and what it takes along.
pub struct Tracked {
    pub event: Event,
    kind: u64,
    suppressed: u64,
}

impl Tracker {
    /// Events are made no larger than `event_bytes_max`.
    pub fn new(settings: Settings, event_bytes_max: usize, nobody: Option<Random>) -> Tracker {
        let (limit, begun) = (settings.limit, Instant::now());
        let (noise, steps) = (Mutex::new(Noise::new(limit)), Mutex::default());
        let (images, nobody) = (Images::default(), nobody.map(Mutex::new));
        let was_fatal = AtomicBool::new(false);
        Tracker { settings, event_bytes_max, images, noise, steps, was_fatal, begun, nobody }
    }

    /// The event of an exception that is captured in a function outside `inner`; `Suppressed` when
    /// there were too many of its kind. Without a distinct id it is nobody's.
    pub fn track(
        &self,
        distinct_id: Option<&str>,
        exception: &Exception,
        inner: Frame,
        time: Timestamp,
    ) -> Result<Tracked, Error> {
        let mut own = [0; FRAMES_MAX];
        // A child of fork on a system whose loader has to be waited for sends no stack.
        let skip = exception.skip().filter(|_| images::is_safe());
        let trace = |own: &mut [usize]| skip.map_or(0, |skip| unwind::trace(inner, skip, own));
        // The top of the stack is enough to say no.
        let len = trace(&mut own[..TOP]);
        let kind = exception.kind(&own[..len]);
        let now = self.begun.elapsed();
        let suppressed = lock(&self.noise).admit(kind, exception.is_urgent(), now);
        let suppressed = suppressed.ok_or(Error::Suppressed)?;
        let len = trace(&mut own);
        let own = &own[..len];
        let scene = Scene {
            settings: &self.settings,
            event_bytes_max: self.event_bytes_max,
            own,
            located: self.images.at(&exception.addresses(own)),
            steps: match exception.props.get("$exception_steps") {
                Some(_) => None,
                None => lock(&self.steps).text(),
            },
            suppressed,
        };
        let event = match distinct_id {
            Some(distinct_id) => exception.event(distinct_id, scene),
            None => self.impersonal(exception, scene, time),
        };
        match event {
            Ok(event) => Ok(Tracked { event, kind, suppressed }),
            Err(error) => {
                lock(&self.noise).give_back(kind, suppressed);
                Err(error)
            }
        }
    }

    /// The event of an exception in a process that is no more, of which it is known what its
    /// addresses lay in. Never held back.
    #[cfg(storage)]
    pub fn adopt(
        &self,
        distinct_id: Option<&str>,
        exception: &Exception,
        images: &[Arc<Image>],
        release: Option<String>,
        steps: Option<Vec<u8>>,
    ) -> Result<Event, Error> {
        let find = |address: &usize| images.iter().find(|image| image.contains(*address)).cloned();
        let scene = Scene {
            settings: &Settings { release, ..self.settings.clone() },
            event_bytes_max: self.event_bytes_max,
            own: &[],
            located: exception.addresses(&[]).iter().map(find).collect(),
            steps,
            suppressed: 0,
        };
        match distinct_id {
            Some(distinct_id) => exception.event(distinct_id, scene),
            None => self.impersonal(
                exception,
                scene,
                exception.timestamp.unwrap_or(Timestamp::from_unix_micros(0, 0)),
            ),
        }
    }

    /// The images of this process, and its steps as JSON.
    #[cfg(storage)]
    pub fn surroundings(&self) -> (&Images, Option<Vec<u8>>) {
        (&self.images, lock(&self.steps).text())
    }

    #[cfg(storage)]
    pub fn release(&self) -> Option<&str> {
        self.settings.release.as_deref()
    }

    /// Whether this is the first fatal one.
    pub fn is_first_fatal(&self, exception: &Exception) -> bool {
        exception.is_urgent() && !self.was_fatal.swap(true, Ordering::Relaxed)
    }

    /// The event was refused: another one has to carry the count.
    pub fn give_back(&self, kind: u64, suppressed: u64) {
        lock(&self.noise).give_back(kind, suppressed);
    }

    /// Adds a step; whether properties were left out that only the library sets.
    pub fn add_step(
        &self,
        message: &[u8],
        props: Option<&Props>,
        time: Timestamp,
    ) -> Result<bool, Error> {
        let (step, stripped) = steps::step(message, props, time)?;
        lock(&self.steps).push(step);
        Ok(stripped)
    }

    /// An event of nobody: PostHog makes no person for it.
    fn impersonal(
        &self,
        exception: &Exception,
        scene: Scene<'_>,
        time: Timestamp,
    ) -> Result<Event, Error> {
        let millis = time.unix_millis();
        let nobody = match &self.nobody {
            Some(random) => lock(random).uuid(millis),
            None => Random::new().uuid(millis),
        };
        let mut event = exception.event(&nobody.to_string(), scene)?;
        event.props.set_bool("$process_person_profile", false)?;
        Ok(event)
    }
}

impl Tracked {
    /// What to give back if the event is refused.
    pub fn debt(&self) -> (u64, u64) {
        (self.kind, self.suppressed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics under these locks; if it ever did, going on is better than losing reports.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
