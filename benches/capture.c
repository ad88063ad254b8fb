/* What a capture costs the thread that calls it.
 *
 * Each case runs in a process of its own: threads capture in bursts that stay below the queue's
 * bound while the sender delivers to the receiver; between bursts everything is flushed, which is
 * not measured. Bursts alternate: one with each call timed, for the percentiles; one without, for
 * the calls per second, the allocations and the page faults. */

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/child.h"
#include "common/client.h"
#include "common/event.h"
#include "common/fail.h"
#include "common/figures.h"
#include "common/folder.h"
#include "common/heap.h"
#include "common/histogram.h"
#include "common/timer.h"
#include "common/usage.h"

#define THREADS_MAX 8
#define WARM_UP 2
#define QUEUE_EVENTS 100000

enum shape { BUILT, PREBUILT };

struct plan {
    const char *name;
    int threads;
    /* Events of one thread in one burst, and bursts of each kind. */
    uint32_t burst;
    int bursts;
    enum shape shape;
    int super_properties;
    bool default_bounds;
    /* The sender stands still during a burst, and each thread has a processor of its own as long as
     * there are enough: a burst takes some milliseconds, as long as the system leaves two threads on
     * one processor beside an idle one. What the threads cost each other shows only so. */
    bool parked;
    /* The queue is full before the first burst: every call is to be refused. */
    bool full;
    /* Events are stored in a file; and what is in it is on the disk before each burst, so that its
     * pages are clean. */
    bool stored;
    bool synced;
    bool disabled;
};

static const struct plan plans[] = {
    {.name = "1 thread, default bounds", .threads = 1, .burst = 8000, .bursts = 30,
     .default_bounds = true},
    {.name = "1 thread", .threads = 1, .burst = 80000, .bursts = 4},
    {.name = "2 threads", .threads = 2, .burst = 40000, .bursts = 4},
    {.name = "4 threads", .threads = 4, .burst = 20000, .bursts = 4},
    {.name = "8 threads", .threads = 8, .burst = 10000, .bursts = 4},
    {.name = "1 thread, sender parked", .threads = 1, .burst = 80000, .bursts = 4, .parked = true},
    {.name = "2 threads, sender parked", .threads = 2, .burst = 40000, .bursts = 4,
     .parked = true},
    {.name = "4 threads, sender parked", .threads = 4, .burst = 20000, .bursts = 4,
     .parked = true},
    {.name = "prebuilt map", .threads = 1, .burst = 80000, .bursts = 4, .shape = PREBUILT},
    {.name = "20 super properties", .threads = 1, .burst = 80000, .bursts = 4,
     .super_properties = 20},
    {.name = "1 thread, stored", .threads = 1, .burst = 8000, .bursts = 30, .stored = true},
    {.name = "4 threads, stored", .threads = 4, .burst = 2000, .bursts = 30, .stored = true},
    {.name = "1 thread, stored, after write-back", .threads = 1, .burst = 8000, .bursts = 15,
     .stored = true, .synced = true},
    {.name = "queue full", .threads = 1, .burst = 100000, .bursts = 4, .shape = PREBUILT,
     .full = true},
    {.name = "disabled client", .threads = 1, .burst = 200000, .bursts = 4, .shape = PREBUILT,
     .disabled = true},
};

struct worker {
    const struct plan *plan;
    int index;
    ph_client *client;
    pthread_barrier_t *barrier;
    pthread_t thread;
    struct histogram *latencies;
    /* The last burst's. */
    uint64_t started_ns;
    uint64_t ended_ns;
    /* Of all untimed bursts but the warm-up. */
    uint64_t busy_ns;
    uint64_t allocations;
    uint64_t faults;
};

static const char *url;

/* How many bursts there are, the warm-up included; even ones are timed. */
static int bursts_of(const struct plan *plan)
{
    return WARM_UP + 2 * plan->bursts;
}

/* Whether the sender stands still during a burst. In the first of the warm-up it always does: so the
 * queue has had all of a burst in it before anything is measured, as in a program that has been
 * running. */
