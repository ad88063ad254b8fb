/* What becomes of each call when one of its allocations fails. For every call, and for its first,
 * second, … allocation, a child process makes that one fail (or it and all later ones), and tells
 * how the call ended. Prints a table.
 *
 * A call that answers for its memory, at least for allocations from some size on, has to end with
 * PH_ERROR_NO_MEMORY or to succeed, and to have changed nothing; smaller ones may abort the
 * process, as Rust does. Nothing may end in any other way.
 *
 * memory */
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* glibc's own names for what this file replaces. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

/* Allocations of this thread until one fails; negative for never. */
static _Thread_local long until_failure = -1;
static _Thread_local bool all_later_too;
static _Thread_local bool has_failed;

/* The largest that has failed; shared with the child, which may not live to tell. */
static size_t *failed_size;

static bool fails(size_t size) {
  if (until_failure < 0 || until_failure-- > 0) {
    return false;
  }
  until_failure = all_later_too ? 0 : -1;
  has_failed = true;
  *failed_size = size > *failed_size ? size : *failed_size;
  errno = ENOMEM;
  return true;
}

void *malloc(size_t size) { return fails(size) ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) {
  return fails(count * size) ? NULL : __libc_calloc(count, size);
}
void *realloc(void *old, size_t size) { return fails(size) ? NULL : __libc_realloc(old, size); }
int posix_memalign(void **out, size_t alignment, size_t size) {
  void *memory = fails(size) ? NULL : __libc_memalign(alignment, size);
  *out = memory == NULL ? *out : memory;
  return memory == NULL ? ENOMEM : 0;
}
void *aligned_alloc(size_t alignment, size_t size) {
  return fails(size) ? NULL : __libc_memalign(alignment, size);
}

/* How a call ended. */
typedef enum { SUCCEEDED, NO_MEMORY, OTHERWISE } ending;

static ending of_status(ph_status status) {
  return status == PH_OK ? SUCCEEDED : status == PH_ERROR_NO_MEMORY ? NO_MEMORY : OTHERWISE;
}

static ending of_pointer(const void *pointer) { return pointer == NULL ? NO_MEMORY : SUCCEEDED; }

/* What the calls work with: nobody listens at the address, and nothing is ever sent. */
static ph_config *config;
static ph_client *client;
static ph_props *props;
static ph_props *filled;
static ph_event *event;
static ph_exception *exception;
static ph_context *context;
static char long_text[4096];
static char long_json[4096 + 64];

static void prepare(void) {
  memset(long_text, 'x', sizeof long_text - 1);
  snprintf(long_json, sizeof long_json, "{\"a\":[1,{\"b\":\"\\u00e9\"}],\"t\":\"%s\",\"a\":2}",
           long_text);
  config = config_for("http://127.0.0.1:9");
  CHECK_OK(ph_config_set_flush_interval_ms(config, 3600 * 1000));
  CHECK_OK(ph_config_set_flush_at(config, 1000000));
  CHECK_OK(ph_init(config, &client));
  props = ph_props_new();
  filled = ph_props_new();
  CHECK_OK(ph_props_set_str(filled, "plan", long_text));
  CHECK_OK(ph_props_set_int(filled, "n", 1));
  CHECK_OK(ph_event_new("user", "event", &event));
  CHECK_OK(ph_event_set_group(event, "company", "acme"));
  CHECK_OK(ph_event_set_properties(event, filled));
  CHECK_OK(ph_exception_new("Error", "message", &exception));
  CHECK_OK(ph_exception_set_properties(exception, filled));
  context = ph_context_new();
}

static void warm(void) {
  prepare();
  CHECK_OK(ph_capture(client, "user", "warm", filled));
}

/* With super properties of which an event has one too. */
static void warm_with_super(void) {
  warm();
  CHECK_OK(ph_register(client, filled));
}

/* The next event is the first of a batch. */
static void at_new_batch(void) {
  prepare();
  CHECK_OK(ph_client_start(client));
}

static ending props_new(void) { return of_pointer(ph_props_new()); }
static ending props_str(void) { return of_status(ph_props_set_str(props, "key", "value")); }
static ending props_long(void) { return of_status(ph_props_set_str(props, "key", long_text)); }
static ending props_again(void) { return of_status(ph_props_set_str(filled, "plan", long_text)); }
static ending props_object(void) { return of_status(ph_props_set_object(props, "o", filled)); }
static ending props_json(void) { return of_status(ph_props_set_json(props, "j", long_json)); }
static ending props_members(void) {
  return of_status(ph_props_set_members(props, long_json, strlen(long_json)));
}

