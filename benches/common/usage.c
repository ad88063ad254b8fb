#include "usage.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "fail.h"

uint64_t usage_thread_faults(void)
{
    struct rusage usage;
    require(getrusage(RUSAGE_THREAD, &usage) == 0, "getrusage");
    return (uint64_t)usage.ru_minflt;
}

/* A line `Name:  123 kB` of a file under /proc. */
static uint64_t kilobytes(const char *path, const char *name)
{
    FILE *file = fopen(path, "r");
    require(file != NULL, "cannot read %s", path);
    char line[256];
    unsigned long long value = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        size_t length = strlen(name);
        if (strncmp(line, name, length) == 0 && sscanf(line + length, ": %llu", &value) == 1) {
            break;
        }
    }
    fclose(file);
    require(value > 0, "no %s in %s", name, path);
    return value * 1024;
}

uint64_t usage_resident(void)
{
    /* Exact, unlike the counters of `status`, which lag behind by up to 64 pages a thread. */
    return kilobytes("/proc/self/smaps_rollup", "Rss");
}

uint64_t usage_own(void)
{
    return kilobytes("/proc/self/smaps_rollup", "Anonymous");
}

uint64_t usage_resident_peak(void)
{
    return kilobytes("/proc/self/status", "VmHWM");
}
