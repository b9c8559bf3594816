/* SPDX-License-Identifier: Apache-2.0 */
/* Test support (random_function.h).
 *
 * Functions are grown top down: a statement asks for an expression of a dtype
 * and a number of lanes, which asks for others with less depth left. Offsets
 * are brought into range by floormod or by a condition around the load, so
 * every program is valid. What targets need not agree on is avoided: bits of
 * NaNs (a float is reinterpreted only where it isn't one).
 */
#include "target/random_function.h"

#include <string.h>

enum { DTYPES = 11, LOCALS = 8 };
static const enum adze_dtype dtypes[DTYPES] = {
    ADZE_F32, ADZE_F64, ADZE_I8,  ADZE_I16, ADZE_I32, ADZE_I64,
    ADZE_U8,  ADZE_U16, ADZE_U32, ADZE_U64, ADZE_BOOL};
static const uint16_t lane_counts[] = {1, 1, 4, 8, 16, 2, 3, 7, 5};

struct generator {
  struct expr_pool *pool;
  struct arena *arena;
  struct function *function;
  const struct random_options *options;
  uint64_t state;
  VEC(const struct variable *) variables;
  VEC(struct local *) locals;
  VEC(struct buffer *) readable, writable;
};

static uint64_t next_random(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static uint32_t pick(struct generator *g, uint32_t count) {
  return (uint32_t)(next_random(&g->state) % count);
}

static uint16_t pick_lanes(struct generator *g) {
  uint16_t lanes = lane_counts[pick(g, ARRAY_COUNT(lane_counts))];
  return lanes <= g->options->lanes_limit ? lanes : 1;
}

static const struct expr *value(struct generator *g, enum adze_dtype dtype,
                                uint16_t lanes, int depth);

/* ---- Leaves -------------------------------------------------------------- */

static const struct expr *splat(struct generator *g, const struct expr *e,
                                uint16_t lanes) {
  return e->lanes == lanes ? e : expr_broadcast(g->pool, e, lanes);
}

static const struct expr *constant(struct generator *g, enum adze_dtype dtype) {
  static const double reals[] = {0.0, -0.0, 1.0,   -1.0, 0.5,  -2.5,
                                 1.5, 1e30, 1e-40, 3.25, -7.0, 8388609.0};
  static const int64_t integers[] = {0,  1,   -1,  2,        3,   7,
                                     -5, 127, 128, -128,     255, INT64_MAX,
                                     16, 31,  32,  INT64_MIN};
  if (dtype_is_float(dtype))
    return expr_real(g->pool, dtype, reals[pick(g, ARRAY_COUNT(reals))]);
  if (dtype == ADZE_BOOL)
    return expr_bool(g->pool, pick(g, 2) != 0);
  return expr_integer(g->pool, dtype, integers[pick(g, ARRAY_COUNT(integers))]);
}

/* A scalar of i64 that stays small. */
static const struct expr *small_index(struct generator *g) {
  if (g->variables.count > 0 && pick(g, 4) != 0)
    return expr_variable(
        g->pool, g->variables.data[pick(g, (uint32_t)g->variables.count)]);
  return expr_index(g->pool, (int64_t)pick(g, 9) - 2);
}

/* An affine scalar with values of any sign. */
static const struct expr *affine(struct generator *g) {
  const struct expr *sum = small_index(g);
  for (uint32_t i = pick(g, 3); i > 0; i--)
    sum = expr_add(g->pool, sum,
                   expr_mul(g->pool, small_index(g),
                            expr_index(g->pool, (int64_t)pick(g, 12) - 3)));
  return sum;
}

/* An offset for `lanes` consecutive elements, in range. */
static const struct expr *offset_in_range(struct generator *g, uint16_t lanes,
                                          int64_t elements) {
  const struct expr *e = pick(g, 3) == 0 ? value(g, ADZE_I64, 1, 1) : affine(g);
  return expr_floor_mod(g->pool, e, expr_index(g->pool, elements - lanes + 1));
}

/* As many offsets as lanes, each in range: ramps or anything. */
static const struct expr *vector_offset(struct generator *g, uint16_t lanes) {
  struct expr_pool *pool = g->pool;
  if (pick(g, 3) != 0) {
    int64_t stride = (int64_t)pick(g, 5) - 1;
    int64_t reach = (lanes - 1) * (stride < 0 ? -stride : stride);
    const struct expr *base = offset_in_range(g, 1, RANDOM_ELEMENTS - reach);
    if (stride < 0)
      base = expr_add(pool, base, expr_index(pool, reach));
    return expr_ramp(pool, base, expr_index(pool, stride), lanes);
  }
  return expr_floor_mod(pool, splat(g, value(g, ADZE_I64, lanes, 1), lanes),
                        splat(g, expr_index(pool, RANDOM_ELEMENTS), lanes));
}

static struct buffer *readable(struct generator *g, enum adze_dtype dtype) {
  for (;;) {
    struct buffer *buffer =
        g->readable.data[pick(g, (uint32_t)g->readable.count)];
    if (buffer->dtype == dtype)
      return buffer;
  }
}

/* A load that happens only where its offset is in range. */
static const struct expr *guarded_load(struct generator *g,
                                       struct buffer *buffer, uint16_t lanes) {
  struct expr_pool *pool = g->pool;
  const struct expr *offset = affine(g);
  const struct expr *first = offset;
  int64_t last = RANDOM_ELEMENTS - lanes;
  if (lanes > 1 && pick(g, 2) == 0) {
    offset = first = expr_ramp(pool, offset, expr_index(pool, 1), lanes);
    last = RANDOM_ELEMENTS - 1;
  }
  const struct expr *condition = expr_and(
      pool,
      expr_less_equal(pool, splat(g, expr_index(pool, 0), first->lanes), first),
      expr_less_equal(pool, first,
                      splat(g, expr_index(pool, last), first->lanes)));
  const struct expr *load = first->lanes > 1
                                ? expr_load(pool, buffer, &offset, 1)
                                : expr_load_lanes(pool, buffer, offset, lanes);
  const struct expr *other = splat(g, constant(g, buffer->dtype), lanes);
  return pick(g, 2) == 0
             ? expr_select(pool, condition, load, other)
             : expr_select(pool, expr_unary(pool, EXPR_NOT, condition), other,
                           load);
}

static const struct expr *load(struct generator *g, enum adze_dtype dtype,
                               uint16_t lanes) {
  struct buffer *buffer = readable(g, dtype);
  if (pick(g, 4) == 0)
    return guarded_load(g, buffer, lanes);
  if (lanes > 1 && pick(g, 2) == 0) {
    const struct expr *offset = vector_offset(g, lanes);
    return expr_load(g->pool, buffer, &offset, 1);
  }
  return expr_load_lanes(g->pool, buffer,
                         offset_in_range(g, lanes, RANDOM_ELEMENTS), lanes);
}

static const struct expr *leaf(struct generator *g, enum adze_dtype dtype,
                               uint16_t lanes) {
  if (pick(g, 3) == 0)
    return splat(g, constant(g, dtype), lanes);
  if (dtype == ADZE_I64 && pick(g, 2) == 0)
    return splat(g, affine(g), lanes);
  for (int tries = 0; tries < 6 && g->locals.count > 0; tries++) {
    const struct local *local =
        g->locals.data[pick(g, (uint32_t)g->locals.count)];
    if (local->dtype == dtype && (local->lanes == lanes || local->lanes == 1))
      return splat(g, expr_local(g->pool, local), lanes);
  }
  return load(g, dtype, lanes);
}

/* ---- Inner nodes --------------------------------------------------------- */

static size_t dtype_size(enum adze_dtype dtype) {
  switch (dtype) {
#define X(name, number, bytes, kind, text)                                     \
  case ADZE_##name:                                                            \
    return bytes;
    ADZE_DTYPE_LIST(X)
#undef X
  case ADZE_DTYPE_NONE:
    break;
  }
  unreachable();
}

static const struct expr *any_unary(struct generator *g, enum adze_dtype dtype,
                                    uint16_t lanes, int depth) {
  static const enum expr_kind for_floats[] = {
      EXPR_NEGATE, EXPR_ABS,      EXPR_FLOOR, EXPR_CEIL,
      EXPR_ROUND,  EXPR_TRUNCATE, EXPR_SQRT};
  static const enum expr_kind for_integers[] = {EXPR_NEGATE, EXPR_ABS,
                                                EXPR_NOT};
  enum expr_kind kind = dtype == ADZE_BOOL ? EXPR_NOT
                        : dtype_is_float(dtype)
                            ? for_floats[pick(g, ARRAY_COUNT(for_floats))]
                            : for_integers[pick(g, ARRAY_COUNT(for_integers))];
  return expr_unary(g->pool, kind, value(g, dtype, lanes, depth));
}

static const struct expr *any_binary(struct generator *g, enum adze_dtype dtype,
                                     uint16_t lanes, int depth) {
  static const enum expr_kind for_floats[] = {
      EXPR_ADD, EXPR_SUB,       EXPR_MUL, EXPR_DIV,
      EXPR_MIN, EXPR_REMAINDER, EXPR_MAX};
  static const enum expr_kind for_integers[] = {
      EXPR_ADD,        EXPR_SUB,        EXPR_MUL, EXPR_DIV,
      EXPR_MIN,        EXPR_REMAINDER,  EXPR_MAX, EXPR_FLOOR_DIV,
      EXPR_AND,        EXPR_FLOOR_MOD,  EXPR_OR,  EXPR_XOR,
      EXPR_SHIFT_LEFT, EXPR_SHIFT_RIGHT};
  static const enum expr_kind for_truth[] = {EXPR_AND, EXPR_OR, EXPR_XOR};
  enum expr_kind kind = dtype == ADZE_BOOL
                            ? for_truth[pick(g, ARRAY_COUNT(for_truth))]
                        : dtype_is_float(dtype)
                            ? for_floats[pick(g, ARRAY_COUNT(for_floats))]
                            : for_integers[pick(g, ARRAY_COUNT(for_integers))];
  const struct expr *a = value(g, dtype, lanes, depth);
  /* A scalar may stand beside a vector. */
  const struct expr *b = value(g, dtype, pick(g, 4) == 0 ? 1 : lanes, depth);
  return expr_binary(g->pool, kind, a, b);
}

static const struct expr *any_compare(struct generator *g, uint16_t lanes,
                                      int depth) {
  static const enum expr_kind kinds[] = {EXPR_EQUAL, EXPR_NOT_EQUAL, EXPR_LESS,
                                         EXPR_LESS_EQUAL};
  enum adze_dtype dtype = dtypes[pick(g, DTYPES - 1)];
  const struct expr *a = value(g, dtype, lanes, depth);
  return expr_binary(g->pool, kinds[pick(g, ARRAY_COUNT(kinds))], a,
                     value(g, dtype, lanes, depth));
}

static const struct expr *any_bitcast(struct generator *g,
                                      enum adze_dtype dtype, uint16_t lanes,
                                      int depth) {
  struct expr_pool *pool = g->pool;
  enum adze_dtype from;
  do
    from = dtypes[pick(g, DTYPES - 1)];
  while (dtype_size(from) != dtype_size(dtype));
  const struct expr *e = value(g, from, lanes, depth);
  if (dtype_is_float(from)) {
    const struct expr *zero = splat(g, expr_real(pool, from, 0), e->lanes);
    e = expr_select(pool, expr_equal(pool, e, e), e, zero);
  }
  return expr_bitcast(pool, dtype, e);
}

static const struct expr *any_select(struct generator *g, enum adze_dtype dtype,
                                     uint16_t lanes, int depth) {
  const struct expr *condition =
      value(g, ADZE_BOOL, pick(g, 2) == 0 ? 1 : lanes, depth);
  const struct expr *yes = value(g, dtype, lanes, depth);
  return expr_select(g->pool, condition, yes, value(g, dtype, lanes, depth));
}

static const struct expr *value(struct generator *g, enum adze_dtype dtype,
                                uint16_t lanes, int depth) {
  const struct expr *result;
  if (depth <= 0)
    return leaf(g, dtype, lanes);
  depth--;
  switch (pick(g, 10)) {
  case 0:
    result = leaf(g, dtype, lanes);
    break;
  case 1:
  case 2:
    result = any_unary(g, dtype, lanes, depth);
    break;
  case 3:
    result = any_select(g, dtype, lanes, depth);
    break;
  case 4:
    result = expr_cast(g->pool, dtype,
                       value(g, dtypes[pick(g, DTYPES)], lanes, depth));
    break;
  case 5:
    if (dtype == ADZE_BOOL)
      result = any_compare(g, lanes, depth);
    else if (dtype_is_float(dtype) && g->options->has_fma)
      result =
          expr_fma(g->pool, value(g, dtype, lanes, depth),
                   value(g, dtype, 1, depth), value(g, dtype, lanes, depth));
    else if (dtype_is_integer(dtype) && lanes > 1)
      result = expr_ramp(g->pool, value(g, dtype, 1, depth),
                         value(g, dtype, 1, depth), lanes);
    else
      result = any_binary(g, dtype, lanes, depth);
    break;
  case 6:
    result = dtype == ADZE_BOOL ? any_compare(g, lanes, depth)
                                : any_bitcast(g, dtype, lanes, depth);
    break;
  default:
    result = dtype == ADZE_BOOL && pick(g, 2) == 0
                 ? any_compare(g, lanes, depth)
                 : any_binary(g, dtype, lanes, depth);
  }
  return splat(g, result, lanes); /* makers may fold a vector to a scalar */
}

/* ---- Statements ---------------------------------------------------------- */

static struct statement *set(struct generator *g, const struct local *local,
                             int depth) {
  struct statement *s = statement_new(g->pool, STATEMENT_SET);
  s->set.local = local;
  s->set.value = value(g, local->dtype, local->lanes, depth);
  return s;
}

static struct statement *store_at(struct generator *g, struct buffer *buffer,
                                  const struct expr *offset,
                                  const struct expr *e) {
  struct statement *s = statement_new(g->pool, STATEMENT_STORE);
  s->store.buffer = buffer;
  s->store.index_count = 1;
  s->store.indices[0] = offset;
  s->store.value = e;
  return s;
}

static struct statement *store(struct generator *g) {
  struct buffer *buffer =
      g->writable.data[pick(g, (uint32_t)g->writable.count)];
  uint16_t lanes = pick_lanes(g);
  const struct expr *offset = lanes > 1 && pick(g, 3) == 0
                                  ? vector_offset(g, lanes)
                                  : offset_in_range(g, lanes, RANDOM_ELEMENTS);
  if (buffer->dtype == ADZE_F16 || buffer->dtype == ADZE_BF16)
    return store_at(
        g, buffer, offset,
        expr_bitcast(g->pool, buffer->dtype, value(g, ADZE_U16, lanes, 2)));
  return store_at(g, buffer, offset, value(g, buffer->dtype, lanes, 3));
}

static struct statement *prefetch(struct generator *g) {
  struct function *function = g->function;
  struct statement *s = statement_new(g->pool, STATEMENT_PREFETCH);
  s->prefetch.buffer =
      function->parameters.data[pick(g, (uint32_t)function->parameters.count)];
  s->prefetch.offset = affine(g); /* anywhere */
  return s;
}

static struct statement *block(struct generator *g, int depth);

static struct statement *loop(struct generator *g, int depth) {
  const struct expr *extent =
      pick(g, 2) == 0
          ? expr_index(g->pool, pick(g, 5))
          : expr_floor_mod(g->pool, affine(g), expr_index(g->pool, 5));
  struct variable *variable = variable_new(g->pool, "i", extent);
  struct statement *s = statement_new(g->pool, STATEMENT_FOR);
  s->loop.variable = variable;
  s->loop.minimum = pick(g, 2) == 0 ? expr_index(g->pool, 0) : small_index(g);
  s->loop.extent = extent;
  s->loop.kind = LOOP_SERIAL;
  vec_push(g->arena, &g->variables, variable);
  s->loop.body = block(g, depth);
  g->variables.count--;
  return s;
}

static struct statement *branch(struct generator *g, int depth) {
  struct statement *s = statement_new(g->pool, STATEMENT_IF);
  s->branch.condition = value(g, ADZE_BOOL, 1, 2);
  s->branch.then_body = block(g, depth);
  s->branch.else_body = pick(g, 2) == 0 ? block(g, depth) : NULL;
  return s;
}

static struct statement *block(struct generator *g, int depth) {
  struct statement *list = NULL;
  for (uint32_t i = 1 + pick(g, 3); i > 0; i--) {
    struct statement *s;
    uint32_t choice = pick(g, 9);
    if (choice < 2 && depth > 0)
      s = loop(g, depth - 1);
    else if (choice == 2 && depth > 0)
      s = branch(g, depth - 1);
    else if (choice < 6)
      s = set(g, g->locals.data[pick(g, (uint32_t)g->locals.count)], 3);
    else if (choice < 8)
      s = store(g);
    else
      s = prefetch(g);
    list = statement_append(list, s);
  }
  return list;
}

/* ---- Functions ----------------------------------------------------------- */

static struct buffer *new_buffer(struct generator *g, const char *prefix,
                                 enum adze_dtype dtype,
                                 enum buffer_scope scope) {
  const struct expr *shape[1] = {expr_index(g->pool, RANDOM_ELEMENTS)};
  return buffer_new(g->pool, arena_printf(g->arena, "%s%d", prefix, (int)dtype),
                    dtype, scope, shape, 1);
}

static void make_parameters(struct generator *g) {
  struct function *function = g->function;
  for (int written = 0; written < 2; written++)
    for (int i = 0; i < DTYPES + 2; i++) {
      enum adze_dtype dtype = i < DTYPES    ? dtypes[i]
                              : i == DTYPES ? ADZE_F16
                                            : ADZE_BF16;
      struct buffer *buffer =
          new_buffer(g, written != 0 ? "out" : "in", dtype, BUFFER_ARGUMENT);
      vec_push(g->arena, &function->parameters, buffer);
      if (i < DTYPES)
        vec_push(g->arena, &g->readable, buffer);
      if (written != 0)
        vec_push(g->arena, &g->writable, buffer);
    }
  for (int i = 0; i < RANDOM_SYMBOLS; i++) {
    struct variable *symbol = variable_new(g->pool, i == 0 ? "n" : "m", NULL);
    symbol->minimum = 0;
    symbol->maximum = 1000;
    symbol->symbol = i;
    vec_push(g->arena, &function->scalars, symbol);
    vec_push(g->arena, &g->variables, symbol);
  }
  function->worker = variable_new(g->pool, "worker", NULL);
  function->workers = variable_new(g->pool, "workers", NULL);
  vec_push(g->arena, &g->variables, function->worker);
  vec_push(g->arena, &g->variables, function->workers);
}

/* Memory of the function's own, with a loop that fills it from a parameter. */
static struct statement *make_buffer(struct generator *g, enum adze_dtype dtype,
                                     enum buffer_scope scope) {
  bool on_stack = scope == BUFFER_STACK;
  struct buffer *source = readable(g, dtype);
  struct buffer *buffer =
      new_buffer(g, on_stack ? "stack" : "scratch", dtype, scope);
  struct function *function = g->function;
  const struct expr *place =
      on_stack ? NULL
               : expr_mul(g->pool, expr_index(g->pool, 64),
                          expr_variable(g->pool, function->scalars.data[0]));
  vec_push(g->arena, &function->buffers, buffer);
  vec_push(g->arena, &function->scratch_offsets, place);
  if (!on_stack)
    function->scratch_bytes = expr_add(
        g->pool, place,
        expr_index(g->pool, (int64_t)(RANDOM_ELEMENTS * dtype_size(dtype))));
  struct variable *i =
      variable_new(g->pool, "fill", expr_index(g->pool, RANDOM_ELEMENTS));
  const struct expr *index = expr_variable(g->pool, i);
  struct statement *body =
      store_at(g, buffer, index, expr_load(g->pool, source, &index, 1));
  vec_push(g->arena, &g->readable, buffer);
  vec_push(g->arena, &g->writable, buffer);
  return statement_for(g->pool, i, LOOP_SERIAL, body);
}

struct function *random_function(struct expr_pool *pool, const char *name,
                                 uint64_t seed,
                                 const struct random_options *options) {
  struct generator generator = {.pool = pool,
                                .arena = expr_pool_arena(pool),
                                .options = options,
                                .state = seed};
  struct generator *g = &generator;
  struct function *function = function_new(pool, name);
  g->function = function;
  function->is_flat = true;
  make_parameters(g);
  struct statement *list = NULL;
  list = statement_append(list, make_buffer(g, ADZE_F32, BUFFER_STACK));
  list = statement_append(list, make_buffer(g, ADZE_I32, BUFFER_WORKER));
  for (int i = 0; i < LOCALS; i++) {
    enum adze_dtype dtype = dtypes[pick(g, DTYPES)];
    uint16_t lanes = pick_lanes(g);
    struct local *local = local_new(function, "x", dtype, lanes);
    struct statement *s = statement_new(pool, STATEMENT_SET);
    s->set.local = local;
    s->set.value = splat(g, load(g, dtype, lanes), lanes);
    list = statement_append(list, s);
    vec_push(g->arena, &g->locals, local);
  }
  for (int i = 0; i < 3; i++)
    list = statement_append(list, block(g, 3));
  for (int i = 0; i < LOCALS; i++) {
    /* What every local is at the end. */
    struct local *local = g->locals.data[i];
    for (size_t k = 0; k < function->parameters.count; k++) {
      struct buffer *buffer = function->parameters.data[k];
      if (buffer->dtype == local->dtype && string_starts(buffer->name, "out"))
        list =
            statement_append(list, store_at(g, buffer, expr_index(pool, i * 6),
                                            expr_local(pool, local)));
    }
  }
  function->body = list;
  return function;
}

/* ---- Memory and comparison ----------------------------------------------- */

static double random_real(uint64_t *state) {
  static const double awkward[] = {0.0,
                                   -0.0,
                                   1.0,
                                   -1.0,
                                   __builtin_inf(),
                                   -__builtin_inf(),
                                   __builtin_nan(""),
                                   0.5,
                                   2.5,
                                   -3.5,
                                   1e-42,
                                   -1e-310,
                                   3e9,
                                   -2147483649.0,
                                   1e38,
                                   9.3e18,
                                   -0.3,
                                   8388607.5};
  uint64_t z = next_random(state);
  if (z % 3 == 0)
    return awkward[(z >> 8) % ARRAY_COUNT(awkward)];
  return (double)(int32_t)(z >> 32) / (double)(1u << ((z >> 8) % 32));
}

static void fill_element(enum adze_dtype dtype, void *out, uint64_t *state) {
  uint64_t z = next_random(state);
  if (dtype == ADZE_F32) {
    float real = (float)random_real(state);
    memcpy(out, &real, sizeof real);
  } else if (dtype == ADZE_F64) {
    double real = random_real(state);
    memcpy(out, &real, sizeof real);
  } else if (dtype == ADZE_BOOL) {
    *(uint8_t *)out = z & 1;
  } else {
    int64_t small = (int64_t)(z >> 8) % 7 - 3;
    uint64_t bits = z % 2 == 0 ? z >> 3 : (uint64_t)small;
    memcpy(out, &bits, dtype_size(dtype)); /* little-endian hosts */
  }
}

struct random_memory *random_memory(struct arena *arena,
                                    const struct function *function,
                                    uint64_t seed) {
  struct random_memory *memory = ARENA_NEW(arena, struct random_memory);
  size_t count = function->parameters.count;
  memory->parameters = ARENA_ARRAY(arena, void *, count);
  memory->bytes = ARENA_ARRAY(arena, size_t, count);
  memory->symbols[0] = 3;
  memory->symbols[1] = (int64_t)(seed % 4);
  memory->scratch = arena_alloc(arena, 4096);
  for (size_t i = 0; i < count; i++) {
    enum adze_dtype dtype = function->parameters.data[i]->dtype;
    size_t size = dtype_size(dtype);
    memory->bytes[i] = RANDOM_ELEMENTS * size;
    memory->parameters[i] = arena_alloc(arena, memory->bytes[i]);
    for (size_t k = 0; k < RANDOM_ELEMENTS; k++)
      fill_element(dtype, (char *)memory->parameters[i] + k * size, &seed);
  }
  return memory;
}

static bool element_equal(enum adze_dtype dtype, const void *a, const void *b) {
  if (memcmp(a, b, dtype_size(dtype)) == 0)
    return true;
  if (dtype == ADZE_F32) {
    float x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x != x && y != y;
  }
  if (dtype == ADZE_F64) {
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x != x && y != y;
  }
  return false;
}

bool random_equal(enum adze_dtype dtype, const void *a, const void *b,
                  size_t bytes, size_t *where) {
  size_t size = dtype_size(dtype);
  for (size_t i = 0; i < bytes / size; i++)
    if (!element_equal(dtype, (const char *)a + i * size,
                       (const char *)b + i * size)) {
      *where = i;
      return false;
    }
  return true;
}
