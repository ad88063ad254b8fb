/*
 * libposthog: the PostHog client for native programs. This header is its manual.
 *
 * Handles are opaque. `const ph_x *` may be used by many threads at once; a `ph_x *` that is not
 * const belongs to one thread at a time. `ph_x_new` makes one, `ph_x_free` frees it and ignores
 * NULL.
 *
 * Strings are NUL-terminated UTF-8 and copied during the call. A string that a function returns
 * lasts as long as its comment says; only one said to be the caller's is to be freed.
 *
 * A status is the fate of that call: what became of an event later is in the statistics, in the
 * log and with the delivery callback. Out-parameters come last, are written on success only, and
 * need not be initialised. Every pointer is checked: NULL gives PH_ERROR_NULL, but for the client,
 * where it means a disabled one.
 *
 * Callbacks are registered with userdata and with a function that frees it. Inside one, statistics
 * and texts work; other calls answer PH_ERROR_REENTRANT, and those that return no status do
 * nothing. None starts after ph_shutdown has returned.
 *
 * Timeouts are milliseconds: PH_NO_WAIT (0) does not wait, PH_FOREVER waits without a limit.
 *
 * fork: a child starts with an empty queue, zero statistics and no thread, and keeps its options
 * and super properties. There is nothing to call. Events captured before the fork are the
 * parent's, and sent once.
 */


#ifndef POSTHOG_H
#define POSTHOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PH_VERSION_MAJOR 0
#define PH_VERSION_MINOR 1
#define PH_VERSION_PATCH 0
#define PH_VERSION "0.1.0"

/* Define PH_SHARED on Windows when you link the DLL. */
#if defined(_WIN32) && defined(PH_SHARED)
#define PH_API __declspec(dllimport)
#else
#define PH_API
#endif


/**
 * Do not wait at all.
 */
#define PH_NO_WAIT 0

/**
 * Wait without a limit.
 */
#define PH_FOREVER UINT32_MAX

/**
 * For `ph_config_set_max_retries`: never retry.
 */
#define PH_NEVER UINT32_MAX

/**
 * A buffer for a UUID: 36 characters and a NUL.
 */
#define PH_UUID_SIZE 37

/**
 * The fate of one call. `PH_OK` is 0, failures are negative. Values are never
 * changed or reused; later versions may add some.
 *
 * A call that fails has accepted nothing. Captures and evaluations of flags
 * that fail are counted in the statistic `PH_STAT_REFUSED_...` of their status.
 */
typedef enum {
  /**
   * The call did what was asked.
   */
  PH_OK = 0,
  /**
   * A required pointer is NULL.
   */
  PH_ERROR_NULL = -1,
  /**
   * An id, a name or a key is not UTF-8, or has a NUL inside.
   */
  PH_ERROR_UTF8 = -2,
  /**
   * An id, a name or a key is empty or blank.
   */
  PH_ERROR_EMPTY = -3,
  /**
   * A text is not JSON (RFC 8259), or not an object where one is needed.
   */
  PH_ERROR_JSON = -4,
  /**
   * JSON is nested deeper than 64.
   */
  PH_ERROR_DEPTH = -5,
  /**
   * A number is outside the range that the function names.
   */
  PH_ERROR_RANGE = -6,
  /**
   * A host is not an `http://` or `https://` URL without user, query or fragment;
   * or a proxy is not one.
   */
  PH_ERROR_HOST = -7,
  /**
   * A text is not a hyphenated UUID, or is the nil UUID.
   */
  PH_ERROR_UUID = -8,
  /**
   * A time is not RFC 3339, or outside the years 1 to 9999.
   */
  PH_ERROR_TIMESTAMP = -9,
  /**
   * The event is larger than `ph_config_set_event_max_bytes` allows.
   */
  PH_ERROR_TOO_LARGE = -10,
  /**
   * The queue is at its bound, and the overflow policy kept the older events.
   */
  PH_ERROR_QUEUE_FULL = -11,
  /**
   * A `before_send` callback dropped the event.
   */
  PH_ERROR_FILTERED = -12,
  /**
   * The client has been shut down.
   */
  PH_ERROR_SHUTDOWN = -13,
  /**
   * Called from inside one of the library's callbacks.
   */
  PH_ERROR_REENTRANT = -14,
  /**
   * The deadline passed first.
   */
  PH_ERROR_TIMEOUT = -15,
  /**
   * Events that the call waited for were dropped; the statistics say why.
   */
  PH_ERROR_LOST = -16,
  /**
   * There is no memory for an event or a property; nothing was changed. Small
   * allocations (a handle, a thread, a request) that fail abort the process.
   */
  PH_ERROR_NO_MEMORY = -17,
  /**
   * The server could not be reached, or did not answer in time.
   */
  PH_ERROR_NETWORK = -18,
  /**
   * The server answered with an error, or with something unreadable.
   */
  PH_ERROR_SERVER = -19,
  /**
   * The system refused to start a thread.
   */
  PH_ERROR_THREAD = -20,
  /**
   * A bug in the library, caught at its boundary. The handle stays usable.
   */
  PH_ERROR_PANIC = -21,
  /**
   * Too many exceptions of the same kind (`ph_config_set_exception_limit`): the
   * next one that is sent says how many were not.
   */
  PH_ERROR_SUPPRESSED = -22,
  /**
   * The client was not configured for this, such as refreshing definitions of
   * flags without a secret key; or the library was built without it.
   */
  PH_ERROR_UNSUPPORTED = -23,
  /**
   * A file cannot be read or written, or does not hold what it should.
   */
  PH_ERROR_FILE = -24,
  /**
   * The server refused the event for good.
   */
  PH_ERROR_REJECTED = -25,
} ph_status;

/**
 * Where the value of a flag came from.
 */
typedef enum {
  /**
   * Nowhere: it is not known.
   */
  PH_FLAG_SOURCE_UNKNOWN = 0,
  /**
   * PostHog's answer to this evaluation.
   */
  PH_FLAG_SOURCE_REMOTE = 1,
  /**
   * Definitions that the client had, without a request.
   */
  PH_FLAG_SOURCE_LOCAL = 2,
  /**
   * An earlier answer: PostHog did not say this time.
   */
  PH_FLAG_SOURCE_STALE = 3,
  /**
   * A value that the program set in place of any other.
   */
  PH_FLAG_SOURCE_OVERRIDE = 4,
  /**
   * A value that the program brought for as long as nothing else is known.
   */
  PH_FLAG_SOURCE_DEFAULT = 5,
} ph_flag_source;

/**
 * What gives way when the queue is at its bound.
 */
typedef enum {
  /**
   * The new event is refused with `PH_ERROR_QUEUE_FULL`.
   */
  PH_OVERFLOW_DROP_NEWEST = 0,
  /**
   * The oldest queued events are dropped for it.
   */
  PH_OVERFLOW_DROP_OLDEST = 1,
  /**
   * The capture waits for room; then the new event is refused.
   */
  PH_OVERFLOW_BLOCK = 2,
} ph_overflow;

/**
 * How request bodies are compressed.
 */
typedef enum {
  PH_COMPRESSION_NONE = 0,
  PH_COMPRESSION_GZIP = 1,
  /**
   * The zlib format. Only in builds with the feature `deflate`.
   */
  PH_COMPRESSION_DEFLATE = 2,
  /**
   * Only in builds with the feature `brotli`.
   */
  PH_COMPRESSION_BROTLI = 3,
  /**
   * Smaller than gzip at less cost. Only in builds with the feature `zstd`,
   * which is on by default.
   */
  PH_COMPRESSION_ZSTD = 4,
} ph_compression;

/**
 * The protocol in which events are sent.
 */
typedef enum {
  /**
   * V1 where the server speaks it, else V0. The server's first answer decides, for
   * the life of the client; AI events find out for themselves.
   */
  PH_PROTOCOL_AUTO = 0,
  /**
   * `POST /batch/`: one answer for a whole batch. Every PostHog speaks it.
   */
  PH_PROTOCOL_V0 = 1,
  /**
   * `POST /i/v1/analytics/events`: an answer for each event.
   */
  PH_PROTOCOL_V1 = 2,
} ph_protocol;

/**
 * How bad an exception is. The default is `PH_LEVEL_ERROR`.
 */
typedef enum {
  /**
   * The program ends of it.
   */
  PH_LEVEL_FATAL = 0,
  PH_LEVEL_ERROR = 1,
  PH_LEVEL_WARNING = 2,
  PH_LEVEL_LOG = 3,
  PH_LEVEL_INFO = 4,
  PH_LEVEL_DEBUG = 5,
} ph_level;

/**
 * What each number of `ph_stats_get` counts, since `ph_init` (in a child of
 * `fork`: since its first call). Later versions may add some at the end.
 *
 * At every moment, and in every snapshot, accepted + adopted = delivered +
 * queued + in flight + stored + drained + dropped.
 */
typedef enum {
  /**
   * Events that a call accepted.
   */
  PH_STAT_ACCEPTED = 0,
  /**
   * Events that processes which have ended left in storage, found by `ph_init`.
   */
  PH_STAT_ADOPTED = 1,
  /**
   * Events that the server took.
   */
  PH_STAT_DELIVERED = 2,
  /**
   * Events that wait to be sent.
   */
  PH_STAT_QUEUED = 3,
  /**
   * Events of the batches that are being sent, or wait for a retry.
   */
  PH_STAT_IN_FLIGHT = 4,
  /**
   * Events that `ph_shutdown` left in storage at its deadline.
   */
  PH_STAT_STORED = 5,
  /**
   * Events taken out with `ph_queue_drain`.
   */
  PH_STAT_DRAINED = 6,
  /**
   * Accepted events that were given up, whatever the reason; the reasons follow, and
   * later versions may know more of them.
   */
  PH_STAT_DROPPED = 7,
  /**
   * Events evicted for newer ones (`PH_OVERFLOW_DROP_OLDEST`).
   */
  PH_STAT_DROPPED_OVERFLOW = 8,
  /**
   * Events that the server refused for good.
   */
  PH_STAT_DROPPED_REJECTED = 9,
  /**
   * Events that the server refused for their size.
   */
  PH_STAT_DROPPED_TOO_LARGE = 10,
  /**
   * Events given up for their age.
   */
  PH_STAT_DROPPED_EXPIRED = 11,
  /**
   * Events given up after `ph_config_set_max_retries` retries.
   */
  PH_STAT_DROPPED_RETRIES = 12,
  /**
   * Events not confirmed when the shutdown deadline passed.
   */
  PH_STAT_DROPPED_SHUTDOWN = 13,
  /**
   * Events that were queued when the user opted out.
   */
  PH_STAT_DROPPED_OPTED_OUT = 14,
  /**
   * Bytes of the queued events, as they will be on the wire.
   */
  PH_STAT_QUEUED_BYTES = 15,
  /**
   * Values that were repaired: NaN, NUL, invalid UTF-8, lone surrogates.
   */
  PH_STAT_REPAIRED_VALUES = 16,
  /**
   * Requests with events, retries included.
   */
  PH_STAT_REQUESTS = 17,
  /**
   * Of these, how many were retries.
   */
  PH_STAT_RETRIES = 18,
  /**
   * Requests for feature flags.
   */
  PH_STAT_FLAG_REQUESTS = 19,
  /**
   * When the server last took a batch: milliseconds since 1970, 0 for never.
   */
  PH_STAT_LAST_SUCCESS_MS = 20,
  /**
   * Captures, and evaluations of flags, that answered that status: they accepted
   * nothing.
   */
  PH_STAT_REFUSED_NULL = 21,
  PH_STAT_REFUSED_UTF8 = 22,
  PH_STAT_REFUSED_EMPTY = 23,
  PH_STAT_REFUSED_JSON = 24,
  PH_STAT_REFUSED_DEPTH = 25,
  PH_STAT_REFUSED_RANGE = 26,
  PH_STAT_REFUSED_HOST = 27,
  PH_STAT_REFUSED_UUID = 28,
  PH_STAT_REFUSED_TIMESTAMP = 29,
  PH_STAT_REFUSED_TOO_LARGE = 30,
  PH_STAT_REFUSED_QUEUE_FULL = 31,
  PH_STAT_REFUSED_FILTERED = 32,
  PH_STAT_REFUSED_SHUTDOWN = 33,
  PH_STAT_REFUSED_REENTRANT = 34,
  PH_STAT_REFUSED_TIMEOUT = 35,
  PH_STAT_REFUSED_LOST = 36,
  PH_STAT_REFUSED_NO_MEMORY = 37,
  PH_STAT_REFUSED_NETWORK = 38,
  PH_STAT_REFUSED_SERVER = 39,
  PH_STAT_REFUSED_THREAD = 40,
  PH_STAT_REFUSED_PANIC = 41,
  PH_STAT_REFUSED_SUPPRESSED = 42,
  PH_STAT_REFUSED_UNSUPPORTED = 43,
  PH_STAT_REFUSED_FILE = 44,
  PH_STAT_REFUSED_REJECTED = 45,
  /**
   * Places in storage where adopted events were that cannot be read any more: torn,
   * or changed by others. One of `PH_STAT_DROPPED`.
   */
  PH_STAT_DROPPED_DAMAGED = 46,
} ph_stat;

