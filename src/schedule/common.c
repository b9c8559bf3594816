/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/common.h"

#include <string.h>

#include "ir/simplify.h"

static bool is_local(const struct schedule *schedule,
                     const struct buffer *buffer) {
  const struct function *function = schedule->function;
  for (size_t i = 0; i < function->buffers.count; i++)
    if (function->buffers.data[i] == buffer)
      return true;
  return false;
}

enum adze_status common_inline_elementwise(struct builder *builder,
                                           struct schedule *schedule) {
  return common_inline_others(builder, schedule, NULL, 0);
}

static bool is_among(const struct buffer *buffer,
                     const struct buffer *const *list, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (list[i] == buffer)
      return true;
  return false;
}

enum adze_status common_inline_others(struct builder *builder,
                                      struct schedule *schedule,
                                      const struct buffer *const *kept,
                                      size_t count) {
  for (size_t i = 0; i < builder->stages.count; i++) {
    const struct stage *stage = builder->stages.data[i];
    struct statement *block =
        schedule_block(schedule, stage->name, BLOCK_WHOLE);
    if (block && stage->reduce == REDUCE_NONE &&
        !is_among(stage->output, kept, count) &&
        is_local(schedule, stage->output))
      TRY(schedule_compute_inline(schedule, block));
  }
  return ADZE_OK;
}

size_t common_stage_of(const struct builder *builder,
                       const struct buffer *buffer) {
  size_t i = 0;
  while (builder->stages.data[i]->output != buffer)
    i++;
  return i;
}

size_t common_behind(struct statement *const *loops,
                     const struct statement *at) {
  size_t first = 0;
  while (loops[first] != at)
    first++;
  return first + 1;
}

struct statement *common_loop_over(struct schedule *schedule,
                                   const struct statement *block, size_t axis,
                                   const struct statement *at) {
  struct statement *loops[LOOP_MAX_RANK * 2];
  size_t count =
      schedule_loops_around(schedule, block, loops, ARRAY_COUNT(loops));
  while (count-- > 0 && loops[count] != at)
    if (expr_uses_variable(schedule->pool, block->block.axes[axis],
                           loops[count]->loop.variable))
      return loops[count];
  return NULL;
}

enum adze_status common_writer(struct schedule *schedule,
                               const struct stage *anchor,
                               const struct stage *last,
                               struct statement **out) {
  struct statement *block = schedule_block(schedule, anchor->name, BLOCK_WHOLE);
  if (anchor == last)
    return schedule_cache_write(schedule, block, BUFFER_REGISTER, out);
  TRY(schedule_set_scope(schedule, block, BUFFER_REGISTER));
  *out = schedule_block(schedule, last->name, BLOCK_WHOLE);
  return ADZE_OK;
}

/* Whether a loop's variable is in the bindings of the block's reductions. */
static bool reduces(struct schedule *schedule, const struct statement *block,
                    const struct statement *loop) {
  for (size_t i = 0; i < block->block.stage->reduction_count; i++)
    if (expr_uses_variable(schedule->pool, block->block.reductions[i],
                           loop->loop.variable))
      return true;
  return false;
}

/* compute_at names a loop <stage>.<axis>, and axes are <stage>.<name>. */
static bool is_named(const struct statement *loop, const char *const *names) {
  const char *name = strrchr(loop->loop.variable->name, '.');
  for (size_t i = 0; names && names[i]; i++)
    if (name && !strcmp(name + 1, names[i]))
      return true;
  return false;
}

struct nest {
  struct statement *reducing[LOOP_MAX_RANK * 2], *spatial[LOOP_MAX_RANK * 2];
  size_t reducing_count, spatial_count;
};

/* Moves the loop over `axis` to just outside the last one. */
static void move_inside(struct schedule *schedule,
                        const struct statement *block, size_t axis,
                        struct nest *nest) {
  for (size_t i = 0; axis && i + 2 < nest->spatial_count; i++) {
    struct statement *loop = nest->spatial[i];
    if (!expr_uses_variable(schedule->pool, block->block.axes[axis],
                            loop->loop.variable))
      continue;
    for (; i + 2 < nest->spatial_count; i++)
      nest->spatial[i] = nest->spatial[i + 1];
    nest->spatial[i] = loop;
  }
}

/* The block's loops inside `loop`, reductions outside, in the order that
 * unrolls the named ones innermost. */
