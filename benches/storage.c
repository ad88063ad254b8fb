/* What taking over costs a start: ph_init with a storage directory that is full of what a process
 * left that died. Nothing is sent. */

#include <posthog.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/child.h"
#include "common/event.h"
#include "common/fail.h"
#include "common/figures.h"
#include "common/folder.h"
#include "common/timer.h"

/* Nobody listens there. */
#define NOWHERE "http://127.0.0.1:9"
#define BYTES_MAX (64u << 20)

static struct folder folder;

static ph_client *init(void)
{
    ph_config *config = ph_config_new("phc_benchmark");
    require(ph_config_set_host(config, NOWHERE) == PH_OK, "host");
    require(ph_config_set_storage_dir(config, folder.path) == PH_OK, "storage");
    require(ph_config_set_storage_max_bytes(config, BYTES_MAX) == PH_OK, "bytes");
    ph_client *client = NULL;
    ph_status status = ph_init(config, &client);
    require(status == PH_OK, "init: %s", ph_status_text(status));
    ph_config_free(config);
    return client;
}

static uint64_t stat_of(const ph_client *client, ph_stat which)
{
    uint64_t all[PH_STAT_DROPPED_DAMAGED + 1];
    ph_stats_get(client, all, sizeof all / sizeof all[0]);
    return all[which];
}

static void leave(void *unused)
{
    (void)unused;
    ph_client *client = init();
    ph_props *props = ph_props_new();
    event_build(props, 0);
    uint32_t events = 0;
    while (ph_capture(client, event_user(events), EVENT_NAME, props) == PH_OK) {
        events++;
    }
    require(events > 100000, "only %u events in the file", events);
    _exit(0);
}

static void take_over(void *unused)
{
    (void)unused;
    uint64_t start = ticks();
    ph_client *client = init();
    double took_ms = (double)(ticks() - start) * timer_ns_per_tick() / 1e6;
    figure("storage", "ph_init, 64 MiB to take over", "ms", took_ms);
    figure("storage", "ph_init, 64 MiB to take over", "events",
           (double)stat_of(client, PH_STAT_ADOPTED));
    require(stat_of(client, PH_STAT_DROPPED) == 0, "some are lost");
    ph_opt_out(client);
    ph_client_free(client);
}

int main(void)
{
    folder = folder_new();
    event_prepare();
    timer_ns_per_tick();
    in_child(leave, NULL);
    in_child(take_over, NULL);
    folder_remove(&folder);
    return 0;
}
