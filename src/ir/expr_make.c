/* SPDX-License-Identifier: Apache-2.0 */
/* The makers of expressions with arguments: check that arguments fit, fold
 * constants by ir/scalar.h, apply identities that need one look at the
 * arguments, and intern what is left.
 *
 * An identity must keep every bit for every input: x+0 is x for integers but
 * not for a float -0. Functions that ir/expand_math.h expands are not folded
 * here, since their value is that of the expansion. Vectors that are uniform
 * are kept as a broadcast of a scalar expression, and integer ramps stay ramps
 * under addition and scaling, so that lower sees contiguous accesses.
 */
#include <math.h>

#include "ir/expr_pool.h"
#include "ir/scalar.h"

/* ---- Helpers ------------------------------------------------------------- */

static const struct expr *make(struct expr_pool *pool, enum expr_kind kind,
                               enum adze_dtype dtype, uint16_t lanes,
                               const struct expr *const *args, size_t count) {
  return expr_intern(pool,
                     &(struct expr){.kind = kind,
                                    .dtype = dtype,
                                    .lanes = lanes,
                                    .arg_count = (uint16_t)count},
                     args);
}

static bool constant_of(const struct expr *e, union scalar *out) {
  if (e->kind == EXPR_INTEGER)
    out->integer = e->integer;
  else if (e->kind == EXPR_REAL)
    out->real = e->real;
  else
    return false;
  return true;
}

static const struct expr *
from_scalar(struct expr_pool *pool, enum adze_dtype dtype, union scalar value) {
  return dtype_is_float(dtype) ? expr_real(pool, dtype, value.real)
                               : expr_integer(pool, dtype, value.integer);
}

/* Whether e is this integer in all lanes. */
static bool all_equal(const struct expr *e, int64_t value) {
  if (e->kind == EXPR_BROADCAST)
    e = e->args[0];
  return e->kind == EXPR_INTEGER && e->integer == value;
}

/* An integer constant in all lanes of e. */
static const struct expr *integer_like(struct expr_pool *pool,
                                       const struct expr *e,
                                       enum adze_dtype dtype, int64_t value) {
  return expr_broadcast(pool, expr_integer(pool, dtype, value), e->lanes);
}

/* Whether e is this real with this sign in all lanes. */
static bool all_equal_real(const struct expr *e, double value) {
  if (e->kind == EXPR_BROADCAST)
    e = e->args[0];
  return e->kind == EXPR_REAL && e->real == value &&
         signbit(e->real) == signbit(value);
}

static bool is_half(enum adze_dtype dtype) {
  return dtype == ADZE_F16 || dtype == ADZE_BF16;
}

/* Gives the scalar of the two the other's lanes. */
static void unify_lanes(struct expr_pool *pool, const struct expr **a,
                        const struct expr **b) {
  if ((*a)->lanes == 1)
    *a = expr_broadcast(pool, *a, (*b)->lanes);
  else if ((*b)->lanes == 1)
    *b = expr_broadcast(pool, *b, (*a)->lanes);
  check((*a)->lanes == (*b)->lanes);
}

/* ---- Unary --------------------------------------------------------------- */

static bool unary_takes(enum expr_kind kind, enum adze_dtype dtype) {
  if (kind == EXPR_NOT)
    return !dtype_is_float(dtype);
  if (kind == EXPR_NEGATE || kind == EXPR_ABS)
    return dtype != ADZE_BOOL && !is_half(dtype);
  return dtype == ADZE_F32 || dtype == ADZE_F64;
}