/**
 * How much a line of diagnostics matters.
 */
typedef enum {
  /**
   * What the library does, for whoever looks into it.
   */
  PH_LOG_DEBUG = 0,
  /**
   * Worth knowing once.
   */
  PH_LOG_INFO = 1,
  /**
   * Something is not as it should be; the library copes.
   */
  PH_LOG_WARN = 2,
  /**
   * Events were lost.
   */
  PH_LOG_ERROR = 3,
} ph_log_level;

/**
 * What became of a batch.
 */
typedef enum {
  /**
   * The server took it.
   */
  PH_DELIVERY_DELIVERED = 0,
  /**
   * The server refused it for good.
   */
  PH_DELIVERY_FAILED = 1,
  /**
   * It was given up: retries or age ran out, or the user opted out.
   */
  PH_DELIVERY_DROPPED = 2,
} ph_delivery;

/**
 * How `ph_flag_explain` tells.
 */
typedef enum {
  /**
   * For a person: one step a line.
   */
  PH_EXPLAIN_TEXT = 0,
  /**
   * For a program: a JSON object with `flag`, and `evaluations`, each with its
   * `flag`, `steps` and `outcome`. The last is the flag's own; those before it
   * are of the flags that it depends on. `missing` says why there is none.
   */
  PH_EXPLAIN_JSON = 1,
} ph_explain;

/**
 * What a `ph_definitions_get_fn` advises.
 */
typedef enum {
  /**
   * Read them from PostHog: it is this process's turn. They are put into the
   * cache then.
   */
  PH_DEFINITIONS_FETCH = 0,
  /**
   * Use those that `ph_definitions_set` was called with.
   */
  PH_DEFINITIONS_USE = 1,
  /**
   * It is another process's turn, and the cache has none that are newer than
   * those that are known here. A process that knows none reads them from
   * PostHog.
   */
  PH_DEFINITIONS_KEEP = 2,
} ph_definitions_advice;

/**
 * The numbers of a report.
 */
typedef enum {
  /**
   * What was asked for: one of `ph_family`.
   */
  PH_REPORT_FAMILY = 0,
  /**
   * The HTTP status; 0 if there was no answer.
   */
  PH_REPORT_STATUS = 1,
  /**
   * Which attempt of its request the latest was, from 1.
   */
  PH_REPORT_ATTEMPT = 2,
  /**
   * Events that it has cost.
   */
  PH_REPORT_EVENTS_LOST = 3,
  /**
   * How often it happened since it was last reported.
   */
  PH_REPORT_COUNT = 4,
  /**
   * What to look at first: one of `ph_hint`.
   */
  PH_REPORT_HINT = 5,
} ph_report_field;

/**
 * What a request was for.
 */
typedef enum {
  PH_FAMILY_EVENTS = 0,
  PH_FAMILY_AI = 1,
  PH_FAMILY_FLAGS = 2,
  /**
   * The definitions of flags.
   */
  PH_FAMILY_DEFINITIONS = 3,
} ph_family;

/**
 * What is most likely at fault.
 */
typedef enum {
  PH_HINT_NONE = 0,
  /**
   * The key is not that of a project (`phc_...`).
   */
  PH_HINT_KEY_KIND = 1,
  /**
   * The key is unknown in this region: perhaps it is of the other (US, EU).
   */
  PH_HINT_REGION = 2,
  /**
   * The key is unknown.
   */
  PH_HINT_KEY = 3,
  /**
   * The project is over its billing limit.
   */
  PH_HINT_QUOTA = 4,
  /**
   * Too many requests.
   */
  PH_HINT_RATE_LIMIT = 5,
  /**
   * Nothing of PostHog is at that path: is the host right, and its path prefix?
   */
  PH_HINT_PATH = 6,
  /**
   * The host sends requests elsewhere.
   */
  PH_HINT_REDIRECT = 7,
  /**
   * An event is larger than the server takes.
   */
  PH_HINT_TOO_LARGE = 8,
  /**
   * This machine's clock is minutes from the server's.
   */
  PH_HINT_CLOCK = 9,
  /**
   * The proxy does not let the request through.
   */
  PH_HINT_PROXY = 10,
  /**
   * The server's certificate is not trusted, or there is no TLS.
   */
  PH_HINT_TLS = 11,
  /**
   * The server cannot be reached, or does not answer in time.
   */
  PH_HINT_NETWORK = 12,
  /**
   * The server is in trouble.
   */
  PH_HINT_SERVER = 13,
} ph_hint;

/**
 * A client of one PostHog project. Many may live in one process, each with its
 * own queue and sender. Every function may be called from any thread at once,
 * but for `ph_client_free`. `NULL` is a disabled client everywhere.
 */
typedef struct ph_client ph_client;

/**
 * Options of a client. Belongs to one thread at a time.
 *
 * A setter of a number takes 0 for the default, and answers `PH_ERROR_RANGE`
 * outside the range that it names. A setter that fails changes nothing.
 */
typedef struct ph_config ph_config;

/**
 * Everything about one evaluation of feature flags besides the distinct id:
 * groups, properties, which flags. It may be used for any number of calls. A
 * setter that fails changes nothing, and the handle stays usable. Belongs to
 * one thread at a time while it is filled; `const` functions may use it from
 * any thread at once.
 */
typedef struct ph_context ph_context;

/**
 * Takes the definitions that a `ph_definitions_get_fn` found, for the length of
 * its call. Is not to be freed.
 */
typedef struct ph_definitions ph_definitions;

/**
 * An event to be filled in and captured. A `before_send` callback is given
 * one that it may read and change. Belongs to one thread at a time.
 */
typedef struct ph_event ph_event;

/**
 * An exception to be filled in and captured. May be captured any number of
 * times. Belongs to one thread at a time.
 *
 * Its frames are those that were added (`ph_exception_add_frame`,
 * `ph_exception_set_frames`, `ph_exception_set_addresses`), or the stack of the
 * thread that captures it (`ph_exception_set_stack`). At most 64 are sent, the
 * innermost; machine frames come below the others, nearer to the error.
 */
typedef struct ph_exception ph_exception;

/**
 * The feature flags of one distinct id at one moment. It never changes, and
 * reading it makes no request. May be read from any thread at once, also when
 * the client is gone.
 */
typedef struct ph_flags ph_flags;

/**
 * A JSON object under construction: the property map of the whole API.
 *
 * It serialises as it is filled, so that capturing from it is a copy of
 * bytes. It may be used for any number of calls. A key that is set again
 * replaces the first. A setter that fails changes nothing, and the handle
 * stays usable. Belongs to one thread at a time.
 */
typedef struct ph_props ph_props;

/**
 * A fault on the way to the server, and how often it happened. Immutable: any
 * thread may read it.
 */
typedef struct ph_report ph_report;

/**
 * The answer to a request that the host carries, under construction. It lasts
 * for the call of the `ph_transport_fn` that is handed it, and copies what it is given.
 */
typedef struct ph_response ph_response;

/**
 * Receives one line of diagnostics. `level` is one of `ph_log_level`;
 * `message` lasts for the call.
 *
 * Runs on the thread that has something to say: one that captures, or the
 * sender. Must not call the library but for statistics and texts, and must not
 * unwind.
 */
typedef void (*ph_log_fn)(void *userdata, int32_t level, const char *message);

/**
 * Frees userdata. Runs once, when the library can no longer call the
 * function that it was registered with, on whichever thread finds that out.
 */
typedef void (*ph_userdata_free_fn)(void *userdata);

/**
 * Sees each event before it is queued; may read and change it. Returns 0 to
 * keep it, anything else to drop it (capture then answers
 * `PH_ERROR_FILTERED`).
 *
 * Runs on the capturing thread, on several at once if several capture.
 * `event` lasts for the call and is not to be freed. Of the library, the
 * `ph_event_*` and `ph_props_*` functions, statistics and texts work inside.
 * Must not unwind.
 */
typedef int32_t (*ph_before_send_fn)(void *userdata, ph_event *event);

/**
 * Told once for each batch that was settled: one of `ph_delivery`, and how
 * many events it had.
 *
 * Runs on the sender thread: what it does delays the next batch. Must not call
 * the library but for statistics and texts, and must not unwind.
 */
typedef void (*ph_delivery_fn)(void *userdata, int32_t delivery, size_t events);

/**
 * Asked before each poll for definitions of flags: for the text that other
 * processes share, or for whose turn it is to read it from PostHog. Returns
 * one of `ph_definitions_advice`, after `ph_definitions_set` for
 * `PH_DEFINITIONS_USE`; anything else means that it failed, and this process
 * reads by itself.
 *
 * Runs on the thread that polls: while it takes its time, the definitions that
 * are known stay in use. Must not call the library but for
 * `ph_definitions_set`, statistics and texts, and must not unwind.
 */
typedef int32_t (*ph_definitions_get_fn)(void *userdata, ph_definitions *definitions);

/**
 * Told of the definitions after each poll that read them from PostHog, also
 * when they are unchanged, so that an entry that expires can be kept alive.
 * `json` is `json_len` bytes without a NUL behind them, and lasts for the call.
 * Returns 0, or anything else if it could not keep them, which is logged.
 *
 * Runs on the thread that polls. Must not call the library but for statistics
 * and texts, and must not unwind.
 */
typedef int32_t (*ph_definitions_put_fn)(void *userdata, const char *json, size_t json_len);

/**
 * Receives reports as they are made. `report` lasts for the call and is not to be
 * freed.
 *
 * Runs on the thread that found the fault: the sender, or one that evaluates flags.
 * The same fault is told once in a minute, with how often it happened, and whenever
 * it has cost events. Of the library, the `ph_report_get` functions, statistics and
 * texts work inside. Must not unwind.
 */
typedef void (*ph_error_fn)(void *userdata, const ph_report *report);

/**
 * Carries a request in place of the library: sends it, waits for the answer, puts that
 * into `response`, and returns 0. Returns anything else if there is no answer; a
 * request that may succeed later is then tried again as after a network failure. An
 * answer of any HTTP status is one.
 *
 * `method` is `"GET"` or `"POST"`. `url` is the whole URL. `headers` are names, in
 * lower case, and values in turn, with a `NULL` at the end; `Host` and
 * `Content-Length` are left to the host. `body` is `body_len` bytes, compressed as the
 * header `content-encoding` says, not NUL-terminated, and `NULL` when there are none.
 * All of these last for the call. After `timeout_ms` nobody waits for the answer any
 * more: the host should have given up by then, as the library cannot interrupt it.
 *
 * Runs on the sender's threads and on threads that evaluate flags, on several at
 * once. Of the library, the `ph_response_*` functions, statistics and texts work
 * inside. Must not unwind.
 */
typedef int32_t (*ph_transport_fn)(void *userdata,
                                   const char *method,
                                   const char *url,
                                   const char *const *headers,
                                   const char *body,
                                   size_t body_len,
                                   uint32_t timeout_ms,
                                   ph_response *response);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Makes a client. Opens no connection and starts no thread: that is left to
 * the first event, or to `ph_client_start`.
 *
 * `config` is copied. On success `*client_out` is the caller's, to free with
 * `ph_client_free`; on failure it is not written. `PH_ERROR_NULL`, or
 * `PH_ERROR_HOST` for a `POSTHOG_HOST` that is not a host. Without an API key
 * the client is disabled, and one line to the log says so.
 */
PH_API ph_status ph_init(const ph_config *config, ph_client **client_out);

/**
 * Starts the sender thread now, ahead of a frame loop, rather than with the
 * first event, which is then spared some 100 microseconds. `PH_ERROR_THREAD`,
 * `PH_ERROR_SHUTDOWN`.
 */
PH_API ph_status ph_client_start(const ph_client *client);

/**
 * Captures an event. Copies everything and returns: never waits for the
 * network, nor for anything but room in the queue where that was asked for
 * (`PH_OVERFLOW_BLOCK`).
 *
 * `props` may be `NULL`, and may be reused afterwards. `PH_OK` means that the
 * event is queued, stamped with this moment and a fresh UUID, and will be
 * delivered or counted under one of `PH_STAT_DROPPED_...`.
 *
 * All captures: `PH_ERROR_NULL`, `PH_ERROR_UTF8` and `PH_ERROR_EMPTY` (of a
 * name or id), `PH_ERROR_TOO_LARGE`, `PH_ERROR_QUEUE_FULL`,
 * `PH_ERROR_FILTERED`, `PH_ERROR_SHUTDOWN`, `PH_ERROR_REENTRANT`,
 * `PH_ERROR_NO_MEMORY`. A disabled or opted-out client answers `PH_OK` to
 * everything.
 */
PH_API
ph_status ph_capture(const ph_client *client,
                     const char *distinct_id,
                     const char *event,
                     const ph_props *props);

