/* SPDX-License-Identifier: Apache-2.0 */
/* Memory: values whose lifetimes do not overlap take turns in slots.
 *
 * A value lives from the group that first writes its root to the last group
 * that reads any part of it. In execution order, each takes the free slot that
 * wastes least at the hinted sizes, preferring one that was just freed (it is
 * still in the cache), or opens a new one. Sizes may be open: a slot is as
 * large as the largest of its values, which the emitted plan() computes.
 */
#include "ir/scalar.h"
#include "ir/simplify.h"
#include "pass/plan.h"

struct lifetime {
  bool is_used;
  size_t first, last;
};

struct memory {
  struct plan *plan;
  struct lifetime *lifetimes; /* by value id, of roots */
};

static bool is_caller_owned(const struct plan *plan,
                            const struct value *value) {
  for (size_t i = 0; i < plan->graph->outputs.count; i++)
    if (plan->graph->outputs.data[i] == value)
      return true;
  return !value->producer;
}

static void use(struct memory *memory, const struct value *value,
                size_t group) {
  value = plan_root(memory->plan, value);
  struct lifetime *lifetime = &memory->lifetimes[value->id];
  if (!lifetime->is_used)
    *lifetime = (struct lifetime){true, group, group};
  if (lifetime->last < group)
    lifetime->last = group;
}

/* Bytes at the likely sizes of open dimensions: the user's, else 256. */
static int64_t hinted(const struct plan *plan, const struct expr *bytes) {
  struct expr_pool *pool = plan->graph->pool;
  for (size_t i = 0; i < plan->graph->symbols.count; i++) {
    struct variable *symbol = plan->graph->symbols.data[i];
    struct substitution hint = {
        symbol, expr_index(pool, symbol->hint > 0 ? symbol->hint : 256)};
    bytes = expr_substitute(pool, bytes, &hint, 1);
  }
  int64_t number;
  return expr_get_integer(simplify(pool, bytes), &number) ? number : INT64_MAX;
}

static const struct expr *buffer_bytes(struct plan *plan,
                                       const struct buffer *buffer) {
  struct expr_pool *pool = plan->graph->pool;
  return simplify(pool,
                  expr_mul(pool, buffer->size,
                           expr_index(pool, dtype_bits(buffer->dtype) / 8)));
}

/* How bad it is to put `bytes` into a slot. */
static int64_t waste(const struct slot *slot, int64_t bytes) {
  return slot->hint_bytes >= bytes ? slot->hint_bytes - bytes
                                   : 2 * (bytes - slot->hint_bytes);
}

static int32_t take_slot(struct plan *plan, const struct expr *bytes,
                         size_t first, size_t last) {
  struct expr_pool *pool = plan->graph->pool;
  int64_t size = hinted(plan, bytes);
  int32_t best = -1;
  for (size_t i = 0; i < plan->slots.count; i++) {
    const struct slot *slot = &plan->slots.data[i];
    if (slot->free_after >= first)
      continue;
    if (best < 0)
      best = (int32_t)i;
    const struct slot *other = &plan->slots.data[best];
    int64_t difference = waste(slot, size) - waste(other, size);
    if (difference < 0 ||
        (difference == 0 && slot->free_after > other->free_after))
      best = (int32_t)i;
  }
  if (best < 0) {
    struct slot slot = {bytes, size, last};
    vec_push(plan->arena, &plan->slots, slot);
    return (int32_t)plan->slots.count - 1;
  }
  struct slot *slot = &plan->slots.data[best];
  slot->free_after = last;
  if (slot->bytes != bytes)
    slot->bytes = simplify(pool, expr_max(pool, slot->bytes, bytes));
  if (slot->hint_bytes < size)
    slot->hint_bytes = size;
  return best;
}

/* ---- In place ------------------------------------------------------------ */
static bool same_layout(const struct plan *plan, const struct value *a,
                        const struct value *b) {
  const struct placement *x = &plan->placements[a->id],
                         *y = &plan->placements[b->id];
  bool same = a->dtype == b->dtype && x->block == y->block && !x->parent &&
              !y->parent && value_same_shape(a, b);
  for (size_t d = 0; d < a->rank && same; d++)
    same = x->before[d] == y->before[d] && x->after[d] == y->after[d];
  return same;
}

