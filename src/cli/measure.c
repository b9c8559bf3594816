/* SPDX-License-Identifier: Apache-2.0 */
/* What an instance does per second is its runs over the time from the common
 * start to the end of its last run; of several the sum is given. An instance
 * that ends a little before the others so counts for what it did while all ran,
 * whatever the length of a run.
 */
#include "cli/measure.h"

#include <pthread.h>
#include <string.h>

enum { MINIMUM_RUNS = 5, MAXIMUM_RUNS = 1000000 };

struct samples {
  double *data;
  size_t count, capacity;
};

static enum adze_status warm_up(const struct session *session,
                                const struct measure_options *options,
                                struct adze_error *error) {
  for (int i = 0; i < options->warmup; i++)
    TRY(adze_instance_run(session->instance, error));
  return ADZE_OK;
}

/* Runs from `begin` on; *rate are the runs per second. */
static enum adze_status run_timed(const struct session *session,
                                  struct arena *arena, int64_t begin,
                                  const struct measure_options *options,
                                  struct samples *samples, double *rate,
                                  struct adze_error *error) {
  int64_t end = begin + (int64_t)(options->seconds * 1e9), start = begin;
  while ((start < end || samples->count < MINIMUM_RUNS) &&
         samples->count < MAXIMUM_RUNS) {
    TRY(adze_instance_run(session->instance, error));
    int64_t stop = time_now_ns();
    vec_push(arena, samples, (double)(stop - start) * 1e-6);
    start = stop;
  }
  *rate = start > begin ? (double)samples->count * 1e9 / (double)(start - begin)
                        : 0;
  return ADZE_OK;
}

enum adze_status measure_latency(struct session *session,
                                 const struct measure_options *options,
                                 struct measured *out,
                                 struct adze_error *error) {
  struct samples samples = {0};
  TRY(warm_up(session, options, error));
  TRY(run_timed(session, session->arena, time_now_ns(), options, &samples,
                &out->fps, error));
  statistics_of(samples.data, samples.count, &out->ms);
  return ADZE_OK;
}

/* ---- Several at once ----------------------------------------------------- */

/* Threads warm up, say that they are ready and wait for the signal. */
struct race {
  const struct measure_options *options;
  pthread_mutex_t lock; /* of what follows */
  pthread_cond_t changed;
  int ready;
  enum { RACE_WAIT, RACE_GO, RACE_CANCELLED } signal;
  int64_t begin;
};

struct runner {
  struct race *race;
  struct session *session;
  struct arena *arena; /* for its samples: arenas belong to one thread */
  pthread_t thread;
  struct samples samples;
  double rate;
  enum adze_status status;
  struct adze_error error;
};

static enum adze_status runner_run(void *argument) {
  struct runner *runner = argument;
  return run_timed(runner->session, runner->arena, runner->race->begin,
                   runner->race->options, &runner->samples, &runner->rate,
                   &runner->error);
}

static bool wait_for_signal(struct race *race) {
  pthread_mutex_lock(&race->lock);
  race->ready++;
  pthread_cond_broadcast(&race->changed);
  while (race->signal == RACE_WAIT)
    pthread_cond_wait(&race->changed, &race->lock);
  bool go = race->signal == RACE_GO;
  pthread_mutex_unlock(&race->lock);
  return go;
}

static void *runner_main(void *argument) {
  struct runner *runner = argument;
  runner->status =
      warm_up(runner->session, runner->race->options, &runner->error);
  if (wait_for_signal(runner->race) && runner->status == ADZE_OK)
    runner->status = guard_run(runner_run, runner, &runner->error);
  return NULL;
}

static void send_signal(struct race *race, int started, bool go) {
  pthread_mutex_lock(&race->lock);
  while (race->ready < started)
    pthread_cond_wait(&race->changed, &race->lock);
  race->begin = time_now_ns();
  race->signal = go ? RACE_GO : RACE_CANCELLED;
  pthread_cond_broadcast(&race->changed);
  pthread_mutex_unlock(&race->lock);
}

/* Holds no memory of an arena while threads run, so nothing unwinds past
 * them. */
static enum adze_status run_race(struct runner *runners, int count,
                                 const struct measure_options *options,
                                 struct adze_error *error) {
  struct race race = {.options = options,
                      .lock = PTHREAD_MUTEX_INITIALIZER,
                      .changed = PTHREAD_COND_INITIALIZER};
  int started = 0, problem = 0;
  for (; started < count && problem == 0; started += problem == 0) {
    runners[started].race = &race;
    problem = pthread_create(&runners[started].thread, NULL, runner_main,
                             &runners[started]);
  }
  send_signal(&race, started, problem == 0);
  for (int i = 0; i < started; i++)
    pthread_join(runners[i].thread, NULL);
  pthread_cond_destroy(&race.changed);
  pthread_mutex_destroy(&race.lock);
  if (problem != 0)
    return fail(error, ADZE_OUT_OF_MEMORY,
                "can't start instance %d of %d on a thread: %s", started + 1,
                count, strerror(problem));
  for (int i = 0; i < count; i++) {
    if (runners[i].status == ADZE_OK)
      continue;
    if (error)
      *error = runners[i].error;
    return runners[i].status;
  }
  return ADZE_OK;
}

static void release_arena(void *arena) { arena_destroy(arena); }

static enum adze_status prepare_runner(struct session *session, bool first,
                                       struct runner *out,
                                       struct adze_error *error) {
  *out = (struct runner){.session = session};
  if (!first) {
    out->session = session_copy(session);
    TRY(session_prepare(out->session, NULL, error));
    for (size_t i = 0; i < session->input_count; i++)
      memcpy(out->session->inputs[i].data, session->inputs[i].data,
             session->inputs[i].bytes);
  }
  out->arena = arena_create("samples");
  if (!out->arena)
    guard_out_of_memory();
  arena_defer(session->arena, release_arena, out->arena);
  return ADZE_OK;
}

enum adze_status measure_throughput(struct session *session, int instances,
                                    const struct measure_options *options,
                                    struct measured *out,
                                    struct adze_error *error) {
  struct runner *runners =
      ARENA_ARRAY(session->arena, struct runner, (size_t)instances);
  struct samples all = {0};
  for (int i = 0; i < instances; i++)
    TRY(prepare_runner(session, i == 0, &runners[i], error));
  TRY(run_race(runners, instances, options, error));
  out->fps = 0;
  for (int i = 0; i < instances; i++) {
    out->fps += runners[i].rate;
    for (size_t k = 0; k < runners[i].samples.count; k++)
      vec_push(session->arena, &all, runners[i].samples.data[k]);
  }
  statistics_of(all.data, all.count, &out->ms);
  return ADZE_OK;
}
