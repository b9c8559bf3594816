/* SPDX-License-Identifier: Apache-2.0 */
/* The default allocator takes small blocks from the C library and large ones
 * from the system, aligned to and advised for 2 MiB pages: systems that give
 * huge pages only when asked (the usual setting) otherwise run the large
 * workspaces and weights of networks through 4 KiB pages, which costs up to
 * half of the bandwidth of the outer caches.
 *
 * Which of the two a block is follows from its size alone, so release needs no
 * bookkeeping.
 */
#include "runtime/allocator.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_LEAST ((size_t)1 << 20) /* from here on, in huge pages */

/* Maps a page more than needed and cuts both ends to the alignment. */
static void *huge_allocate(size_t bytes) {
  if (bytes > SIZE_MAX / 2)
    return NULL;
  bytes = align_up(bytes, HUGE_PAGE);
  uint8_t *memory = mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return NULL;
  size_t before = align_up((uintptr_t)memory, HUGE_PAGE) - (uintptr_t)memory;
  if (before > 0)
    munmap(memory, before);
  memory += before;
  if (before < HUGE_PAGE)
    munmap(memory + bytes, HUGE_PAGE - before);
  madvise(memory, bytes, MADV_HUGEPAGE); /* advice: may fail */
  return memory;
}

static void *default_allocate(void *context, size_t bytes, size_t alignment) {
  (void)context;
  if (alignment > HUGE_PAGE)
    return NULL;
  if (bytes >= HUGE_LEAST)
    return huge_allocate(bytes);
  return aligned_alloc(alignment, align_up(bytes, alignment));
}

static void default_release(void *context, void *memory, size_t bytes) {
  (void)context;
  if (bytes >= HUGE_LEAST)
    munmap(memory, align_up(bytes, HUGE_PAGE));
  else
    free(memory);
}

const struct adze_allocator allocator_default = {.allocate = default_allocate,
                                                 .release = default_release};

enum adze_status allocator_take_raw(const struct adze_allocator *allocator,
                                    size_t bytes, size_t alignment,
                                    const char *what, void **out,
                                    struct adze_error *error) {
  if (bytes == 0)
    bytes = 1;
  void *memory = allocator->allocate(allocator->context, bytes, alignment);
  if (!memory)
    return fail(error, ADZE_OUT_OF_MEMORY, "no memory for %s (%zu bytes)", what,
                bytes);
  if ((uintptr_t)memory % alignment != 0) {
    allocator->release(allocator->context, memory, bytes);
    return fail(error, ADZE_OUT_OF_MEMORY,
                "the allocator's memory for %s is not aligned to %zu bytes",
                what, alignment);
  }
  *out = memory;
  return ADZE_OK;
}

enum adze_status allocator_take(const struct adze_allocator *allocator,
                                size_t bytes, size_t alignment,
                                const char *what, void **out,
                                struct adze_error *error) {
  TRY(allocator_take_raw(allocator, bytes, alignment, what, out, error));
  memset(*out, 0, bytes);
  return ADZE_OK;
}

void allocator_give(const struct adze_allocator *allocator, void *memory,
                    size_t bytes) {
  if (memory)
    allocator->release(allocator->context, memory, bytes > 0 ? bytes : 1);
}
