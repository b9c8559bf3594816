/* SPDX-License-Identifier: Apache-2.0 */
/* What convolutions by Winograd's algorithm have in common: all but whether
 * they apply, and how weights are packed. */
#ifndef SCHEDULE_WINOGRAD_H
#define SCHEDULE_WINOGRAD_H

#include "schedule/winograd_plan.h"

/* Of the group's first node, which it applies to. */
struct winograd_plan winograd_plan_of(const struct builder *builder);

void winograd_demand(const struct match_query *query, const struct group *group,
                     const struct node *node, size_t input, struct demand *out);

/* packed[u, v, k, c, ci, lane] from a node's weights; the context is the
 * plan. */
typedef const struct expr *winograd_packing(void *context,
                                            struct expr_pool *pool,
                                            struct buffer *source,
                                            const struct expr *const *axes);
enum adze_status winograd_express(struct builder *builder,
                                  winograd_packing *pack);

extern const char *const winograd_knobs[];
size_t winograd_space(const struct builder *builder, size_t knob,
                      int64_t *values, size_t capacity);
void winograd_choose(const struct builder *builder, int64_t *knobs);
enum adze_status winograd_apply(struct builder *builder,
                                struct schedule *schedule,
                                const int64_t *knobs);

#endif
