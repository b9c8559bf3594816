/* SPDX-License-Identifier: Apache-2.0 */
/* The pool by itself: everyone runs once, barriers separate what they should
 * (plain memory, so that the thread sanitizer sees a missing one), parts of
 * steps are given out once, jobs from several threads don't mix, sleeping
 * threads wake up, threads move off CPUs that others have. */
#include "test.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "runtime/cpu.h"
#include "runtime/gate.h"
#include "runtime/pool.h"

enum { MAX_WORKERS = 9 };

static adze_pool *pool_of(int threads) {
  struct adze_error error;
  adze_pool *pool;
  struct adze_pool_options options = {.threads = threads};
  assert_ok(adze_pool_create(&options, &pool, &error), error);
  assert_int_equal(adze_pool_threads(pool), threads);
  return pool;
}

/* Every worker writes its cell, then reads all cells. */
struct rounds {
  adze_pool *pool;
  int workers, rounds;
  int cells[MAX_WORKERS];
  atomic_int wrong, calls;
};

static void run_rounds(void *argument, int64_t worker) {
  struct rounds *rounds = argument;
  atomic_fetch_add(&rounds->calls, 1);
  for (int round = 1; round <= rounds->rounds; round++) {
    rounds->cells[worker] = round;
    pool_barrier(rounds->pool, worker);
    for (int i = 0; i < rounds->workers; i++)
      if (rounds->cells[i] != round)
        atomic_fetch_add(&rounds->wrong, 1);
    pool_barrier(rounds->pool, worker);
  }
}

static void barriers_separate_rounds(void **state) {
  (void)state;
  for (int threads = 1; threads <= MAX_WORKERS; threads++) {
    /* More threads than CPUs sleep at every barrier. */
    int count = threads <= 2 ? 2000 : 100;
    struct rounds rounds = {pool_of(threads), threads, count, {0}, 0, 0};
    for (int i = 0; i < 5; i++)
      pool_run(rounds.pool, run_rounds, &rounds, false);
    assert_int_equal(rounds.wrong, 0);
    assert_int_equal(rounds.calls, 5 * threads);
    adze_pool_destroy(rounds.pool);
  }
}

/* Every worker claims parts of some steps, without a barrier between them. */
struct steps {
  adze_pool *pool;
  int64_t late; /* this worker comes when the others are done; -1: none */
  atomic_int done;
  atomic_int taken[30][MAX_WORKERS * 7]; /* how often */
  atomic_int by_late, disorder;
};

static uint32_t parts_of(int step) { return 1 + (uint32_t)step % 7; }

/* Its own share comes first, in order. */
static void claim_step(struct steps *steps, int step, int64_t worker) {
  int64_t parts = parts_of(step), last = -1, part;
  while ((part = pool_claim(steps->pool, (uint32_t)step, (uint32_t)parts,
                            worker)) >= 0) {
    steps->taken[step][part]++;
    steps->by_late += worker == steps->late;
    bool is_own = part / parts == worker;
    if (is_own && last >= 0 && (part <= last || last / parts != worker))
      atomic_fetch_add(&steps->disorder, 1);
    last = part;
  }
}

static void claim_steps(void *argument, int64_t worker) {
  struct steps *steps = argument;
  int others = adze_pool_threads(steps->pool) - 1;
  while (worker == steps->late && steps->done < others)
    sched_yield();
  for (int step = 0; step < 30; step++)
    claim_step(steps, step, worker);
  steps->done++;
}

static void check_claims(int threads, int64_t late) {
  struct steps steps = {.pool = pool_of(threads), .late = late};
  for (int run = 1; run <= 20; run++) {
    steps.done = 0;
    pool_run(steps.pool, claim_steps, &steps, false);
    for (int step = 0; step < 30; step++)
      for (uint32_t part = 0; part < parts_of(step) * (uint32_t)threads; part++)
        assert_int_equal(steps.taken[step][part], run);
  }
  assert_int_equal(steps.disorder, 0);
  assert_int_equal(steps.by_late, 0);
  adze_pool_destroy(steps.pool);
}