static const struct expr *not_identity(struct expr_pool *pool,
                                       const struct expr *a) {
  if (a->kind == EXPR_NOT)
    return a->args[0];
  if (a->kind == EXPR_EQUAL)
    return expr_binary(pool, EXPR_NOT_EQUAL, a->args[0], a->args[1]);
  if (a->kind == EXPR_NOT_EQUAL)
    return expr_binary(pool, EXPR_EQUAL, a->args[0], a->args[1]);
  /* With a NaN neither a < b nor b <= a. */
  if ((a->kind == EXPR_LESS || a->kind == EXPR_LESS_EQUAL) &&
      !dtype_is_float(a->args[0]->dtype))
    return expr_binary(pool, a->kind == EXPR_LESS ? EXPR_LESS_EQUAL : EXPR_LESS,
                       a->args[1], a->args[0]);
  return NULL;
}

static const struct expr *unary_identity(struct expr_pool *pool,
                                         enum expr_kind kind,
                                         const struct expr *a) {
  switch ((int)kind) {
  case EXPR_NOT:
    return not_identity(pool, a);
  case EXPR_NEGATE:
    return a->kind == EXPR_NEGATE ? a->args[0] : NULL;
  case EXPR_ABS:
    return a->kind == EXPR_ABS ||
                   (!dtype_is_float(a->dtype) && !dtype_is_signed(a->dtype))
               ? a
               : NULL;
  case EXPR_FLOOR:
  case EXPR_CEIL:
  case EXPR_ROUND:
  case EXPR_TRUNCATE:
    return a->kind == EXPR_FLOOR || a->kind == EXPR_CEIL ||
                   a->kind == EXPR_ROUND || a->kind == EXPR_TRUNCATE
               ? a
               : NULL;
  default:
    return NULL;
  }
}

const struct expr *expr_unary(struct expr_pool *pool, enum expr_kind kind,
                              const struct expr *a) {
  check(expr_kind_is_unary(kind) && kind != EXPR_CAST && kind != EXPR_BITCAST);
  check(unary_takes(kind, a->dtype));
  if (a->kind == EXPR_BROADCAST)
    return expr_broadcast(pool, expr_unary(pool, kind, a->args[0]), a->lanes);
  union scalar value, result;
  if (constant_of(a, &value) && scalar_unary(kind, a->dtype, value, &result))
    return from_scalar(pool, a->dtype, result);
  const struct expr *identity = unary_identity(pool, kind, a);
  return identity ? identity : make(pool, kind, a->dtype, a->lanes, &a, 1);
}

/* ---- Binary -------------------------------------------------------------- */

static bool binary_takes(enum expr_kind kind, enum adze_dtype dtype) {
  switch ((int)kind) {
  case EXPR_POW:
    return dtype == ADZE_F32 || dtype == ADZE_F64;
  case EXPR_ADD:
  case EXPR_SUB:
  case EXPR_MUL:
  case EXPR_DIV:
  case EXPR_REMAINDER:
    return dtype != ADZE_BOOL && !is_half(dtype);
  case EXPR_FLOOR_DIV:
  case EXPR_FLOOR_MOD:
  case EXPR_SHIFT_LEFT:
  case EXPR_SHIFT_RIGHT:
    return dtype_is_integer(dtype);
  case EXPR_AND:
  case EXPR_OR:
  case EXPR_XOR:
    return !dtype_is_float(dtype);
  default:
    return !is_half(dtype);
  }
}

static bool commutes(enum expr_kind kind) {
  return kind == EXPR_ADD || kind == EXPR_MUL || kind == EXPR_AND ||
         kind == EXPR_OR || kind == EXPR_XOR || kind == EXPR_EQUAL ||
         kind == EXPR_NOT_EQUAL;
}

