/* Counts the allocations of each thread, those of the library included: heap.c defines malloc and
 * its siblings in the program, where the dynamic linker finds them first. */

#ifndef BENCH_HEAP_H
#define BENCH_HEAP_H

#include <stdint.h>

/* How often this thread has asked for memory: malloc, calloc, realloc and the aligned ones. */
uint64_t heap_allocations(void);

#endif
