/* Much of the API in one run, with every handle freed: meant for the sanitizers, which see the
 * library's memory too when it is linked statically.
 *
 * sanitized URL */
#include "check.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

enum { THREADS = 4, EVENTS = 200, PATIENCE_MS = 20000 };

static ph_client *client;

/* Userdata of its own for each callback, freed by the library. */
static int *counter_new(void) {
  int *counter = malloc(sizeof *counter);
  CHECK(counter != NULL);
  *counter = 0;
  return counter;
}

static void on_log(void *userdata, int32_t level, const char *message) {
  (void)level;
  *(int *)userdata += (int)strlen(message);
}

static void on_delivery(void *userdata, int32_t delivery, size_t events) {
  CHECK(delivery == PH_DELIVERY_DELIVERED);
  *(int *)userdata += (int)events;
}

static int32_t before_send(void *userdata, ph_event *event) {
  (void)userdata;
  CHECK(strlen(ph_event_get_distinct_id(event)) > 0);
  CHECK(ph_event_get_properties(event)[0] == '{');
  CHECK(ph_event_get_property(event, "$lib") != NULL);
  CHECK(ph_event_get_property(event, "not there") == NULL);
  ph_props *seen = ph_props_new();
  CHECK_OK(ph_props_set_bool(seen, "seen", true));
  CHECK_OK(ph_event_set_properties(event, seen));
  ph_props_free(seen);
  CHECK_STATUS(ph_capture(client, "user", "nested", NULL), PH_ERROR_REENTRANT);
  return strcmp(ph_event_get_name(event), "filtered") == 0;
}

static ph_config *options(const char *host) {
  ph_config *config = config_for(host);
  CHECK_OK(ph_config_set_log(config, on_log, counter_new(), free));
  CHECK_OK(ph_config_set_log(config, on_log, counter_new(), free));
  CHECK_OK(ph_config_set_delivery(config, on_delivery, counter_new(), free));
  CHECK_OK(ph_config_add_before_send(config, before_send, counter_new(), free));
  CHECK_STATUS(ph_config_add_before_send(config, NULL, NULL, NULL), PH_ERROR_NULL);
  CHECK_OK(ph_config_set_secret_key(config, "phx_secret"));
  CHECK_OK(ph_config_set_environment(config, "Staging"));
  CHECK_OK(ph_config_set_library(config, "libposthog-test", "1.2.3"));
  CHECK_OK(ph_config_set_group_index(config, "company", 4));
  CHECK_STATUS(ph_config_set_group_index(config, "company", 5), PH_ERROR_RANGE);
  CHECK_OK(ph_config_deny_property(config, "password"));
  CHECK_STATUS(ph_config_set_host(config, "nowhere"), PH_ERROR_HOST);
  return config;
}

static ph_props *filled(void) {
  ph_props *props = ph_props_new();
  CHECK_OK(ph_props_set_str(props, "text", "caf\xc3\xa9 \"quoted\" \x01 \xff"));
  CHECK_OK(ph_props_set_str(props, "password", "secret"));
  CHECK_OK(ph_props_set_int(props, "int", INT64_MIN));
  CHECK_OK(ph_props_set_uint(props, "uint", UINT64_MAX));
  CHECK_OK(ph_props_set_double(props, "double", 0.1));
  CHECK_OK(ph_props_set_double(props, "nan", nan("")));
  CHECK_OK(ph_props_set_null(props, "null"));
  CHECK_OK(ph_props_set_json(props, "json", "[1, {\"a\": 2, \"a\": 3}, \"\\ud800\"]"));
  CHECK_STATUS(ph_props_set_json(props, "json", "[1,"), PH_ERROR_JSON);
  /* Not NUL-terminated: a read beyond the end would be seen. */
  char *members = malloc(7);
  CHECK(members != NULL);
  memcpy(members, "{\"m\":1}", 7);
  CHECK_OK(ph_props_set_members(props, members, 7));
  free(members);
  CHECK_OK(ph_props_set_object(props, "self", props));
  for (int i = 0; i < 300; i++) {
    char key[16];
    snprintf(key, sizeof key, "key%d", i % 150);
    CHECK_OK(ph_props_set_int(props, key, i));
  }
  CHECK_OK(ph_props_remove(props, "key7"));
  return props;
}

static void *capture_many(void *unused) {
  (void)unused;
  ph_props *props = filled();
  for (int i = 0; i < EVENTS; i++) {
    CHECK_OK(ph_capture(client, "user", "many", props));
  }
  ph_props_free(props);
  return NULL;
}