static bool is_parked(const struct plan *plan, int burst)
{
    return plan->parked || (burst == 0 && !plan->full && !plan->disabled);
}

static void burst_timed(struct worker *worker, ph_props *props)
{
    ph_status wanted = worker->plan->full ? PH_ERROR_QUEUE_FULL : PH_OK;
    bool build = worker->plan->shape == BUILT;
    for (uint32_t i = 0; i < worker->plan->burst; i++) {
        const char *user = event_user(i);
        uint64_t start = ticks();
        if (build) {
            event_build(props, i);
        }
        ph_status status = ph_capture(worker->client, user, EVENT_NAME, props);
        uint64_t end = ticks();
        require(status == wanted, "capture: %s", ph_status_text(status));
        histogram_add(worker->latencies, end - start);
    }
}

static void burst_untimed(struct worker *worker, ph_props *props)
{
    ph_status wanted = worker->plan->full ? PH_ERROR_QUEUE_FULL : PH_OK;
    bool build = worker->plan->shape == BUILT;
    for (uint32_t i = 0; i < worker->plan->burst; i++) {
        if (build) {
            event_build(props, i);
        }
        ph_status status = ph_capture(worker->client, event_user(i), EVENT_NAME, props);
        require(status == wanted, "capture: %s", ph_status_text(status));
    }
}

/* Keeps the calling thread on the given one of the processors that the process may use. */
static void pin(int index)
{
    cpu_set_t allowed;
    require(sched_getaffinity(0, sizeof allowed, &allowed) == 0, "sched_getaffinity");
    int left = index % CPU_COUNT(&allowed);
    int processor = 0;
    while (!CPU_ISSET(processor, &allowed) || left-- > 0) {
        processor++;
    }
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(processor, &only);
    require(sched_setaffinity(0, sizeof only, &only) == 0, "sched_setaffinity");
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    if (worker->plan->parked) {
        pin(worker->index);
    }
    uint64_t before = heap_allocations();
    ph_props *props = ph_props_new();
    require(heap_allocations() > before, "the library's allocations are not seen");
    event_build(props, 0);
    struct histogram *warm = histogram_new();
    struct histogram *latencies = worker->latencies;
    worker->latencies = warm;
    for (int burst = 0; burst < bursts_of(worker->plan); burst++) {
        if (burst == WARM_UP) {
            worker->latencies = latencies;
        }
        pthread_barrier_wait(worker->barrier);
        uint64_t allocations = heap_allocations();
        uint64_t faults = usage_thread_faults();
        worker->started_ns = monotonic_ns();
        if (burst % 2 == 0) {
            burst_timed(worker, props);
        } else {
            burst_untimed(worker, props);
        }
        worker->ended_ns = monotonic_ns();
        if (burst % 2 == 1 && burst >= WARM_UP) {
            worker->busy_ns += worker->ended_ns - worker->started_ns;
            worker->allocations += heap_allocations() - allocations;
            worker->faults += usage_thread_faults() - faults;
        }
        pthread_barrier_wait(worker->barrier);
    }
    histogram_free(warm);
    ph_props_free(props);
    return NULL;
}

static void add_super_properties(const struct client *client, int count)
{
    ph_props *props = ph_props_new();
    for (int i = 0; i < count; i++) {
        char key[32];
        snprintf(key, sizeof key, "app_ctx_%d", i);
        require(ph_props_set_str(props, key, "some value") == PH_OK, "set");
    }
    require(ph_register(client->handle, props) == PH_OK, "register");
    ph_props_free(props);
}

/* Runs the bursts; returns the time that they took from the first thread's start to the last
 * one's end, untimed bursts alone. */
