/* SPDX-License-Identifier: Apache-2.0 */
/* Schedule primitives: transformations of structured loop IR.
 *
 * Each primitive checks its preconditions, fails with a sentence
 * (INVALID_ARGUMENT) and leaves the function as it was, or transforms it and
 * appends one line to the trace. Replaying the trace's text on a fresh
 * expansion of the same stages gives the identical function. In a trace,
 * blocks go by the name of their stage and loops by the name of their
 * variable, which primitives keep unique in the function.
 *
 * A loop is named by its STATEMENT_FOR, a block by its STATEMENT_BLOCK; both
 * stay valid until a primitive says that it replaces them.
 */
#ifndef SCHEDULE_SCHEDULE_H
#define SCHEDULE_SCHEDULE_H

#include "base/text.h"
#include "ir/loop.h"
#include "machine/machine.h"

struct schedule {
  struct expr_pool *pool;
  struct function *function;
  const struct machine *machine;
  struct text trace;
  struct adze_error *error;
};

/* Borrows function (structured) and machine. */
void schedule_init(struct schedule *schedule, struct function *function,
                   const struct machine *machine, struct adze_error *error);

/* ---- Finding ------------------------------------------------------------- */
/* The block of a stage (with that part), or NULL. */
struct statement *schedule_block(struct schedule *schedule, const char *stage,
                                 enum block_part part);
/* The loop over a variable of this name, or NULL. */
struct statement *schedule_loop(struct schedule *schedule, const char *name);
/* The loops around a block, outermost first; returns their number (at most
 * capacity are stored). */
size_t schedule_loops_around(struct schedule *schedule,
                             const struct statement *block,
                             struct statement **loops, size_t capacity);

/* ---- Primitives -------------------------------------------------------------
 * split: one loop into outer x inner of constant extent `factor` (or the
 * loop's own, where that is a smaller constant); where it
 * does not divide the extent, the blocks below get a predicate. Replaces
 * `loop`. */
enum adze_status schedule_split(struct schedule *schedule,
                                struct statement *loop, int64_t factor,
                                struct statement **outer,
                                struct statement **inner) ADZE_MUST_USE;
/* pad: `before` rounds that do nothing before a loop's own, so that a split
 * makes tiles that start so much before the first; not of a loop that reduces.
 * Replaces `loop`. */
enum adze_status schedule_pad(struct schedule *schedule, struct statement *loop,
                              int64_t before,
                              struct statement **padded) ADZE_MUST_USE;
/* fuse: a loop and the only statement of its body, a loop, into one. */
enum adze_status schedule_fuse(struct schedule *schedule,
                               struct statement *outer, struct statement *inner,
                               struct statement **fused) ADZE_MUST_USE;
/* reorder: loops of one perfect nest into the order given; the positions they
 * hold together are filled anew, other loops keep theirs. The statements stay
 * valid. */
enum adze_status schedule_reorder(struct schedule *schedule,
                                  struct statement *const *loops,
                                  size_t count) ADZE_MUST_USE;
enum adze_status schedule_parallel(struct schedule *schedule,
                                   struct statement *loop) ADZE_MUST_USE;
enum adze_status schedule_vectorize(struct schedule *schedule,
                                    struct statement *loop) ADZE_MUST_USE;
enum adze_status schedule_unroll(struct schedule *schedule,
                                 struct statement *loop) ADZE_MUST_USE;
/* partition: lower splits the last, partial tile of this (outer) loop off, so
 * that full tiles carry no predicate. */
enum adze_status schedule_partition(struct schedule *schedule,
                                    struct statement *loop) ADZE_MUST_USE;
/* compute_at: moves a producer's nest to the start of `loop`'s body, shrunk to
 * the region of its output that the statements there read. All readers must
 * be below `loop`. Loops around the block are made anew, named
 * <stage>.<axis>. */
enum adze_status schedule_compute_at(struct schedule *schedule,
                                     struct statement *block,
                                     struct statement *loop) ADZE_MUST_USE;
/* compute_inline: replaces loads of an elementwise (not reducing) stage's
 * output by its body, and drops the block. */
enum adze_status schedule_compute_inline(struct schedule *schedule,
                                         struct statement *block) ADZE_MUST_USE;
/* cache_write: the block computes into a new buffer of `scope` with the same
 * shape; a new block after its nest copies into the old output. The stage's
 * name stays with the computing block; the copy is <stage>.write. */
enum adze_status schedule_cache_write(struct schedule *schedule,
                                      struct statement *block,
                                      enum buffer_scope scope,
                                      struct statement **copy) ADZE_MUST_USE;
/* decompose_reduction: the initialisation becomes a block of its own, in loops
 * of its own just before `loop`, which must be around all reduction loops. */
enum adze_status
schedule_decompose_reduction(struct schedule *schedule, struct statement *block,
                             struct statement *loop,
                             struct statement **initial) ADZE_MUST_USE;
/* rfactor: every value of `loop`, which reduces, of constant extent, apart: a
 * stage <stage>.part, with the loop as its last axis, takes the block's place,
 * and the block's stage reduces over the parts, in loops behind the outermost
 * one that reduces; another loop must reduce too. `part` (may be NULL) gets
 * the block of the parts, which is the statement `block`; that of the stage is
 * new. */
enum adze_status schedule_rfactor(struct schedule *schedule,
                                  struct statement *block,
                                  struct statement *loop,
                                  struct statement **part) ADZE_MUST_USE;
/* set_scope: where a buffer made by a stage lives. Not for parameters. */
enum adze_status schedule_set_scope(struct schedule *schedule,
                                    struct statement *block,
                                    enum buffer_scope scope) ADZE_MUST_USE;
/* prefetch: who reads an element of this parameter will soon read the one so
 * many elements further, which no cache has by itself by then. A hint. */
enum adze_status schedule_prefetch(struct schedule *schedule,
                                   struct buffer *parameter,
                                   int64_t elements) ADZE_MUST_USE;
/* prefetch_next: while one round of `outer` runs, what its next one will read
 * of the parameter is asked for, an equal share in each round of `inner`, a
 * loop below it around the block that reads. A hint. */
enum adze_status schedule_prefetch_next(struct schedule *schedule,
                                        struct buffer *parameter,
                                        struct statement *outer,
                                        struct statement *inner) ADZE_MUST_USE;
/* prefetch_range: so many elements of the parameter are asked for, those from
 * `begin` on, which may lie behind its end: an equal share in each round of
 * `inner`, in all rounds of the loops around it. A hint. */
enum adze_status schedule_prefetch_range(struct schedule *schedule,
                                         struct buffer *parameter,
                                         int64_t begin, int64_t elements,
                                         struct statement *inner) ADZE_MUST_USE;

/* ---- Traces -----------------------------------------------------------------
 * One line a primitive: "split x 14", "reorder n kbo y xo", "compute_at conv
 * xo", "parallel n". Replay takes any bytes; a line that does not parse or
 * apply fails with its number. */
enum adze_status schedule_replay(struct schedule *schedule, const char *trace,
                                 size_t bytes) ADZE_MUST_USE;

#endif
