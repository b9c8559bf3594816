/* SPDX-License-Identifier: Apache-2.0 */
/* Random stages under random schedules, lowered: what can be lowered computes
 * the same, for any number of workers; what can't is refused. */
#include "test.h"

#include "ir/interpret.h"
#include "ir/loop_text.h"
#include "lower/lower.h"
#include "schedule/random_trial.h"

static const char *printed(struct arena *arena,
                           const struct function *function) {
  struct text text = {.arena = arena};
  function_print(&text, function);
  return text_string(&text);
}

static void compare(struct arena *arena, const struct trial *trial,
                    const struct function *function, const char *trace,
                    uint64_t seed) {
  struct adze_error error;
  struct trial fresh;
  trial_make(&fresh, arena, seed);
  struct function *reference = trial_expand(&fresh);
  struct trial_memory expected = trial_memory(&fresh, seed);
  assert_ok(trial_run(&fresh, reference, &expected, 1, &error), error);
  for (int64_t workers = 1; workers <= 3; workers++) {
    struct trial_memory actual = trial_memory(trial, seed);
    if (trial_run(trial, function, &actual, workers, &error) != ADZE_OK)
      fail_msg("seed %d: %s\n%s\n%s", (int)seed, error.message, trace,
               printed(arena, function));
    for (size_t p = 0; p < fresh.parameter_count; p++)
      if (memcmp(expected.data[p], actual.data[p], expected.bytes[p]) != 0)
        fail_msg("seed %d, %d workers: %s differs\n%s\n%s", (int)seed,
                 (int)workers, fresh.parameters[p]->name, trace,
                 printed(arena, function));
  }
}

static void test_random(void **state) {
  (void)state;
  uint64_t count = test_small() ? 200 : 2000, lowered = 0;
  struct machine machine = {.has_fma = true};
  for (uint64_t seed = 0; seed < count; seed++) {
    struct adze_error error;
    struct arena *arena = arena_create("test");
    struct trial trial;
    struct schedule schedule;
    trial_make(&trial, arena, seed);
    struct function *function = trial_expand(&trial);
    schedule_init(&schedule, function, &machine, &error);
    uint64_t random = seed + 1;
    for (int step = 0; step < 12; step++) {
      enum adze_status ignored = trial_primitive(&schedule, &random);
      (void)ignored;
    }
    enum adze_status status = lower(function, &machine, &error);
    /* A register that a reduction initialises in its first step alone. */
    if (status == ADZE_OK && verify_flat(function, &error) != ADZE_OK &&
        strstr(error.message, "not set on every path"))
      status = ADZE_INTERNAL;
    if (status == ADZE_OK) {
      lowered++;
      if (verify_flat(function, &error) != ADZE_OK)
        fail_msg("seed %d: %s\n%s\n%s", (int)seed, error.message,
                 text_string(&schedule.trace), printed(arena, function));
      compare(arena, &trial, function, text_string(&schedule.trace), seed);
    } else {
      assert_int_equal(status, ADZE_INTERNAL);
      assert_true(strlen(error.message) > 10);
    }
    arena_destroy(arena);
  }
  if (lowered < count / 3)
    fail_msg("only %d of %d could be lowered", (int)lowered, (int)count);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