/* Sums, differences and products of integer ramps and uniform vectors. */
static const struct expr *ramp_identity(struct expr_pool *pool,
                                        enum expr_kind kind,
                                        const struct expr *a,
                                        const struct expr *b) {
  bool a_ramp = a->kind == EXPR_RAMP, b_ramp = b->kind == EXPR_RAMP;
  bool a_same = a->kind == EXPR_BROADCAST, b_same = b->kind == EXPR_BROADCAST;
  if (!dtype_is_integer(a->dtype) || !(a_ramp || b_ramp) ||
      !(a_ramp || a_same) || !(b_ramp || b_same))
    return NULL;
  const struct expr *zero = expr_integer(pool, a->dtype, 0);
  const struct expr *base, *stride;
  if (kind == EXPR_ADD || kind == EXPR_SUB) {
    base = expr_binary(pool, kind, a->args[0], b->args[0]);
    stride = expr_binary(pool, kind, a_ramp ? a->args[1] : zero,
                         b_ramp ? b->args[1] : zero);
  } else if (kind == EXPR_MUL && (a_same || b_same)) {
    const struct expr *ramp = a_ramp ? a : b;
    const struct expr *factor = a_ramp ? b->args[0] : a->args[0];
    base = expr_binary(pool, kind, ramp->args[0], factor);
    stride = expr_binary(pool, kind, ramp->args[1], factor);
  } else {
    return NULL;
  }
  return expr_ramp(pool, base, stride, a->lanes);
}

static const struct expr *
real_identity(enum expr_kind kind, const struct expr *a, const struct expr *b) {
  switch ((int)kind) {
  case EXPR_ADD: /* -0 is the neutral element, +0 is not */
    if (all_equal_real(b, -0.0))
      return a;
    return all_equal_real(a, -0.0) ? b : NULL;
  case EXPR_SUB:
    return all_equal_real(b, 0.0) ? a : NULL;
  case EXPR_MUL:
    if (all_equal_real(b, 1.0))
      return a;
    return all_equal_real(a, 1.0) ? b : NULL;
  case EXPR_DIV:
    return all_equal_real(b, 1.0) ? a : NULL;
  case EXPR_MIN:
  case EXPR_MAX:
    return a == b ? a : NULL;
  default:
    return NULL;
  }
}

/* (x op c) op d is x op (c op d), wrapping included. */
static const struct expr *chain_identity(struct expr_pool *pool,
                                         enum expr_kind kind,
                                         const struct expr *a,
                                         const struct expr *b) {
  const struct expr *scalar = b->kind == EXPR_BROADCAST ? b->args[0] : b;
  if (a->kind != kind || !expr_is_integer(scalar))
    return NULL;
  const struct expr *inner = a->args[1];
  if (inner->kind == EXPR_BROADCAST)
    inner = inner->args[0];
  if (!expr_is_integer(inner))
    return NULL;
  return expr_binary(pool, kind, a->args[0],
                     expr_binary(pool, kind, a->args[1], b));
}

static const struct expr *bits_identity(struct expr_pool *pool,
                                        enum expr_kind kind,
                                        const struct expr *a,
                                        const struct expr *b) {
  bool is_zero = all_equal(b, 0);
  bool is_ones =
      all_equal(b, a->dtype == ADZE_BOOL ? 1 : scalar_wrap(a->dtype, -1));
  switch ((int)kind) {
  case EXPR_AND:
    return a == b || is_ones ? a : is_zero ? b : NULL;
  case EXPR_OR:
    return a == b || is_zero ? a : is_ones ? b : NULL;
  case EXPR_XOR:
    if (a == b)
      return integer_like(pool, a, a->dtype, 0);
    if (is_ones)
      return expr_unary(pool, EXPR_NOT, a);
    return is_zero ? a : NULL;
  case EXPR_SHIFT_LEFT:
  case EXPR_SHIFT_RIGHT:
    return is_zero || all_equal(a, 0) ? a : NULL;
  default:
    return NULL;
  }
}

