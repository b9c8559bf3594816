/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the steps, and what several of them need. */
#include "lower/lower.h"

#include "lower/steps.h"

void statement_map_exprs(struct statement *list,
                         const struct expr *(*map)(void *context,
                                                   const struct expr *e),
                         void *context) {
  for (struct statement *s = list; s; s = s->next) {
    switch (s->kind) {
    case STATEMENT_FOR:
      s->loop.minimum = map(context, s->loop.minimum);
      s->loop.extent = map(context, s->loop.extent);
      statement_map_exprs(s->loop.body, map, context);
      break;
    case STATEMENT_IF:
      s->branch.condition = map(context, s->branch.condition);
      statement_map_exprs(s->branch.then_body, map, context);
      statement_map_exprs(s->branch.else_body, map, context);
      break;
    case STATEMENT_STORE:
      for (size_t i = 0; i < s->store.index_count; i++)
        s->store.indices[i] = map(context, s->store.indices[i]);
      s->store.value = map(context, s->store.value);
      break;
    case STATEMENT_SET:
      s->set.value = map(context, s->set.value);
      break;
    case STATEMENT_PREFETCH:
      s->prefetch.offset = map(context, s->prefetch.offset);
      break;
    case STATEMENT_BLOCK:
    case STATEMENT_BARRIER:
      break;
    }
  }
}

enum adze_status lower(struct function *function,
                       const struct machine *machine,
                       struct adze_error *error) {
  struct lowering lowering = {
      .function = function,
      .pool = function->pool,
      .arena = expr_pool_arena(function->pool),
      .machine = machine,
      .error = error,
  };
  lower_blocks(&lowering);
  lower_partition(&lowering);
  TRY(lower_compact(&lowering));
  lower_flatten(&lowering);
  lower_vectorize(&lowering);
  lower_unroll(&lowering);
  lower_hoist(&lowering);
  TRY(lower_registers(&lowering));
  TRY(lower_workers(&lowering));
  lower_initialise(&lowering);
  lower_finish(&lowering);
  function->is_flat = true;
  return ADZE_OK;
}
