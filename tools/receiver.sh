# The receiver that stands in for PostHog, for scripts. Sourced after common.sh.

RECEIVER=$TARGET/debug/posthog-receiver
RECEIVER_PID=
RECEIVER_URL=

# start_receiver [OPTION...]: builds it if need be, and sets RECEIVER_URL. It lives until
# stop_receiver, and not longer than this script, whose end of its stdin it watches.
start_receiver() {
  local waited=0
  make --silent "$RECEIVER"
  rm -f "$SCRATCH/stdin" "$SCRATCH/port"
  mkfifo "$SCRATCH/stdin"
  "$RECEIVER" --port-file "$SCRATCH/port" "$@" <"$SCRATCH/stdin" &
  RECEIVER_PID=$!
  exec 9>"$SCRATCH/stdin"
  until [ -s "$SCRATCH/port" ]; do
    waited=$((waited + 1))
    [ $waited -le 200 ] || die "the receiver did not start within ten seconds"
    sleep 0.05
  done
  RECEIVER_URL=http://127.0.0.1:$(cat "$SCRATCH/port")
}

# Ends it, once it has printed everything.
stop_receiver() {
  [ -n "$RECEIVER_PID" ] || return 0
  exec 9>&-
  wait "$RECEIVER_PID" || true
  RECEIVER_PID=
}

# receiver_get PATH: what the receiver answers. bash speaks TCP itself: no curl is needed.
receiver_get() {
  exec 8<>"/dev/tcp/127.0.0.1/${RECEIVER_URL##*:}"
  printf 'GET %s HTTP/1.1\r\nHost: receiver\r\nConnection: close\r\n\r\n' "$1" >&8
  sed '1,/^\r*$/d' <&8
  exec 8>&-
}

# exec_with_receiver COMMAND...: becomes that command, to which the receiver is PostHog, whatever
# the environment says. For what runs in the background: $! is then the command itself.
exec_with_receiver() {
  exec env -u POSTHOG_DISABLED -u ANALYTICS_DISABLED -u DO_NOT_TRACK -u POSTHOG_SECRET_KEY \
    POSTHOG_API_KEY=phc_local POSTHOG_HOST="$RECEIVER_URL" NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 \
    "$@" 9>&-
}

# with_receiver COMMAND...: the same, and comes back.
with_receiver() {
  (exec_with_receiver "$@")
}
