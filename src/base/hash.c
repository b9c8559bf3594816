/* SPDX-License-Identifier: Apache-2.0 */
/* Hash of a byte range: eight bytes a step, multiplied into 128 bits whose
 * halves are folded together, so that every bit of the input reaches every bit
 * of the result. Not for checksums in files (see crc32c.h), nor for input that
 * an attacker chooses to collide: a map with such keys is slow, never wrong. */
#include <string.h>

#include "base/map.h"

static uint64_t fold(uint64_t a, uint64_t b) {
  __extension__ unsigned __int128 product = (unsigned __int128)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t hash_bytes(const void *data, size_t size, uint64_t seed) {
  const unsigned char *bytes = data;
  uint64_t hash = seed ^ 0x9e3779b97f4a7c15u;
  uint64_t word;
  size_t left = size;
  for (; left >= sizeof word; left -= sizeof word, bytes += sizeof word) {
    memcpy(&word, bytes, sizeof word);
    hash = fold(hash ^ word, 0xa0761d6478bd642fu) + 0x8ebc6af09c88c6e3u;
  }
  word = 0;
  if (left)
    memcpy(&word, bytes, left);
  hash = fold(hash ^ word, 0xe7037ed1a0b428dbu ^ size);
  return fold(hash ^ 0x589965cc75374cc3u, 0x1d8e4e27c47d124fu);
}
