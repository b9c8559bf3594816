/* SPDX-License-Identifier: Apache-2.0 */
/* Parallel loops are split over the workers: worker w of n runs iterations
 * [w*E/n, (w+1)*E/n). Other outermost statements are worker 0's. A barrier
 * stands between outermost statements of which one writes what another uses,
 * so results do not depend on the number of workers. */
#include "ir/simplify.h"
#include "lower/steps.h"

static bool is_shared(const struct buffer *buffer) {
  return buffer->scope == BUFFER_ARGUMENT;
}

struct accesses {
  struct expr_pool *pool;
  VEC(const struct buffer *) reads, writes;
};
static void collect_node(void *context, const struct expr *node) {
  struct accesses *accesses = context;
  if (node->kind == EXPR_LOAD && is_shared(node->buffer))
    vec_push(expr_pool_arena(accesses->pool), &accesses->reads, node->buffer);
}
static const struct expr *collect_expr(void *context, const struct expr *e) {
  struct accesses *accesses = context;
  expr_walk(accesses->pool, e, collect_node, accesses);
  return e;
}
static void collect_store(void *context, struct statement *statement) {
  struct accesses *accesses = context;
  if (statement->kind == STATEMENT_STORE && is_shared(statement->store.buffer))
    vec_push(expr_pool_arena(accesses->pool), &accesses->writes,
             statement->store.buffer);
}
static struct accesses accesses_of(struct lowering *lowering,
                                   struct statement *statement) {
  struct accesses accesses = {.pool = lowering->pool};
  struct statement *next = statement->next;
  statement->next = NULL;
  statement_map_exprs(statement, collect_expr, &accesses);
  statement_walk(statement, collect_store, &accesses);
  statement->next = next;
  return accesses;
}

static bool overlap(const struct accesses *writer,
                    const struct accesses *user) {
  for (size_t i = 0; i < writer->writes.count; i++)
    for (size_t j = 0; j < user->reads.count; j++)
      if (writer->writes.data[i] == user->reads.data[j])
        return true;
  return false;
}

static struct statement *split_work(struct lowering *lowering,
                                    struct statement *s) {
  struct expr_pool *pool = lowering->pool;
  struct function *function = lowering->function;
  const struct expr *worker = expr_variable(pool, function->worker);
  const struct expr *workers = expr_variable(pool, function->workers);
  if (s->kind == STATEMENT_FOR && s->loop.kind == LOOP_PARALLEL) {
    const struct expr *extent = s->loop.extent;
    const struct expr *next = expr_add(pool, worker, expr_index(pool, 1));
    const struct expr *begin =
        expr_floor_div(pool, expr_mul(pool, extent, worker), workers);
    const struct expr *end =
        expr_floor_div(pool, expr_mul(pool, extent, next), workers);
    s->loop.minimum = begin;
    s->loop.extent = expr_sub(pool, end, begin);
    s->loop.kind = LOOP_SERIAL;
    return s;
  }
  struct statement *branch = statement_new(pool, STATEMENT_IF);
  branch->branch.condition = expr_equal(pool, worker, expr_index(pool, 0));
  branch->branch.then_body = s;
  return branch;
}

struct local_search {
  struct expr_pool *pool;
  const struct buffer *buffer;
  bool found;
};
static const struct expr *find_local_load(void *context, const struct expr *e) {
  struct local_search *search = context;
  search->found =
      search->found || expr_uses_buffer(search->pool, e, search->buffer);
  return e;
}
static void find_local_store(void *context, struct statement *statement) {
  struct local_search *search = context;
  search->found = search->found || (statement->kind == STATEMENT_STORE &&
                                    statement->store.buffer == search->buffer);
}
static bool uses_local(struct lowering *lowering, struct statement *statement,
                       const struct buffer *buffer) {
  struct local_search search = {lowering->pool, buffer, false};
  struct statement *next = statement->next;
  statement->next = NULL;
  statement_map_exprs(statement, find_local_load, &search);
  statement_walk(statement, find_local_store, &search);
  statement->next = next;
  return search.found;
}

/* Memory of one worker can't carry anything from one outermost statement to
 * another that is split over all of them. */
static enum adze_status check_locals(struct lowering *lowering) {
  struct function *function = lowering->function;
  for (size_t i = 0; i < function->buffers.count; i++) {
    const struct buffer *buffer = function->buffers.data[i];
    size_t users = 0;
    bool parallel = false;
    for (struct statement *s = function->body; s; s = s->next)
      if (uses_local(lowering, s, buffer)) {
        users++;
        parallel = parallel ||
                   (s->kind == STATEMENT_FOR && s->loop.kind == LOOP_PARALLEL);
      }
    if (users > 1 && parallel)
      return fail(lowering->error, ADZE_INTERNAL,
                  "%s: buffer %s, which is each worker's own, is used by "
                  "several outermost statements",
                  function->name, buffer->name);
  }
  return ADZE_OK;
}

/* Inner loops run in one worker. */
static void serialize(void *context, struct statement *statement) {
  (void)context;
  if (statement->kind == STATEMENT_FOR && statement->loop.kind == LOOP_PARALLEL)
    statement->loop.kind = LOOP_SERIAL;
}

enum adze_status lower_workers(struct lowering *lowering) {
  struct function *function = lowering->function;
  TRY(check_locals(lowering));
  struct statement *result = NULL;
  struct accesses before = {.pool = lowering->pool};
  struct arena *arena = lowering->arena;
  function->worker = variable_new(lowering->pool, "worker", NULL);
  function->workers = variable_new(lowering->pool, "workers", NULL);
  function->worker->minimum = 0;
  function->workers->minimum = 1;
  for (struct statement *s = function->body, *next; s; s = next) {
    next = s->next;
    s->next = NULL;
    struct accesses now = accesses_of(lowering, s);
    if (overlap(&before, &now) || overlap(&now, &before)) {
      result = statement_append(
          result, statement_new(lowering->pool, STATEMENT_BARRIER));
      before = (struct accesses){.pool = lowering->pool};
    }
    for (size_t i = 0; i < now.reads.count; i++)
      vec_push(arena, &before.reads, now.reads.data[i]);
    for (size_t i = 0; i < now.writes.count; i++)
      vec_push(arena, &before.writes, now.writes.data[i]);
    if (s->kind == STATEMENT_FOR)
      statement_walk(s->loop.body, serialize, NULL);
    result = statement_append(result, split_work(lowering, s));
  }
  function->body = result;
  return ADZE_OK;
}
