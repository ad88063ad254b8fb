/* A server that hangs up does not end the process by SIGPIPE, and no signal's disposition is ever
 * touched. The receiver resets every connection after a request's head, while megabytes of its
 * body are still to be written.
 *
 * signals URL [CA_FILE] */
#include "check.h"

#include <signal.h>
#include <stdlib.h>

enum { SIGNALS = 64, EVENTS = 30, TEXT_BYTES = 100000, PATIENCE_MS = 20000 };

static void read_dispositions(struct sigaction *all) {
  memset(all, 0, SIGNALS * sizeof *all);
  for (int number = 1; number <= SIGNALS; number++) {
    /* The C library keeps two of them to itself. */
    sigaction(number, NULL, &all[number - 1]);
  }
}

static void expect_same(const struct sigaction *before) {
  struct sigaction after[SIGNALS];
  read_dispositions(after);
  for (int i = 0; i < SIGNALS; i++) {
    CHECK(after[i].sa_handler == before[i].sa_handler);
    CHECK(after[i].sa_flags == before[i].sa_flags);
  }
}

/* On the sender's thread: events that fill several of the socket's buffers. */
static void send_events(ph_client *client, const char *text) {
  ph_props *props = ph_props_new();
  CHECK_OK(ph_props_set_str(props, "text", text));
  for (int i = 0; i < EVENTS; i++) {
    CHECK_OK(ph_capture(client, "user", "large", props));
  }
  ph_props_free(props);
  CHECK_STATUS(ph_flush(client, PATIENCE_MS), PH_ERROR_LOST);
  CHECK(statistic(client, PH_STAT_DROPPED_RETRIES) == EVENTS);
}

/* On this thread, where no signal is blocked: a request as large as that. */
static void ask_for_flags(ph_client *client, const char *text) {
  ph_props *props = ph_props_new();
  for (int i = 0; i < EVENTS; i++) {
    char key[16];
    snprintf(key, sizeof key, "text%d", i);
    CHECK_OK(ph_props_set_str(props, key, text));
  }
  ph_context *context = ph_context_new();
  CHECK_OK(ph_context_set_person_properties(context, props));
  for (int i = 0; i < 5; i++) {
    ph_flags *flags = NULL;
    ph_status status = ph_flags_evaluate(client, "user", context, PATIENCE_MS, &flags);
    CHECK_STATUS(status, PH_ERROR_NETWORK);
    CHECK(flags == NULL);
  }
  ph_context_free(context);
  ph_props_free(props);
}

int main(int argc, char **argv) {
  CHECK(argc == 2 || argc == 3);
  struct sigaction before[SIGNALS];
  read_dispositions(before);
  CHECK(before[SIGPIPE - 1].sa_handler == SIG_DFL);
  char *text = malloc(TEXT_BYTES);
  CHECK(text != NULL);
  for (int i = 0; i < TEXT_BYTES; i++) {
    text[i] = (char)('a' + rand() % 26);
  }
  text[TEXT_BYTES - 1] = '\0';

  ph_config *config = config_for(argv[1]);
  if (argc == 3) CHECK_OK(ph_config_set_ca_file(config, argv[2]));
  CHECK_OK(ph_config_set_compression(config, PH_COMPRESSION_NONE));
  CHECK_OK(ph_config_set_batch_max_bytes(config, 16 << 20));
  CHECK_OK(ph_config_set_max_retries(config, 3));
  CHECK_OK(ph_config_set_retry_base_ms(config, 1));
  ph_client *client = client_of(config);
  expect_same(before);
  send_events(client, text);
  expect_same(before);
  ask_for_flags(client, text);
  expect_same(before);
  CHECK_OK(ph_shutdown(client, PATIENCE_MS));
  ph_client_free(client);
  expect_same(before);
  free(text);
  return 0;
}
