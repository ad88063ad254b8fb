/* What a client adds to the resident memory of its process: after ph_init, and after 10,000 events
 * were delivered in bursts of a given size; or what the delivery of a backlog of 10 MB adds. One process, one sample: pages of the library
 * count once they are touched. */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/client.h"
#include "common/event.h"
#include "common/fail.h"
#include "common/figures.h"
#include "common/usage.h"

#define EVENTS 10000

/* The queue has given back by then what it does not need. */
#define IDLE_S 3

#define BACKLOG 10000000

/* How much more is resident at most while a backlog is delivered than before that, when it waits. */
static void measure_backlog(const char *url)
{
    struct gate gate = GATE_OPEN;
    struct client client = client_open(&(struct client_options){
        .url = url, .queue_max_events = 100000, .gate = &gate});
    ph_props *props = ph_props_new();
    event_build(props, 0);
    gate_park(&gate, client.handle);
    uint64_t events = 1;
    while (client_stat(&client, PH_STAT_QUEUED_BYTES) < BACKLOG) {
        ph_status status = ph_capture(client.handle, event_user(0), EVENT_NAME, props);
        require(status == PH_OK, "capture: %s", ph_status_text(status));
        events++;
    }
    uint64_t waiting = usage_resident();
    gate_open(&gate);
    client_settle(&client);
    figure("memory", "peak beyond a backlog of 10 MB", "KiB",
           ((double)usage_resident_peak() - (double)waiting) / 1024);
    ph_props_free(props);
    client_close(&client, events);
}

int main(int argc, char **argv)
{
    require(argc == 3, "usage: memory URL BURST|backlog");
    if (strcmp(argv[2], "backlog") == 0) {
        event_prepare();
        measure_backlog(argv[1]);
        return 0;
    }
    uint32_t burst = (uint32_t)strtoul(argv[2], NULL, 10);
    require(burst > 0 && EVENTS % burst == 0, "the burst has to divide %d", EVENTS);
    event_prepare();
    /* What the measurement itself needs is there before it begins. */
    sink_counts(argv[1]);
    usage_resident();
    uint64_t before = usage_resident(), own = usage_own();
    struct client client = client_open(&(struct client_options){.url = argv[1]});
    figure("memory", "after ph_init", "KiB", (double)(usage_resident() - before) / 1024);
    figure("memory", "after ph_init, but for pages of files", "KiB",
           (double)(usage_own() - own) / 1024);
    ph_props *props = ph_props_new();
    for (uint32_t i = 0; i < EVENTS; i++) {
        event_build(props, i);
        ph_status status = ph_capture(client.handle, event_user(i), EVENT_NAME, props);
        require(status == PH_OK, "capture: %s", ph_status_text(status));
        if ((i + 1) % burst == 0) {
            client_settle(&client);
        }
    }
    char name[64];
    snprintf(name, sizeof name, "10,000 delivered, %u at a time", burst);
    figure("memory", name, "KiB", (double)(usage_resident() - before) / 1024);
    sleep(IDLE_S);
    snprintf(name, sizeof name, "10,000, %u at a time, %u s later", burst, IDLE_S);
    figure("memory", name, "KiB", (double)(usage_resident() - before) / 1024);
    figure("memory", name, "KiB, files not counted", (double)(usage_own() - own) / 1024);
    ph_props_free(props);
    client_close(&client, EVENTS);
    return 0;
}
