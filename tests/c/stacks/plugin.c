/* A library with functions of its own, exported and not, between the program and the capture. */

#include "stacks.h"

/* Not exported, and not to be inlined: the frame of a stripped library. */
static __attribute__((noinline)) int library_inner(callback *capture, void *data) {
  return capture(data) + 1;
}

static __attribute__((noinline)) int library_middle(callback *capture, void *data) {
  return library_inner(capture, data) + 1;
}

__attribute__((visibility("default"), noinline)) int LIBRARY_OUTER(callback *capture, void *data) {
  return library_middle(capture, data) + 1;
}
