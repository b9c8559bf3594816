/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the index of a package and decides whether anything else in the file
 * may be trusted. Works on memory, so that tests and the fuzz target need no
 * files. `name` is the file's name, for messages.
 *
 * Order of use: package_find_index, copy the index, package_check_index on the
 * copy, package_check_machine, package_check_members; only then look at the
 * members.
 */
#ifndef RUNTIME_PACKAGE_READ_H
#define RUNTIME_PACKAGE_READ_H

#include "adze/package_abi.h"
#include "base/base.h"

/* Finds the bytes of the index; INVALID_PACKAGE when the file can't be a
 * package or the index would not fit. */
enum adze_status package_find_index(const char *name, const uint8_t *file,
                                    size_t file_bytes, const uint8_t **out,
                                    size_t *index_bytes,
                                    struct adze_error *error) ADZE_MUST_USE;
/* Checks checksum, version and every count, offset, string and number of an
 * index of index_bytes bytes at `index` (aligned to 8). After OK everything in
 * it can be used without further checks. */
enum adze_status package_check_index(const char *name,
                                     const struct adze_index_header *index,
                                     size_t index_bytes, size_t file_bytes,
                                     struct adze_error *error) ADZE_MUST_USE;
/* INCOMPATIBLE unless the code runs on this CPU and with this ABI. */
enum adze_status package_check_machine(const char *name,
                                       const struct adze_index_header *index,
                                       struct adze_error *error) ADZE_MUST_USE;
/* Compares the checksums of all other bytes of the file. */
enum adze_status package_check_members(const char *name,
                                       const struct adze_index_header *index,
                                       const uint8_t *file,
                                       struct adze_error *error) ADZE_MUST_USE;

/* ---- Views into a checked index ------------------------------------------ */
static inline const char *package_string(const struct adze_index_header *index,
                                         uint32_t offset) {
  return (const char *)index + offset;
}
static inline const void *package_table(const struct adze_index_header *index,
                                        uint32_t offset) {
  return (const char *)index + offset;
}

#endif
