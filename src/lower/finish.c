/* SPDX-License-Identifier: Apache-2.0 */
/* The last touches: functions such as exp become arithmetic, multiply-adds are
 * fused where the machine can, scratch memory is laid out, and the open
 * dimensions in use become the function's scalars. */
#include "ir/expand_math.h"
#include "ir/scalar.h"
#include "ir/simplify.h"
#include "lower/steps.h"

static const struct expr *negated(struct expr_pool *pool,
                                  const struct expr *e) {
  return expr_unary(pool, EXPR_NEGATE, e);
}

/* a*b + c, c + a*b, a*b - c and c - a*b, rounded once. */
static const struct expr *fuse_node(void *context, const struct expr *node) {
  struct lowering *lowering = context;
  struct expr_pool *pool = lowering->pool;
  if ((node->dtype != ADZE_F32 && node->dtype != ADZE_F64) ||
      (node->kind != EXPR_ADD && node->kind != EXPR_SUB))
    return node;
  bool subtract = node->kind == EXPR_SUB;
  const struct expr *a = node->args[0], *b = node->args[1];
  if (b->kind == EXPR_MUL) {
    const struct expr *x = b->args[0];
    return expr_fma(pool, subtract ? negated(pool, x) : x, b->args[1], a);
  }
  if (a->kind == EXPR_MUL)
    return expr_fma(pool, a->args[0], a->args[1],
                    subtract ? negated(pool, b) : b);
  return node;
}

static const struct expr *finish_expr(void *context, const struct expr *e) {
  struct lowering *lowering = context;
  bool fused = lowering->machine->has_fma;
  e = simplify(lowering->pool, e);
  if (fused)
    e = expr_map(lowering->pool, e, fuse_node, lowering);
  return expand_math(lowering->pool, e, fused);
}

/* ---- Open dimensions ----------------------------------------------------- */
static void collect_symbol(void *context, const struct expr *node) {
  struct lowering *lowering = context;
  struct function *function = lowering->function;
  if (node->kind != EXPR_VARIABLE || node->variable->symbol < 0)
    return;
  for (size_t i = 0; i < function->scalars.count; i++)
    if (function->scalars.data[i] == node->variable)
      return;
  vec_push(lowering->arena, &function->scalars,
           (struct variable *)node->variable);
}
static const struct expr *collect_symbols(void *context, const struct expr *e) {
  struct lowering *lowering = context;
  expr_walk(lowering->pool, e, collect_symbol, lowering);
  return e;
}

/* ---- Scratch memory ------------------------------------------------------ */
static void lay_out_scratch(struct lowering *lowering) {
  struct function *function = lowering->function;
  struct expr_pool *pool = lowering->pool;
  const struct expr *bytes = expr_index(pool, 0);
  for (size_t i = 0; i < function->buffers.count; i++) {
    const struct buffer *buffer = function->buffers.data[i];
    if (buffer->scope != BUFFER_WORKER) {
      vec_push(lowering->arena, &function->scratch_offsets, NULL);
      continue;
    }
    const struct expr *size = expr_mul(
        pool, buffer->size, expr_index(pool, dtype_bits(buffer->dtype) / 8));
    const struct expr *line = expr_index(pool, 64);
    vec_push(lowering->arena, &function->scratch_offsets,
             simplify(pool, bytes));
    bytes = expr_add(pool, bytes,
                     expr_mul(pool, expr_ceil_div(pool, size, line), line));
    collect_symbols(lowering, bytes);
  }
  function->scratch_bytes = simplify(pool, bytes);
}

void lower_finish(struct lowering *lowering) {
  struct function *function = lowering->function;
  statement_map_exprs(function->body, finish_expr, lowering);
  statement_map_exprs(function->body, collect_symbols, lowering);
  lay_out_scratch(lowering);
}
