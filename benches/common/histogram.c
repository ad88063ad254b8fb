#include "histogram.h"

#include <string.h>
#include <sys/mman.h>

#include "fail.h"

struct histogram *histogram_new(void)
{
    int access = PROT_READ | PROT_WRITE;
    void *memory =
        mmap(NULL, sizeof(struct histogram), access, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    require(memory != MAP_FAILED, "no memory for a histogram");
    memset(memory, 0, sizeof(struct histogram));
    return memory;
}

void histogram_free(struct histogram *h)
{
    munmap(h, sizeof *h);
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (size_t i = 0; i < sizeof into->counts / sizeof into->counts[0]; i++) {
        into->counts[i] += from->counts[i];
    }
    into->count += from->count;
    if (from->max > into->max) {
        into->max = from->max;
    }
}

uint64_t histogram_at(const struct histogram *h, double fraction)
{
    uint64_t wanted = (uint64_t)(fraction * (double)h->count + 0.999999);
    uint64_t seen = 0;
    for (size_t i = 0; i < sizeof h->counts / sizeof h->counts[0]; i++) {
        seen += h->counts[i];
        if (seen >= wanted && seen > 0) {
            unsigned shift = i < 2 * HISTOGRAM_STEPS ? 0 : (unsigned)(i / HISTOGRAM_STEPS - 1);
            uint64_t end = ((uint64_t)(i - (size_t)shift * HISTOGRAM_STEPS + 1) << shift) - 1;
            return end < h->max ? end : h->max;
        }
    }
    return h->max;
}