static void capture_each_kind(void) {
  ph_props *props = filled();
  CHECK_OK(ph_register(client, props));
  CHECK_OK(ph_register_once(client, props));
  CHECK_OK(ph_unregister(client, "key8"));
  CHECK_OK(ph_identify(client, "user", props, NULL));
  CHECK_OK(ph_alias(client, "user", "\xc3\xbcser"));
  CHECK_OK(ph_group_identify(client, NULL, "company", "acme", props));
  CHECK_OK(ph_capture_json(client, "user", 4, "json", 4, "{\"a\":[]}", 8));
  CHECK_STATUS(ph_capture_json(client, "user", 4, "json", 4, "[]", 2), PH_ERROR_JSON);
  CHECK_STATUS(ph_capture(client, "user", "filtered", NULL), PH_ERROR_FILTERED);
  CHECK_STATUS(ph_capture(client, "\xff", "event", NULL), PH_ERROR_UTF8);
  CHECK_STATUS(ph_capture(client, "user", " ", NULL), PH_ERROR_EMPTY);
  CHECK_STATUS(ph_capture(client, NULL, "event", NULL), PH_ERROR_NULL);

  ph_event *event = NULL;
  CHECK_OK(ph_event_new("user", "event", &event));
  CHECK_OK(ph_event_set_timestamp(event, "2026-11-20T10:00:00.123456789+02:00"));
  CHECK_STATUS(ph_event_set_timestamp(event, "yesterday"), PH_ERROR_TIMESTAMP);
  CHECK_OK(ph_event_set_uuid(event, "0190a6e0-7c3b-7def-8123-456789abcdef"));
  CHECK_OK(ph_event_set_group(event, "company", "acme"));
  CHECK_OK(ph_event_set_person_properties(event, props));
  CHECK_OK(ph_event_set_person_properties_once(event, props));
  CHECK_OK(ph_event_set_process_person_profile(event, false));
  CHECK_OK(ph_event_remove_property(event, "not there"));
  /* Exactly as much room as the header asks for. */
  char *uuid = malloc(PH_UUID_SIZE);
  CHECK(uuid != NULL);
  CHECK_OK(ph_capture_event(client, event, uuid));
  CHECK(strcmp(uuid, "0190a6e0-7c3b-7def-8123-456789abcdef") == 0);
  free(uuid);
  ph_event_free(event);

  ph_exception *exception = NULL;
  CHECK_OK(ph_exception_new("Error", "message", &exception));
  for (int i = 0; i < 70; i++) {
    CHECK_OK(ph_exception_add_frame(exception, "f", "f.c", (uint32_t)i, NULL, i % 2 == 0));
  }
  CHECK_OK(ph_exception_set_level(exception, PH_LEVEL_FATAL));
  CHECK_OK(ph_exception_set_fingerprint(exception, "print"));
  CHECK_OK(ph_exception_set_properties(exception, props));
  CHECK_OK(ph_capture_exception(client, "user", exception));
  ph_exception_free(exception);
  ph_props_free(props);
}

static void ask_for_flags(void) {
  ph_context *context = ph_context_new();
  CHECK_OK(ph_context_set_group(context, "company", "acme"));
  CHECK_OK(ph_context_set_device_id(context, "device"));
  ph_flags *flags = NULL;
  CHECK_OK(ph_flags_evaluate(client, "user", context, PATIENCE_MS, &flags));
  CHECK(ph_flags_is_enabled(flags, "new-checkout", false));
  for (size_t i = 0; i < ph_flags_get_count(flags); i++) {
    const char *key = ph_flags_get_key(flags, i);
    CHECK(ph_flags_is_known(flags, key));
    ph_flags_get_variant(flags, key);
    ph_flags_get_payload(flags, key);
    ph_flags_get_reason(flags, key);
  }
  ph_event *event = NULL;
  CHECK_OK(ph_event_new("user", "flagged", &event));
  CHECK_OK(ph_event_set_flags(event, flags));
  ph_flags_free(flags);
  CHECK_OK(ph_capture_event(client, event, NULL));
  ph_event_free(event);
  CHECK(ph_flag_enabled(client, "user", "new-checkout", context, false));
  ph_context_free(context);
}

static void free_nothing(void) {
  ph_config_free(NULL);
  ph_client_free(NULL);
  ph_props_free(NULL);
  ph_event_free(NULL);
  ph_exception_free(NULL);
  ph_context_free(NULL);
  ph_flags_free(NULL);
  ph_string_free(NULL);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  client = client_of(options(argv[1]));
  capture_each_kind();
  ask_for_flags();
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    CHECK(pthread_create(&threads[i], NULL, capture_many, NULL) == 0);
  }
  for (int i = 0; i < THREADS; i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
  }
  CHECK_OK(ph_flush(client, PATIENCE_MS));
  CHECK_OK(ph_capture(client, "user", "drained", NULL));
  char *json = NULL;
  CHECK_OK(ph_queue_drain(client, 1000, &json));
  CHECK(json[0] == '[' && json[strlen(json) - 1] == ']');
  ph_string_free(json);
  CHECK_OK(ph_opt_out(client));
  CHECK_OK(ph_opt_in(client));
  CHECK_OK(ph_capture(client, "user", "last", NULL));
  CHECK_OK(ph_shutdown(client, PATIENCE_MS));
  uint64_t gone = statistic(client, PH_STAT_DELIVERED) + statistic(client, PH_STAT_DRAINED);
  CHECK(gone == statistic(client, PH_STAT_ACCEPTED));
  ph_client_free(client);
  free_nothing();
  return 0;
}
