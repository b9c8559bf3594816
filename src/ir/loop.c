/* SPDX-License-Identifier: Apache-2.0 */
/* Making loop IR: buffers, statements, functions.
 *
 * Statements are mutable and live in the pool's arena; the expressions in them
 * are shared and immutable, so a clone copies statements only and renames the
 * loop variables that the copied tree binds (two loops never share a variable:
 * primitives rely on the variable to name the loop).
 */
#include "ir/loop.h"

#include "ir/simplify.h"

/* ---- Buffers ------------------------------------------------------------ */

void buffer_lay_out(struct expr_pool *pool, struct buffer *buffer) {
  buffer->offset = expr_index(pool, 0);
  buffer->size = expr_index(pool, 1);
  for (size_t i = buffer->rank; i-- > 0;) {
    int64_t before = buffer->halo_before[i], after = buffer->halo_after[i];
    buffer->strides[i] = buffer->size;
    buffer->offset =
        expr_add(pool, buffer->offset,
                 expr_mul(pool, expr_index(pool, before), buffer->size));
    const struct expr *pitch =
        expr_add(pool, buffer->shape[i], expr_index(pool, before + after));
    buffer->size = simplify(pool, expr_mul(pool, pitch, buffer->size));
  }
  buffer->offset = simplify(pool, buffer->offset);
}

struct buffer *buffer_new_halo(struct expr_pool *pool, const char *name,
                               enum adze_dtype dtype, enum buffer_scope scope,
                               const struct expr *const *shape, size_t rank,
                               const int64_t *before, const int64_t *after) {
  check(rank <= LOOP_MAX_RANK);
  struct arena *arena = expr_pool_arena(pool);
  struct buffer *buffer = ARENA_NEW(arena, struct buffer);
  buffer->name = arena_strdup(arena, name);
  buffer->id = expr_pool_buffer_id(pool);
  buffer->dtype = dtype;
  buffer->scope = scope;
  buffer->rank = rank;
  for (size_t i = 0; i < rank; i++) {
    check(before[i] >= 0 && after[i] >= 0);
    buffer->shape[i] = shape[i];
    buffer->halo_before[i] = before[i];
    buffer->halo_after[i] = after[i];
  }
  buffer_lay_out(pool, buffer);
  return buffer;
}

struct buffer *buffer_new(struct expr_pool *pool, const char *name,
                          enum adze_dtype dtype, enum buffer_scope scope,
                          const struct expr *const *shape, size_t rank) {
  static const int64_t none[LOOP_MAX_RANK];
  return buffer_new_halo(pool, name, dtype, scope, shape, rank, none, none);
}

const struct expr *buffer_element(struct expr_pool *pool,
                                  const struct buffer *buffer,
                                  const struct expr *const *indices) {
  const struct expr *sum = buffer->offset;
  for (size_t i = 0; i < buffer->rank; i++)
    sum = expr_add(pool, sum, expr_mul(pool, indices[i], buffer->strides[i]));
  return simplify(pool, sum);
}

/* ---- Reductions --------------------------------------------------------- */

const struct expr *reduce_combine(struct expr_pool *pool, enum reduce_kind kind,
                                  const struct expr *accumulator,
                                  const struct expr *value) {
  switch (kind) {
  case REDUCE_NONE:
    return value;
  case REDUCE_SUM:
    return expr_add(pool, accumulator, value);
  case REDUCE_PRODUCT:
    return expr_mul(pool, accumulator, value);
  case REDUCE_MAX:
    return expr_max(pool, accumulator, value);
  case REDUCE_MIN:
    return expr_min(pool, accumulator, value);
  }
  unreachable();
}

const char *reduce_kind_name(enum reduce_kind kind) {
  static const char *const names[] = {"none", "sum", "product", "max", "min"};
  check((size_t)kind < ARRAY_COUNT(names));
  return names[kind];
}

/* ---- Statements --------------------------------------------------------- */

struct statement *statement_new(struct expr_pool *pool,
                                enum statement_kind kind) {
  struct statement *statement =
      ARENA_NEW(expr_pool_arena(pool), struct statement);
  statement->kind = kind;
  return statement;
}

struct statement *statement_for(struct expr_pool *pool,
                                struct variable *variable, enum loop_kind kind,
                                struct statement *body) {
  check(variable->extent != NULL);
  struct statement *statement = statement_new(pool, STATEMENT_FOR);
  statement->loop.variable = variable;
  statement->loop.minimum = expr_index(pool, 0);
  statement->loop.extent = variable->extent;
  statement->loop.kind = kind;
  statement->loop.body = body;
  return statement;
}

const struct expr *block_bind(struct expr_pool *pool,
                              const struct statement *block,
                              const struct expr *e) {
  struct substitution bindings[LOOP_MAX_RANK * 2];
  const struct stage *stage = block->block.stage;
  size_t count = 0;
  for (size_t i = 0; i < stage->axis_count; i++)
    bindings[count++] =
        (struct substitution){stage->axes[i], block->block.axes[i]};
  for (size_t i = 0; i < stage->reduction_count; i++)
    bindings[count++] =
        (struct substitution){stage->reductions[i], block->block.reductions[i]};
  return expr_substitute(pool, e, bindings, count);
}

struct statement *statement_append(struct statement *list,
                                   struct statement *tail) {
  if (list == NULL)
    return tail;
  struct statement *last = list;
  while (last->next != NULL)
    last = last->next;
  last->next = tail;
  return list;
}

