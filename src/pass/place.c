/* SPDX-License-Identifier: Apache-2.0 */
/* Placement: blocked or plain, halos, and concatenation by offset.
 *
 * A value is blocked when its group's template makes it so, or when its
 * operator works alike in any placement and an operand is blocked. Where a
 * consumer wants a value otherwise than it is, and for the model's inputs and
 * outputs, which are the caller's plain memory, a copying group is put in
 * between. A consumer's halo is asked of the producer. The operands of a
 * concatenation of channels lie in its result, each at its offset, so that it
 * is no work at all; that of a longer list of the same operands lies in the
 * longer one.
 */
#include <string.h>

#include "ir/simplify.h"
#include "pass/plan.h"

struct placing {
  struct plan *plan;
  VEC(struct group *) groups;      /* the new order, copies included */
  struct map copies;               /* value id * 2 + blocked + 1 to its copy */
  struct group **maker;            /* by value id: the group that makes it */
  const struct graph_users *users; /* of the values before any copy */
  size_t users_count;
};

static struct placement *placement_of(struct placing *placing,
                                      const struct value *value) {
  return &placing->plan->placements[value->id];
}

/* ---- Blocked or plain ---------------------------------------------------- */
static bool can_be_blocked(const struct value *value) {
  return value->rank >= 3 && value->rank < GRAPH_MAX_RANK &&
         value_dim(value, 1) >= 1 && value->dtype == ADZE_F32;
}

static bool follows(const struct placing *placing, const struct node *node) {
  if (node->op->layout != LAYOUT_FOLLOWS)
    return false;
  if (node->op == &op_concat && node_int(node, "axis") != 1)
    return false;
  const struct value *out = node->outputs[0];
  for (size_t i = 0; i < node->input_count; i++) {
    const struct value *in = node->inputs[i];
    if (in && !in->constant && in->rank == out->rank &&
        placing->plan->placements[in->id].block)
      return true;
  }
  return false;
}

/* The anchors decide for their group: an epilogue in another placement would
 * read what they leave in registers in other vectors. */
static void decide_blocks(struct placing *placing, const struct group *group) {
  bool blocked = group->template->output_blocked;
  for (size_t i = 0; i < group->nodes.count; i++) {
    const struct node *node = group->nodes.data[i];
    if (i < group->anchor_count && !group->template->output_blocked)
      blocked = follows(placing, node);
    for (size_t o = 0; o < node->output_count; o++) {
      if (!node->outputs[o])
        continue;
      blocked = blocked && can_be_blocked(node->outputs[o]);
      placement_of(placing, node->outputs[o])->block =
          blocked ? placing->plan->block : 0;
    }
  }
}

/* ---- Copies -------------------------------------------------------------- */
static enum adze_status grow_placements(struct placing *placing) {
  struct plan *plan = placing->plan;
  size_t count = plan->graph->value_count;
  if (count <= plan->placement_count)
    return ADZE_OK;
  size_t capacity = count * 2;
  struct placement *placements =
      ARENA_ARRAY(plan->arena, struct placement, capacity);
  struct group **maker = ARENA_ARRAY(plan->arena, struct group *, capacity);
  if (plan->placement_count) {
    memcpy(placements, plan->placements,
           plan->placement_count * sizeof *placements);
    memcpy(maker, placing->maker, plan->placement_count * sizeof *maker);
  }
  plan->placements = placements;
  placing->maker = maker;
  plan->placement_count = capacity;
  return ADZE_OK;
}

/* A generic group that copies `value` into a value of the other kind. */
static enum adze_status copy_group(struct placing *placing, struct value *value,
                                   bool blocked, struct group **out) {
  struct plan *plan = placing->plan;
  struct node *node = graph_add_node(
      plan->graph, &op_identity,
      arena_printf(plan->arena, "%s.placed", value->name), &value, 1, 1);
  TRY(node_infer(plan->graph, node, plan->error));
  TRY(grow_placements(placing));
  struct group *group = ARENA_NEW(plan->arena, struct group);
  group->template = &template_generic;
  group->anchor_count = 1;
  group->output = node->outputs[0];
  vec_push(plan->arena, &group->nodes, node);
  placement_of(placing, group->output)->block = blocked ? plan->block : 0;
  placing->maker[group->output->id] = group;
  *out = group;
  return ADZE_OK;
}

static enum adze_status copy_for(struct placing *placing, struct value *value,
                                 bool blocked, struct value **out) {
  uint64_t key = (uint64_t)value->id * 2 + blocked + 1;
  *out = map_get_key(&placing->copies, key);
  if (*out)
    return ADZE_OK;
  struct group *group;
  TRY(copy_group(placing, value, blocked, &group));
  vec_push(placing->plan->arena, &placing->groups, group);
  *out = group->output;
  map_set_key(&placing->copies, key, *out);
  return ADZE_OK;
}

