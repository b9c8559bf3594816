/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of a compile: which nodes form kernels, where values lie, which
 * memory they share. Made by plan_make from an optimised graph:
 *
 *   siblings  1x1 convolutions of one value into one    (siblings.c)
 *   group   nodes into groups, by the templates            (group.c)
 *   place   values: blocked or plain, halos, parents        (place.c)
 *   memory  lifetimes to shared memory                      (memory.c)
 */
#ifndef PASS_PLAN_H
#define PASS_PLAN_H

#include "schedule/builder.h"

/* A piece of the workspace that values take turns in. */
struct slot {
  const struct expr *bytes; /* the largest of its values */
  int64_t hint_bytes;       /* at the hinted sizes */
  size_t free_after;        /* last group that uses it */
};

struct plan {
  struct graph *graph;
  const struct machine *machine;
  struct arena *arena;
  struct adze_error *error;
  int64_t block; /* channels in a block */
  bool winograd;
  struct map sibling_parts; /* node id + 1 to the slice that siblings.c made */
  VEC(struct group *) groups; /* in execution order */
  struct placement *placements; /* by value id */
  size_t placement_count;
  VEC(struct slot) slots;
  int32_t *value_slots; /* by value id; -1: none */
};

/* With `winograd`, convolutions may be computed by Winograd's algorithm, which
 * rounds more. */
enum adze_status plan_make(struct graph *graph, const struct machine *machine,
                           bool winograd, struct plan **out,
                           struct adze_error *error) ADZE_MUST_USE;

/* The value in whose memory a value lies. */
const struct value *plan_root(const struct plan *plan,
                              const struct value *value);
/* A slot for memory that only this group uses: one that no value lies in from
 * then on. After plan_memory, in the order of the groups. */
int32_t plan_temporary(struct plan *plan, const struct buffer *buffer,
                       size_t group);

/* A line per group, and one per value that it writes. */
void plan_print(struct text *text, const struct plan *plan);

/* The steps. */
enum adze_status plan_siblings(struct plan *plan) ADZE_MUST_USE;
enum adze_status plan_group(struct plan *plan) ADZE_MUST_USE;
enum adze_status plan_place(struct plan *plan) ADZE_MUST_USE;
void plan_memory(struct plan *plan);

#endif