void statement_walk(struct statement *list,
                    void (*visit)(void *context, struct statement *statement),
                    void *context) {
  for (struct statement *s = list; s != NULL; s = s->next) {
    visit(context, s);
    if (s->kind == STATEMENT_FOR) {
      statement_walk(s->loop.body, visit, context);
    } else if (s->kind == STATEMENT_IF) {
      statement_walk(s->branch.then_body, visit, context);
      statement_walk(s->branch.else_body, visit, context);
    }
  }
}

/* ---- Substitution and cloning ------------------------------------------- */

struct renaming {
  struct expr_pool *pool;
  VEC(struct substitution) list;
};

static const struct expr *renamed(const struct renaming *renaming,
                                  const struct expr *e) {
  if (e == NULL || renaming->list.count == 0)
    return e;
  return expr_substitute(renaming->pool, e, renaming->list.data,
                         renaming->list.count);
}

/* Rewrites the expressions of one statement, not of those below it. */
static void rename_own(const struct renaming *renaming, struct statement *s) {
  switch (s->kind) {
  case STATEMENT_FOR:
    s->loop.minimum = renamed(renaming, s->loop.minimum);
    s->loop.extent = renamed(renaming, s->loop.extent);
    return;
  case STATEMENT_IF:
    s->branch.condition = renamed(renaming, s->branch.condition);
    return;
  case STATEMENT_BLOCK:
    for (size_t i = 0; i < s->block.stage->axis_count; i++)
      s->block.axes[i] = renamed(renaming, s->block.axes[i]);
    for (size_t i = 0; i < s->block.stage->reduction_count; i++)
      s->block.reductions[i] = renamed(renaming, s->block.reductions[i]);
    s->block.predicate = renamed(renaming, s->block.predicate);
    return;
  case STATEMENT_STORE:
    for (size_t i = 0; i < s->store.index_count; i++)
      s->store.indices[i] = renamed(renaming, s->store.indices[i]);
    s->store.value = renamed(renaming, s->store.value);
    return;
  case STATEMENT_SET:
    s->set.value = renamed(renaming, s->set.value);
    return;
  case STATEMENT_PREFETCH:
    s->prefetch.offset = renamed(renaming, s->prefetch.offset);
    return;
  case STATEMENT_BARRIER:
    return;
  }
  unreachable();
}

static void substitute_visit(void *context, struct statement *s) {
  const struct renaming *renaming = context;
  rename_own(renaming, s);
  if (s->kind == STATEMENT_FOR && s->loop.variable->extent != NULL)
    s->loop.variable->extent = renamed(renaming, s->loop.variable->extent);
}

void statement_substitute(struct expr_pool *pool, struct statement *list,
                          const struct substitution *substitutions,
                          size_t count) {
  struct renaming renaming = {.pool = pool};
  for (size_t i = 0; i < count; i++)
    vec_push(expr_pool_arena(pool), &renaming.list, substitutions[i]);
  statement_walk(list, substitute_visit, &renaming);
}

static struct statement *clone_list(struct renaming *renaming,
                                    const struct statement *list);

static void clone_loop(struct renaming *renaming, struct statement *copy,
                       const struct statement *original) {
  struct expr_pool *pool = renaming->pool;
  const struct variable *old = original->loop.variable;
  struct variable *fresh =
      variable_new(pool, old->name, renamed(renaming, old->extent));
  fresh->minimum = old->minimum;
  fresh->maximum = old->maximum;
  copy->loop.variable = fresh;
  size_t outer = renaming->list.count;
  struct substitution pair = {old, expr_variable(pool, fresh)};
  vec_push(expr_pool_arena(pool), &renaming->list, pair);
  copy->loop.body = clone_list(renaming, original->loop.body);
  renaming->list.count = outer;
}

static struct statement *clone_list(struct renaming *renaming,
                                    const struct statement *list) {
  struct statement *head = NULL, **link = &head;
  for (const struct statement *s = list; s != NULL; s = s->next) {
    struct statement *copy =
        arena_copy(expr_pool_arena(renaming->pool), s, sizeof *s);
    copy->next = NULL;
    rename_own(renaming, copy);
    if (s->kind == STATEMENT_FOR) {
      clone_loop(renaming, copy, s);
    } else if (s->kind == STATEMENT_IF) {
      copy->branch.then_body = clone_list(renaming, s->branch.then_body);
      copy->branch.else_body = clone_list(renaming, s->branch.else_body);
    }
    *link = copy;
    link = &copy->next;
  }
  return head;
}

struct statement *statement_clone(struct expr_pool *pool,
                                  const struct statement *list) {
  struct renaming renaming = {.pool = pool};
  return clone_list(&renaming, list);
}

/* ---- Functions ---------------------------------------------------------- */

struct function *function_new(struct expr_pool *pool, const char *name) {
  struct arena *arena = expr_pool_arena(pool);
  struct function *function = ARENA_NEW(arena, struct function);
  function->name = arena_strdup(arena, name);
  function->pool = pool;
  return function;
}

struct local *local_new(struct function *function, const char *name,
                        enum adze_dtype dtype, uint16_t lanes) {
  struct arena *arena = expr_pool_arena(function->pool);
  struct local *local = ARENA_NEW(arena, struct local);
  local->name = arena_strdup(arena, name);
  local->id = function->local_count++;
  local->dtype = dtype;
  local->lanes = lanes;
  return local;
}