static enum adze_status order_nest(struct schedule *schedule,
                                   struct statement *block,
                                   struct statement *loop,
                                   const struct reduce_plan *plan,
                                   struct nest *nest) {
  struct statement *loops[LOOP_MAX_RANK * 4], *order[LOOP_MAX_RANK * 4];
  size_t count =
      schedule_loops_around(schedule, block, loops, ARRAY_COUNT(loops));
  size_t first = common_behind(loops, loop), ordered = 0;
  for (int named = 0; named < 2; named++)
    for (size_t i = first; i < count; i++)
      if (reduces(schedule, block, loops[i]) &&
          is_named(loops[i], plan->unrolled) == (named == 1))
        nest->reducing[nest->reducing_count++] = order[ordered++] = loops[i];
  for (size_t i = first; i < count; i++)
    if (!reduces(schedule, block, loops[i]))
      nest->spatial[nest->spatial_count++] = loops[i];
  move_inside(schedule, block, plan->inner_axis, nest);
  for (size_t i = 0; i < nest->spatial_count; i++)
    order[ordered++] = nest->spatial[i];
  return ordered > 1 ? schedule_reorder(schedule, order, ordered) : ADZE_OK;
}

static enum adze_status unroll_reduction(struct schedule *schedule,
                                         struct nest *nest,
                                         const struct reduce_plan *plan) {
  int64_t factor = plan->factor;
  size_t last = nest->reducing_count;
  for (; last > 0; last--) {
    struct statement *loop = nest->reducing[last - 1];
    if (!is_named(loop, plan->unrolled))
      break;
    TRY(schedule_unroll(schedule, loop));
  }
  int64_t extent;
  if (last == 0 || factor <= 1 ||
      !expr_get_integer(nest->reducing[last - 1]->loop.extent, &extent) ||
      extent % factor != 0)
    return ADZE_OK;
  struct statement *outer = nest->reducing[last - 1], *inner = outer;
  if (extent > factor) {
    TRY(schedule_split(schedule, outer, factor, &outer, &inner));
    nest->reducing[last - 1] = outer;
  }
  return schedule_unroll(schedule, inner);
}

enum adze_status common_reduce_at(struct schedule *schedule,
                                  struct statement *block,
                                  struct statement *loop,
                                  const struct reduce_plan *plan) {
  TRY(schedule_compute_at(schedule, block, loop));
  struct nest nest = {.reducing_count = 0};
  TRY(order_nest(schedule, block, loop, plan, &nest));
  for (size_t i = 0; i < nest.spatial_count; i++) {
    struct statement *spatial = nest.spatial[i], *outer;
    if (!expr_is_integer(spatial->loop.extent))
      continue;
    if (i + 1 < nest.spatial_count) {
      TRY(schedule_unroll(schedule, spatial));
      continue;
    }
    if (spatial->loop.extent->integer > plan->lanes) {
      TRY(schedule_split(schedule, spatial, plan->lanes, &outer, &spatial));
      TRY(schedule_partition(schedule, outer));
      TRY(schedule_unroll(schedule, outer));
    }
    TRY(schedule_vectorize(schedule, spatial));
  }
  if (nest.reducing_count == 0)
    return ADZE_OK;
  TRY(unroll_reduction(schedule, &nest, plan));
  return schedule_decompose_reduction(schedule, block, nest.reducing[0], NULL);
}

enum adze_status common_parallel(struct schedule *schedule,
                                 struct statement **loops, size_t count) {
  struct statement *fused = loops[0];
  for (size_t i = 1; i < count; i++)
    TRY(schedule_fuse(schedule, fused, loops[i], &fused));
  return schedule_parallel(schedule, fused);
}

/* ---- Halos --------------------------------------------------------------- */
/* One side of dimension `side`: dimensions before it over their shape, those
 * after it over shape and halo, so that every element is written once. */
