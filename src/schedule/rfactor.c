/* SPDX-License-Identifier: Apache-2.0 */
/* rfactor: a reduction in independent parts, which are then combined.
 *
 *   for y: for o: for i:  s[y] += body(y, o*8 + i)          rfactor s i
 * becomes
 *   for y: for o: for i:  part[y, i] += body(y, o*8 + i)
 *          for v:         s[y] += part[y, v]
 *
 * The parts are a stage in its own right: a stage sees no loops, so the loops
 * that reduce become its reduction axes, and a predicate that cuts the last
 * step short becomes a select between the body and a value that adds nothing.
 * The new loop over the parts stands behind the outermost loop that reduces.
 */
#include <string.h>

#include "ir/simplify.h"
#include "schedule/tree.h"

#define MAX_LOOPS (LOOP_MAX_RANK * 4)

struct factoring {
  struct schedule *schedule;
  struct statement *block, *loop; /* loop: whose values are kept apart */
  struct stage *stage, *part;
  struct statement *spatial[MAX_LOOPS], *reducing[MAX_LOOPS];
  size_t spatial_count, reducing_count; /* reducing: without `loop` */
  struct statement *outermost;          /* loop that reduces */
  struct substitution substitutions[MAX_LOOPS + LOOP_MAX_RANK];
  size_t substitution_count;           /* loops and axes to those of the part */
  const struct expr *condition, *kept; /* of the predicate: in and out */
};

static bool uses(const struct factoring *f, const struct expr *e,
                 const struct statement *loop) {
  return e && expr_uses_variable(f->schedule->pool, e, loop->loop.variable);
}

static bool reduces(const struct factoring *f, const struct statement *loop) {
  for (size_t i = 0; i < f->stage->reduction_count; i++)
    if (uses(f, f->block->block.reductions[i], loop))
      return true;
  return false;
}

static bool is_spatial(const struct factoring *f,
                       const struct statement *loop) {
  for (size_t i = 0; i < f->stage->axis_count; i++)
    if (uses(f, f->block->block.axes[i], loop))
      return true;
  return false;
}

static enum adze_status sort_loops(struct factoring *f) {
  struct schedule *schedule = f->schedule;
  struct statement *loops[MAX_LOOPS];
  size_t count = schedule_loops_around(schedule, f->block, loops, MAX_LOOPS);
  bool found = false;
  for (size_t i = 0; i < count; i++) {
    const char *name = loops[i]->loop.variable->name;
    if (!reduces(f, loops[i])) {
      f->spatial[f->spatial_count++] = loops[i];
      continue;
    }
    if (is_spatial(f, loops[i]) || loops[i]->loop.kind != LOOP_SERIAL)
      return tree_refuse(schedule,
                         "rfactor: %s is not just a serial loop that "
                         "reduces",
                         name);
    if (!f->outermost)
      f->outermost = loops[i];
    if (loops[i] == f->loop)
      found = true;
    else
      f->reducing[f->reducing_count++] = loops[i];
  }
  if (!found)
    return tree_refuse(schedule, "rfactor: %s does not reduce %s",
                       f->loop->loop.variable->name, f->stage->name);
  if (f->reducing_count == 0)
    return tree_refuse(schedule, "rfactor: no other loop reduces %s",
                       f->stage->name);
  if (!expr_is_integer(f->loop->loop.extent))
    return tree_refuse(schedule, "rfactor: the extent of %s is not constant",
                       f->loop->loop.variable->name);
  if (f->stage->axis_count == LOOP_MAX_RANK ||
      f->reducing_count > LOOP_MAX_RANK)
    return tree_refuse(schedule, "rfactor: %s has too many axes",
                       f->stage->name);
  return ADZE_OK;
}

/* What depends on loops that reduce goes into the body; the rest stays. */
static enum adze_status split_predicate(struct factoring *f,
                                        const struct expr *e) {
  if (e->kind == EXPR_AND) {
    TRY(split_predicate(f, e->args[0]));
    return split_predicate(f, e->args[1]);
  }
  struct expr_pool *pool = f->schedule->pool;
  bool inside = uses(f, e, f->loop);
  for (size_t i = 0; i < f->reducing_count; i++)
    inside = inside || uses(f, e, f->reducing[i]);
  for (size_t i = 0; i < f->spatial_count && inside; i++)
    if (uses(f, e, f->spatial[i]))
      return tree_refuse(f->schedule,
                         "rfactor: the condition of %s mixes %s with what "
                         "reduces",
                         f->stage->name, f->spatial[i]->loop.variable->name);
  const struct expr **to = inside ? &f->condition : &f->kept;
  *to = *to ? expr_and(pool, *to, e) : e;
  return ADZE_OK;
}

static const struct expr *substituted(const struct factoring *f,
                                      const struct expr *e) {
  return expr_substitute(f->schedule->pool, e, f->substitutions,
                         f->substitution_count);
}

static void substitute(struct factoring *f, const struct variable *from,
                       struct variable *to) {
  f->substitutions[f->substitution_count++] =
      (struct substitution){from, expr_variable(f->schedule->pool, to)};
}

