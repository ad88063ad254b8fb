# What the scripts for Go share. Sourced after common.sh.

GO_LIB=$ROOT/bindings/go/lib
# The toolchain that is installed, and no other: one that is fetched on the way is not what was asked
# for.
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

# Puts the archive where it belongs, and makes Go link it: Go's cache does not look into archives, and
# would keep a program that is linked with an older one. The folder does not exist; it tells them apart.
fresh_archive() {
  tools/go
  CGO_LDFLAGS="-O2 -g -L/archive-$(cat "$GO_LIB"/*/libposthog.a | cksum | cut -d ' ' -f 1)"
  export CGO_LDFLAGS
}

# go_name TARGET: the folder of an archive whose target is named as Zig does.
go_name() {
  local processor=${1%%-*} system=${1#*-}
  case $processor in
    x86_64) processor=amd64 ;;
    aarch64) processor=arm64 ;;
  esac
  case $system in
    linux-gnu) echo "linux_$processor" ;;
    linux-musl) echo "linux_${processor}_musl" ;;
    macos*) echo "darwin_$processor" ;;
    *) die "bindings/go has no place for an archive for $1" ;;
  esac
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

# Skips the script where there is no Go, or none that is new enough, or no package registry.
need_go() {
  local version
  has go || skip "go is not installed: install Go 1.24 or later, as https://go.dev says"
  has "$CC" || skip "cgo needs a C compiler, e.g. from 'apt-get install gcc'"
  version=$(go env GOVERSION)
  case $version in
    go1.[0-9] | go1.[0-9].* | go1.1* | go1.2[0-3]*) skip "$version is too old: Go 1.24 is needed" ;;
  esac
  (cd "${1:-bindings/go}" && go mod download) || skip "Go's modules cannot be fetched here"
}
