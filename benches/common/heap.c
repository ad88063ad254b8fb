#include "heap.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local uint64_t allocations;

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    void (*free)(void *);
} next;

/* dlsym itself may allocate before the real functions are known. That is before main, on one
 * thread, and is never given back. */
static _Alignas(16) char early[4096];
static size_t early_used;
static bool resolving;

static void *early_take(size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if (size > sizeof early - early_used) {
        abort();
    }
    early_used += size;
    return early + early_used - size;
}

static bool is_early(const void *memory)
{
    return (const char *)memory >= early && (const char *)memory < early + sizeof early;
}

/* ISO C has no cast from an object pointer to a function pointer; POSIX gives both one size. */
static void find(void *slot, const char *name)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    if (symbol == NULL) {
        abort();
    }
    memcpy(slot, &symbol, sizeof symbol);
}

static void resolve(void)
{
    resolving = true;
    find(&next.calloc, "calloc");
    find(&next.realloc, "realloc");
    find(&next.posix_memalign, "posix_memalign");
    find(&next.aligned_alloc, "aligned_alloc");
    find(&next.free, "free");
    find(&next.malloc, "malloc");
    resolving = false;
}

/* Whether the real functions are known. */
static inline bool ready(void)
{
    if (next.malloc == NULL && !resolving) {
        resolve();
    }
    return !resolving;
}

uint64_t heap_allocations(void)
{
    return allocations;
}

void *malloc(size_t size)
{
    allocations++;
    return ready() ? next.malloc(size) : early_take(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return ready() ? next.calloc(count, size) : early_take(count * size);
}

void *realloc(void *memory, size_t size)
{
    allocations++;
    if (!ready()) {
        abort();
    }
    return next.realloc(memory, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    allocations++;
    return ready() ? next.posix_memalign(memory, alignment, size) : ENOMEM;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    allocations++;
    return ready() ? next.aligned_alloc(alignment, size) : NULL;
}

void free(void *memory)
{
    if (memory != NULL && !is_early(memory) && ready()) {
        next.free(memory);
    }
}
