/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas: memory that is released as a whole.
 *
 * One arena lives as long as a compile; a scratch arena as long as a pass. IR
 * is never freed node by node, so an early return never leaks.
 *
 * arena_alloc never returns NULL. When memory runs out it unwinds to the
 * innermost guard_run of the calling thread, which returns OUT_OF_MEMORY; that
 * is the only non-local exit in the project. What an unwind must release (a
 * mapped file, an LLVM module) is registered with arena_defer on an arena that
 * is destroyed afterwards. So code between does not test for NULL, and holds
 * no unregistered resource across an allocation. An arena belongs to one
 * thread at a time.
 *
 * In builds with -DADZE_HARD_ARENA=1 every object is a malloc of its own, so
 * that the address sanitizer sees stale pointers.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/base.h"

struct arena;

/* Returns new; NULL when out of memory. `name` is a static string. */
struct arena *arena_create(const char *name);
/* Runs deferred functions, newest first, then frees everything. NULL is
 * fine. */
void arena_destroy(struct arena *arena);
/* As destroying and creating again, but keeps a block for reuse. */
void arena_reset(struct arena *arena);
/* Zeroed memory, aligned to 16 bytes, lives until reset or destroy. */
void *arena_alloc(struct arena *arena, size_t bytes);
/* count * bytes, checked for overflow (an overflow counts as out of memory). */
void *arena_alloc_array(struct arena *arena, size_t count, size_t bytes);
/* Calls release(resource) when the arena is reset or destroyed. */
void arena_defer(struct arena *arena, void (*release)(void *), void *resource);
/* Bytes handed out since creation or reset. */
size_t arena_used(const struct arena *arena);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count)                                        \
  ((type *)arena_alloc_array((arena), (count), sizeof(type)))

char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t size);
char *arena_printf(struct arena *arena, const char *format, ...)
    ADZE_PRINTF(2, 3);
void *arena_copy(struct arena *arena, const void *data, size_t bytes);

/* Runs body(argument) with an unwind point; returns its status, or
 * OUT_OF_MEMORY with a message in `error` when an arena ran out inside. Nests;
 * each thread has its own. */
enum adze_status guard_run(enum adze_status (*body)(void *argument),
                           void *argument,
                           struct adze_error *error) ADZE_MUST_USE;
/* Unwinds as a failing arena does; for code that got NULL from a library. */
_Noreturn void guard_out_of_memory(void);

/* ---- Growing arrays in an arena -----------------------------------------
 *   VEC(struct node *) nodes = {0};
 *   vec_push(arena, &nodes, node);      nodes.data[0 .. nodes.count)
 */
#define VEC(type)                                                              \
  struct {                                                                     \
    type *data;                                                                \
    size_t count, capacity;                                                    \
  }
#define vec_push(arena, vec, item)                                             \
  (vec_grow_((arena), (void **)&(vec)->data, (vec)->count, &(vec)->capacity,   \
             sizeof *(vec)->data),                                             \
   (vec)->data[(vec)->count++] = (item))
void vec_grow_(struct arena *arena, void **data, size_t count, size_t *capacity,
               size_t item_bytes);

#endif
