/* The time-stamp counter where there is one, else the monotonic clock. */

#ifndef BENCH_TIMER_H
#define BENCH_TIMER_H

#include <stdint.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

static inline uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t monotonic_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* Fenced on both sides: what is measured neither starts before the first reading nor is still
 * under way at the second. */
static inline uint64_t ticks(void)
{
#if defined(__x86_64__)
    unsigned processor;
    uint64_t now = __rdtscp(&processor);
    _mm_lfence();
    return now;
#else
    return monotonic_ns();
#endif
}

#if defined(__x86_64__)
#define TIMER_NAME "rdtscp"
#else
#define TIMER_NAME "clock_gettime"
#endif

/* Nanoseconds per tick, measured once for 50 ms. */
double timer_ns_per_tick(void);

#endif
