/* SPDX-License-Identifier: Apache-2.0 */
/* The generic schedule: a good one for whatever no other template takes.
 *
 * Elementwise stages are inlined into their readers. Every stage that writes
 * memory gets a nest of its own: outer axes fused and parallel, the innermost
 * axis vectorized; reductions that it reads, or its own, are computed inside,
 * for one vector at a time, in registers.
 */
#include "ir/simplify.h"
#include "schedule/builder.h"
#include "schedule/common.h"

static size_t generic_match(struct match_query *query, struct node *node,
                            struct node **nodes, size_t capacity) {
  if (capacity < 1 || !node->op->express)
    return match_decline(query, "the operator has no expression");
  nodes[0] = node;
  return 1;
}

static void generic_demand(const struct match_query *query,
                           const struct group *group,
                           const struct node *node, size_t input,
                           struct demand *out) {
  (void)query, (void)group, (void)node, (void)input;
  out->any = true;
}

/* The vectorized axis: the innermost, as many lanes as a vector holds or as
 * the extent allows. */
static int64_t lanes_for(const struct builder *builder,
                         const struct stage *stage) {
  int64_t lanes = builder->machine->vector_bits / 32, extent;
  if (expr_get_integer(stage->axes[stage->axis_count - 1]->extent, &extent))
    while (lanes > extent)
      lanes /= 2;
  return lanes < 1 ? 1 : lanes;
}

/* Brings every reducing stage that only `stage` reads below `loop`. */
static enum adze_status bring_producers(struct builder *builder,
                                        struct schedule *schedule,
                                        const struct stage *stage,
                                        struct statement *loop,
                                        int64_t lanes) {
  struct reduce_plan plan = {.factor = 1, .lanes = lanes};
  for (size_t i = 0; i < builder->stages.count; i++) {
    const struct stage *producer = builder->stages.data[i];
    struct statement *block =
        schedule_block(schedule, producer->name, BLOCK_WHOLE);
    if (producer == stage || !block ||
        producer->output->scope == BUFFER_ARGUMENT ||
        !expr_uses_buffer(builder->pool, stage->body, producer->output))
      continue;
    TRY(schedule_set_scope(schedule, block, BUFFER_REGISTER));
    TRY(common_reduce_at(schedule, block, loop, &plan));
  }
  return ADZE_OK;
}

/* How many of the outer loops run in parallel: the innermost one of them stays
 * serial where the others are work enough, so that its index is counted up, not
 * divided out of that of the fused loop. */
static size_t parallel_count(struct statement *const *loops, size_t count) {
  enum { ENOUGH = 64 };
  int64_t work = 1, extent;
  if (count < 2)
    return count;
  for (size_t i = 0; i + 1 < count && work < ENOUGH; i++)
    if (!expr_get_integer(loops[i]->loop.extent, &extent) ||
        !int64_mul(work, extent, &work))
      work = ENOUGH; /* open, or large */
  return work < ENOUGH ? count : count - 1;
}

static enum adze_status schedule_stage(struct builder *builder,
                                       struct schedule *schedule,
                                       const struct stage *stage) {
  struct statement *block = schedule_block(schedule, stage->name, BLOCK_WHOLE);
  if (!block || stage->output->scope != BUFFER_ARGUMENT ||
      stage->axis_count == 0)
    return ADZE_OK;
  struct statement *write = block, *loops[LOOP_MAX_RANK * 2];
  bool reduces = stage->reduce != REDUCE_NONE;
  if (reduces)
    TRY(schedule_cache_write(schedule, block, BUFFER_REGISTER, &write));
  size_t count = schedule_loops_around(schedule, write, loops,
                                       ARRAY_COUNT(loops));
  int64_t lanes = lanes_for(builder, stage);
  struct statement *inner, *last = loops[count - 1];
  TRY(schedule_split(schedule, last, lanes, &last, &inner));
  TRY(schedule_partition(schedule, last));
  loops[count - 1] = last;
  if (reduces)
    TRY(common_reduce_at(
        schedule, block, last,
        &(struct reduce_plan){.factor = 1, .lanes = lanes}));
  TRY(bring_producers(builder, schedule, stage, last, lanes));
  TRY(schedule_vectorize(schedule, inner));
  return common_parallel(schedule, loops,
                         count > 1 ? parallel_count(loops, count - 1) : 1);
}

static enum adze_status generic_apply(struct builder *builder,
                                      struct schedule *schedule,
                                      const int64_t *knobs) {
  (void)knobs;
  TRY(common_inline_elementwise(builder, schedule));
  for (size_t i = 0; i < builder->stages.count; i++)
    TRY(schedule_stage(builder, schedule, builder->stages.data[i]));
  return ADZE_OK;
}

const struct template template_generic = {
    .name = "generic",
    .summary = "parallel outer axes, vectorized innermost axis",
    .match = generic_match,
    .demand = generic_demand,
    .apply = generic_apply,
};
