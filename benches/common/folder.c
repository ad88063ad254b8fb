#include "folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fail.h"

struct folder folder_new(void)
{
    struct folder folder;
    const char *parent = getenv("TMPDIR");
    snprintf(folder.path, sizeof folder.path, "%s/posthog-bench-XXXXXX",
             parent == NULL ? "/tmp" : parent);
    require(mkdtemp(folder.path) != NULL, "no directory: %s", folder.path);
    return folder;
}

void folder_remove(const struct folder *folder)
{
    require(rmdir(folder->path) == 0, "%s is not empty", folder->path);
}
