/* SPDX-License-Identifier: Apache-2.0 */
/* The CPU's floating-point settings, which belong to a thread. Compiled code
 * computes what the reference defines only with round-to-nearest and with
 * denormals as they are; a program may have changed either (gcc's -ffast-math
 * does so before main), and threads inherit it. An instance may ask for
 * denormals to count as zero, operands as well as results.
 *
 * Writing the register costs more than reading it and stalls what comes next,
 * so it is written only where that changes something. */
#ifndef RUNTIME_FLOAT_STATE_H
#define RUNTIME_FLOAT_STATE_H

#include <stdbool.h>
#include <stdint.h>

/* DEFAULT: nearest, exceptions masked, denormals kept. FLAGS: bits that record
 * what happened and set nothing. */
#if defined(__x86_64__)
#define FLOAT_STATE_DEFAULT UINT64_C(0x1f80)
#define FLOAT_STATE_FLUSH UINT64_C(0x8040) /* FTZ: results, DAZ: operands */
#define FLOAT_STATE_FLAGS UINT64_C(0x3f)
#elif defined(__aarch64__)
#define FLOAT_STATE_DEFAULT UINT64_C(0)
#define FLOAT_STATE_FLUSH (UINT64_C(1) << 24) /* FZ: both */
#define FLOAT_STATE_FLAGS UINT64_C(0)
#else
#define FLOAT_STATE_DEFAULT UINT64_C(0)
#define FLOAT_STATE_FLUSH UINT64_C(0)
#define FLOAT_STATE_FLAGS UINT64_C(0)
#endif

static inline uint64_t float_state_read(void) {
#if defined(__x86_64__)
  return __builtin_ia32_stmxcsr();
#elif defined(__aarch64__)
  uint64_t state;
  __asm__ volatile("mrs %0, fpcr" : "=r"(state));
  return state;
#else
  return 0;
#endif
}

static inline void float_state_write(uint64_t state) {
#if defined(__x86_64__)
  __builtin_ia32_ldmxcsr((uint32_t)state);
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" : : "r"(state));
#else
  (void)state;
#endif
}

/* Sets what compiled code needs and returns what was set before. */
static inline uint64_t float_state_set(bool flush_denormals) {
  uint64_t before = float_state_read();
  uint64_t wanted =
      FLOAT_STATE_DEFAULT | (flush_denormals ? FLOAT_STATE_FLUSH : 0);
  if (((before ^ wanted) & ~FLOAT_STATE_FLAGS) != 0)
    float_state_write(wanted);
  return before;
}

/* Flags too are as they were before. */
static inline void float_state_restore(uint64_t before) {
  if (float_state_read() != before)
    float_state_write(before);
}

#endif
