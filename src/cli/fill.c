/* SPDX-License-Identifier: Apache-2.0 */
/* Zeros, ones and random numbers. The generator is splitmix64: one line, equal
 * on all machines, and good enough for data whose only duty is to differ.
 */
#include "cli/fill.h"

#include <string.h>

static uint64_t next_random(uint64_t *state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void fill_array(struct array *array, enum fill_mode mode, uint64_t seed) {
  size_t count = array_count(array);
  bool bytes = array->dtype == ADZE_I8 || array->dtype == ADZE_U8;
  if (mode == FILL_ZEROS) {
    memset(array->data, 0, array->bytes);
    return;
  }
  for (size_t i = 0; i < count; i++) {
    uint64_t bits = mode == FILL_RANDOM ? next_random(&seed) : 0;
    double value = mode == FILL_ONES ? 1
                   : bytes           ? (double)(bits >> 57)
                                     : (double)(bits >> 11) * 0x1p-52 - 1;
    array_set(array, i, value);
  }
}