/**
 * The same, of texts that are given with their length in bytes and need no
 * NUL: for wrappers whose strings have none.
 */
PH_API
ph_status ph_capture_n(const ph_client *client,
                       const char *distinct_id,
                       size_t distinct_id_len,
                       const char *event,
                       size_t event_len,
                       const ph_props *props);

/**
 * Captures an event with everything that it can carry. `event` is copied and
 * stays the caller's.
 *
 * `uuid_out` may be `NULL`; else it points to `PH_UUID_SIZE` bytes, to which
 * the event's UUID and a NUL are written on success (an empty string if the
 * client is disabled or opted out).
 */
PH_API
ph_status ph_capture_event(const ph_client *client,
                           const ph_event *event,
                           char *uuid_out);

/**
 * As `ph_capture_event`, for events of PostHog's AI observability
 * (`$ai_generation`, `$ai_span`, ...): they have a queue, a thread and requests
 * of their own, started by the first of them, so that large ones do not hold up
 * the others. An AI event may have 8 MiB; requests have at most 5 MiB, and a
 * larger event travels alone. The queue has the bounds of the other one.
 *
 * The name is not looked at: what is captured here goes to PostHog's AI
 * endpoint, which drops events of other names, and what `ph_capture_event`
 * captures goes to the general one.
 */
PH_API
ph_status ph_capture_ai(const ph_client *client,
                        const ph_event *event,
                        char *uuid_out);

/**
 * As `ph_capture_event`, but waits for what becomes of the event: for
 * importers, and for last words before an exit. It goes through the queue, with
 * whatever is in front of it, at once.
 *
 * `PH_OK`: the server took it, or `ph_queue_drain` did. `PH_ERROR_REJECTED`: the
 * server refused it. `PH_ERROR_TOO_LARGE`: so, for its size (or this client did,
 * see below). `PH_ERROR_LOST`: it was dropped for another reason, which
 * the statistics name. `PH_ERROR_TIMEOUT`: `timeout_ms` passed first
 * (`PH_NO_WAIT`, `PH_FOREVER`): it stays queued and its fate is open; captured
 * once more with the same UUID it is the same event to PostHog.
 * `PH_ERROR_THREAD`: there is no sender; it stays queued.
 *
 * In all these cases the event was accepted and its UUID is written to
 * `uuid_out`, unless that is `NULL`. After the errors of other captures, which
 * `PH_STAT_REFUSED_...` counts, nothing was accepted and nothing is written.
 */
PH_API
ph_status ph_capture_immediate(const ph_client *client,
                               const ph_event *event,
                               uint32_t timeout_ms,
                               char *uuid_out);

/**
 * As `ph_capture_immediate`, for an event of `ph_capture_ai`.
 */
PH_API
ph_status ph_capture_ai_immediate(const ph_client *client,
                                  const ph_event *event,
                                  uint32_t timeout_ms,
                                  char *uuid_out);

/**
 * Captures an event whose properties are the text of a JSON object: for
 * wrappers whose language has a fast serialiser of its own. All texts are
 * given with their length in bytes and need no NUL.
 *
 * `properties_len` 0 means no properties. The text is treated as in
 * `ph_props_set_json`; if it is not an object, `PH_ERROR_JSON`.
 */
PH_API
ph_status ph_capture_json(const ph_client *client,
                          const char *distinct_id,
                          size_t distinct_id_len,
                          const char *event,
                          size_t event_len,
                          const char *properties,
                          size_t properties_len);

/**
 * Says who somebody is: captures `$identify` with the person properties to
 * set, and those to set where they are not set yet. Either may be `NULL`.
 */
PH_API
ph_status ph_identify(const ph_client *client,
                      const char *distinct_id,
                      const ph_props *set,
                      const ph_props *set_once);

/**
 * Says that the person known as `distinct_id` is also known as `alias`:
 * captures `$create_alias`.
 */
PH_API
ph_status ph_alias(const ph_client *client,
                   const char *distinct_id,
                   const char *alias);

/**
 * Sets properties of a group, e.g. of type `company`: captures
 * `$groupidentify`. `distinct_id` may be `NULL` for `$<type>_<key>`; `props`
 * may be `NULL`.
 */
PH_API
ph_status ph_group_identify(const ph_client *client,
                            const char *distinct_id,
                            const char *group_type,
                            const char *group_key,
                            const ph_props *props);

/**
 * Captures an exception: `$exception`. It is copied and stays the caller's.
 *
 * `distinct_id` may be `NULL`: then the event is nobody's, and PostHog makes no
 * person for it.
 *
 * Unless the exception has frames of its own, the stack of the calling thread
 * is taken, as `ph_exception_set_stack` says: addresses only, which costs some
 * ten microseconds. Names, files and lines are looked up by the sender, in the
 * executables and libraries as they are on disk; where they were stripped,
 * PostHog itself can do it by `$debug_images`, with uploaded symbols.
 *
 * An event beyond `ph_config_set_event_max_bytes` is made smaller: nested
 * exceptions lose frames, and types and messages are cut. `PH_ERROR_SUPPRESSED`
 * for too many of the same kind; what is `PH_LEVEL_FATAL` always passes. It is as
 * durable as every other event: in the file when this returns, with a storage
 * directory (`ph_config_set_storage_dir`); without one in memory only, which the
 * log says once, and lost if the process ends before it has been sent.
 */
PH_API
ph_status ph_capture_exception(const ph_client *client,
                               const char *distinct_id,
                               const ph_exception *exception);

/**
 * Sets super properties: each later event of this client has them, unless it
 * sets the same key itself. Serialised once, here.
 */
PH_API ph_status ph_register(const ph_client *client, const ph_props *props);

/**
 * The same for those that are not set yet.
 */
PH_API ph_status ph_register_once(const ph_client *client, const ph_props *props);

/**
 * Removes a super property. No error when it is not there.
 */
PH_API ph_status ph_unregister(const ph_client *client, const char *key);

/**
 * Stops everything at the user's wish: what is queued is dropped
 * (`PH_STAT_DROPPED_OPTED_OUT`), threads stop and connections close within a
 * second, captures are `PH_OK` and do nothing, flags answer their fallback. A
 * request that the server has already read cannot be taken back. Kept in
 * memory only: the host remembers it from one start to the next.
 */
PH_API ph_status ph_opt_out(const ph_client *client);

/**
 * Undoes `ph_opt_out`. Dropped events do not come back.
 */
PH_API ph_status ph_opt_in(const ph_client *client);

/**
 * Whether `ph_opt_out` holds. Works inside callbacks.
 */
PH_API bool ph_is_opted_out(const ph_client *client);

/**
 * A barrier: waits until every event captured before is settled, whatever the
 * flush interval. Ends a wait before a retry early, though not one that the
 * server asked for. Does not wait for events of earlier processes.
 *
 * `PH_OK`: all were delivered, or drained. `PH_ERROR_LOST`: all are settled, but some were
 * dropped. `PH_ERROR_TIMEOUT`: some are still on their way after `timeout_ms`
 * (`PH_NO_WAIT` only asks for them to be sent; `PH_FOREVER`: no limit).
 * `PH_ERROR_THREAD`: there is no sender, and the system refuses to start one.
 */
PH_API
ph_status ph_flush(const ph_client *client,
                   uint32_t timeout_ms);

/**
 * Refuses new events, delivers what is queued, and stops the threads. Returns
 * within `timeout_ms` and 50 milliseconds, whatever the server, the resolver
 * or a callback does; at once when nothing is queued. No callback starts after
 * the call that shut the client down has returned. Further calls do nothing
 * and answer `PH_OK`.
 *
 * `PH_OK`: everything was delivered. `PH_ERROR_LOST`: some events were dropped
 * on the way. `PH_ERROR_TIMEOUT`: some were not confirmed in time; they are
 * counted in `PH_STAT_DROPPED_SHUTDOWN`, and the server may have them. With a
 * storage directory they are counted in `PH_STAT_STORED`, and the next process
 * sends them.
 */
PH_API ph_status ph_shutdown(const ph_client *client, uint32_t timeout_ms);

/**
 * Frees a client, after `ph_shutdown(client, 0)` if it was not shut down. No
 * other call may be under way with it, or come after. Ignores `NULL`. In a
 * child of `fork` it leaves the parent's queue, connections and threads alone.
 * From inside a callback it does nothing.
 */
PH_API void ph_client_free(ph_client *client);

/**
 * Creates options with defaults for a project API key (`phc_...`), which is
 * copied. A key that is `NULL`, empty or not UTF-8 makes a disabled client:
 * all its calls succeed and do nothing, it has no thread, no socket and no
 * file. The options are the caller's, to free with `ph_config_free`.
 */
PH_API ph_config *ph_config_new(const char *api_key);

/**
 * Creates options from environment variables:
 *
 * - `POSTHOG_API_KEY`: without it the client is disabled.
 * - `POSTHOG_HOST`: as `ph_config_set_host`; if it is not a host, `ph_init`
 *   answers `PH_ERROR_HOST`.
 * - `POSTHOG_SECRET_KEY`: as `ph_config_set_secret_key`.
 * - `POSTHOG_DISABLED`, `ANALYTICS_DISABLED`, `DO_NOT_TRACK`: any value but
 *   `0`, `false`, `no` and `off` disables the client.
 * - `POSTHOG_DEBUG`: likewise turns `ph_config_set_debug` on.
 * - `ANALYTICS_ENVIRONMENT`, else `APP_ENV`: as `ph_config_set_environment`.
 *
 * The options are the caller's, to free with `ph_config_free`. Reads the
 * environment: no other thread may change it meanwhile.
 */
PH_API ph_config *ph_config_from_env(void);

/**
 * Frees options. Ignores `NULL`. Clients made from them are not affected.
 */
PH_API void ph_config_free(ph_config *config);

/**
 * Sets where requests go: an `http://` or `https://` URL, with or without a
 * path prefix (a reverse proxy's) and a trailing slash. Default
 * `https://us.i.posthog.com`; `https://app.posthog.com`, `https://us.posthog.com`
 * and `https://eu.posthog.com` are taken as the ingestion hosts of their
 * region. `PH_ERROR_HOST`.
 */
PH_API ph_status ph_config_set_host(ph_config *config, const char *host);

/**
 * Sets the secret key that reads the definitions of feature flags: a personal
 * API key (`phx_...`) or the project's secret key (`phs_...`). With it flags
 * are evaluated in this process as far as that is possible, and PostHog is
 * asked about the others. A thread reads the definitions
 * (`ph_config_set_definitions_poll_ms`); it is started by the first evaluation,
 * `ph_flags_wait_ready` or `ph_client_start`. The key is sent with no other
 * request. `NULL` removes it.
 *
 * Definitions that were read stay for as long as there are no others, however old
 * they get: also when PostHog refuses the key or the project is over its quota
 * (401, 402, 403), where some SDKs forget them. The log tells of it once, and
 * `ph_flags_refresh` answers `PH_ERROR_SERVER`.
 */
PH_API ph_status ph_config_set_secret_key(ph_config *config, const char *secret_key);

/**
 * Makes the client a disabled one. Default false.
 */
PH_API ph_status ph_config_set_disabled(ph_config *config, bool disabled);

/**
 * Writes diagnostics to standard error while no log callback is set. Default
 * false: not a byte.
 */
PH_API ph_status ph_config_set_debug(ph_config *config, bool debug);

/**
 * Stamps every event with the property `environment`, which wins over one of
 * the event's own: `production` (for production, prod), `staging` (staging,
 * stage) or `dev` (anything else), whatever the case. `NULL` for none, the
 * default.
 */
PH_API ph_status ph_config_set_environment(ph_config *config, const char *environment);

/**
 * Sets the properties `$lib` and `$lib_version` and the user agent: for
 * libraries that wrap this one. Default `libposthog` and its version. Not empty.
 */
PH_API
ph_status ph_config_set_library(ph_config *config,
                                const char *name,
                                const char *version);

/**
 * Says whether this is a server (the default) or software on the user's own
 * machine: the properties `$is_server` and, unless it is set by itself,
 * `$geoip_disable`. A server's address is not the user's.
 */
PH_API ph_status ph_config_set_is_server(ph_config *config, bool is_server);

/**
 * Sets the property `$geoip_disable`: whether PostHog leaves alone where the
 * request came from. Default: as `ph_config_set_is_server`.
 */
PH_API ph_status ph_config_set_geoip_disable(ph_config *config, bool disable);

/**
 * Gives a group type its index in the project, 0 to 4: events in a group of
 * that type carry `$group_<index>` beside `$groups`.
 */
PH_API
ph_status ph_config_set_group_index(ph_config *config,
                                    const char *group_type,
                                    uint32_t index);

/**
 * Keeps a property from ever leaving: in events at any depth, `$set` and
 * `$group_set` included, and in flag requests. May be called for many keys.
 * It applies after `before_send`.
 */
PH_API ph_status ph_config_deny_property(ph_config *config, const char *key);

