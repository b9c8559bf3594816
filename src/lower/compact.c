/* SPDX-License-Identifier: Apache-2.0 */
/* Compaction: a local buffer needs room only for what is in use at one time.
 * All uses of the buffer lie below some innermost loop; while that loop and
 * those around it stand still, the uses touch a region, found by interval
 * arithmetic. The buffer shrinks to it, and indices lose its minimum. */
#include <string.h>

#include "ir/simplify.h"
#include "lower/steps.h"

#define MAX_DEPTH 64

struct region {
  const struct expr *minimum, *extent; /* NULL: the whole dimension */
};

struct use_search {
  struct lowering *lowering;
  struct buffer *buffer;
  const struct variable *path[MAX_DEPTH]; /* loops around the statement */
  size_t depth;
  const struct variable *common[MAX_DEPTH]; /* loops around all uses */
  size_t common_depth;
  bool has_use;
  bool measuring; /* second walk: regions instead of the common path */
  struct region regions[LOOP_MAX_RANK];
  size_t measured;
};

static void common_path(struct use_search *search) {
  if (!search->has_use) {
    memcpy(search->common, search->path, sizeof search->path);
    search->common_depth = search->depth;
    search->has_use = true;
    return;
  }
  size_t shared = 0;
  while (shared < search->common_depth && shared < search->depth &&
         search->common[shared] == search->path[shared])
    shared++;
  search->common_depth = shared;
}

static void widen(struct use_search *search, size_t dimension,
                  const struct expr *low, const struct expr *high) {
  struct expr_pool *pool = search->lowering->pool;
  struct region *region = &search->regions[dimension];
  const struct expr *extent = simplify(
      pool, expr_add(pool, expr_sub(pool, high, low), expr_index(pool, 1)));
  if (search->measured == 0) {
    *region = (struct region){low, extent};
    return;
  }
  int64_t shift, a, b;
  if (!region->minimum || (region->minimum == low && region->extent == extent))
    return;
  if (!expr_get_integer(simplify(pool, expr_sub(pool, low, region->minimum)),
                        &shift) ||
      !expr_get_integer(region->extent, &a) || !expr_get_integer(extent, &b)) {
    region->minimum = NULL;
    return;
  }
  int64_t begin = shift < 0 ? shift : 0;
  int64_t end = shift + b > a ? shift + b : a;
  region->minimum =
      simplify(pool, expr_add(pool, region->minimum, expr_index(pool, begin)));
  region->extent = expr_index(pool, end - begin);
}

static void measure(struct use_search *search,
                    const struct expr *const *indices, size_t count) {
  const struct variable *const *running = search->path + search->common_depth;
  size_t running_count = search->depth - search->common_depth;
  for (size_t i = 0; i < count; i++) {
    const struct expr *index = simplify(search->lowering->pool, indices[i]);
    const struct expr *low, *high;
    if (simplify_bounds(search->lowering->pool, index, running, running_count,
                        &low, &high))
      widen(search, i, low, high);
    else
      search->regions[i].minimum = NULL;
  }
  search->measured++;
}

static void visit_node(void *context, const struct expr *node) {
  struct use_search *search = context;
  if (node->kind != EXPR_LOAD || node->buffer != search->buffer)
    return;
  if (search->measuring)
    measure(search, node->args, node->arg_count);
  else
    common_path(search);
}

static void search_expr(struct use_search *search, const struct expr *e) {
  expr_walk(search->lowering->pool, e, visit_node, search);
}

static void search_list(struct use_search *search,
                        const struct statement *list) {
  for (const struct statement *s = list; s; s = s->next) {
    if (s->kind == STATEMENT_FOR) {
      check(search->depth < MAX_DEPTH);
      search->path[search->depth++] = s->loop.variable;
      search_list(search, s->loop.body);
      search->depth--;
    } else if (s->kind == STATEMENT_IF) {
      search_expr(search, s->branch.condition);
      search_list(search, s->branch.then_body);
      search_list(search, s->branch.else_body);
    } else if (s->kind == STATEMENT_STORE) {
      search_expr(search, s->store.value);
      if (s->store.buffer != search->buffer)
        continue;
      if (search->measuring)
        measure(search, s->store.indices, s->store.index_count);
      else
        common_path(search);
    }
  }
}

/* ---- Rewriting ----------------------------------------------------------- */
static void shift_indices(const struct use_search *search,
                          const struct expr **indices, size_t count) {
  struct expr_pool *pool = search->lowering->pool;
  for (size_t i = 0; i < count; i++)
    if (search->regions[i].minimum)
      indices[i] = simplify(
          pool, expr_sub(pool, indices[i], search->regions[i].minimum));
}

static const struct expr *shift_node(void *context, const struct expr *node) {
  struct use_search *search = context;
  if (node->kind != EXPR_LOAD || node->buffer != search->buffer)
    return node;
  const struct expr *indices[LOOP_MAX_RANK];
  memcpy(indices, node->args, node->arg_count * sizeof *indices);
  shift_indices(search, indices, node->arg_count);
  return expr_load(search->lowering->pool, node->buffer, indices,
                   node->arg_count);
}
static const struct expr *shift_expr(void *context, const struct expr *e) {
  struct use_search *search = context;
  if (!expr_uses_buffer(search->lowering->pool, e, search->buffer))
    return e;
  return expr_map(search->lowering->pool, e, shift_node, search);
}
static void shift_store(void *context, struct statement *statement) {
  struct use_search *search = context;
  if (statement->kind == STATEMENT_STORE &&
      statement->store.buffer == search->buffer)
    shift_indices(search, statement->store.indices,
                  statement->store.index_count);
}

static enum adze_status compact_buffer(struct lowering *lowering,
                                       struct buffer *buffer) {
  struct use_search search = {.lowering = lowering, .buffer = buffer};
  search_list(&search, lowering->function->body);
  search.measuring = true;
  search_list(&search, lowering->function->body);
  const struct expr *shape[LOOP_MAX_RANK];
  for (size_t i = 0; i < buffer->rank; i++) {
    shape[i] =
        search.regions[i].minimum ? search.regions[i].extent : buffer->shape[i];
    if (buffer->scope != BUFFER_WORKER && !expr_is_integer(shape[i]))
      return fail(lowering->error, ADZE_INTERNAL,
                  "%s: buffer %s needs a constant size in dimension %zu",
                  lowering->function->name, buffer->name, i);
  }
  statement_map_exprs(lowering->function->body, shift_expr, &search);
  statement_walk(lowering->function->body, shift_store, &search);
  uint32_t id = buffer->id;
  struct buffer *dense = buffer_new_halo(
      lowering->pool, buffer->name, buffer->dtype, buffer->scope, shape,
      buffer->rank, buffer->halo_before, buffer->halo_after);
  *buffer = *dense;
  buffer->id = id;
  return ADZE_OK;
}

enum adze_status lower_compact(struct lowering *lowering) {
  for (size_t i = 0; i < lowering->function->buffers.count; i++)
    TRY(compact_buffer(lowering, lowering->function->buffers.data[i]));
  return ADZE_OK;
}
