/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/plan.h"

enum adze_status plan_make(struct graph *graph, const struct machine *machine,
                           struct plan **out, struct adze_error *error) {
  struct plan *plan = ARENA_NEW(graph->arena, struct plan);
  *plan = (struct plan){.graph = graph,
                        .machine = machine,
                        .arena = graph->arena,
                        .error = error,
                        .block = machine->vector_bits / 32};
  TRY(plan_group(plan));
  TRY(plan_place(plan));
  plan_memory(plan);
  *out = plan;
  return ADZE_OK;
}

const struct value *plan_root(const struct plan *plan,
                              const struct value *value) {
  while (plan->placements[value->id].parent)
    value = plan->placements[value->id].parent;
  return value;
}
