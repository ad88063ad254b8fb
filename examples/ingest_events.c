/*
 * A transport of one's own. The library queues, batches and retries as ever; this program decides
 * what goes over the wire: here each batch becomes one `POST /ingest-events` of another analytics
 * service. Reads POSTHOG_API_KEY and POSTHOG_HOST, which is an http:// URL.
 *
 *   cc ingest_events.c $(pkg-config --cflags --libs posthog) -o ingest_events
 */
#define _POSIX_C_SOURCE 200809L
#include <posthog.h>

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* Text that grows. Once there is no memory it stays as it is, and `failed` says so. */
struct text {
  char *data;
  size_t len, room;
  bool failed;
};

static void append(struct text *text, const char *data, size_t len) {
  if (text->failed) return;
  if (text->room - text->len < len) {
    size_t room = 2 * text->room + len;
    char *grown = realloc(text->data, room);
    if (!(text->failed = !grown)) text->data = grown, text->room = room;
    if (text->failed) return;
  }
  memcpy(text->data + text->len, data, len);
  text->len += len;
}

static void append_text(struct text *text, const char *data) {
  append(text, data, strlen(data));
}

/* Where a JSON value ends. The library writes JSON without spaces and without errors. */
static const char *skip(const char *at, const char *end) {
  int depth = 0;
  for (bool quoted = false; at < end; at++) {
    if (quoted && *at == '\\') at++;
    else if (*at == '"') quoted = !quoted;
    else if (quoted) continue;
    else if (strchr("{[", *at)) depth++;
    else if (strchr("}]", *at) && --depth < 0) return at;
    else if (strchr(",:", *at) && depth == 0) return at;
  }
  return at;
}

/* A part of the library's JSON. */
struct value {
  const char *at, *end;
};

/* The value of an object's member; an empty one if it has none of that name. */
static struct value member(struct value object, const char *name) {
  const char *at = object.at + 1;
  while (at < object.end) {
    const char *key = at, *colon = skip(at, object.end);
    struct value value = {colon + 1, skip(colon + 1, object.end)};
    size_t len = strlen(name);
    if ((size_t)(colon - key) == len + 2 && !strncmp(key + 1, name, len)) return value;
    at = value.end + 1;
  }
  return (struct value){object.end, object.end};
}

static void copy(struct text *out, struct value value, const char *otherwise) {
  if (value.at == value.end) append_text(out, otherwise);
  else append(out, value.at, (size_t)(value.end - value.at));
}

/* Milliseconds since 1970 of a quoted "2026-11-21T12:00:00.123456Z". */
static long long millis(struct value time) {
  int year = 1970, month = 1, day = 1, hour = 0, minute = 0;
  double second = 0;
  sscanf(time.at, "\"%d-%d-%dT%d:%d:%lfZ", &year, &month, &day, &hour, &minute, &second);
  /* Years begin in March, so that the leap day is their last. */
  long long years = year - (month < 3), march = (month + 9) % 12;
  long long days = 365 * years + years / 4 - years / 100 + years / 400 + (march * 306 + 5) / 10 + day;
  long long minutes = (days - 719469) * 1440 + hour * 60 + minute;
  return minutes * 60000 + (long long)(second * 1000 + 0.0005);
}

/* {"api_key", "batch": [...]} as {"api_key", "events": [...]}. */
static void translate(struct text *out, struct value body) {
  append_text(out, "{\"api_key\":");
  copy(out, member(body, "api_key"), "null");
  append_text(out, ",\"events\":[");
  struct value batch = member(body, "batch");
  for (const char *at = batch.at + 1; at < batch.end - 1;) {
    struct value event = {at, skip(at, batch.end)};
    char number[32];
    snprintf(number, sizeof number, "%lld", millis(member(event, "timestamp")));
    append_text(out, at == batch.at + 1 ? "{\"event_name\":" : ",{\"event_name\":");
    copy(out, member(event, "event"), "\"\"");
    append_text(out, ",\"event_timestamp\":");
    append_text(out, number);
    append_text(out, ",\"properties\":");
    copy(out, member(event, "properties"), "{}");
    append_text(out, ",\"user_id\":");
    copy(out, member(event, "distinct_id"), "\"\"");
    append_text(out, "}");
    at = event.end + 1;
  }
  append_text(out, "]}");
}

