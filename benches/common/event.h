/* The event that everything is measured with: two strings and an integer, for one of 1,024
 * users. */

#ifndef BENCH_EVENT_H
#define BENCH_EVENT_H

#include <posthog.h>
#include <stdint.h>

#define EVENT_NAME "order placed"
#define EVENT_USERS 1024

extern char event_users[EVENT_USERS][16];

/* Names the users. Before anything else here. */
void event_prepare(void);

static inline const char *event_user(uint32_t number)
{
    return event_users[number % EVENT_USERS];
}

/* Built as a program would: on a map that is reused, cleared and set anew. */
static inline void event_build(ph_props *props, uint32_t number)
{
    ph_props_clear(props);
    ph_props_set_str(props, "plan", "pro");
    ph_props_set_str(props, "source", "web checkout");
    ph_props_set_int(props, "amount", 4999 + number % 1024);
}

#endif
