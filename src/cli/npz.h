/* SPDX-License-Identifier: Apache-2.0 */
/* Archives of arrays as numpy.savez and savez_compressed write them.
 *
 * Opening reads headers only, so that names, types and shapes can be compared
 * with what a model wants before any data is unpacked: a small file that claims
 * a huge array costs nothing. */
#ifndef CLI_NPZ_H
#define CLI_NPZ_H

#include "cli/array.h"

struct npz;

/* In the arena, which also closes the file. NOT_FOUND, IO, INVALID_DATA,
 * UNSUPPORTED, LIMIT; the sentence names file and array. */
enum adze_status npz_open(struct arena *arena, const char *path,
                          struct npz **out,
                          struct adze_error *error) ADZE_MUST_USE;
const char *npz_path(const struct npz *npz);
size_t npz_count(const struct npz *npz);
/* Described only; data is NULL. */
const struct array *npz_array(const struct npz *npz, size_t index);
/* The index of a name, or -1. */
int npz_find(const struct npz *npz, const char *name);
/* Unpacks an array in C order and this machine's byte order into `out`, of the
 * array's bytes. */
enum adze_status npz_read(struct npz *npz, size_t index, void *out,
                          struct adze_error *error) ADZE_MUST_USE;

/* Writes an archive whole or not at all; not compressed, as numpy.savez. The
 * same arrays give the same bytes. */
enum adze_status npz_write(struct arena *arena, const char *path,
                           const struct array *arrays, size_t count,
                           struct adze_error *error) ADZE_MUST_USE;

#endif
