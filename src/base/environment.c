/* SPDX-License-Identifier: Apache-2.0 */
/* Environment variables, by their table. Read at each call: a program may set
 * them while it runs, and none is read often. */
#include "base/environment.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { THREADS_MAXIMUM = 4096 };

const struct environment_row environment_table[ENVIRONMENT_COUNT] = {
#define ENVIRONMENT(name, syntax, meaning) {#name, syntax, meaning},
#include "base/environment.def"
#undef ENVIRONMENT
};

const char *environment_get(enum environment_variable variable) {
  check((size_t)variable < ENVIRONMENT_COUNT);
  const char *value = getenv(environment_table[variable].name);
  return value && *value ? value : NULL;
}

bool environment_has(enum environment_variable variable, const char *word) {
  const char *value = environment_get(variable);
  while (value && *value) {
    size_t size = strcspn(value, ",");
    if ((size == 3 && strncmp(value, "all", 3) == 0) ||
        (size == strlen(word) && strncmp(value, word, size) == 0))
      return true;
    value += size + (value[size] == ',');
  }
  return false;
}

static int allowed_cpus(void) {
  /* The set must be as large as the kernel's own, which may exceed the 1024
   * CPUs of a cpu_set_t. */
  for (int cpus = CPU_SETSIZE; cpus <= CPU_SETSIZE << 6; cpus *= 2) {
    cpu_set_t *set = CPU_ALLOC((size_t)cpus);
    if (!set)
      return 1;
    size_t bytes = CPU_ALLOC_SIZE((size_t)cpus);
    int count =
        sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (count > 0)
      return count;
  }
  return 1;
}

/* What ADZE_THREADS says; 0 when that is no number of threads. */
static int threads_of(const char *value) {
  int64_t threads;
  return string_to_int64(value, &threads) && threads >= 1 &&
                 threads <= THREADS_MAXIMUM
             ? (int)threads
             : 0;
}

bool environment_verifies(void) {
  const char *value = environment_get(ENVIRONMENT_ADZE_VERIFY);
#ifdef NDEBUG
  return value && strcmp(value, "0");
#else
  return !value || strcmp(value, "0");
#endif
}

int environment_threads(void) {
  const char *value = environment_get(ENVIRONMENT_ADZE_THREADS);
  int threads = value ? threads_of(value) : 0;
  return threads ? threads : allowed_cpus();
}

enum adze_status environment_check(struct adze_error *error) {
  const char *value = environment_get(ENVIRONMENT_ADZE_THREADS);
  if (!value || threads_of(value))
    return ADZE_OK;
  return fail(error, ADZE_INVALID_ARGUMENT,
              "the environment variable ADZE_THREADS must be a number from 1 "
              "to %d, not '%s'",
              THREADS_MAXIMUM, value);
}
