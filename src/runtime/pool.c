/* SPDX-License-Identifier: Apache-2.0 */
/* A job is published by counting `jobs` up; worker threads wait for that, run
 * it, and meet the caller in a last barrier, after which the caller may return
 * and publish the next one. The caller is worker 0, so a pool of one thread
 * has no threads of its own and costs nothing.
 *
 *   caller    job=…  jobs++   run(0) ───┬ barrier ┬─ return
 *   worker 1  wait jobs       run(1) ───┤         ├─ wait jobs
 *   worker 2  wait jobs       run(2) ───┘         └─ wait jobs
 *
 * The barrier counts arrivals; the last one resets the count and opens the
 * gate for all. Nobody can arrive at the next barrier before the gate is open,
 * so one counter serves all barriers.
 *
 * Cores are not equally quick: some are smaller, or have other work too. So a
 * step is not cut into one part for each worker but into several, and who is
 * done with its own takes from the others. As long as all are equally quick
 * everyone computes the same rows in each step, and finds them in its cache.
 *
 * A thread that is woken may be put on the CPU of the one who woke it, and both
 * then share it for milliseconds while another is idle. So who wakes up looks
 * where the workers before it are, and moves if it is on the CPU of one.
 */
#include "runtime/pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/environment.h"
#include "runtime/allocator.h"
#include "runtime/cpu.h"
#include "runtime/float_state.h"
#include "runtime/gate.h"

#define MAX_THREADS 4096
/* How long threads wait awake when each has a CPU; else they sleep at once.
 * 2 ms gain nothing, and cost a third where CPUs have other work too. */
#define SPIN_NS 100000

struct worker {
  /* How much of this worker's share of a step is claimed: 1 + the step's number
   * in the upper half, the next part in the lower one. Who comes from an
   * earlier step starts anew; a number from a later step says that nothing is
   * left, since nobody leaves a step before all its parts are claimed. */
  _Alignas(64) _Atomic uint64_t claimed;
  _Atomic int cpu; /* where it was when it last woke up; -1: not known */
  adze_pool *pool;
  int64_t number;
  pthread_t thread; /* but not worker 0's, which is the caller */
};

struct adze_pool {
  struct adze_allocator allocator;
  size_t bytes;
  int threads;
  int started; /* of threads - 1 */
  int64_t spin_ns;
  void (*job)(void *argument, int64_t worker); /* NULL: stop */
  void *argument;
  bool flush_denormals;  /* as the job wants it */
  struct gate_lock lock; /* held while a job runs */
  struct gate jobs;
  struct gate barrier;
  _Alignas(64) _Atomic uint32_t arrived;
  struct worker workers[]; /* [threads] */
};

/* The CPU that the worker is on from now on. */
static void settle(adze_pool *pool, int64_t number) {
  cpu_set_t taken;
  CPU_ZERO(&taken);
  for (int64_t i = 0; i < number; i++) {
    int cpu = atomic_load_explicit(&pool->workers[i].cpu, memory_order_relaxed);
    if (cpu >= 0)
      CPU_SET((size_t)cpu, &taken); /* does nothing with one beyond the set */
  }
  int cpu = sched_getcpu();
  if (cpu >= 0 && CPU_ISSET((size_t)cpu, &taken) && pool->spin_ns > 0)
    cpu = cpu_leave(&taken);
  atomic_store_explicit(&pool->workers[number].cpu, cpu, memory_order_relaxed);
}

void pool_barrier(adze_pool *pool, int64_t worker) {
  if (pool->threads == 1)
    return;
  uint32_t round = gate_value(&pool->barrier);
  if (atomic_fetch_add(&pool->arrived, 1) + 1 == (uint32_t)pool->threads) {
    atomic_store(&pool->arrived, 0);
    gate_open(&pool->barrier);
  } else if (gate_wait(&pool->barrier, round, pool->spin_ns)) {
    settle(pool, worker);
  }
}

static int64_t claim_of(struct worker *owner, uint64_t step, uint64_t parts) {
  uint64_t now = atomic_load_explicit(&owner->claimed, memory_order_relaxed);
  for (;;) {
    uint64_t part = now >> 32 < step ? 0 : now & UINT32_MAX;
    if (now >> 32 > step || part >= parts)
      return -1;
    if (atomic_compare_exchange_weak_explicit(
            &owner->claimed, &now, step << 32 | (part + 1),
            memory_order_relaxed, memory_order_relaxed))
      return (int64_t)part;
  }
}

int64_t pool_claim(adze_pool *pool, uint32_t step, uint32_t parts,
                   int64_t worker) {
  for (int64_t i = 0; i < pool->threads; i++) {
    int64_t owner = (worker + i) % pool->threads;
    int64_t part = claim_of(&pool->workers[owner], (uint64_t)step + 1, parts);
    if (part >= 0)
      return owner * (int64_t)parts + part;
  }
  return -1;
}

