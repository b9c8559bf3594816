/* SPDX-License-Identifier: Apache-2.0 */
/* Partition: a loop over tiles whose last tile may be partial.
 *
 *   for o in [0, ceil(B/F)):  … if (o*F + i < B) body(o*F + i)
 * becomes
 *   for o in [0, B/F):        … body(o*F + i)            (no condition)
 * followed, with r = B mod F, by
 *   constant r:  … for i in [0, r): body(B/F*F + i)
 *   open r:      for each power of two w < F, falling:
 *                  if (bit w of r) … for i in [0, w): body(B/F*F + (r without
 *                                               the bits up to w) + i)
 * So every piece of code has tiles of constant width. Local buffers that only
 * the loop's body uses are made anew for each piece, since their sizes differ.
 * Where the condition is that of a select, which chooses a value for what is
 * past the bound, the partial tile keeps it, and its width.
 */
#include <string.h>

#include "ir/simplify.h"
#include "lower/steps.h"

/* The condition `o*factor + d < bound` with 0 <= d < factor, where d steps with
 * a loop inside that over o. */
struct tail {
  struct lowering *lowering;
  const struct variable *outer;
  int64_t factor;
  const struct expr *bound;
  VEC(const struct variable *) inside; /* loops inside */
};

static void collect_inside(void *context, struct statement *statement) {
  struct tail *tail = context;
  if (statement->kind == STATEMENT_FOR)
    vec_push(tail->lowering->arena, &tail->inside, statement->loop.variable);
}
static struct tail tail_of(struct lowering *lowering,
                           const struct statement *loop) {
  struct tail tail = {.lowering = lowering, .outer = loop->loop.variable};
  statement_walk(loop->loop.body, collect_inside, &tail);
  return tail;
}

/* A loop inside whose steps are steps of d, or NULL: by it a partial tile that
 * starts within the tile is moved there. */
static const struct variable *unit_variable(const struct tail *tail,
                                            const struct expr *inner) {
  struct expr_pool *pool = tail->lowering->pool;
  for (size_t i = 0; i < tail->inside.count; i++) {
    const struct variable *v = tail->inside.data[i];
    struct substitution step = {
        v, expr_add(pool, expr_variable(pool, v), expr_index(pool, 1))};
    if (expr_uses_variable(pool, inner, v) &&
        expr_is_value(
            simplify(
                pool,
                expr_sub(pool, expr_substitute(pool, inner, &step, 1), inner)),
            1))
      return v;
  }
  return NULL;
}

/* Whether e is such a condition; *inner gets d. */
static bool tail_matches(const struct tail *tail, const struct expr *e,
                         int64_t *factor, const struct expr **bound,
                         const struct expr **inner) {
  struct expr_pool *pool = tail->lowering->pool;
  if (e->kind != EXPR_LESS || e->args[0]->dtype != ADZE_I64 ||
      !expr_uses_variable(pool, e->args[0], tail->outer) ||
      expr_uses_variable(pool, e->args[1], tail->outer))
    return false;
  const struct expr *o = expr_variable(pool, tail->outer);
  const struct expr *next = expr_add(pool, o, expr_index(pool, 1));
  struct substitution step = {tail->outer, next};
  /* Loops that were fused: (f mod E)*4 with f < E. */
  const struct expr *position = simplify(pool, e->args[0]);
  const struct expr *difference =
      simplify(pool, expr_sub(pool, expr_substitute(pool, position, &step, 1),
                              position));
  if (!expr_get_integer(difference, factor) || *factor < 1)
    return false;
  *inner =
      simplify(pool, expr_sub(pool, position, expr_mul(pool, o, difference)));
  struct interval range = simplify_interval(pool, *inner);
  *bound = e->args[1];
  return range.minimum >= 0 && range.maximum < *factor &&
         (*factor == 1 || unit_variable(tail, *inner));
}

static void find_in_condition(struct tail *tail, const struct expr *e) {
  if (e->kind == EXPR_AND) {
    find_in_condition(tail, e->args[0]);
    find_in_condition(tail, e->args[1]);
    return;
  }
  int64_t factor;
  const struct expr *bound, *inner;
  if (!tail->bound && tail_matches(tail, e, &factor, &bound, &inner)) {
    tail->factor = factor;
    tail->bound = bound;
  }
}
static void find_condition(void *context, struct statement *statement) {
  if (statement->kind == STATEMENT_IF)
    find_in_condition(context, statement->branch.condition);
}

