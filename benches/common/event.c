#include "event.h"

#include <stdio.h>

char event_users[EVENT_USERS][16];

void event_prepare(void)
{
    for (unsigned i = 0; i < EVENT_USERS; i++) {
        snprintf(event_users[i], sizeof event_users[i], "user_%04u", i);
    }
}
