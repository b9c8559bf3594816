/* SPDX-License-Identifier: Apache-2.0 */
/* Primitives on loops: split, pad, fuse, reorder and the kinds of loops. */
#include <string.h>

#include "ir/simplify.h"
#include "schedule/tree.h"

static enum adze_status expect_loop(struct schedule *schedule,
                                    const struct statement *loop,
                                    const char *primitive) {
  if (!loop || loop->kind != STATEMENT_FOR || !tree_link(schedule, loop))
    return tree_refuse(schedule, "%s: there is no such loop", primitive);
  return ADZE_OK;
}

struct split_context {
  struct schedule *schedule;
  const struct expr *condition;
};
static void add_condition(void *context, struct statement *block) {
  struct split_context *split = context;
  tree_add_predicate(split->schedule, block, split->condition);
}

enum adze_status schedule_split(struct schedule *schedule,
                                struct statement *loop, int64_t factor,
                                struct statement **outer,
                                struct statement **inner) {
  TRY(expect_loop(schedule, loop, "split"));
  struct expr_pool *pool = schedule->pool;
  const char *name = loop->loop.variable->name;
  if (factor < 1 || factor > 1 << 20)
    return tree_refuse(schedule, "split: %s by %lld is not possible", name,
                       (long long)factor);
  if (loop->loop.kind != LOOP_SERIAL)
    return tree_refuse(schedule, "split: %s is not a serial loop", name);
  struct arena *arena = expr_pool_arena(pool);
  const struct expr *extent = loop->loop.extent;
  int64_t constant;
  if (expr_get_integer(extent, &constant) && constant > 0 &&
      factor > constant)
    factor = constant;
  const struct expr *size = expr_index(pool, factor);
  struct variable *o = tree_variable(
      schedule, arena_printf(arena, "%s.o", name),
      simplify(pool, expr_ceil_div(pool, extent, size)));
  struct variable *i =
      tree_variable(schedule, arena_printf(arena, "%s.i", name), size);
  const struct expr *value =
      expr_add(pool, expr_mul(pool, expr_variable(pool, o), size),
               expr_variable(pool, i));
  struct substitution substitution = {loop->loop.variable, value};
  statement_substitute(pool, loop->loop.body, &substitution, 1);
  if (!expr_get_integer(extent, &constant) || constant % factor != 0) {
    struct split_context context = {schedule,
                                    expr_less(pool, value, extent)};
    tree_blocks(loop->loop.body, add_condition, &context);
  }
  *inner = statement_for(pool, i, LOOP_SERIAL, loop->loop.body);
  *outer = statement_for(pool, o, LOOP_SERIAL, *inner);
  struct statement **link = tree_link(schedule, loop);
  (*outer)->next = loop->next;
  *link = *outer;
  tree_trace(schedule, "split %s %lld", name, (long long)factor);
  return ADZE_OK;
}

/* Whether the loop is one of a reduction: its steps write the same element. */
struct reduction_search {
  struct schedule *schedule;
  const struct variable *variable;
  bool found;
};
static void find_reduction(void *context, struct statement *block) {
  struct reduction_search *search = context;
  for (size_t i = 0; i < block->block.stage->reduction_count; i++)
    search->found = search->found ||
                    expr_uses_variable(search->schedule->pool,
                                       block->block.reductions[i],
                                       search->variable);
}

enum adze_status schedule_pad(struct schedule *schedule, struct statement *loop,
                              int64_t before, struct statement **padded) {
  TRY(expect_loop(schedule, loop, "pad"));
  struct expr_pool *pool = schedule->pool;
  const char *name = loop->loop.variable->name;
  if (before < 1 || before > 1 << 20)
    return tree_refuse(schedule, "pad: %s by %lld is not possible", name,
                       (long long)before);
  if (loop->loop.kind != LOOP_SERIAL || loop->loop.partition)
    return tree_refuse(schedule, "pad: %s is not a serial loop", name);
  struct reduction_search search = {schedule, loop->loop.variable, false};
  tree_blocks(loop->loop.body, find_reduction, &search);
  if (search.found)
    return tree_refuse(schedule, "pad: %s reduces", name);
  const struct expr *added = expr_index(pool, before);
  struct variable *v =
      tree_variable(schedule, arena_printf(expr_pool_arena(pool), "%s.p", name),
                    simplify(pool, expr_add(pool, loop->loop.extent, added)));
  const struct expr *value = expr_variable(pool, v);
  struct substitution substitution = {loop->loop.variable,
                                      expr_sub(pool, value, added)};
  statement_substitute(pool, loop->loop.body, &substitution, 1);
  struct split_context context = {schedule,
                                  expr_less_equal(pool, added, value)};
  tree_blocks(loop->loop.body, add_condition, &context);
  *padded = statement_for(pool, v, LOOP_SERIAL, loop->loop.body);
  struct statement **link = tree_link(schedule, loop);
  (*padded)->next = loop->next;
  *link = *padded;
  tree_trace(schedule, "pad %s %lld", name, (long long)before);
  return ADZE_OK;
}

