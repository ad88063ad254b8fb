/* A folder of this process's own, for what outlives one. */

#ifndef BENCH_FOLDER_H
#define BENCH_FOLDER_H

struct folder {
    char path[512];
};

struct folder folder_new(void);

/* Fails if something is left in it. */
void folder_remove(const struct folder *folder);

#endif
