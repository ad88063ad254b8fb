# The Rust toolchains that the checks look for. Sourced after common.sh.

# The library is checked for these besides the machine's own.
TARGETS=(
  aarch64-unknown-linux-gnu
  i686-unknown-linux-gnu
  x86_64-unknown-linux-musl
  aarch64-linux-android
  aarch64-apple-darwin
  x86_64-pc-windows-msvc
  x86_64-unknown-freebsd
)

# has_target TARGET: whether its standard library is installed.
has_target() {
  [ -d "$(rustc --print sysroot)/lib/rustlib/$1/lib" ]
}

# toolchain_with FILE...: the first toolchain that has all of them.
toolchain_with() {
  local name sysroot file
  has rustup || return 0
  rustup toolchain list | sed 's/ .*//' | while read -r name; do
    sysroot=$(rustc "+$name" --print sysroot 2>/dev/null) || continue
    for file in "$@"; do
      [ -e "$sysroot/$file" ] || continue 2
    done
    echo "$name"
    return
  done
}

STANDARD_SOURCE=lib/rustlib/src/rust/library/std/src/lib.rs

# One that can run Miri, with the source of the standard library that it interprets.
miri_toolchain() {
  toolchain_with bin/cargo-miri $STANDARD_SOURCE
}

# A nightly one that has ThreadSanitizer, and can build the standard library with it.
sanitizer_toolchain() {
  toolchain_with "lib/rustlib/$(uname -m)-unknown-linux-gnu/lib/librustc-nightly_rt.tsan.a" $STANDARD_SOURCE
}