/**
 * Compresses the bodies of events: one of `ph_compression`. Default
 * `PH_COMPRESSION_GZIP`. Capture V0 knows nothing but gzip, which it gets in
 * place of the last three. `PH_ERROR_RANGE` also for one that this build does
 * not have.
 */
PH_API ph_status ph_config_set_compression(ph_config *config, int32_t compression);

/**
 * Sends when so many events wait. A trigger, not a size: batches grow with the
 * backlog. Events, 1 to 1,000,000; default 100.
 */
PH_API ph_status ph_config_set_flush_at(ph_config *config, uint32_t events);

/**
 * Sends what has waited for so long, however little. Milliseconds, 1 to
 * 86,400,000; default 5,000.
 */
PH_API ph_status ph_config_set_flush_interval_ms(ph_config *config, uint32_t interval_ms);

/**
 * Bounds a request's events. 1 to 100,000; default 1,000.
 */
PH_API ph_status ph_config_set_batch_max_events(ph_config *config, uint32_t events);

/**
 * Bounds a request's body before compression; a larger event travels alone.
 * Bytes, 1,024 to 16 MiB; default 1 MiB.
 */
PH_API ph_status ph_config_set_batch_max_bytes(ph_config *config, uint64_t bytes);

/**
 * Bounds the events that wait, those of a batch that waits for a retry
 * included. 1 to 10,000,000; default 10,000.
 */
PH_API ph_status ph_config_set_queue_max_events(ph_config *config, uint32_t events);

/**
 * Bounds their bytes. 1,024 to 4 GiB; default 32 MiB.
 */
PH_API ph_status ph_config_set_queue_max_bytes(ph_config *config, uint64_t bytes);

/**
 * Refuses a larger event with `PH_ERROR_TOO_LARGE`. Bytes of its JSON, 1,024 to
 * 16 MiB; default 1 MiB.
 */
PH_API ph_status ph_config_set_event_max_bytes(ph_config *config, uint64_t bytes);

/**
 * Bounds the making of a connection, from name resolution to the end of the TLS
 * handshake, a proxy on the way included. Milliseconds, 1 to 600,000; default 5,000.
 */
PH_API ph_status ph_config_set_connect_timeout_ms(ph_config *config, uint32_t timeout_ms);

/**
 * Bounds a request in total, from name resolution to the end of the answer.
 * Milliseconds, 1 to 600,000; default 15,000.
 */
PH_API ph_status ph_config_set_request_timeout_ms(ph_config *config, uint32_t timeout_ms);

/**
 * Gives up a batch that has been tried for so long, counted from its first request:
 * events that wait behind it have a time of their own, and are bounded by the queue.
 * Milliseconds, 1 to 30 days; default 24 hours.
 */
PH_API ph_status ph_config_set_max_age_ms(ph_config *config, uint64_t age_ms);

/**
 * The wait before the first retry; it doubles from one to the next, and half
 * of it is random. Milliseconds, 1 to 600,000; default 1,000.
 */
PH_API ph_status ph_config_set_retry_base_ms(ph_config *config, uint32_t wait_ms);

/**
 * Bounds the wait before a retry. Milliseconds, 1 to 600,000; default 30,000.
 */
PH_API ph_status ph_config_set_retry_cap_ms(ph_config *config, uint32_t wait_ms);

/**
 * Bounds the retries of a batch: n means 1 + n requests, `PH_NEVER` a single
 * one. Default 0: as many as `ph_config_set_max_age_ms` allows.
 */
PH_API ph_status ph_config_set_max_retries(ph_config *config, uint32_t max_retries);

/**
 * Says what gives way when the queue is at its bound: one of `ph_overflow`,
 * default `PH_OVERFLOW_DROP_NEWEST`. `block_ms` is how long a capture waits at
 * most, for `PH_OVERFLOW_BLOCK`: 1 to 600,000 milliseconds, or 0 for 1,000; it
 * is ignored for the others.
 */
PH_API
ph_status ph_config_set_overflow(ph_config *config,
                                 int32_t overflow,
                                 uint32_t block_ms);

/**
 * Sets who receives diagnostics, in place of whoever did before; `log` may be
 * `NULL` for nobody. `userdata` is handed to each call; `userdata_free` may be
 * `NULL`.
 */
PH_API
ph_status ph_config_set_log(ph_config *config,
                            ph_log_fn log,
                            void *userdata,
                            ph_userdata_free_fn userdata_free);

/**
 * Adds a function that sees each event before it is queued. Several run in the
 * order in which they were added, up to the first that drops the event.
 * `before_send` must not be `NULL`; `userdata_free` may be.
 */
PH_API
ph_status ph_config_add_before_send(ph_config *config,
                                    ph_before_send_fn before_send,
                                    void *userdata,
                                    ph_userdata_free_fn userdata_free);

/**
 * Sets who is told what became of each batch, in place of whoever was before;
 * `delivery` may be `NULL` for nobody, and so may `userdata_free`.
 */
PH_API
ph_status ph_config_set_delivery(ph_config *config,
                                 ph_delivery_fn delivery,
                                 void *userdata,
                                 ph_userdata_free_fn userdata_free);

/**
 * Creates an empty context, which is the same as none. It is the caller's, to
 * free with `ph_context_free`.
 */
PH_API ph_context *ph_context_new(void);

/**
 * Creates a context from the text of a JSON object, for wrappers that hand
 * everything over at once. `json` is `len` bytes and needs no NUL. All members
 * are optional and may be null: `groups` (an object of group types and their
 * keys), `person_properties`, `group_properties` (an object of group types and
 * their properties), `device_id`, `flag_keys` and `evaluation_contexts` (arrays
 * of strings), `geoip_disable`, `local_only`, `flag_events` (true or false).
 * Each means what the setter of its name does.
 *
 * On success `*context_out` is the caller's, to free with `ph_context_free`; on
 * failure it is not written. `PH_ERROR_NULL`; `PH_ERROR_JSON` for what is not
 * such an object, or has another member; else as the setters.
 */
PH_API
ph_status ph_context_new_json(const char *json,
                              size_t len,
                              ph_context **context_out);

/**
 * Frees a context. Ignores `NULL`.
 */
PH_API void ph_context_free(ph_context *context);

/**
 * Says which group of a type somebody belongs to: flags may be released by
 * group. Both texts are copied. A type that is set again replaces the first.
 *
 * All setters: `PH_ERROR_NULL`, `PH_ERROR_UTF8`, `PH_ERROR_EMPTY` for a text
 * that is empty or blank, `PH_ERROR_NO_MEMORY`.
 */
PH_API
ph_status ph_context_set_group(ph_context *context,
                               const char *group_type,
                               const char *group_key);

/**
 * Adds person properties that the evaluation is to take for the person's, in
 * place of those that PostHog has. `props` is copied. A key that is set again
 * replaces the first. `PH_ERROR_TOO_LARGE` when they exceed 16 MiB.
 */
PH_API
ph_status ph_context_set_person_properties(ph_context *context,
                                           const ph_props *props);

/**
 * The same for the group of a type, whose key `ph_context_set_group` sets.
 */
PH_API
ph_status ph_context_set_group_properties(ph_context *context,
                                          const char *group_type,
                                          const ph_props *props);

/**
 * Sets the id of the device, for flags that are released by device. It is
 * copied.
 */
PH_API ph_status ph_context_set_device_id(ph_context *context, const char *device_id);

/**
 * Adds the key of a flag to evaluate. It is copied. The first call limits the
 * evaluation to the keys that are added; without any, every flag of the
 * project is evaluated.
 */
PH_API ph_status ph_context_add_flag_key(ph_context *context, const char *key);

/**
 * Limits the evaluation to the keys that are added, also when none ever is: no
 * flag is evaluated then, and no request made. For wrappers whose list of keys
 * may be empty.
 */
PH_API ph_status ph_context_limit_flag_keys(ph_context *context);

/**
 * Adds the name of an evaluation context, such as `backend`: flags that are
 * tagged with contexts are evaluated only in one of those. It is copied.
 */
PH_API
ph_status ph_context_add_evaluation_context(ph_context *context,
                                            const char *name);

/**
 * Whether PostHog is to leave out where the request comes from. On a server
 * that is where the server is, and says nothing about the person. Without it:
 * as the client is configured.
 */
PH_API ph_status ph_context_set_geoip_disable(ph_context *context, bool disable);

/**
 * Whether nothing may be asked of PostHog: a flag that the client cannot
 * evaluate itself is not known then. Without it: as the client is configured.
 */
PH_API ph_status ph_context_set_local_only(ph_context *context, bool local_only);

/**
 * Whether reads of values are told to PostHog, see
 * `ph_config_set_flag_events`. Without it: as the client is configured.
 */
PH_API ph_status ph_context_set_flag_events(ph_context *context, bool flag_events);

/**
 * Sets the directory in which the client keeps what is to outlive the process: its
 * events until they are delivered, and the record of its crash
 * (`ph_config_set_crash_handler`, `ph_crash_write`). `NULL` or an empty path means
 * none, the default.
 *
 * An event for which a capture returned `PH_OK` is in a memory-mapped file then,
 * and survives whatever ends the process: `SIGKILL`, `abort`, the lack of memory,
 * `_exit`. Whether it survives the end of the system (a loss of power) is another
 * matter (`ph_config_set_storage_sync`). `before_send` and the denylist have run before
 * anything is stored. The file begins with one slot of 256 KiB and grows as events
 * wait; it is bounded by `ph_config_set_storage_max_bytes` in place of the bounds of
 * the queue in memory, and a full disk counts as a full queue
 * (`ph_config_set_overflow`). `ph_shutdown` removes it when everything is delivered,
 * and else leaves what is not (`PH_STAT_STORED`) to the next process.
 *
 * `ph_init` takes over the files of dead processes with the same API key and host
 * (`PH_STAT_ADOPTED`), without asking the network, and starts the sender if there
 * is something in them. Of more than 32 files, one descriptor each, the sender goes on
 * with the next when those before are delivered. They are sent oldest first, with their uuids and times, in
 * turns with new events; `ph_shutdown` waits for them, `ph_flush` and
 * `ph_queue_drain` do not. An event whose request was under way when the process died
 * is sent again, with the same uuid. Places that cannot be read are skipped
 * (`PH_STAT_DROPPED_DAMAGED`); files of other projects, or of a format that this
 * version does not know, are left, and the log says how many.
 *
 * `ph_init` makes the directory, for its owner alone, if only it is missing. Many
 * processes and clients may share one: each has files of its own (that of crashes is
 * of about one MiB, allocated at once). A child of `fork` makes its own. The API key
 * is not written. Where the directory cannot be used (no parent, not writable, full,
 * not a directory, another user's, writable for everybody) or is removed later, the
 * log has a warning, and the client works without. A client that is disabled has no
 * file, one that only captures (`ph_config_set_capture_only`) stores no events.
 * `ph_opt_out` removes what is stored; `ph_opt_in` begins anew.
 *
 * The files are locked (`fcntl`): a program that closes all its descriptors must
 * do so before `ph_init`. A relative path is taken from the working directory of
 * `ph_init`. `PH_ERROR_UTF8`; `PH_ERROR_UNSUPPORTED` in builds without the
 * feature `crash`, and on systems other than Linux on x86-64 and aarch64.
 */
PH_API
ph_status ph_config_set_storage_dir(ph_config *config,
                                    const char *path);

/**
 * Bounds the stored events, in bytes of the file: those of this process, as many again
 * of AI events, and what is adopted of each. An event may have half of it. What is
 * adopted beyond it is given up, the oldest first (`PH_STAT_DROPPED_OVERFLOW`). No
 * disk is taken before it is needed. Where many processes share a directory, the
 * first that starts anew adopts what all of them left: allow for the sum. 1 MiB to
 * 64 GiB; default 64 MiB.
 */
PH_API ph_status ph_config_set_storage_max_bytes(ph_config *config, uint64_t bytes);

/**
 * Gives up events that have been stored for so long, when they are adopted, and a
 * batch that has been tried for so long, counted from its first request; in place of
 * `ph_config_set_max_age_ms` where there is a storage directory. What waits behind a
 * batch, in a process that runs on, is not given up for its age: the bytes bound it.
 * Milliseconds, 1 to 365 days; default 7 days.
 */
PH_API ph_status ph_config_set_storage_max_age_ms(ph_config *config, uint64_t age_ms);

