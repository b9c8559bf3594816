/* SPDX-License-Identifier: Apache-2.0 */
/* Stages to structured loops: what each stage means, with no choice made.
 *
 * A loop nest per stage, axes outside and reductions inside, around one block
 * whose axes are bound to the loops. A block that initialises on its first
 * reduction step would leave the output unwritten when a reduction has no
 * steps at all, so where some reduction extent can't be proved positive the
 * initial value is written by a block of its own, outside the reduction loops.
 */
#include "ir/loop.h"

#include "ir/simplify.h"

#include <stdlib.h>

static struct statement *block_new(struct expr_pool *pool, struct stage *stage,
                                   enum block_part part,
                                   struct variable *const *axes,
                                   struct variable *const *reductions) {
  struct statement *block = statement_new(pool, STATEMENT_BLOCK);
  block->block.stage = stage;
  block->block.part = part;
  for (size_t i = 0; i < stage->axis_count; i++)
    block->block.axes[i] = expr_variable(pool, axes[i]);
  for (size_t i = 0; i < stage->reduction_count; i++)
    block->block.reductions[i] = part == BLOCK_INITIAL
                                     ? expr_index(pool, 0)
                                     : expr_variable(pool, reductions[i]);
  return block;
}

static bool may_be_empty(struct expr_pool *pool, const struct stage *stage) {
  const struct expr *one = expr_index(pool, 1);
  for (size_t i = 0; i < stage->reduction_count; i++) {
    const struct expr *extent = stage->reductions[i]->extent;
    if (!simplify_proves(pool, expr_less_equal(pool, one, extent)))
      return true;
  }
  return false;
}

static struct statement *loops_around(struct expr_pool *pool,
                                      struct statement *body,
                                      struct variable *const *variables,
                                      size_t count) {
  for (size_t i = count; i-- > 0;)
    body = statement_for(pool, variables[i], LOOP_SERIAL, body);
  return body;
}

static struct statement *expand_stage(struct expr_pool *pool,
                                      struct stage *stage) {
  struct variable *axes[LOOP_MAX_RANK], *reductions[LOOP_MAX_RANK];
  check(stage->axis_count == stage->output->rank);
  for (size_t i = 0; i < stage->axis_count; i++)
    axes[i] = variable_new(pool, stage->axes[i]->name, stage->axes[i]->extent);
  for (size_t i = 0; i < stage->reduction_count; i++)
    reductions[i] = variable_new(pool, stage->reductions[i]->name,
                                 stage->reductions[i]->extent);
  bool apart = stage->reduce != REDUCE_NONE && may_be_empty(pool, stage);
  struct statement *body = block_new(
      pool, stage, apart ? BLOCK_UPDATE : BLOCK_WHOLE, axes, reductions);
  body = loops_around(pool, body, reductions, stage->reduction_count);
  if (apart)
    body = statement_append(
        block_new(pool, stage, BLOCK_INITIAL, axes, reductions), body);
  return loops_around(pool, body, axes, stage->axis_count);
}

/* ---- The open dimensions that a function uses --------------------------- */

struct collection {
  struct function *function;
  struct arena *arena;
};

static void collect_visit(void *context, const struct expr *node) {
  struct collection *collection = context;
  struct function *function = collection->function;
  if (node->kind != EXPR_VARIABLE || node->variable->symbol < 0)
    return;
  for (size_t i = 0; i < function->scalars.count; i++)
    if (function->scalars.data[i] == node->variable)
      return;
  /* The pool hands variables out as constants; a function's scalars are the
   * same objects, and nothing changes them. */
  vec_push(collection->arena, &function->scalars,
           (struct variable *)(uintptr_t)node->variable);
}

static void collect(struct collection *collection, const struct expr *e) {
  if (e != NULL)
    expr_walk(collection->function->pool, e, collect_visit, collection);
}

static void collect_buffer(struct collection *collection,
                           const struct buffer *buffer) {
  for (size_t i = 0; i < buffer->rank; i++) {
    collect(collection, buffer->shape[i]);
    collect(collection, buffer->strides[i]);
  }
  collect(collection, buffer->offset);
  collect(collection, buffer->size);
}

static void collect_stage(struct collection *collection,
                          const struct stage *stage) {
  collect_buffer(collection, stage->output);
  for (size_t i = 0; i < stage->axis_count; i++)
    collect(collection, stage->axes[i]->extent);
  for (size_t i = 0; i < stage->reduction_count; i++)
    collect(collection, stage->reductions[i]->extent);
  collect(collection, stage->initial);
  collect(collection, stage->body);
}

static int compare_symbols(const void *a, const void *b) {
  const struct variable *const *x = a, *const *y = b;
  return ((*x)->symbol > (*y)->symbol) - ((*x)->symbol < (*y)->symbol);
}

/* ---- expand ------------------------------------------------------------- */

static bool is_listed(struct buffer *const *list, size_t count,
                      const struct buffer *buffer) {
  for (size_t i = 0; i < count; i++)
    if (list[i] == buffer)
      return true;
  return false;
}

struct function *expand(struct expr_pool *pool, const char *name,
                        struct stage *const *stages, size_t stage_count,
                        struct buffer *const *parameters,
                        size_t parameter_count) {
  struct arena *arena = expr_pool_arena(pool);
  struct function *function = function_new(pool, name);
  struct collection collection = {function, arena};
  for (size_t i = 0; i < parameter_count; i++) {
    check(parameters[i]->scope == BUFFER_ARGUMENT);
    vec_push(arena, &function->parameters, parameters[i]);
    collect_buffer(&collection, parameters[i]);
  }
  struct statement **link = &function->body;
  for (size_t i = 0; i < stage_count; i++) {
    struct buffer *output = stages[i]->output;
    if (!is_listed(parameters, parameter_count, output) &&
        !is_listed(function->buffers.data, function->buffers.count, output)) {
      if (output->scope == BUFFER_ARGUMENT)
        output->scope = BUFFER_STACK;
      vec_push(arena, &function->buffers, output);
    }
    collect_stage(&collection, stages[i]);
    *link = expand_stage(pool, stages[i]);
    link = &(*link)->next;
  }
  if (function->scalars.count > 1)
    qsort(function->scalars.data, function->scalars.count,
          sizeof *function->scalars.data, compare_symbols);
  return function;
}
