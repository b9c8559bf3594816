/* SPDX-License-Identifier: Apache-2.0 */
/* Finding blocks and loops by name. */
#include "schedule/schedule.h"

#include <string.h>

#include "schedule/tree.h"

void schedule_init(struct schedule *schedule, struct function *function,
                   const struct machine *machine, struct adze_error *error) {
  *schedule = (struct schedule){
      .pool = function->pool,
      .function = function,
      .machine = machine,
      .trace = {.arena = expr_pool_arena(function->pool)},
      .error = error,
  };
}

struct search {
  const char *name;
  enum block_part part;
  enum statement_kind kind;
  struct statement *found;
};

static void search_visit(void *context, struct statement *statement) {
  struct search *search = context;
  if (search->found || statement->kind != search->kind)
    return;
  bool match = statement->kind == STATEMENT_FOR
                   ? !strcmp(statement->loop.variable->name, search->name)
                   : statement->block.part == search->part &&
                         !strcmp(statement->block.stage->name, search->name);
  if (match)
    search->found = statement;
}

struct statement *schedule_block(struct schedule *schedule, const char *stage,
                                 enum block_part part) {
  struct search search = {stage, part, STATEMENT_BLOCK, NULL};
  statement_walk(schedule->function->body, search_visit, &search);
  return search.found;
}

struct statement *schedule_loop(struct schedule *schedule, const char *name) {
  struct search search = {name, BLOCK_WHOLE, STATEMENT_FOR, NULL};
  statement_walk(schedule->function->body, search_visit, &search);
  return search.found;
}

size_t schedule_loops_around(struct schedule *schedule,
                             const struct statement *block,
                             struct statement **loops, size_t capacity) {
  size_t count = 0;
  struct statement *list = schedule->function->body;
  while (list) {
    struct statement *s = list;
    while (s && !tree_contains(s, block))
      s = s->next;
    if (!s || s == block)
      break;
    if (s->kind == STATEMENT_FOR) {
      check(count < capacity);
      loops[count++] = s;
      list = s->loop.body;
    } else {
      list = s->branch.then_body; /* conditions appear only in lower */
    }
  }
  return count;
}
