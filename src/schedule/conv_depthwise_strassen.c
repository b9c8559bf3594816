/* SPDX-License-Identifier: Apache-2.0 */
/* A depthwise convolution and the 1x1 convolution of many channels after it in
 * one kernel: what lies between them is made for all channels of a group of
 * rows, in scratch memory that stays in the cache, and from there Strassen's
 * algorithm goes on (strassen.c).
 *
 *   sums[n,c,y,x,lane]   the depthwise convolution
 *   middle[n,c,y,x,lane] = between(sums)
 *   spread, product, out   as in strassen.c, of middle
 */
#include "schedule/depthwise.h"
#include "schedule/pointwise.h"
#include "schedule/strassen.h"

enum { KNOB_EACH, KNOB_UNROLL };

static const struct node *pointwise_of(const struct group *group) {
  return group->nodes.data[group->anchor_count - 1];
}

static struct strassen_plan plan_of(const struct builder *builder) {
  struct strassen_plan plan;
  const char *reason =
      strassen_plan_make(builder->machine, builder->block,
                         pointwise_of(builder->group), true, &plan);
  check(reason == NULL);
  return plan;
}

/* Where the whole image goes better through Strassen's algorithm by all
 * workers, that must be worth the way of what lies between. */
static bool is_better_apart(const struct match_query *query,
                            const struct node *narrow, double gain) {
  const char *reason;
  const struct value *middle = narrow->inputs[0];
  double bytes = 4.0 * (double)value_dim(middle, 1) *
                 (double)value_dim(middle, 2) * (double)value_dim(middle, 3);
  return strassen_gain(query, narrow, false, &reason) >
         gain + tile_fusing_cycles(query->machine, bytes);
}

static size_t fused_match(struct match_query *query, struct node *node,
                          struct node **nodes, size_t capacity) {
  size_t count;
  const char *reason;
  struct node *narrow =
      pointwise_after_depthwise(query, node, nodes, capacity, &count);
  if (!narrow)
    return 0;
  double gain = strassen_gain(query, narrow, true, &reason);
  if (gain == 0)
    return match_decline(query, reason);
  if (is_better_apart(query, narrow, gain))
    return match_decline(query, "what lies between stays in the cache anyway");
  nodes[count++] = narrow;
  return count;
}

static void fused_demand(const struct match_query *query,
                         const struct group *group, const struct node *node,
                         size_t input, struct demand *out) {
  (void)query;
  depthwise_fused_demand(group, group->nodes.data[0], node, input, out);
}

static enum adze_status fused_express(struct builder *builder) {
  const struct group *group = builder->group;
  const struct node *each = group->nodes.data[0];
  struct strassen_plan plan = plan_of(builder);
  struct window2d window;
  window2d_of_conv(each, &window);
  depthwise_stage(builder, each, builder_buffer(builder, each->inputs[0]),
                  &window);
  for (size_t i = 1; i + 1 < group->anchor_count; i++)
    TRY(builder_express(builder, group->nodes.data[i]));
  strassen_express(builder, pointwise_of(group), &plan);
  return ADZE_OK;
}

/* ---- Knobs and schedule -------------------------------------------------- */
static const char *const fused_knobs[] = {"each", "unroll", NULL};

static size_t fused_space(const struct builder *builder, size_t knob,
                          int64_t *values, size_t capacity) {
  return knob == KNOB_EACH
             ? depthwise_space_columns(builder, builder->group->nodes.data[0],
                                       values, capacity)
             : tile_space(builder, TILE_UNROLL, values, capacity);
}

static void fused_choose(const struct builder *builder, int64_t *knobs) {
  knobs[KNOB_EACH] =
      depthwise_choose_columns(builder, builder->group->nodes.data[0]);
  knobs[KNOB_UNROLL] = 4;
}

static enum adze_status fused_apply(struct builder *builder,
                                    struct schedule *schedule,
                                    const int64_t *knobs) {
  struct strassen_plan plan = plan_of(builder);
  const struct node *narrow = pointwise_of(builder->group);
  /* The stage before the spread input. */
  size_t middle =
      common_stage_of(builder, builder_buffer(builder, narrow->inputs[0]));
  const struct buffer *kept[] = {builder->stages.data[middle]->output,
                                 builder->stages.data[middle + 1]->output};
  struct strassen_loops loops;
  TRY(common_inline_others(builder, schedule, kept, ARRAY_COUNT(kept)));
  TRY(strassen_schedule(builder, schedule, narrow, &plan, middle + 1,
                        knobs[KNOB_UNROLL], &loops));
  TRY(depthwise_rows_at(builder, schedule, builder->stages.data[middle],
                        loops.group, knobs[KNOB_EACH]));
  return strassen_parallel(schedule, &plan, &loops);
}

const struct template template_conv_depthwise_strassen = {
    .name = "conv_depthwise_strassen",
    .summary = "depthwise convolution and the 1x1 one after it by Strassen's "
               "algorithm",
    .output_blocked = true,
    .match = fused_match,
    .demand = fused_demand,
    .express = fused_express,
    .knobs = fused_knobs,
    .space = fused_space,
    .choose = fused_choose,
    .apply = fused_apply,
};
