/* How long a client takes to begin: ph_init, ph_client_start, and the first captures after them.
 *
 * Each sample is taken in a process of its own, where nothing is warm. */

#include <posthog.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "common/child.h"
#include "common/event.h"
#include "common/fail.h"
#include "common/figures.h"
#include "common/folder.h"
#include "common/histogram.h"
#include "common/timer.h"

#define SAMPLES 20
#define LAP 1000
#define WARM 200

/* What a client is made with. */
enum kind { PLAIN, STORED, CRASHES, KINDS };

static const char *const kind_names[KINDS] = {"", ", with storage", ", with the crash handler"};

/* Shared with the children. */
struct samples {
    enum kind kind;
    double init_us[SAMPLES];
    double start_us[SAMPLES];
    double warm_us[WARM];
    struct histogram *lap;
    int at;
};

static const char *url;
static struct folder folder;

static double elapsed_us(uint64_t since)
{
    return (double)(ticks() - since) * timer_ns_per_tick() / 1000;
}

static ph_client *init(enum kind kind, double *took_us)
{
    ph_config *config = ph_config_new("phc_benchmark");
    require(ph_config_set_host(config, url) == PH_OK, "host");
    if (kind != PLAIN) {
        require(ph_config_set_storage_dir(config, folder.path) == PH_OK, "storage");
    }
    require(ph_config_set_crash_handler(config, kind == CRASHES) == PH_OK, "crash handler");
    ph_client *client = NULL;
    uint64_t start = ticks();
    ph_status status = ph_init(config, &client);
    *took_us = elapsed_us(start);
    require(status == PH_OK, "init: %s", ph_status_text(status));
    ph_config_free(config);
    return client;
}

/* ph_init, ph_client_start, and then, once the sender has settled, the first captures. */
static void measure_first(void *argument)
{
    struct samples *samples = argument;
    ph_client *client = init(PLAIN, &samples->init_us[samples->at]);
    uint64_t start = ticks();
    require(ph_client_start(client) == PH_OK, "start");
    samples->start_us[samples->at] = elapsed_us(start);
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    ph_props *props = ph_props_new();
    for (uint32_t i = 0; i < LAP; i++) {
        start = ticks();
        event_build(props, i);
        ph_status status = ph_capture(client, event_user(i), EVENT_NAME, props);
        uint64_t end = ticks();
        require(status == PH_OK, "capture: %s", ph_status_text(status));
        histogram_add(samples->lap, end - start);
    }
    ph_props_free(props);
    require(ph_shutdown(client, 60000) == PH_OK, "shutdown");
    ph_client_free(client);
}

static void measure_init(void *argument)
{
    struct samples *samples = argument;
    ph_client_free(init(samples->kind, &samples->init_us[samples->at]));
}

static void measure_warm(void *argument)
{
    struct samples *samples = argument;
    for (int i = 0; i < WARM; i++) {
        ph_client_free(init(samples->kind, &samples->warm_us[i]));
    }
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof values[0], compare);
    return values[count / 2];
}

/* The first ph_init of a process, and those after it. */
static void measure_kind(struct samples *samples)
{
    for (samples->at = 0; samples->at < SAMPLES; samples->at++) {
        in_child(measure_init, samples);
    }
    in_child(measure_warm, samples);
    char name[64];
    snprintf(name, sizeof name, "ph_init%s, first of the process", kind_names[samples->kind]);
    figure("init", name, "us", median(samples->init_us, SAMPLES));
    snprintf(name, sizeof name, "ph_init%s, later ones", kind_names[samples->kind]);
    figure("init", name, "us", median(samples->warm_us, WARM));
}

int main(int argc, char **argv)
{
    require(argc == 2, "usage: init URL");
    url = argv[1];
    event_prepare();
    timer_ns_per_tick();
    int access = PROT_READ | PROT_WRITE;
    struct samples *samples =
        mmap(NULL, sizeof *samples, access, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    require(samples != MAP_FAILED, "no memory");
    samples->lap = histogram_new();
    for (samples->at = 0; samples->at < SAMPLES; samples->at++) {
        in_child(measure_first, samples);
    }
    figure_latencies("capture", "first 1,000 after start", samples->lap);
    figure("init", "ph_client_start", "us", median(samples->start_us, SAMPLES));
    folder = folder_new();
    for (int kind = 0; kind < KINDS; kind++) {
        samples->kind = (enum kind)kind;
        measure_kind(samples);
    }
    folder_remove(&folder);
    return 0;
}
