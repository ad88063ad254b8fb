//! Definitions in a file: written whole, for nobody else, and read where PostHog is down.

use super::{SECRET, definitions, everyone, nobody, only_loaded, with_definitions};
use crate::c::*;
use crate::client::{Client, refused_url, to_url};
use crate::handle::c_text;
use crate::hook::Told;
use std::fs;
use std::path::{Path, PathBuf};

impl Client {
    fn load_file(&self, path: &Path) -> Status {
        ph_definitions_load_file(self.raw(), c_text(path.to_str().unwrap()).as_ptr())
    }

    fn save_file(&self, path: &Path) -> Status {
        ph_definitions_save_file(self.raw(), c_text(path.to_str().unwrap()).as_ptr())
    }
}

/// A folder that is empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("definitions").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_process_starts_with_what_the_last_one_wrote() {
    let (folder, told) = (folder("cold_start"), Told::new());
    let path = folder.join("flags.json");
    let (receiver, client) = with_definitions(&[everyone("on")], |config| config);
    assert_eq!(client.save_file(&path), PH_ERROR_UNSUPPORTED);
    assert!(names(&folder).is_empty());
    client.wait_ready();
    assert_eq!(client.save_file(&path), PH_OK);
    assert_eq!(fs::read(&path).unwrap(), receiver.requests()[0].response);
    // Again, over the one that is there.
    receiver.set_definitions(&definitions(&[everyone("on"), nobody("off")]));
    assert_eq!((client.refresh(), client.save_file(&path)), (PH_OK, PH_OK));
    assert_eq!(fs::read(&path).unwrap(), client.save().unwrap().as_bytes());
    assert_eq!(names(&folder), ["flags.json"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let log = told.clone();
    let config = to_url(&refused_url()).text(ph_config_set_secret_key, SECRET);
    let next = config.on_log(move |level, line| log.push((level, line.to_owned()))).client();
    assert_eq!(next.load_file(&folder.join("none.json")), PH_ERROR_FILE);
    assert!(told.all().iter().any(|(_, line)| line.contains("none.json")));
    assert_eq!(next.load_file(&path), PH_OK);
    next.wait_ready();
    assert_eq!((next.flag("u", "on"), next.flag("u", "off")), (Some(true), Some(false)));
}

#[test]
fn a_file_that_is_none_changes_nothing() {
    let folder = folder("bad");
    let (_receiver, client) = with_definitions(&[], only_loaded);
    assert_eq!(client.load(&definitions(&[everyone("on")]).to_string()), PH_OK);
    let path = folder.join("half.json");
    fs::write(&path, r#"{"flags":[{"key":"on""#).unwrap();
    assert_eq!(client.load_file(&path), PH_ERROR_JSON);
    assert_eq!(client.load_file(&folder), PH_ERROR_FILE);
    // What could be read without an end is not begun.
    #[cfg(unix)]
    assert_eq!(client.load_file(Path::new("/dev/zero")), PH_ERROR_FILE);
    let bad = c"\xFF".as_ptr();
    assert_eq!(ph_definitions_load_file(client.raw(), bad), PH_ERROR_UTF8);
    assert_eq!(ph_definitions_save_file(client.raw(), bad), PH_ERROR_UTF8);
    assert_eq!(client.flag("u", "on"), Some(true));
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing_behind() {
    let folder = folder("unwritable");
    let (_receiver, client) = with_definitions(&[], only_loaded);
    assert_eq!(client.load(&definitions(&[everyone("on")]).to_string()), PH_OK);
    assert_eq!(client.save_file(&folder.join("missing/flags.json")), PH_ERROR_FILE);
    // A folder is in its place.
    let taken = folder.join("taken");
    fs::create_dir_all(taken.join("full")).unwrap();
    assert_eq!(client.save_file(&taken), PH_ERROR_FILE);
    assert_eq!(client.save_file(Path::new("/")), PH_ERROR_FILE);
    assert_eq!(names(&folder), ["taken"]);
}
