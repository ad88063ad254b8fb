/*
 * Sends one event of each kind to PostHog, and fails unless each was taken and the delivery
 * callback was told so. `make live` runs it.
 */
#include <posthog.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define USER "libposthog-live"
#define EVENTS 4

/* Written by the sender thread, read after ph_shutdown. */
typedef struct {
  size_t delivered;
  size_t lost;
} tally;

static void on_delivery(void *userdata, int32_t delivery, size_t events) {
  tally *told = userdata;
  *(delivery == PH_DELIVERY_DELIVERED ? &told->delivered : &told->lost) += events;
}

static void on_log(void *userdata, int32_t level, const char *message) {
  (void)userdata;
  if (level >= PH_LOG_INFO) fprintf(stderr, "libposthog: %s\n", message);
}

static void require(const char *what, ph_status status) {
  if (status == PH_OK) return;
  fprintf(stderr, "%s: %s\n", what, ph_status_text(status));
  exit(EXIT_FAILURE);
}

static ph_client *connect_to_posthog(tally *told) {
  ph_client *client = NULL;
  ph_config *config = ph_config_from_env();
  require("log", ph_config_set_log(config, on_log, NULL, NULL));
  require("delivery", ph_config_set_delivery(config, on_delivery, told, NULL));
  require("init", ph_init(config, &client));
  ph_config_free(config);
  return client;
}

static void send_one_of_each(const ph_client *client) {
  ph_props *props = ph_props_new();
  require("props", ph_props_set_str(props, "version", ph_version()));
  require("capture", ph_capture(client, USER, "live check", props));
  require("identify", ph_identify(client, USER, props, NULL));
  require("group", ph_group_identify(client, USER, "project", "libposthog", props));
  ph_props_free(props);

  ph_exception *exception = NULL;
  require("exception", ph_exception_new("LiveCheck", "not a failure", &exception));
  require("level", ph_exception_set_level(exception, PH_LEVEL_INFO));
  require("frame", ph_exception_add_frame(exception, __func__, __FILE__, __LINE__, NULL, true));
  require("capture exception", ph_capture_exception(client, USER, exception));
  ph_exception_free(exception);
}

int main(void) {
  tally told = {0, 0};
  ph_client *client = connect_to_posthog(&told);
  send_one_of_each(client);
  ph_status flushed = ph_flush(client, 30000);
  ph_status shut_down = ph_shutdown(client, 5000);

  uint64_t stats[PH_STAT_DROPPED + 1] = {0};
  ph_stats_get(client, stats, PH_STAT_DROPPED + 1);
  printf("%d events: %" PRIu64 " delivered, %" PRIu64 " dropped\n", EVENTS,
         stats[PH_STAT_DELIVERED], stats[PH_STAT_DROPPED]);
  printf("the delivery callback was told of %zu delivered, %zu lost\n", told.delivered, told.lost);
  ph_client_free(client);

  require("flush", flushed);
  require("shutdown", shut_down);
  return told.delivered == EVENTS && told.lost == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
