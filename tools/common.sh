# What the scripts share. Sourced by each of them; leaves them in the repository's root.
# Plain enough for the bash 3.2 of macOS.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

ROOT=$PWD
TARGET=${CARGO_TARGET_DIR:-target}
case $TARGET in /*) ;; *) TARGET=$ROOT/$TARGET ;; esac
export CARGO_TARGET_DIR=$TARGET

# The release libraries, as tools/build leaves them.
STAGE=$TARGET/stage

VERSION=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
MAJOR=${VERSION%%.*}
case $(uname -s) in
  Darwin)
    SHARED=libposthog.dylib
    SHARED_MAJOR=libposthog.$MAJOR.dylib
    SHARED_FULL=libposthog.$VERSION.dylib
    ;;
  *)
    SHARED=libposthog.so
    SHARED_MAJOR=$SHARED.$MAJOR
    SHARED_FULL=$SHARED.$VERSION
    ;;
esac

CC=${CC:-cc}
CXX=${CXX:-c++}
STRICT="-Wall -Wextra -Wpedantic -Werror"

die() {
  echo "$*" >&2
  exit 1
}

# The exit code by which tools/test knows that something could not run here.
skip() {
  echo "skipped: $*"
  exit 77
}

has() {
  command -v "$1" >/dev/null 2>&1
}

# need TOOL WHERE-FROM: stops unless the tool is there.
need() {
  has "$1" || die "$1 is needed: $2"
}

# A folder of this script's own. It goes when the script ends, and so does what the script has
# left running.
SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/posthog.XXXXXX")
at_exit() {
  local job
  for job in $(jobs -p); do kill "$job" 2>/dev/null || true; done
  rm -rf "$SCRATCH"
}
trap at_exit EXIT

# quietly WHAT COMMAND...: one line for a command that succeeds, and its output if it fails.
quietly() {
  local what=$1 begun=$SECONDS
  shift
  if [ -n "${V:-}" ]; then
    echo "$what"
    "$@"
    return
  fi
  printf '%s ... ' "$what"
  if "$@" >"$SCRATCH/output" 2>&1; then
    echo "$((SECONDS - begun)) s"
  else
    echo failed
    cat "$SCRATCH/output" >&2
    return 1
  fi
}

# compile OUTPUT SOURCE [FLAG...]: against the header and the shared library of this tree. The
# program finds the library where it is.
compile() {
  local output=$1 source=$2 compiler
  shift 2
  case $source in
    *.c) compiler="$CC -std=c11" ;;
    *) compiler="$CXX -std=c++17" ;;
  esac
  $compiler $STRICT -Iinclude "$@" "$source" -o "$output" -L"$STAGE" -lposthog -Wl,-rpath,"$STAGE"
}
