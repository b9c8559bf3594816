/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions move outwards: neighbours under the same condition become one,
 * and a loop whose whole body stands under a condition that does not change
 * in it moves inside the condition. So a tile at an edge is tested once, and
 * its locals are set and read under the same test. */
#include "lower/steps.h"

static bool same_test(const struct statement *a, const struct statement *b) {
  return a->kind == STATEMENT_IF && b && b->kind == STATEMENT_IF &&
         a->branch.condition == b->branch.condition &&
         !a->branch.else_body && !b->branch.else_body;
}

/* A condition that reads memory may change from one statement to the next. */
static void find_load(void *context, const struct expr *node) {
  if (node->kind == EXPR_LOAD || node->kind == EXPR_LOCAL)
    *(bool *)context = true;
}
static bool is_pure(struct lowering *lowering, const struct expr *e) {
  bool loads = false;
  expr_walk(lowering->pool, e, find_load, &loads);
  return !loads;
}

/* A prefetch that stands before a condition may as well stand under it. */
static void move_prefetches(struct statement **head) {
  struct statement **link = head;
  while (*link && (*link)->kind == STATEMENT_PREFETCH)
    link = &(*link)->next;
  struct statement *branch = *link;
  if (link == head || !branch || branch->kind != STATEMENT_IF || branch->next ||
      branch->branch.else_body)
    return;
  *link = branch->branch.then_body;
  branch->branch.then_body = *head;
  *head = branch;
}

static void hoist_list(struct lowering *lowering, struct statement **head) {
  for (struct statement **link = head; *link; link = &(*link)->next) {
    struct statement *s = *link;
    if (s->kind == STATEMENT_IF) {
      while (same_test(s, s->next) &&
             is_pure(lowering, s->branch.condition)) {
        struct statement *merged = s->next;
        s->branch.then_body =
            statement_append(s->branch.then_body, merged->branch.then_body);
        s->next = merged->next;
      }
      hoist_list(lowering, &s->branch.then_body);
      hoist_list(lowering, &s->branch.else_body);
    }
    if (s->kind != STATEMENT_FOR)
      continue;
    hoist_list(lowering, &s->loop.body);
    move_prefetches(&s->loop.body);
    struct statement *only = s->loop.body;
    if (s->loop.kind == LOOP_PARALLEL || !only || only->next ||
        only->kind != STATEMENT_IF || only->branch.else_body ||
        !is_pure(lowering, only->branch.condition) ||
        expr_uses_variable(lowering->pool, only->branch.condition,
                           s->loop.variable))
      continue;
    struct statement *next = s->next;
    s->next = NULL;
    s->loop.body = only->branch.then_body;
    only->branch.then_body = s;
    only->next = next;
    *link = only;
  }
}

void lower_hoist(struct lowering *lowering) {
  /* A merge in one round lets a loop move in the next; the nest's depth bounds
   * the rounds. */
  for (int round = 0; round < 8; round++)
    hoist_list(lowering, &lowering->function->body);
}
