/* What /proc says about this process. Linux. */
#ifndef PROC_H
#define PROC_H

#include "check.h"

#include <dirent.h>

/* How many entries a folder of /proc has. */
static inline int entries(const char *path) {
  DIR *folder = opendir(path);
  CHECK(folder != NULL);
  int count = 0;
  while (readdir(folder) != NULL) {
    count++;
  }
  closedir(folder);
  return count;
}

#endif
