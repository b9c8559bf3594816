/* SPDX-License-Identifier: Apache-2.0 */
/* Primitives on blocks: inlining, where results are written, initialisation. */
#include <string.h>

#include "ir/simplify.h"
#include "schedule/tree.h"

static enum adze_status expect_block(struct schedule *schedule,
                                     const struct statement *block,
                                     const char *primitive) {
  if (!block || block->kind != STATEMENT_BLOCK ||
      block->block.part != BLOCK_WHOLE || !tree_link(schedule, block))
    return tree_refuse(schedule, "%s: there is no such block", primitive);
  return ADZE_OK;
}

static bool is_parameter(const struct schedule *schedule,
                         const struct buffer *buffer) {
  const struct function *function = schedule->function;
  for (size_t i = 0; i < function->parameters.count; i++)
    if (function->parameters.data[i] == buffer)
      return true;
  return false;
}

static void drop_buffer(struct function *function,
                        const struct buffer *buffer) {
  size_t kept = 0;
  for (size_t i = 0; i < function->buffers.count; i++)
    if (function->buffers.data[i] != buffer)
      function->buffers.data[kept++] = function->buffers.data[i];
  function->buffers.count = kept;
}

/* ---- compute_inline ----------------------------------------------------- */
struct inlining {
  struct schedule *schedule;
  const struct stage *producer;
};

static const struct expr *inline_load(void *context,
                                      const struct expr *node) {
  struct inlining *inlining = context;
  const struct stage *producer = inlining->producer;
  if (node->kind != EXPR_LOAD || node->buffer != producer->output)
    return node;
  struct substitution substitutions[LOOP_MAX_RANK];
  for (size_t i = 0; i < producer->axis_count; i++)
    substitutions[i] =
        (struct substitution){producer->axes[i], node->args[i]};
  return expr_substitute(inlining->schedule->pool, producer->body,
                         substitutions, producer->axis_count);
}

static void inline_into(void *context, struct statement *block) {
  struct inlining *inlining = context;
  struct stage *stage = block->block.stage;
  struct expr_pool *pool = inlining->schedule->pool;
  if (stage == inlining->producer)
    return;
  stage->body = expr_map(pool, stage->body, inline_load, inlining);
  if (stage->initial)
    stage->initial = expr_map(pool, stage->initial, inline_load, inlining);
}

/* Whether a block of the same nest makes what this one reads: readers of this
 * one may stand elsewhere. */
struct feed_search {
  struct schedule *schedule;
  const struct stage *reader;
  bool found;
};
static void find_feed(void *context, struct statement *block) {
  struct feed_search *search = context;
  search->found = search->found ||
                  expr_uses_buffer(search->schedule->pool,
                                   search->reader->body,
                                   block->block.stage->output);
}
static bool is_fed_inside(struct schedule *schedule,
                          const struct statement *block) {
  struct feed_search search = {schedule, block->block.stage, false};
  struct statement *root = tree_root_of(schedule, block);
  if (root->kind == STATEMENT_FOR)
    tree_blocks(root->loop.body, find_feed, &search);
  return search.found;
}

enum adze_status schedule_compute_inline(struct schedule *schedule,
                                         struct statement *block) {
  TRY(expect_block(schedule, block, "compute_inline"));
  const struct stage *stage = block->block.stage;
  if (stage->reduce != REDUCE_NONE)
    return tree_refuse(schedule, "compute_inline: %s is a reduction",
                       stage->name);
  if (is_parameter(schedule, stage->output))
    return tree_refuse(schedule,
                       "compute_inline: %s is an output of the function",
                       stage->name);
  if (is_fed_inside(schedule, block))
    return tree_refuse(schedule,
                       "compute_inline: what %s reads is computed in its nest",
                       stage->name);
  struct inlining inlining = {schedule, stage};
  tree_blocks(schedule->function->body, inline_into, &inlining);
  tree_prune(schedule, block);
  drop_buffer(schedule->function, stage->output);
  tree_trace(schedule, "compute_inline %s", stage->name);
  return ADZE_OK;
}

