/* SPDX-License-Identifier: Apache-2.0 */
/* Constant ranges of integer expressions by interval arithmetic.
 *
 * INT64_MIN and INT64_MAX stand for no bound. A result that leaves a narrow
 * dtype is that dtype's whole range; i64 data whose arithmetic may overflow is
 * unknown on both sides, because it wraps. Ranges are kept by node id for the
 * life of the pool, and computed on an explicit stack.
 */
#include "ir/scalar.h"
#include "ir/simplify_sum.h"

static const struct interval unknown = {INT64_MIN, INT64_MAX};

/* ---- Arithmetic with infinities ------------------------------------------ */

static bool is_infinite(int64_t a) { return a == INT64_MIN || a == INT64_MAX; }

static int64_t infinity(bool negative) {
  return negative ? INT64_MIN : INT64_MAX;
}

/* a + b of two minima or two maxima; `none` is what their missing bound is. */
static int64_t add_bounds(int64_t a, int64_t b, int64_t none) {
  int64_t sum;
  if (a == none || b == none || !int64_add(a, b, &sum))
    return none;
  return sum;
}

static struct interval add(struct interval a, struct interval b) {
  return (struct interval){add_bounds(a.minimum, b.minimum, INT64_MIN),
                           add_bounds(a.maximum, b.maximum, INT64_MAX)};
}

static int64_t opposite(int64_t a) {
  return a == INT64_MIN ? INT64_MAX : a == INT64_MAX ? INT64_MIN : -a;
}

static struct interval negate(struct interval a) {
  return (struct interval){opposite(a.maximum), opposite(a.minimum)};
}

static int64_t multiply_ends(int64_t a, int64_t b) {
  int64_t product;
  if (a == 0 || b == 0)
    return 0;
  if (is_infinite(a) || is_infinite(b) || !int64_mul(a, b, &product))
    return infinity((a < 0) != (b < 0));
  return product;
}

/* b >= 1 */
static int64_t divide_ends(int64_t a, int64_t b) {
  if (is_infinite(a))
    return a;
  return b == INT64_MAX ? -(a < 0) : floor_div(a, b);
}

