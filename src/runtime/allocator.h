/* SPDX-License-Identifier: Apache-2.0 */
/* Where the runtime's memory comes from: the caller's allocator or ours. */
#ifndef RUNTIME_ALLOCATOR_H
#define RUNTIME_ALLOCATOR_H

#include "adze/runtime.h"
#include "base/base.h"

#define HUGE_PAGE ((size_t)2 << 20)

/* malloc, and huge pages for large blocks. */
extern const struct adze_allocator allocator_default;

/* Zeroed memory, or OUT_OF_MEMORY saying how much was asked and for `what`.
 * Any size, 0 too; release with the same size. Also OUT_OF_MEMORY when the
 * caller's function returns memory that is not aligned. */
enum adze_status allocator_take(const struct adze_allocator *allocator,
                                size_t bytes, size_t alignment,
                                const char *what, void **out,
                                struct adze_error *error) ADZE_MUST_USE;
/* As allocator_take without clearing: for memory that is written before it is
 * read, where touching every page would cost more than the first run. */
enum adze_status allocator_take_raw(const struct adze_allocator *allocator,
                                    size_t bytes, size_t alignment,
                                    const char *what, void **out,
                                    struct adze_error *error) ADZE_MUST_USE;
/* NULL is fine. */
void allocator_give(const struct adze_allocator *allocator, void *memory,
                    size_t bytes);

#endif
