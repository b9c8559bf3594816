/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the expression pool, for the files that implement ir/expr.h and
 * ir/simplify.h only. */
#ifndef IR_EXPR_POOL_H
#define IR_EXPR_POOL_H

#include "ir/expr.h"
#include "ir/loop.h"

/* A side array over node ids that is empty again in constant time: an entry
 * counts only while it carries the current epoch. Taken by a walk, given back
 * at its end, so nested walks take another. */
struct expr_scratch {
  struct expr_scratch *next;
  struct expr_scratch_entry {
    uint32_t epoch;
    const struct expr *value;
  } * entries;
  uint32_t capacity, epoch;
  VEC(const struct expr *) stack;
};

struct expr_slot {
  uint64_t hash;
  const struct expr *node; /* NULL: empty */
};

struct simplify_memo;

struct expr_pool {
  struct arena *arena;
  uint32_t node_count;
  struct expr_slot *slots;
  size_t slot_count; /* a power of two, a quarter stays empty */
  uint32_t variable_count, buffer_count;
  struct expr_scratch *free_scratch;
  struct simplify_memo *simplify_memo; /* of ir/simplify.c */
};

struct expr_scratch *expr_scratch_take(struct expr_pool *pool);
void expr_scratch_give(struct expr_pool *pool, struct expr_scratch *scratch);
/* The entry of a node that existed when the scratch was taken; NULL when not
 * set. */
static inline const struct expr *
expr_scratch_get(const struct expr_scratch *scratch, const struct expr *node) {
  const struct expr_scratch_entry *entry = &scratch->entries[node->id];
  return entry->epoch == scratch->epoch ? entry->value : NULL;
}
static inline void expr_scratch_set(struct expr_scratch *scratch,
                                    const struct expr *node,
                                    const struct expr *value) {
  scratch->entries[node->id] =
      (struct expr_scratch_entry){scratch->epoch, value};
}

/* The one node like `key`, whose id and hash are not looked at. */
const struct expr *expr_intern(struct expr_pool *pool, const struct expr *key,
                               const struct expr *const *args);

#endif
