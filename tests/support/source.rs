//! The library's source as `tests/tidy.rs` reads it: each file's text, and its code alone, without
//! comments, without what literals say, and without its tests.

use crate::support::root;
use std::path::{Path, PathBuf};

pub struct Source {
    /// From the repository's root, with slashes: `src/queue/chunk.rs`.
    pub path: String,
    pub text: String,
    /// As many lines as `text` has before its tests begin.
    pub code: String,
}

impl Source {
    /// Which of the crate's modules it belongs to: `queue` for `src/queue/chunk.rs`.
    pub fn module(&self) -> &str {
        let inside = self.path.trim_start_matches("src/");
        inside.split(['/', '.']).next().unwrap_or_default()
    }

    /// Where its modules lie: `src/queue` for `src/queue.rs`.
    fn folder(&self) -> &str {
        let path = self.path.trim_end_matches(".rs");
        path.trim_end_matches("/mod").trim_end_matches("/lib")
    }

    /// Whether it is one of those files, or in one of those folders (which end with a slash).
    pub fn is_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| match place.strip_suffix('/') {
            Some(_) => self.path.starts_with(place),
            None => self.path == *place,
        })
    }

    /// The lines of code in which the word stands by itself, by their numbers.
    pub fn lines_with(&self, word: &str) -> Vec<String> {
        let lines = self.code.lines().enumerate();
        let found = lines.filter(|(_, line)| has_word(line, word));
        found.map(|(index, line)| format!("{}:{}: {}", self.path, index + 1, line.trim())).collect()
    }
}

/// Every file under `src`, but for those that are tests.
pub fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    collect(&root().join("src"), &mut files);
    files.sort();
    let mut sources: Vec<_> = files.iter().map(|file| read(file)).collect();
    let mut tests = Vec::new();
    for source in &mut sources {
        let mut end = source.code.len();
        for (start, name, inline) in test_modules(&source.code) {
            if inline {
                // By custom the last of the file.
                end = end.min(start);
            } else {
                tests.push(format!("{}/{name}", source.folder()));
            }
        }
        source.code.truncate(end);
    }
    sources.retain(|source| {
        let place = source.path.trim_end_matches(".rs");
        !tests.iter().any(|test| place == test || place.starts_with(&format!("{test}/")))
    });
    sources
}

fn read(file: &Path) -> Source {
    let path = file.strip_prefix(root()).expect("a file of the repository");
    let path = path.to_str().expect("UTF-8").replace('\\', "/");
    let text = std::fs::read_to_string(file).expect("UTF-8");
    Source { path, code: code_of(&text), text }
}

/// The modules of tests that code declares: where, by which name, and whether they stand there.
fn test_modules(code: &str) -> Vec<(usize, String, bool)> {
    let heads = code.match_indices("#[cfg(test)]\nmod ");
    let modules = heads.filter_map(|(start, head)| {
        let rest = &code[start + head.len()..];
        let end = rest.find([';', '{'])?;
        Some((start, rest[..end].trim().to_owned(), rest[end..].starts_with('{')))
    });
    modules.collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"))
    {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|it| it == "rs") {
            files.push(path);
        }
    }
}

fn is_part_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Whether the word stands in the line by itself.
pub fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let begins = !word.starts_with(is_part_of_word) || !before.is_some_and(is_part_of_word);
        let ends = !word.ends_with(is_part_of_word) || !after.is_some_and(is_part_of_word);
        begins && ends
    })
}

/// Rust without comments and without the contents of literals; every line stays where it is.
pub fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let word_before = code.chars().next_back().is_some_and(is_part_of_word);
        let (keep, len) = if rest.starts_with("//") {
            (0, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (0, rest.find("*/").map_or(rest.len(), |end| end + 2))
        } else if let (false, Some(len)) = (word_before, raw_string(rest)) {
            (0, len)
        } else if next == '"' {
            (0, string(rest))
        } else if let Some(len) = character(rest) {
            (0, len)
        } else {
            (next.len_utf8(), next.len_utf8())
        };
        code.push_str(&rest[..keep]);
        if keep == 0 {
            let quoted = !rest.starts_with('/');
            code.push_str(if quoted { "\"" } else { "" });
            code.extend(rest[..len].matches('\n'));
            code.push_str(if quoted { "\"" } else { "" });
        }
        rest = &rest[len..];
    }
    code
}

/// The length of the string that begins here.
fn string(text: &str) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, character)| {
        let closes = *character == '"' && !escaped;
        escaped = *character == '\\' && !escaped;
        closes
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

/// The length of the raw string that begins here, if one does.
fn raw_string(text: &str) -> Option<usize> {
    let body = ["r", "br", "cr"].iter().find_map(|prefix| {
        let rest = text.strip_prefix(prefix)?;
        rest.trim_start_matches('#').starts_with('"').then_some(rest)
    })?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let close = format!("\"{}", "#".repeat(hashes));
    let start = text.len() - body.len() + hashes + 1;
    Some(text[start..].find(&close).map_or(text.len(), |end| start + end + close.len()))
}

/// The length of the character literal that begins here; `None` also for a lifetime.
fn character(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    let first = inside.chars().next()?;
    if first == '\\' {
        return inside[2..].find('\'').map(|end| end + 4);
    }
    inside[first.len_utf8()..].starts_with('\'').then_some(first.len_utf8() + 2)
}
