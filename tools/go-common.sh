# What the scripts for Go share. Sourced after common.sh.

GO_LIB=$ROOT/bindings/go/lib
export GOFLAGS="${GOFLAGS:-} -buildvcs=false" GOTOOLCHAIN=local

# The folder of this machine's archive: what Go calls the system and the processor, and which C
# library it has if that is musl.
go_target() {
  local system processor
  system=$(uname -s | tr '[:upper:]' '[:lower:]')
  case $(uname -m) in
    x86_64) processor=amd64 ;;
    aarch64 | arm64) processor=arm64 ;;
    *) processor=$(uname -m) ;;
  esac
  if [ "$system" = linux ] && ldd --version 2>&1 | grep -q musl; then processor=${processor}_musl; fi
  echo "${system}_$processor"
}

# place TARGET ARCHIVE: the archive without debug information, and the header.
place() {
  local folder=$GO_LIB/$1 strip_flags=--strip-debug
  case $1 in darwin_*) strip_flags=-S ;; esac
  mkdir -p "$folder"
  cp include/posthog.h "$GO_LIB/posthog.h"
  cp "$2" "$SCRATCH/libposthog.a"
  ${STRIP:-strip} $strip_flags "$SCRATCH/libposthog.a"
  mv "$SCRATCH/libposthog.a" "$folder/libposthog.a"
}
