//! A map that is bounded in entries and in bytes, and forgets what was used longest ago.
//!
//! It is many small tables, and none of them ever changes: whoever writes puts a new one in the
//! place of an old one. So no reader waits for anybody, and a child that was forked in the midst of
//! writing has each table as it was before or as it is after that.

use arc_swap::ArcSwapOption;
use once_cell::race::OnceBox;
use std::hash::{DefaultHasher, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Room in one table. Each write copies the pointers of one; with fewer, tables would fill too
/// unevenly.
const TABLE_LEN: usize = 64;

pub struct Shelf<V> {
    /// Made with the first entry.
    parts: OnceBox<Box<[Part<V>]>>,
    len_max: usize,
    bytes_max: usize,
    bytes: AtomicUsize,
}

struct Part<V> {
    table: ArcSwapOption<Table<V>>,
    /// Held while the table is replaced.
    writer: Mutex<()>,
    /// How often it was: the time by which entries were used earlier or later.
    time: AtomicU64,
}

struct Table<V> {
    /// With the hash of each name, by which they are sorted.
    entries: Vec<(u64, Arc<Entry<V>>)>,
    bytes: usize,
}

struct Entry<V> {
    name: Box<[u8]>,
    value: V,
    bytes: usize,
    used: AtomicU64,
}

impl<V> Shelf<V> {
    /// Room for at least one entry, however large.
    pub fn new(len_max: usize, bytes_max: usize) -> Shelf<V> {
        let len_max = len_max.max(1);
        Shelf { parts: OnceBox::new(), len_max, bytes_max, bytes: AtomicUsize::new(0) }
    }

    /// For a forked child: all of it. Its locks are its own.
    pub fn inherit(&self) -> Shelf<V> {
        let copy = Shelf::new(self.len_max, self.bytes_max);
        let Some(parts) = self.parts.get() else { return copy };
        for (part, own) in parts.iter().zip(copy.parts()) {
            let table = part.table.load_full();
            copy.bytes.fetch_add(table.as_ref().map_or(0, |it| it.bytes), Ordering::Relaxed);
            own.time.store(part.time.load(Ordering::Relaxed), Ordering::Relaxed);
            own.table.store(table);
        }
        copy
    }

    /// Finds a value and looks at it: it is then the one of its table that was used last.
    pub fn find<R>(&self, name: &[u8], look: impl FnOnce(&V) -> R) -> Option<R> {
        let hash = hash(name);
        let part = part_of(self.parts.get()?, hash);
        let table = part.table.load();
        let table = table.as_ref()?;
        let (_, entry) = &table.entries[table.find(hash, name).ok()?];
        let now = part.time.load(Ordering::Relaxed);
        // Mostly it was used since the last change, and nobody has to write to what others read.
        if entry.used.load(Ordering::Relaxed) != now {
            entry.used.store(now, Ordering::Relaxed);
        }
        Some(look(&entry.value))
    }

    /// Puts a value, of about so many bytes, in the place of the one before; nobody else writes
    /// there meanwhile. Then takes out the oldest entries until the rest fits.
    pub fn update<E>(
        &self,
        name: &[u8],
        make: impl FnOnce(Option<&V>) -> Result<(V, usize), E>,
    ) -> Result<(), E> {
        let hash = hash(name);
        let parts = self.parts();
        let len_max = self.len_max / parts.len();
        self.replace(part_of(parts, hash), |table, now| {
            let place = table.find(hash, name);
            let known = place.ok().map(|at| &table.entries[at].1.value);
            let (value, bytes) = make(known)?;
            let bytes = bytes + name.len() + size_of::<Entry<V>>() + size_of::<(u64, Arc<()>)>();
            let entry = Entry { name: name.into(), value, bytes, used: AtomicU64::new(now) };
            table.bytes += bytes;
            match place {
                Ok(at) => {
                    table.bytes -= table.entries[at].1.bytes;
                    table.entries[at].1 = Arc::new(entry);
                }
                Err(at) => table.entries.insert(at, (hash, Arc::new(entry))),
            }
            while table.entries.len() > len_max {
                table.take_out_oldest();
            }
            Ok(())
        })?;
        self.make_room(hash);
        Ok(())
    }

    /// Takes out one entry, if it is there.
    pub fn remove(&self, name: &[u8]) {
        let Some(parts) = self.parts.get() else { return };
        let hash = hash(name);
        let _ = self.replace(part_of(parts, hash), |table, _| {
            let at = table.find(hash, name).map_err(drop)?;
            table.take_out(at);
            Ok::<(), ()>(())
        });
    }

    pub fn clear(&self) {
        let Some(parts) = self.parts.get() else { return };
        for part in parts {
            let _ = self.replace(part, |table, _| {
                *table = Table::default();
                Ok::<(), ()>(())
            });
        }
    }

    /// Takes out the oldest entries of one table after the other, but for the newest of the one
    /// that has just grown.
    fn make_room(&self, grown: u64) {
        let parts = self.parts();
        for step in 0..parts.len() {
            let excess = || self.bytes.load(Ordering::Relaxed).saturating_sub(self.bytes_max);
            if excess() == 0 {
                return;
            }
            let part = part_of(parts, grown.wrapping_add((step as u64) << 32));
            let _ = self.replace(part, |table, _| {
                let fitting = table.bytes.saturating_sub(excess());
                while table.bytes > fitting && table.entries.len() > usize::from(step == 0) {
                    table.take_out_oldest();
                }
                Ok::<(), ()>(())
            });
        }
    }

    /// Puts a changed copy of a table in its place, unless the change fails. The change is told
    /// what time it is.
    fn replace<E>(
        &self,
        part: &Part<V>,
        change: impl FnOnce(&mut Table<V>, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        // It guards no data that could be left behind half changed.
        let _writer = part.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let old = part.table.load_full();
        let mut table = old.as_deref().map_or_else(Table::default, Table::copy);
        let before = table.bytes;
        // What is read from here on is used later than what is written now.
        let now = part.time.load(Ordering::Relaxed) + 1;
        change(&mut table, now)?;
        part.time.store(now + 1, Ordering::Relaxed);
        self.bytes.fetch_add(table.bytes, Ordering::Relaxed);
        self.bytes.fetch_sub(before, Ordering::Relaxed);
        part.table.store((!table.entries.is_empty()).then(|| Arc::new(table)));
        Ok(())
    }

    fn parts(&self) -> &[Part<V>] {
        self.parts.get_or_init(|| {
            let count = (self.len_max / TABLE_LEN).max(1);
            Box::new((0..count).map(|_| Part::default()).collect())
        })
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        let tables = self.parts().iter().map(|part| part.table.load_full());
        tables.flatten().map(|table| table.entries.len()).sum()
    }
}

impl<V> Default for Part<V> {
    fn default() -> Part<V> {
        let (writer, time) = (Mutex::new(()), AtomicU64::new(0));
        Part { table: ArcSwapOption::empty(), writer, time }
    }
}

impl<V> Default for Table<V> {
    fn default() -> Table<V> {
        Table { entries: Vec::new(), bytes: 0 }
    }
}

impl<V> Table<V> {
    /// A copy that has room for one more.
    fn copy(&self) -> Table<V> {
        let mut entries = Vec::with_capacity(self.entries.len() + 1);
        entries.extend(self.entries.iter().cloned());
        Table { entries, bytes: self.bytes }
    }

    /// Where a name is, or would be.
    fn find(&self, hash: u64, name: &[u8]) -> Result<usize, usize> {
        let first = self.entries.partition_point(|(known, _)| *known < hash);
        let same = self.entries[first..].iter().take_while(|(known, _)| *known == hash);
        let place = same.into_iter().position(|(_, entry)| *entry.name == *name);
        place.map(|place| first + place).ok_or(first)
    }

    fn take_out(&mut self, at: usize) {
        let (_, entry) = self.entries.remove(at);
        self.bytes -= entry.bytes;
    }

    fn take_out_oldest(&mut self) {
        let used = |at: &usize| self.entries[*at].1.used.load(Ordering::Relaxed);
        if let Some(oldest) = (0..self.entries.len()).min_by_key(used) {
            self.take_out(oldest);
        }
    }
}

fn hash(name: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(name);
    hasher.finish()
}

fn part_of<V>(parts: &[Part<V>], hash: u64) -> &Part<V> {
    &parts[(hash >> 32) as usize % parts.len()]
}

#[cfg(test)]
mod tests;
