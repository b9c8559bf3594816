/* SPDX-License-Identifier: Apache-2.0 */
/* The driver of simplify: arguments first, each node once per pool.
 *
 * Results are kept by node id for the life of the pool, which also makes
 * simplify idempotent: what it returned is its own result. A variable's bounds
 * must therefore be set before an expression with it is first simplified. The
 * walk keeps an explicit stack; only what a rule itself makes is simplified by
 * recursion, and that is smaller than the node.
 */
#include "ir/simplify.h"

#include <string.h>

#include "ir/simplify_sum.h"

struct simplify_memo *simplify_memo_get(struct expr_pool *pool) {
  struct simplify_memo *memo = pool->simplify_memo;
  if (!memo)
    memo = pool->simplify_memo = ARENA_NEW(pool->arena, struct simplify_memo);
  size_t count = expr_pool_count(pool);
  if (count <= memo->capacity)
    return memo;
  size_t capacity = count + count / 2 + 1024;
  const struct expr **simplified =
      ARENA_ARRAY(pool->arena, const struct expr *, capacity);
  struct range *ranges = ARENA_ARRAY(pool->arena, struct range, capacity);
  bool *has_range = ARENA_ARRAY(pool->arena, bool, capacity);
  if (memo->capacity) {
    memcpy(simplified, memo->simplified, memo->capacity * sizeof *simplified);
    memcpy(ranges, memo->ranges, memo->capacity * sizeof *ranges);
    memcpy(has_range, memo->has_range, memo->capacity * sizeof *has_range);
  }
  memo->simplified = simplified;
  memo->ranges = ranges;
  memo->has_range = has_range;
  memo->capacity = capacity;
  return memo;
}

/* ---- Scalar i64 ---------------------------------------------------------- */

static const struct expr *simplify_sum_node(struct expr_pool *pool,
                                            const struct expr *e) {
  struct sum left = sum_of(e->args[0]), right, sum;
  bool fits;
  if (e->kind == EXPR_NEGATE) {
    sum = sum_of_constant(0);
    fits = sum_accumulate(&sum, &left, -1);
  } else {
    right = sum_of(e->args[1]);
    if (e->kind == EXPR_MUL) {
      fits = sum_multiply(pool, &left, &right, &sum);
    } else {
      sum = left;
      fits = sum_accumulate(&sum, &right, e->kind == EXPR_SUB ? -1 : 1);
    }
  }
  if (!fits)
    return NULL;
  sum_recompose(pool, &sum);
  return sum_build(pool, &sum);
}

/* Toward zero is toward minus infinity where nothing is negative. */
static const struct expr *simplify_truncating(struct expr_pool *pool,
                                              const struct expr *e) {
  struct sum x = sum_of(e->args[0]);
  if (!proves_positive(pool, e->args[1]) || !sum_proves_not_negative(pool, &x))
    return NULL;
  return simplify_divide(pool, e->args[0], e->args[1],
                         e->kind == EXPR_REMAINDER);
}

static const struct expr *simplify_abs(struct expr_pool *pool,
                                       const struct expr *e) {
  struct sum sum = sum_of(e->args[0]), negated = sum_of_constant(0);
  if (sum_proves_not_negative(pool, &sum))
    return e->args[0];
  if (sum_accumulate(&negated, &sum, -1) &&
      sum_proves_not_negative(pool, &negated))
    return sum_build(pool, &negated);
  return NULL;
}

/* A narrowing and widening that loses nothing. */
static const struct expr *simplify_cast(struct expr_pool *pool,
                                        const struct expr *e) {
  const struct expr *inner = e->args[0];
  if (inner->kind != EXPR_CAST || inner->args[0]->dtype != ADZE_I64 ||
      !dtype_is_integer(inner->dtype) || inner->dtype == ADZE_U64)
    return NULL;
  struct interval from = range_of(pool, inner->args[0]).interval;
  const struct expr *lowest =
      expr_cast(pool, ADZE_I64,
                expr_cast(pool, inner->dtype, expr_index(pool, from.minimum)));
  const struct expr *highest =
      expr_cast(pool, ADZE_I64,
                expr_cast(pool, inner->dtype, expr_index(pool, from.maximum)));
  /* Wrapping keeps the ends, in order, only of ranges that fit. */
  bool fits = interval_is_finite(from) && expr_is_value(lowest, from.minimum) &&
              expr_is_value(highest, from.maximum);
  return fits ? inner->args[0] : NULL;
}

static const struct expr *simplify_index(struct expr_pool *pool,
                                         const struct expr *e) {
  struct interval interval;
  switch ((int)e->kind) {
  case EXPR_VARIABLE: /* a loop that runs once */
    interval = range_of(pool, e).interval;
    return interval.minimum == interval.maximum
               ? expr_index(pool, interval.minimum)
               : NULL;
  case EXPR_ADD:
  case EXPR_SUB:
  case EXPR_MUL:
  case EXPR_NEGATE:
    return simplify_sum_node(pool, e);
  case EXPR_FLOOR_DIV:
  case EXPR_FLOOR_MOD:
    return simplify_divide(pool, e->args[0], e->args[1],
                           e->kind == EXPR_FLOOR_MOD);
  case EXPR_DIV:
  case EXPR_REMAINDER:
    return simplify_truncating(pool, e);
  case EXPR_MIN:
  case EXPR_MAX:
    return simplify_extremum(pool, e);
  case EXPR_ABS:
    return simplify_abs(pool, e);
  case EXPR_CAST:
    return simplify_cast(pool, e);
  default:
    return NULL;
  }
}

