/* How what a client costs grows: with the number and the size of an event's properties, with the
 * number of clients, with time in which nothing happens, and with TLS. */

#include <posthog.h>
#include <dirent.h>
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
#include "common/timer.h"
#include "common/usage.h"

#define BURSTS 21
#define CLIENTS_MAX 100
#define IDLE_MS 2000
/* What the first event has needed is given back by then. */
#define SETTLED_MS 2500
#define POSTS 200
#define EVENTS_A_POST 100

static const char *url, *tls_url, *ca_file;

/* An event with so many properties of so many bytes. */
struct shape {
    int properties;
    size_t bytes;
};

static void check(ph_status status, const char *what)
{
    require(status == PH_OK, "%s: %s", what, ph_status_text(status));
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* What one capture takes, properties included: the median of some bursts, each flushed. */
static double cost_of(const struct shape *shape)
{
    static char keys[100][24];
    for (int i = 0; i < shape->properties; i++) {
        snprintf(keys[i], sizeof keys[i], "property_%02d", i);
    }
    char *value = malloc(shape->bytes + 1);
    require(value != NULL, "no memory");
    memset(value, 'v', shape->bytes);
    value[shape->bytes] = '\0';
    size_t event_bytes = 300 + (size_t)shape->properties * (shape->bytes + 20);
    uint32_t burst = event_bytes < 8000 ? 1000 : (uint32_t)(8000000 / event_bytes);

    struct client client = client_open(&(struct client_options){.url = url});
    ph_props *props = ph_props_new();
    double costs[BURSTS];
    for (int round = 0; round < BURSTS; round++) {
        uint64_t started = monotonic_ns();
        for (uint32_t i = 0; i < burst; i++) {
            ph_props_clear(props);
            for (int at = 0; at < shape->properties; at++) {
                ph_props_set_str(props, keys[at], value);
            }
            check(ph_capture(client.handle, event_user(i), EVENT_NAME, props), "capture");
        }
        costs[round] = (double)(monotonic_ns() - started) / burst;
        client_settle(&client);
    }
    ph_props_free(props);
    free(value);
    client_close(&client, (uint64_t)BURSTS * burst);
    qsort(costs, BURSTS, sizeof costs[0], by_value);
    return costs[BURSTS / 2];
}

static void measure_number(void *argument)
{
    int properties = *(int *)argument;
    char name[32];
    snprintf(name, sizeof name, "%d", properties);
    figure("cost by number of properties", name, "ns",
           cost_of(&(struct shape){.properties = properties, .bytes = 10}));
}

static void measure_size(void *argument)
{
    int bytes = *(int *)argument;
    char name[32];
    snprintf(name, sizeof name, "%d", bytes);
    figure("cost by bytes of one property", name, "ns",
           cost_of(&(struct shape){.properties = 1, .bytes = (size_t)bytes}));
}

/* Adds up a number that each thread of this process but the first tells of itself. */
static uint64_t of_other_threads(const char *field)
{
    uint64_t total = 0;
    DIR *tasks = opendir("/proc/self/task");
    require(tasks != NULL, "no /proc");
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        if (task->d_name[0] == '.' || atoi(task->d_name) == getpid()) {
            continue;
        }
        char path[300], line[128];
        snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        FILE *status = fopen(path, "r");
        while (status != NULL && fgets(line, sizeof line, status) != NULL) {
            if (strncmp(line, field, strlen(field)) == 0) {
                total += strtoull(line + strlen(field), NULL, 10);
            }
        }
        if (status != NULL) {
            fclose(status);
        }
    }
    closedir(tasks);
    return total;
}

static uint64_t threads_now(void)
{
    uint64_t threads = 0;
    DIR *tasks = opendir("/proc/self/task");
    require(tasks != NULL, "no /proc");
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        threads += task->d_name[0] != '.';
    }
    closedir(tasks);
    return threads;
}

