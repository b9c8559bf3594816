/* SPDX-License-Identifier: Apache-2.0 */
/* Compile-time parallelism: a loop over independent tasks on short-lived
 * threads. (Running models uses the runtime's pool instead.) */
#ifndef BASE_PARALLEL_H
#define BASE_PARALLEL_H

#include "base/base.h"

/* Calls task(argument, i, error) for i in [0, count), on at most `threads`
 * threads, each under a guard_run of its own. Every task runs unless one
 * failed; returns the failure of the lowest index seen, so that messages do
 * not depend on timing when one task fails. Falls back to fewer threads when
 * some can't be started. */
enum adze_status
parallel_for(int threads, size_t count,
             enum adze_status (*task)(void *argument, size_t index,
                                      struct adze_error *error),
             void *argument, struct adze_error *error) ADZE_MUST_USE;

#endif
