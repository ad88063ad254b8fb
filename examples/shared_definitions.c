/* A fleet reads the definitions of its feature flags from PostHog once.
 *
 *     shared_definitions FOLDER [FLAG]
 *
 * Every process that is started with the same folder shares one copy. Here that is a file, and a
 * file lock says whose turn it is to read. With Redis it would be two keys:
 *
 *     turn    SET posthog:turn <process> NX PX 45000       my turn if it was set, or is mine
 *     text    GET posthog:definitions                      PH_DEFINITIONS_USE
 *     put     SET posthog:definitions <json> EX 600
 *     free    DEL posthog:turn, if it is mine              so that another takes over at once
 *
 * POSTHOG_API_KEY, POSTHOG_HOST and POSTHOG_SECRET_KEY are read from the environment. */

#define _DEFAULT_SOURCE

#include <fcntl.h>
#include <posthog.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

struct cache {
    char text[4096];
    char next[4096];
    /* Whoever holds its lock reads from PostHog. */
    int turn;
};

/* Runs before each poll, on the thread that polls: never while a flag is evaluated. */
static int32_t get(void *userdata, ph_definitions *definitions)
{
    struct cache *cache = userdata;
    /* The lock is kept until this process ends, or frees the cache. */
    if (flock(cache->turn, LOCK_EX | LOCK_NB) == 0) {
        return PH_DEFINITIONS_FETCH;
    }
    FILE *file = fopen(cache->text, "rb");
    if (file == NULL) {
        return PH_DEFINITIONS_KEEP;
    }
    int32_t advice = -1;
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *json = size > 0 ? malloc((size_t)size) : NULL;
    if (json != NULL && fread(json, 1, (size_t)size, file) == (size_t)size &&
        ph_definitions_set(definitions, json, (size_t)size) == PH_OK) {
        advice = PH_DEFINITIONS_USE;
    }
    free(json);
    fclose(file);
    /* Anything else than an advice is a failure: this process reads by itself then. */
    return advice;
}

/* What this process has read. Replaced whole, so that nobody finds half of it. */
static int32_t put(void *userdata, const char *json, size_t json_len)
{
    struct cache *cache = userdata;
    FILE *file = fopen(cache->next, "wb");
    if (file == NULL) {
        return -1;
    }
    size_t written = fwrite(json, 1, json_len, file);
    if (fclose(file) != 0 || written != json_len) {
        return -1;
    }
    return rename(cache->next, cache->text);
}

static void forget(void *userdata)
{
    struct cache *cache = userdata;
    close(cache->turn);
    free(cache);
}

static struct cache *cache_in(const char *folder)
{
    struct cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL) {
        return NULL;
    }
    char turn[4096];
    snprintf(turn, sizeof turn, "%s/turn", folder);
    snprintf(cache->text, sizeof cache->text, "%s/definitions.json", folder);
    snprintf(cache->next, sizeof cache->next, "%s/definitions.%ld", folder, (long)getpid());
    cache->turn = open(turn, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (cache->turn < 0) {
        free(cache);
        return NULL;
    }
    return cache;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: shared_definitions FOLDER [FLAG]\n");
        return 2;
    }
    struct cache *cache = cache_in(argv[1]);
    if (cache == NULL) {
        perror(argv[1]);
        return 1;
    }
    ph_config *config = ph_config_from_env();
    ph_config_set_definitions_cache(config, get, put, cache, forget);
    ph_client *client = NULL;
    ph_status status = ph_init(config, &client);
    ph_config_free(config);
    if (status == PH_OK) {
        status = ph_flags_wait_ready(client, 10000);
    }
    if (status != PH_OK) {
        fprintf(stderr, "no definitions: %s\n", ph_status_text(status));
    } else if (argc > 2) {
        bool on = ph_flag_enabled(client, "user_42", argv[2], NULL, false);
        printf("%s is %s\n", argv[2], on ? "on" : "off");
    }
    ph_shutdown(client, 2000);
    ph_client_free(client);
    return status == PH_OK ? 0 : 1;
}