/* Whether one loop reduces in a block of which the other is an axis. The first
 * step of the reduction would no longer stay the first when the fused loop is
 * split and reordered. */
struct mixture {
  struct schedule *schedule;
  const struct variable *loops[2];
  bool found;
};
static void find_mixture(void *context, struct statement *block) {
  struct mixture *mixture = context;
  struct expr_pool *pool = mixture->schedule->pool;
  const struct stage *stage = block->block.stage;
  bool spatial[2] = {false, false}, reduces[2] = {false, false};
  for (size_t l = 0; l < 2; l++) {
    for (size_t i = 0; i < stage->axis_count; i++)
      spatial[l] = spatial[l] || expr_uses_variable(pool, block->block.axes[i],
                                                    mixture->loops[l]);
    for (size_t i = 0; i < stage->reduction_count; i++)
      reduces[l] =
          reduces[l] || expr_uses_variable(pool, block->block.reductions[i],
                                           mixture->loops[l]);
  }
  mixture->found = mixture->found || (spatial[0] && reduces[1]) ||
                   (spatial[1] && reduces[0]);
}

enum adze_status schedule_fuse(struct schedule *schedule,
                               struct statement *outer,
                               struct statement *inner,
                               struct statement **fused) {
  TRY(expect_loop(schedule, outer, "fuse"));
  TRY(expect_loop(schedule, inner, "fuse"));
  const char *a = outer->loop.variable->name, *b = inner->loop.variable->name;
  if (outer->loop.body != inner || inner->next)
    return tree_refuse(schedule, "fuse: %s is not alone inside %s", b, a);
  if (outer->loop.kind != LOOP_SERIAL || inner->loop.kind != LOOP_SERIAL)
    return tree_refuse(schedule, "fuse: %s or %s is not a serial loop", a, b);
  struct mixture mixture = {
      schedule, {outer->loop.variable, inner->loop.variable}, false};
  tree_blocks(inner->loop.body, find_mixture, &mixture);
  if (mixture.found)
    return tree_refuse(schedule, "fuse: one of %s and %s reduces, one does not",
                       a, b);
  struct expr_pool *pool = schedule->pool;
  struct variable *v = tree_variable(
      schedule, arena_printf(expr_pool_arena(pool), "%s.%s", a, b),
      simplify(pool, expr_mul(pool, outer->loop.extent, inner->loop.extent)));
  const struct expr *value = expr_variable(pool, v);
  /* An open extent can't be divided away later: what lies within it is not
   * known to be its own remainder. */
  bool runs_once = expr_is_value(outer->loop.extent, 1);
  struct substitution substitutions[2] = {
      {outer->loop.variable,
       runs_once ? expr_index(pool, 0)
                 : expr_floor_div(pool, value, inner->loop.extent)},
      {inner->loop.variable,
       runs_once ? value : expr_floor_mod(pool, value, inner->loop.extent)},
  };
  statement_substitute(pool, inner->loop.body, substitutions, 2);
  *fused = statement_for(pool, v, LOOP_SERIAL, inner->loop.body);
  struct statement **link = tree_link(schedule, outer);
  (*fused)->next = outer->next;
  *link = *fused;
  tree_trace(schedule, "fuse %s %s", a, b);
  return ADZE_OK;
}