/**
 * Has stored events survive the end of the system, too, as a loss of power brings it
 * about. Without a storage directory it does nothing. Default false: what ends the
 * process costs nothing then, what ends the system costs what it had not written to
 * the disk by itself, which may be what was captured in the last half minute.
 *
 * A thread of its own (`posthog-sync`) tells the disk (`fdatasync`), at most once in
 * each `ph_config_set_flush_interval_ms`, and only if something was captured since
 * that is not settled. So an event is on the disk, or settled, when it was captured
 * that interval ago, and the disk has had its time, whether or not the server
 * answers. Events for which a `ph_flush` or `ph_shutdown` waits, and that are not
 * settled by half of its timeout, are told of then: they are on the disk when it
 * answers `PH_ERROR_TIMEOUT`, if the disk takes no longer than the other half. With
 * `PH_NO_WAIT` neither does. After an exception of the level fatal the disk is told
 * at once, without the capture waiting for it.
 *
 * What a process stored in its last interval before it died is the system's to write;
 * the disk is told of it an interval after another process has adopted it. The record
 * of a crash is the system's to write, too: nothing waits for a disk in a signal
 * handler. That an event is settled is not synced: after a loss of power some are sent
 * again, with the same uuids.
 *
 * A capture never waits for the sync; the first one in each page of memory that was
 * written to the disk takes some microseconds longer, and on file systems that keep
 * pages still while they write them (Btrfs) as long as that takes. Where the disk
 * fails, the log has one warning, and nothing else changes. `PH_ERROR_UNSUPPORTED` as
 * for `ph_config_set_storage_dir`.
 */
PH_API ph_status ph_config_set_storage_sync(ph_config *config, bool enabled);

/**
 * Reports crashes: `ph_init` sets handlers of the signals SEGV, BUS, ILL, FPE,
 * ABRT, TRAP and SYS, for the first client of the process that asks for it, until
 * its `ph_shutdown`. Needs `ph_config_set_storage_dir`, without which the log says
 * that there is none. Default false.
 *
 * When one of them arrives, registers, a part of the stack, the thread's name and
 * the time are written to the record, within 100 ms and without allocating; then
 * whoever had the signal before gets it unchanged, or the process ends by it as
 * it would have. If a former handler lets the program go on (as those of Go and
 * of Java do), there is no report. One that leaves by a jump (`siglongjmp`) is found
 * to have done so when the same thread crashes again, or ends, or calls
 * `ph_shutdown`, or one of the functions below that say more of the process; when
 * another thread does so, after five seconds.
 *
 * The next client with the same directory, API key and host that is made by
 * `ph_init` sends the report: `$exception`, `fatal`, not handled, of the mechanism
 * `signal`, with the time, the `ph_crash_set_distinct_id`, the super properties,
 * the steps and the release of the process that died. Its stack is unwound by the
 * executables and libraries on disk, if their build ids are those of the time.
 * `before_send` sees it, and it counts as accepted, for it is that client which makes
 * the event. The record is removed once that is stored or, where events cannot be,
 * once the server has it. Reports older than a week are given up, beyond 32 the
 * oldest, and those that two processes did not live to finish reading. Libraries
 * that are loaded later than the last of `ph_init`, `ph_client_start`, `ph_register`,
 * `ph_step_add` and `ph_crash_set_distinct_id` are told from others not by their build
 * ids, but by that their files have not been changed since the crash.
 *
 * The handlers run on a stack of their own, which the thread of `ph_init` gets at
 * once, and others by `ph_crash_thread_attach`. A child of `fork` has a record of
 * its own from its first call of the client on, and none before.
 * `PH_ERROR_UNSUPPORTED` as for `ph_config_set_storage_dir`.
 */
PH_API ph_status ph_config_set_crash_handler(ph_config *config, bool enabled);

/**
 * Gives the calling thread a stack on which signals are handled, so that a crash
 * is reported also when the thread has used up its own. For threads other than
 * the one of `ph_init`; given back when the thread ends. Does nothing for a thread
 * that has one. `PH_ERROR_UNSUPPORTED` without a crash handler,
 * `PH_ERROR_NO_MEMORY`.
 */
PH_API ph_status ph_crash_thread_attach(const ph_client *client);

/**
 * Says who the user is if the process dies from here on: on a user's own machine,
 * whoever was identified. `NULL`, the default, is nobody: PostHog makes no person
 * for the report. `PH_ERROR_UNSUPPORTED` without a storage directory.
 */
PH_API
ph_status ph_crash_set_distinct_id(const ph_client *client,
                                   const char *distinct_id);

/**
 * Writes down that the process is about to die, with the stack of the calling
 * thread: for the panic hooks of other languages. Safe in a signal handler: it
 * allocates nothing, takes no lock, and makes no call that is not. `message` is
 * `len` bytes without NUL, of which 4,096 are kept; `NULL` for none.
 *
 * The next start reports it as an exception of the type `panic`, otherwise as
 * `ph_config_set_crash_handler` says, which it does not need. If the same thread
 * then dies of a signal, within ten seconds, that is the same report.
 *
 * There is one for each process: `PH_ERROR_QUEUE_FULL` for a second.
 * `PH_ERROR_UNSUPPORTED` without a storage directory that can be used, and in a
 * child of `fork` that has not used the client yet; `PH_ERROR_SHUTDOWN`.
 */
PH_API ph_status ph_crash_write(const ph_client *client, const char *message, size_t len);

/**
 * Waits until flags can be evaluated in this process: until definitions have
 * been read, or loaded with `ph_definitions_load`. `timeout_ms`: `PH_NO_WAIT`
 * only starts the thread that reads them; `PH_FOREVER`: no limit.
 *
 * `PH_ERROR_TIMEOUT`; `PH_ERROR_SERVER` at once when PostHog refuses the secret
 * key and nothing was loaded; `PH_ERROR_UNSUPPORTED` when there is no secret
 * key, or `ph_config_set_local_evaluation` turned it off, and nothing was
 * loaded; `PH_ERROR_SHUTDOWN`, `PH_ERROR_THREAD`, `PH_ERROR_REENTRANT`.
 */
PH_API ph_status ph_flags_wait_ready(const ph_client *client, uint32_t timeout_ms);

/**
 * Asks PostHog now whether there are newer definitions of flags, and waits for
 * them. `timeout_ms`: `PH_NO_WAIT` leaves it to the thread; `PH_FOREVER`: no
 * limit. Whatever comes of it, definitions that were known before stay.
 *
 * `PH_OK`: they are as new as PostHog's. `PH_ERROR_NETWORK`: they could not be
 * read; the log says why. `PH_ERROR_SERVER`: PostHog refuses the key, or the
 * project is over its quota. `PH_ERROR_TIMEOUT`, and the others of
 * `ph_flags_wait_ready`.
 */
PH_API ph_status ph_flags_refresh(const ph_client *client, uint32_t timeout_ms);

/**
 * Sets what flags are, whatever definitions or PostHog say: for tests. `json` is
 * as in `ph_config_set_flags_bootstrap`, and replaces what was set before;
 * `NULL` for no more. Such values have the source `PH_FLAG_SOURCE_OVERRIDE`,
 * need no request, and reads of them are not told to PostHog. The other flags
 * are evaluated as always: `ph_config_set_flags_local_only` keeps a test from
 * asking for those. Does nothing for a client that is disabled or opted out.
 *
 * `PH_ERROR_JSON`, `PH_ERROR_UTF8`, `PH_ERROR_SHUTDOWN`, `PH_ERROR_REENTRANT`.
 */
PH_API ph_status ph_flags_override(const ph_client *client, const char *json);

/**
 * Loads definitions of flags from `json`, `json_len` bytes: what
 * `ph_definitions_save` gave, or PostHog's `GET /flags/definitions` answers.
 * They count from here on, in place of those that were known, until the next
 * poll finds newer ones: so a process that starts while PostHog cannot be
 * reached has its flags. Needs no secret key: without one they stay. Copied.
 *
 * `PH_ERROR_JSON` when it is not definitions: nothing has changed then.
 * `PH_ERROR_NULL`, `PH_ERROR_UNSUPPORTED` in a build without local evaluation,
 * `PH_ERROR_SHUTDOWN`, `PH_ERROR_REENTRANT`.
 */
PH_API
ph_status ph_definitions_load(const ph_client *client,
                              const char *json,
                              size_t json_len);

/**
 * Loads the definitions of flags that are in a file, which `ph_definitions_save_file`
 * wrote: as `ph_definitions_load` does. For a cold start:
 *
 * ```c
 * ph_definitions_load_file(client, path);
 * ph_flags_wait_ready(client, 1000);
 * ph_definitions_save_file(client, path);
 * ```
 *
 * `PH_ERROR_FILE` when it cannot be read, which the log tells more about, such as
 * in the first process; `PH_ERROR_JSON` when definitions are not what is in it.
 * Nothing has changed then. `PH_ERROR_NULL`, `PH_ERROR_UTF8` (of the path),
 * `PH_ERROR_UNSUPPORTED` in a build without local evaluation,
 * `PH_ERROR_SHUTDOWN`, `PH_ERROR_REENTRANT`.
 */
PH_API ph_status ph_definitions_load_file(const ph_client *client, const char *path);

/**
 * Writes the definitions of flags that this process uses now into a file, for the
 * next process. The file is replaced whole, so that nobody finds half of it, and
 * nobody but its owner may read it (mode 0600): definitions say whom flags are
 * released to. Waits for the disk.
 *
 * `PH_ERROR_UNSUPPORTED` when this process has none: a file that was there stays.
 * `PH_ERROR_FILE` when it cannot be written, which the log tells more about: the
 * same. `PH_ERROR_NULL`, `PH_ERROR_UTF8`, `PH_ERROR_SHUTDOWN`,
 * `PH_ERROR_REENTRANT`.
 */
PH_API ph_status ph_definitions_save_file(const ph_client *client, const char *path);

/**
 * The definitions of flags that this process uses now, as the text of a JSON
 * object, byte for byte as PostHog sent them: for a file that the next process
 * loads. They say whom flags are released to: keep them as safe as that.
 *
 * On success `*json_out` is the caller's, to free with `ph_string_free`; `NULL`
 * when there are none.
 */
PH_API ph_status ph_definitions_save(const ph_client *client, char **json_out);

/**
 * Explains how this process decides a flag for a distinct id: the path through
 * its conditions, the properties that were looked at, where the id falls, and
 * every reason why something could not be decided. Makes no request, and says
 * nothing of what PostHog would answer. `context` may be `NULL`. `format` is
 * one of `ph_explain`. The text has the values of properties in it: it is for
 * whoever may see those.
 *
 * On success `*text_out` is the caller's, to free with `ph_string_free`.
 * `PH_ERROR_NULL`, `PH_ERROR_UTF8`, `PH_ERROR_EMPTY`, `PH_ERROR_RANGE`,
 * `PH_ERROR_SHUTDOWN`, `PH_ERROR_REENTRANT`.
 */
PH_API
ph_status ph_flag_explain(const ph_client *client,
                          const char *distinct_id,
                          const char *key,
                          const ph_context *context,
                          int32_t format,
                          char **text_out);

/**
 * Hands over definitions, `json_len` bytes as a `ph_definitions_put_fn` was
 * given them. Copied. `PH_ERROR_NULL`.
 */
PH_API
ph_status ph_definitions_set(ph_definitions *definitions,
                             const char *json,
                             size_t json_len);

/**
 * Evaluates feature flags for a distinct id: in this process what its
 * definitions decide, and for the rest with one request to PostHog, and one
 * more if the first fails in a way that passes, all within `timeout_ms`
 * milliseconds (at least 1 for a request; `PH_FOREVER`: no limit). Blocks until
 * then. What is decided here wins.
 *
 * Whoever asks for the same while a request is under way waits for that one.
 * Of a distinct id PostHog looks at the first 200 characters, and so does this.
 *
 * `context` may be `NULL`. On success `*flags_out` is the caller's, to free
 * with `ph_flags_free`; on failure it is not written. Success may be partial:
 * a flag that could not be evaluated keeps the value that an earlier answer
 * for this id and context gave it (`PH_FLAG_SOURCE_STALE`), also when there is
 * no answer at all; where there is none it is not known, and
 * `ph_flags_get_reason` says why. It fails where nothing is known. A client
 * that is disabled or opted out makes no request: no flag is known then.
 *
 * `PH_ERROR_NULL`, `PH_ERROR_UTF8` and `PH_ERROR_EMPTY` (of the id),
 * `PH_ERROR_TIMEOUT`, `PH_ERROR_NETWORK`, `PH_ERROR_SERVER`,
 * `PH_ERROR_SHUTDOWN`, `PH_ERROR_REENTRANT`.
 */
PH_API
ph_status ph_flags_evaluate(const ph_client *client,
                            const char *distinct_id,
                            const ph_context *context,
                            uint32_t timeout_ms,
                            ph_flags **flags_out);

/**
 * The same, for a distinct id of so many bytes that needs no NUL.
 */
PH_API
ph_status ph_flags_evaluate_n(const ph_client *client,
                              const char *distinct_id,
                              size_t distinct_id_len,
                              const ph_context *context,
                              uint32_t timeout_ms,
                              ph_flags **flags_out);

