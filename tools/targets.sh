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

# The first toolchain that can run Miri, with the source of the standard library that it interprets.
miri_toolchain() {
  local name sysroot
  has rustup || return 0
  rustup toolchain list | sed 's/ .*//' | while read -r name; do
    sysroot=$(rustc "+$name" --print sysroot 2>/dev/null) || continue
    if [ -x "$sysroot/bin/cargo-miri" ] && [ -d "$sysroot/lib/rustlib/src/rust/library" ]; then
      echo "$name"
      return
    fi
  done
}
