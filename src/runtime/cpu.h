/* SPDX-License-Identifier: Apache-2.0 */
/* Which CPU a thread runs on. */
#ifndef RUNTIME_CPU_H
#define RUNTIME_CPU_H

#include <sched.h>

/* Moves the calling thread to a CPU that is not in `taken`, if its affinity
 * has one; the affinity stays as it was. Returns the CPU it runs on then, or
 * -1 where that is not known. */
int cpu_leave(const cpu_set_t *taken);

#endif
