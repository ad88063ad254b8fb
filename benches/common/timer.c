#include "timer.h"

double timer_ns_per_tick(void)
{
#if defined(__x86_64__)
    static double ns_per_tick;
    if (ns_per_tick == 0) {
        uint64_t start_ns = monotonic_ns();
        uint64_t start = ticks();
        uint64_t elapsed_ns;
        do {
            elapsed_ns = monotonic_ns() - start_ns;
        } while (elapsed_ns < 50000000);
        ns_per_tick = (double)elapsed_ns / (double)(ticks() - start);
    }
    return ns_per_tick;
#else
    return 1;
#endif
}
