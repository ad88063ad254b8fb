# What builds the libraries that leave this tree. Sourced after common.sh.

# Of zstd only the fastest way of compressing is used: the tables of functions need not have the others.
for way in DFAST GREEDY LAZY LAZY2 BTLAZY2 BTOPT BTULTRA; do
  CFLAGS="${CFLAGS:-} -DZSTD_EXCLUDE_${way}_BLOCK_COMPRESSOR"
done
export CFLAGS

# How much larger a function may make its caller to be inlined: little, and not much where it asks for
# it. By themselves the compilers take 225 and 325, and 5 for what is built small. That is 390 kB less;
# the functions that a capture calls ask for it more strongly, and evaluating a flag takes 9 % more.
: "${INLINED:=25}" "${HINTED:=100}"

# build_libraries FOLDER BUILT COMMAND...: has cargo (or cargo-zigbuild) build them, with the features
# and for the target that COMMAND says, and puts them into FOLDER: archive, shared library, and what
# a program has to be linked with besides the archive. BUILT is where cargo leaves them.
#
# All sets of features of one target are built in the same folder, so that what they have in common is
# compiled once. But there the libraries of all sets have the same name, and cargo would take those of
# another set for fresh: they are removed when it is another set's turn.
build_libraries() {
  local folder=$1 built=$2 library turn="$* ${RUSTFLAGS:-}"
  shift 2
  if [ "$(cat "$built/turn" 2>/dev/null)" != "$turn" ] || [ ! -d "$folder" ]; then
    rm -f "$built"/deps/libposthog.*
  fi
  mkdir -p "$folder" "$built"
  "$@" --profile shipped --lib -- --print native-static-libs="$folder/native-static-libs" \
    -C "llvm-args=-inline-threshold=$INLINED -inlinehint-threshold=$HINTED" || return
  echo "$turn" >"$built/turn"
  for library in "$built"/libposthog.so "$built"/libposthog.dylib "$built"/libposthog.a; do
    if [ "$library" -nt "$folder/${library##*/}" ]; then
      # A new file in place of the old one, which a program may be using.
      cp "$library" "$folder/new" && mv -f "$folder/new" "$folder/${library##*/}" || return
    fi
  done
}

# native_libraries FOLDER [ARGUMENT...]: both libraries for this machine, linked by its own tools. The
# target is named, as it is for zig_libraries: what only the builds themselves run is then built once.
# With `rlib` among the crate types cargo would leave out link-time optimisation.
native_libraries() {
  local folder=$1 host
  shift
  host=$(rustc -vV | sed -n 's/^host: //p')
  build_libraries "$folder" "$TARGET/$host/shipped" \
    cargo rustc --target "$host" --crate-type cdylib --crate-type staticlib "$@" || return
  case $(uname -s) in
    Linux) tools/one-object "$folder/libposthog.a" ;;
  esac
}

# The system that zig_libraries asks for is at least as old as this.
GLIBC=2.17

# Makes cargo-zigbuild known, and sets PYTHON to the one of its environment, which has hatchling too.
# Skips the script where they cannot be had.
need_zigbuild() {
  PYTHON=$(tools/pyenv wheel ziglang==0.16.0 cargo-zigbuild==0.24.0 hatchling==1.33.0) ||
    { echo "${PYTHON##*$'\n'}"; exit 77; }
  # By its python3 it finds the Zig of this environment.
  PATH=$(dirname "$PYTHON"):$PATH
}

# rust_name TARGET: Rust's name for what Zig calls x86_64-linux-gnu or aarch64-macos.
rust_name() {
  case $1 in
    *-linux-*) echo "${1/-linux-/-unknown-linux-}" ;;
    *-macos*) echo "${1%%-*}-apple-darwin" ;;
    *) die "$1 is no target that archives are made for" ;;
  esac
}

# binutils TARGET: the prefix of the tools that know its objects, those of Debian's packages unless
# BINUTILS says another.
binutils() {
  case $1 in
    "$(uname -m)"-* | *-macos*) echo "${BINUTILS:-}" ;;
    *) echo "${BINUTILS:-${1%%-*}-linux-gnu-}" ;;
  esac
}

# zig_libraries TARGET: the archive and, for glibc, the shared library, in target/dist/TARGET. Linked
# by Zig, for systems older than this one or of another kind. For musl the shared library comes of the
# same build, and is where cargo leaves it: only a wheel needs it. Rust has to be told to make it; the
# archive is the same, but for the name of what a static program unwinds with.
zig_libraries() {
  local folder=$TARGET/dist/$1 rust flags=${RUSTFLAGS:-} of=(--crate-type staticlib)
  rust=$(rust_name "$1")
  local built=$TARGET/$rust/shipped
  case $rust in
    *-gnu) rust=$rust.$GLIBC of+=(--crate-type cdylib) ;;
    *-musl) flags="$flags -Ctarget-feature=-crt-static" of+=(--crate-type cdylib) ;;
  esac
  RUSTFLAGS=$flags build_libraries "$folder" "$built" cargo-zigbuild rustc "${of[@]}" --target "$rust" || return
  case $rust in
    *-musl)
      rm -f "$folder/$SHARED"
      sed -i.before 's/-lgcc_s/-lunwind/' "$folder/native-static-libs" && rm "$folder/native-static-libs.before" || return
      ;;
  esac
  case $1 in *-linux-*) BINUTILS=$(binutils "$1") tools/one-object "$folder/libposthog.a" || return ;; esac
}

# old_enough LIBRARY: it asks for no newer glibc than that, or for none with musl.
old_enough() {
  local newest
  newest=$(readelf --version-info --wide "$1" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1)
  [ "$(printf '%s\n' "$newest" "GLIBC_$GLIBC" | sort -V | tail -n 1)" = "GLIBC_$GLIBC" ] ||
    die "$1 needs $newest"
}
