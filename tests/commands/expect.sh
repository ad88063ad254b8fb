# What the tests of the commands share. Sourced after tools/common.sh.

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# expect_line FILE TEXT: some line of the file contains the text.
expect_line() {
  grep -qF -- "$2" "$1" || { cat "$1" >&2; fail "nothing has '$2'"; }
}

# expect_failure FILE COMMAND...: it fails; what it printed is in the file.
expect_failure() {
  local file=$1
  shift
  if "$@" >"$file" 2>&1; then
    cat "$file" >&2
    fail "succeeded, but should have failed: $*"
  fi
}

# expect_success FILE COMMAND...: it succeeds; what it printed is in the file.
expect_success() {
  local file=$1
  shift
  "$@" >"$file" 2>&1 || { cat "$file" >&2; fail "failed: $*"; }
}