/* Integers and bool; a constant of a commutative kind stands right. */
static const struct expr *integer_identity(struct expr_pool *pool,
                                           enum expr_kind kind,
                                           const struct expr *a,
                                           const struct expr *b) {
  switch ((int)kind) {
  case EXPR_ADD:
    return all_equal(b, 0) ? a : chain_identity(pool, kind, a, b);
  case EXPR_SUB:
    if (a == b)
      return integer_like(pool, a, a->dtype, 0);
    return all_equal(b, 0) ? a : NULL;
  case EXPR_MUL:
    if (all_equal(b, 1))
      return a;
    return all_equal(b, 0) ? b : chain_identity(pool, kind, a, b);
  case EXPR_DIV:
  case EXPR_FLOOR_DIV:
    return all_equal(b, 1) || all_equal(a, 0) ? a : NULL;
  case EXPR_REMAINDER:
  case EXPR_FLOOR_MOD:
    if (all_equal(b, 1))
      return integer_like(pool, a, a->dtype, 0);
    return all_equal(a, 0) ? a : NULL;
  case EXPR_MIN:
  case EXPR_MAX:
    return a == b ? a : NULL;
  default:
    return bits_identity(pool, kind, a, b);
  }
}

static const struct expr *compare_identity(struct expr_pool *pool,
                                           enum expr_kind kind,
                                           const struct expr *a,
                                           const struct expr *b) {
  if (a->dtype == ADZE_BOOL && b->kind != EXPR_RAMP) {
    if (all_equal(b, kind == EXPR_EQUAL) &&
        (kind == EXPR_EQUAL || kind == EXPR_NOT_EQUAL))
      return a;
    if (all_equal(b, kind == EXPR_NOT_EQUAL) &&
        (kind == EXPR_EQUAL || kind == EXPR_NOT_EQUAL))
      return expr_unary(pool, EXPR_NOT, a);
  }
  if (a != b)
    return NULL;
  if (kind == EXPR_LESS) /* false with a NaN as well */
    return integer_like(pool, a, ADZE_BOOL, 0);
  if (dtype_is_float(a->dtype))
    return NULL;
  return integer_like(pool, a, ADZE_BOOL, kind != EXPR_NOT_EQUAL);
}

static const struct expr *binary_identity(struct expr_pool *pool,
                                          enum expr_kind kind,
                                          const struct expr *a,
                                          const struct expr *b) {
  if (expr_kind_is_compare(kind))
    return compare_identity(pool, kind, a, b);
  if (dtype_is_float(a->dtype))
    return real_identity(kind, a, b);
  const struct expr *identity = ramp_identity(pool, kind, a, b);
  return identity ? identity : integer_identity(pool, kind, a, b);
}

const struct expr *expr_binary(struct expr_pool *pool, enum expr_kind kind,
                               const struct expr *a, const struct expr *b) {
  check(expr_kind_is_binary(kind) || expr_kind_is_compare(kind));
  check(a->dtype == b->dtype && binary_takes(kind, a->dtype));
  unify_lanes(pool, &a, &b);
  enum adze_dtype dtype = expr_kind_is_compare(kind) ? ADZE_BOOL : a->dtype;
  if (a->kind == EXPR_BROADCAST && b->kind == EXPR_BROADCAST)
    return expr_broadcast(pool, expr_binary(pool, kind, a->args[0], b->args[0]),
                          a->lanes);
  union scalar left, right, result;
  if (constant_of(a, &left) && constant_of(b, &right) &&
      scalar_binary(kind, a->dtype, left, right, &result))
    return from_scalar(pool, dtype, result);
  if (commutes(kind) && !dtype_is_float(a->dtype) &&
      (a->kind == EXPR_INTEGER ||
       (a->kind == EXPR_BROADCAST && a->args[0]->kind == EXPR_INTEGER))) {
    const struct expr *swap = a;
    a = b;
    b = swap;
  }
  const struct expr *identity = binary_identity(pool, kind, a, b);
  if (identity)
    return identity;
  return make(pool, kind, dtype, a->lanes, (const struct expr *[]){a, b}, 2);
}

/* ---- Ternary ------------------------------------------------------------- */

