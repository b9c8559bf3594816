/* SPDX-License-Identifier: Apache-2.0 */
/* Strict numbers, near names, environment variables. */
#include "test.h"

#include <locale.h>

#include "base/environment.h"
#include "base/text.h"

static void whole_numbers_are_strict(void **state) {
  (void)state;
  int64_t value = 42;
  const char *const wrong[] = {
      "",   "-",   "+1",  " 1",  "1 ",
      "1x", "0x1", "--1", "1.0", "9223372036854775808"};
  for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
    if (string_to_int64(wrong[i], &value))
      fail_msg("\"%s\" was taken for %jd", wrong[i], (intmax_t)value);
    assert_int_equal(value, 42);
  }
  assert_true(string_to_int64("-9223372036854775808", &value));
  assert_true(value == INT64_MIN);
  assert_true(string_to_int64("007", &value) && value == 7);
}

static void sizes_are_strict(void **state) {
  (void)state;
  int width = 42, height = 42;
  const char *const wrong[] = {"",
                               "640",
                               "640x",
                               "x480",
                               "0x480",
                               "-1x4",
                               " 1x1",
                               "1x1 ",
                               "1X1",
                               "1x1x1",
                               "1x+1",
                               "801x1",
                               "1x9999999999999999999"};
  for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
    if (string_to_size(wrong[i], 800, &width, &height))
      fail_msg("\"%s\" was taken for %dx%d", wrong[i], width, height);
    assert_true(width == 42 && height == 42);
  }
  assert_true(string_to_size("800x1", 800, &width, &height));
  assert_true(width == 800 && height == 1);
}

static void real_numbers_are_strict(void **state) {
  (void)state;
  double value = 42;
  const char *const wrong[] = {"", " 1", "1 ", "1,5", "x", "1e999", "-1e999"};
  for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
    assert_false(string_to_double(wrong[i], &value));
  assert_true(value == 42);
  /* Where it is installed, a locale with a decimal comma changes nothing. */
  setlocale(LC_ALL, "de_DE.UTF-8");
  assert_true(string_to_double("-1.5e2", &value) && value == -150);
  setlocale(LC_ALL, "C");
  assert_true(string_to_double("1e-400", &value) && value == 0);
}

static void starts_and_ends(void **state) {
  (void)state;
  assert_true(string_starts("model.tar", "model"));
  assert_false(string_starts("mod", "model"));
  assert_true(string_ends("model.tar", ".tar"));
  assert_false(string_ends("tar", ".tar"));
  assert_true(string_equal("", ""));
}

static void near_names_are_ranked(void **state) {
  (void)state;
  const char *const names[] = {"compile", "run",  "bench", "verify", "info",
                               "env",     "pose", "rum",   "runs",   "skylake"};
  char out[64];
  size_t count = ARRAY_COUNT(names);
  string_near("compiel", names, count, out, sizeof out);
  assert_string_equal(out, "compile");
  string_near("runn", names, count, out, sizeof out);
  assert_string_equal(out, "run, runs or rum");
  string_near("zzzzzzz", names, count, out, sizeof out);
  assert_string_equal(out, "");
  string_near("", names, count, out, sizeof out);
  assert_string_equal(out, "");
  string_near("runn", names, count, out, 8);
  assert_string_equal(out, "run, ru");
}

static void environment_is_read(void **state) {
  (void)state;
  unsetenv("ADZE_DUMP");
  assert_null(environment_get(ENVIRONMENT_ADZE_DUMP));
  assert_false(environment_has(ENVIRONMENT_ADZE_DUMP, "fold"));
  setenv("ADZE_DUMP", "", 1);
  assert_null(environment_get(ENVIRONMENT_ADZE_DUMP));
  setenv("ADZE_DUMP", "fold,place", 1);
  assert_true(environment_has(ENVIRONMENT_ADZE_DUMP, "fold"));
  assert_true(environment_has(ENVIRONMENT_ADZE_DUMP, "place"));
  assert_false(environment_has(ENVIRONMENT_ADZE_DUMP, "pla"));
  assert_false(environment_has(ENVIRONMENT_ADZE_DUMP, "placement"));
  setenv("ADZE_DUMP", "allocate", 1);
  assert_false(environment_has(ENVIRONMENT_ADZE_DUMP, "fold"));
  setenv("ADZE_DUMP", "x,all", 1);
  assert_true(environment_has(ENVIRONMENT_ADZE_DUMP, "whatever"));
  unsetenv("ADZE_DUMP");
}

static void threads_come_from_the_variable(void **state) {
  (void)state;
  setenv("ADZE_THREADS", "3", 1);
  assert_int_equal(environment_threads(), 3);
  struct adze_error error;
  assert_ok(environment_check(&error), error);
  setenv("ADZE_THREADS", "none", 1);
  assert_true(environment_threads() >= 1);
  assert_fails(environment_check(&error), error, ADZE_INVALID_ARGUMENT,
               "ADZE_THREADS must be a number from 1 to 4096, not 'none'");
  unsetenv("ADZE_THREADS");
  assert_true(environment_threads() >= 1);
  assert_ok(environment_check(&error), error);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whole_numbers_are_strict),
      cmocka_unit_test(sizes_are_strict),
      cmocka_unit_test(real_numbers_are_strict),
      cmocka_unit_test(starts_and_ends),
      cmocka_unit_test(near_names_are_ranked),
      cmocka_unit_test(environment_is_read),
      cmocka_unit_test(threads_come_from_the_variable),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