static void parts_are_claimed_once(void **state) {
  (void)state;
  for (int threads = 2; threads <= MAX_WORKERS; threads++)
    check_claims(threads, -1);
}

static void who_is_late_finds_nothing(void **state) {
  (void)state;
  for (int threads = 2; threads <= 4; threads++)
    for (int64_t late = 0; late < threads; late++)
      check_claims(threads, late);
}

/* Jobs of two kinds from several threads on one pool. */
struct shared {
  adze_pool *pool;
  long total; /* written by worker 0 only, while it has the pool */
  long parts[MAX_WORKERS];
};

static void add_part(void *argument, int64_t worker) {
  struct shared *shared = argument;
  shared->parts[worker] = worker + 1;
  pool_barrier(shared->pool, worker);
  if (worker == 0)
    for (int i = 0; i < adze_pool_threads(shared->pool); i++)
      shared->total += shared->parts[i];
}

static void *add_parts(void *argument) {
  struct shared *shared = argument;
  for (int i = 0; i < 200; i++)
    pool_run(shared->pool, add_part, shared, false);
  return NULL;
}

static void callers_take_turns(void **state) {
  (void)state;
  struct shared shared = {.pool = pool_of(3)};
  pthread_t threads[4];
  for (int i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, add_parts, &shared), 0);
  for (int i = 0; i < 4; i++)
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  assert_int_equal(shared.total, 4 * 200 * (1 + 2 + 3));
  adze_pool_destroy(shared.pool);
}

static void sleepers_wake_up(void **state) {
  (void)state;
  struct rounds rounds = {pool_of(2), 2, 3, {0}, 0, 0};
  struct timespec pause = {.tv_nsec = 2000000}; /* far more than they spin */
  for (int i = 0; i < 20; i++) {
    nanosleep(&pause, NULL);
    pool_run(rounds.pool, run_rounds, &rounds, false);
  }
  assert_int_equal(rounds.wrong, 0);
  assert_int_equal(rounds.calls, 40);
  nanosleep(&pause, NULL);
  adze_pool_destroy(rounds.pool); /* asleep */
}

static void pools_come_and_go(void **state) {
  (void)state;
  for (int i = 0; i < 100; i++)
    adze_pool_destroy(pool_of(1 + i % 4));
}

static struct gate_lock lock;
static long guarded;

static void *count_up(void *argument) {
  (void)argument;
  for (int i = 0; i < 20000; i++) {
    gate_lock(&lock);
    guarded++;
    gate_unlock(&lock);
  }
  return NULL;
}

static void locks_exclude(void **state) {
  (void)state;
  pthread_t threads[3];
  for (int i = 0; i < 3; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, count_up, NULL), 0);
  for (int i = 0; i < 3; i++)
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  assert_int_equal(guarded, 60000);
}

/* Away from CPUs that are taken, as far as the affinity allows, which stays. */
static void threads_leave_taken_cpus(void **state) {
  (void)state;
  cpu_set_t before, taken, after;
  assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &before))
      continue;
    CPU_ZERO(&taken);
    CPU_SET(cpu, &taken);
    int found = cpu_leave(&taken);
    assert_true(CPU_ISSET(found, &before));
    assert_true(found != cpu || CPU_COUNT(&before) == 1);
  }
  assert_true(CPU_ISSET(cpu_leave(&before), &before)); /* none is left */
  assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
  assert_true(CPU_EQUAL(&before, &after));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(barriers_separate_rounds),
      cmocka_unit_test(parts_are_claimed_once),
      cmocka_unit_test(who_is_late_finds_nothing),
      cmocka_unit_test(callers_take_turns),
      cmocka_unit_test(sleepers_wake_up),
      cmocka_unit_test(pools_come_and_go),
      cmocka_unit_test(locks_exclude),
      cmocka_unit_test(threads_leave_taken_cpus),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
