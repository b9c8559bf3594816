/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and columns as one: where every stage of a kernel computes the place
 * (y, x) from what lies at the same place, as a 1x1 convolution and what
 * follows it do, or reduces all places, and rows lie behind one another without
 * a gap, the places may as well be rows of another length. Then register tiles
 * of any width fill them: 7 x 7 places are 49, not seven rows of 7. */
#ifndef SCHEDULE_REGROUP_H
#define SCHEDULE_REGROUP_H

#include "schedule/builder.h"

/* The rows and columns of the kernel's places, the axes 2 and 3 of its first
 * stage, as its stages have them; -1 where open. */
int64_t regroup_height(const struct builder *builder);
int64_t regroup_width(const struct builder *builder);

/* Makes the places of all stages rows of `width`, which must divide their
 * number; changes nothing where that is impossible. Before the stages are
 * expanded. */
void regroup_rows(struct builder *builder, int64_t width);

#endif
