/* SPDX-License-Identifier: Apache-2.0 */
/* Work along one row of memory, for templates that reduce. */
#ifndef SCHEDULE_ROW_H
#define SCHEDULE_ROW_H

#include "schedule/builder.h"

/* The block's loops below `loop` fused into one where they are one row of
 * memory, else the last of them. NULL where there are none. */
enum adze_status row_fuse(struct schedule *schedule, struct statement *block,
                          const struct statement *loop, bool is_dense,
                          struct statement **fused) ADZE_MUST_USE;
/* An elementwise loop, `lanes` at a time. */
enum adze_status row_vectorize(struct schedule *schedule,
                               struct statement *loop,
                               int64_t lanes) ADZE_MUST_USE;
/* The loop, innermost of those of a reducing block, in `vectors` vectors of
 * partial results, which are then added up in a tree. What is summed with what
 * depends on the extents alone. The result is in a register. */
enum adze_status row_reduce(struct schedule *schedule, struct statement *block,
                            struct statement *loop, int64_t lanes,
                            int64_t vectors) ADZE_MUST_USE;

#endif