static struct statement *halo_nest(struct function *function,
                                   struct buffer *buffer, size_t side,
                                   bool after) {
  struct expr_pool *pool = function->pool;
  struct arena *arena = expr_pool_arena(pool);
  struct statement *store = statement_new(pool, STATEMENT_STORE);
  store->store.buffer = buffer;
  store->store.index_count = buffer->rank;
  store->store.value = expr_constant(pool, buffer->dtype, 0);
  struct statement *nest = store;
  /* Channel blocks outermost, so that they are what is split over workers. */
  for (size_t position = buffer->rank; position-- > 0;) {
    size_t d = position == 0 && buffer->rank > 1   ? 1
               : position == 1 && buffer->rank > 1 ? 0
                                                   : position;
    int64_t low = 0;
    const struct expr *extent = buffer->shape[d];
    const struct expr *begin = expr_index(pool, 0);
    if (d == side) {
      extent = expr_index(pool, after ? buffer->halo_after[d]
                                      : buffer->halo_before[d]);
      begin =
          after ? buffer->shape[d] : expr_index(pool, -buffer->halo_before[d]);
    } else if (d > side) {
      low = buffer->halo_before[d];
      extent = simplify(
          pool, expr_add(pool, extent,
                         expr_index(pool, low + buffer->halo_after[d])));
      begin = expr_index(pool, -low);
    }
    struct variable *v = variable_new(
        pool, arena_printf(arena, "halo%zu%c.%zu", side, after ? 'b' : 'a', d),
        extent);
    bool vector = position + 1 == buffer->rank && expr_is_integer(extent) &&
                  extent->integer > 1 && extent->integer <= 64;
    nest = statement_for(pool, v,
                         position == 0 ? LOOP_PARALLEL
                         : vector      ? LOOP_VECTORIZED
                                       : LOOP_SERIAL,
                         nest);
    store->store.indices[d] =
        simplify(pool, expr_add(pool, begin, expr_variable(pool, v)));
  }
  return nest;
}

enum adze_status common_prefetch_stream(const struct builder *builder,
                                        struct schedule *schedule,
                                        const struct value *weights) {
  enum { AHEAD = 1024 }; /* elements; a half and twice that are as good */
  return builder->machine->asks_ahead
             ? schedule_prefetch(schedule, builder_packed(builder, weights),
                                 AHEAD)
             : ADZE_OK;
}

/* The innermost loop around a stage's block that is left one. */
static struct statement *innermost(struct schedule *schedule,
                                   const struct stage *stage) {
  struct statement *loops[LOOP_MAX_RANK * 4];
  struct statement *block = schedule_block(schedule, stage->name, BLOCK_UPDATE);
  if (!block)
    block = schedule_block(schedule, stage->name, BLOCK_WHOLE);
  size_t count =
      schedule_loops_around(schedule, block, loops, ARRAY_COUNT(loops));
  while (count > 0 && loops[count - 1]->loop.kind != LOOP_SERIAL)
    count--;
  check(count > 0);
  return loops[count - 1];
}

/* How many elements the weights have; 0 where they would come in a moment, or
 * by themselves. */
static int64_t awaited(const struct builder *builder,
                       const struct buffer *packed) {
  int64_t size;
  bool is_awaited = builder->machine->asks_ahead &&
                    expr_get_integer(packed->size, &size) &&
                    size * 4 >= builder->machine->l2_bytes / 32;
  return is_awaited ? size : 0;
}

enum adze_status common_prefetch_next(const struct builder *builder,
                                      struct schedule *schedule,
                                      const struct value *weights,
                                      const struct stage *anchor,
                                      struct statement *outer) {
  struct buffer *packed = builder_packed(builder, weights);
  TRY(common_prefetch_stream(builder, schedule, weights));
  return awaited(builder, packed) == 0
             ? ADZE_OK
             : schedule_prefetch_next(schedule, packed, outer,
                                      innermost(schedule, anchor));
}

enum adze_status common_prefetch_behind(const struct builder *builder,
                                        struct schedule *schedule,
                                        const struct value *weights,
                                        const struct stage *anchor) {
  struct buffer *packed = builder_packed(builder, weights);
  int64_t size = awaited(builder, packed);
  int64_t most = builder->machine->l2_bytes / 4 / 4;
  return size == 0 ? ADZE_OK
                   : schedule_prefetch_range(schedule, packed, size,
                                             size < most ? size : most,
                                             innermost(schedule, anchor));
}

void common_zero_halo(struct function *function, struct buffer *buffer) {
  struct statement *first = NULL;
  for (size_t d = 0; d < buffer->rank; d++) {
    if (buffer->halo_before[d] > 0)
      first = statement_append(first, halo_nest(function, buffer, d, false));
    if (buffer->halo_after[d] > 0)
      first = statement_append(first, halo_nest(function, buffer, d, true));
  }
  function->body = statement_append(first, function->body);
}