const struct expr *expr_select(struct expr_pool *pool,
                               const struct expr *condition,
                               const struct expr *yes, const struct expr *no) {
  check(condition->dtype == ADZE_BOOL && yes->dtype == no->dtype);
  unify_lanes(pool, &yes, &no);
  if (condition->lanes > 1 && yes->lanes == 1) {
    yes = expr_broadcast(pool, yes, condition->lanes);
    no = expr_broadcast(pool, no, condition->lanes);
  }
  if (condition->kind == EXPR_BROADCAST)
    condition = condition->args[0];
  check(condition->lanes == 1 || condition->lanes == yes->lanes);
  if (expr_is_integer(condition))
    return condition->integer ? yes : no;
  if (yes == no)
    return yes;
  if (condition->kind == EXPR_NOT)
    return expr_select(pool, condition->args[0], no, yes);
  if (condition->lanes == 1 && yes->kind == EXPR_BROADCAST &&
      no->kind == EXPR_BROADCAST)
    return expr_broadcast(
        pool, expr_select(pool, condition, yes->args[0], no->args[0]),
        yes->lanes);
  if (yes->dtype == ADZE_BOOL && condition->lanes == yes->lanes) {
    if (all_equal(yes, 1) && all_equal(no, 0))
      return condition;
    if (all_equal(yes, 0) && all_equal(no, 1))
      return expr_unary(pool, EXPR_NOT, condition);
  }
  return make(pool, EXPR_SELECT, yes->dtype, yes->lanes,
              (const struct expr *[]){condition, yes, no}, 3);
}

const struct expr *expr_fma(struct expr_pool *pool, const struct expr *a,
                            const struct expr *b, const struct expr *c) {
  check(a->dtype == b->dtype && b->dtype == c->dtype &&
        (a->dtype == ADZE_F32 || a->dtype == ADZE_F64));
  unify_lanes(pool, &a, &b);
  unify_lanes(pool, &b, &c);
  unify_lanes(pool, &a, &b);
  if (a->kind == EXPR_BROADCAST && b->kind == EXPR_BROADCAST &&
      c->kind == EXPR_BROADCAST)
    return expr_broadcast(
        pool, expr_fma(pool, a->args[0], b->args[0], c->args[0]), a->lanes);
  union scalar x, y, z;
  if (constant_of(a, &x) && constant_of(b, &y) && constant_of(c, &z))
    return from_scalar(pool, a->dtype, scalar_fma(a->dtype, x, y, z));
  return make(pool, EXPR_FMA, a->dtype, a->lanes,
              (const struct expr *[]){a, b, c}, 3);
}

/* ---- Conversions --------------------------------------------------------- */

/* Bits of precision: of magnitude for integers, of significand for floats. */
static unsigned precision(enum adze_dtype dtype) {
  switch ((int)dtype) {
  case ADZE_F64:
    return 53;
  case ADZE_F32:
    return 24;
  case ADZE_F16:
    return 11;
  case ADZE_BF16:
    return 8;
  case ADZE_BOOL:
    return 1;
  default:
    return dtype_bits(dtype) - dtype_is_signed(dtype);
  }
}

/* Whether every value of `narrow` is one of `wide`. */
static bool dtype_includes(enum adze_dtype wide, enum adze_dtype narrow) {
  if (wide == narrow)
    return true;
  if (wide == ADZE_BOOL || precision(wide) < precision(narrow))
    return false;
  if (dtype_is_float(narrow))
    return wide == ADZE_F64 || (wide == ADZE_F32 && is_half(narrow));
  return dtype_is_float(wide) || dtype_is_signed(wide) ||
         !dtype_is_signed(narrow);
}

static const struct expr *cast_identity(struct expr_pool *pool,
                                        enum adze_dtype dtype,
                                        const struct expr *a) {
  if (a->kind == EXPR_CAST) {
    const struct expr *inner = a->args[0];
    enum adze_dtype from = inner->dtype;
    if (dtype == from && dtype_includes(a->dtype, from))
      return inner;
    bool integers = dtype_is_integer(dtype) && dtype_is_integer(a->dtype) &&
                    !dtype_is_float(from);
    if (integers && (dtype_bits(dtype) <= dtype_bits(a->dtype) ||
                     dtype_includes(a->dtype, from)))
      return expr_cast(pool, dtype, inner);
  }
  if (a->kind == EXPR_RAMP && dtype_is_integer(dtype) &&
      dtype_is_integer(a->dtype) && dtype_bits(dtype) <= dtype_bits(a->dtype))
    return expr_ramp(pool, expr_cast(pool, dtype, a->args[0]),
                     expr_cast(pool, dtype, a->args[1]), a->lanes);
  return NULL;
}

