/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a number to change: first awake, then asleep. */
#ifndef RUNTIME_GATE_H
#define RUNTIME_GATE_H

#include <stdatomic.h>

#include "base/base.h"

/* On a cache line of its own. Starts as {0}. */
struct gate {
  _Alignas(64) _Atomic uint32_t value;
  _Atomic uint32_t sleepers;
};

uint32_t gate_value(const struct gate *gate);
/* Returns once the value differs from `old`, which must have been read with
 * gate_value before. Looks for `spin_ns` before it sleeps; whether it slept. */
bool gate_wait(struct gate *gate, uint32_t old, int64_t spin_ns);
/* Adds one and wakes everybody. What was written before is seen by those who
 * waited. */
void gate_open(struct gate *gate);

/* A lock that waits the same way; not recursive. Starts as {0}. */
struct gate_lock {
  _Alignas(64) _Atomic uint32_t state; /* 0 free, 1 held, 2 and waited for */
};
void gate_lock(struct gate_lock *lock);
void gate_unlock(struct gate_lock *lock);

#endif
