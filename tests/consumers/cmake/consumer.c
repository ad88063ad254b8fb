/* consumer EVENT: sends it, and ends with 0 if the server took it. */
#include <posthog.h>

#include <stdio.h>

int main(int argc, char **argv) {
  ph_config *config = ph_config_from_env();
  ph_client *client = NULL;
  ph_status status = ph_init(config, &client);
  ph_config_free(config);
  if (status == PH_OK) status = ph_capture(client, "consumer", argc > 1 ? argv[1] : "consumed", NULL);
  if (status == PH_OK) status = ph_shutdown(client, 10000);
  ph_client_free(client);
  if (status != PH_OK) fprintf(stderr, "%s\n", ph_status_text(status));
  return status != PH_OK;
}