const struct expr *expr_cast(struct expr_pool *pool, enum adze_dtype dtype,
                             const struct expr *a) {
  check(dtype != ADZE_DTYPE_NONE);
  if (a->dtype == dtype)
    return a;
  if ((is_half(dtype) && a->dtype != ADZE_F32) ||
      (is_half(a->dtype) && dtype != ADZE_F32))
    return expr_cast(pool, dtype, expr_cast(pool, ADZE_F32, a));
  if (a->kind == EXPR_BROADCAST)
    return expr_broadcast(pool, expr_cast(pool, dtype, a->args[0]), a->lanes);
  union scalar value;
  if (constant_of(a, &value))
    return from_scalar(pool, dtype, scalar_cast(dtype, a->dtype, value));
  const struct expr *identity = cast_identity(pool, dtype, a);
  return identity ? identity : make(pool, EXPR_CAST, dtype, a->lanes, &a, 1);
}

const struct expr *expr_bitcast(struct expr_pool *pool, enum adze_dtype dtype,
                                const struct expr *a) {
  if (a->dtype == dtype)
    return a;
  check(dtype_bits(dtype) == dtype_bits(a->dtype) && dtype != ADZE_BOOL &&
        a->dtype != ADZE_BOOL);
  if (a->kind == EXPR_BROADCAST)
    return expr_broadcast(pool, expr_bitcast(pool, dtype, a->args[0]),
                          a->lanes);
  if (a->kind == EXPR_BITCAST)
    return expr_bitcast(pool, dtype, a->args[0]);
  union scalar value;
  if (constant_of(a, &value)) {
    union scalar result = scalar_bitcast(dtype, a->dtype, value);
    /* A NaN constant would lose its bits. */
    if (!dtype_is_float(dtype) || !isnan(result.real))
      return from_scalar(pool, dtype, result);
  }
  return make(pool, EXPR_BITCAST, dtype, a->lanes, &a, 1);
}

/* ---- Memory and vectors -------------------------------------------------- */

static const struct expr *make_load(struct expr_pool *pool,
                                    struct buffer *buffer,
                                    const struct expr *const *indices,
                                    size_t count, uint16_t lanes) {
  return expr_intern(pool,
                     &(struct expr){.kind = EXPR_LOAD,
                                    .dtype = buffer->dtype,
                                    .lanes = lanes,
                                    .arg_count = (uint16_t)count,
                                    .buffer = buffer},
                     indices);
}

const struct expr *expr_load(struct expr_pool *pool, struct buffer *buffer,
                             const struct expr *const *indices, size_t count) {
  check(count <= LOOP_MAX_RANK);
  for (size_t i = 0; i < count; i++)
    check(indices[i]->dtype == ADZE_I64 &&
          (indices[i]->lanes == 1 || count == 1));
  if (count == 1 && indices[0]->lanes > 1) {
    const struct expr *offset = indices[0];
    if (offset->kind == EXPR_BROADCAST)
      return expr_broadcast(pool, make_load(pool, buffer, offset->args, 1, 1),
                            offset->lanes);
    if (offset->kind == EXPR_RAMP && expr_is_value(offset->args[1], 1))
      return make_load(pool, buffer, offset->args, 1, offset->lanes);
    return make_load(pool, buffer, indices, 1, offset->lanes);
  }
  return make_load(pool, buffer, indices, count, 1);
}

