/* What a process knows of flags survives every fork, whatever its other threads are writing at that
 * moment: properties, the server's answers, and which reads were told.
 *
 * fork_flag_storm URL
 *
 * For the server at URL the flag `asked` is on for everybody. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>

enum { THREADS = 3, CHILDREN = 100, PEOPLE = 200, CHILD_SECONDS = 60 };

/* On for those whose plan is `pro`; who has no plan is not known. */
static const char definitions[] =
    "{\"flags\":[{\"key\":\"here\",\"active\":true,\"filters\":{\"groups\":[{\"properties\":[{"
    "\"key\":\"plan\",\"value\":\"pro\",\"operator\":\"exact\",\"type\":\"person\"}]}]}}],"
    "\"group_type_mapping\":{},\"cohorts\":{}}";

static ph_client *client;
static ph_props *pro;
static atomic_bool stop;

static const char *person(char *id, int number) {
  snprintf(id, 32, "person-%d", number);
  return id;
}

/* Others come and go, and everybody's properties are set over and over. */
static void *write_on(void *index) {
  char id[32];
  for (int n = 0; !atomic_load(&stop); n++) {
    CHECK_OK(ph_flags_set_person_properties(client, person(id, n % PEOPLE), pro));
    snprintf(id, sizeof id, "other-%d-%d", *(int *)index, n % 1000);
    CHECK_OK(ph_flags_set_person_properties(client, id, pro));
    CHECK(ph_flag_enabled(client, id, "here", NULL, false));
  }
  return NULL;
}

static void check_all(void) {
  char id[32];
  for (int n = 0; n < PEOPLE; n++) {
    CHECK(ph_flag_enabled(client, person(id, n), "here", NULL, false));
    CHECK(ph_flag_enabled(client, id, "asked", NULL, false));
  }
}

static void be_child(void) {
  alarm(CHILD_SECONDS);
  check_all();
  CHECK(statistic(client, PH_STAT_FLAG_REQUESTS) == 0);
  /* Its parent has told of these reads. */
  CHECK(statistic(client, PH_STAT_ACCEPTED) == 0);
  /* And it can go on writing. */
  CHECK_OK(ph_flags_set_person_properties(client, "child", pro));
  CHECK(ph_flag_enabled(client, "child", "here", NULL, false));
  CHECK(statistic(client, PH_STAT_ACCEPTED) == 1);
  _exit(0);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  ph_config *config = config_for(argv[1]);
  CHECK_OK(ph_config_set_flags_ttl_ms(config, 86400000));
  client = client_of(config);
  CHECK_OK(ph_definitions_load(client, definitions, sizeof definitions - 1));
  pro = ph_props_new();
  CHECK_OK(ph_props_set_str(pro, "plan", "pro"));
  char id[32];
  for (int n = 0; n < PEOPLE; n++) {
    CHECK_OK(ph_flags_set_person_properties(client, person(id, n), pro));
  }
  check_all();
  CHECK(statistic(client, PH_STAT_FLAG_REQUESTS) == PEOPLE);

  pthread_t threads[THREADS];
  int indices[THREADS];
  for (int i = 0; i < THREADS; i++) {
    indices[i] = i;
    CHECK(pthread_create(&threads[i], NULL, write_on, &indices[i]) == 0);
  }
  for (int child = 0; child < CHILDREN; child++) {
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
      be_child();
    }
    int status = -1;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(status == 0);
  }
  atomic_store(&stop, true);
  for (int i = 0; i < THREADS; i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
  }
  check_all();
  ph_props_free(pro);
  (void)ph_shutdown(client, 10000);
  ph_client_free(client);
  return 0;
}