static void *worker_main(void *argument) {
  struct worker *worker = argument;
  adze_pool *pool = worker->pool;
  for (uint32_t seen = 0;; seen++) {
    if (gate_wait(&pool->jobs, seen, pool->spin_ns))
      settle(pool, worker->number);
    if (!pool->job)
      return NULL;
    (void)float_state_set(pool->flush_denormals);
    pool->job(pool->argument, worker->number);
    pool_barrier(pool, worker->number);
  }
}

void pool_run(adze_pool *pool, void (*job)(void *argument, int64_t worker),
              void *argument, bool flush_denormals) {
  gate_lock(&pool->lock);
  uint64_t state = float_state_set(flush_denormals);
  if (pool->threads > 1) {
    for (int i = 0; i < pool->threads; i++)
      atomic_store_explicit(&pool->workers[i].claimed, 0, memory_order_relaxed);
    settle(pool, 0);
    pool->job = job;
    pool->argument = argument;
    pool->flush_denormals = flush_denormals;
    gate_open(&pool->jobs);
  }
  job(argument, 0);
  pool_barrier(pool, 0);
  float_state_restore(state);
  gate_unlock(&pool->lock);
}

int adze_pool_threads(const adze_pool *pool) { return pool->threads; }

/* CPUs that this process may run on. */
static int allowed_cpus(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    return CPU_COUNT(&set);
  return (int)sysconf(_SC_NPROCESSORS_ONLN); /* more CPUs than the set holds */
}

static enum adze_status start_worker(adze_pool *pool, int number,
                                     const int *affinity,
                                     struct adze_error *error) {
  struct worker *worker = &pool->workers[number];
  worker->pool = pool;
  worker->number = number;
  worker->cpu = -1;
  pthread_attr_t attributes;
  int problem = pthread_attr_init(&attributes);
  if (problem != 0)
    return fail(error, ADZE_OUT_OF_MEMORY, "can't start a thread: %s",
                strerror(problem));
  if (affinity) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)affinity[number], &set);
    problem = pthread_attr_setaffinity_np(&attributes, sizeof set, &set);
  }
  if (problem == 0)
    problem = pthread_create(&worker->thread, &attributes, worker_main, worker);
  pthread_attr_destroy(&attributes);
  if (problem == EINVAL && affinity)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "thread %d can't be bound to CPU %d", number, affinity[number]);
  if (problem != 0)
    return fail(error, ADZE_OUT_OF_MEMORY, "can't start thread %d of %d: %s",
                number, pool->threads, strerror(problem));
  pool->started = number;
  return ADZE_OK;
}

/* Signals stay the business of the program's own threads. */
static enum adze_status start_workers(adze_pool *pool, const int *affinity,
                                      struct adze_error *error) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  enum adze_status status = ADZE_OK;
  for (int i = 1; i < pool->threads && status == ADZE_OK; i++)
    status = start_worker(pool, i, affinity, error);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return status;
}

enum adze_status adze_pool_create(const struct adze_pool_options *options,
                                  adze_pool **out, struct adze_error *error) {
  int threads = options ? options->threads : 0;
  const int *affinity = options ? options->affinity : NULL;
  if (threads == 0 && affinity)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "a pool with affinity needs a number of threads");
  if (threads == 0)
    threads = environment_threads();
  if (threads < 1 || threads > MAX_THREADS)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "a pool of %d threads; 1 to %d are possible", threads,
                MAX_THREADS);
  for (int i = 1; affinity && i < threads; i++)
    if (affinity[i] < 0 || affinity[i] >= CPU_SETSIZE)
      return fail(error, ADZE_INVALID_ARGUMENT,
                  "thread %d can't be bound to CPU %d", i, affinity[i]);
  const struct adze_allocator *allocator =
      options && options->allocator ? options->allocator : &allocator_default;
  size_t bytes = sizeof(adze_pool) + (size_t)threads * sizeof(struct worker);
  void *memory;
  TRY(allocator_take(allocator, bytes, 64, "a thread pool", &memory, error));
  adze_pool *pool = memory;
  pool->allocator = *allocator;
  pool->bytes = bytes;
  pool->threads = threads;
  pool->spin_ns = threads <= allowed_cpus() ? SPIN_NS : 0;
  enum adze_status status = start_workers(pool, affinity, error);
  if (status != ADZE_OK) {
    adze_pool_destroy(pool);
    return status;
  }
  *out = pool;
  return ADZE_OK;
}

void adze_pool_destroy(adze_pool *pool) {
  if (!pool)
    return;
  pool->job = NULL;
  gate_open(&pool->jobs);
  for (int i = 1; i <= pool->started; i++)
    pthread_join(pool->workers[i].thread, NULL);
  struct adze_allocator allocator = pool->allocator;
  allocator_give(&allocator, pool, pool->bytes);
}
