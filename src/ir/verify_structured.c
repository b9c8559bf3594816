/* SPDX-License-Identifier: Apache-2.0 */
/* What structured loop IR may hold: scalars only, loops around blocks and
 * stores, blocks that bind all axes of a well-formed stage. */
#include "ir/loop_text.h"
#include "ir/loop_words.h"
#include "ir/verify_loop.h"

struct structured {
  struct verifier v;
  struct map stages; /* seen ones, by address */
  bool in_parallel;
};

static const char *structured_forbids(const struct verifier *v,
                                      const struct expr *e) {
  (void)v;
  if (e->lanes != 1)
    return "is a vector, which flat loop IR has only";
  if (e->kind == EXPR_LOCAL)
    return "is read, but flat loop IR has locals only";
  if (e->kind == EXPR_LOAD && e->arg_count != e->buffer->rank)
    return "is loaded with a wrong number of indices";
  return NULL;
}

/* ---- Stages ------------------------------------------------------------- */

static enum adze_status
verify_axes(struct structured *s, struct variable *const *axes, size_t count) {
  struct verifier *v = &s->v;
  for (size_t i = 0; i < count; i++) {
    if (axes[i] == NULL)
      return verify_fail(v, "an axis is missing");
    TRY(verify_scalar(v, axes[i]->extent, ADZE_I64, "extent of an axis"));
  }
  for (size_t i = 0; i < count; i++) {
    if (map_get_key(&v->variables, axes[i]->id) != NULL)
      return verify_fail(v, "its axis %s is bound already", axes[i]->name);
    verify_open(v, axes[i]);
  }
  return ADZE_OK;
}

/* A stage is the same wherever its block stands, so it sees no loops. */
static enum adze_status verify_formula(struct structured *s,
                                       const struct stage *stage) {
  struct verifier *v = &s->v;
  struct map outside = v->variables;
  map_init(&v->variables, outside.arena);
  for (size_t i = 0; i < v->function->scalars.count; i++)
    verify_open(v, v->function->scalars.data[i]);
  enum adze_dtype dtype = stage->output->dtype;
  TRY(verify_axes(s, stage->axes, stage->axis_count));
  if (stage->reduce != REDUCE_NONE) {
    if (!reduce_takes(stage->reduce, dtype))
      return verify_fail(v, "there is no %s of %s values",
                         reduce_kind_name(stage->reduce), dtype_word(dtype));
    TRY(verify_scalar(v, stage->initial, dtype, "initial value"));
  }
  TRY(verify_axes(s, stage->reductions, stage->reduction_count));
  TRY(verify_scalar(v, stage->body, dtype, "body"));
  v->variables = outside;
  return ADZE_OK;
}

static enum adze_status verify_stage(struct structured *s,
                                     const struct stage *stage) {
  struct verifier *v = &s->v;
  if (map_get_key(&s->stages, (uintptr_t)stage) != NULL)
    return ADZE_OK;
  map_set_key(&s->stages, (uintptr_t)stage, (void *)(uintptr_t)stage);
  if (stage->output == NULL)
    return verify_fail(v, "its stage has no output");
  TRY(verify_declared(v, stage->output));
  if (stage->axis_count != stage->output->rank)
    return verify_fail(v, "its stage has %zu axes, %s has %zu dimensions",
                       stage->axis_count, stage->output->name,
                       stage->output->rank);
  return verify_formula(s, stage);
}

/* ---- Statements --------------------------------------------------------- */

static enum adze_status verify_list(struct structured *s,
                                    const struct statement *list);

static enum adze_status verify_block(struct structured *s,
                                     const struct statement *block) {
  struct verifier *v = &s->v;
  const struct stage *stage = block->block.stage;
  if (stage == NULL)
    return verify_fail(v, "a block has no stage");
  verify_place(v, "block", stage->name);
  TRY(verify_stage(s, stage));
  if (block->block.part != BLOCK_WHOLE && stage->reduce == REDUCE_NONE)
    return verify_fail(v, "it is %s, but its stage reduces nothing",
                       block_part_word(block->block.part));
  for (size_t i = 0; i < stage->axis_count; i++)
    TRY(verify_scalar(v, block->block.axes[i], ADZE_I64, "axis"));
  for (size_t i = 0; i < stage->reduction_count; i++)
    TRY(verify_scalar(v, block->block.reductions[i], ADZE_I64,
                      "reduction axis"));
  if (block->block.predicate != NULL)
    TRY(verify_scalar(v, block->block.predicate, ADZE_BOOL, "predicate"));
  return ADZE_OK;
}

static enum adze_status verify_loop(struct structured *s,
                                    const struct statement *loop) {
  bool was_parallel = s->in_parallel;
  TRY(verify_loop_head(&s->v, loop));
  if (loop->loop.kind == LOOP_PARALLEL && was_parallel)
    return verify_fail(&s->v, "it is parallel inside a parallel loop");
  s->in_parallel |= loop->loop.kind == LOOP_PARALLEL;
  TRY(verify_list(s, loop->loop.body));
  s->in_parallel = was_parallel;
  verify_close(&s->v, loop->loop.variable);
  return ADZE_OK;
}

static enum adze_status verify_branch(struct structured *s,
                                      const struct statement *branch) {
  s->v.place = "if";
  TRY(verify_scalar(&s->v, branch->branch.condition, ADZE_BOOL, "condition"));
  TRY(verify_list(s, branch->branch.then_body));
  return verify_list(s, branch->branch.else_body);
}

static enum adze_status verify_store(struct structured *s,
                                     const struct statement *store) {
  struct verifier *v = &s->v;
  const struct buffer *buffer = store->store.buffer;
  if (buffer == NULL)
    return verify_fail(v, "a store has no buffer");
  verify_place(v, "store to", buffer->name);
  TRY(verify_declared(v, buffer));
  if (store->store.index_count != buffer->rank)
    return verify_fail(v, "it has %zu indices, the buffer %zu dimensions",
                       store->store.index_count, buffer->rank);
  for (size_t i = 0; i < buffer->rank; i++)
    TRY(verify_scalar(v, store->store.indices[i], ADZE_I64, "index"));
  return verify_scalar(v, store->store.value, buffer->dtype, "value");
}

static enum adze_status verify_list(struct structured *s,
                                    const struct statement *list) {
  for (; list != NULL; list = list->next) {
    switch (list->kind) {
    case STATEMENT_FOR:
      TRY(verify_loop(s, list));
      break;
    case STATEMENT_IF:
      TRY(verify_branch(s, list));
      break;
    case STATEMENT_BLOCK:
      TRY(verify_block(s, list));
      break;
    case STATEMENT_STORE:
      TRY(verify_store(s, list));
      break;
    case STATEMENT_SET:
      verify_place(&s->v, "set of", list->set.local->name);
      return verify_fail(&s->v, "flat loop IR has locals only");
    case STATEMENT_PREFETCH:
      TRY(verify_prefetch(&s->v, list));
      break;
    case STATEMENT_BARRIER:
      s->v.place = "barrier";
      if (s->in_parallel)
        return verify_fail(&s->v, "it stands in a parallel loop");
      break;
    }
  }
  return ADZE_OK;
}

enum adze_status verify_structured(const struct function *function,
                                   struct adze_error *error) {
  struct structured s = {.in_parallel = false};
  verifier_init(&s.v, function, error);
  map_init(&s.stages, expr_pool_arena(function->pool));
  s.v.forbids = structured_forbids;
  if (function->is_flat)
    return verify_fail(&s.v, "it is flat");
  TRY(verify_declarations(&s.v));
  return verify_list(&s, function->body);
}
