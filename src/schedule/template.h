/* SPDX-License-Identifier: Apache-2.0 */
/* Schedule templates: how a kind of group becomes a fast kernel.
 *
 * A group is a chain of graph nodes that becomes one kernel: the nodes that
 * its template matched (the anchors), then elementwise nodes that use their
 * result (the epilogue), which no template ever names. One table,
 * templates.def, in order of preference.
 *
 * A template, in the order in which it is asked:
 *   match    claims a node (and maybe the nodes after it) as anchors
 *   demand   says how it wants an operand placed
 *   express  makes the stages of the anchors, with constants packed
 *   regroup  the length of rows it would rather have (schedule/regroup.h)
 *   choose   picks the knobs by the analytic model
 *   apply    schedules the stages, through primitives only
 */
#ifndef SCHEDULE_TEMPLATE_H
#define SCHEDULE_TEMPLATE_H

#include "ir/graph.h"
#include "machine/machine.h"
#include "op/op.h"
#include "schedule/placement.h"
#include "schedule/schedule.h"

#define TEMPLATE_MAX_KNOBS 8

struct builder;

struct group {
  const struct template *template;
  VEC(struct node *) nodes; /* anchors first, in graph order */
  size_t anchor_count;
  struct value *output; /* of the last node */
};

struct match_query {
  const struct graph *graph;
  const struct graph_users *users;
  const size_t *position; /* by node id: its place in the graph's order; NULL
                             once nodes are grouped */
  const struct machine *machine;
  int64_t block; /* channels in a block on this machine */
  bool winograd; /* rounding as Winograd's algorithm does is allowed */
  /* Declining: why, for ADZE_VERBOSE=dispatch; a static or arena string. */
  const char *reason;
};

/* How an operand should be placed. */
struct demand {
  bool blocked; /* or plain */
  bool any;     /* takes either */
  int64_t before[GRAPH_MAX_RANK],
      after[GRAPH_MAX_RANK]; /* zeros it will read */
};

struct template {
  const char *name, *summary;
  bool output_blocked; /* else: as the first operand where the op follows */
  /* Anchors into nodes[0 .. return value), 0: declined, with a reason. */
  size_t (*match)(struct match_query * query, struct node * node,
                  struct node * *nodes, size_t capacity);
  void (*demand)(const struct match_query *query, const struct group *group,
                 const struct node *node, size_t input, struct demand *out);
  enum adze_status (*express)(struct builder * builder);
  int64_t (*regroup)(const struct builder *builder); /* or NULL */
  const char *const *knobs; /* names, NULL-terminated; at most 8 */
  /* The values that a knob can take; returns their number. */
  size_t (*space)(const struct builder *builder, size_t knob, int64_t *values,
                  size_t capacity);
  void (*choose)(const struct builder *builder, int64_t *knobs);
  enum adze_status (*apply)(struct builder * builder,
                            struct schedule * schedule, const int64_t *knobs);
};

#define TEMPLATE(name) extern const struct template template_##name;
#include "schedule/templates.def"
#undef TEMPLATE
extern const struct template *const template_table[];
extern const size_t template_table_count;

/* Declines: sets the reason, returns 0. */
size_t match_decline(struct match_query *query, const char *reason);

#endif