static void measure_clients(void *argument)
{
    static struct client clients[CLIENTS_MAX];
    static const uint32_t events = 100;
    int count = *(int *)argument;
    char name[32];
    snprintf(name, sizeof name, "%d", count);
    ph_props *props = ph_props_new();
    uint64_t before = usage_resident();
    for (int i = 0; i < count; i++) {
        clients[i] = client_open(&(struct client_options){.url = url});
    }
    uint64_t took = 0;
    /* In the first lap threads start, and memory is touched for the first time. */
    for (int lap = 0; lap < 2; lap++) {
        uint64_t started = monotonic_ns();
        for (uint32_t event = 0; event < events; event++) {
            event_build(props, event);
            for (int i = 0; i < count; i++) {
                check(ph_capture(clients[i].handle, event_user(event), EVENT_NAME, props),
                      "capture");
            }
        }
        took = monotonic_ns() - started;
        for (int i = 0; i < count; i++) {
            client_settle(&clients[i]);
        }
    }
    figure("cost by clients", name, "ns", (double)took / (events * (uint32_t)count));
    figure("cost by clients", name, "threads", (double)threads_now());
    figure("cost by clients", name, "KiB/client",
           (double)(usage_resident() - before) / 1024 / count);
    for (int i = 0; i < count; i++) {
        check(ph_shutdown(clients[i].handle, 10000), "shutdown");
        require(client_stat(&clients[i], PH_STAT_DELIVERED) == 2 * events, "an event was lost");
        ph_client_free(clients[i].handle);
    }
    ph_props_free(props);
}

/* How often the library's threads wake while the queue is empty. */
static void measure_idle(void *argument)
{
    const struct folder *folder = argument;
    struct client client = client_open(&(struct client_options){
        .url = url, .storage_dir = folder == NULL ? NULL : folder->path});
    check(ph_capture(client.handle, event_user(0), EVENT_NAME, NULL), "capture");
    client_settle(&client);
    usleep(SETTLED_MS * 1000);
    uint64_t before = of_other_threads("voluntary_ctxt_switches:");
    usleep(IDLE_MS * 1000);
    uint64_t woken = of_other_threads("voluntary_ctxt_switches:") - before;
    figure("idle", folder == NULL ? "wake-ups in two seconds" : "wake-ups in two seconds, stored",
           "times", (double)woken);
    client_close(&client, 1);
}

/* The sender's processor time for a request of 100 events, but for the first ones. */
static void measure_posts(void *argument)
{
    bool tls = *(int *)argument != 0;
    struct gate gate = GATE_OPEN;
    ph_config *config = ph_config_new("phc_benchmark");
    check(ph_config_set_host(config, tls ? tls_url : url), "host");
    if (tls) {
        check(ph_config_set_ca_file(config, ca_file), "CA file");
    }
    check(ph_config_set_delivery(config, gate_on_delivery, &gate, NULL), "delivery");
    ph_client *client = NULL;
    check(ph_init(config, &client), "init");
    ph_config_free(config);
    ph_props *props = ph_props_new();
    uint64_t before = 0;
    for (int post = 0; post < 1 + POSTS; post++) {
        for (uint32_t i = 0; i < EVENTS_A_POST; i++) {
            event_build(props, i);
            check(ph_capture(client, event_user(i), EVENT_NAME, props), "capture");
        }
        check(ph_flush(client, 10000), "flush");
        before = post == 0 ? gate.sender_ns : before;
    }
    figure("a request of 100 events", tls ? "over TLS 1.3" : "plain HTTP", "ms CPU",
           (double)(gate.sender_ns - before) / POSTS / 1e6);
    ph_props_free(props);
    check(ph_shutdown(client, 10000), "shutdown");
    ph_client_free(client);
}

int main(int argc, char **argv)
{
    require(argc == 4, "usage: sweeps URL TLS_URL CA_FILE");
    url = argv[1];
    tls_url = argv[2];
    ca_file = argv[3];
    event_prepare();
    for (const int *at = (const int[]){0, 1, 3, 10, 30, 100, -1}; *at >= 0; at++) {
        in_child(measure_number, &(int){*at});
    }
    for (const int *at = (const int[]){10, 100, 1000, 10000, 100000, -1}; *at >= 0; at++) {
        in_child(measure_size, &(int){*at});
    }
    for (const int *at = (const int[]){1, 3, 10, 30, 100, -1}; *at >= 0; at++) {
        in_child(measure_clients, &(int){*at});
    }
    in_child(measure_idle, NULL);
    struct folder folder = folder_new();
    in_child(measure_idle, &folder);
    folder_remove(&folder);
    in_child(measure_posts, &(int){0});
    in_child(measure_posts, &(int){1});
    return 0;
}
