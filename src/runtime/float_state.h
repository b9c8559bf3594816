/* SPDX-License-Identifier: Apache-2.0 */
/* The CPU's floating-point settings. Compiled code computes what the reference
 * defines only with round-to-nearest and without flush-to-zero; a program may
 * have changed either (gcc's -ffast-math does so before main), and threads
 * inherit it. */
#ifndef RUNTIME_FLOAT_STATE_H
#define RUNTIME_FLOAT_STATE_H

#include <stdint.h>

/* Sets the defaults and returns what was set before. */
static inline uint64_t float_state_default(void) {
#if defined(__x86_64__)
  uint32_t before = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(0x1f80); /* nearest, exceptions masked, no FTZ, DAZ */
  return before;
#elif defined(__aarch64__)
  uint64_t before;
  __asm__ volatile("mrs %0, fpcr" : "=r"(before));
  __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0));
  return before;
#else
  return 0;
#endif
}

static inline void float_state_restore(uint64_t before) {
#if defined(__x86_64__)
  __builtin_ia32_ldmxcsr((uint32_t)before);
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" : : "r"(before));
#else
  (void)before;
#endif
}

#endif
