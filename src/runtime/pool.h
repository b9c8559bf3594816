/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that run one job at a time, all of them the same job. */
#ifndef RUNTIME_POOL_H
#define RUNTIME_POOL_H

#include "adze/runtime.h"
#include "base/base.h"

/* Calls job(argument, worker) once for every worker of
 * [0, adze_pool_threads(pool)), worker 0 on the calling thread, and returns
 * when all are done. Calls from several threads wait for each other. Does not
 * allocate. The job runs with round-to-nearest, and with denormals as they are
 * or flushed to zero, on every worker and whatever the caller's floating-point
 * settings, which the caller has again afterwards. */
void pool_run(adze_pool *pool, void (*job)(void *argument, int64_t worker),
              void *argument, bool flush_denormals);
/* Within a job: waits until all workers are here. */
void pool_barrier(adze_pool *pool, int64_t worker);
/* Within a job: a part of a step that no worker has claimed, or -1. The steps
 * of a job are numbered from 0; each has `parts` parts for every worker, who
 * gets its own first, then those that others have not come to. A worker may go
 * to the next step once it got -1. */
int64_t pool_claim(adze_pool *pool, uint32_t step, uint32_t parts,
                   int64_t worker);

#endif