/**
 * Gives all that `ph_flag_enabled` answers from: what can be evaluated without
 * a request, and for the rest what the client remembers of a distinct id, or
 * else what a request says, within `ph_config_set_flags_timeout_ms` in all. For whoever wants a payload or a
 * variant without a request for each read.
 *
 * `context` may be `NULL`. On success `*flags_out` is the caller's, to free
 * with `ph_flags_free`; on failure it is not written. A client that is
 * disabled or opted out knows no flag.
 *
 * `PH_ERROR_NULL`, `PH_ERROR_UTF8` and `PH_ERROR_EMPTY` (of the id),
 * `PH_ERROR_SHUTDOWN`, `PH_ERROR_REENTRANT`. Where nothing is remembered the
 * status says why: `PH_ERROR_NETWORK`, `PH_ERROR_SERVER`, or
 * `PH_ERROR_TIMEOUT`, also if the client may not wait.
 */
PH_API
ph_status ph_flags_recall(const ph_client *client,
                          const char *distinct_id,
                          const ph_context *context,
                          ph_flags **flags_out);

/**
 * Whether a flag is on for a distinct id: as the definitions of this process
 * decide it, or else from what the client remembers or from a request, never waiting for longer than
 * `ph_config_set_flags_timeout_ms` in all. `context` may be `NULL`.
 *
 * One request answers for every flag of a distinct id and context, holds for a
 * while (`ph_config_set_flags_ttl_ms`), and serves all threads that ask
 * meanwhile. When a later one fails, what was known before holds on, and the
 * next is made after a pause. Once two in a row have failed, whoever they were
 * about, nobody waits any more: a thread tries now and then whether PostHog is
 * back. With a timeout of 0 this never waits: it answers from what is
 * remembered, and a thread asks in the background. An answer that names a time to
 * wait (`Retry-After`) is heeded, up to 30 seconds, as after two failures.
 *
 * `fallback` when the value is not known: there is no such flag, it could not
 * be evaluated in time, an argument is not as it has to be, the client is
 * disabled, opted out, shut down or `NULL`, or this is called from inside a
 * callback. A flag that is off is `false`, whatever `fallback` is.
 */
PH_API
bool ph_flag_enabled(const ph_client *client,
                     const char *distinct_id,
                     const char *key,
                     const ph_context *context,
                     bool fallback);

/**
 * The same, for texts of so many bytes that need no NUL.
 */
PH_API
bool ph_flag_enabled_n(const ph_client *client,
                       const char *distinct_id,
                       size_t distinct_id_len,
                       const char *key,
                       size_t key_len,
                       const ph_context *context,
                       bool fallback);

/**
 * Creates an event. Both texts are copied.
 *
 * On success `*event_out` is the caller's, to free with `ph_event_free`; on
 * failure it is not written. `PH_ERROR_NULL`, `PH_ERROR_UTF8`, or
 * `PH_ERROR_EMPTY` for a text that is empty or blank: servers refuse a whole
 * batch for one.
 */
PH_API
ph_status ph_event_new(const char *distinct_id,
                       const char *name,
                       ph_event **event_out);

/**
 * Creates an event whose details are the text of a JSON object: for wrappers,
 * which so hand everything over at once. All texts are given with their length
 * in bytes and need no NUL.
 *
 * Members of `details`, all of them optional: `uuid` as in
 * `ph_event_set_uuid`, `timestamp` as in `ph_event_set_timestamp`,
 * `properties`, `set`, `set_once` and `options` (objects, treated as in
 * `ph_props_set_json`), `groups` (an object of group types and their keys).
 * `details_len` 0 means none.
 *
 * As `ph_event_new`; and `PH_ERROR_JSON` (of an unknown member, too),
 * `PH_ERROR_DEPTH`, and the errors of the setters that the members stand for.
 */
PH_API
ph_status ph_event_new_json(const char *distinct_id,
                            size_t distinct_id_len,
                            const char *name,
                            size_t name_len,
                            const char *details,
                            size_t details_len,
                            ph_event **event_out);

/**
 * Frees an event that one of the two created. Ignores `NULL`.
 */
PH_API void ph_event_free(ph_event *event);

/**
 * Replaces the event's name.
 */
PH_API ph_status ph_event_set_name(ph_event *event, const char *name);

/**
 * Replaces the distinct id: whose event it is.
 */
PH_API ph_status ph_event_set_distinct_id(ph_event *event, const char *distinct_id);

/**
 * Sets the event's identity, a hyphenated UUID (RFC 9562). Events of the same
 * UUID, name, id and time are one event to PostHog. Without it the event gets
 * a fresh version 7 UUID when it is captured. `PH_ERROR_UUID`.
 */
PH_API ph_status ph_event_set_uuid(ph_event *event, const char *uuid);

/**
 * Sets when it happened, in RFC 3339 (e.g. `2026-11-20T10:00:00.123+02:00`),
 * converted to UTC; up to nine digits of a second's fraction are kept. Without
 * it: the moment of capture, in microseconds. `PH_ERROR_TIMESTAMP`.
 */
PH_API ph_status ph_event_set_timestamp(ph_event *event, const char *rfc3339);

/**
 * The same, in milliseconds since 1970-01-01T00:00:00Z. The years 1 to 9999;
 * others give `PH_ERROR_TIMESTAMP`.
 */
PH_API ph_status ph_event_set_timestamp_ms(ph_event *event, int64_t unix_ms);

/**
 * Says in which group of a type the event happened; adds to `$groups`, and
 * `$group_0` to `$group_4` for types with an index (`ph_config_set_group_index`).
 * A type that is set again replaces the first.
 */
PH_API
ph_status ph_event_set_group(ph_event *event,
                             const char *group_type,
                             const char *group_key);

/**
 * Sets every property of `props` on the event. `props` is copied.
 */
PH_API ph_status ph_event_set_properties(ph_event *event, const ph_props *props);

/**
 * Removes a property. No error when it is not there.
 */
PH_API ph_status ph_event_remove_property(ph_event *event, const char *key);

/**
 * Person properties that this event sets: `$set`.
 */
PH_API ph_status ph_event_set_person_properties(ph_event *event, const ph_props *props);

/**
 * Person properties that this event sets where they are not set yet:
 * `$set_once`.
 */
PH_API
ph_status ph_event_set_person_properties_once(ph_event *event,
                                              const ph_props *props);

/**
 * Whether the event makes or updates a person profile: the property
 * `$process_person_profile`, the option `process_person_profile` of V1. Not sent
 * unless it is set; PostHog then takes it as true.
 */
PH_API ph_status ph_event_set_process_person_profile(ph_event *event, bool process);

/**
 * Whether PostHog identifies the user without cookies: the property
 * `$cookieless_mode`, the option `cookieless_mode` of V1.
 */
PH_API ph_status ph_event_set_cookieless_mode(ph_event *event, bool cookieless);

/**
 * Whether PostHog takes the event's time as it is, where it would correct for a
 * clock that is wrong: the property `$ignore_sent_at`, the option
 * `disable_skew_correction` of V1.
 */
PH_API ph_status ph_event_set_disable_skew_correction(ph_event *event, bool disable);

/**
 * The product tour that the event belongs to: the property `$product_tour_id`,
 * the option `product_tour_id` of V1.
 */
PH_API ph_status ph_event_set_product_tour_id(ph_event *event, const char *tour_id);

/**
 * Sets every member of `options` among the event's options, which V1 passes on
 * as they are, whatever their names and types: for options that this library
 * does not know. They win over those of the setters above; null counts as not
 * set. V0 sends the four known ones as the properties named there, and no
 * others. `options` is copied.
 *
 * The properties `$session_id` and `$window_id` need no setter: V1 has them
 * beside the properties, and takes texts alone.
 */
PH_API ph_status ph_event_set_options(ph_event *event, const ph_props *options);

/**
 * Adds the values of feature flags: `$feature/<key>` for each that is known,
 * and `$active_feature_flags`. Makes no request.
 */
PH_API ph_status ph_event_set_flags(ph_event *event, const ph_flags *flags);

/**
 * The event's name. Lasts until the next call with this event; `NULL` for
 * `NULL`.
 */
PH_API const char *ph_event_get_name(ph_event *event);

/**
 * The event's distinct id. Lasts until the next call with this event; `NULL`
 * for `NULL`.
 */
PH_API const char *ph_event_get_distinct_id(ph_event *event);

/**
 * The event's properties, as the text of a JSON object. In a `before_send`
 * callback these are all that will leave. Lasts until the next call with this
 * event; `NULL` for `NULL`.
 */
PH_API const char *ph_event_get_properties(ph_event *event);

/**
 * The text of one property's JSON value. Lasts until the next call with this
 * event; `NULL` when there is no such property.
 */
PH_API const char *ph_event_get_property(ph_event *event, const char *key);

/**
 * Creates an exception: of level `PH_LEVEL_ERROR`, handled, of the mechanism
 * `generic`.
 *
 * `type` is its class or category, e.g. `std::runtime_error`; PostHog groups
 * by it. `message` may be empty. Both are copied; invalid UTF-8 in them is
 * replaced, and they are cut after 65,536 bytes. On success `*exception_out` is
 * the caller's, to free with `ph_exception_free`; on failure it is not written.
 * `PH_ERROR_NULL`, `PH_ERROR_EMPTY` (of a blank type).
 */
PH_API
ph_status ph_exception_new(const char *type,
                           const char *message,
                           ph_exception **exception_out);

/**
 * Creates an exception, with all that it is made of, from JSON: for runtimes
 * that have such trees, such as Python's. `len` bytes, without NUL: an array of
 * objects, the outermost exception first, then depth first. Each has
 *
 * - `type` (text, not blank), and may have
 * - `value` (text): the message;
 * - `module` (text);
 * - `parent` (the index of an earlier one; without it the one before) and
 *   `source` (text, `cause` without it), as of `ph_exception_add_cause`; neither
 *   for the first;
 * - `handled` and `synthetic` (true or false), where that is known;
 * - `frames`, as of `ph_exception_set_frames`.
 *
 * Of more than 50 the first are kept. `PH_ERROR_JSON` for anything else,
 * `PH_ERROR_EMPTY`, `PH_ERROR_DEPTH`; then `*exception_out` is not written.
 */
PH_API
ph_status ph_exception_new_json(const char *json,
                                size_t len,
                                ph_exception **exception_out);

/**
 * Frees an exception. Ignores `NULL`.
 */
PH_API void ph_exception_free(ph_exception *exception);

/**
 * Sets the level, one of `ph_level`; others give `PH_ERROR_RANGE`.
 */
PH_API ph_status ph_exception_set_level(ph_exception *exception, int32_t level);

/**
 * Says whether the program dealt with it (the default) or it escaped.
 */
PH_API ph_status ph_exception_set_handled(ph_exception *exception, bool handled);

/**
 * Says whether the frames are of another place than the error itself, or
 * what is reported was not an exception at all. By default they are when they
 * were taken by the capture.
 */
PH_API ph_status ph_exception_set_synthetic(ph_exception *exception, bool synthetic);

/**
 * Sets by what kind of thing it was noticed. PostHog knows `generic` (the
 * default), `logger`, `onuncaughtexception`, `middleware`, `task`, `panic`,
 * `signal`, `crash_reporter` and others; any other name is kept. Not blank.
 */
PH_API
ph_status ph_exception_set_mechanism(ph_exception *exception,
                                     const char *mechanism);

/**
 * Sets the `$exception_source`: which integration reports it, in the form
 * `<technology>.<hook>`, e.g. `cpp.terminate_handler`. Nothing about users,
 * paths or versions; nothing at all for an exception that was captured by hand.
 */
PH_API ph_status ph_exception_set_source(ph_exception *exception, const char *source);

/**
 * Sets the trace and the span in which it happened (`$trace_id`, `$span_id`), as
 * W3C Trace Context writes them: 32 and 16 hexadecimal digits, not all of them
 * 0. `PH_ERROR_RANGE` for anything else.
 */
PH_API
ph_status ph_exception_set_trace(ph_exception *exception,
                                 const char *trace_id,
                                 const char *span_id);

/**
 * Sets the event's UUID, by which a host may refer to the report; without it
 * each capture has a fresh one. PostHog keeps one event of each, so that an
 * exception with one should be captured once. `PH_ERROR_UUID`.
 */
PH_API ph_status ph_exception_set_uuid(ph_exception *exception, const char *uuid);

/**
 * Sets when it happened, in milliseconds since 1970; without it, when it is
 * captured. `PH_ERROR_TIMESTAMP` outside the years 1 to 9999.
 */
PH_API ph_status ph_exception_set_timestamp_ms(ph_exception *exception, int64_t unix_ms);

/**
 * The exception happened in this group. One for each type.
 */
PH_API
ph_status ph_exception_set_group(ph_exception *exception,
                                 const char *group_type,
                                 const char *key);

/**
 * Sets the fingerprint by which PostHog groups it, in place of its own choice.
 */
PH_API
ph_status ph_exception_set_fingerprint(ph_exception *exception,
                                       const char *fingerprint);

/**
 * Whether the stack of the thread that captures the exception is taken, and how
 * many of its innermost frames are left out: 0 begins with the function that
 * calls `ph_capture_exception`, 1 with its caller. Without this call it is taken
 * when the exception has no frames of its own. Only the outermost exception's
 * setting counts.
 */
PH_API
ph_status ph_exception_set_stack(ph_exception *exception,
                                 bool taken,
                                 uint32_t skip);