const struct expr *expr_load_lanes(struct expr_pool *pool,
                                   struct buffer *buffer,
                                   const struct expr *offset, uint16_t lanes) {
  check(offset->dtype == ADZE_I64 && offset->lanes == 1 && lanes >= 1);
  return make_load(pool, buffer, &offset, 1, lanes);
}

const struct expr *expr_ramp(struct expr_pool *pool, const struct expr *base,
                             const struct expr *stride, uint16_t lanes) {
  check(base->dtype == stride->dtype && base->lanes == 1 &&
        stride->lanes == 1 && lanes >= 1);
  if (lanes == 1)
    return base;
  if (expr_is_integer(stride) && stride->integer == 0)
    return expr_broadcast(pool, base, lanes);
  return make(pool, EXPR_RAMP, base->dtype, lanes,
              (const struct expr *[]){base, stride}, 2);
}

const struct expr *expr_broadcast(struct expr_pool *pool, const struct expr *a,
                                  uint16_t lanes) {
  check(lanes >= 1);
  if (lanes == a->lanes)
    return a;
  check(a->lanes == 1);
  return make(pool, EXPR_BROADCAST, a->dtype, lanes, &a, 1);
}

/* ---- Remaking ------------------------------------------------------------ */

static const struct expr *load_with_args(struct expr_pool *pool,
                                         const struct expr *node,
                                         const struct expr *const *args) {
  bool consecutive = node->lanes > 1 && node->args[0]->lanes == 1;
  if (!consecutive)
    return expr_load(pool, node->buffer, args, node->arg_count);
  return expr_load_lanes(pool, node->buffer, args[0], node->lanes);
}

const struct expr *expr_with_args(struct expr_pool *pool,
                                  const struct expr *node,
                                  const struct expr *const *args) {
  bool changed = false;
  for (size_t i = 0; i < node->arg_count; i++)
    changed |= args[i] != node->args[i];
  if (!changed)
    return node;
  switch ((int)node->kind) {
  case EXPR_CAST:
    return expr_cast(pool, node->dtype, args[0]);
  case EXPR_BITCAST:
    return expr_bitcast(pool, node->dtype, args[0]);
  case EXPR_SELECT:
    return expr_select(pool, args[0], args[1], args[2]);
  case EXPR_FMA:
    return expr_fma(pool, args[0], args[1], args[2]);
  case EXPR_LOAD:
    return load_with_args(pool, node, args);
  case EXPR_RAMP:
    return expr_ramp(pool, args[0], args[1], node->lanes);
  case EXPR_BROADCAST:
    /* The argument may have become a vector of its own. */
    return args[0]->lanes == 1 ? expr_broadcast(pool, args[0], node->lanes)
                               : args[0];
  default:
    if (expr_kind_is_unary(node->kind))
      return expr_unary(pool, node->kind, args[0]);
    return expr_binary(pool, node->kind, args[0], args[1]);
  }
}

/* ---- Shorthand ----------------------------------------------------------- */

#define SHORTHAND(name, kind)                                                  \
  const struct expr *expr_##name(struct expr_pool *pool, const struct expr *a, \
                                 const struct expr *b) {                       \
    return expr_binary(pool, EXPR_##kind, a, b);                               \
  }
SHORTHAND(add, ADD)
SHORTHAND(sub, SUB)
SHORTHAND(mul, MUL)
SHORTHAND(min, MIN)
SHORTHAND(max, MAX)
SHORTHAND(and, AND)
SHORTHAND(floor_div, FLOOR_DIV)
SHORTHAND(floor_mod, FLOOR_MOD)
SHORTHAND(less, LESS)
SHORTHAND(less_equal, LESS_EQUAL)
SHORTHAND(equal, EQUAL)

const struct expr *expr_ceil_div(struct expr_pool *pool, const struct expr *a,
                                 const struct expr *b) {
  const struct expr *one = expr_integer(pool, b->dtype, 1);
  return expr_floor_div(pool, expr_add(pool, a, expr_sub(pool, b, one)), b);
}