/* The part's axes, and reductions over the other loops. */
static void make_part(struct factoring *f) {
  struct expr_pool *pool = f->schedule->pool;
  struct arena *arena = expr_pool_arena(pool);
  const struct stage *stage = f->stage;
  struct stage *part = f->part = ARENA_NEW(arena, struct stage);
  const struct expr *shape[LOOP_MAX_RANK];
  memcpy(shape, stage->output->shape, sizeof shape);
  shape[stage->axis_count] = f->loop->loop.extent;
  part->name = tree_stage_name(f->schedule, stage->name, "part");
  part->axis_count = stage->axis_count + 1;
  part->output = buffer_new(pool, part->name, stage->output->dtype,
                            BUFFER_STACK, shape, part->axis_count);
  vec_push(arena, &f->schedule->function->buffers, part->output);
  for (size_t i = 0; i < stage->axis_count; i++) {
    part->axes[i] = variable_new(
        pool, arena_printf(arena, "%s.a%zu", part->name, i), shape[i]);
    substitute(f, stage->axes[i], part->axes[i]);
  }
  part->axes[stage->axis_count] = variable_new(
      pool, arena_printf(arena, "%s.part", part->name), f->loop->loop.extent);
  substitute(f, f->loop->loop.variable, part->axes[stage->axis_count]);
  part->reduction_count = f->reducing_count;
  for (size_t i = 0; i < f->reducing_count; i++) {
    part->reductions[i] =
        variable_new(pool, arena_printf(arena, "%s.r%zu", part->name, i),
                     f->reducing[i]->loop.extent);
    substitute(f, f->reducing[i]->loop.variable, part->reductions[i]);
  }
}

/* A maximum or minimum may start from its first value in every part. */
static void make_formula(struct factoring *f) {
  struct expr_pool *pool = f->schedule->pool;
  const struct stage *stage = f->stage;
  struct stage *part = f->part;
  enum adze_dtype dtype = stage->output->dtype;
  part->reduce = stage->reduce;
  part->initial = stage->reduce == REDUCE_SUM ? expr_constant(pool, dtype, 0)
                  : stage->reduce == REDUCE_PRODUCT
                      ? expr_constant(pool, dtype, 1)
                      : substituted(f, stage->initial);
  struct substitution bindings[LOOP_MAX_RANK];
  for (size_t i = 0; i < stage->reduction_count; i++)
    bindings[i] = (struct substitution){stage->reductions[i],
                                        f->block->block.reductions[i]};
  const struct expr *body =
      expr_substitute(pool, stage->body, bindings, stage->reduction_count);
  part->body = substituted(f, body);
  if (f->condition)
    part->body = expr_select(pool, simplify(pool, substituted(f, f->condition)),
                             part->body, part->initial);
}

/* The old stage now reduces over the parts, in a nest of its own. */
static struct statement *combine_parts(struct factoring *f) {
  struct expr_pool *pool = f->schedule->pool;
  struct arena *arena = expr_pool_arena(pool);
  struct stage *stage = f->stage;
  struct statement *whole = statement_new(pool, STATEMENT_BLOCK);
  const struct expr *extent = f->loop->loop.extent, *at[LOOP_MAX_RANK];
  whole->block = f->block->block;
  whole->block.predicate = f->kept;
  stage->reduction_count = 1;
  stage->reductions[0] =
      variable_new(pool, arena_printf(arena, "%s.part", stage->name), extent);
  for (size_t i = 0; i < stage->axis_count; i++)
    at[i] = expr_variable(pool, stage->axes[i]);
  at[stage->axis_count] = expr_variable(pool, stage->reductions[0]);
  stage->body = expr_load(pool, f->part->output, at, f->part->axis_count);
  struct variable *v = tree_variable(
      f->schedule, arena_printf(arena, "%s.part", stage->name), extent);
  whole->block.reductions[0] = expr_variable(pool, v);
  struct statement *nest = statement_for(pool, v, LOOP_SERIAL, whole);
  for (size_t i = f->spatial_count; i-- > 0;) {
    struct statement *loop = f->spatial[i];
    if (!tree_contains(f->outermost, loop))
      continue;
    struct variable *fresh = tree_variable(
        f->schedule,
        arena_printf(arena, "%s.%s", stage->name, loop->loop.variable->name),
        loop->loop.extent);
    struct substitution renewal = {loop->loop.variable,
                                   expr_variable(pool, fresh)};
    statement_substitute(pool, nest, &renewal, 1);
    nest = statement_for(pool, fresh, LOOP_SERIAL, nest);
  }
  tree_insert_after(f->outermost, nest);
  return whole;
}

enum adze_status schedule_rfactor(struct schedule *schedule,
                                  struct statement *block,
                                  struct statement *loop,
                                  struct statement **part) {
  if (!block || block->kind != STATEMENT_BLOCK ||
      block->block.part != BLOCK_WHOLE || !tree_link(schedule, block))
    return tree_refuse(schedule, "rfactor: there is no such block");
  if (!loop || loop->kind != STATEMENT_FOR || !tree_link(schedule, loop))
    return tree_refuse(schedule, "rfactor: there is no such loop");
  if (block->block.stage->reduce == REDUCE_NONE)
    return tree_refuse(schedule, "rfactor: %s does not reduce",
                       block->block.stage->name);
  struct factoring f = {.schedule = schedule,
                        .block = block,
                        .loop = loop,
                        .stage = block->block.stage};
  TRY(sort_loops(&f));
  if (block->block.predicate)
    TRY(split_predicate(&f, block->block.predicate));
  const char *name = f.stage->name;
  make_part(&f);
  make_formula(&f);
  combine_parts(&f);
  size_t axes = f.stage->axis_count;
  block->block.stage = f.part;
  block->block.predicate = f.kept;
  block->block.axes[axes] = expr_variable(schedule->pool, loop->loop.variable);
  for (size_t i = 0; i < f.reducing_count; i++)
    block->block.reductions[i] =
        expr_variable(schedule->pool, f.reducing[i]->loop.variable);
  if (part)
    *part = block;
  tree_trace(schedule, "rfactor %s %s", name, loop->loop.variable->name);
  return ADZE_OK;
}
