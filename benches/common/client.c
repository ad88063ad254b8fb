#include "client.h"

#include "fail.h"

#define STATS (PH_STAT_REFUSED_PANIC + 1)
#define PATIENCE_MS 120000

static void check(ph_status status, const char *what)
{
    require(status == PH_OK, "%s: %s", what, ph_status_text(status));
}

struct client client_open(const struct client_options *options)
{
    ph_config *config = ph_config_new("phc_benchmark");
    check(ph_config_set_host(config, options->url), "host");
    check(ph_config_set_disabled(config, options->disabled), "disabled");
    check(ph_config_set_protocol(config, options->v1 ? PH_PROTOCOL_V1 : PH_PROTOCOL_V0), "protocol");
    int compression = options->plain  ? PH_COMPRESSION_NONE
                      : options->zstd ? PH_COMPRESSION_ZSTD
                                      : PH_COMPRESSION_GZIP;
    check(ph_config_set_compression(config, compression), "compression");
    check(ph_config_set_queue_max_events(config, options->queue_max_events), "queue");
    if (options->queue_max_events > 0) {
        uint64_t bytes = (uint64_t)options->queue_max_events * 1000 + 65536;
        check(ph_config_set_queue_max_bytes(config, bytes), "queue bytes");
    }
    if (options->block) {
        check(ph_config_set_overflow(config, PH_OVERFLOW_BLOCK, PATIENCE_MS), "overflow");
    }
    check(ph_config_set_storage_dir(config, options->storage_dir), "storage");
    if (options->gate != NULL) {
        check(ph_config_set_delivery(config, gate_on_delivery, options->gate, NULL), "delivery");
    }
    struct client client = {.url = options->url};
    if (!options->disabled) {
        client.before = sink_counts(options->url);
    }
    check(ph_init(config, &client.handle), "init");
    ph_config_free(config);
    return client;
}

void client_settle(const struct client *client)
{
    check(ph_flush(client->handle, PATIENCE_MS), "flush");
}

uint64_t client_stat(const struct client *client, ph_stat stat)
{
    uint64_t values[STATS];
    ph_stats_get(client->handle, values, STATS);
    return values[stat];
}

static uint64_t sum(const uint64_t *values, ph_stat from, ph_stat to)
{
    uint64_t total = 0;
    for (int stat = from; stat <= (int)to; stat++) {
        total += values[stat];
    }
    return total;
}

struct sink_counts client_close(struct client *client, uint64_t events)
{
    return client_close_refused(client, events, 0);
}

struct sink_counts client_close_refused(struct client *client, uint64_t events, uint64_t refused)
{
    uint64_t is[STATS];
    check(ph_shutdown(client->handle, PATIENCE_MS), "shutdown");
    ph_stats_get(client->handle, is, STATS);
    ph_client_free(client->handle);
    client->handle = NULL;
    uint64_t dropped = is[PH_STAT_DROPPED];
    require(is[PH_STAT_ACCEPTED] == events && is[PH_STAT_DELIVERED] == events && dropped == 0,
            "of %llu events %llu were accepted, %llu delivered, %llu dropped",
            (unsigned long long)events, (unsigned long long)is[PH_STAT_ACCEPTED],
            (unsigned long long)is[PH_STAT_DELIVERED], (unsigned long long)dropped);
    uint64_t all_refused = sum(is, PH_STAT_REFUSED_NULL, PH_STAT_REFUSED_PANIC);
    require(is[PH_STAT_REFUSED_QUEUE_FULL] == refused && all_refused == refused,
            "%llu calls were refused instead of %llu", (unsigned long long)all_refused,
            (unsigned long long)refused);
    require(is[PH_STAT_RETRIES] == 0, "there were retries");

    struct sink_counts now = sink_counts(client->url);
    struct sink_counts counted = {
        .requests = now.requests - client->before.requests,
        .bytes = now.bytes - client->before.bytes,
        .accepted = now.accepted - client->before.accepted,
        .duplicates = now.duplicates - client->before.duplicates,
    };
    require(counted.requests == is[PH_STAT_REQUESTS], "%llu requests were sent, %llu came",
            (unsigned long long)is[PH_STAT_REQUESTS], (unsigned long long)counted.requests);
    return counted;
}