/* ---- Rewriting one copy ------------------------------------------------- */
/* In a copy the condition holds for d < width; loops over d shrink to it. */
struct copy {
  const struct tail *tail;
  int64_t width;            /* factor: a full tile */
  const struct expr *begin; /* in the tile; NULL: 0 */
};

static const struct expr *drop_condition(const struct copy *copy,
                                         const struct expr *e) {
  struct expr_pool *pool = copy->tail->lowering->pool;
  if (e->kind == EXPR_AND)
    return expr_and(pool, drop_condition(copy, e->args[0]),
                    drop_condition(copy, e->args[1]));
  int64_t factor;
  const struct expr *bound, *inner;
  if (!tail_matches(copy->tail, e, &factor, &bound, &inner) ||
      factor != copy->tail->factor || bound != copy->tail->bound)
    return e;
  if (copy->width == factor || inner->kind == EXPR_VARIABLE)
    return expr_bool(pool, true);
  /* The loops over d will start at `begin`. */
  if (copy->begin)
    inner = expr_sub(pool, inner, copy->begin);
  return expr_less(pool, inner, expr_index(pool, copy->width));
}

struct inner_search {
  const struct copy *copy;
  VEC(const struct variable *) variables; /* that are d */
  VEC(const struct variable *) moved;     /* the unit variables of d */
};
static void collect_inner(struct inner_search *search, const struct expr *e) {
  if (e->kind == EXPR_AND) {
    collect_inner(search, e->args[0]);
    collect_inner(search, e->args[1]);
    return;
  }
  int64_t factor;
  const struct expr *bound, *inner;
  const struct tail *tail = search->copy->tail;
  if (!tail_matches(tail, e, &factor, &bound, &inner) ||
      factor != tail->factor || bound != tail->bound)
    return;
  const struct variable *unit = unit_variable(tail, inner);
  for (size_t i = 0; i < search->moved.count; i++)
    if (search->moved.data[i] == unit)
      return;
  if (unit)
    vec_push(tail->lowering->arena, &search->moved, unit);
  if (inner->kind == EXPR_VARIABLE)
    vec_push(tail->lowering->arena, &search->variables, unit);
}
static void collect_visit(void *context, struct statement *statement) {
  if (statement->kind == STATEMENT_IF)
    collect_inner(context, statement->branch.condition);
}
static void shrink_visit(void *context, struct statement *statement) {
  struct inner_search *search = context;
  if (statement->kind != STATEMENT_FOR)
    return;
  for (size_t i = 0; i < search->variables.count; i++)
    if (search->variables.data[i] == statement->loop.variable)
      statement->loop.extent =
          expr_index(search->copy->tail->lowering->pool, search->copy->width);
}

static struct statement *drop_conditions(const struct copy *copy,
                                         struct statement *list) {
  struct statement *result = NULL;
  for (struct statement *s = list, *next; s; s = next) {
    next = s->next;
    s->next = NULL;
    if (s->kind == STATEMENT_FOR) {
      s->loop.body = drop_conditions(copy, s->loop.body);
    } else if (s->kind == STATEMENT_IF) {
      s->branch.then_body = drop_conditions(copy, s->branch.then_body);
      s->branch.else_body = drop_conditions(copy, s->branch.else_body);
      s->branch.condition = drop_condition(copy, s->branch.condition);
      if (expr_is_value(s->branch.condition, 1))
        s = s->branch.then_body;
    }
    result = statement_append(result, s);
  }
  return result;
}

/* A partial tile whose d is itself outer*c + inner: the loop over `outer` is
 * partitioned in turn. */