static bool has_halo(const struct demand *demand, size_t rank) {
  for (size_t d = 0; d < rank; d++)
    if (demand->before[d] || demand->after[d])
      return true;
  return false;
}

/* Satisfies one operand's demand, by its halo or a copy. */
static enum adze_status meet_demand(struct placing *placing,
                                    struct group *group, struct node *node,
                                    size_t input,
                                    const struct match_query *query) {
  struct value *value = node->inputs[input];
  struct demand demand = {.any = false};
  group->template->demand(query, group, node, input, &demand);
  if (demand.any)
    return ADZE_OK;
  bool blocked = placement_of(placing, value)->block != 0;
  bool callers = !value->producer || query->users->is_output[value->id];
  if (blocked != demand.blocked ||
      (callers && has_halo(&demand, value->rank))) {
    TRY(copy_for(placing, value, demand.blocked, &value));
    node->inputs[input] = value;
  }
  struct placement *placement = placement_of(placing, value);
  for (size_t d = 0; d < value->rank; d++) {
    if (placement->before[d] < demand.before[d])
      placement->before[d] = demand.before[d];
    if (placement->after[d] < demand.after[d])
      placement->after[d] = demand.after[d];
  }
  return ADZE_OK;
}

static enum adze_status place_group(struct placing *placing,
                                    struct group *group,
                                    const struct match_query *query) {
  for (size_t i = 0; i < group->anchor_count; i++) {
    struct node *node = group->nodes.data[i];
    for (size_t input = 0; input < node->input_count; input++) {
      struct value *value = node->inputs[input];
      if (value && !value->constant &&
          (!value->producer || placing->maker[value->id]))
        TRY(meet_demand(placing, group, node, input, query));
    }
  }
  decide_blocks(placing, group);
  vec_push(placing->plan->arena, &placing->groups, group);
  const struct node *last = group->nodes.data[group->nodes.count - 1];
  for (size_t i = 0; i < last->output_count; i++)
    if (last->outputs[i])
      placing->maker[last->outputs[i]->id] = group;
  return ADZE_OK;
}

/* Outputs are the caller's plain memory. */
static enum adze_status unblock_outputs(struct placing *placing) {
  struct plan *plan = placing->plan;
  for (size_t i = 0; i < plan->graph->outputs.count; i++) {
    struct value *value = plan->graph->outputs.data[i];
    if (value->producer && !placement_of(placing, value)->block)
      continue;
    struct group *group;
    TRY(copy_group(placing, value, false, &group));
    vec_push(plan->arena, &placing->groups, group);
    plan->graph->outputs.data[i] = group->output;
    group->output->name = value->name;
    value->name = arena_printf(plan->arena, "%s.blocked", value->name);
  }
  return ADZE_OK;
}

/* ---- Concatenation by offset --------------------------------------------- */
static bool is_free(const struct placing *placing, const struct value *value) {
  return placing->maker[value->id] &&
         !placing->plan->placements[value->id].parent;
}

static bool divides(const struct placing *placing, const struct value *value) {
  return value_dim(value, 1) % placing->plan->block == 0;
}

/* Whether every operand can lie in the result at its place. */
static bool can_alias(const struct placing *placing, const struct node *node) {
  const struct value *out = node->outputs[0];
  if (!placing->plan->placements[out->id].block)
    return false;
  int64_t channel = 0;
  for (size_t i = 0; i < node->input_count; i++) {
    const struct value *in = node->inputs[i];
    const struct placement *placement = &placing->plan->placements[in->id];
    if (!placement->block || in->constant ||
        (i + 1 < node->input_count && !divides(placing, in)))
      return false;
    bool there = placement->parent == plan_root(placing->plan, out);
    for (size_t j = 0; j < i; j++)
      if (node->inputs[j] == in)
        return false;
    if (!there && !is_free(placing, in))
      return false;
    if (there) {
      const struct placement *own = &placing->plan->placements[out->id];
      int64_t begin = own->parent ? own->parent_channel : 0;
      if (placement->parent_channel != begin + channel)
        return false;
    }
    channel += value_dim(in, 1);
  }
  return true;
}

/* Whether `shorter` lists the first operands of `longer`. */
static bool is_prefix(const struct node *shorter, const struct node *longer) {
  if (shorter->input_count >= longer->input_count)
    return false;
  for (size_t i = 0; i < shorter->input_count; i++)
    if (shorter->inputs[i] != longer->inputs[i])
      return false;
  return true;
}

static void put_into(struct placing *placing, const struct value *value,
                     const struct value *parent, int64_t channel) {
  struct placement *placement = placement_of(placing, value);
  const struct placement *own = placement_of(placing, parent);
  struct placement *root =
      placement_of(placing, plan_root(placing->plan, parent));
  placement->parent = plan_root(placing->plan, parent);
  placement->parent_channel = channel + (own->parent ? own->parent_channel : 0);
  for (size_t d = 0; d < value->rank; d++) {
    if (root->before[d] < placement->before[d])
      root->before[d] = placement->before[d];
    if (root->after[d] < placement->after[d])
      root->after[d] = placement->after[d];
  }
}