static ending capture(void) { return of_status(ph_capture(client, "user", "event", filled)); }
static ending capture_escaped(void) { return of_status(ph_capture(client, "us\"er", "e", NULL)); }
static ending capture_event(void) {
  char uuid[PH_UUID_SIZE];
  return of_status(ph_capture_event(client, event, uuid));
}
static ending capture_json(void) {
  size_t length = strlen(long_json);
  return of_status(ph_capture_json(client, "user", 4, "event", 5, long_json, length));
}
static ending identify(void) { return of_status(ph_identify(client, "user", filled, filled)); }
static ending alias(void) { return of_status(ph_alias(client, "user", "other")); }
static ending group_identify(void) {
  return of_status(ph_group_identify(client, NULL, "company", "acme", filled));
}
static ending capture_exception(void) {
  return of_status(ph_capture_exception(client, "user", exception));
}

static ending context_group(void) { return of_status(ph_context_set_group(context, "t", "k")); }
static ending context_person(void) {
  return of_status(ph_context_set_person_properties(context, filled));
}

static ending config_new(void) { return of_pointer(ph_config_new("phc_test")); }
static ending config_host(void) { return of_status(ph_config_set_host(config, "http://h:1")); }
static ending init(void) {
  ph_client *other;
  return of_status(ph_init(config, &other));
}
static ending start(void) {
  /* For want of memory the system may refuse the thread. */
  ph_status status = ph_client_start(client);
  return status == PH_ERROR_THREAD ? NO_MEMORY : of_status(status);
}
static ending registering(void) { return of_status(ph_register(client, filled)); }
static ending event_new(void) {
  ph_event *other;
  return of_status(ph_event_new("user", "event", &other));
}
static ending event_properties(void) {
  return of_status(ph_event_set_properties(event, filled));
}
static ending event_text(void) { return of_pointer(ph_event_get_properties(event)); }
static ending exception_new(void) {
  ph_exception *other;
  return of_status(ph_exception_new("Error", "message", &other));
}
static ending exception_frame(void) {
  return of_status(ph_exception_add_frame(exception, "main", "main.c", 1, NULL, true));
}
static ending drain(void) {
  char *json;
  return of_status(ph_queue_drain(client, 10, &json));
}
static ending flush(void) {
  ph_status status = ph_flush(client, PH_NO_WAIT);
  return status == PH_ERROR_TIMEOUT ? SUCCEEDED : of_status(status);
}
static ending shut_down(void) {
  ph_status status = ph_shutdown(client, PH_NO_WAIT);
  return status == PH_ERROR_TIMEOUT ? SUCCEEDED : of_status(status);
}

/* From which size of an allocation on a call has to answer for it. */
enum { ALL = 0, LARGE = 1024, STACK = 4096, NONE = 1 << 30 };

static const struct call {
  const char *name;
  ending (*make)(void);
  void (*prepare)(void);
  size_t answers_from;
  bool captures;
} calls[] = {
    {"ph_props_set_str", props_str, prepare, ALL, false},
    {"ph_props_set_str, long", props_long, prepare, ALL, false},
    {"ph_props_set_str, again", props_again, prepare, ALL, false},
    {"ph_props_set_object", props_object, prepare, ALL, false},
    {"ph_props_set_json", props_json, prepare, LARGE, false},
    {"ph_props_set_members", props_members, prepare, LARGE, false},
    {"ph_capture", capture, warm, ALL, true},
    {"ph_capture, escaped id", capture_escaped, warm, ALL, true},
    {"ph_capture, super properties", capture, warm_with_super, ALL, true},
    {"ph_capture, new batch", capture, at_new_batch, ALL, true},
    {"ph_capture, first", capture, prepare, LARGE, true},
    {"ph_capture_json", capture_json, warm, LARGE, true},
    {"ph_capture_event", capture_event, warm_with_super, LARGE, true},
    {"ph_identify", identify, warm, LARGE, true},
    {"ph_alias", alias, warm, LARGE, true},
    {"ph_group_identify", group_identify, warm, LARGE, true},
    /* The frames of a stack and the files that they lie in take up to 64 times some bytes. */
    {"ph_capture_exception", capture_exception, warm, STACK, true},
    {"ph_event_set_properties", event_properties, prepare, LARGE, false},
    {"ph_context_set_person_properties", context_person, prepare, LARGE, false},
    {"ph_context_set_group", context_group, prepare, LARGE, false},
    {"ph_props_new", props_new, prepare, NONE, false},
    {"ph_config_new", config_new, prepare, NONE, false},
    {"ph_config_set_host", config_host, prepare, NONE, false},
    {"ph_init", init, prepare, NONE, false},
    {"ph_client_start", start, prepare, NONE, false},
    {"ph_register", registering, warm, NONE, false},
    {"ph_event_new", event_new, prepare, NONE, false},
    {"ph_event_get_properties", event_text, prepare, NONE, false},
    {"ph_exception_new", exception_new, prepare, NONE, false},
    {"ph_exception_add_frame", exception_frame, prepare, NONE, false},
    {"ph_queue_drain", drain, warm, NONE, false},
    {"ph_flush", flush, warm, NONE, false},
    {"ph_shutdown", shut_down, prepare, NONE, false},
};

