/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cpu.h"

int cpu_leave(const cpu_set_t *taken) {
  cpu_set_t allowed, rest;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
    return sched_getcpu(); /* more CPUs than the set holds */
  CPU_AND(&rest, &allowed, taken);
  CPU_XOR(&rest, &rest, &allowed);
  if (CPU_COUNT(&rest) == 0 || sched_setaffinity(0, sizeof rest, &rest) != 0)
    return sched_getcpu();
  int cpu = sched_getcpu();
  /* Where it is it may stay. */
  (void)sched_setaffinity(0, sizeof allowed, &allowed);
  return cpu;
}
