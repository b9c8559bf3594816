/* SPDX-License-Identifier: Apache-2.0 */
/* Independent tasks on threads that live as long as the loop.
 *
 * The next index is a shared counter, so threads that get short tasks take more
 * of them. The calling thread works too, which is why a thread that can't be
 * started costs speed only. Of several failures the one with the lowest index
 * is kept; which tasks ran besides depends on timing, what they computed never.
 */
#include "base/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"

enum { PARALLEL_MAX_THREADS = 256 };

struct parallel_loop {
  enum adze_status (*task)(void *argument, size_t index,
                           struct adze_error *error);
  void *argument;
  size_t count;
  atomic_size_t next;
  atomic_bool failed;
  pthread_mutex_t lock; /* of the three below */
  size_t failed_index;
  enum adze_status status;
  struct adze_error error;
};

struct parallel_call {
  struct parallel_loop *loop;
  size_t index;
  struct adze_error error;
};

static enum adze_status call_task(void *argument) {
  struct parallel_call *call = argument;
  return call->loop->task(call->loop->argument, call->index, &call->error);
}

static void record_failure(struct parallel_loop *loop, size_t index,
                           enum adze_status status,
                           const struct adze_error *error) {
  pthread_mutex_lock(&loop->lock);
  if (loop->status == ADZE_OK || index < loop->failed_index) {
    loop->status = status;
    loop->failed_index = index;
    loop->error = *error;
  }
  pthread_mutex_unlock(&loop->lock);
  atomic_store(&loop->failed, true);
}

static void *work(void *argument) {
  struct parallel_loop *loop = argument;
  struct parallel_call call = {.loop = loop};
  while (!atomic_load(&loop->failed)) {
    call.index = atomic_fetch_add(&loop->next, 1);
    if (call.index >= loop->count)
      break;
    enum adze_status status = guard_run(call_task, &call, &call.error);
    if (status != ADZE_OK)
      record_failure(loop, call.index, status, &call.error);
  }
  return NULL;
}

enum adze_status
parallel_for(int threads, size_t count,
             enum adze_status (*task)(void *argument, size_t index,
                                      struct adze_error *error),
             void *argument, struct adze_error *error) {
  struct parallel_loop loop = {.task = task,
                               .argument = argument,
                               .count = count,
                               .lock = PTHREAD_MUTEX_INITIALIZER};
  pthread_t others[PARALLEL_MAX_THREADS];
  size_t wanted = threads > 1 ? (size_t)threads - 1 : 0, started = 0;
  if (wanted > PARALLEL_MAX_THREADS)
    wanted = PARALLEL_MAX_THREADS;
  if (wanted >= count)
    wanted = count ? count - 1 : 0;
  while (started < wanted &&
         pthread_create(&others[started], NULL, work, &loop) == 0)
    started++;
  work(&loop);
  for (size_t i = 0; i < started; i++)
    pthread_join(others[i], NULL);
  pthread_mutex_destroy(&loop.lock);
  if (loop.status != ADZE_OK && error)
    *error = loop.error;
  return loop.status;
}
