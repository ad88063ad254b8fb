/* What this process or thread has used. */

#ifndef BENCH_USAGE_H
#define BENCH_USAGE_H

#include <stdint.h>

/* Page faults of this thread that needed no disk. */
uint64_t usage_thread_faults(void);

/* Resident bytes now, and at most so far. */
uint64_t usage_resident(void);
uint64_t usage_resident_peak(void);

/* Of those now, what is this process's own: neither pages of files nor what it has not written. */
uint64_t usage_own(void);

#endif
