/* A program that uses the installed library: captures the event that it is told to. */
#include <posthog.h>

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  if (argc != 2 || strcmp(ph_version(), PH_VERSION) != 0) return 2;
  ph_client *client = NULL;
  ph_config *config = ph_config_from_env();
  ph_status status = ph_init(config, &client);
  ph_config_free(config);
  if (status == PH_OK) status = ph_capture(client, "app", argv[1], NULL);
  if (status == PH_OK) status = ph_shutdown(client, 10000);
  ph_client_free(client);
  if (status != PH_OK) fprintf(stderr, "%s\n", ph_status_text(status));
  return status == PH_OK ? 0 : 1;
}
