/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas as lists of blocks, and the unwinding when memory runs out.
 *
 *   arena -> newest block -> … -> oldest block
 *            [header|object|object|  free  ]
 *
 * Blocks come from calloc, so that a large one costs no memory before it is
 * touched, and double in size up to a limit; an object that does not fit well
 * gets a block of its own, put behind the newest, whose free rest stays in use.
 * A reset keeps the newest block and clears only what was used of it.
 *
 * With ADZE_HARD_ARENA every object is such a block of its own.
 *
 * Unwinding is a longjmp to the frame of the innermost guard_run. The frames
 * are a list per thread on the stacks of the guard_runs themselves.
 */
#include "base/arena.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  ARENA_ALIGNMENT = 16,
  ARENA_FIRST_BLOCK = 16 << 10,
  ARENA_LARGEST_BLOCK = 1 << 20,
};

struct arena_block {
  struct arena_block *next;
  size_t used, capacity; /* of data[] */
  size_t padding;
  unsigned char data[];
};
static_assert(offsetof(struct arena_block, data) % ARENA_ALIGNMENT == 0,
              "objects are aligned when the block is");

struct arena_deferred {
  struct arena_deferred *next;
  void (*release)(void *resource);
  void *resource;
};

struct arena {
  const char *name;
  struct arena_block *blocks;
  struct arena_deferred *deferred;
  size_t used;
  size_t next_block_bytes;
};

/* ---- Unwinding ----------------------------------------------------------- */

struct guard_frame {
  jmp_buf place;
  struct guard_frame *outer;
  const char *arena_name;
  size_t bytes;
};
static _Thread_local struct guard_frame *guard_innermost;

enum adze_status guard_run(enum adze_status (*body)(void *argument),
                           void *argument, struct adze_error *error) {
  struct guard_frame frame = {.outer = guard_innermost};
  enum adze_status status;
  if (setjmp(frame.place) == 0) {
    guard_innermost = &frame;
    status = body(argument);
    guard_innermost = frame.outer;
    return status;
  }
  guard_innermost = frame.outer;
  if (frame.arena_name)
    return fail(error, ADZE_OUT_OF_MEMORY,
                "memory ran out: %zu more bytes were needed for the %s",
                frame.bytes, frame.arena_name);
  return fail(error, ADZE_OUT_OF_MEMORY, "memory ran out");
}

static _Noreturn void guard_unwind(const char *arena_name, size_t bytes) {
  struct guard_frame *frame = guard_innermost;
  if (!frame)
    check_failed(__FILE__, __LINE__, "memory ran out outside of guard_run");
  frame->arena_name = arena_name;
  frame->bytes = bytes;
  longjmp(frame->place, 1);
}

_Noreturn void guard_out_of_memory(void) { guard_unwind(NULL, 0); }

/* ---- Blocks -------------------------------------------------------------- */

struct arena *arena_create(const char *name) {
  struct arena *arena = calloc(1, sizeof *arena);
  if (!arena)
    return NULL;
  arena->name = name;
  arena->next_block_bytes = ARENA_FIRST_BLOCK;
  return arena;
}

static struct arena_block *block_create(size_t capacity) {
  size_t bytes;
  if (!size_add(capacity, sizeof(struct arena_block), &bytes))
    return NULL;
  struct arena_block *block = calloc(1, bytes);
  if (block)
    block->capacity = capacity;
  return block;
}

static void free_blocks(struct arena_block *block) {
  while (block) {
    struct arena_block *next = block->next;
    free(block);
    block = next;
  }
}

static void run_deferred(struct arena *arena) {
  while (arena->deferred) {
    struct arena_deferred *deferred = arena->deferred;
    arena->deferred = deferred->next;
    deferred->release(deferred->resource);
  }
}

void arena_destroy(struct arena *arena) {
  if (!arena)
    return;
  run_deferred(arena);
  free_blocks(arena->blocks);
  free(arena);
}

void arena_reset(struct arena *arena) {
  run_deferred(arena);
  struct arena_block *kept = arena->blocks;
#if ADZE_HARD_ARENA
  free_blocks(kept);
  arena->blocks = NULL;
#else
  if (kept) {
    free_blocks(kept->next);
    kept->next = NULL;
    memset(kept->data, 0, kept->used);
    kept->used = 0;
  }
#endif
  arena->used = 0;
}

