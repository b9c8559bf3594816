/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C: with the CPU's instruction where a run-time check finds it (about
 * 8 GB/s, so that verifying weights costs less than reading them), else by a
 * table of 16 nibbles: 64 bytes of constants instead of 8 KiB keep the runtime
 * small on machines where packages are small too.
 *
 * Polynomial 0x1edc6f41, reflected 0x82f63b78, register inverted before and
 * after, so that pieces chain.
 */
#include "base/crc32c.h"

#include <stdatomic.h>
#include <string.h>

#include "base/cpu.h"

uint32_t crc32c_portable(uint32_t crc, const void *data, size_t bytes) {
  static const uint32_t table[16] = {
      0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
      0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
      0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
  };
  const uint8_t *next = data;
  crc = ~crc;
  for (size_t i = 0; i < bytes; i++) {
    crc ^= next[i];
    crc = crc >> 4 ^ table[crc & 15];
    crc = crc >> 4 ^ table[crc & 15];
  }
  return ~crc;
}

#if defined(__x86_64__) || defined(__aarch64__)

#if defined(__x86_64__)
#define CRC_FEATURE "sse4.2"
#define CRC_TARGET __attribute__((target("sse4.2")))
#define CRC_8(crc, byte) __builtin_ia32_crc32qi(crc, byte)
#define CRC_64(crc, word) (uint32_t) __builtin_ia32_crc32di(crc, word)
#else
#include <arm_acle.h>
#define CRC_FEATURE "crc"
#define CRC_TARGET __attribute__((target("+crc")))
#define CRC_8(crc, byte) __crc32cb(crc, byte)
#define CRC_64(crc, word) __crc32cd(crc, word)
#endif

CRC_TARGET static uint32_t crc32c_instruction(uint32_t crc, const uint8_t *next,
                                              size_t bytes) {
  crc = ~crc;
  for (; bytes >= 8; bytes -= 8, next += 8) {
    uint64_t word;
    memcpy(&word, next, sizeof word);
    crc = CRC_64(crc, word);
  }
  for (; bytes > 0; bytes--, next++)
    crc = CRC_8(crc, *next);
  return ~crc;
}

uint32_t crc32c(uint32_t crc, const void *data, size_t bytes) {
  /* Asked once: the question costs microseconds under a hypervisor. Threads
   * that ask at the same time get the same answer. */
  static atomic_int known; /* 0 not yet, 1 absent, 2 present */
  int state = atomic_load_explicit(&known, memory_order_relaxed);
  if (state == 0) {
    state = cpu_has_feature(CRC_FEATURE) ? 2 : 1;
    atomic_store_explicit(&known, state, memory_order_relaxed);
  }
  return state == 2 ? crc32c_instruction(crc, data, bytes)
                    : crc32c_portable(crc, data, bytes);
}

#else

uint32_t crc32c(uint32_t crc, const void *data, size_t bytes) {
  return crc32c_portable(crc, data, bytes);
}

#endif