/* What a child process answers by its exit status. */
enum { NEVER_FAILED = 10, SURVIVED = 20, REFUSED = 30, WRONG = 40 };

static int attempt(const struct call *call, long nth, bool all_later) {
  call->prepare();
  uint64_t accepted = statistic(client, PH_STAT_ACCEPTED);
  all_later_too = all_later;
  has_failed = false;
  until_failure = nth;
  ending ended = call->make();
  until_failure = -1;
  if (!has_failed) {
    return ended == SUCCEEDED ? NEVER_FAILED : WRONG;
  }
  if (ended == OTHERWISE) {
    return WRONG;
  }
  if (call->captures) {
    uint64_t refused = statistic(client, PH_STAT_REFUSED_NO_MEMORY);
    accepted = statistic(client, PH_STAT_ACCEPTED) - accepted;
    if (accepted != (ended == SUCCEEDED) || refused != (ended == NO_MEMORY)) {
      return WRONG;
    }
  }
  /* Nothing was changed: the same call works now that there is memory. */
  if (ended == NO_MEMORY && call->make() != SUCCEEDED) {
    return WRONG;
  }
  return ended == SUCCEEDED ? SURVIVED : REFUSED;
}

/* The status of a child that tries, as waitpid gives it. */
static int try_in_child(const struct call *call, long nth, bool all_later) {
  *failed_size = 0;
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    /* Rust says on standard error why it aborts; a hang ends by the alarm. */
    CHECK(freopen("/dev/null", "w", stderr) != NULL);
    alarm(20);
    _exit(attempt(call, nth, all_later));
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  return status;
}

/* What the table shows of a child's end; 0 once the call has no such allocation, '!' for what must
 * not be. */
static char letter_of(const struct call *call, long nth, int status) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) {
    if (*failed_size < call->answers_from) {
      return 'a';
    }
    dprintf(2, "%s aborts for want of %zu bytes (allocation %ld)\n", call->name, *failed_size, nth);
    return '!';
  }
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  switch (code) {
    case NEVER_FAILED:
      return 0;
    case SURVIVED:
      return 's';
    case REFUSED:
      return 'r';
    default:
      dprintf(2, "%s ends with %s %d (allocation %ld)\n", call->name,
              code < 0 ? "signal" : "exit status", code < 0 ? WTERMSIG(status) : code, nth);
      return '!';
  }
}

/* Tries the call with each of its allocations failing; true if all is as it has to be. */
static bool examine(const struct call *call) {
  enum { ALLOCATIONS_MAX = 400 };
  char letters[ALLOCATIONS_MAX + 1];
  bool good = true;
  for (int all_later = 0; all_later < 2; all_later++) {
    long nth = 0;
    do {
      CHECK(nth < ALLOCATIONS_MAX);
      int status = try_in_child(call, nth, all_later);
      letters[nth] = letter_of(call, nth, status);
    } while (letters[nth++] != 0);
    good = good && strchr(letters, '!') == NULL;
    printf("%-33s %-9s %s\n", call->name, all_later ? "all later" : "one", letters);
  }
  return good;
}

int main(void) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  failed_size = mmap(NULL, sizeof *failed_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                     -1, 0);
  CHECK(failed_size != MAP_FAILED);
  puts("a failed allocation: r is refused, s succeeds all the same, a aborts, ! is wrong");
  fflush(stdout);
  bool good = true;
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    good = examine(&calls[i]) && good;
    fflush(stdout);
  }
  return good ? 0 : 1;
}