/* A connection to http://HOST[:PORT], whose calls each take so long at most; -1 if there is none. */
static int dial(const char *host, const char *port, uint32_t timeout_ms) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
  if (getaddrinfo(host, port, &hints, &found)) return -1;
  int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct timeval limit = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen)) close(fd), fd = -1;
  freeaddrinfo(found);
  return fd;
}

static bool send_all(int fd, const char *data, size_t len) {
  while (len > 0) {
    ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    data += sent, len -= (size_t)sent;
  }
  return true;
}

/* Posts a body; the status of the answer, or 0 if none came. */
static unsigned post(const char *url, const char *key, const struct text *body, uint32_t timeout_ms) {
  char host[256] = "", port[8] = "80", head[1024], answer[16] = "";
  if (sscanf(url, "http://%255[^:/]:%7[0-9]", host, port) < 1) return 0;
  int fd = dial(host, port, timeout_ms);
  if (fd < 0) return 0;
  int len = snprintf(head, sizeof head,
                     "POST /ingest-events HTTP/1.1\r\nHost: %s:%s\r\nx-api-key: %s\r\n"
                     "Content-Type: application/json\r\nContent-Length: %zu\r\n"
                     "Connection: close\r\n\r\n",
                     host, port, key, body->len);
  bool sent = len < (int)sizeof head && send_all(fd, head, (size_t)len) &&
              send_all(fd, body->data, body->len);
  unsigned status = 0;
  /* "HTTP/1.1 200": twelve bytes say it all. */
  if (sent && recv(fd, answer, 12, MSG_WAITALL) == 12) sscanf(answer, "HTTP/1.%*c %3u", &status);
  close(fd);
  return status;
}

/* What the library calls in place of HTTP. A batch without an answer, or with one such as 503, comes
 * again before all that was captured after it. */
static int32_t carry(void *userdata, const char *method, const char *url,
                     const char *const *headers, const char *body, size_t body_len,
                     uint32_t timeout_ms, ph_response *response) {
  (void)method, (void)headers;
  /* This service has no feature flags. */
  if (!strstr(url, "/batch/")) return 1;
  struct text translated = {0};
  translate(&translated, (struct value){body, body + body_len});
  unsigned status = translated.failed ? 0 : post(url, userdata, &translated, timeout_ms);
  free(translated.data);
  return ph_response_set_status(response, status) == PH_OK ? 0 : 1;
}

int main(int argc, char **argv) {
  long orders = argc > 1 ? strtol(argv[1], NULL, 10) : 3;
  char *key = getenv("POSTHOG_API_KEY");
  ph_config *config = ph_config_from_env();
  ph_config_set_transport(config, carry, key ? key : "", NULL);
  ph_config_set_protocol(config, PH_PROTOCOL_V0);
  ph_config_set_compression(config, PH_COMPRESSION_NONE);
  ph_config_set_retry_base_ms(config, 20);
  ph_client *client = NULL;
  ph_status status = ph_init(config, &client);
  ph_config_free(config);

  ph_props *props = ph_props_new();
  for (long order = 1; status == PH_OK && order <= orders; order++) {
    ph_props_set_int(props, "order", order);
    status = ph_capture(client, "user_42", "order placed", props);
  }
  ph_props_free(props);

  ph_status delivered = ph_shutdown(client, 5000);
  ph_client_free(client);
  if (status == PH_OK) status = delivered;
  printf("%ld orders: %s\n", orders, ph_status_text(status));
  return status == PH_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
