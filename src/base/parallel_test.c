/* SPDX-License-Identifier: Apache-2.0 */
/* Parallel loops: every index once, failures, memory running out. */
#include "test.h"

#include <sched.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/parallel.h"

struct counts {
  atomic_int runs[1000];
  size_t bad, worse;
};

static enum adze_status count_run(void *argument, size_t index,
                                  struct adze_error *error) {
  struct counts *counts = argument;
  (void)error;
  atomic_fetch_add(&counts->runs[index], 1);
  return ADZE_OK;
}

static void runs_every_index_once(void **state) {
  (void)state;
  const int threads[] = {-1, 0, 1, 2, 7, 2000};
  const size_t sizes[] = {0, 1, 2, 5, 1000};
  for (size_t t = 0; t < ARRAY_COUNT(threads); t++) {
    for (size_t s = 0; s < ARRAY_COUNT(sizes); s++) {
      static struct counts counts;
      struct adze_error error;
      memset(&counts, 0, sizeof counts);
      assert_ok(parallel_for(threads[t], sizes[s], count_run, &counts, &error),
                error);
      for (size_t i = 0; i < 1000; i++)
        assert_int_equal(counts.runs[i], i < sizes[s]);
    }
  }
}

static enum adze_status fail_at(void *argument, size_t index,
                                struct adze_error *error) {
  const struct counts *counts = argument;
  if (index == counts->bad || index == counts->worse)
    return fail(error, ADZE_SHAPE, "task %zu", index);
  return ADZE_OK;
}

/* Waits for the other one, and task 0 a little longer. */
static enum adze_status fail_together(void *argument, size_t index,
                                      struct adze_error *error) {
  struct counts *counts = argument;
  atomic_fetch_add(&counts->runs[0], 1);
  while (atomic_load(&counts->runs[0]) % 2)
    sched_yield();
  if (index == 0)
    usleep(1000);
  return fail_at(argument, index, error);
}

static void reports_the_failure(void **state) {
  (void)state;
  static struct counts counts = {.bad = 37, .worse = 37};
  struct adze_error error;
  for (int threads = 1; threads < 5; threads++)
    assert_fails(parallel_for(threads, 1000, fail_at, &counts, &error), error,
                 ADZE_SHAPE, "task 37");
  /* Two tasks on two threads fail together: the lower index is told. */
  counts.worse = 1;
  counts.bad = 0;
  for (int i = 0; i < 20; i++)
    assert_fails(parallel_for(2, 2, fail_together, &counts, &error), error,
                 ADZE_SHAPE, "task 0");
  counts.bad = 37;
  counts.worse = 900;
  assert_fails(parallel_for(1, 1000, fail_at, &counts, &error), error,
               ADZE_SHAPE, "task 37");
  assert_int_equal(parallel_for(2, 1000, fail_at, &counts, NULL), ADZE_SHAPE);
}

static enum adze_status exhaust(void *argument, size_t index,
                                struct adze_error *error) {
  (void)argument;
  (void)error;
  if (index == 3)
    guard_out_of_memory();
  return ADZE_OK;
}

static void unwinds_in_each_thread(void **state) {
  (void)state;
  struct adze_error error;
  for (int threads = 1; threads < 4; threads++)
    assert_fails(parallel_for(threads, 8, exhaust, NULL, &error), error,
                 ADZE_OUT_OF_MEMORY, "memory ran out");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(runs_every_index_once),
      cmocka_unit_test(reports_the_failure),
      cmocka_unit_test(unwinds_in_each_thread),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
