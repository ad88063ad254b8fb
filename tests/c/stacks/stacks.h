/* What the program of stacks.c and its libraries share. */

#ifndef STACKS_H
#define STACKS_H

typedef int callback(void *data);

int linked_outer(callback *capture, void *data);

#endif
