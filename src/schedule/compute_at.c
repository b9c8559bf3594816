/* SPDX-License-Identifier: Apache-2.0 */
/* compute_at: a producer's loops are made anew inside a consumer's loop, over
 * just the region of its output that the statements there read.
 *
 * The region of each dimension is [minimum, minimum + extent): interval
 * arithmetic over the loops inside the consumer's loop while the loops around
 * it stay fixed, within what the readers' predicates leave. Where that fails,
 * or where several reads do not agree, the whole dimension is computed. A
 * region may reach over the edge of the buffer (a last partial tile, a padded
 * read): there the block gets a predicate. So it does where its only reader has
 * one (a tile over the end of a row that isn't the buffer's), if each element
 * is for one of the reader's.
 */
#include <string.h>

#include "ir/simplify.h"
#include "schedule/tree.h"

struct region {
  bool is_known;
  const struct expr *minimum, *extent;
  /* The reader's loop that alone runs along it, one by one; or NULL. */
  const struct variable *along;
};

struct read_search {
  struct schedule *schedule;
  const struct stage *producer;
  struct statement *reader; /* the block being looked at */
  size_t reader_count;
  const struct variable *running[LOOP_MAX_RANK * 4];
  size_t running_count;
  struct region regions[LOOP_MAX_RANK];
  size_t read_count;
};

static void unite(struct read_search *search, size_t axis,
                  const struct expr *low, const struct expr *high) {
  struct expr_pool *pool = search->schedule->pool;
  struct region *region = &search->regions[axis];
  const struct expr *extent = simplify(
      pool, expr_add(pool, expr_sub(pool, high, low), expr_index(pool, 1)));
  if (search->read_count == 0) {
    *region = (struct region){true, low, extent, NULL};
    return;
  }
  if (!region->is_known || (region->minimum == low && region->extent == extent))
    return;
  int64_t difference, a, b;
  const struct expr *shift =
      simplify(pool, expr_sub(pool, low, region->minimum));
  if (!expr_get_integer(shift, &difference) ||
      !expr_get_integer(region->extent, &a) || !expr_get_integer(extent, &b)) {
    region->is_known = false;
    return;
  }
  int64_t begin = difference < 0 ? difference : 0;
  int64_t end = difference + b > a ? difference + b : a;
  region->minimum =
      simplify(pool, expr_add(pool, region->minimum, expr_index(pool, begin)));
  region->extent = expr_index(pool, end - begin);
}

static bool is_fixed(const struct read_search *search, const struct expr *e) {
  for (size_t i = 0; i < search->running_count; i++)
    if (expr_uses_variable(search->schedule->pool, e, search->running[i]))
      return false;
  return true;
}

/* The reader's predicate may say that an index is less than something, if not
 * more than a constant from it. */
static void tighten(const struct read_search *search,
                    const struct expr *condition, const struct expr *index,
                    const struct expr **high) {
  struct expr_pool *pool = search->schedule->pool;
  if (condition && condition->kind == EXPR_AND) {
    tighten(search, condition->args[0], index, high);
    tighten(search, condition->args[1], index, high);
  }
  if (!condition || condition->kind != EXPR_LESS)
    return;
  const struct expr *rest = expr_sub(pool, index, condition->args[0]);
  const struct expr *most =
      simplify(pool, expr_sub(pool, expr_add(pool, rest, condition->args[1]),
                              expr_index(pool, 1)));
  if (is_fixed(search, most) &&
      simplify_proves(pool, expr_less_equal(pool, most, *high)))
    *high = most;
}

static void visit_load(void *context, const struct expr *node) {
  struct read_search *search = context;
  if (node->kind != EXPR_LOAD || node->buffer != search->producer->output)
    return;
  struct expr_pool *pool = search->schedule->pool;
  const struct statement *reader = search->reader;
  for (size_t axis = 0; axis < node->arg_count; axis++) {
    const struct expr *index =
        simplify(pool, block_bind(pool, reader, node->args[axis]));
    const struct expr *low, *high;
    if (!simplify_bounds(pool, index, search->running, search->running_count,
                         &low, &high)) {
      search->regions[axis].is_known = false;
      continue;
    }
    tighten(search, reader->block.predicate, index, &high);
    unite(search, axis, low, high);
    const struct expr *inside = simplify(pool, expr_sub(pool, index, low));
    if (search->read_count == 0 && inside->kind == EXPR_VARIABLE)
      search->regions[axis].along = inside->variable;
  }
  search->read_count++;
}

static void visit_statement(void *context, struct statement *statement) {
  struct read_search *search = context;
  if (statement->kind == STATEMENT_FOR) {
    check(search->running_count < ARRAY_COUNT(search->running));
    search->running[search->running_count++] = statement->loop.variable;
  }
}

static void visit_reader(void *context, struct statement *block) {
  struct read_search *search = context;
  if (block->block.stage == search->producer)
    return;
  size_t before = search->read_count;
  struct statement *earlier = search->reader;
  search->reader = block;
  expr_walk(search->schedule->pool, block->block.stage->body, visit_load,
            search);
  if (block->block.stage->initial)
    expr_walk(search->schedule->pool, block->block.stage->initial, visit_load,
              search);
  if (search->read_count > before)
    search->reader_count++;
  else
    search->reader = earlier;
}

/* Readers outside the loop would miss what is computed inside it. */
struct outside_search {
  struct schedule *schedule;
  const struct statement *loop;
  const struct stage *producer;
  bool found;
};
static void visit_outside(void *context, struct statement *block) {
  struct outside_search *search = context;
  if (block->block.stage != search->producer &&
      !tree_contains(search->loop, block) &&
      tree_reads(search->schedule->pool, block, search->producer->output))
    search->found = true;
}