static const struct node *concat_of(const struct group *group) {
  const struct node *node = group->nodes.data[0];
  return group->nodes.count == 1 && node->op == &op_concat ? node : NULL;
}

/* The results of lists that `node` begins with lie in its own. */
static void shorter_lists(struct placing *placing, const struct node *node) {
  size_t first = node->inputs[0]->id;
  if (first >= placing->users_count)
    return; /* a copy: nothing else uses it */
  for (size_t i = 0; i < placing->users->counts[first]; i++) {
    const struct node *shorter = placing->users->nodes[first][i];
    if (shorter->op != &op_concat || node_int(shorter, "axis") != 1 ||
        !is_prefix(shorter, node) || !placing->maker[shorter->outputs[0]->id])
      continue;
    const struct placement *placement =
        placement_of(placing, shorter->outputs[0]);
    if (placement->block && !placement->parent)
      put_into(placing, shorter->outputs[0], node->outputs[0], 0);
  }
}

/* ---- Parts of channels --------------------------------------------------- */
/* The number of an attribute that is a list of one, or `otherwise`. */
static int64_t only_number(const struct node *node, const char *name,
                           int64_t otherwise) {
  size_t count;
  const int64_t *numbers = node_ints(node, name, &count);
  return numbers && count == 1 ? numbers[0] : otherwise;
}

/* A part that starts with a block lies in the whole. Lanes behind its last
 * channel must be finite there: they are none, or zeros between siblings. The
 * first channel, or -1 where it can't. */
static int64_t first_of_part(const struct placing *placing,
                             const struct node *node) {
  const struct plan *plan = placing->plan;
  if (node->op != &op_slice || node->input_count != 1 ||
      only_number(node, "axes", -1) != 1 || only_number(node, "steps", 1) != 1)
    return -1;
  const struct value *whole = node->inputs[0], *part = node->outputs[0];
  int64_t start = only_number(node, "starts", -1);
  bool fits = start >= 0 && start % plan->block == 0 &&
              placing->maker[whole->id] && plan->placements[whole->id].block &&
              plan->placements[part->id].block && is_free(placing, part) &&
              (divides(placing, part) ||
               map_get_key(&plan->sibling_parts, node->id + 1));
  return fits ? start : -1;
}

static void alias_parts(struct placing *placing) {
  for (size_t g = 0; g < placing->groups.count; g++) {
    struct group *group = placing->groups.data[g];
    if (group->nodes.count != 1)
      continue;
    const struct node *node = group->nodes.data[0];
    int64_t first = first_of_part(placing, node);
    if (first < 0)
      continue;
    put_into(placing, node->outputs[0], node->inputs[0], first);
    group->nodes.count = 0; /* nothing left to do */
  }
}

/* Longest lists first, which is backwards in graph order. */
static void alias_concats(struct placing *placing) {
  for (size_t g = placing->groups.count; g-- > 0;) {
    const struct node *node = concat_of(placing->groups.data[g]);
    if (!node || !can_alias(placing, node))
      continue;
    int64_t channel = 0;
    for (size_t i = 0; i < node->input_count; i++) {
      if (!placement_of(placing, node->inputs[i])->parent)
        put_into(placing, node->inputs[i], node->outputs[0], channel);
      channel += value_dim(node->inputs[i], 1);
    }
    shorter_lists(placing, node);
    placing->groups.data[g]->nodes.count = 0; /* nothing left to do */
  }
}

static void keep_groups(struct placing *placing) {
  struct plan *plan = placing->plan;
  for (size_t g = 0; g < placing->groups.count; g++)
    if (placing->groups.data[g]->nodes.count > 0)
      vec_push(plan->arena, &plan->groups, placing->groups.data[g]);
}

enum adze_status plan_place(struct plan *plan) {
  struct graph_users users = graph_find_users(plan->graph, plan->arena);
  struct placing placing = {
      .plan = plan, .users = &users, .users_count = plan->graph->value_count};
  struct match_query query = {.graph = plan->graph,
                              .users = &users,
                              .machine = plan->machine,
                              .block = plan->block,
                              .winograd = plan->winograd};
  map_init(&placing.copies, plan->arena);
  TRY(grow_placements(&placing));
  for (size_t i = 0; i < plan->groups.count; i++)
    TRY(place_group(&placing, plan->groups.data[i], &query));
  TRY(unblock_outputs(&placing));
  plan->groups.count = 0;
  alias_concats(&placing);
  alias_parts(&placing);
  keep_groups(&placing);
  return ADZE_OK;
}
