/* program URL: libposthog in one program with what has names that it has, too. Each is called, and
 * has to be the one that it was. */
#include <posthog.h>

#include <stdio.h>
#include <string.h>

int other_works(void);

#ifdef WITH_ZSTD
size_t ZSTD_compress(void *to, size_t room, const void *from, size_t size, int level);
size_t ZSTD_decompress(void *to, size_t room, const void *from, size_t size);
static int zstd_works(void) {
  char packed[256], text[256] = {0};
  const char *from = "the program's own zstd";
  size_t size = ZSTD_compress(packed, sizeof packed, from, strlen(from), 3);
  return ZSTD_decompress(text, sizeof text, packed, size) == strlen(from) && !strcmp(text, from);
}
#else
static int zstd_works(void) { return 1; }
#endif

#ifdef WITH_OPENSSL
unsigned char *SHA256(const unsigned char *from, size_t size, unsigned char *to);
static int openssl_works(void) {
  unsigned char hash[32];
  SHA256((const unsigned char *)"abc", 3, hash);
  return hash[0] == 0xba && hash[31] == 0xad;
}
#else
static int openssl_works(void) { return 1; }
#endif

int main(int argc, char **argv) {
  ph_config *config = ph_config_new("phc_test");
  ph_config_set_host(config, argc > 1 ? argv[1] : "");
  ph_config_set_compression(config, PH_COMPRESSION_ZSTD);
  ph_client *client = NULL;
  ph_status status = ph_init(config, &client);
  ph_config_free(config);
  ph_exception *exception = NULL;
  if (status == PH_OK) status = ph_exception_new("Linked", "with others", &exception);
  if (status == PH_OK) status = ph_capture_exception(client, "u", exception);
  ph_exception_free(exception);
  if (status == PH_OK) status = ph_shutdown(client, 10000);
  ph_client_free(client);
  printf("posthog: %s, Rust: %d, zstd: %d, OpenSSL: %d\n", ph_status_text(status), other_works(), zstd_works(),
         openssl_works());
  return !(status == PH_OK && other_works() && zstd_works() && openssl_works());
}
