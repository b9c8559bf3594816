/* SPDX-License-Identifier: Apache-2.0 */
/* One element offset instead of one index per dimension. */
#include "ir/simplify.h"
#include "lower/steps.h"

static const struct expr *flatten_node(void *context,
                                       const struct expr *node) {
  struct lowering *lowering = context;
  if (node->kind != EXPR_LOAD)
    return node;
  const struct expr *offset =
      buffer_element(lowering->pool, node->buffer, node->args);
  return expr_load(lowering->pool, node->buffer, &offset, 1);
}
static const struct expr *flatten_expr(void *context, const struct expr *e) {
  struct lowering *lowering = context;
  return expr_map(lowering->pool, e, flatten_node, lowering);
}
static void flatten_store(void *context, struct statement *statement) {
  struct lowering *lowering = context;
  if (statement->kind != STATEMENT_STORE)
    return;
  statement->store.indices[0] = buffer_element(
      lowering->pool, statement->store.buffer, statement->store.indices);
  statement->store.index_count = 1;
}

static void flatten_list(struct lowering *lowering, struct statement *list) {
  for (struct statement *s = list; s; s = s->next) {
    if (s->kind == STATEMENT_FOR) {
      flatten_list(lowering, s->loop.body);
    } else if (s->kind == STATEMENT_IF) {
      s->branch.condition = flatten_expr(lowering, s->branch.condition);
      flatten_list(lowering, s->branch.then_body);
      flatten_list(lowering, s->branch.else_body);
    } else if (s->kind == STATEMENT_STORE) {
      s->store.value = flatten_expr(lowering, s->store.value);
      flatten_store(lowering, s);
    }
  }
}

void lower_flatten(struct lowering *lowering) {
  flatten_list(lowering, lowering->function->body);
}
