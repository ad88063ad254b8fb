//! Copies the queue, and what it is made of, to where a module with its folder can be included: so
//! that what is tried is what is shipped.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

const MODULES: [&str; 7] = ["batch", "error", "ledger", "queue", "record", "timestamp", "uuid"];

fn main() -> io::Result<()> {
    println!("cargo::rustc-cfg=model");
    println!("cargo::rustc-check-cfg=cfg(model)");
    // The model has no storage.
    println!("cargo::rustc-check-cfg=cfg(storage)");
    let sources = Path::new("../../src");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let mut root = String::new();
    for module in MODULES {
        let (file, folder) = (sources.join(format!("{module}.rs")), out.join(module));
        let copy = folder.join("mod.rs");
        fs::create_dir_all(&folder)?;
        fs::copy(&file, &copy)?;
        println!("cargo::rerun-if-changed={}", file.display());
        let parts = sources.join(module);
        if parts.is_dir() {
            println!("cargo::rerun-if-changed={}", parts.display());
            for part in fs::read_dir(parts)? {
                let part = part?;
                fs::copy(part.path(), folder.join(part.file_name()))?;
            }
        }
        root += &format!("#[path = {:?}]\nmod {module};\n", copy.display().to_string());
    }
    fs::write(out.join("modules.rs"), root)
}
