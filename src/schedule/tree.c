/* SPDX-License-Identifier: Apache-2.0 */
/* The statement tree has no parent pointers: groups are small (tens of
 * statements), so links are found by searching from the root, and nothing can
 * go stale when primitives move statements about. */
#include "schedule/tree.h"

#include <stdio.h>
#include <string.h>

#include "ir/simplify.h"

static struct statement **children_link(struct statement **list,
                                        const struct statement *target) {
  for (struct statement **link = list; *link; link = &(*link)->next) {
    if (*link == target)
      return link;
    struct statement **found = NULL;
    if ((*link)->kind == STATEMENT_FOR)
      found = children_link(&(*link)->loop.body, target);
    else if ((*link)->kind == STATEMENT_IF) {
      found = children_link(&(*link)->branch.then_body, target);
      if (!found)
        found = children_link(&(*link)->branch.else_body, target);
    }
    if (found)
      return found;
  }
  return NULL;
}

struct statement **tree_link(struct schedule *schedule,
                             const struct statement *target) {
  return children_link(&schedule->function->body, target);
}

bool tree_contains(const struct statement *root,
                   const struct statement *target) {
  if (root == target)
    return true;
  const struct statement *lists[2] = {NULL, NULL};
  if (root->kind == STATEMENT_FOR)
    lists[0] = root->loop.body;
  else if (root->kind == STATEMENT_IF) {
    lists[0] = root->branch.then_body;
    lists[1] = root->branch.else_body;
  }
  for (int i = 0; i < 2; i++)
    for (const struct statement *s = lists[i]; s; s = s->next)
      if (tree_contains(s, target))
        return true;
  return false;
}

bool tree_reads(struct expr_pool *pool, const struct statement *block,
                const struct buffer *buffer) {
  const struct stage *stage = block->block.stage;
  bool starts = block->block.part != BLOCK_UPDATE && stage->initial;
  bool adds = block->block.part != BLOCK_INITIAL;
  return (starts && expr_uses_buffer(pool, stage->initial, buffer)) ||
         (adds && expr_uses_buffer(pool, stage->body, buffer));
}

struct statement *tree_root_of(struct schedule *schedule,
                               const struct statement *target) {
  for (struct statement *s = schedule->function->body; s; s = s->next)
    if (tree_contains(s, target))
      return s;
  return NULL;
}

void tree_remove(struct schedule *schedule, struct statement *target) {
  struct statement **link = tree_link(schedule, target);
  check(link);
  *link = target->next;
  target->next = NULL;
}

void tree_prune(struct schedule *schedule, struct statement *target) {
  struct statement *loops[LOOP_MAX_RANK * 4];
  size_t count = schedule_loops_around(schedule, target, loops,
                                       ARRAY_COUNT(loops));
  tree_remove(schedule, target);
  for (size_t i = count; i-- > 0 && !loops[i]->loop.body;)
    tree_remove(schedule, loops[i]);
}

void tree_insert_before(struct schedule *schedule, struct statement *position,
                        struct statement *inserted) {
  struct statement **link = tree_link(schedule, position);
  check(link);
  *link = statement_append(inserted, position);
}

void tree_insert_after(struct statement *position,
                       struct statement *inserted) {
  struct statement *rest = position->next;
  position->next = inserted;
  statement_append(inserted, rest);
}

struct variable *tree_variable(struct schedule *schedule, const char *name,
                               const struct expr *extent) {
  struct arena *arena = expr_pool_arena(schedule->pool);
  const char *unique = name;
  for (int number = 2; schedule_loop(schedule, unique); number++)
    unique = arena_printf(arena, "%s_%d", name, number);
  return variable_new(schedule->pool, unique, extent);
}

static bool is_stage_name(struct schedule *schedule, const char *name) {
  return schedule_block(schedule, name, BLOCK_WHOLE) ||
         schedule_block(schedule, name, BLOCK_INITIAL) ||
         schedule_block(schedule, name, BLOCK_UPDATE);
}

const char *tree_stage_name(struct schedule *schedule, const char *stage,
                            const char *suffix) {
  struct arena *arena = expr_pool_arena(schedule->pool);
  const char *name = arena_printf(arena, "%s.%s", stage, suffix);
  const char *unique = name;
  for (int number = 2; is_stage_name(schedule, unique); number++)
    unique = arena_printf(arena, "%s_%d", name, number);
  return unique;
}

struct block_visit {
  void (*visit)(void *context, struct statement *block);
  void *context;
};
static void visit_block(void *context, struct statement *statement) {
  struct block_visit *call = context;
  if (statement->kind == STATEMENT_BLOCK)
    call->visit(call->context, statement);
}
void tree_blocks(struct statement *list,
                 void (*visit)(void *context, struct statement *block),
                 void *context) {
  struct block_visit call = {visit, context};
  statement_walk(list, visit_block, &call);
}

void tree_add_predicate(struct schedule *schedule, struct statement *block,
                        const struct expr *condition) {
  if (simplify_proves(schedule->pool, condition))
    return;
  block->block.predicate =
      block->block.predicate
          ? expr_and(schedule->pool, block->block.predicate, condition)
          : condition;
}

void tree_trace(struct schedule *schedule, const char *format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  text_add(&schedule->trace, line);
  text_add(&schedule->trace, "\n");
}

enum adze_status tree_refuse(struct schedule *schedule, const char *format,
                             ...) {
  va_list arguments;
  va_start(arguments, format);
  enum adze_status status =
      fail_v(schedule->error, ADZE_INVALID_ARGUMENT, format, arguments);
  va_end(arguments);
  return status;
}
