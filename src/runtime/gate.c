/* SPDX-License-Identifier: Apache-2.0 */
/* Between the kernels of a network threads wait for a microsecond or two, so
 * they look at the number in a loop; between runs they may wait for seconds,
 * so they then sleep in the kernel (futex). The one who changes the number
 * makes a system call only when somebody sleeps.
 *
 * No wake-up is lost: the sleeper announces itself, then the kernel compares
 * the number again; the other changes the number, then looks for sleepers. All
 * four are sequentially consistent, so at least one of the two sees the other.
 */
#include "runtime/gate.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

static void futex_wait(_Atomic uint32_t *word, uint32_t expected) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int count) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");
#endif
}

uint32_t gate_value(const struct gate *gate) {
  return atomic_load_explicit(&gate->value, memory_order_acquire);
}

/* Whether the value changed while looking at it. The clock is read rarely: it
 * costs more than a look. */
static bool gate_spin(const struct gate *gate, uint32_t old, int64_t spin_ns) {
  if (gate_value(gate) != old)
    return true;
  if (spin_ns <= 0)
    return false;
  int64_t end = time_now_ns() + spin_ns;
  do {
    for (int i = 0; i < 64; i++) {
      if (gate_value(gate) != old)
        return true;
      relax();
    }
  } while (time_now_ns() < end);
  return false;
}

bool gate_wait(struct gate *gate, uint32_t old, int64_t spin_ns) {
  if (gate_spin(gate, old, spin_ns))
    return false;
  atomic_fetch_add(&gate->sleepers, 1);
  while (atomic_load(&gate->value) == old)
    futex_wait(&gate->value, old);
  atomic_fetch_sub(&gate->sleepers, 1);
  return true;
}

void gate_open(struct gate *gate) {
  atomic_fetch_add(&gate->value, 1);
  if (atomic_load(&gate->sleepers) > 0)
    futex_wake(&gate->value, INT_MAX);
}

void gate_lock(struct gate_lock *lock) {
  uint32_t found = 0;
  if (atomic_compare_exchange_strong(&lock->state, &found, 1))
    return;
  /* Whoever waits takes the lock as "waited for", since it can't know whether
   * it was the last one waiting. */
  while (atomic_exchange(&lock->state, 2) != 0)
    futex_wait(&lock->state, 2);
}

void gate_unlock(struct gate_lock *lock) {
  if (atomic_exchange(&lock->state, 0) == 2)
    futex_wake(&lock->state, 1);
}