static uint64_t conduct(const struct plan *plan, struct client *client, struct gate *gate,
                        struct worker *workers, pthread_barrier_t *barrier)
{
    uint64_t wall_ns = 0;
    for (int burst = 0; burst < bursts_of(plan); burst++) {
        bool parked = is_parked(plan, burst);
        if (parked) {
            gate_park(gate, client->handle);
        }
        pthread_barrier_wait(barrier);
        pthread_barrier_wait(barrier);
        uint64_t started = UINT64_MAX;
        uint64_t ended = 0;
        for (int i = 0; i < plan->threads; i++) {
            started = workers[i].started_ns < started ? workers[i].started_ns : started;
            ended = workers[i].ended_ns > ended ? workers[i].ended_ns : ended;
        }
        if (burst % 2 == 1 && burst >= WARM_UP) {
            wall_ns += ended - started;
        }
        if (parked) {
            gate_open(gate);
        }
        if (!plan->full && !plan->disabled) {
            client_settle(client);
        }
        if (plan->synced) {
            sync();
        }
    }
    return wall_ns;
}

static void report(const struct plan *plan, const struct worker *workers, uint64_t wall_ns)
{
    struct histogram *latencies = histogram_new();
    uint64_t busy_ns = 0;
    uint64_t allocations = 0;
    uint64_t faults = 0;
    for (int i = 0; i < plan->threads; i++) {
        histogram_merge(latencies, workers[i].latencies);
        busy_ns += workers[i].busy_ns;
        allocations += workers[i].allocations;
        faults += workers[i].faults;
    }
    double calls = (double)plan->threads * plan->bursts * plan->burst;
    figure_latencies("capture", plan->name, latencies);
    figure("capture", plan->name, "ns/call", (double)busy_ns / calls);
    figure("capture", plan->name, "calls/s", calls * 1e9 / (double)wall_ns);
    figure("capture", plan->name, "allocs/call", (double)allocations / calls);
    figure("capture", plan->name, "faults/call", (double)faults / calls);
}

/* Fills the queue behind the parked sender; returns how many events that took. */
static uint64_t fill(const struct client *client, struct gate *gate)
{
    gate_park(gate, client->handle);
    uint64_t events = 1;
    while (ph_capture(client->handle, event_user(0), EVENT_NAME, NULL) == PH_OK) {
        events++;
    }
    return events;
}

static void measure(void *argument)
{
    const struct plan *plan = argument;
    struct gate gate = GATE_OPEN;
    struct folder folder = folder_new();
    struct client client = client_open(&(struct client_options){
        .url = url,
        .disabled = plan->disabled,
        .queue_max_events = plan->default_bounds ? 0 : QUEUE_EVENTS,
        .storage_dir = plan->stored ? folder.path : NULL,
        .gate = plan->disabled ? NULL : &gate,
    });
    if (plan->super_properties > 0) {
        add_super_properties(&client, plan->super_properties);
    }
    uint64_t calls = (uint64_t)bursts_of(plan) * (uint64_t)plan->threads * plan->burst;
    uint64_t events = 0;
    for (int burst = 0; burst < bursts_of(plan); burst++) {
        /* gate_park captures one. */
        events += is_parked(plan, burst);
    }
    uint64_t refused = 0;
    if (plan->full) {
        events = fill(&client, &gate);
        refused = calls + 1;
    } else {
        events += calls;
    }

    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, (unsigned)plan->threads + 1);
    struct worker workers[THREADS_MAX] = {0};
    for (int i = 0; i < plan->threads; i++) {
        workers[i] = (struct worker){
            .plan = plan,
            .index = i,
            .client = client.handle,
            .barrier = &barrier,
        };
        workers[i].latencies = histogram_new();
        int status = pthread_create(&workers[i].thread, NULL, work, &workers[i]);
        require(status == 0, "no thread");
    }
    uint64_t wall_ns = conduct(plan, &client, &gate, workers, &barrier);
    for (int i = 0; i < plan->threads; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    report(plan, workers, wall_ns);
    if (plan->disabled) {
        ph_client_free(client.handle);
    } else {
        gate_open(&gate);
        client_close_refused(&client, events, refused);
    }
    folder_remove(&folder);
}

int main(int argc, char **argv)
{
    require(argc == 2 || argc == 3, "usage: capture URL [CASE]");
    url = argv[1];
    const char *only = argc == 3 ? argv[2] : NULL;
    event_prepare();
    figure_timer("capture");
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        struct plan plan = plans[i];
        if (only == NULL || strcmp(only, plan.name) == 0) {
            in_child(measure, &plan);
        }
    }
    return 0;
}
