/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a .npy file: magic, version, length, and a Python dictionary,
 * {'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }. */
#ifndef CLI_NPY_H
#define CLI_NPY_H

#include "cli/array.h"

/* The longest header read: numpy's own are below 256 bytes. */
#define NPY_MAX_HEADER 4096

struct npy_header {
  struct array array; /* name and data NULL */
  size_t size;        /* of the header: where the data starts */
  bool fortran_order; /* first index fastest */
  bool swapped;       /* the other byte order than this machine's */
};

/* Parses the start of a file: `size` bytes of it, at least the header or
 * NPY_MAX_HEADER. On damage returns INVALID_DATA with a clause for a sentence
 * ("it does not start with the magic of npy"). */
enum adze_status npy_parse(const uint8_t *bytes, size_t size,
                           struct npy_header *out,
                           struct adze_error *error) ADZE_MUST_USE;
/* A header of version 1.0 for the array; in the arena. */
const char *npy_print(struct arena *arena, const struct array *array,
                      size_t *size);

#endif