struct marking {
  const struct copy *copy;
  const struct expr *inner;
};
static void mark_visit(void *context, struct statement *statement) {
  const struct marking *marking = context;
  struct expr_pool *pool = marking->copy->tail->lowering->pool;
  int64_t stride;
  if (statement->kind != STATEMENT_FOR ||
      !expr_uses_variable(pool, marking->inner, statement->loop.variable))
    return;
  struct substitution step = {
      statement->loop.variable,
      expr_add(pool, expr_variable(pool, statement->loop.variable),
               expr_index(pool, 1))};
  const struct expr *next = expr_substitute(pool, marking->inner, &step, 1);
  if (expr_get_integer(simplify(pool, expr_sub(pool, next, marking->inner)),
                       &stride) &&
      stride > 1)
    statement->loop.partition = true;
}
static void mark_condition(const struct copy *copy, const struct expr *e,
                           struct statement *body) {
  int64_t factor;
  const struct expr *bound, *inner;
  if (e->kind == EXPR_AND) {
    mark_condition(copy, e->args[0], body);
    mark_condition(copy, e->args[1], body);
  } else if (tail_matches(copy->tail, e, &factor, &bound, &inner) &&
             factor == copy->tail->factor && bound == copy->tail->bound &&
             inner->kind != EXPR_VARIABLE) {
    struct marking marking = {copy, inner};
    statement_walk(body, mark_visit, &marking);
  }
}
struct mark_context {
  const struct copy *copy;
  struct statement *body;
};
static void mark_branch(void *context, struct statement *statement) {
  struct mark_context *mark = context;
  if (statement->kind == STATEMENT_IF)
    mark_condition(mark->copy, statement->branch.condition, mark->body);
}

/* Variables keep extents of their own, which simplify uses: a shrunk loop gets
 * a fresh variable. */
static void refresh_variables(struct lowering *lowering,
                              struct statement *list) {
  for (struct statement *s = list; s; s = s->next) {
    if (s->kind == STATEMENT_FOR) {
      if (s->loop.variable->extent != s->loop.extent &&
          expr_is_value(s->loop.minimum, 0)) {
        struct variable *fresh = variable_new(
            lowering->pool, s->loop.variable->name, s->loop.extent);
        struct substitution substitution = {
            s->loop.variable, expr_variable(lowering->pool, fresh)};
        statement_substitute(lowering->pool, s->loop.body, &substitution, 1);
        s->loop.variable = fresh;
      }
      refresh_variables(lowering, s->loop.body);
    } else if (s->kind == STATEMENT_IF) {
      refresh_variables(lowering, s->branch.then_body);
      refresh_variables(lowering, s->branch.else_body);
    }
  }
}

/* ---- Local buffers of a copy -------------------------------------------- */
struct buffer_use {
  struct expr_pool *pool;
  const struct buffer *buffer;
  size_t count;
};
static const struct expr *count_use(void *context, const struct expr *e) {
  struct buffer_use *use = context;
  use->count += expr_uses_buffer(use->pool, e, use->buffer);
  return e;
}
static void count_store(void *context, struct statement *statement) {
  struct buffer_use *use = context;
  if (statement->kind == STATEMENT_STORE &&
      statement->store.buffer == use->buffer)
    use->count++;
}
static size_t uses_of(struct lowering *lowering, const struct buffer *buffer,
                      struct statement *list) {
  struct buffer_use use = {lowering->pool, buffer, 0};
  statement_map_exprs(list, count_use, &use);
  statement_walk(list, count_store, &use);
  return use.count;
}

struct renaming {
  struct expr_pool *pool;
  struct buffer *from, *to;
};
static const struct expr *rename_load(void *context, const struct expr *node) {
  struct renaming *renaming = context;
  if (node->kind != EXPR_LOAD || node->buffer != renaming->from)
    return node;
  return expr_load(renaming->pool, renaming->to, node->args, node->arg_count);
}
static const struct expr *rename_in(void *context, const struct expr *e) {
  struct renaming *renaming = context;
  return expr_map(renaming->pool, e, rename_load, renaming);
}
static void rename_store(void *context, struct statement *statement) {
  struct renaming *renaming = context;
  if (statement->kind == STATEMENT_STORE &&
      statement->store.buffer == renaming->from)
    statement->store.buffer = renaming->to;
}

