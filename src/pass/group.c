/* SPDX-License-Identifier: Apache-2.0 */
/* Grouping: every node that computes something joins a group.
 *
 * In graph order, an elementwise node joins the group that makes one of its
 * operands when nothing else uses that operand: it becomes part of that
 * kernel's epilogue. The group then runs where its last node stands, so of
 * several such groups the one that comes last is taken: all other operands
 * exist by then. Any other node is offered to the templates in their order of
 * preference.
 */
#include <stdio.h>
#include <string.h>

#include "base/environment.h"
#include "pass/plan.h"

struct grouping {
  struct plan *plan;
  struct graph_users users;
  struct group **group_of; /* by node id */
  size_t *position;        /* by node id, in graph order */
};

/* More than any chain in a network; the time to schedule a kernel grows faster
 * than its length. */
enum { GROUP_NODES = 48 };

static bool is_computed(const struct node *node) {
  return node->op->fusion != FUSION_METADATA;
}

/* Only f32 lies in blocks, and a kernel has its results in one form: what makes
 * another type of what a convolution or pooling computed is a kernel itself. */
static bool keeps_blocks(const struct group *group, const struct node *node) {
  const struct node *anchor = group->nodes.data[group->anchor_count - 1];
  return node->outputs[0]->dtype == ADZE_F32 ||
         anchor->op->fusion == FUSION_ELEMENTWISE;
}

static struct group *group_to_join(const struct grouping *grouping,
                                   const struct node *node) {
  struct group *best = NULL;
  size_t best_position = 0;
  if (node->op->fusion != FUSION_ELEMENTWISE || node->output_count != 1)
    return NULL;
  for (size_t i = 0; i < node->input_count; i++) {
    const struct value *value = node->inputs[i];
    if (!value || !value->producer ||
        !value_same_shape(value, node->outputs[0]) ||
        graph_only_user(&grouping->users, value) != node)
      continue;
    struct group *group = grouping->group_of[value->producer->id];
    /* A concatenation is mostly no work at all, by placement; joined, it
     * would be copied. */
    if (!group || group->output != value ||
        group->nodes.data[0]->op == &op_concat ||
        group->nodes.count >= GROUP_NODES || !keeps_blocks(group, node))
      continue;
    size_t position = grouping->position[group->nodes.data[0]->id];
    bool better = !best || position > best_position;
    if (best && (best->template == &template_generic) !=
                    (group->template == &template_generic))
      better = best->template == &template_generic;
    if (better) {
      best = group;
      best_position = position;
    }
  }
  return best;
}

static void say_declined(const struct node *node,
                         const struct template *template,
                         const struct match_query *query) {
  if (environment_has(ENVIRONMENT_ADZE_VERBOSE, "dispatch"))
    fprintf(stderr, "dispatch: %s declines %s '%s': %s\n", template->name,
            node->op->name, node->name, query->reason);
}

static enum adze_status group_node(struct grouping *grouping,
                                   struct node *node) {
  struct plan *plan = grouping->plan;
  struct match_query query = {.graph = plan->graph,
                              .users = &grouping->users,
                              .position = grouping->position,
                              .machine = plan->machine,
                              .block = plan->block,
                              .winograd = plan->winograd};
  struct node *nodes[8];
  for (size_t i = 0; i < template_table_count; i++) {
    const struct template *template = template_table[i];
    size_t count =
        template->match(&query, node, nodes, ARRAY_COUNT(nodes));
    if (count == 0) {
      say_declined(node, template, &query);
      continue;
    }
    struct group *group = ARENA_NEW(plan->arena, struct group);
    group->template = template;
    group->anchor_count = count;
    for (size_t n = 0; n < count; n++) {
      vec_push(plan->arena, &group->nodes, nodes[n]);
      grouping->group_of[nodes[n]->id] = group;
    }
    group->output = nodes[count - 1]->outputs[0];
    return ADZE_OK;
  }
  return fail(plan->error, ADZE_UNSUPPORTED,
              "node '%s' (%s): its result depends on shapes that are not "
              "known before it runs",
              node->name, node->op->name);
}

/* In the order of their last nodes. */
static void order_groups(struct grouping *grouping) {
  struct plan *plan = grouping->plan;
  for (size_t i = 0; i < plan->graph->nodes.count; i++) {
    const struct node *node = plan->graph->nodes.data[i];
    struct group *group = grouping->group_of[node->id];
    if (!group || group->nodes.data[group->nodes.count - 1] != node)
      continue;
    vec_push(plan->arena, &plan->groups, group);
    if (environment_has(ENVIRONMENT_ADZE_VERBOSE, "dispatch"))
      fprintf(stderr, "dispatch: %s takes %s '%s' and %zu more\n",
              group->template->name, group->nodes.data[0]->op->name,
              group->nodes.data[0]->name, group->nodes.count - 1);
  }
}

enum adze_status plan_group(struct plan *plan) {
  struct graph *graph = plan->graph;
  struct grouping grouping = {
      .plan = plan,
      .users = graph_find_users(graph, plan->arena),
      .group_of = ARENA_ARRAY(plan->arena, struct group *, graph->node_count),
      .position = ARENA_ARRAY(plan->arena, size_t, graph->node_count),
  };
  for (size_t i = 0; i < graph->nodes.count; i++)
    grouping.position[graph->nodes.data[i]->id] = i;
  for (size_t i = 0; i < graph->nodes.count; i++) {
    struct node *node = graph->nodes.data[i];
    if (!is_computed(node) || grouping.group_of[node->id])
      continue;
    struct group *group = group_to_join(&grouping, node);
    if (!group) {
      TRY(group_node(&grouping, node));
      continue;
    }
    vec_push(plan->arena, &group->nodes, node);
    grouping.group_of[node->id] = group;
    group->output = node->outputs[0];
  }
  order_groups(&grouping);
  return ADZE_OK;
}