/* ---- Vectors ------------------------------------------------------------- */

static struct variable *lane_variable(struct expr_pool *pool, uint16_t lanes) {
  struct simplify_memo *memo = simplify_memo_get(pool);
  for (size_t i = 0; i < memo->lanes.count; i++)
    if (expr_is_value(memo->lanes.data[i]->extent, lanes))
      return memo->lanes.data[i];
  struct variable *lane = variable_new(pool, "lane", expr_index(pool, lanes));
  vec_push(pool->arena, &memo->lanes, lane);
  return lane;
}

/* What lane `lane` of a ramp or uniform vector holds; NULL for others. */
static const struct expr *lane_of(struct expr_pool *pool,
                                  const struct expr *vector,
                                  const struct expr *lane) {
  if (vector->kind == EXPR_BROADCAST)
    return vector->args[0];
  if (vector->kind != EXPR_RAMP)
    return NULL;
  return expr_add(pool, vector->args[0], expr_mul(pool, vector->args[1], lane));
}

/* Simplifies an operation on ramps as one on a scalar over the lanes, and goes
 * back where the result is a ramp or uniform again. */
static const struct expr *simplify_vector(struct expr_pool *pool,
                                          const struct expr *e) {
  if (e->arg_count != 2 || e->args[0]->dtype != ADZE_I64 ||
      e->kind == EXPR_RAMP || e->kind == EXPR_LOAD)
    return NULL;
  struct variable *variable = lane_variable(pool, e->lanes);
  const struct expr *lane = expr_variable(pool, variable);
  const struct expr *a = lane_of(pool, e->args[0], lane);
  const struct expr *b = lane_of(pool, e->args[1], lane);
  if (!a || !b)
    return NULL;
  const struct expr *scalar = simplify(pool, expr_binary(pool, e->kind, a, b));
  if (!expr_uses_variable(pool, scalar, variable))
    return expr_broadcast(pool, scalar, e->lanes);
  if (scalar->dtype != ADZE_I64)
    return NULL;
  struct sum sum = sum_of(scalar), stride, base;
  if (!sum_factor(pool, &sum, lane, &stride, &base))
    return NULL;
  const struct expr *base_node = sum_build(pool, &base);
  const struct expr *stride_node = sum_build(pool, &stride);
  if (expr_uses_variable(pool, base_node, variable) ||
      expr_uses_variable(pool, stride_node, variable))
    return NULL;
  return expr_ramp(pool, base_node, stride_node, e->lanes);
}

/* ---- Driver -------------------------------------------------------------- */

/* One node whose arguments are simplified. */
static const struct expr *apply_rules(struct expr_pool *pool,
                                      const struct expr *e) {
  const struct expr *result = NULL;
  if (e->lanes > 1)
    result = simplify_vector(pool, e);
  else if (expr_kind_is_compare(e->kind))
    result = simplify_compare(pool, e);
  else if (e->dtype == ADZE_BOOL)
    result = simplify_logic(pool, e);
  else if (e->dtype == ADZE_I64)
    result = simplify_index(pool, e);
  return result ? result : e;
}

static const struct expr *simplified(struct expr_pool *pool,
                                     const struct expr *e) {
  return simplify_memo_get(pool)->simplified[e->id];
}

static void remember(struct expr_pool *pool, const struct expr *e,
                     const struct expr *result) {
  simplify_memo_get(pool)->simplified[e->id] = result;
}

/* Remakes a node from its simplified arguments. The maker may answer with a
 * node whose own arguments are new; then those come first. */
static const struct expr *simplify_node(struct expr_pool *pool,
                                        const struct expr *node) {
  const struct expr *args[LOOP_MAX_RANK];
  check(node->arg_count <= ARRAY_COUNT(args));
  for (size_t i = 0; i < node->arg_count; i++)
    args[i] = simplified(pool, node->args[i]);
  const struct expr *remade = expr_with_args(pool, node, args);
  if (remade != node) {
    if (simplified(pool, remade))
      return simplified(pool, remade);
    for (size_t i = 0; i < remade->arg_count; i++)
      if (simplified(pool, remade->args[i]) != remade->args[i])
        return simplify(pool, remade);
  }
  const struct expr *result = apply_rules(pool, remade);
  remember(pool, remade, result);
  return result;
}

const struct expr *simplify(struct expr_pool *pool, const struct expr *e) {
  struct simplify_memo *memo = simplify_memo_get(pool);
  if (memo->simplified[e->id])
    return memo->simplified[e->id];
  size_t base = memo->stack.count;
  vec_push(pool->arena, &memo->stack, e);
  while (memo->stack.count > base) {
    const struct expr *node = memo->stack.data[memo->stack.count - 1];
    size_t before = memo->stack.count;
    if (!simplified(pool, node)) {
      for (size_t i = node->arg_count; i-- > 0;)
        if (!simplified(pool, node->args[i]))
          vec_push(pool->arena, &memo->stack, node->args[i]);
      if (memo->stack.count != before)
        continue;
      const struct expr *result = simplify_node(pool, node);
      remember(pool, node, result);
      remember(pool, result, result);
    }
    memo->stack.count--;
  }
  return simplified(pool, e);
}
