/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks become stores. The axes of a block's stage are replaced by the
 * block's bindings; a whole reducing block initialises its element in the
 * first step of the reduction. */
#include "ir/simplify.h"
#include "lower/steps.h"

static struct statement *store_element(struct lowering *lowering,
                                       const struct statement *block,
                                       const struct expr *value) {
  struct statement *store = statement_new(lowering->pool, STATEMENT_STORE);
  const struct stage *stage = block->block.stage;
  store->store.buffer = stage->output;
  store->store.index_count = stage->axis_count;
  for (size_t i = 0; i < stage->axis_count; i++)
    store->store.indices[i] = block->block.axes[i];
  store->store.value = value;
  return store;
}

static struct statement *update(struct lowering *lowering,
                                const struct statement *block) {
  const struct stage *stage = block->block.stage;
  const struct expr *body = block_bind(lowering->pool, block, stage->body);
  const struct expr *old = expr_load(lowering->pool, stage->output,
                                     block->block.axes, stage->axis_count);
  return store_element(
      lowering, block,
      reduce_combine(lowering->pool, stage->reduce, old, body));
}

static struct statement *initial(struct lowering *lowering,
                                 const struct statement *block) {
  return store_element(
      lowering, block,
      block_bind(lowering->pool, block, block->block.stage->initial));
}

static struct statement *whole(struct lowering *lowering,
                               const struct statement *block) {
  const struct stage *stage = block->block.stage;
  struct expr_pool *pool = lowering->pool;
  if (stage->reduce == REDUCE_NONE)
    return store_element(lowering, block,
                         block_bind(lowering->pool, block, stage->body));
  const struct expr *first = expr_bool(pool, true);
  for (size_t i = 0; i < stage->reduction_count; i++)
    first = expr_and(
        pool, first,
        expr_equal(pool, block->block.reductions[i], expr_index(pool, 0)));
  struct statement *start = initial(lowering, block);
  if (!expr_is_value(first, 1)) {
    struct statement *branch = statement_new(pool, STATEMENT_IF);
    branch->branch.condition = first;
    branch->branch.then_body = start;
    start = branch;
  }
  return statement_append(start, update(lowering, block));
}

static struct statement *lower_block(struct lowering *lowering,
                                     const struct statement *block) {
  struct statement *made = NULL;
  switch (block->block.part) {
  case BLOCK_WHOLE:
    made = whole(lowering, block);
    break;
  case BLOCK_INITIAL:
    made = initial(lowering, block);
    break;
  case BLOCK_UPDATE:
    made = update(lowering, block);
    break;
  }
  if (!block->block.predicate)
    return made;
  struct statement *branch = statement_new(lowering->pool, STATEMENT_IF);
  branch->branch.condition = block->block.predicate;
  branch->branch.then_body = made;
  return branch;
}

static void replace_blocks(struct lowering *lowering, struct statement **list) {
  for (struct statement **link = list; *link; link = &(*link)->next) {
    if ((*link)->kind == STATEMENT_FOR) {
      replace_blocks(lowering, &(*link)->loop.body);
    } else if ((*link)->kind == STATEMENT_IF) {
      replace_blocks(lowering, &(*link)->branch.then_body);
      replace_blocks(lowering, &(*link)->branch.else_body);
    } else if ((*link)->kind == STATEMENT_BLOCK) {
      struct statement *next = (*link)->next;
      struct statement *made = lower_block(lowering, *link);
      *link = statement_append(made, next);
      while ((*link)->next != next)
        link = &(*link)->next;
    }
  }
}

void lower_blocks(struct lowering *lowering) {
  replace_blocks(lowering, &lowering->function->body);
}
