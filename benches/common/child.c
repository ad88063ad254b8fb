#include "child.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail.h"

void in_child(void (*measure)(void *), void *argument)
{
    fflush(stdout);
    pid_t child = fork();
    require(child >= 0, "fork failed");
    if (child == 0) {
        measure(argument);
        fflush(stdout);
        _exit(0);
    }
    int status = -1;
    require(waitpid(child, &status, 0) == child, "waitpid failed");
    require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a measurement failed (%d)", status);
}
