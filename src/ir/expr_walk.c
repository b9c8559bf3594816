/* SPDX-License-Identifier: Apache-2.0 */
/* Walks over expressions: each distinct node once, on an explicit stack.
 *
 * Expressions are DAGs whose trees may be exponentially larger and whose depth
 * may be any number, so results are kept by node id and nothing recurses. The
 * stack and the side array belong to a scratch that the pool reuses; after an
 * out-of-memory unwind one scratch is lost, which the arena takes back.
 */
#include "ir/expr.h"
#include "ir/expr_pool.h"

struct expr_scratch *expr_scratch_take(struct expr_pool *pool) {
  struct expr_scratch *scratch = pool->free_scratch;
  if (scratch)
    pool->free_scratch = scratch->next;
  else
    scratch = ARENA_NEW(pool->arena, struct expr_scratch);
  uint32_t count = expr_pool_count(pool);
  if (scratch->capacity < count || scratch->epoch == UINT32_MAX) {
    uint32_t capacity = count < 512 ? 1024 : count + count / 2 + count / 2;
    scratch->entries =
        ARENA_ARRAY(pool->arena, struct expr_scratch_entry, capacity);
    scratch->capacity = capacity;
    scratch->epoch = 0;
  }
  scratch->epoch++;
  scratch->stack.count = 0;
  return scratch;
}

void expr_scratch_give(struct expr_pool *pool, struct expr_scratch *scratch) {
  scratch->next = pool->free_scratch;
  pool->free_scratch = scratch;
}

/* Pushes the arguments that have no entry yet; true when there was one. */
static bool push_arguments(struct expr_pool *pool, struct expr_scratch *scratch,
                           const struct expr *node) {
  size_t before = scratch->stack.count;
  /* The last first, so that they are visited in order. */
  for (size_t i = node->arg_count; i-- > 0;)
    if (!expr_scratch_get(scratch, node->args[i]))
      vec_push(pool->arena, &scratch->stack, node->args[i]);
  return scratch->stack.count != before;
}

const struct expr *
expr_map(struct expr_pool *pool, const struct expr *e,
         const struct expr *(*visit)(void *context, const struct expr *node),
         void *context) {
  struct expr_scratch *scratch = expr_scratch_take(pool);
  vec_push(pool->arena, &scratch->stack, e);
  while (scratch->stack.count) {
    const struct expr *node = scratch->stack.data[scratch->stack.count - 1];
    if (expr_scratch_get(scratch, node)) {
      scratch->stack.count--;
      continue;
    }
    if (push_arguments(pool, scratch, node))
      continue;
    const struct expr *args[LOOP_MAX_RANK];
    check(node->arg_count <= ARRAY_COUNT(args));
    for (size_t i = 0; i < node->arg_count; i++)
      args[i] = expr_scratch_get(scratch, node->args[i]);
    const struct expr *rewritten = expr_with_args(pool, node, args);
    expr_scratch_set(scratch, node, visit(context, rewritten));
    scratch->stack.count--;
  }
  const struct expr *result = expr_scratch_get(scratch, e);
  expr_scratch_give(pool, scratch);
  return result;
}

/* Calls visit on the nodes below e until it returns true, and says whether it
 * did. */
static bool walk_until(struct expr_pool *pool, const struct expr *e,
                       bool (*visit)(const void *context,
                                     const struct expr *node),
                       const void *context) {
  struct expr_scratch *scratch = expr_scratch_take(pool);
  bool found = false;
  vec_push(pool->arena, &scratch->stack, e);
  while (scratch->stack.count && !found) {
    const struct expr *node = scratch->stack.data[--scratch->stack.count];
    if (expr_scratch_get(scratch, node))
      continue;
    expr_scratch_set(scratch, node, node);
    found = visit(context, node);
    push_arguments(pool, scratch, node);
  }
  expr_scratch_give(pool, scratch);
  return found;
}

void expr_walk(struct expr_pool *pool, const struct expr *e,
               void (*visit)(void *context, const struct expr *node),
               void *context) {
  struct expr_scratch *scratch = expr_scratch_take(pool);
  vec_push(pool->arena, &scratch->stack, e);
  while (scratch->stack.count) {
    const struct expr *node = scratch->stack.data[scratch->stack.count - 1];
    bool is_done = expr_scratch_get(scratch, node) != NULL;
    if (!is_done && push_arguments(pool, scratch, node))
      continue;
    scratch->stack.count--;
    if (is_done)
      continue;
    expr_scratch_set(scratch, node, node);
    visit(context, node);
  }
  expr_scratch_give(pool, scratch);
}

/* ---- Uses of walks ------------------------------------------------------- */

struct substitute_context {
  const struct substitution *substitutions;
  size_t count;
};

static const struct expr *substitute_visit(void *context,
                                           const struct expr *node) {
  const struct substitute_context *substitute = context;
  if (node->kind != EXPR_VARIABLE)
    return node;
  for (size_t i = 0; i < substitute->count; i++)
    if (substitute->substitutions[i].variable == node->variable)
      return substitute->substitutions[i].value;
  return node;
}

const struct expr *expr_substitute(struct expr_pool *pool, const struct expr *e,
                                   const struct substitution *substitutions,
                                   size_t count) {
  struct substitute_context context = {substitutions, count};
  return count ? expr_map(pool, e, substitute_visit, &context) : e;
}

static bool is_variable(const void *context, const struct expr *node) {
  return node->kind == EXPR_VARIABLE && node->variable == context;
}

bool expr_uses_variable(struct expr_pool *pool, const struct expr *e,
                        const struct variable *variable) {
  return walk_until(pool, e, is_variable, variable);
}

static bool is_load_of(const void *context, const struct expr *node) {
  return node->kind == EXPR_LOAD && node->buffer == context;
}

bool expr_uses_buffer(struct expr_pool *pool, const struct expr *e,
                      const struct buffer *buffer) {
  return walk_until(pool, e, is_load_of, buffer);
}
