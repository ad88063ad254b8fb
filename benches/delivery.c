/* How fast events reach the receiver over real HTTP, and what that costs.
 *
 * `backlog`: 200,000 events wait behind a parked sender; measured from the moment when it is let
 * go until all are delivered, with nobody capturing meanwhile. `fed`: one thread captures 400,000
 * events and waits for room when the queue is full; measured from the first capture until all are
 * delivered. `V1`: by capture V1, to a receiver whose answer names no event; the others are V0. */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/child.h"
#include "common/client.h"
#include "common/event.h"
#include "common/fail.h"
#include "common/figures.h"
#include "common/timer.h"
#include "common/usage.h"

#define MIB (1024.0 * 1024.0)

struct plan {
    const char *name;
    uint32_t events;
    bool plain;
    bool v1;
    bool zstd;
    /* Captured while the sender delivers, instead of before. */
    bool fed;
};

static const struct plan plans[] = {
    {.name = "backlog, gzip", .events = 200000},
    {.name = "backlog, plain", .events = 200000, .plain = true},
    {.name = "backlog, gzip, V1", .events = 200000, .v1 = true},
    {.name = "backlog, zstd, V1", .events = 200000, .v1 = true, .zstd = true},
    {.name = "fed, gzip", .events = 400000, .fed = true},
    {.name = "fed, plain", .events = 400000, .plain = true, .fed = true},
};

static const char *url;

static void capture(const struct client *client, uint32_t events)
{
    ph_props *props = ph_props_new();
    for (uint32_t i = 0; i < events; i++) {
        event_build(props, i);
        ph_status status = ph_capture(client->handle, event_user(i), EVENT_NAME, props);
        require(status == PH_OK, "capture: %s", ph_status_text(status));
    }
    ph_props_free(props);
}

/* Wall time, the process's processor time, and what the sender has done of it, at one moment. */
struct moment {
    uint64_t wall_ns;
    uint64_t process_ns;
    uint64_t sender_ns;
    uint64_t sent;
};

static struct moment moment_now(struct gate *gate)
{
    struct moment now = {
        .wall_ns = monotonic_ns(),
        .process_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID),
    };
    pthread_mutex_lock(&gate->lock);
    now.sender_ns = gate->sender_ns;
    now.sent = gate->events;
    pthread_mutex_unlock(&gate->lock);
    return now;
}

static void report(const struct plan *plan, struct moment from, struct moment to,
                   struct sink_counts counted)
{
    double wall_ns = (double)(to.wall_ns - from.wall_ns);
    double sender_ns = (double)(to.sender_ns - from.sender_ns);
    double events = plan->events;
    figure("delivery", plan->name, "events/s", events * 1e9 / wall_ns);
    figure("delivery", plan->name, "sender ns/event", sender_ns / (double)(to.sent - from.sent));
    figure("delivery", plan->name, "process ns/event",
           (double)(to.process_ns - from.process_ns) / events);
    figure("delivery", plan->name, "sender busy %", 100 * sender_ns / wall_ns);
    figure("delivery", plan->name, "events/request", events / (double)counted.requests);
    figure("delivery", plan->name, "body bytes/event", (double)counted.bytes / events);
}

static void measure(void *argument)
{
    const struct plan *plan = argument;
    struct gate gate = GATE_OPEN;
    uint64_t resident = usage_resident();
    struct client client = client_open(&(struct client_options){
        .url = url,
        .plain = plan->plain,
        .v1 = plan->v1,
        .zstd = plan->zstd,
        .block = plan->fed,
        .queue_max_events = plan->fed ? 100000 : plan->events + 1,
        .gate = &gate,
    });
    gate_park(&gate, client.handle);
    uint64_t backlog = 0;
    if (!plan->fed) {
        capture(&client, plan->events);
        backlog = client_stat(&client, PH_STAT_QUEUED_BYTES);
    }
    struct moment from = moment_now(&gate);
    gate_open(&gate);
    if (plan->fed) {
        capture(&client, plan->events);
    }
    client_settle(&client);
    struct moment to = moment_now(&gate);
    if (backlog > 0) {
        figure("delivery", plan->name, "backlog MiB", (double)backlog / MIB);
        figure("delivery", plan->name, "peak MiB",
               (double)(usage_resident_peak() - resident) / MIB);
    }
    report(plan, from, to, client_close(&client, (uint64_t)plan->events + 1));
}

/* Whether a receiver that looks into every body finds each event in it, once. Not measured. */
static void verify(void *argument)
{
    const struct plan *plan = argument;
    struct client client = client_open(&(struct client_options){
        .url = url,
        .plain = plan->plain,
        .v1 = plan->v1,
        .zstd = plan->zstd,
        .block = true,
    });
    capture(&client, 20000);
    struct sink_counts counted = client_close(&client, 20000);
    require(counted.accepted == 20000 && counted.duplicates == 0,
            "of 20000 events %llu came, %llu twice", (unsigned long long)counted.accepted,
            (unsigned long long)counted.duplicates);
}

int main(int argc, char **argv)
{
    bool verifies = argc == 3 && strcmp(argv[2], "--verify") == 0;
    require(argc == 2 || verifies, "usage: delivery URL [--verify]");
    url = argv[1];
    event_prepare();
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        struct plan plan = plans[i];
        in_child(verifies ? verify : measure, &plan);
    }
    return 0;
}
