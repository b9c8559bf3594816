/* SPDX-License-Identifier: Apache-2.0 */
/* 1x1 convolution by Strassen's algorithm, as templates share it. */
#ifndef SCHEDULE_STRASSEN_H
#define SCHEDULE_STRASSEN_H

#include "schedule/common.h"
#include "schedule/strassen_plan.h"

/* Adds the stages that compute `node` with its bias, three: the spread input,
 * the products, the output. */
void strassen_express(struct builder *builder, const struct node *node,
                      const struct strassen_plan *plan);
struct strassen_loops {
  struct statement *image, *group, *tile;
};
/* Schedules them, with what follows, when all other stages are inlined but
 * those before the first one, whose index is given. Where a group is one
 * worker's, its input may be computed at the loop over groups then. */
enum adze_status strassen_schedule(struct builder *builder,
                                   struct schedule *schedule,
                                   const struct node *node,
                                   const struct strassen_plan *plan,
                                   size_t first, int64_t unroll,
                                   struct strassen_loops *out) ADZE_MUST_USE;
/* At last, shares the work out. */
enum adze_status
strassen_parallel(struct schedule *schedule, const struct strassen_plan *plan,
                  const struct strassen_loops *loops) ADZE_MUST_USE;

#endif