/* An object in a block of its own, behind the newest. */
static void *alloc_alone(struct arena *arena, size_t bytes) {
  struct arena_block *block = block_create(bytes);
  if (!block)
    guard_unwind(arena->name, bytes);
  block->used = bytes;
  if (arena->blocks) {
    block->next = arena->blocks->next;
    arena->blocks->next = block;
  } else {
    arena->blocks = block;
  }
  return block->data;
}

#if !ADZE_HARD_ARENA
static void *alloc_in_new_block(struct arena *arena, size_t bytes) {
  struct arena_block *block = block_create(arena->next_block_bytes);
  if (!block)
    guard_unwind(arena->name, bytes);
  block->next = arena->blocks;
  arena->blocks = block;
  if (arena->next_block_bytes < ARENA_LARGEST_BLOCK)
    arena->next_block_bytes *= 2;
  block->used = bytes;
  return block->data;
}
#endif

void *arena_alloc(struct arena *arena, size_t bytes) {
  if (bytes > SIZE_MAX / 2)
    guard_unwind(arena->name, bytes);
  arena->used += bytes;
#if ADZE_HARD_ARENA
  return alloc_alone(arena, bytes);
#else
  size_t rounded = align_up(bytes ? bytes : 1, ARENA_ALIGNMENT);
  struct arena_block *block = arena->blocks;
  if (block && rounded <= block->capacity - block->used) {
    void *object = block->data + block->used;
    block->used += rounded;
    return object;
  }
  if (rounded > arena->next_block_bytes / 4)
    return alloc_alone(arena, rounded);
  return alloc_in_new_block(arena, rounded);
#endif
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t bytes) {
  size_t product;
  if (!size_mul(count, bytes, &product))
    guard_unwind(arena->name, SIZE_MAX);
  return arena_alloc(arena, product);
}

/* ---- On top of it -------------------------------------------------------- */

struct defer_request {
  struct arena *arena;
  struct arena_deferred *made;
};

static enum adze_status defer_body(void *argument) {
  struct defer_request *request = argument;
  request->made = ARENA_NEW(request->arena, struct arena_deferred);
  return ADZE_OK;
}

/* The resource is released even if there is no memory to remember it. */
void arena_defer(struct arena *arena, void (*release)(void *), void *resource) {
  struct defer_request request = {.arena = arena};
  if (guard_run(defer_body, &request, NULL) != ADZE_OK) {
    release(resource);
    guard_unwind(arena->name, sizeof(struct arena_deferred));
  }
  request.made->release = release;
  request.made->resource = resource;
  request.made->next = arena->deferred;
  arena->deferred = request.made;
}

size_t arena_used(const struct arena *arena) { return arena->used; }

void *arena_copy(struct arena *arena, const void *data, size_t bytes) {
  void *copy = arena_alloc(arena, bytes);
  if (bytes)
    memcpy(copy, data, bytes);
  return copy;
}

char *arena_strndup(struct arena *arena, const char *text, size_t size) {
  size_t bytes;
  if (!size_add(size, 1, &bytes))
    guard_unwind(arena->name, size);
  char *copy = arena_alloc(arena, bytes);
  memcpy(copy, text, size);
  return copy;
}

char *arena_strdup(struct arena *arena, const char *text) {
  return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  int size = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  if (size < 0) {
    va_end(again);
    guard_unwind(arena->name, 0);
  }
  char *text = arena_alloc(arena, (size_t)size + 1);
  vsnprintf(text, (size_t)size + 1, format, again);
  va_end(again);
  return text;
}

void vec_grow_(struct arena *arena, void **data, size_t count, size_t *capacity,
               size_t item_bytes) {
  if (count < *capacity)
    return;
  size_t grown;
  if (!size_mul(*capacity, 2, &grown))
    guard_unwind(arena->name, SIZE_MAX);
  if (grown < 8)
    grown = 8;
  void *moved = arena_alloc_array(arena, grown, item_bytes);
  if (count)
    memcpy(moved, *data, count * item_bytes);
  *data = moved;
  *capacity = grown;
}
