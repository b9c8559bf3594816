/* SPDX-License-Identifier: Apache-2.0 */
/* The plan as text, for ADZE_DUMP and golden tests: a line per group, below it
 * what is known by then of the values that it writes.
 *
 *   0 conv_direct: conv 'c1' + relu 'r1'
 *     r1: blocked 16, halo [0,0,1,1]..[0,0,1,1], in 'cat' at channel 64, slot 2
 */
#include <inttypes.h>

#include "pass/plan.h"

static bool any(const int64_t *numbers, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (numbers[i])
      return true;
  return false;
}

static void print_numbers(struct text *text, const int64_t *numbers,
                          size_t count) {
  text_add(text, "[");
  for (size_t i = 0; i < count; i++)
    text_format(text, "%s%" PRId64, i ? "," : "", numbers[i]);
  text_add(text, "]");
}

static void print_value(struct text *text, const struct plan *plan,
                        const struct value *value) {
  const struct placement *placement = &plan->placements[value->id];
  text_format(text, "  %s:", value->name);
  if (placement->block)
    text_format(text, " blocked %" PRId64, placement->block);
  else
    text_add(text, " plain");
  if (any(placement->before, value->rank) ||
      any(placement->after, value->rank)) {
    text_add(text, ", halo ");
    print_numbers(text, placement->before, value->rank);
    text_add(text, "..");
    print_numbers(text, placement->after, value->rank);
  }
  if (placement->parent)
    text_format(text, ", in '%s' at channel %" PRId64,
                placement->parent->name, placement->parent_channel);
  if (plan->value_slots && plan->value_slots[value->id] >= 0)
    text_format(text, ", slot %d", (int)plan->value_slots[value->id]);
  text_add(text, "\n");
}

void plan_print(struct text *text, const struct plan *plan) {
  for (size_t g = 0; g < plan->groups.count; g++) {
    const struct group *group = plan->groups.data[g];
    text_format(text, "%zu %s:", g, group->template->name);
    for (size_t i = 0; i < group->nodes.count; i++)
      text_format(text, "%s %s '%s'", i ? " +" : "",
                  group->nodes.data[i]->op->name, group->nodes.data[i]->name);
    text_add(text, "\n");
    const struct node *last = group->nodes.data[group->nodes.count - 1];
    for (size_t i = 0; i < last->output_count && plan->placements; i++)
      if (last->outputs[i])
        print_value(text, plan, last->outputs[i]);
  }
}
