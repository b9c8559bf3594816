/* SPDX-License-Identifier: Apache-2.0 */
/* What templates have in common: epilogues, accumulators, parallel loops. */
#ifndef SCHEDULE_COMMON_H
#define SCHEDULE_COMMON_H

#include "schedule/builder.h"

/* Inlines every elementwise stage whose output is local into its readers, so
 * that what remains are reductions and the group's last stage. */
enum adze_status common_inline_elementwise(struct builder *builder,
                                           struct schedule *schedule)
    ADZE_MUST_USE;

/* The same, but for the stages that compute what is `kept`. */
enum adze_status common_inline_others(struct builder *builder,
                                      struct schedule *schedule,
                                      const struct buffer *const *kept,
                                      size_t count) ADZE_MUST_USE;

/* The index of the builder's stage that computes `buffer`. */
size_t common_stage_of(const struct builder *builder,
                       const struct buffer *buffer);

/* The place behind `at` in a list of loops that has it. */
size_t common_behind(struct statement *const *loops,
                     const struct statement *at);

/* Of the loops around `block`, inside `at` (NULL: all), the one over an axis;
 * NULL where compute_at made none, as there is just one value of it. */
struct statement *common_loop_over(struct schedule *schedule,
                                   const struct statement *block, size_t axis,
                                   const struct statement *at);

/* The block that writes the group's output once elementwise stages are
 * inlined: the epilogue's, or a copy out of registers made for a reducing
 * anchor that has no epilogue. */
enum adze_status common_writer(struct schedule *schedule,
                               const struct stage *anchor,
                               const struct stage *last,
                               struct statement **out) ADZE_MUST_USE;

/* How the loops of a reduction are arranged. */
struct reduce_plan {
  const char *const *unrolled; /* names of reduction axes unrolled whole, and so
                                  innermost of them; NULL-terminated, or NULL */
  int64_t factor; /* the innermost other reduction loop is unrolled by this */
  int64_t lanes;  /* of a vector */
  size_t inner_axis; /* loops over this axis go just outside the vector; 0: in
                        the order of the axes */
};

/* Moves a reducing block below `loop` of its reader, with its accumulators in
 * registers, initialised before the reduction. Loops over the region are
 * innermost: unrolled, the last one vectorized. */
enum adze_status common_reduce_at(struct schedule *schedule,
                                  struct statement *block,
                                  struct statement *loop,
                                  const struct reduce_plan *plan)
    ADZE_MUST_USE;

/* Fuses loops[0 .. count), a perfect nest from the outermost, and makes the
 * result parallel. */
enum adze_status common_parallel(struct schedule *schedule,
                                 struct statement **loops, size_t count)
    ADZE_MUST_USE;

/* Asks for packed weights a little ahead of where a loop goes through them, on
 * machines where no cache does so in time; nothing on others. */
enum adze_status common_prefetch_stream(const struct builder *builder,
                                        struct schedule *schedule,
                                        const struct value *weights)
    ADZE_MUST_USE;
/* And, while one round of `outer` runs, those of its next: an equal share in
 * each round of the innermost loop around the anchor's block. */
enum adze_status common_prefetch_next(const struct builder *builder,
                                      struct schedule *schedule,
                                      const struct value *weights,
                                      const struct stage *anchor,
                                      struct statement *outer) ADZE_MUST_USE;
/* While the anchor's stage is computed, the first of what lies behind the
 * weights, which are the next kernel's: as many as these, but no more than a
 * quarter of the L2 cache holds. */
enum adze_status common_prefetch_behind(const struct builder *builder,
                                        struct schedule *schedule,
                                        const struct value *weights,
                                        const struct stage *anchor)
    ADZE_MUST_USE;

/* Statements that write the zero halo around a buffer, put before the
 * function's own. */
void common_zero_halo(struct function *function, struct buffer *buffer);

#endif