static struct interval of_corners(int64_t (*combine)(int64_t, int64_t),
                                  struct interval a, struct interval b) {
  const int64_t corners[4] = {
      combine(a.minimum, b.minimum), combine(a.minimum, b.maximum),
      combine(a.maximum, b.minimum), combine(a.maximum, b.maximum)};
  struct interval result = {corners[0], corners[0]};
  for (int i = 1; i < 4; i++) {
    if (corners[i] < result.minimum)
      result.minimum = corners[i];
    if (corners[i] > result.maximum)
      result.maximum = corners[i];
  }
  return result;
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

static struct interval hull(struct interval a, struct interval b) {
  return (struct interval){smaller(a.minimum, b.minimum),
                           larger(a.maximum, b.maximum)};
}

static struct interval modulo(struct interval a, struct interval b) {
  if (b.minimum < 1)
    return unknown;
  if (a.minimum >= 0 && a.maximum < b.minimum)
    return a;
  int64_t last = b.maximum == INT64_MAX ? INT64_MAX : b.maximum - 1;
  return (struct interval){0, a.minimum >= 0 ? smaller(a.maximum, last) : last};
}

/* Toward zero; the remainder has the sign of a. */
static struct interval truncating(bool is_remainder, struct interval a,
                                  struct interval b) {
  if (b.minimum < 1)
    return unknown;
  if (a.minimum >= 0)
    return is_remainder ? modulo(a, b) : of_corners(divide_ends, a, b);
  struct interval limit = a;
  if (is_remainder) {
    int64_t last = b.maximum == INT64_MAX ? INT64_MAX : b.maximum - 1;
    limit = (struct interval){larger(a.minimum, opposite(last)),
                              smaller(a.maximum, last)};
  }
  return (struct interval){limit.minimum, larger(limit.maximum, 0)};
}

/* ---- Nodes --------------------------------------------------------------- */

static struct interval dtype_interval(enum adze_dtype dtype) {
  if (dtype == ADZE_BOOL)
    return (struct interval){0, 1};
  if (!dtype_is_integer(dtype) || dtype_bits(dtype) == 64)
    return unknown;
  unsigned bits = dtype_bits(dtype);
  if (dtype_is_signed(dtype))
    return (struct interval){-((int64_t)1 << (bits - 1)),
                             ((int64_t)1 << (bits - 1)) - 1};
  return (struct interval){0, ((int64_t)1 << bits) - 1};
}

static struct interval variable_interval(struct expr_pool *pool,
                                         const struct variable *variable) {
  struct interval result = {variable->minimum, variable->maximum};
  if (variable->extent) {
    /* Extents are written before their loops: the nesting is that of loops. */
    const struct expr *extent = simplify(pool, variable->extent);
    struct interval count = range_of(pool, extent).interval;
    result.minimum = larger(result.minimum, 0);
    if (count.maximum != INT64_MAX)
      result.maximum = smaller(result.maximum, count.maximum - 1);
  }
  return result;
}

static struct interval cast_interval(const struct expr *e,
                                     struct interval from) {
  enum adze_dtype dtype = e->args[0]->dtype;
  if (dtype_is_float(dtype) || dtype == ADZE_U64)
    return unknown;
  return from;
}

static struct interval absolute(struct interval a) {
  if (a.minimum >= 0)
    return a;
  struct interval mirrored = negate(a);
  return (struct interval){larger(0, larger(a.minimum, mirrored.minimum)),
                           larger(a.maximum, mirrored.maximum)};
}

static struct interval lanes_interval(const struct expr *e, struct interval a,
                                      struct interval stride) {
  struct interval steps = {0, e->lanes - 1};
  return add(a, of_corners(multiply_ends, stride, steps));
}

/* Whether a value may have wrapped to get here. */
static bool is_arithmetic(enum expr_kind kind) {
  return kind == EXPR_ADD || kind == EXPR_SUB || kind == EXPR_MUL ||
         kind == EXPR_NEGATE || kind == EXPR_ABS || kind == EXPR_RAMP;
}

static struct interval node_interval(const struct expr *e, struct interval a,
                                     struct interval b, struct interval c) {
  switch ((int)e->kind) {
  case EXPR_INTEGER:
    return (struct interval){e->integer, e->integer};
  case EXPR_NEGATE:
    return negate(a);
  case EXPR_ABS:
    return absolute(a);
  case EXPR_CAST:
    return cast_interval(e, a);
  case EXPR_ADD:
    return add(a, b);
  case EXPR_SUB:
    return add(a, negate(b));
  case EXPR_MUL:
    return of_corners(multiply_ends, a, b);
  case EXPR_DIV:
  case EXPR_REMAINDER:
    return truncating(e->kind == EXPR_REMAINDER, a, b);
  case EXPR_FLOOR_DIV:
    return b.minimum >= 1 ? of_corners(divide_ends, a, b) : unknown;
  case EXPR_FLOOR_MOD:
    return modulo(a, b);
  case EXPR_MIN:
    return (struct interval){smaller(a.minimum, b.minimum),
                             smaller(a.maximum, b.maximum)};
  case EXPR_MAX:
    return (struct interval){larger(a.minimum, b.minimum),
                             larger(a.maximum, b.maximum)};
  case EXPR_AND:
    if (a.minimum >= 0 || b.minimum >= 0)
      return (struct interval){0, a.minimum < 0 ? b.maximum
                                  : b.minimum < 0
                                      ? a.maximum
                                      : smaller(a.maximum, b.maximum)};
    return unknown;
  case EXPR_SHIFT_RIGHT:
    return a.minimum >= 0 ? (struct interval){0, a.maximum} : unknown;
  case EXPR_SELECT:
    return hull(b, c);
  case EXPR_RAMP:
    return lanes_interval(e, a, b);
  case EXPR_BROADCAST:
    return a;
  default:
    return unknown;
  }
}

static bool node_is_data(const struct expr *e, const struct range *args) {
  if (e->kind == EXPR_VARIABLE || e->kind == EXPR_INTEGER ||
      expr_kind_is_compare(e->kind))
    return false;
  if (e->arg_count == 0 || e->kind == EXPR_LOAD || e->kind == EXPR_BITCAST ||
      dtype_is_float(e->dtype))
    return true;
  for (size_t i = e->kind == EXPR_SELECT; i < e->arg_count; i++)
    if (args[i].is_data)
      return true;
  return false;
}

static struct range node_range(struct expr_pool *pool, const struct expr *e) {
  struct range args[LOOP_MAX_RANK] = {{{0, 0}, false}};
  const struct simplify_memo *memo = simplify_memo_get(pool);
  for (size_t i = 0; i < e->arg_count; i++)
    args[i] = memo->ranges[e->args[i]->id];
  struct range result = {.is_data = node_is_data(e, args)};
  struct interval whole = dtype_interval(e->dtype);
  if (e->kind == EXPR_VARIABLE)
    result.interval = variable_interval(pool, e->variable);
  else if (dtype_is_float(e->dtype) ||
           (e->dtype == ADZE_U64 && e->kind != EXPR_INTEGER))
    result.interval = unknown;
  else
    result.interval =
        node_interval(e, args[0].interval, args[1].interval, args[2].interval);
  bool fits = result.interval.minimum >= whole.minimum &&
              result.interval.maximum <= whole.maximum;
  bool wraps = result.is_data && is_arithmetic(e->kind) &&
               !interval_is_finite(result.interval);
  if (!fits || wraps)
    result.interval = whole;
  return result;
}

struct range range_of(struct expr_pool *pool, const struct expr *e) {
  struct simplify_memo *memo = simplify_memo_get(pool);
  if (memo->has_range[e->id])
    return memo->ranges[e->id];
  size_t base = memo->stack.count;
  vec_push(pool->arena, &memo->stack, e);
  while (memo->stack.count > base) {
    const struct expr *node = memo->stack.data[memo->stack.count - 1];
    size_t before = memo->stack.count;
    for (size_t i = 0; i < node->arg_count && !memo->has_range[node->id]; i++)
      if (!memo->has_range[node->args[i]->id])
        vec_push(pool->arena, &memo->stack, node->args[i]);
    if (memo->stack.count != before)
      continue;
    if (!memo->has_range[node->id]) {
      struct range range = node_range(pool, node);
      memo = simplify_memo_get(pool); /* a variable's extent may add nodes */
      memo->ranges[node->id] = range;
      memo->has_range[node->id] = true;
    }
    memo->stack.count--;
  }
  return memo->ranges[e->id];
}

struct interval simplify_interval(struct expr_pool *pool,
                                  const struct expr *e) {
  return range_of(pool, simplify(pool, e)).interval;
}

/* ---- Sums ---------------------------------------------------------------- */

struct interval sum_interval(struct expr_pool *pool, const struct sum *sum) {
  struct interval result = {sum->constant, sum->constant};
  for (size_t i = 0; i < sum->count; i++) {
    const struct term *term = &sum->terms[i];
    struct interval factor = {term->coefficient, term->coefficient};
    result = add(result, of_corners(multiply_ends, factor,
                                    range_of(pool, term->monomial).interval));
  }
  return result;
}

bool sum_is_exact(struct expr_pool *pool, const struct sum *sum) {
  bool is_data = false;
  for (size_t i = 0; i < sum->count; i++)
    is_data |= range_of(pool, sum->terms[i].monomial).is_data;
  return !is_data || interval_is_finite(sum_interval(pool, sum));
}

/* ---- Divisors ------------------------------------------------------------ */

static int64_t gcd(int64_t a, int64_t b) {
  while (b) {
    int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a < 0 ? -a : a;
}

/* Deep nests of minima give up: 1 divides everything. */
static int64_t divisor_of(const struct expr *e, int depth) {
  enum { MAX_DEPTH = 32 };
  struct sum sum = sum_of(e);
  if (depth == MAX_DEPTH || sum.constant == INT64_MIN)
    return 1;
  int64_t result = gcd(sum.constant, 0);
  for (size_t i = 0; i < sum.count; i++) {
    int64_t divisor = sum.terms[i].coefficient;
    const struct expr *atom = sum.terms[i].monomial;
    if (divisor == INT64_MIN)
      return 1;
    if (atom->kind == EXPR_MIN || atom->kind == EXPR_MAX ||
        atom->kind == EXPR_FLOOR_MOD || atom->kind == EXPR_SELECT) {
      size_t first = atom->arg_count - 2;
      int64_t inner = gcd(divisor_of(atom->args[first], depth + 1),
                          divisor_of(atom->args[first + 1], depth + 1));
      if (!int64_mul(divisor, inner, &divisor))
        return 1;
    }
    result = gcd(result, divisor);
  }
  return result;
}

int64_t simplify_divisor(struct expr_pool *pool, const struct expr *e) {
  const struct expr *simple = simplify(pool, e);
  if (simple->dtype != ADZE_I64 || simple->lanes != 1)
    return 1;
  int64_t divisor = divisor_of(simple, 0);
  /* Only powers of two survive wrapping. */
  if (divisor != 0 && range_of(pool, simple).is_data &&
      simple->kind != EXPR_INTEGER)
    divisor &= -divisor;
  return divisor;
}
