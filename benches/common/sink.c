#include "sink.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "fail.h"

static int open_connection(const char *url)
{
    unsigned port;
    require(sscanf(url, "http://127.0.0.1:%u", &port) == 1, "not a loopback URL: %s", url);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    require(fd >= 0, "no socket");
    struct timeval limit = {.tv_sec = 10, .tv_usec = 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int status = connect(fd, (const struct sockaddr *)&address, sizeof address);
    require(status == 0, "no receiver at %s", url);
    return fd;
}

static uint64_t number(const char *json, const char *name)
{
    char key[32];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(json, key);
    unsigned long long value;
    require(at != NULL && sscanf(at + strlen(key), "%llu", &value) == 1,
            "the receiver does not tell its %s: %s", name, json);
    return value;
}

struct sink_counts sink_counts(const char *url)
{
    static const char request[] =
        "GET /__counts HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    int fd = open_connection(url);
    require(send(fd, request, sizeof request - 1, 0) == (ssize_t)sizeof request - 1, "send");
    char answer[4096];
    size_t length = 0;
    ssize_t got;
    while ((got = recv(fd, answer + length, sizeof answer - 1 - length, 0)) > 0) {
        length += (size_t)got;
    }
    close(fd);
    answer[length] = '\0';
    require(strncmp(answer, "HTTP/1.1 200", 12) == 0, "unexpected answer: %s", answer);
    return (struct sink_counts){
        .requests = number(answer, "requests"),
        .bytes = number(answer, "bytes"),
        .accepted = number(answer, "accepted"),
        .duplicates = number(answer, "duplicates"),
    };
}