/* ---- cache_write -------------------------------------------------------- */
/* The copy stands behind the block's nest, so nothing in there may read it. */
struct nest_search {
  struct schedule *schedule;
  const struct stage *stage;
  bool found;
};
static void find_reader(void *context, struct statement *block) {
  struct nest_search *search = context;
  search->found =
      search->found ||
      tree_reads(search->schedule->pool, block, search->stage->output);
}
static bool is_read_inside(struct schedule *schedule,
                           const struct statement *block) {
  struct nest_search search = {schedule, block->block.stage, false};
  struct statement *root = tree_root_of(schedule, block);
  if (root->kind == STATEMENT_FOR)
    tree_blocks(root->loop.body, find_reader, &search);
  return search.found;
}

enum adze_status schedule_cache_write(struct schedule *schedule,
                                      struct statement *block,
                                      enum buffer_scope scope,
                                      struct statement **copy) {
  TRY(expect_block(schedule, block, "cache_write"));
  if (is_read_inside(schedule, block))
    return tree_refuse(schedule, "cache_write: %s is read in its own nest",
                       block->block.stage->name);
  struct expr_pool *pool = schedule->pool;
  struct arena *arena = expr_pool_arena(pool);
  struct stage *stage = block->block.stage;
  struct buffer *output = stage->output;
  struct buffer *cache =
      buffer_new(pool, arena_printf(arena, "%s.cache", output->name),
                 output->dtype, scope, output->shape, output->rank);
  struct stage *write = ARENA_NEW(arena, struct stage);
  *write = (struct stage){
      .name = tree_stage_name(schedule, stage->name, "write"),
      .output = output,
      .axis_count = stage->axis_count,
  };
  const struct expr *indices[LOOP_MAX_RANK];
  struct statement *nest = statement_new(pool, STATEMENT_BLOCK);
  nest->block.stage = write;
  for (size_t i = stage->axis_count; i-- > 0;) {
    write->axes[i] =
        variable_new(pool, stage->axes[i]->name, stage->axes[i]->extent);
    indices[i] = expr_variable(pool, write->axes[i]);
  }
  struct statement *inner = nest;
  for (size_t i = stage->axis_count; i-- > 0;) {
    struct variable *v = tree_variable(
        schedule,
        arena_printf(arena, "%s.%s", write->name, stage->axes[i]->name),
        output->shape[i]);
    inner->block.axes[i] = expr_variable(pool, v);
    nest = statement_for(pool, v, LOOP_SERIAL, nest);
  }
  write->body = expr_load(pool, cache, indices, output->rank);
  stage->output = cache;
  vec_push(arena, &schedule->function->buffers, cache);
  tree_insert_after(tree_root_of(schedule, block), nest);
  *copy = inner;
  tree_trace(schedule, "cache_write %s %s", stage->name,
             scope == BUFFER_REGISTER ? "register"
             : scope == BUFFER_WORKER ? "worker"
                                      : "stack");
  return ADZE_OK;
}

enum adze_status schedule_set_scope(struct schedule *schedule,
                                    struct statement *block,
                                    enum buffer_scope scope) {
  TRY(expect_block(schedule, block, "set_scope"));
  struct stage *stage = block->block.stage;
  if (is_parameter(schedule, stage->output) || scope == BUFFER_ARGUMENT)
    return tree_refuse(schedule, "set_scope: %s is an output of the function",
                       stage->name);
  stage->output->scope = scope;
  tree_trace(schedule, "set_scope %s %s", stage->name,
             scope == BUFFER_REGISTER ? "register"
             : scope == BUFFER_WORKER ? "worker"
                                      : "stack");
  return ADZE_OK;
}

/* ---- decompose_reduction ------------------------------------------------ */
static bool uses_loop(struct schedule *schedule, const struct expr *e,
                      const struct statement *loop) {
  return e && expr_uses_variable(schedule->pool, e, loop->loop.variable);
}

