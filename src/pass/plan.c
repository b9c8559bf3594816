/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/plan.h"

#include <stdio.h>

#include "base/environment.h"

static void dump(const struct plan *plan, const char *step) {
  if (!environment_has(ENVIRONMENT_ADZE_DUMP, step))
    return;
  struct text text = {.arena = plan->arena};
  plan_print(&text, plan);
  fprintf(stderr, "// after %s\n%s\n", step, text_string(&text));
}

enum adze_status plan_make(struct graph *graph, const struct machine *machine,
                           bool winograd, struct plan **out,
                           struct adze_error *error) {
  struct plan *plan = ARENA_NEW(graph->arena, struct plan);
  *plan = (struct plan){.graph = graph,
                        .machine = machine,
                        .arena = graph->arena,
                        .error = error,
                        .winograd = winograd,
                        .block = machine->vector_bits / 32};
  TRY(plan_siblings(plan));
  TRY(plan_group(plan));
  dump(plan, "group");
  TRY(plan_place(plan));
  dump(plan, "place");
  plan_memory(plan);
  dump(plan, "memory");
  *out = plan;
  return ADZE_OK;
}

const struct value *plan_root(const struct plan *plan,
                              const struct value *value) {
  while (plan->placements[value->id].parent)
    value = plan->placements[value->id].parent;
  return value;
}