/**
 * Sets machine frames in place of those it had: `count` return addresses, as
 * unwinders and `backtrace` give them, the innermost first. What is looked up
 * is the call before each. The images that they lie in must still be loaded
 * when the exception is captured. Copied, up to 64.
 */
PH_API
ph_status ph_exception_set_addresses(ph_exception *exception,
                                     const size_t *addresses,
                                     size_t count);

/**
 * Sets frames in place of those that were added: a JSON array of objects in
 * PostHog's frame format (`platform`, `function`, `filename`, `lineno`,
 * `in_app`, ...), the outermost first, as PostHog has them. `len` bytes, without
 * NUL. For runtimes that have stacks of their own, such as Python's; objects
 * are sent as they are, `in_app` added where it is absent. Of more than 64 the
 * innermost stay. `PH_ERROR_JSON` for anything else, `PH_ERROR_DEPTH`.
 */
PH_API
ph_status ph_exception_set_frames(ph_exception *exception,
                                  const char *json,
                                  size_t len);

/**
 * Adds an exception that this one is made of or comes from, and all that is in
 * it. `source` says how: `cause`, `context`, `member` (of a group), `suppressed`,
 * `inner`, or another name; `NULL` means `cause`.
 *
 * `cause` is copied as it is now, and stays the caller's; so a cycle cannot
 * arise. Siblings keep the order in which they are added; of the whole tree at
 * most 50 are kept, depth first.
 */
PH_API
ph_status ph_exception_add_cause(ph_exception *exception,
                                 const ph_exception *cause,
                                 const char *source);

/**
 * Adds a stack frame: the innermost first, then its caller, and so on; beyond
 * 64 they are left out. Each text may be `NULL` for unknown, and `line` 0.
 * `in_app` is true for the program's own code. All texts are copied, and invalid
 * UTF-8 in them is replaced.
 */
PH_API
ph_status ph_exception_add_frame(ph_exception *exception,
                                 const char *function,
                                 const char *file,
                                 uint32_t line,
                                 const char *module,
                                 bool in_app);

/**
 * Sets every property of `props` on the event. What describes the exception
 * itself (`$exception_list`, `$exception_level`, `$exception_source`,
 * `$exception_suppressed_count`, `$debug_images`) is the library's, and what
 * PostHog derives from it is PostHog's: both are left out.
 */
PH_API
ph_status ph_exception_set_properties(ph_exception *exception,
                                      const ph_props *props);

/**
 * How long `ph_flag_enabled` answers from what it has asked before.
 * Milliseconds, 1 to 86,400,000; default 60,000.
 */
PH_API ph_status ph_config_set_flags_ttl_ms(ph_config *config, uint32_t ttl_ms);

/**
 * Bounds for how many identities it remembers the answer. 1 to 1,000,000;
 * default 10,000.
 */
PH_API
ph_status ph_config_set_flags_max_identities(ph_config *config,
                                             uint32_t identities);

/**
 * Bounds the total time of `ph_flag_enabled`, its retry included. Milliseconds,
 * up to 600,000; default 3,000. 0 is not the default but no waiting at all:
 * answers come from what is known, and a refresh runs in the background.
 */
PH_API ph_status ph_config_set_flags_timeout_ms(ph_config *config, uint32_t timeout_ms);

/**
 * Whether flags are evaluated in this process when there is a secret key.
 * Default true. False: nothing reads definitions, and there is no thread for
 * it; what `ph_definitions_load` brings is still used.
 */
PH_API ph_status ph_config_set_local_evaluation(ph_config *config, bool local_evaluation);

/**
 * Whether flags are evaluated without any request: one that this process cannot
 * decide is not known then. Default false. `ph_context_set_local_only` says so
 * for one call.
 */
PH_API ph_status ph_config_set_flags_local_only(ph_config *config, bool local_only);

/**
 * Sets what flags are for as long as nothing else is known of them: before the
 * first answer, while PostHog cannot be reached, and for flags that it does not
 * have. `json` is an object: for each key `true`, `false`, the name of a
 * variant, or an object with `enabled`, `variant` and `payload`; or an array of
 * the keys that are on. Copied; `NULL` for none. Such values have the source
 * `PH_FLAG_SOURCE_DEFAULT`. `PH_ERROR_JSON`.
 */
PH_API ph_status ph_config_set_flags_bootstrap(ph_config *config, const char *json);

/**
 * Whether PostHog is told which flags are read, which experiments live on: an
 * event `$feature_flag_called` for each value of a flag that is read for a
 * distinct id and groups, once for each of up to 50,000 distinct ids. Reading
 * is what `ph_flag_enabled`, `ph_flags_is_enabled`, `ph_flags_is_known` and
 * `ph_flags_get_variant` do. Default true. As of any event, PostHog may drop one
 * whose distinct id is longer than 200 bytes; the flag has its value all the same.
 */
PH_API ph_status ph_config_set_flag_events(ph_config *config, bool flag_events);

/**
 * Sets how long definitions of flags are taken for right before PostHog is
 * asked whether there are newer ones. Milliseconds, 100 to 86,400,000; default
 * 30,000. Each pause is up to a tenth longer or shorter, so that processes
 * which were started together do not ask together, and longer after failures.
 */
PH_API ph_status ph_config_set_definitions_poll_ms(ph_config *config, uint32_t poll_ms);

/**
 * Sets where definitions of flags are shared with other processes, so that a
 * fleet reads them from PostHog once: before each poll `get` is asked, and what
 * this process has read is given to `put`. Both must not be `NULL`;
 * `userdata_free` may be, and runs when neither can be called any more: a lock
 * is released there. With a cache and no secret key only the cache is read.
 * When it fails, this process reads by itself. examples/shared_definitions.c
 * shares them through a file, with a lock.
 */
PH_API
ph_status ph_config_set_definitions_cache(ph_config *config,
                                          ph_definitions_get_fn get,
                                          ph_definitions_put_fn put,
                                          void *userdata,
                                          ph_userdata_free_fn userdata_free);

/**
 * Adds properties of a person that go along with every later evaluation of
 * this distinct id's flags, and of nobody else's: for what PostHog does not
 * know yet, since events take their time. What the context of an evaluation
 * says wins. Sends nothing. `props` is copied; a key that is set again
 * replaces the first.
 *
 * Kept in memory for as many distinct ids as `ph_config_set_flags_max_identities`
 * says, those used longest ago forgotten first, and across `fork`.
 * `PH_ERROR_NULL`, `PH_ERROR_UTF8`, `PH_ERROR_EMPTY`, `PH_ERROR_TOO_LARGE`,
 * `PH_ERROR_NO_MEMORY`, `PH_ERROR_SHUTDOWN`, `PH_ERROR_REENTRANT`.
 */
PH_API
ph_status ph_flags_set_person_properties(const ph_client *client,
                                         const char *distinct_id,
                                         const ph_props *props);

/**
 * The same for one group of a type: they go along with every later evaluation
 * whose context names this group.
 */
PH_API
ph_status ph_flags_set_group_properties(const ph_client *client,
                                        const char *group_type,
                                        const char *group_key,
                                        const ph_props *props);

/**
 * Forgets what `ph_flags_set_person_properties` told of a distinct id, of all
 * when it is `NULL`. `PH_ERROR_UTF8`, `PH_ERROR_SHUTDOWN`,
 * `PH_ERROR_REENTRANT`.
 */
PH_API
ph_status ph_flags_reset_person_properties(const ph_client *client,
                                           const char *distinct_id);

/**
 * Forgets what `ph_flags_set_group_properties` told of a group, of all groups
 * when `group_type` is `NULL`. `PH_ERROR_NULL` for a type without a key,
 * `PH_ERROR_UTF8`, `PH_ERROR_SHUTDOWN`, `PH_ERROR_REENTRANT`.
 */
PH_API
ph_status ph_flags_reset_group_properties(const ph_client *client,
                                          const char *group_type,
                                          const char *group_key);

/**
 * Frees what an evaluation gave, and every text that it lent. Ignores `NULL`.
 */
PH_API void ph_flags_free(ph_flags *flags);

/**
 * Whether a flag is on: released to this distinct id, in whatever variant.
 * `fallback` when that is not known: there is no such flag, it could not be
 * evaluated, or `flags` is `NULL`.
 *
 * This, `ph_flags_is_known` and `ph_flags_get_variant` read a flag's value;
 * the others do not, see `ph_flags_only_accessed`.
 */
PH_API bool ph_flags_is_enabled(const ph_flags *flags, const char *key, bool fallback);

/**
 * Whether the value of a flag is known. One that is off is known.
 */
PH_API bool ph_flags_is_known(const ph_flags *flags, const char *key);

/**
 * The variant of a flag that has several, and is on. Lasts as long as
 * `flags`. `NULL` for a flag that is off, has no variants, or is not known.
 */
PH_API const char *ph_flags_get_variant(const ph_flags *flags, const char *key);

/**
 * The payload of a flag, as the text of a JSON value. Lasts as long as
 * `flags`. `NULL` when it has none, or is not known.
 */
PH_API const char *ph_flags_get_payload(const ph_flags *flags, const char *key);

/**
 * Why a flag has its value, in PostHog's code: `condition_match`,
 * `no_condition_match`, `out_of_rollout_bound`, and others. Or why it is not
 * known: the server's code, `evaluation_failed` where it gives none,
 * `malformed` for a record that could not be read, `quota_limited` when the
 * project is over its quota of flag requests; `timeout`, `connection_error`
 * or `api_error_<status>` when there was no answer; and of an evaluation
 * without the server `missing_context`, `unresolved_dependency`,
 * `unsupported_definition` or `experience_continuity`. Lasts as long as
 * `flags`. `NULL` when there is no such flag, or nobody said.
 */
PH_API const char *ph_flags_get_reason(const ph_flags *flags, const char *key);

/**
 * Where the value of a flag came from: one of `ph_flag_source`.
 */
PH_API ph_flag_source ph_flags_get_source(const ph_flags *flags, const char *key);

/**
 * How long ago the value of a flag was evaluated, or came from PostHog, in
 * milliseconds. -1 when it is not known, or of unknown age.
 */
PH_API int64_t ph_flags_get_age_ms(const ph_flags *flags, const char *key);

/**
 * The number by which PostHog knows a flag; -1 when nobody said.
 */
PH_API int64_t ph_flags_get_id(const ph_flags *flags, const char *key);

/**
 * Which version of a flag's definition was evaluated; -1 when nobody said.
 */
PH_API int64_t ph_flags_get_version(const ph_flags *flags, const char *key);

/**
 * PostHog's name for the request of this evaluation, to look it up. Lasts as
 * long as `flags`. `NULL` without a request, or without an answer.
 */
PH_API const char *ph_flags_get_request_id(const ph_flags *flags);

/**
 * How many flags are known. 0 for `NULL`.
 */
PH_API size_t ph_flags_get_count(const ph_flags *flags);

/**
 * The key of a known flag; `index` counts from 0, in the order of the keys'
 * bytes. Lasts as long as `flags`. `NULL` from `ph_flags_get_count` on.
 */
PH_API const char *ph_flags_get_key(const ph_flags *flags, size_t index);

/**
 * The key of a flag that exists and is not known: `ph_flags_get_reason` says
 * why, and says so as well of a key that nobody knows, which is not listed
 * here. `index` counts from 0, in the order of the keys' bytes. Lasts as long
 * as `flags`. `NULL` when there are no more.
 */
PH_API const char *ph_flags_get_unknown_key(const ph_flags *flags, size_t index);

/**
 * A copy with those flags whose value was read, none at first: for an event
 * that is to carry what a decision was made of, and not every flag of the
 * project. Payloads, reasons and keys are not values. Reads of the copy are
 * its own.
 *
 * On success `*flags_out` is the caller's, to free with `ph_flags_free`; on
 * failure it is not written. `PH_ERROR_NULL`.
 */
PH_API ph_status ph_flags_only_accessed(const ph_flags *flags, ph_flags **flags_out);

/**
 * A copy with the flags of these `count` keys, as far as they are here.
 *
 * On success `*flags_out` is the caller's, to free with `ph_flags_free`; on
 * failure it is not written. `PH_ERROR_NULL`, also for a key.
 */
PH_API
ph_status ph_flags_only(const ph_flags *flags,
                        const char *const *keys,
                        size_t count,
                        ph_flags **flags_out);

/**
 * Sends requests by a proxy: `http://[user[:password]@]host[:port]`, or `https://`
 * if the way to the proxy itself is TLS. User and password are percent-encoded,
 * and sent by HTTP's basic authentication. The proxy makes a tunnel (`CONNECT`) to
 * the host for http as well as https, and resolves its name.
 *
 * `NULL`, the default, takes the proxy that the environment names when `ph_init` is
 * called: `https_proxy` or `HTTPS_PROXY` for an https host, `http_proxy` or
 * `HTTP_PROXY` for another, `all_proxy` or `ALL_PROXY` for both; unless `no_proxy`
 * or `NO_PROXY` names the host, a domain above it, or its network (`10.0.0.0/8`). An
 * empty text is no proxy, whatever the environment says. `PH_ERROR_HOST`;
 * `PH_ERROR_UNSUPPORTED` for `https://` in a build without the feature `tls`.
 */