/* Whether the group reads `value` only where it writes the same element. */
static bool read_elementwise(const struct group *group,
                             const struct value *value) {
  bool found = false;
  for (size_t n = 0; n < group->nodes.count; n++) {
    const struct node *node = group->nodes.data[n];
    for (size_t i = 0; i < node->input_count; i++) {
      if (node->inputs[i] != value)
        continue;
      if (node->op->fusion != FUSION_ELEMENTWISE)
        return false;
      found = true;
    }
  }
  return found;
}

/* A slot whose value dies in this group, element by element, as the output is
 * written: residual additions and elementwise chains need no second buffer. */
static int32_t slot_in_place(const struct memory *memory, size_t g,
                             const struct value *output) {
  const struct plan *plan = memory->plan;
  const struct group *group = plan->groups.data[g];
  for (size_t n = 0; n < group->nodes.count; n++) {
    const struct node *node = group->nodes.data[n];
    for (size_t i = 0; i < node->input_count; i++) {
      const struct value *value = node->inputs[i];
      if (value && !value->constant && plan->value_slots[value->id] >= 0 &&
          memory->lifetimes[value->id].last == g &&
          same_layout(plan, value, output) && read_elementwise(group, value))
        return plan->value_slots[value->id];
    }
  }
  return -1;
}

int32_t plan_temporary(struct plan *plan, const struct buffer *buffer,
                       size_t group) {
  return take_slot(plan, buffer_bytes(plan, buffer), group, group);
}

static void note_uses(struct memory *memory) {
  const struct plan *plan = memory->plan;
  for (size_t g = 0; g < plan->groups.count; g++) {
    const struct group *group = plan->groups.data[g];
    use(memory, group->output, g);
    for (size_t n = 0; n < group->nodes.count; n++) {
      const struct node *node = group->nodes.data[n];
      for (size_t i = 0; i < node->input_count; i++)
        if (node->inputs[i] && !node->inputs[i]->constant)
          use(memory, node->inputs[i], g);
      for (size_t i = 0; i < node->output_count; i++)
        if (n + 1 == group->nodes.count && node->outputs[i])
          use(memory, node->outputs[i], g);
    }
  }
}

/* Roots by the group that first writes them; values made inside a group and
 * used only there are never memory. */
void plan_memory(struct plan *plan) {
  size_t count = plan->graph->value_count;
  struct memory memory = {plan,
                          ARENA_ARRAY(plan->arena, struct lifetime, count)};
  const struct value **roots =
      ARENA_ARRAY(plan->arena, const struct value *, count);
  plan->value_slots = ARENA_ARRAY(plan->arena, int32_t, count);
  for (size_t i = 0; i < count; i++)
    plan->value_slots[i] = -1;
  note_uses(&memory);
  for (size_t g = 0; g < plan->groups.count; g++) {
    const struct group *group = plan->groups.data[g];
    const struct node *last = group->nodes.data[group->nodes.count - 1];
    for (size_t i = 0; i < last->output_count; i++) {
      if (!last->outputs[i])
        continue;
      const struct value *root = plan_root(plan, last->outputs[i]);
      if (roots[root->id] || is_caller_owned(plan, root))
        continue;
      roots[root->id] = root;
      size_t end = memory.lifetimes[root->id].last;
      int32_t slot = last->output_count == 1 && root == last->outputs[0]
                         ? slot_in_place(&memory, g, root)
                         : -1;
      if (slot >= 0) {
        plan->slots.data[slot].free_after = end;
      } else {
        const struct buffer *buffer =
            placement_buffer(plan->graph->pool, root, plan->placements);
        slot = take_slot(plan, buffer_bytes(plan, buffer), g, end);
      }
      plan->value_slots[root->id] = slot;
    }
  }
}
