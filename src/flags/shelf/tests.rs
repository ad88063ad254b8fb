use super::*;
use std::collections::BTreeMap;
use std::convert::Infallible;

fn put(shelf: &Shelf<u32>, name: &str, value: u32, bytes: usize) {
    let made: Result<(), Infallible> = shelf.update(name.as_bytes(), |_| Ok((value, bytes)));
    made.unwrap();
}

fn get(shelf: &Shelf<u32>, name: &str) -> Option<u32> {
    shelf.find(name.as_bytes(), |value| *value)
}

fn names<'n>(shelf: &Shelf<u32>, names: &[&'n str]) -> Vec<&'n str> {
    names.iter().copied().filter(|name| has(shelf, name)).collect()
}

/// Without using it.
fn has(shelf: &Shelf<u32>, name: &str) -> bool {
    let hash = hash(name.as_bytes());
    let table = part_of(shelf.parts(), hash).table.load_full();
    table.is_some_and(|table| table.find(hash, name.as_bytes()).is_ok())
}

/// What is counted is what is there.
fn check(shelf: &Shelf<u32>) {
    let mut bytes = 0;
    for part in shelf.parts() {
        let Some(table) = part.table.load_full() else { continue };
        assert!(table.entries.is_sorted_by_key(|(hash, _)| *hash));
        assert_eq!(table.bytes, table.entries.iter().map(|(_, it)| it.bytes).sum::<usize>());
        bytes += table.bytes;
    }
    assert_eq!(shelf.bytes.load(Ordering::Relaxed), bytes);
    assert!(shelf.len() <= shelf.len_max);
}

#[test]
fn forgets_what_was_used_longest_ago() {
    let shelf = Shelf::new(3, usize::MAX);
    for (value, name) in ["a", "b", "c"].into_iter().enumerate() {
        put(&shelf, name, value as u32, 0);
    }
    assert_eq!(get(&shelf, "a"), Some(0));
    put(&shelf, "d", 3, 0);
    assert_eq!(names(&shelf, &["a", "b", "c", "d"]), ["a", "c", "d"]);
    put(&shelf, "c", 9, 0);
    put(&shelf, "e", 4, 0);
    assert_eq!(names(&shelf, &["a", "c", "d", "e"]), ["c", "d", "e"]);
    assert_eq!((get(&shelf, "c"), get(&shelf, "a")), (Some(9), None));
    check(&shelf);
}

#[test]
fn bytes_are_bounded_over_all_tables_and_the_newest_always_stays() {
    for len_max in [100, 10_000] {
        let each = 1_000 + 1 + size_of::<Entry<u32>>() + size_of::<(u64, Arc<()>)>();
        let shelf = Shelf::new(len_max, 5 * each);
        for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            put(&shelf, name, 0, 1_000);
            assert!(has(&shelf, name));
            assert!(shelf.bytes.load(Ordering::Relaxed) <= 5 * each);
            check(&shelf);
        }
        assert_eq!(shelf.len(), 5);
        put(&shelf, "large", 7, 100_000);
        assert_eq!((shelf.len(), get(&shelf, "large")), (1, Some(7)));
        put(&shelf, "small", 8, 0);
        assert_eq!((shelf.len(), get(&shelf, "small")), (1, Some(8)));
        check(&shelf);
    }
}

#[test]
fn agrees_with_a_plain_map_over_many_steps() {
    let shelf = Shelf::new(1 << 20, usize::MAX);
    let mut map: BTreeMap<String, u32> = BTreeMap::new();
    let mut random = 1_u32;
    for step in 0..20_000 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let name = format!("{}", (random >> 16) % 500);
        match random >> 30 {
            0 => {
                shelf.remove(name.as_bytes());
                map.remove(&name);
            }
            1 => {
                let failed = shelf.update(name.as_bytes(), |known| {
                    assert_eq!(known, map.get(&name));
                    Err(step)
                });
                assert_eq!(failed, Err(step));
            }
            _ => {
                put(&shelf, &name, step, 10);
                map.insert(name.clone(), step);
            }
        }
        assert_eq!(get(&shelf, &name).as_ref(), map.get(&name));
    }
    assert_eq!(shelf.len(), map.len());
    check(&shelf);
    shelf.clear();
    assert_eq!((shelf.len(), shelf.bytes.load(Ordering::Relaxed)), (0, 0));
}

#[test]
fn tables_fill_evenly_enough() {
    let shelf = Shelf::new(50_000, usize::MAX);
    for number in 0..200_000_u32 {
        put(&shelf, &number.to_string(), number, 0);
    }
    assert!(shelf.len() <= 50_000 && shelf.len() > 49_000, "{}", shelf.len());
    // The younger half is there, however the tables have filled.
    assert!((175_000..200_000_u32).all(|number| has(&shelf, &number.to_string())));
    check(&shelf);
}

#[test]
fn a_child_has_all_of_it_whoever_is_writing_and_it_is_its_own() {
    let shelf = Shelf::new(1_000, usize::MAX);
    (0..500).for_each(|number| put(&shelf, &number.to_string(), number, 1));
    // Every lock is held for ever, as in a child of a parent whose threads all write.
    let held: Vec<_> = shelf.parts().iter().map(|part| part.writer.lock().unwrap()).collect();
    let child = shelf.inherit();
    assert!((0..500).all(|number| get(&child, &number.to_string()) == Some(number)));
    (500..600).for_each(|number| put(&child, &number.to_string(), number, 1));
    child.remove(b"7");
    check(&child);
    assert_eq!((child.len(), get(&child, "7"), get(&child, "555")), (599, None, Some(555)));
    drop(held);
    assert_eq!((shelf.len(), get(&shelf, "7"), get(&shelf, "555")), (500, Some(7), None));
    assert_eq!(get(&Shelf::new(10, 10).inherit(), "7"), None);
}

#[test]
fn writers_and_readers_meet() {
    let shelf = Shelf::new(256, 20_000);
    std::thread::scope(|scope| {
        for thread in 0..4_u32 {
            let shelf = &shelf;
            scope.spawn(move || {
                for step in 0..5_000_u32 {
                    let number = step.wrapping_mul(7 + thread) % 512;
                    let name = number.to_string();
                    if step % 2 == 0 {
                        put(shelf, &name, number, number as usize);
                    }
                    assert!(get(shelf, &name).is_none_or(|value| value == number));
                }
            });
        }
    });
    check(&shelf);
}

#[test]
fn whoever_writes_sees_what_was_written_before() {
    let shelf = Shelf::new(100, usize::MAX);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1_000 {
                    let counted: Result<(), Infallible> =
                        shelf.update(b"n", |known| Ok((known.copied().unwrap_or(0) + 1, 4)));
                    counted.unwrap();
                }
            });
        }
    });
    assert_eq!(get(&shelf, "n"), Some(4_000));
}