PH_API ph_status ph_config_set_proxy(ph_config *config, const char *url);

/**
 * Trusts the certificates of that file (PEM), and no others, to sign a server's.
 * The file is read by `ph_init`, which answers `PH_ERROR_FILE` if it cannot be read
 * or holds no certificate or a broken one; the log says why. `NULL`, the default,
 * trusts what the operating system trusts, or, where that is nothing, the roots that
 * the library brings.
 */
PH_API ph_status ph_config_set_ca_file(ph_config *config, const char *path);

/**
 * Adds a header to every request, in place of one of that name that was added
 * before. Where the library sends a header of the same name itself, its own wins.
 *
 * The name is one of HTTP (RFC 9110, a token) in any case, the value printable ASCII,
 * both together at most 8 KiB, and there are at most 64: else `PH_ERROR_RANGE`, as
 * for the names that HTTP itself needs (`Host`, `Connection`, `Transfer-Encoding`, …),
 * `Content-*` and `User-Agent` (`ph_config_set_library` sets that one).
 */
PH_API
ph_status ph_config_add_header(ph_config *config,
                               const char *name,
                               const char *value);

/**
 * Creates an empty property map. It is the caller's, to free with
 * `ph_props_free`.
 */
PH_API ph_props *ph_props_new(void);

/**
 * Frees a property map. Ignores `NULL`.
 */
PH_API void ph_props_free(ph_props *props);

/**
 * Removes every key and keeps the memory: a map that is filled, captured
 * and cleared in turn allocates nothing.
 */
PH_API ph_status ph_props_clear(ph_props *props);

/**
 * Sets a string. `key` and `value` are copied. Invalid UTF-8 in `value` is
 * replaced by U+FFFD and counted in `PH_STAT_REPAIRED_VALUES`; in `key` it is
 * refused.
 *
 * All setters: `PH_ERROR_NULL`, `PH_ERROR_UTF8` and `PH_ERROR_EMPTY` (of the
 * key), `PH_ERROR_TOO_LARGE` (the map would exceed 16 MiB),
 * `PH_ERROR_NO_MEMORY`.
 */
PH_API ph_status ph_props_set_str(ph_props *props, const char *key, const char *value);

/**
 * The same, of texts that are given with their length in bytes and need no
 * NUL. One inside either is replaced by U+FFFD and counted.
 */
PH_API
ph_status ph_props_set_str_n(ph_props *props,
                             const char *key,
                             size_t key_len,
                             const char *value,
                             size_t value_len);

/**
 * Sets a signed integer.
 */
PH_API ph_status ph_props_set_int(ph_props *props, const char *key, int64_t value);

/**
 * Sets an unsigned integer.
 */
PH_API ph_status ph_props_set_uint(ph_props *props, const char *key, uint64_t value);

/**
 * Sets a floating-point number, written in the fewest digits that read back
 * as the same. NaN and the infinities, which JSON does not have, become null
 * and are counted in `PH_STAT_REPAIRED_VALUES`.
 */
PH_API ph_status ph_props_set_double(ph_props *props, const char *key, double value);

/**
 * Sets true or false.
 */
PH_API ph_status ph_props_set_bool(ph_props *props, const char *key, bool value);

/**
 * Sets null.
 */
PH_API ph_status ph_props_set_null(ph_props *props, const char *key);

/**
 * Sets a copy of another map as a nested object. `PH_ERROR_DEPTH` when that
 * makes more than 64 levels.
 */
PH_API
ph_status ph_props_set_object(ph_props *props,
                              const char *key,
                              const ph_props *value);

/**
 * Sets any JSON value (RFC 8259) from its text: arrays, nested objects.
 *
 * The text is validated, compacted and copied. NUL characters, lone
 * surrogates and invalid UTF-8 become U+FFFD, numbers beyond a double become
 * null, each counted in `PH_STAT_REPAIRED_VALUES`; of a key that an object
 * repeats, the last stays. `PH_ERROR_JSON` for anything that is not JSON,
 * `PH_ERROR_DEPTH` for more than 64 levels.
 */
PH_API ph_status ph_props_set_json(ph_props *props, const char *key, const char *json);

/**
 * Sets every member of a JSON object, given as `len` bytes of text; treated
 * as in `ph_props_set_json`. All or nothing.
 */
PH_API ph_status ph_props_set_members(ph_props *props, const char *json, size_t len);

/**
 * Removes a key. No error when it is not there.
 */
PH_API ph_status ph_props_remove(ph_props *props, const char *key);

/**
 * Sets the capture protocol: one of `ph_protocol`. Default `PH_PROTOCOL_AUTO`.
 */
PH_API ph_status ph_config_set_protocol(ph_config *config, int32_t protocol);

/**
 * Says that all events of this client are an import of what happened long ago:
 * PostHog then takes them past the checks that live events have to pass.
 * Default false.
 */
PH_API ph_status ph_config_set_historical_migration(ph_config *config, bool historical);

/**
 * Takes up to `max_events` queued events out, oldest first, as the text of a
 * JSON array of events as `POST /batch/` has them. They are counted in
 * `PH_STAT_DRAINED` and will not be sent. An array without elements when
 * nothing is queued.
 *
 * On success `*json_out` is the caller's, to free with `ph_string_free`.
 */
PH_API
ph_status ph_queue_drain(const ph_client *client,
                         size_t max_events,
                         char **json_out);

/**
 * Sets who is told of faults on the way to the server, in place of whoever was
 * before; `on_error` may be `NULL` for nobody, and so may `userdata_free`.
 */
PH_API
ph_status ph_config_set_on_error(ph_config *config,
                                 ph_error_fn on_error,
                                 void *userdata,
                                 ph_userdata_free_fn userdata_free);

/**
 * Takes the oldest report of a fault on the way to the server, with all that
 * happened alike since; `NULL` when there is none. The last 32 are kept until somebody
 * takes them. The report is the caller's, to free with `ph_report_free`. Works inside
 * callbacks.
 */
PH_API ph_report *ph_error_next(const ph_client *client);

/**
 * Frees a report. Ignores `NULL`.
 */
PH_API void ph_report_free(ph_report *report);

/**
 * A number of a report: `field` is one of `ph_report_field`. 0 for any other, and for
 * `NULL`.
 */
PH_API int64_t ph_report_get(const ph_report *report, int32_t field);

/**
 * The host that was asked, as `ph_config_set_host` took it. Lasts as long as the
 * report; `NULL` for `NULL`.
 */
PH_API const char *ph_report_get_host(const ph_report *report);

/**
 * What happened the last time, in English. Lasts as long as the report; `NULL` for
 * `NULL`.
 */
PH_API const char *ph_report_get_message(const ph_report *report);

/**
 * Writes the first `count` statistics to `values`, indexed by `ph_stat`, and
 * returns how many there are. Those of the ledger, up to
 * `PH_STAT_QUEUED_BYTES`, are one consistent snapshot; AI events are among them. `values` may be `NULL`
 * when `count` is 0. A `NULL` client has zeros. Works inside callbacks.
 */
PH_API
size_t ph_stats_get(const ph_client *client,
                    uint64_t *values,
                    size_t count);

/**
 * What a status means, in English, without a full stop.
 *
 * Takes the number, so that any value may be asked about: an unknown one gives
 * `"unknown status"`. The text is static. Works inside callbacks.
 */
PH_API const char *ph_status_text(int32_t status);

/**
 * Frees a string that the library said is the caller's. Ignores `NULL`.
 */
PH_API void ph_string_free(char *string);

/**
 * Keeps events for `ph_queue_drain` and sends nothing: no thread, no socket.
 * `ph_flush` and `ph_shutdown` answer at once and leave events where they are; flags
 * that are asked for are not known. Default false. A test of what a program captures is
 * five lines:
 *
 * ```c
 * ph_config_set_capture_only(config, true);
 * ph_init(config, &client);
 * place_order(client);
 * ph_queue_drain(client, 100, &events);
 * assert(strstr(events, "\"event\":\"order placed\""));
 * ```
 */
PH_API ph_status ph_config_set_capture_only(ph_config *config, bool capture_only);

/**
 * Makes what is captured the same in each run: events without a time of their own are
 * of that time (Unix milliseconds), and those without a uuid of their own have the next
 * of a sequence that `seed` begins. So are the times and the ids of requests, the ids of
 * exceptions without one, and the times of steps. Deadlines, flush intervals and retries
 * go by the real clock, and so do flags: when they were evaluated, and conditions on
 * dates. Only for tests: uuids of two processes collide. A later call takes the place of
 * an earlier one. `PH_ERROR_TIMESTAMP` outside the years 1 to 9999.
 */
PH_API
ph_status ph_config_set_deterministic(ph_config *config,
                                      int64_t unix_ms,
                                      uint64_t seed);

/**
 * Says whose code frames are that begin with `prefix`: the program's own
 * (`in_app`) or a library's. What has to begin with it is the path of the
 * module, the source file, or the name of the function, e.g.
 * `/opt/game/vendor/`, `/build/third_party/` or `engine::`. May be called many
 * times; the longest prefix that fits wins. Without one, everything is the
 * program's but what lies in the system's folders, in folders of fetched
 * packages, and in the runtimes of C++ and Rust. Frames that say `in_app`
 * themselves keep it. `PH_ERROR_EMPTY` for an empty prefix.
 */
PH_API
ph_status ph_config_set_in_app(ph_config *config,
                               const char *prefix,
                               bool in_app);

/**
 * Sets the release that is running, the `$release_id` of its exceptions: the id
 * that PostHog's command line gave to the symbols of this build when it
 * uploaded them. An exception's own `$release_id` wins. `NULL` or an empty text
 * means none. `ph_config_from_env` takes it from `POSTHOG_RELEASE_ID`.
 */
PH_API ph_status ph_config_set_release(ph_config *config, const char *release_id);

/**
 * Limits exceptions of the same kind, which have the type and the innermost
 * frames in common: `burst` at once, 1 to 1,000,000, then one in each
 * `interval_ms`, 1 to 86,400,000. All kinds together may be ten times as many.
 * 0 means the default: 10, and one in 10,000 ms. A `burst` of `PH_FOREVER` means
 * that there is no limit.
 *
 * Those beyond are `PH_ERROR_SUPPRESSED`; the next of their kind that is sent
 * has their number in `$exception_suppressed_count`.
 */
PH_API
ph_status ph_config_set_exception_limit(ph_config *config,
                                        uint32_t burst,
                                        uint32_t interval_ms);

/**
 * Remembers a step: what the program did, for the exceptions that come after.
 *
 * Each later exception of this client has the last steps in
 * `$exception_steps`, the oldest first, as many as fit into 32,768 bytes of
 * JSON; unless it brings that property itself. A capture does not clear them.
 * A step has the time, `message`, and the members of `props`, which may be
 * `NULL`; its `$message` and `$timestamp` are left out, with a warning. All of
 * it is copied. `PH_ERROR_EMPTY` for a blank message, `PH_ERROR_TOO_LARGE` for
 * a step that is larger than the whole. In a child of `fork` there are none.
 */
PH_API
ph_status ph_step_add(const ph_client *client,
                      const char *message,
                      const ph_props *props);

/**
 * Has the host carry every request, of events and of flags: for hosts with an HTTP
 * stack of their own, and for tests. Retries, batches, compression and deadlines stay
 * the library's; proxy and certificates are the host's, and redirects are followed only
 * within one origin. `NULL`, the default, leaves it to the library. `userdata` is handed
 * to each call; `userdata_free` may be `NULL`.
 *
 * A build without the feature `tls` is smaller, and sends to https hosts only this way.
 */
PH_API
ph_status ph_config_set_transport(ph_config *config,
                                  ph_transport_fn transport,
                                  void *userdata,
                                  ph_userdata_free_fn userdata_free);

/**
 * Sets the answer's HTTP status, 100 to 999. An answer without one is none.
 */
PH_API ph_status ph_response_set_status(ph_response *response, uint32_t status);

/**
 * Adds a header of the answer. The library looks at `Retry-After`, `Location` and
 * `Date`. Ignores one that HTTP does not allow.
 */
PH_API
ph_status ph_response_add_header(ph_response *response,
                                 const char *name,
                                 const char *value);

/**
 * Appends `len` bytes to the answer's body, without any content or transfer encoding.
 * `data` may be `NULL` if `len` is 0. `PH_ERROR_NO_MEMORY`.
 */
PH_API
ph_status ph_response_append_body(ph_response *response,
                                  const char *data,
                                  size_t len);

/**
 * The library's version, e.g. `"0.1.0"`: compare it with `PH_VERSION` of the header that you
 * compiled against. The text is static. Works inside callbacks.
 */
PH_API
const char *ph_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* POSTHOG_H */
