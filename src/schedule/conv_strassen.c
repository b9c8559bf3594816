/* SPDX-License-Identifier: Apache-2.0 */
/* 1x1 convolutions by Strassen's algorithm (strassen.c). */
#include "schedule/strassen.h"

enum { KNOB_UNROLL };

static struct strassen_plan plan_of(const struct builder *builder) {
  struct strassen_plan plan;
  const char *reason =
      strassen_plan_make(builder->machine, builder->block,
                         builder->group->nodes.data[0], false, &plan);
  check(reason == NULL);
  return plan;
}

static size_t strassen_match(struct match_query *query, struct node *node,
                             struct node **nodes, size_t capacity) {
  const char *reason;
  if (node->op != &op_conv || capacity < 1)
    return match_decline(query, "another operator");
  if (strassen_gain(query, node, false, &reason) == 0)
    return match_decline(query, reason);
  nodes[0] = node;
  return 1;
}

static void strassen_demand(const struct match_query *query,
                            const struct group *group, const struct node *node,
                            size_t input, struct demand *out) {
  (void)query, (void)group, (void)node;
  out->any = input != 0;
  out->blocked = input == 0;
}

static enum adze_status express(struct builder *builder) {
  struct strassen_plan plan = plan_of(builder);
  strassen_express(builder, builder->group->nodes.data[0], &plan);
  return ADZE_OK;
}

static const char *const strassen_knobs[] = {"unroll", NULL};

static size_t strassen_space(const struct builder *builder, size_t knob,
                             int64_t *values, size_t capacity) {
  (void)knob;
  return tile_space(builder, TILE_UNROLL, values, capacity);
}

static void strassen_choose(const struct builder *builder, int64_t *knobs) {
  (void)builder;
  knobs[KNOB_UNROLL] = 4;
}

static enum adze_status strassen_apply(struct builder *builder,
                                       struct schedule *schedule,
                                       const int64_t *knobs) {
  struct strassen_plan plan = plan_of(builder);
  const struct buffer *spread = builder->stages.data[0]->output;
  struct strassen_loops loops;
  TRY(common_inline_others(builder, schedule, &spread, 1));
  TRY(strassen_schedule(builder, schedule, builder->group->nodes.data[0], &plan,
                        0, knobs[KNOB_UNROLL], &loops));
  return strassen_parallel(schedule, &plan, &loops);
}

const struct template template_conv_strassen = {
    .name = "conv_strassen",
    .summary = "1x1 convolution of many channels by Strassen's algorithm",
    .output_blocked = true,
    .match = strassen_match,
    .demand = strassen_demand,
    .express = express,
    .knobs = strassen_knobs,
    .space = strassen_space,
    .choose = strassen_choose,
    .apply = strassen_apply,
};