static bool is_parameter(const struct function *function,
                         const struct buffer *buffer) {
  for (size_t i = 0; i < function->parameters.count; i++)
    if (function->parameters.data[i] == buffer)
      return true;
  return false;
}

/* One loop of the new nest, or none where the extent is 1. */
static const struct expr *
region_loop(struct schedule *schedule, const struct stage *stage,
            const struct variable *axis, const struct expr *minimum,
            const struct expr *extent, struct statement **nest) {
  if (expr_is_value(extent, 1))
    return minimum;
  struct expr_pool *pool = schedule->pool;
  struct variable *v = tree_variable(
      schedule,
      arena_printf(expr_pool_arena(pool), "%s.%s", stage->name, axis->name),
      extent);
  *nest = statement_for(pool, v, LOOP_SERIAL, *nest);
  return simplify(pool, expr_add(pool, minimum, expr_variable(pool, v)));
}

/* Nothing is before 0: padding that is read there is not computed. */
static void clip(struct schedule *schedule, struct region *region) {
  struct expr_pool *pool = schedule->pool;
  int64_t minimum;
  if (!region->is_known || !expr_get_integer(region->minimum, &minimum) ||
      minimum >= 0)
    return;
  region->extent =
      simplify(pool, expr_add(pool, region->extent, region->minimum));
  region->minimum = expr_index(pool, 0);
  region->along = NULL;
}

/* A region from 0 past the end, as the last partial tile makes it. */
static bool covers(struct schedule *schedule, const struct region *region,
                   const struct expr *size) {
  return expr_is_value(region->minimum, 0) &&
         simplify_proves(schedule->pool,
                         expr_less_equal(schedule->pool, size, region->extent));
}

/* The predicate of the only reader, for the element that it reads; nothing
 * where the predicate has a loop that does not run along the region. */
static void take_predicate(struct schedule *schedule, struct statement *block,
                           const struct read_search *search) {
  struct expr_pool *pool = schedule->pool;
  const struct expr *predicate = search->reader->block.predicate;
  if (search->reader_count != 1 || search->read_count != 1 || !predicate)
    return;
  struct substitution loops[LOOP_MAX_RANK];
  size_t count = 0;
  for (size_t i = 0; i < block->block.stage->axis_count; i++) {
    const struct region *region = &search->regions[i];
    if (region->is_known && region->along)
      loops[count++] = (struct substitution){
          region->along, expr_sub(pool, block->block.axes[i], region->minimum)};
  }
  predicate = simplify(pool, expr_substitute(pool, predicate, loops, count));
  if (is_fixed(search, predicate))
    tree_add_predicate(schedule, block, predicate);
}

static void rebuild_nest(struct schedule *schedule, struct statement *block,
                         struct read_search *search, struct statement *loop) {
  struct region *regions = search->regions;
  struct expr_pool *pool = schedule->pool;
  struct stage *stage = block->block.stage;
  struct statement *nest = block;
  const struct expr *zero = expr_index(pool, 0);
  block->block.predicate = NULL;
  for (size_t i = stage->reduction_count; i-- > 0;)
    block->block.reductions[i] =
        region_loop(schedule, stage, stage->reductions[i], zero,
                    stage->reductions[i]->extent, &nest);
  for (size_t i = stage->axis_count; i-- > 0;) {
    const struct expr *size = stage->output->shape[i];
    clip(schedule, &regions[i]);
    if (!regions[i].is_known || covers(schedule, &regions[i], size))
      regions[i] = (struct region){true, zero, size, regions[i].along};
    block->block.axes[i] =
        region_loop(schedule, stage, stage->axes[i], regions[i].minimum,
                    regions[i].extent, &nest);
    tree_add_predicate(schedule, block,
                       expr_less_equal(pool, zero, block->block.axes[i]));
    tree_add_predicate(schedule, block,
                       expr_less(pool, block->block.axes[i], size));
  }
  take_predicate(schedule, block, search);
  loop->loop.body = statement_append(nest, loop->loop.body);
}

enum adze_status schedule_compute_at(struct schedule *schedule,
                                     struct statement *block,
                                     struct statement *loop) {
  struct stage *stage = block->block.stage;
  if (block->kind != STATEMENT_BLOCK || block->block.part != BLOCK_WHOLE)
    return tree_refuse(schedule, "compute_at: not a whole block");
  if (loop->kind != STATEMENT_FOR || tree_contains(loop, block))
    return tree_refuse(schedule, "compute_at: %s is already there",
                       stage->name);
  if (is_parameter(schedule->function, stage->output))
    return tree_refuse(schedule, "compute_at: %s is an output of the function",
                       stage->name);
  struct outside_search outside = {schedule, loop, stage, false};
  tree_blocks(schedule->function->body, visit_outside, &outside);
  if (outside.found)
    return tree_refuse(schedule, "compute_at: %s is read outside of %s",
                       stage->name, loop->loop.variable->name);
  struct read_search search = {.schedule = schedule, .producer = stage};
  statement_walk(loop->loop.body, visit_statement, &search);
  tree_blocks(loop->loop.body, visit_reader, &search);
  if (search.read_count == 0)
    return tree_refuse(schedule, "compute_at: nothing in %s reads %s",
                       loop->loop.variable->name, stage->name);
  const char *loop_name = loop->loop.variable->name;
  tree_prune(schedule, block);
  rebuild_nest(schedule, block, &search, loop);
  tree_trace(schedule, "compute_at %s %s", stage->name, loop_name);
  return ADZE_OK;
}
