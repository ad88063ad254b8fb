/* For callgrind: captures in functions of their own, so that it can count nothing else. The name
 * of the one to run is an argument, `one_<name>` the function to collect in. Prints how often. */

#include <stdio.h>
#include <string.h>

#include "common/client.h"
#include "common/event.h"
#include "common/fail.h"

#define CALLS 1000
/* Of warming up: the queue then has the memory that so many calls need. */
#define LAPS 2

static ph_client *client;
static ph_props *props;

__attribute__((noinline)) void one_built(uint32_t number)
{
    event_build(props, number);
    ph_capture(client, event_user(number), EVENT_NAME, props);
}

__attribute__((noinline)) void one_prebuilt(uint32_t number)
{
    ph_capture(client, event_user(number), EVENT_NAME, props);
}

int main(int argc, char **argv)
{
    require(argc == 3, "usage: instructions URL built|prebuilt");
    event_prepare();
    struct gate gate = GATE_OPEN;
    struct client all = client_open(&(struct client_options){.url = argv[1], .gate = &gate});
    client = all.handle;
    props = ph_props_new();
    event_build(props, 0);
    /* The sender would take turns with this thread on valgrind's one processor. */
    for (int lap = 0; lap < LAPS; lap++) {
        gate_park(&gate, client);
        for (uint32_t i = 0; i < CALLS; i++) {
            event_build(props, i);
            ph_capture(client, event_user(i), EVENT_NAME, props);
        }
        gate_open(&gate);
        client_settle(&all);
    }
    gate_park(&gate, client);
    for (uint32_t i = 0; i < CALLS; i++) {
        if (strcmp(argv[2], "built") == 0) {
            one_built(i);
        } else {
            one_prebuilt(i);
        }
    }
    gate_open(&gate);
    client_close(&all, (LAPS + 1) * (CALLS + 1));
    ph_props_free(props);
    printf("%d\n", CALLS);
    return 0;
}
