/* SPDX-License-Identifier: Apache-2.0 */
/* Locals that are read where no path, or not every path, has set them start as
 * zero. A set and its read can stand under conditions of which one implies the
 * other only by arithmetic that is not seen here, and a reduction may start in
 * its first step; flat IR wants to see a value on every path. The zero stands
 * in front of the innermost list that holds all uses of the local, so nothing
 * set before is lost. */
#include <string.h>

#include "lower/steps.h"

struct search {
  struct lowering *lowering;
  bool *is_set;   /* [local_count] on every path to here */
  bool *is_unset; /* [local_count] read somewhere where it is not */
};

/* ---- Which locals are read unset ----------------------------------------- */
static void find_read(void *context, const struct expr *node) {
  struct search *search = context;
  if (node->kind == EXPR_LOCAL && !search->is_set[node->local->id])
    search->is_unset[node->local->id] = true;
}
static void search_expr(struct search *search, const struct expr *e) {
  expr_walk(search->lowering->pool, e, find_read, search);
}

static bool *copy_of(const struct search *search) {
  return arena_copy(search->lowering->arena, search->is_set,
                    search->lowering->function->local_count *
                        sizeof *search->is_set);
}

static void search_list(struct search *search, const struct statement *list);

static void search_branch(struct search *search,
                          const struct statement *branch) {
  search_expr(search, branch->branch.condition);
  bool *other = copy_of(search);
  search_list(search, branch->branch.then_body);
  bool *then_set = search->is_set;
  search->is_set = other;
  search_list(search, branch->branch.else_body);
  for (size_t i = 0; i < search->lowering->function->local_count; i++)
    search->is_set[i] &= then_set[i];
}

static void search_list(struct search *search, const struct statement *list) {
  for (const struct statement *s = list; s; s = s->next) {
    switch (s->kind) {
    case STATEMENT_FOR: {
      search_expr(search, s->loop.minimum);
      search_expr(search, s->loop.extent);
      bool *before = copy_of(search);
      search_list(search, s->loop.body);
      search->is_set = before; /* the body may not have run */
      break;
    }
    case STATEMENT_IF:
      search_branch(search, s);
      break;
    case STATEMENT_STORE:
      for (size_t i = 0; i < s->store.index_count; i++)
        search_expr(search, s->store.indices[i]);
      search_expr(search, s->store.value);
      break;
    case STATEMENT_SET:
      search_expr(search, s->set.value);
      search->is_set[s->set.local->id] = true;
      break;
    case STATEMENT_BLOCK:
    case STATEMENT_PREFETCH: /* of loop variables only */
    case STATEMENT_BARRIER:
      break;
    }
  }
}

/* ---- Where all uses of one are ------------------------------------------- */
struct use {
  struct expr_pool *pool;
  uint32_t id;
  const struct local *found;
};
static void find_local(void *context, const struct expr *node) {
  struct use *use = context;
  if (node->kind == EXPR_LOCAL && node->local->id == use->id)
    use->found = node->local;
}
static const struct expr *find_in_expr(void *context, const struct expr *e) {
  struct use *use = context;
  expr_walk(use->pool, e, find_local, use);
  return e;
}
static void find_set(void *context, struct statement *s) {
  struct use *use = context;
  if (s->kind == STATEMENT_SET && s->set.local->id == use->id)
    use->found = s->set.local;
}
static const struct local *uses(struct lowering *lowering,
                                struct statement *statement, uint32_t id) {
  struct use use = {lowering->pool, id, NULL};
  struct statement *next = statement->next;
  statement->next = NULL;
  statement_map_exprs(statement, find_in_expr, &use);
  statement_walk(statement, find_set, &use);
  statement->next = next;
  return use.found;
}

/* The one statement of a list that uses the local, or NULL where several do;
 * `first` is the link to the first that does. */
static struct statement *only_user(struct lowering *lowering,
                                   struct statement **list, uint32_t id,
                                   struct statement ***first) {
  struct statement *only = NULL;
  *first = NULL;
  for (struct statement **link = list; *link; link = &(*link)->next) {
    if (!uses(lowering, *link, id))
      continue;
    if (*first)
      return NULL;
    *first = link;
    only = *link;
  }
  return only;
}

/* The body of a statement that holds all its uses of the local, or NULL. */
static struct statement **inner_list(struct lowering *lowering,
                                     struct statement *s, uint32_t id) {
  struct use head = {lowering->pool, id, NULL};
  struct statement **first;
  if (s->kind == STATEMENT_FOR) {
    find_in_expr(&head, s->loop.minimum);
    find_in_expr(&head, s->loop.extent);
    return head.found ? NULL : &s->loop.body;
  }
  if (s->kind != STATEMENT_IF)
    return NULL;
  find_in_expr(&head, s->branch.condition);
  only_user(lowering, &s->branch.else_body, id, &first);
  bool in_else = first != NULL;
  only_user(lowering, &s->branch.then_body, id, &first);
  if (head.found || (in_else && first))
    return NULL;
  return in_else ? &s->branch.else_body : &s->branch.then_body;
}

static void start_as_zero(struct lowering *lowering, uint32_t id) {
  struct statement **list = &lowering->function->body, **first, **inner;
  struct statement *only;
  while ((only = only_user(lowering, list, id, &first)) &&
         (inner = inner_list(lowering, only, id)))
    list = inner;
  const struct local *local = uses(lowering, *first, id);
  struct statement *set = statement_new(lowering->pool, STATEMENT_SET);
  set->set.local = local;
  set->set.value = expr_broadcast(
      lowering->pool, expr_constant(lowering->pool, local->dtype, 0),
      local->lanes);
  set->next = *first;
  *first = set;
}

void lower_initialise(struct lowering *lowering) {
  struct function *function = lowering->function;
  struct search search = {
      .lowering = lowering,
      .is_set = ARENA_ARRAY(lowering->arena, bool, function->local_count + 1),
      .is_unset = ARENA_ARRAY(lowering->arena, bool, function->local_count + 1),
  };
  search_list(&search, function->body);
  for (uint32_t id = 0; id < function->local_count; id++)
    if (search.is_unset[id])
      start_as_zero(lowering, id);
}