/* The conjuncts of a predicate that do not depend on reductions. */
static const struct expr *spatial_predicate(struct schedule *schedule,
                                            const struct expr *predicate,
                                            struct statement *const *reducing,
                                            size_t count) {
  if (!predicate)
    return NULL;
  if (predicate->kind == EXPR_AND) {
    const struct expr *a = spatial_predicate(schedule, predicate->args[0],
                                             reducing, count);
    const struct expr *b = spatial_predicate(schedule, predicate->args[1],
                                             reducing, count);
    return !a ? b : !b ? a : expr_and(schedule->pool, a, b);
  }
  for (size_t i = 0; i < count; i++)
    if (uses_loop(schedule, predicate, reducing[i]))
      return NULL;
  return predicate;
}

static void count_block(void *context, struct statement *block) {
  (void)block;
  ++*(size_t *)context;
}

enum adze_status schedule_decompose_reduction(struct schedule *schedule,
                                              struct statement *block,
                                              struct statement *loop,
                                              struct statement **initial) {
  TRY(expect_block(schedule, block, "decompose_reduction"));
  struct stage *stage = block->block.stage;
  struct expr_pool *pool = schedule->pool;
  struct arena *arena = expr_pool_arena(pool);
  if (stage->reduce == REDUCE_NONE)
    return tree_refuse(schedule, "decompose_reduction: %s does not reduce",
                       stage->name);
  struct statement *loops[LOOP_MAX_RANK * 4], *reducing[LOOP_MAX_RANK * 4];
  size_t count = schedule_loops_around(schedule, block, loops,
                                       ARRAY_COUNT(loops));
  size_t position = 0, reducing_count = 0;
  while (position < count && loops[position] != loop)
    position++;
  if (position == count)
    return tree_refuse(schedule, "decompose_reduction: %s is not inside %s",
                       stage->name, loop->loop.variable->name);
  /* Others may need the loops more often than this block is one sum. */
  size_t blocks = 0;
  tree_blocks(loop->loop.body, count_block, &blocks);
  if (blocks != 1)
    return tree_refuse(schedule,
                       "decompose_reduction: %s holds other blocks than %s",
                       loop->loop.variable->name, stage->name);
  for (size_t i = 0; i < count; i++) {
    bool reduces = false;
    for (size_t r = 0; r < stage->reduction_count; r++)
      reduces = reduces ||
                uses_loop(schedule, block->block.reductions[r], loops[i]);
    if (reduces && i < position)
      return tree_refuse(schedule,
                         "decompose_reduction: %s reduces outside of %s",
                         loops[i]->loop.variable->name,
                         loop->loop.variable->name);
    if (reduces)
      reducing[reducing_count++] = loops[i];
  }
  struct statement *start = statement_new(pool, STATEMENT_BLOCK);
  start->block = block->block;
  start->block.part = BLOCK_INITIAL;
  start->block.predicate = spatial_predicate(
      schedule, block->block.predicate, reducing, reducing_count);
  for (size_t i = 0; i < stage->reduction_count; i++)
    start->block.reductions[i] = expr_index(pool, 0);
  block->block.part = BLOCK_UPDATE;
  struct statement *nest = start;
  for (size_t i = count; i-- > position;) {
    bool spatial = uses_loop(schedule, start->block.predicate, loops[i]);
    for (size_t a = 0; a < stage->axis_count; a++)
      spatial = spatial || uses_loop(schedule, start->block.axes[a], loops[i]);
    if (!spatial)
      continue;
    struct variable *v = tree_variable(
        schedule,
        arena_printf(arena, "%s.initial", loops[i]->loop.variable->name),
        loops[i]->loop.extent);
    struct substitution substitution = {loops[i]->loop.variable,
                                        expr_variable(pool, v)};
    statement_substitute(pool, nest, &substitution, 1);
    nest = statement_for(pool, v, loops[i]->loop.kind, nest);
    nest->loop.partition = loops[i]->loop.partition;
  }
  tree_insert_before(schedule, loop, nest);
  if (initial)
    *initial = start;
  tree_trace(schedule, "decompose_reduction %s %s", stage->name,
             loop->loop.variable->name);
  return ADZE_OK;
}
