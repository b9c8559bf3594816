/* SPDX-License-Identifier: Apache-2.0 */
/* The making of stages: what operators' express functions have in common. */
#include "op/express.h"

#include <math.h>

enum adze_dtype dtype_arithmetic(enum adze_dtype dtype) {
  return dtype == ADZE_F16 || dtype == ADZE_BF16 ? ADZE_F32 : dtype;
}

enum adze_status node_express(struct express *express) {
  const struct op_def *op = express->node->op;
  if (op->express == NULL)
    return fail(express->error, ADZE_UNSUPPORTED,
                "node '%s' (%s): its result depends on shapes that are not "
                "known",
                express->node->name, op->name);
  return op->express(express);
}

struct stage *express_stage(struct express *express, struct buffer *output) {
  struct arena *arena = expr_pool_arena(express->pool);
  struct stage *stage = ARENA_NEW(arena, struct stage);
  stage->name = output->name;
  stage->output = output;
  stage->axis_count = output->rank;
  for (size_t i = 0; i < output->rank; i++)
    stage->axes[i] = variable_new(
        express->pool, arena_printf(arena, "i%zu", i), output->shape[i]);
  vec_push(arena, &express->stages, stage);
  return stage;
}

const struct expr *express_axis(struct express *express,
                                const struct stage *stage, size_t axis) {
  check(axis < stage->axis_count);
  return expr_variable(express->pool, stage->axes[axis]);
}

void express_axes(struct express *express, const struct stage *stage,
                  const struct expr **out) {
  for (size_t i = 0; i < stage->axis_count; i++)
    out[i] = express_axis(express, stage, i);
}

const struct expr *express_reduction(struct express *express,
                                     struct stage *stage, const char *name,
                                     const struct expr *extent) {
  check(stage->reduction_count < LOOP_MAX_RANK);
  struct variable *variable = variable_new(express->pool, name, extent);
  stage->reductions[stage->reduction_count++] = variable;
  return expr_variable(express->pool, variable);
}

struct buffer *express_temporary(struct express *express, const char *name,
                                 enum adze_dtype dtype,
                                 const struct expr *const *shape, size_t rank) {
  struct arena *arena = expr_pool_arena(express->pool);
  return buffer_new(
      express->pool,
      arena_printf(arena, "%s_%s", express->outputs[0]->name, name), dtype,
      BUFFER_ARGUMENT, shape, rank);
}

/* ---- Loads and stores ---------------------------------------------------- */

const struct expr *express_load(struct express *express, struct buffer *buffer,
                                const struct expr *const *indices) {
  return expr_cast(express->pool, dtype_arithmetic(buffer->dtype),
                   expr_load(express->pool, buffer, indices, buffer->rank));
}

const struct expr *express_broadcast_load(struct express *express,
                                          const struct stage *stage,
                                          size_t input) {
  struct buffer *buffer = express->inputs[input];
  const struct expr *indices[LOOP_MAX_RANK];
  size_t skipped = stage->axis_count - buffer->rank;
  check(buffer->rank <= stage->axis_count);
  for (size_t i = 0; i < buffer->rank; i++) {
    bool repeats = expr_is_value(buffer->shape[i], 1) &&
                   !expr_is_value(stage->output->shape[i + skipped], 1);
    indices[i] = repeats ? expr_index(express->pool, 0)
                         : express_axis(express, stage, i + skipped);
  }
  return express_load(express, buffer, indices);
}

const struct expr *express_padded_load(struct express *express,
                                       struct buffer *buffer,
                                       const struct expr *const *indices,
                                       unsigned checked,
                                       const struct expr *outside) {
  struct expr_pool *pool = express->pool;
  const struct expr *inside = NULL, *zero = expr_index(pool, 0);
  for (size_t i = 0; i < buffer->rank; i++) {
    if (!(checked >> i & 1))
      continue;
    const struct expr *test =
        expr_and(pool, expr_less_equal(pool, zero, indices[i]),
                 expr_less(pool, indices[i], buffer->shape[i]));
    inside = inside == NULL ? test : expr_and(pool, inside, test);
  }
  const struct expr *load = expr_load(pool, buffer, indices, buffer->rank);
  if (inside != NULL)
    load = expr_select(pool, inside, load,
                       expr_cast(pool, buffer->dtype, outside));
  return expr_cast(pool, dtype_arithmetic(buffer->dtype), load);
}

void express_body(struct express *express, struct stage *stage,
                  const struct expr *body) {
  stage->body = expr_cast(express->pool, stage->output->dtype, body);
}

void express_reduce(struct express *express, struct stage *stage,
                    enum reduce_kind kind, const struct expr *initial,
                    const struct expr *body) {
  stage->reduce = kind;
  stage->initial = expr_cast(express->pool, stage->output->dtype, initial);
  express_body(express, stage, body);
}

struct buffer *express_accumulator(struct express *express, size_t index) {
  struct buffer *output = express->outputs[index];
  enum adze_dtype dtype = dtype_arithmetic(output->dtype);
  if (dtype == output->dtype)
    return output;
  return express_temporary(express, "sum", dtype, output->shape, output->rank);
}

void express_finish(struct express *express, size_t index,
                    struct buffer *accumulator) {
  struct buffer *output = express->outputs[index];
  if (accumulator == output)
    return;
  const struct expr *axes[LOOP_MAX_RANK];
  struct stage *stage = express_stage(express, output);
  express_axes(express, stage, axes);
  express_body(express, stage, express_load(express, accumulator, axes));
}

/* ---- Numbers ------------------------------------------------------------- */

static const struct expr *limit_of(struct expr_pool *pool,
                                   enum adze_dtype dtype, bool highest) {
  switch (dtype) {
  case ADZE_F32: case ADZE_F64: case ADZE_F16: case ADZE_BF16:
    return expr_real(pool, dtype, highest ? INFINITY : -INFINITY);
  case ADZE_I8:
    return expr_integer(pool, dtype, highest ? INT8_MAX : INT8_MIN);
  case ADZE_I16:
    return expr_integer(pool, dtype, highest ? INT16_MAX : INT16_MIN);
  case ADZE_I32:
    return expr_integer(pool, dtype, highest ? INT32_MAX : INT32_MIN);
  case ADZE_I64:
    return expr_integer(pool, dtype, highest ? INT64_MAX : INT64_MIN);
  case ADZE_U8: case ADZE_U16: case ADZE_U32: case ADZE_U64:
    return expr_integer(pool, dtype, highest ? -1 : 0);
  case ADZE_BOOL:
    return expr_bool(pool, highest);
  case ADZE_DTYPE_NONE:
    break;
  }
  unreachable();
}

const struct expr *express_lowest(struct express *express,
                                  enum adze_dtype dtype) {
  return limit_of(express->pool, dtype, false);
}

const struct expr *express_highest(struct express *express,
                                   enum adze_dtype dtype) {
  return limit_of(express->pool, dtype, true);
}

const struct expr *express_number(struct express *express,
                                  enum adze_dtype dtype,
                                  const struct expr *integer) {
  return expr_cast(express->pool, dtype, integer);
}
