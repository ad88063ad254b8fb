/* A fresh process for a measurement: no heap, thread or connection of an earlier one. */

#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

/* Runs `measure` in a forked child; a child that fails ends the program with 1. Not to be called
 * once this process has used the library: the child would inherit what that left. */
void in_child(void (*measure)(void *), void *argument);

#endif
