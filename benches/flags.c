/* Feature flags from definitions that are at hand: no request is made.
 *
 *     flags URL DEFINITIONS LARGE
 *
 * DEFINITIONS are those of 200 flags, LARGE those of 1,000 flags and 500 cohorts
 * (peers/definitions.awk). The receiver at URL is asked nothing. */

#include <posthog.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/fail.h"
#include "common/figures.h"
#include "common/heap.h"
#include "common/histogram.h"
#include "common/timer.h"

#define GROUP "flags"
#define ONE "local evaluation of one flag"
#define EVERY "local evaluation of 200 flags"
#define LIBRARY "libposthog " PH_VERSION
#define KEY "flag-000"

#define IDS 1024
#define ROUNDS 20
#define LOADS 20

static char ids[IDS][16];

struct text {
    char *bytes;
    size_t len;
};

static struct text read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    require(file != NULL, "%s cannot be read", path);
    require(fseek(file, 0, SEEK_END) == 0, "%s cannot be read", path);
    long size = ftell(file);
    rewind(file);
    struct text text = {malloc((size_t)size), (size_t)size};
    require(text.bytes != NULL && fread(text.bytes, 1, text.len, file) == text.len, "%s", path);
    fclose(file);
    return text;
}

static ph_client *client_with(const char *url, struct text definitions)
{
    ph_config *config = ph_config_new("phc_benchmark");
    require(ph_config_set_host(config, url) == PH_OK, "host");
    ph_client *client = NULL;
    require(ph_init(config, &client) == PH_OK, "init");
    ph_config_free(config);
    ph_status status = ph_definitions_load(client, definitions.bytes, definitions.len);
    require(status == PH_OK, "definitions: %s", ph_status_text(status));
    return client;
}

static void fill(ph_props *props)
{
    ph_props_clear(props);
    ph_props_set_str(props, "email", "someone@customer.example");
    ph_props_set_str(props, "plan", "pro");
    ph_props_set_int(props, "seats", 42);
}

struct subject {
    const ph_client *client;
    ph_props *props;
    ph_context *context;
    const ph_flags *snapshot;
};

typedef void call_fn(const struct subject *subject, uint32_t number);

static void one_flag(const struct subject *subject, uint32_t number)
{
    /* Not known, it would be true here and false below. */
    ph_flag_enabled(subject->client, ids[number % IDS], KEY, subject->context, true);
}

static void one_flag_anew(const struct subject *subject, uint32_t number)
{
    ph_context *context = ph_context_new();
    fill(subject->props);
    ph_context_set_person_properties(context, subject->props);
    ph_flag_enabled(subject->client, ids[number % IDS], KEY, context, true);
    ph_context_free(context);
}

static void every_flag(const struct subject *subject, uint32_t number)
{
    ph_flags *flags = NULL;
    ph_flags_evaluate(subject->client, ids[number % IDS], subject->context, 1, &flags);
    ph_flags_free(flags);
}

static void read_one(const struct subject *subject, uint32_t number)
{
    static const char *const keys[] = {"flag-000", "flag-049", "flag-117", "flag-199"};
    ph_flags_is_enabled(subject->snapshot, keys[number % 4], false);
}

/* The best of some rounds, in nanoseconds a call: what disturbs only adds. */
static double nanoseconds(call_fn *call, const struct subject *subject, uint32_t calls)
{
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t begun = monotonic_ns();
        for (uint32_t number = 0; number < calls; number++) {
            call(subject, number);
        }
        double took = (double)(monotonic_ns() - begun) / calls;
        best = round == 0 || took < best ? took : best;
    }
    return best;
}

static double allocations(call_fn *call, const struct subject *subject, uint32_t calls)
{
    uint64_t before = heap_allocations();
    for (uint32_t number = 0; number < calls; number++) {
        call(subject, number);
    }
    return (double)(heap_allocations() - before) / calls;
}

static void measure_calls(const struct subject *subject)
{
    /* What each id is told once is behind it. */
    nanoseconds(one_flag, subject, IDS);
    double one = nanoseconds(one_flag, subject, 20000);
    figure(GROUP, "ph_flag_enabled, 3 person properties", "ns", one);
    figure(GROUP, "ph_flag_enabled, 3 person properties", "allocs",
           allocations(one_flag, subject, IDS));
    figure(GROUP, "the same, properties set anew", "ns",
           nanoseconds(one_flag_anew, subject, 20000));
    figure(GROUP, "ph_flags_is_enabled", "ns", nanoseconds(read_one, subject, 100000));
    figure(ONE, LIBRARY, "ns", one);
    figure(EVERY, LIBRARY, "ns", nanoseconds(every_flag, subject, 100));
}

