//! Writes `include/posthog.h` from `src/ffi`, refuses a stale one under `CI`, and gives the shared
//! library its name.

// A build that cannot go on says why and stops.
#![allow(clippy::expect_used)]

use std::path::Path;
use std::{env, fs};

const HEADER: &str = "include/posthog.h";

fn main() {
    for path in ["src/ffi", "cbindgen.toml", HEADER] {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rerun-if-env-changed=CI");

    let fresh = header();
    let committed = fs::read_to_string(HEADER).unwrap_or_default();
    if fresh != committed {
        assert!(env::var_os("CI").is_none(), "{HEADER} is stale: run `cargo build` and commit it");
        fs::write(HEADER, &fresh).expect("the header should be writable");
    }
    link_arguments();
    capabilities();
}

/// `storage`: files that belong to one process, and what is kept in them. Only where it was tried.
fn capabilities() {
    println!("cargo::rustc-check-cfg=cfg(storage)");
    let is = |name: &str, wanted: &[&str]| {
        env::var(name).is_ok_and(|value| wanted.contains(&value.as_str()))
    };
    if env::var_os("CARGO_FEATURE_CRASH").is_some()
        && is("CARGO_CFG_TARGET_OS", &["linux"])
        && is("CARGO_CFG_TARGET_ARCH", &["x86_64", "aarch64"])
        && env::var_os("CARGO_CFG_MIRI").is_none()
    {
        println!("cargo::rustc-cfg=storage");
    }
}

/// The header's text, from `src/ffi` alone: cbindgen never sees the core.
fn header() -> String {
    let mut config = cbindgen::Config::from_file("cbindgen.toml").expect("cbindgen.toml");
    config.after_includes = Some(prelude());
    let mut text = Vec::new();
    cbindgen::Builder::new()
        .with_src(Path::new("src/ffi/mod.rs"))
        .with_config(config)
        .generate()
        .expect("src/ffi should be readable to cbindgen")
        .write(&mut text);
    // cbindgen takes a renamed type as opaque text and prints `char * name`.
    String::from_utf8(text).expect("UTF-8").replace("char * ", "char *")
}

/// What stands before the declarations.
fn prelude() -> String {
    let number = |name: &str| env::var(name).expect("cargo sets it");
    let (major, minor, patch) = (
        number("CARGO_PKG_VERSION_MAJOR"),
        number("CARGO_PKG_VERSION_MINOR"),
        number("CARGO_PKG_VERSION_PATCH"),
    );
    format!(
        "
#define PH_VERSION_MAJOR {major}
#define PH_VERSION_MINOR {minor}
#define PH_VERSION_PATCH {patch}
#define PH_VERSION \"{major}.{minor}.{patch}\"

/* Define PH_SHARED on Windows when you link the DLL. */
#if defined(_WIN32) && defined(PH_SHARED)
#define PH_API __declspec(dllimport)
#else
#define PH_API
#endif
"
    )
}

fn link_arguments() {
    // cargo-c gives the library its SONAME itself.
    if env::var_os("CARGO_FEATURE_CAPI").is_some() {
        return;
    }
    let major = env::var("CARGO_PKG_VERSION_MAJOR").expect("cargo sets it");
    match env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("linux" | "android" | "freebsd" | "netbsd" | "openbsd" | "dragonfly") => {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libposthog.so.{major}");
            // A sender that a shutdown left behind may outlive dlclose.
            println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
        }
        Ok("macos") => {
            let name = format!("@rpath/libposthog.{major}.dylib");
            println!("cargo::rustc-cdylib-link-arg=-Wl,-install_name,{name}");
        }
        _ => {}
    }
}