static void fresh_buffers(struct lowering *lowering, struct statement *copy,
                          struct buffer *const *owned, size_t count) {
  for (size_t i = 0; i < count; i++) {
    struct buffer *fresh = ARENA_NEW(lowering->arena, struct buffer);
    struct buffer *plain =
        buffer_new(lowering->pool, owned[i]->name, owned[i]->dtype,
                   owned[i]->scope, owned[i]->shape, owned[i]->rank);
    *fresh = *owned[i];
    fresh->id = plain->id;
    fresh->name = arena_printf(lowering->arena, "%s_%u", owned[i]->name,
                               (unsigned)plain->id);
    vec_push(lowering->arena, &lowering->function->buffers, fresh);
    struct renaming renaming = {lowering->pool, owned[i], fresh};
    statement_map_exprs(copy, rename_in, &renaming);
    statement_walk(copy, rename_store, &renaming);
  }
}

/* ---- One loop ----------------------------------------------------------- */
/* The loop's statement copied, without conditions of tiles `width` wide; loops
 * over d run over [0, width), and start at `begin` in the tile (NULL: 0). */
static struct statement *make_copy(const struct tail *tail,
                                   const struct statement *loop, int64_t width,
                                   const struct expr *begin) {
  struct expr_pool *pool = tail->lowering->pool;
  struct statement alone = *loop;
  alone.next = NULL;
  struct statement *copy = statement_clone(pool, &alone);
  struct tail own = tail_of(tail->lowering, copy);
  own.factor = tail->factor;
  own.bound = tail->bound;
  struct copy rewriting = {&own, width, begin};
  struct inner_search search = {.copy = &rewriting};
  statement_walk(copy->loop.body, collect_visit, &search);
  if (width != tail->factor) {
    struct mark_context mark = {&rewriting, copy->loop.body};
    statement_walk(copy->loop.body, mark_branch, &mark);
  }
  copy->loop.body = drop_conditions(&rewriting, copy->loop.body);
  copy->loop.partition = false;
  if (width == tail->factor)
    return copy;
  statement_walk(copy->loop.body, shrink_visit, &search);
  if (!begin)
    return copy;
  for (size_t i = 0; i < search.moved.count; i++) {
    const struct variable *v = search.moved.data[i];
    struct substitution shift = {v,
                                 expr_add(pool, expr_variable(pool, v), begin)};
    statement_substitute(pool, copy->loop.body, &shift, 1);
  }
  return copy;
}

/* The body for the tile after the last full one. */
static struct statement *partial_tile(const struct tail *tail,
                                      const struct statement *loop,
                                      const struct expr *tiles, int64_t width,
                                      const struct expr *begin) {
  struct expr_pool *pool = tail->lowering->pool;
  struct statement *copy = make_copy(tail, loop, width, begin);
  struct substitution outer = {copy->loop.variable, tiles};
  statement_substitute(pool, copy->loop.body, &outer, 1);
  return copy->loop.body;
}

static void partition_list(struct lowering *lowering, struct statement **head);

/* A loop of one step, at `begin`: under a name, it cancels out wherever offsets
 * within the tile are subtracted. Unrolling puts the expression there. */
static struct statement *start_at(struct lowering *lowering,
                                  const struct expr *begin) {
  struct variable *start = variable_new(lowering->pool, "start", NULL);
  struct interval range = simplify_interval(lowering->pool, begin);
  start->minimum = range.minimum;
  start->maximum = range.maximum;
  struct statement *loop = statement_new(lowering->pool, STATEMENT_FOR);
  loop->loop.variable = start;
  loop->loop.minimum = begin;
  loop->loop.extent = expr_index(lowering->pool, 1);
  loop->loop.kind = LOOP_UNROLLED;
  return loop;
}