static void check_values(const struct subject *subject)
{
    int on = 0;
    for (int id = 0; id < IDS; id++) {
        bool high = ph_flag_enabled(subject->client, ids[id], KEY, subject->context, true);
        bool low = ph_flag_enabled(subject->client, ids[id], KEY, subject->context, false);
        require(high == low, "%s is not known for %s", KEY, ids[id]);
        on += high;
    }
    require(on > IDS * 8 / 10 && on < IDS, "%d of %d ids are on", on, IDS);
    require(ph_flags_get_count(subject->snapshot) == 200, "not 200 flags are known");
}

/* One thread reads as fast as it can, and each read is timed. */
struct reader {
    const struct subject *subject;
    struct histogram *latencies;
    atomic_bool stop;
};

static void *read_on(void *argument)
{
    struct reader *reader = argument;
    for (uint32_t number = 0; !atomic_load(&reader->stop); number++) {
        uint64_t start = ticks();
        one_flag(reader->subject, number);
        histogram_add(reader->latencies, ticks() - start);
    }
    return NULL;
}

static struct reader reader_start(const struct subject *subject)
{
    struct reader reader = {subject, histogram_new(), false};
    return reader;
}

static uint64_t p99(const struct histogram *h)
{
    return histogram_at(h, 0.99);
}

/* How long a load takes, and what a reader notices of many. */
static void measure_loads(const struct subject *subject, struct text large)
{
    pthread_t thread;
    struct reader quiet = reader_start(subject);
    struct reader disturbed = reader_start(subject);
    require(ph_definitions_load(subject->client, large.bytes, large.len) == PH_OK, "load");
    require(pthread_create(&thread, NULL, read_on, &quiet) == 0, "a thread");
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    atomic_store(&quiet.stop, true);
    pthread_join(thread, NULL);
    require(pthread_create(&thread, NULL, read_on, &disturbed) == 0, "a thread");
    double best = 0;
    for (int load = 0; load < LOADS; load++) {
        uint64_t begun = monotonic_ns();
        ph_status status = ph_definitions_load(subject->client, large.bytes, large.len);
        double took = (double)(monotonic_ns() - begun) / 1e6;
        require(status == PH_OK, "load: %s", ph_status_text(status));
        best = load == 0 || took < best ? took : best;
    }
    atomic_store(&disturbed.stop, true);
    pthread_join(thread, NULL);
    double tick = timer_ns_per_tick();
    double before = (double)p99(quiet.latencies) * tick;
    double after = (double)p99(disturbed.latencies) * tick;
    figure(GROUP, "loading 1,000 flags and 500 cohorts", "ms", best);
    figure(GROUP, "a reader's p99", "ns", before);
    figure(GROUP, "a reader's p99 while they are loaded", "ns", after);
    figure(GROUP, "what loading adds to a reader's p99", "ns", after > before ? after - before : 0);
}

int main(int argc, char **argv)
{
    require(argc == 4, "usage: flags URL DEFINITIONS LARGE");
    for (int id = 0; id < IDS; id++) {
        snprintf(ids[id], sizeof ids[id], "user_%08d", id);
    }
    struct text definitions = read_file(argv[2]);
    struct text large = read_file(argv[3]);
    ph_client *client = client_with(argv[1], definitions);
    struct subject subject = {client, ph_props_new(), ph_context_new(), NULL};
    fill(subject.props);
    ph_context_set_person_properties(subject.context, subject.props);
    ph_flags *snapshot = NULL;
    ph_status status = ph_flags_evaluate(client, ids[0], subject.context, 1, &snapshot);
    require(status == PH_OK, "evaluate: %s", ph_status_text(status));
    subject.snapshot = snapshot;
    check_values(&subject);
    measure_calls(&subject);
    measure_loads(&subject, large);
    ph_flags_free(snapshot);
    ph_context_free(subject.context);
    ph_props_free(subject.props);
    ph_shutdown(client, 10000);
    ph_client_free(client);
    free(definitions.bytes);
    free(large.bytes);
    return 0;
}
