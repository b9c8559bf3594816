/* SPDX-License-Identifier: Apache-2.0 */
/* The C library's mathematics, opened by hand; files and functions that don't
 * exist. That what the build makes works shows wherever LLVM or FFmpeg runs. */
#include "test.h"

#include "base/lazy.h"

static void opens_once(void **state) {
  (void)state;
  static const char *const files[] = {"libc.so.6", "libm.so.6"};
  static const char *const names[] = {"cos", "strlen"};
  void *functions[2] = {NULL, NULL};
  struct lazy_library library = {files, 2, names, functions, 2, false};
  struct adze_error error = {.message = ""};
  assert_ok(lazy_library_open(&library, &error), error);
  assert_non_null(functions[1]);
  double (*cosine)(double);
  memcpy(&cosine, &functions[0], sizeof cosine);
  assert_true(cosine(0) == 1);
  functions[0] = NULL; /* it would be found again */
  assert_ok(lazy_library_open(&library, &error), error);
  assert_null(functions[0]);
}

static void says_what_is_absent(void **state) {
  (void)state;
  static const char *const absent[] = {"libadze_absent.so.1"};
  static const char *const present[] = {"libc.so.6"};
  static const char *const names[] = {"strlen", "adze_absent"};
  void *functions[2];
  struct adze_error error;
  struct lazy_library library = {absent, 1, names, functions, 2, false};
  for (int i = 0; i < 2; i++) /* still absent when asked again */
    assert_fails(lazy_library_open(&library, &error), error, ADZE_UNAVAILABLE,
                 "libadze_absent.so.1");
  library.files = present;
  assert_fails(lazy_library_open(&library, &error), error, ADZE_UNAVAILABLE,
               "adze_absent");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(opens_once),
      cmocka_unit_test(says_what_is_absent),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