/* The perfect nest from the outermost to the innermost of the given loops. */
static enum adze_status perfect_nest(struct schedule *schedule,
                                     struct statement *const *loops,
                                     size_t count, struct statement **nest,
                                     size_t capacity, size_t *nest_count) {
  size_t found = 0, length = 0;
  struct statement *outermost = NULL;
  for (size_t i = 0; i < count && !outermost; i++) {
    bool contains_all = true;
    for (size_t j = 0; j < count; j++)
      contains_all = contains_all && tree_contains(loops[i], loops[j]);
    if (contains_all)
      outermost = loops[i];
  }
  for (struct statement *s = outermost; s && found < count;
       s = s->loop.body) {
    if (s->kind != STATEMENT_FOR || (s != outermost && s->next) ||
        length == capacity)
      break;
    nest[length++] = s;
    for (size_t j = 0; j < count; j++)
      found += loops[j] == s;
  }
  if (found != count)
    return tree_refuse(schedule, "reorder: the loops are not a perfect nest");
  *nest_count = length;
  return ADZE_OK;
}

enum adze_status schedule_reorder(struct schedule *schedule,
                                  struct statement *const *loops,
                                  size_t count) {
  struct statement *nest[LOOP_MAX_RANK * 4];
  size_t length = 0, next = 0;
  if (count == 0)
    return tree_refuse(schedule, "reorder: no loops are named");
  for (size_t i = 0; i < count; i++) {
    TRY(expect_loop(schedule, loops[i], "reorder"));
    if (loops[i]->loop.kind == LOOP_PARALLEL)
      return tree_refuse(schedule, "reorder: %s is parallel",
                         loops[i]->loop.variable->name);
    for (size_t j = 0; j < i; j++)
      if (loops[i] == loops[j])
        return tree_refuse(schedule, "reorder: %s is named twice",
                           loops[i]->loop.variable->name);
  }
  TRY(perfect_nest(schedule, loops, count, nest, ARRAY_COUNT(nest), &length));
  struct statement *first = nest[0], *body = nest[length - 1]->loop.body;
  struct statement *after = first->next;
  struct statement **link = tree_link(schedule, first);
  for (size_t i = 0; i < length; i++)
    for (size_t j = 0; j < count; j++)
      if (nest[i] == loops[j]) {
        nest[i] = loops[next++];
        break;
      }
  for (size_t i = 0; i < length; i++) {
    nest[i]->next = NULL;
    nest[i]->loop.body = i + 1 < length ? nest[i + 1] : body;
  }
  *link = nest[0];
  nest[0]->next = after;
  struct text names = {.arena = expr_pool_arena(schedule->pool)};
  for (size_t i = 0; i < count; i++)
    text_format(&names, " %s", loops[i]->loop.variable->name);
  tree_trace(schedule, "reorder%s", text_string(&names));
  return ADZE_OK;
}

static enum adze_status set_kind(struct schedule *schedule,
                                 struct statement *loop, enum loop_kind kind,
                                 const char *primitive) {
  TRY(expect_loop(schedule, loop, primitive));
  const char *name = loop->loop.variable->name;
  if (loop->loop.kind != LOOP_SERIAL)
    return tree_refuse(schedule, "%s: %s is not a serial loop", primitive,
                       name);
  if (kind != LOOP_PARALLEL && !expr_is_integer(loop->loop.extent))
    return tree_refuse(schedule, "%s: the extent of %s is not constant",
                       primitive, name);
  loop->loop.kind = kind;
  tree_trace(schedule, "%s %s", primitive, name);
  return ADZE_OK;
}

enum adze_status schedule_parallel(struct schedule *schedule,
                                   struct statement *loop) {
  TRY(expect_loop(schedule, loop, "parallel"));
  struct reduction_search search = {schedule, loop->loop.variable, false};
  tree_blocks(loop->loop.body, find_reduction, &search);
  if (search.found)
    return tree_refuse(schedule, "parallel: %s reduces",
                       loop->loop.variable->name);
  if (tree_root_of(schedule, loop) != loop)
    return tree_refuse(schedule, "parallel: %s is not an outermost loop",
                       loop->loop.variable->name);
  return set_kind(schedule, loop, LOOP_PARALLEL, "parallel");
}
enum adze_status schedule_vectorize(struct schedule *schedule,
                                    struct statement *loop) {
  return set_kind(schedule, loop, LOOP_VECTORIZED, "vectorize");
}
enum adze_status schedule_unroll(struct schedule *schedule,
                                 struct statement *loop) {
  return set_kind(schedule, loop, LOOP_UNROLLED, "unroll");
}

enum adze_status schedule_partition(struct schedule *schedule,
                                    struct statement *loop) {
  TRY(expect_loop(schedule, loop, "partition"));
  loop->loop.partition = true;
  tree_trace(schedule, "partition %s", loop->loop.variable->name);
  return ADZE_OK;
}
