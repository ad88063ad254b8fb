//! How a store takes over what dead processes left: some files at a time, the oldest first.

use super::file::SlotFile;
use super::left::Found;
use super::{Store, lock};
use crate::clock;
use crate::log::Level;
use crate::storage::{Left, Owned};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// So many files are open at once, this process's own included: descriptors are the host's.
pub const FILES_MAX: usize = 32;

impl Store {
    /// Takes over what dead processes of the same project left: the oldest files, with what is wrong
    /// with the others.
    pub fn adopt(&self) -> Found {
        let mut left = Left::default();
        let found = self.adopt_first(&mut lock(&self.rest), &mut left);
        for (count, why) in
            [(left.foreign, "of another project"), (left.unknown, "that this version cannot read")]
        {
            if count > 0 {
                let text = format_args!("{count} files of events {why} stay where they are");
                self.logger.log(Level::Warn, text);
            }
        }
        found.unwrap_or_else(|error| {
            self.fail(&error);
            Found::default()
        })
    }

    /// Goes on with that, as far as what was taken over before is settled.
    pub fn adopt_more(&self) -> Found {
        let mut rest = lock(&self.rest);
        let behind = rest.clone();
        // What fails now is tried again.
        let found = behind.and_then(|behind| self.adopt_behind(&mut rest, Some(behind)).ok());
        found.unwrap_or_default()
    }

    /// Whether dead processes left more than was taken over.
    pub fn has_more(&self) -> bool {
        lock(&self.rest).is_some()
    }

    fn adopt_first(&self, rest: &mut Option<PathBuf>, left: &mut Left) -> io::Result<Found> {
        let all = self.look_through(left)?;
        let mut found = self.adopt_behind(rest, None)?;
        found.expired += all.expired;
        found.overflown += all.overflown;
        found.damaged += all.damaged;
        Ok(found)
    }

    /// As many files as may be open, up to some with events in them.
    fn adopt_behind(
        &self,
        rest: &mut Option<PathBuf>,
        mut behind: Option<PathBuf>,
    ) -> io::Result<Found> {
        let mut all = Found::default();
        loop {
            let open = lock(&self.files).iter().filter(|file| file.strong_count() > 0).count();
            if open >= FILES_MAX {
                break;
            }
            let max = FILES_MAX - open;
            let found = self.directory.adopt(self.kind, behind.as_deref(), max)?;
            for owned in found.adopted {
                let file = self.file(owned);
                self.know(&file);
                all.add(&file, self.cutoff_ms());
            }
            behind = found.rest;
            if all.events > 0 || behind.is_none() {
                break;
            }
        }
        *rest = behind;
        all.shorten(self.bounds.bytes_max);
        Ok(all)
    }

    /// Looks at each file, some at a time, whose turn may come much later: removes those with nothing in
    /// them, gives back what the others do not use and, the oldest first, gives up what is beyond the
    /// bounds. What it settles is told.
    fn look_through(&self, left: &mut Left) -> io::Result<Found> {
        let (mut all, mut files, mut behind) = (Found::default(), Vec::new(), None::<PathBuf>);
        loop {
            let found = self.directory.adopt(self.kind, behind.as_deref(), FILES_MAX)?;
            left.foreign += found.left.foreign;
            left.unknown += found.left.unknown;
            if behind.is_none() && found.rest.is_none() {
                // All of them are about to be opened.
                return Ok(all);
            }
            for owned in found.adopted {
                let file = self.file(owned);
                let mut one = Found::default();
                one.add(&file, self.cutoff_ms());
                one.left_over.tidy();
                all.expired += one.expired;
                if one.events > 0 {
                    files.push((file.owned.path().to_owned(), one.bytes()));
                    one.left_over.abandon(true);
                } else {
                    all.damaged += one.damaged;
                }
            }
            behind = found.rest;
            if behind.is_none() {
                break;
            }
        }
        let mut bytes: u64 = files.iter().map(|(_, bytes)| bytes).sum();
        let beyond = files.into_iter().take_while(|(_, size)| {
            let is_beyond = bytes > self.bounds.bytes_max;
            bytes -= size;
            is_beyond
        });
        let beyond: Vec<PathBuf> = beyond.map(|(path, _)| path).collect();
        self.give_up(&beyond, &mut all)?;
        Ok(all)
    }

    /// Removes these files, the oldest first, but for those that another process was quicker to take
    /// over: whose they are then is not this one's to say.
    pub(super) fn give_up(&self, files: &[PathBuf], all: &mut Found) -> io::Result<()> {
        let mut behind = None::<PathBuf>;
        while behind.as_ref() < files.last() {
            let found = self.directory.adopt(self.kind, behind.as_deref(), FILES_MAX)?;
            let is_one = |owned: &Owned| files.iter().any(|file| file == owned.path());
            for owned in found.adopted.into_iter().filter(is_one) {
                let mut one = Found::default();
                one.add(&self.file(owned), i64::MIN);
                all.overflown += one.events;
                all.damaged += one.damaged;
            }
            if found.rest.is_none() {
                break;
            }
            behind = found.rest;
        }
        Ok(())
    }

    /// Removes some files behind that one; behind which there are more.
    pub(super) fn remove_behind(&self, behind: &Path) -> Option<PathBuf> {
        let found = self.directory.adopt(self.kind, Some(behind), FILES_MAX).ok()?;
        found.adopted.into_iter().for_each(Owned::remove);
        found.rest
    }

    fn file(&self, owned: Owned) -> Arc<SlotFile> {
        Arc::new(SlotFile::new(owned, self.unit, Arc::default()))
    }

    /// What is older is given up.
    fn cutoff_ms(&self) -> i64 {
        clock::now().unix_millis().saturating_sub(self.bounds.age_max_ms)
    }
}