static struct statement *ladder(const struct tail *tail,
                                const struct statement *loop,
                                const struct expr *tiles,
                                const struct expr *rest,
                                struct buffer *const *owned, size_t count) {
  struct lowering *lowering = tail->lowering;
  struct expr_pool *pool = lowering->pool;
  struct statement *list = NULL;
  int64_t width = 1;
  while (width * 2 < tail->factor)
    width *= 2;
  for (; width >= 1; width /= 2) {
    const struct expr *size = expr_index(pool, width);
    const struct expr *twice = expr_index(pool, width * 2);
    const struct expr *begin =
        expr_mul(pool, expr_floor_div(pool, rest, twice), twice);
    struct statement *branch = statement_new(pool, STATEMENT_IF);
    branch->branch.condition =
        expr_equal(pool,
                   expr_floor_mod(pool, expr_floor_div(pool, rest, size),
                                  expr_index(pool, 2)),
                   expr_index(pool, 1));
    struct statement *start = start_at(lowering, simplify(pool, begin));
    start->loop.body = partial_tile(tail, loop, tiles, width,
                                    expr_variable(pool, start->loop.variable));
    fresh_buffers(lowering, start->loop.body, owned, count);
    refresh_variables(lowering, start->loop.body);
    partition_list(lowering, &start->loop.body);
    branch->branch.then_body = start;
    list = statement_append(list, branch);
  }
  return list;
}

/* Local buffers that only the loop's body uses. */
static size_t owned_buffers(struct lowering *lowering, struct statement *loop,
                            struct buffer **owned, size_t capacity) {
  size_t count = 0;
  struct function *function = lowering->function;
  struct statement *body = loop->loop.body;
  for (size_t i = 0; i < function->buffers.count && count < capacity; i++) {
    struct buffer *buffer = function->buffers.data[i];
    size_t inside = uses_of(lowering, buffer, body);
    if (inside && inside == uses_of(lowering, buffer, function->body))
      owned[count++] = buffer;
  }
  return count;
}

/* The partial tile of a parallel loop is one worker's: a parallel loop of one
 * iteration. */
static struct statement *as_parallel(struct lowering *lowering,
                                     const struct statement *loop,
                                     struct statement *partial) {
  if (loop->loop.kind != LOOP_PARALLEL)
    return partial;
  struct variable *once =
      variable_new(lowering->pool, "last", expr_index(lowering->pool, 1));
  return statement_for(lowering->pool, once, LOOP_PARALLEL, partial);
}

static struct statement *split_tail(struct tail *tail, struct statement *loop) {
  struct lowering *lowering = tail->lowering;
  struct expr_pool *pool = lowering->pool;
  struct buffer *owned[32];
  size_t owned_count = owned_buffers(lowering, loop, owned, ARRAY_COUNT(owned));
  const struct expr *factor = expr_index(pool, tail->factor);
  const struct expr *tiles =
      simplify(pool, expr_floor_div(pool, tail->bound, factor));
  const struct expr *rest =
      simplify(pool, expr_floor_mod(pool, tail->bound, factor));
  int64_t width;
  struct statement *list = NULL;
  if (!expr_is_value(tiles, 0)) {
    list = make_copy(tail, loop, tail->factor, NULL);
    list->loop.extent = tiles;
    fresh_buffers(lowering, list, owned, owned_count);
    refresh_variables(lowering, list);
  }
  if (!expr_get_integer(rest, &width)) {
    struct statement *steps =
        ladder(tail, loop, tiles, rest, owned, owned_count);
    list = statement_append(list, as_parallel(lowering, loop, steps));
  } else if (width > 0) {
    struct statement *partial = partial_tile(tail, loop, tiles, width, NULL);
    fresh_buffers(lowering, partial, owned, owned_count);
    refresh_variables(lowering, partial);
    partition_list(lowering, &partial);
    list = statement_append(list, as_parallel(lowering, loop, partial));
  }
  return list;
}

/* ---- Conditions of selects ---------------------------------------------- */
static void find_select(void *context, const struct expr *node) {
  if (node->kind == EXPR_SELECT && node->lanes == 1)
    find_in_condition(context, node->args[0]);
}
static void find_in_store(void *context, struct statement *statement) {
  struct tail *tail = context;
  if (statement->kind == STATEMENT_STORE && !tail->bound)
    expr_walk(tail->lowering->pool, statement->store.value, find_select, tail);
}

/* Unlike a branch, a select does something in the tiles past its bound, so
 * there must be none. */
static bool ends_at_bound(const struct tail *tail,
                          const struct statement *loop) {
  struct expr_pool *pool = tail->lowering->pool;
  const struct expr *tiles =
      expr_ceil_div(pool, tail->bound, expr_index(pool, tail->factor));
  return simplify(pool, loop->loop.extent) == simplify(pool, tiles);
}

