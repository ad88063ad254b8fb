/* What benches/peers does with PostHog's own libraries: captures in bursts that the default queue can
 * hold, each call timed, each burst flushed. */

#include <stdlib.h>
#include <string.h>

#include "common/client.h"
#include "common/event.h"
#include "common/fail.h"
#include "common/figures.h"
#include "common/histogram.h"
#include "common/timer.h"

#define GROUP "capture, beside others"
#define NAME "libposthog " PH_VERSION
#define BURST 5000

int main(int argc, char **argv)
{
    require(argc == 4, "usage: beside URL ROUNDS gzip|plain");
    bool plain = strcmp(argv[3], "plain") == 0;
    uint32_t events = (uint32_t)atoi(argv[2]) * BURST;
    event_prepare();
    struct histogram *latencies = histogram_new();
    struct client client = client_open(&(struct client_options){.url = argv[1], .plain = plain});
    ph_props *props = ph_props_new();
    uint64_t begun = monotonic_ns();
    for (uint32_t i = 0; i < events; i++) {
        const char *user = event_user(i);
        uint64_t start = ticks();
        event_build(props, i);
        ph_status status = ph_capture(client.handle, user, EVENT_NAME, props);
        histogram_add(latencies, ticks() - start);
        require(status == PH_OK, "capture: %s", ph_status_text(status));
        if (i % BURST == BURST - 1) {
            client_settle(&client);
        }
    }
    double seconds = (double)(monotonic_ns() - begun) / 1e9;
    figure(GROUP, NAME, plain ? "plain/s" : "gzip/s", events / seconds);
    if (!plain) {
        figure_net(GROUP, NAME, latencies);
    }
    ph_props_free(props);
    client_close(&client, events);
    return 0;
}
