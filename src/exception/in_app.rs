//! Whose code a frame is: the program's own, or a library's.

/// Rules by prefix. The user's come first, the longest that fits; then what is known of systems.
#[derive(Clone, Default)]
pub struct InApp {
    rules: Vec<(String, bool)>,
}

/// Paths of files that are nobody's own: libraries of the system, and headers and sources that
/// came with a compiler.
const SYSTEM_PATHS: [&str; 10] = [
    "/lib/",
    "/lib32/",
    "/lib64/",
    "/usr/",
    "/rustc/",
    "/nix/store/",
    "/System/",
    "/Library/",
    "/apex/",
    "C:\\Windows\\",
];

/// Folders of fetched packages, wherever they are.
const PACKAGES: [&str; 3] = ["/.cargo/registry/", "/.cargo/git/", "/node_modules/"];

/// Functions that languages bring: their runtimes, and what is instantiated from their headers.
const RUNTIMES: [&str; 11] = [
    "std::",
    "core::",
    "alloc::",
    "<std::",
    "<core::",
    "<alloc::",
    "__gnu_cxx::",
    "__cxxabiv1::",
    "__libc_start",
    "__rust_",
    "rust_begin_unwind",
];

impl InApp {
    /// Frames whose module, source file or function begins with `prefix` are the program's, or
    /// not. The same prefix again replaces the rule.
    pub fn add(&mut self, prefix: &str, in_app: bool) {
        self.rules.retain(|(known, _)| known != prefix);
        self.rules.push((prefix.to_owned(), in_app));
    }

    /// By what is known of a frame: the path of its module, its source file, its function.
    pub fn is_in_app(&self, parts: &[&str]) -> bool {
        let fits = |prefix: &str| parts.iter().any(|part| part.starts_with(prefix));
        let fitting = self.rules.iter().filter(|(prefix, _)| fits(prefix));
        match fitting.max_by_key(|(prefix, _)| prefix.len()) {
            Some((_, in_app)) => *in_app,
            None => !parts.iter().any(|part| is_systems(part)),
        }
    }
}

fn is_systems(part: &str) -> bool {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| part.starts_with(prefix));
    let name = part.rsplit('/').next().unwrap_or_default();
    begins(&SYSTEM_PATHS)
        || PACKAGES.iter().any(|folder| part.contains(folder))
        || begins(&RUNTIMES)
        || name.starts_with("libposthog.")
        || name.starts_with("linux-vdso.")
        || part == "_start"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_knows() {
        let rules = InApp::default();
        for own in ["/opt/game/game", "/home/me/libplugin.so", "update", "/srv/src/main.c", ""] {
            assert!(rules.is_in_app(&[own]), "{own}");
        }
        for systems in [
            "/lib/x86_64-linux-gnu/libc.so.6",
            "/usr/include/c++/12/bits/stl_vector.h",
            "/root/.cargo/registry/src/x/lib.rs",
            "std::vector<int>::at",
            "_start",
            "/opt/game/libposthog.so.0",
        ] {
            assert!(!rules.is_in_app(&["/opt/game/game", systems]), "{systems}");
        }
    }

    #[test]
    fn the_longest_rule_wins() {
        let mut rules = InApp::default();
        rules.add("/usr/lib/game/", true);
        rules.add("/usr/lib/game/vendor/", false);
        rules.add("engine::", false);
        assert!(rules.is_in_app(&["/usr/lib/game/main"]));
        assert!(!rules.is_in_app(&["/usr/lib/game/vendor/libz.so"]));
        assert!(!rules.is_in_app(&["/opt/x", "/src/x.cc", "engine::tick()"]));
        rules.add("engine::", true);
        assert!(rules.is_in_app(&["/usr/lib/x", "engine::tick()"]));
    }
}
