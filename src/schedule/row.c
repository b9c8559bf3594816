/* SPDX-License-Identifier: Apache-2.0 */
/* A sum along a row is a chain of additions, each of which waits for the one
 * before. So it is made in several vectors of partial sums: with l lanes and v
 * vectors,
 *
 *   part[i]   = sum(o) x[o*l*v + i]           i < l*v, in v registers
 *   part_2[i] = sum(k) part[k*l + i]          i < l
 *   part_3[i] = sum(k) part_2[k*4 + i]        i < 4
 *   sum       = sum(i) part_3[i]
 */
#include "schedule/row.h"

#include "schedule/tree.h"

#define NARROW 4 /* lanes of the last vector, then one by one */

enum adze_status row_fuse(struct schedule *schedule, struct statement *block,
                          const struct statement *loop, bool is_dense,
                          struct statement **fused) {
  struct statement *loops[LOOP_MAX_RANK * 4];
  size_t count =
      schedule_loops_around(schedule, block, loops, ARRAY_COUNT(loops));
  size_t first = 0;
  while (first < count && loops[first] != loop)
    first++;
  *fused = first + 1 < count ? loops[first + 1] : NULL;
  if (*fused && !is_dense)
    *fused = loops[count - 1];
  if (!is_dense)
    return ADZE_OK;
  for (size_t i = first + 2; i < count; i++)
    TRY(schedule_fuse(schedule, *fused, loops[i], fused));
  return ADZE_OK;
}

/* At most the extent, where that is constant. */
static int64_t limited(int64_t size, const struct expr *extent) {
  int64_t constant;
  if (expr_get_integer(extent, &constant))
    while (size > 1 && size > constant)
      size /= 2;
  return size;
}

enum adze_status row_vectorize(struct schedule *schedule,
                               struct statement *loop, int64_t lanes) {
  struct statement *inner;
  lanes = limited(lanes, loop->loop.extent);
  if (lanes < 2)
    return ADZE_OK;
  TRY(schedule_split(schedule, loop, lanes, &loop, &inner));
  TRY(schedule_partition(schedule, loop));
  return schedule_vectorize(schedule, inner);
}

/* The loops of the block that reduce, outermost first. */
static size_t reducing_loops(struct schedule *schedule,
                             const struct statement *block,
                             struct statement **out) {
  struct statement *loops[LOOP_MAX_RANK * 4];
  size_t found = 0, count = schedule_loops_around(schedule, block, loops,
                                                  ARRAY_COUNT(loops));
  for (size_t i = 0; i < count; i++)
    for (size_t r = 0; r < block->block.stage->reduction_count; r++)
      if (expr_uses_variable(schedule->pool, block->block.reductions[r],
                             loops[i]->loop.variable)) {
        out[found++] = loops[i];
        break;
      }
  return found;
}

static enum adze_status decompose(struct schedule *schedule,
                                  struct statement *block) {
  struct statement *loops[LOOP_MAX_RANK * 4];
  if (reducing_loops(schedule, block, loops) == 0)
    return ADZE_OK;
  return schedule_decompose_reduction(schedule, block, loops[0], NULL);
}

/* The partial results of the whole row, in registers. */
static enum adze_status accumulate(struct schedule *schedule,
                                   struct statement *part,
                                   struct statement *inner, int64_t size,
                                   int64_t lanes) {
  struct statement *vectors = NULL;
  TRY(schedule_set_scope(schedule, part, BUFFER_REGISTER));
  if (size > lanes) {
    TRY(schedule_split(schedule, inner, lanes, &vectors, &inner));
    TRY(schedule_unroll(schedule, vectors));
  }
  TRY(schedule_vectorize(schedule, inner));
  return decompose(schedule, part);
}

/* Partial results added up to `lanes` of them; *loop is over those left. */
static enum adze_status halve(struct schedule *schedule, const char *stage,
                              struct statement **loop, int64_t lanes) {
  struct statement *outer, *inner, *loops[LOOP_MAX_RANK * 4];
  struct statement *part = schedule_block(schedule, stage, BLOCK_WHOLE);
  TRY(schedule_split(schedule, *loop, lanes, &outer, &inner));
  TRY(schedule_rfactor(schedule, part, inner, &part));
  TRY(schedule_unroll(schedule, outer));
  TRY(schedule_vectorize(schedule, inner));
  TRY(decompose(schedule, part));
  struct statement *whole = schedule_block(schedule, stage, BLOCK_WHOLE);
  check(reducing_loops(schedule, whole, loops) == 1);
  *loop = loops[0];
  return ADZE_OK;
}

enum adze_status row_reduce(struct schedule *schedule, struct statement *block,
                            struct statement *loop, int64_t lanes,
                            int64_t vectors) {
  const char *stage = block->block.stage->name;
  int64_t size = limited(lanes * vectors, loop->loop.extent);
  TRY(schedule_set_scope(schedule, block, BUFFER_REGISTER));
  if (size < NARROW)
    return decompose(schedule, block);
  if (lanes > size / 2)
    lanes = size / 2;
  struct statement *outer, *inner, *loops[LOOP_MAX_RANK * 4];
  TRY(schedule_split(schedule, loop, size, &outer, &inner));
  TRY(schedule_rfactor(schedule, block, inner, &block));
  TRY(schedule_partition(schedule, outer));
  TRY(accumulate(schedule, block, inner, size, lanes));
  block = schedule_block(schedule, stage, BLOCK_WHOLE);
  check(reducing_loops(schedule, block, loops) == 1);
  loop = loops[0];
  if (size > lanes)
    TRY(halve(schedule, stage, &loop, lanes));
  if (lanes > NARROW)
    TRY(halve(schedule, stage, &loop, NARROW));
  TRY(schedule_unroll(schedule, loop));
  return decompose(schedule, schedule_block(schedule, stage, BLOCK_WHOLE));
}
