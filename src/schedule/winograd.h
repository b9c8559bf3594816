/* SPDX-License-Identifier: Apache-2.0 */
/* What the templates by Winograd's algorithm have in common: all but the
 * operator. */
#ifndef SCHEDULE_WINOGRAD_H
#define SCHEDULE_WINOGRAD_H

#include "schedule/winograd_plan.h"

/* Of the group's first node, which it applies to. */
struct winograd_plan winograd_plan_of(const struct builder *builder);

/* Stages in their order; the first one is there only where phases are
 * gathered. */
enum winograd_stage {
  WINOGRAD_PHASES,
  WINOGRAD_ROWS,
  WINOGRAD_SPREAD,
  WINOGRAD_PRODUCT,
  WINOGRAD_COLUMNS,
  WINOGRAD_OUTPUT
};
size_t winograd_stage_index(const struct winograd_plan *plan,
                            enum winograd_stage stage);

/* Of nodes of one operator. */
size_t winograd_match(struct match_query *query, const struct op_def *op,
                      struct node *node, struct node **nodes, size_t capacity);
void winograd_demand(const struct match_query *query, const struct group *group,
                     const struct node *node, size_t input, struct demand *out);

enum adze_status winograd_express(struct builder *builder);
extern const char *const winograd_knobs[];
size_t winograd_space(const struct builder *builder, size_t knob,
                      int64_t *values, size_t capacity);
void winograd_choose(const struct builder *builder, int64_t *knobs);
enum adze_status winograd_apply(struct builder *builder,
                                struct schedule *schedule,
                                const int64_t *knobs);

#endif
