/* SPDX-License-Identifier: Apache-2.0 */
/* The generic schedule: a good one for whatever no other template takes.
 *
 * Elementwise stages are inlined into the group's last one. Every remaining
 * stage gets a nest of its own: outer axes fused and parallel, the innermost
 * axis vectorized, a reduction in between with its sums in registers.
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

static enum adze_status schedule_stage(struct builder *builder,
                                       struct schedule *schedule,
                                       const struct stage *stage) {
  struct statement *block = schedule_block(schedule, stage->name, BLOCK_WHOLE);
  if (!block || stage->axis_count == 0)
    return ADZE_OK;
  struct statement *write = block, *loops[LOOP_MAX_RANK * 2];
  bool reduces = stage->reduce != REDUCE_NONE;
  if (reduces)
    TRY(schedule_cache_write(schedule, block, BUFFER_REGISTER, &write));
  size_t count = schedule_loops_around(schedule, write, loops,
                                       ARRAY_COUNT(loops));
  int64_t lanes = lanes_for(builder, stage);
  struct statement *inner = NULL, *last = loops[count - 1];
  if (lanes > 1) {
    TRY(schedule_split(schedule, last, lanes, &last, &inner));
    TRY(schedule_partition(schedule, last));
    loops[count - 1] = last;
  }
  if (reduces)
    TRY(common_reduce_at(schedule, block, last, NULL, 1));
  if (inner)
    TRY(schedule_vectorize(schedule, inner));
  size_t fused = count > 1 ? count - 1 : 1;
  return common_parallel(schedule, loops, fused);
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
