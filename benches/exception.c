/* exception URL: what an exception costs the thread that captures it, from 30 functions deep. */

#include <posthog.h>
#include <stdbool.h>

#include "common/fail.h"
#include "common/figures.h"
#include "common/histogram.h"
#include "common/timer.h"

#define DEPTH 30
#define SAMPLES 2000

struct bench {
    ph_client *client;
    ph_exception *exception;
    ph_status expected;
    uint64_t took;
};

static __attribute__((noinline)) int deeper(struct bench *bench, int depth)
{
    if (depth > 0) {
        return deeper(bench, depth - 1) + 1;
    }
    uint64_t start = ticks();
    ph_status status = ph_capture_exception(bench->client, "user_42", bench->exception);
    bench->took = ticks() - start;
    require(status == bench->expected, "capture: %s", ph_status_text(status));
    return 0;
}

/* Frames of `main` and its callees come on top of those of `deeper`. */
static void measure(const char *name, const char *url, bool stack, bool suppressed)
{
    struct bench bench = {.expected = PH_OK};
    ph_config *config = ph_config_new("phc_benchmark");
    require(ph_config_set_host(config, url) == PH_OK, "host");
    uint32_t burst = suppressed ? 1 : PH_FOREVER;
    require(ph_config_set_exception_limit(config, burst, 86400000) == PH_OK, "limit");
    require(ph_init(config, &bench.client) == PH_OK, "init");
    ph_config_free(config);
    require(ph_exception_new("E", "message", &bench.exception) == PH_OK, "exception");
    require(ph_exception_set_stack(bench.exception, stack, 0) == PH_OK, "stack");
    struct histogram *latencies = histogram_new();
    for (int sample = 0; sample < SAMPLES; sample++) {
        deeper(&bench, DEPTH - 4);
        bench.expected = suppressed ? PH_ERROR_SUPPRESSED : PH_OK;
        if (sample >= SAMPLES / 10) {
            histogram_add(latencies, bench.took);
        }
    }
    double tick = timer_ns_per_tick();
    figure("exception", name, "p50 us", (double)histogram_at(latencies, 0.5) * tick / 1000);
    figure("exception", name, "p99 us", (double)histogram_at(latencies, 0.99) * tick / 1000);
    histogram_free(latencies);
    ph_exception_free(bench.exception);
    require(ph_shutdown(bench.client, 60000) == PH_OK, "shutdown");
    ph_client_free(bench.client);
}

int main(int argc, char **argv)
{
    require(argc == 2, "usage: exception URL");
    measure("with a stack of 30 frames", argv[1], true, false);
    measure("without a stack", argv[1], false, false);
    measure("suppressed, with a stack", argv[1], true, true);
}
