/* SPDX-License-Identifier: Apache-2.0 */
/* Unrolled loops are written out; conditions that become constant vanish. */
#include "ir/simplify.h"
#include "lower/steps.h"

static const struct expr *simplify_one(void *context, const struct expr *e) {
  struct lowering *lowering = context;
  return simplify(lowering->pool, e);
}

static struct statement *unroll_list(struct lowering *lowering,
                                     struct statement *list);

static struct statement *unroll_loop(struct lowering *lowering,
                                     struct statement *loop) {
  struct expr_pool *pool = lowering->pool;
  int64_t count;
  loop->loop.body = unroll_list(lowering, loop->loop.body);
  loop->next = NULL;
  bool known = expr_get_integer(loop->loop.extent, &count);
  if (known && count == 0)
    return NULL;
  bool unroll = loop->loop.kind == LOOP_UNROLLED ||
                (loop->loop.kind == LOOP_SERIAL && known && count == 1);
  if (!unroll || !known) {
    if (loop->loop.kind == LOOP_UNROLLED)
      loop->loop.kind = LOOP_SERIAL;
    return loop;
  }
  struct statement *result = NULL;
  for (int64_t i = 0; i < count; i++) {
    struct statement *copy = i + 1 < count
                                 ? statement_clone(pool, loop->loop.body)
                                 : loop->loop.body;
    struct substitution substitution = {
        loop->loop.variable,
        simplify(pool, expr_add(pool, loop->loop.minimum,
                                expr_index(pool, i)))};
    statement_substitute(pool, copy, &substitution, 1);
    result = statement_append(result, copy);
  }
  return result;
}

static struct statement *prune_branch(struct statement *branch) {
  branch->next = NULL;
  if (expr_is_value(branch->branch.condition, 1))
    return branch->branch.then_body;
  if (expr_is_value(branch->branch.condition, 0))
    return branch->branch.else_body;
  if (!branch->branch.then_body && !branch->branch.else_body)
    return NULL;
  return branch;
}

static struct statement *unroll_list(struct lowering *lowering,
                                     struct statement *list) {
  struct statement *result = NULL, *last = NULL;
  for (struct statement *s = list, *next; s; s = next) {
    next = s->next;
    s->next = NULL;
    if (s->kind == STATEMENT_FOR) {
      s = unroll_loop(lowering, s);
    } else if (s->kind == STATEMENT_IF) {
      s->branch.then_body = unroll_list(lowering, s->branch.then_body);
      s->branch.else_body = unroll_list(lowering, s->branch.else_body);
    }
    if (!s)
      continue;
    if (last)
      last->next = s;
    else
      result = s;
    for (last = s; last->next;)
      last = last->next;
  }
  return result;
}

static struct statement *prune_list(struct statement *list) {
  struct statement *result = NULL, *last = NULL;
  for (struct statement *s = list, *next; s; s = next) {
    next = s->next;
    s->next = NULL;
    if (s->kind == STATEMENT_FOR) {
      s->loop.body = prune_list(s->loop.body);
      if (!s->loop.body)
        continue;
    } else if (s->kind == STATEMENT_IF) {
      s->branch.then_body = prune_list(s->branch.then_body);
      s->branch.else_body = prune_list(s->branch.else_body);
      s = prune_branch(s);
    }
    if (!s)
      continue;
    if (last)
      last->next = s;
    else
      result = s;
    for (last = s; last->next;)
      last = last->next;
  }
  return result;
}

void lower_unroll(struct lowering *lowering) {
  struct function *function = lowering->function;
  function->body = unroll_list(lowering, function->body);
  statement_map_exprs(function->body, simplify_one, lowering);
  function->body = prune_list(function->body);
}
