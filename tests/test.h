/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test includes, first: cmocka in the order it wants, without
 * its macro `fail`, which is a function of ours.
 *
 *   static void adds(void **state) { (void)state; … }
 *   int main(void) {
 *     const struct CMUnitTest tests[] = {cmocka_unit_test(adds)};
 *     return cmocka_run_group_tests(tests, NULL, NULL);
 *   }
 *
 * A case that can't run here calls test_skip("reason"). A whole program that
 * can't run returns TEST_SKIPPED after saying why.
 */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail
#undef fail_msg
#define fail_msg(...)                                                          \
  (print_error("ERROR: " __VA_ARGS__), print_error("\n"),                      \
   _fail(__FILE__, __LINE__))

#include "base/base.h"

#define TEST_SKIPPED 77

#define test_skip(reason)                                                      \
  do {                                                                         \
    print_message("skipped: %s\n", (reason));                                  \
    skip();                                                                    \
  } while (0)

/* Asserts success, showing the message otherwise. `error` is a struct
 * adze_error lvalue that the call was given the address of. */
#define assert_ok(call, error)                                                 \
  do {                                                                         \
    enum adze_status test_status_ = (call);                                    \
    if (test_status_ != ADZE_OK)                                               \
      fail_msg("%s: %s: %s", #call, adze_status_name(test_status_),            \
               (error).message);                                               \
  } while (0)
/* Asserts the status and that the message contains `part`. */
#define assert_fails(call, error, status_wanted, part)                         \
  do {                                                                         \
    (error).message[0] = 0;                                                    \
    enum adze_status test_status_ = (call);                                    \
    if (test_status_ != (status_wanted))                                       \
      fail_msg("%s: %s (%s), not %s", #call, adze_status_name(test_status_),   \
               (error).message, adze_status_name(status_wanted));              \
    assert_int_equal((error).status, (status_wanted));                         \
    if (!strstr((error).message, (part)))                                      \
      fail_msg("%s: \"%s\" does not say \"%s\"", #call, (error).message,       \
               (part));                                                        \
  } while (0)

/* Sanitized runs use small shapes. */
static inline bool test_small(void) {
  const char *value = getenv("ADZE_TEST_SMALL");
  return value && *value && strcmp(value, "0") != 0;
}

/* The path of a file of ../shared in `out`; false when it is absent. */
static inline bool test_shared_path(const char *name, char *out,
                                    size_t out_bytes) {
  snprintf(out, out_bytes, "%s/%s", ADZE_SHARED, name);
  return access(out, R_OK) == 0;
}

/* Random numbers that are the same in every run (xorshift64*). */
struct test_random {
  uint64_t state;
};
static inline uint64_t test_random_next(struct test_random *random) {
  uint64_t x = random->state ? random->state : 0x9e3779b97f4a7c15u;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  random->state = x;
  return x * 0x2545f4914f6cdd1du;
}
/* In [low, high]. */
static inline int64_t test_random_range(struct test_random *random, int64_t low,
                                        int64_t high) {
  uint64_t span = (uint64_t)high - (uint64_t)low + 1;
  uint64_t value = test_random_next(random);
  return (int64_t)((uint64_t)low + (span ? value % span : value));
}
/* In [-1, 1). */
static inline double test_random_double(struct test_random *random) {
  return (double)(int64_t)test_random_next(random) / 9223372036854775808.0;
}

#endif
