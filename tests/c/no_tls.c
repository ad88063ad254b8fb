/* A build without TLS sends to http hosts, and nothing in clear where TLS was asked for. Linked by
 * tests/commands/minimal with such a library.
 *
 * no_tls URL */
#include "check.h"

#include <stdlib.h>

enum { PATIENCE_MS = 20000 };

static void keep_if_of_tls(void *userdata, int32_t level, const char *message) {
  (void)level;
  if (strstr(message, "TLS") != NULL) *(bool *)userdata = true;
}

static ph_status send_to(const char *host, bool *told) {
  ph_config *config = config_for(host);
  CHECK_OK(ph_config_set_max_retries(config, PH_NEVER));
  CHECK_OK(ph_config_set_log(config, keep_if_of_tls, told, NULL));
  ph_client *client = client_of(config);
  CHECK_OK(ph_capture(client, "user", host, NULL));
  ph_status status = ph_flush(client, PATIENCE_MS);
  CHECK_OK(ph_shutdown(client, PATIENCE_MS));
  ph_client_free(client);
  return status;
}

int main(int argc, char **argv) {
  CHECK(argc == 2 && strncmp(argv[1], "http://", 7) == 0);
  ph_config *config = ph_config_new("phc_test");
  CHECK_STATUS(ph_config_set_proxy(config, "https://user:secret@127.0.0.1:1"), PH_ERROR_UNSUPPORTED);
  CHECK_OK(ph_config_set_proxy(config, "http://user:secret@127.0.0.1:1"));
  CHECK_STATUS(ph_config_set_compression(config, PH_COMPRESSION_ZSTD), PH_ERROR_RANGE);
  ph_config_free(config);

  bool told = false;
  CHECK_OK(send_to(argv[1], &told));
  CHECK(!told);
  char secure[256];
  snprintf(secure, sizeof secure, "https://%s", argv[1] + strlen("http://"));
  CHECK_STATUS(send_to(secure, &told), PH_ERROR_LOST);
  CHECK(told);
  return 0;
}
