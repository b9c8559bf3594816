/* SPDX-License-Identifier: Apache-2.0 */
/* Errors, checked arithmetic, statuses. */
#include "test.h"

static void failing_records_a_sentence(void **state) {
  (void)state;
  struct adze_error error;
  assert_int_equal(fail(&error, ADZE_SHAPE, "%s: %d", "x", 3), ADZE_SHAPE);
  assert_int_equal(error.status, ADZE_SHAPE);
  assert_string_equal(error.message, "x: 3");
  assert_int_equal(fail(NULL, ADZE_IO, "unseen"), ADZE_IO);
}

static void a_message_may_extend_itself(void **state) {
  (void)state;
  struct adze_error error;
  fail(&error, ADZE_IO, "inner");
  fail(&error, ADZE_LIMIT, "outer: %s", error.message);
  assert_string_equal(error.message, "outer: inner");
  assert_int_equal(fail_prefix(&error, "file.onnx"), ADZE_LIMIT);
  assert_string_equal(error.message, "file.onnx: outer: inner");
}

static void a_message_is_one_line_and_fits(void **state) {
  (void)state;
  struct adze_error error;
  char large[4096];
  memset(large, 'y', sizeof large - 1);
  large[sizeof large - 1] = '\0';
  fail(&error, ADZE_IO, "a\nb\x1b[1m%s", "\x7f");
  assert_string_equal(error.message, "a?b?[1m?");
  fail(&error, ADZE_IO, "%s", large);
  assert_int_equal(strlen(error.message), sizeof error.message - 1);
  fail_prefix(&error, "front");
  assert_int_equal(strlen(error.message), sizeof error.message - 1);
  assert_memory_equal(error.message, "front: yyy", 10);
  fail_prefix(&error, large);
  assert_int_equal(strlen(error.message), sizeof error.message - 1);
  assert_memory_equal(error.message, "yyyy", 4);
}

static enum adze_status passes_on(enum adze_status status, bool *reached) {
  TRY(status);
  *reached = true;
  return ADZE_OK;
}

static void try_leaves_on_failure(void **state) {
  (void)state;
  bool reached = false;
  assert_int_equal(passes_on(ADZE_LIMIT, &reached), ADZE_LIMIT);
  assert_false(reached);
  assert_int_equal(passes_on(ADZE_OK, &reached), ADZE_OK);
  assert_true(reached);
}

static void sizes_do_not_overflow(void **state) {
  (void)state;
  size_t out = 7;
  int64_t wide = 7;
  assert_false(size_add(SIZE_MAX, 1, &out));
  assert_false(size_mul(SIZE_MAX / 2 + 1, 2, &out));
  assert_false(int64_add(INT64_MAX, 1, &wide));
  assert_false(int64_mul(INT64_MIN, -1, &wide));
  assert_int_equal(out, 7);
  assert_int_equal(wide, 7);
  assert_true(size_add(SIZE_MAX - 1, 1, &out) && out == SIZE_MAX);
  assert_true(size_mul(SIZE_MAX, 0, &out) && out == 0);
  assert_true(int64_add(INT64_MIN, INT64_MAX, &wide) && wide == -1);
  assert_true(int64_mul(-3, 5, &wide) && wide == -15);
}

static void division_rounds_down(void **state) {
  (void)state;
  for (int64_t a = -20; a <= 20; a++) {
    for (int64_t b = -6; b <= 6; b++) {
      if (b == 0)
        continue;
      int64_t quotient = floor_div(a, b), remainder = floor_mod(a, b);
      assert_int_equal(quotient * b + remainder, a);
      assert_true(remainder == 0 || (remainder < 0) == (b < 0));
      assert_true(b < 0 ? remainder > b && remainder <= 0
                        : remainder < b && remainder >= 0);
      assert_int_equal(ceil_div(a, b), -floor_div(-a, b));
    }
  }
  assert_int_equal(floor_div(INT64_MIN, 3), INT64_MIN / 3 - 1);
  assert_int_equal(floor_div(INT64_MIN, -1), INT64_MIN);
  assert_int_equal(floor_mod(INT64_MIN, -1), 0);
  assert_int_equal(ceil_div(INT64_MIN, 2), INT64_MIN / 2);
  assert_int_equal(align_up(0, 64), 0);
  assert_int_equal(align_up(65, 64), 128);
}

static void statuses_have_texts_and_codes(void **state) {
  (void)state;
  assert_string_equal(adze_status_name(ADZE_INVALID_MODEL), "INVALID_MODEL");
  assert_string_equal(adze_status_text(ADZE_OK), "ok");
  assert_int_equal(adze_status_exit_code(ADZE_OK), 0);
  bool seen[256] = {false};
#define X(name, exit_code, text)                                               \
  assert_true(adze_status_exit_code(ADZE_##name) == (exit_code));              \
  assert_true((exit_code) >= 0 && (exit_code) < 100 && !seen[exit_code]);      \
  seen[exit_code] = true;
  ADZE_STATUS_LIST(X)
#undef X
  assert_string_equal(adze_status_name((enum adze_status)999), "INTERNAL");
}

static void time_goes_on(void **state) {
  (void)state;
  int64_t before = time_now_ns();
  assert_true(before > 0);
  assert_true(time_now_ns() >= before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(failing_records_a_sentence),
      cmocka_unit_test(a_message_may_extend_itself),
      cmocka_unit_test(a_message_is_one_line_and_fits),
      cmocka_unit_test(try_leaves_on_failure),
      cmocka_unit_test(sizes_do_not_overflow),
      cmocka_unit_test(division_rounds_down),
      cmocka_unit_test(statuses_have_texts_and_codes),
      cmocka_unit_test(time_goes_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
