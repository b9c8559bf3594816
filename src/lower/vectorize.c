/* SPDX-License-Identifier: Apache-2.0 */
/* Vectorized loops become vector operations: every expression that depends on
 * the loop's variable gets as many lanes as the loop has iterations. A load or
 * store whose offset grows by one per iteration is of consecutive elements;
 * any other is a gather or scatter. Where lanes would have to differ in control
 * flow, or add up into one element, the loop stays serial. */
#include "base/map.h"
#include "ir/simplify.h"
#include "lower/steps.h"

struct widening {
  struct lowering *lowering;
  const struct variable *variable;
  const struct expr *minimum;
  uint16_t lanes;
  struct map done; /* expr id + 1 to widened */
};

static bool depends(const struct widening *w, const struct expr *e) {
  return expr_uses_variable(w->lowering->pool, e, w->variable);
}

/* offset(v + 1) - offset(v), when it is the same number for every v. */
static bool stride_of(const struct widening *w, const struct expr *offset,
                      int64_t *out) {
  struct expr_pool *pool = w->lowering->pool;
  struct substitution step = {
      w->variable,
      expr_add(pool, expr_variable(pool, w->variable), expr_index(pool, 1))};
  return expr_get_integer(
      simplify(pool,
               expr_sub(pool, expr_substitute(pool, offset, &step, 1), offset)),
      out);
}

static const struct expr *at_start(const struct widening *w,
                                   const struct expr *e) {
  struct substitution start = {w->variable, w->minimum};
  return simplify(w->lowering->pool,
                  expr_substitute(w->lowering->pool, e, &start, 1));
}

static const struct expr *widen(struct widening *w, const struct expr *e);

static const struct expr *full(struct widening *w, const struct expr *e) {
  return e->lanes == w->lanes ? e
                              : expr_broadcast(w->lowering->pool, e, w->lanes);
}

static const struct expr *widen_load(struct widening *w, const struct expr *e) {
  int64_t stride;
  const struct expr *offset = e->args[0];
  if (stride_of(w, offset, &stride) && stride == 1)
    return expr_load_lanes(w->lowering->pool, e->buffer, at_start(w, offset),
                           w->lanes);
  offset = full(w, widen(w, offset));
  return expr_load(w->lowering->pool, e->buffer, &offset, 1);
}

static const struct expr *widen_node(struct widening *w, const struct expr *e) {
  struct expr_pool *pool = w->lowering->pool;
  if (e->kind == EXPR_VARIABLE)
    return expr_ramp(pool, w->minimum, expr_index(pool, 1), w->lanes);
  if (e->kind == EXPR_LOAD)
    return widen_load(w, e);
  const struct expr *args[3];
  check(e->arg_count <= 3);
  for (size_t i = 0; i < e->arg_count; i++)
    args[i] = widen(w, e->args[i]);
  /* A condition that is the same for all lanes stays scalar. */
  size_t first = e->kind == EXPR_SELECT && args[0]->lanes == 1 ? 1 : 0;
  for (size_t i = first; i < e->arg_count; i++)
    args[i] = full(w, args[i]);
  return expr_with_args(pool, e, args);
}

static const struct expr *widen(struct widening *w, const struct expr *e) {
  if (!depends(w, e))
    return e;
  const struct expr *known = map_get_key(&w->done, (uint64_t)e->id + 1);
  if (known)
    return known;
  const struct expr *made = widen_node(w, e);
  map_set_key(&w->done, (uint64_t)e->id + 1, (void *)(uintptr_t)made);
  return made;
}

/* ---- Statements ---------------------------------------------------------- */
static bool can_widen(const struct widening *w, const struct statement *list) {
  for (const struct statement *s = list; s; s = s->next) {
    switch (s->kind) {
    case STATEMENT_FOR:
      if (depends(w, s->loop.extent) || depends(w, s->loop.minimum) ||
          s->loop.kind == LOOP_VECTORIZED || !can_widen(w, s->loop.body))
        return false;
      break;
    case STATEMENT_IF:
      if (depends(w, s->branch.condition) ||
          !can_widen(w, s->branch.then_body) ||
          !can_widen(w, s->branch.else_body))
        return false;
      break;
    case STATEMENT_STORE:
      if (!depends(w, s->store.indices[0]) || s->store.value->lanes != 1)
        return false; /* the latter: an inner loop is a vector already */
      break;
    case STATEMENT_BLOCK:
    case STATEMENT_SET:
    case STATEMENT_PREFETCH:
    case STATEMENT_BARRIER:
      return false;
    }
  }
  return true;
}

static void widen_list(struct widening *w, struct statement *list) {
  for (struct statement *s = list; s; s = s->next) {
    if (s->kind == STATEMENT_FOR) {
      widen_list(w, s->loop.body);
    } else if (s->kind == STATEMENT_IF) {
      widen_list(w, s->branch.then_body);
      widen_list(w, s->branch.else_body);
    } else {
      int64_t stride;
      s->store.value = full(w, widen(w, s->store.value));
      const struct expr *offset = s->store.indices[0];
      s->store.indices[0] = stride_of(w, offset, &stride) && stride == 1
                                ? at_start(w, offset)
                                : full(w, widen(w, offset));
    }
  }
}

static void vectorize_list(struct lowering *lowering, struct statement **head) {
  for (struct statement **link = head; *link; link = &(*link)->next) {
    struct statement *s = *link;
    if (s->kind == STATEMENT_IF) {
      vectorize_list(lowering, &s->branch.then_body);
      vectorize_list(lowering, &s->branch.else_body);
    }
    if (s->kind != STATEMENT_FOR)
      continue;
    vectorize_list(lowering, &s->loop.body);
    int64_t lanes;
    if (s->loop.kind != LOOP_VECTORIZED)
      continue;
    s->loop.kind = LOOP_SERIAL;
    struct widening w = {.lowering = lowering,
                         .variable = s->loop.variable,
                         .minimum = s->loop.minimum};
    if (!expr_get_integer(s->loop.extent, &lanes) || lanes > 1024 ||
        !can_widen(&w, s->loop.body))
      continue;
    w.lanes = (uint16_t)lanes;
    map_init(&w.done, lowering->arena);
    if (lanes > 1)
      widen_list(&w, s->loop.body);
    else
      statement_substitute(lowering->pool, s->loop.body,
                           &(struct substitution){w.variable, w.minimum}, 1);
    *link = statement_append(s->loop.body, s->next);
    while ((*link)->next != s->next)
      link = &(*link)->next;
  }
}

void lower_vectorize(struct lowering *lowering) {
  vectorize_list(lowering, &lowering->function->body);
}