static const struct expr *drop_select(void *context, const struct expr *node) {
  const struct copy *copy = context;
  if (node->kind != EXPR_SELECT)
    return node;
  return expr_select(copy->tail->lowering->pool,
                     drop_condition(copy, node->args[0]), node->args[1],
                     node->args[2]);
}
static void drop_in_store(void *context, struct statement *statement) {
  const struct copy *copy = context;
  if (statement->kind == STATEMENT_STORE)
    statement->store.value =
        expr_map(copy->tail->lowering->pool, statement->store.value,
                 drop_select, context);
}

/* Full tiles without the condition, then one that has it. */
static struct statement *split_select(struct tail *tail,
                                      struct statement *loop) {
  struct lowering *lowering = tail->lowering;
  struct expr_pool *pool = lowering->pool;
  struct buffer *owned[32];
  size_t count = owned_buffers(lowering, loop, owned, ARRAY_COUNT(owned));
  const struct expr *factor = expr_index(pool, tail->factor);
  const struct expr *tiles =
      simplify(pool, expr_floor_div(pool, tail->bound, factor));
  const struct expr *rest =
      simplify(pool, expr_floor_mod(pool, tail->bound, factor));
  struct statement *list = NULL, *partial;
  struct copy full = {tail, tail->factor, NULL};
  if (!expr_is_value(tiles, 0)) {
    list = make_copy(tail, loop, tail->factor, NULL);
    struct tail own = tail_of(lowering, list);
    own.factor = tail->factor;
    own.bound = tail->bound;
    full.tail = &own;
    statement_walk(list->loop.body, drop_in_store, &full);
    list->loop.extent = tiles;
    fresh_buffers(lowering, list, owned, count);
    refresh_variables(lowering, list);
  }
  if (expr_is_value(rest, 0))
    return list;
  struct substitution outer = {loop->loop.variable, tiles};
  partial = statement_clone(pool, loop->loop.body);
  statement_substitute(pool, partial, &outer, 1);
  fresh_buffers(lowering, partial, owned, count);
  if (!expr_is_integer(rest)) {
    struct statement *branch = statement_new(pool, STATEMENT_IF);
    branch->branch.condition = expr_less(pool, expr_index(pool, 0), rest);
    branch->branch.then_body = partial;
    partial = branch;
  }
  return statement_append(list, as_parallel(lowering, loop, partial));
}

/* Inner loops first, so that copies of an outer one hold finished code. */
static void partition_list(struct lowering *lowering, struct statement **head) {
  for (struct statement **link = head; *link;) {
    struct statement *s = *link, *next = s->next;
    if (s->kind == STATEMENT_FOR) {
      partition_list(lowering, &s->loop.body);
    } else if (s->kind == STATEMENT_IF) {
      partition_list(lowering, &s->branch.then_body);
      partition_list(lowering, &s->branch.else_body);
    }
    if (s->kind == STATEMENT_FOR && s->loop.partition) {
      struct tail tail = tail_of(lowering, s);
      statement_walk(s->loop.body, find_condition, &tail);
      bool branches = tail.bound != NULL;
      if (!branches)
        statement_walk(s->loop.body, find_in_store, &tail);
      if (tail.bound && (branches || ends_at_bound(&tail, s))) {
        struct statement *made =
            branches ? split_tail(&tail, s) : split_select(&tail, s);
        *link = statement_append(made, next);
        while (*link != next)
          link = &(*link)->next;
        continue;
      }
      s->loop.partition = false;
    }
    link = &s->next;
  }
}

static void drop_unused_buffers(struct lowering *lowering) {
  struct function *function = lowering->function;
  size_t kept = 0;
  for (size_t i = 0; i < function->buffers.count; i++)
    if (uses_of(lowering, function->buffers.data[i], function->body))
      function->buffers.data[kept++] = function->buffers.data[i];
  function->buffers.count = kept;
}

void lower_partition(struct lowering *lowering) {
  partition_list(lowering, &lowering->function->body);
  drop_unused_buffers(lowering);
}
