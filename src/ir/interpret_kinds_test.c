/* SPDX-License-Identifier: Apache-2.0 */
/* Every kind of expression on corner values and random ones, in scalars and in
 * vectors: against ir/scalar.h, which folds constants by code of its own, and
 * against plain C where a rule of expr.def is easily got wrong. */
#include "test.h"

#include <inttypes.h>
#include <math.h>

#include "ir/interpret.h"
#include "ir/loop_text.h"
#include "ir/loop_words.h"
#include "ir/scalar.h"

enum { COUNT = 96 };

static const enum adze_dtype dtypes[] = {
    ADZE_F32, ADZE_F64, ADZE_F16, ADZE_BF16, ADZE_I8,  ADZE_I16, ADZE_I32,
    ADZE_I64, ADZE_U8,  ADZE_U16, ADZE_U32,  ADZE_U64, ADZE_BOOL};

struct fixture {
  struct arena *arena;
  struct expr_pool *pool;
  struct test_random random;
  struct adze_error error;
};

static int set_up(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  f->arena = arena_create("test");
  f->pool = expr_pool_create(f->arena);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  struct fixture *f = *state;
  arena_destroy(f->arena);
  free(f);
  return 0;
}

static double random_real(struct fixture *f) {
  static const double corners[] = {
      0.0,    -0.0,    1.0,      -1.0,      0.5,     -0.5,         1.5,
      2.5,    -2.5,    INFINITY, -INFINITY, NAN,     1e-45,        -3e-39,
      3.4e38, -3.4e38, 127.5,    -128.9,    255.999, 2147483647.0, 4294967296.0,
      9.3e18, -9.3e18, 1.9e19,   65504.0,   65520.0, 6e-8};
  uint64_t pick = test_random_next(&f->random) % (2 * ARRAY_COUNT(corners));
  return pick < ARRAY_COUNT(corners)
             ? corners[pick]
             : test_random_double(&f->random) *
                   ldexp(1, (int)test_random_range(&f->random, -20, 20));
}

static int64_t random_integer(struct fixture *f) {
  static const int64_t corners[] = {
      0,      1,  -1, 2,  -2, 7,         127,       -128,      255,      32767,
      -32768, 31, 32, 63, 64, INT32_MIN, INT32_MAX, INT64_MIN, INT64_MAX};
  uint64_t pick = test_random_next(&f->random) % (2 * ARRAY_COUNT(corners));
  return pick < ARRAY_COUNT(corners) ? corners[pick]
                                     : (int64_t)test_random_next(&f->random);
}

static union scalar random_scalar(struct fixture *f, enum adze_dtype dtype) {
  union scalar value;
  if (dtype_is_float(dtype))
    value.real = scalar_round(dtype, random_real(f));
  else
    value.integer = scalar_wrap(dtype, random_integer(f));
  return value;
}

/* COUNT elements of up to three inputs and the result. */
struct table {
  enum adze_dtype dtypes[4];
  union scalar values[3][COUNT];
  uint8_t memory[4][COUNT * 8];
  size_t inputs;
};

static struct buffer *table_buffer(struct fixture *f, const struct table *t,
                                   size_t i) {
  static const char *const names[] = {"a", "b", "c", "out"};
  const struct expr *count = expr_index(f->pool, COUNT);
  return buffer_new(f->pool, names[i], t->dtypes[i], BUFFER_ARGUMENT, &count,
                    1);
}

static void table_fill(struct fixture *f, struct table *t) {
  for (size_t i = 0; i < t->inputs; i++)
    for (size_t n = 0; n < COUNT; n++) {
      t->values[i][n] = random_scalar(f, t->dtypes[i]);
      scalar_store(t->dtypes[i],
                   t->memory[i] + n * (dtype_bits(t->dtypes[i]) / 8),
                   t->values[i][n]);
    }
}

/* out[i : lanes] = make(a[i : lanes], …) in flat loop IR. */
typedef const struct expr *make_function(struct expr_pool *pool,
                                         const void *context,
                                         const struct expr *const *args);

static void table_run(struct fixture *f, struct table *t, uint16_t lanes,
                      make_function *make, const void *context) {
  struct expr_pool *pool = f->pool;
  struct function *function = function_new(pool, "table");
  function->is_flat = true;
  struct variable *i = variable_new(pool, "i", expr_index(pool, COUNT / lanes));
  const struct expr *offset =
      expr_mul(pool, expr_variable(pool, i), expr_index(pool, lanes));
  const struct expr *args[3];
  void *memory[4];
  size_t bytes[4], count = 0;
  for (size_t k = 0; k < t->inputs; k++) {
    struct buffer *buffer = table_buffer(f, t, k);
    args[k] = expr_load_lanes(pool, buffer, offset, lanes);
    memory[count] = t->memory[k];
    bytes[count++] = sizeof t->memory[k];
    vec_push(f->arena, &function->parameters, buffer);
  }
  struct statement *store = statement_new(pool, STATEMENT_STORE);
  store->store.value = make(pool, context, args);
  t->dtypes[3] = store->store.value->dtype;
  store->store.buffer = table_buffer(f, t, 3);
  store->store.index_count = 1;
  store->store.indices[0] = offset;
  memory[count] = t->memory[3];
  bytes[count++] = sizeof t->memory[3];
  vec_push(f->arena, &function->parameters, store->store.buffer);
  function->body = statement_for(pool, i, LOOP_SERIAL, store);
  assert_ok(interpret(function, memory, bytes, NULL, 0, 1, &f->error),
            f->error);
}

static union scalar table_result(const struct table *t, size_t n) {
  return scalar_load(t->dtypes[3],
                     t->memory[3] + n * (dtype_bits(t->dtypes[3]) / 8));
}

static bool same(enum adze_dtype dtype, union scalar a, union scalar b) {
  if (!dtype_is_float(dtype))
    return a.integer == b.integer;
  return (isnan(a.real) && isnan(b.real)) ||
         (a.real == b.real && signbit(a.real) == signbit(b.real));
}

static void expect(const struct table *t, size_t n, union scalar wanted,
                   const char *what) {
  union scalar got = table_result(t, n);
  if (!same(t->dtypes[3], got, wanted))
    fail_msg("%s of %s, element %zu: %lld (%g), wanted %lld (%g)", what,
             dtype_word(t->dtypes[0]), n, (long long)got.integer, got.real,
             (long long)wanted.integer, wanted.real);
}

static const struct expr *make_unary(struct expr_pool *pool,
                                     const void *context,
                                     const struct expr *const *args) {
  return expr_unary(pool, *(const enum expr_kind *)context, args[0]);
}

static const struct expr *make_binary(struct expr_pool *pool,
                                      const void *context,
                                      const struct expr *const *args) {
  return expr_binary(pool, *(const enum expr_kind *)context, args[0], args[1]);
}

static bool takes(enum expr_kind kind, enum adze_dtype dtype, size_t count) {
  struct expr leaf = {.dtype = dtype, .lanes = 1};
  const struct expr *args[] = {&leaf, &leaf, &leaf};
  return arguments_wrong(kind, dtype, args, count) == NULL;
}

static void test_unary(void **state) {
  struct fixture *f = *state;
  for (enum expr_kind kind = EXPR_NEGATE; kind <= EXPR_SQRT; kind++)
    for (size_t d = 0; d < ARRAY_COUNT(dtypes); d++) {
      if (!takes(kind, dtypes[d], 1))
        continue;
      for (uint16_t lanes = 1; lanes <= 8; lanes *= 8) {
        struct table t = {.dtypes = {dtypes[d]}, .inputs = 1};
        table_fill(f, &t);
        table_run(f, &t, lanes, make_unary, &kind);
        for (size_t n = 0; n < COUNT; n++) {
          union scalar wanted;
          assert_true(scalar_unary(kind, dtypes[d], t.values[0][n], &wanted));
          expect(&t, n, wanted, expr_kind_name(kind));
        }
      }
    }
}

static void test_binary(void **state) {
  struct fixture *f = *state;
  for (enum expr_kind kind = EXPR_ADD; kind <= EXPR_LESS_EQUAL; kind++)
    for (size_t d = 0; d < ARRAY_COUNT(dtypes); d++) {
      if (!takes(kind, dtypes[d], 2))
        continue;
      for (uint16_t lanes = 1; lanes <= 16; lanes *= 16) {
        struct table t = {.dtypes = {dtypes[d], dtypes[d]}, .inputs = 2};
        table_fill(f, &t);
        table_run(f, &t, lanes, make_binary, &kind);
        for (size_t n = 0; n < COUNT; n++) {
          union scalar wanted;
          assert_true(scalar_binary(kind, dtypes[d], t.values[0][n],
                                    t.values[1][n], &wanted));
          expect(&t, n, wanted, expr_kind_name(kind));
        }
      }
    }
}

static const struct expr *make_cast(struct expr_pool *pool, const void *context,
                                    const struct expr *const *args) {
  return expr_cast(pool, *(const enum adze_dtype *)context, args[0]);
}

static void test_cast(void **state) {
  struct fixture *f = *state;
  for (size_t from = 0; from < ARRAY_COUNT(dtypes); from++)
    for (size_t to = 0; to < ARRAY_COUNT(dtypes); to++)
      for (uint16_t lanes = 1; lanes <= 4; lanes *= 4) {
        struct table t = {.dtypes = {dtypes[from]}, .inputs = 1};
        table_fill(f, &t);
        table_run(f, &t, lanes, make_cast, &dtypes[to]);
        bool half = dtypes[to] == ADZE_F16 || dtypes[to] == ADZE_BF16;
        for (size_t n = 0; n < COUNT; n++) {
          /* Halves are made from f32. */
          union scalar value = t.values[0][n];
          enum adze_dtype between = half ? ADZE_F32 : dtypes[from];
          if (half && dtypes[from] != dtypes[to])
            value = scalar_cast(ADZE_F32, dtypes[from], value);
          else
            between = dtypes[from];
          expect(&t, n, scalar_cast(dtypes[to], between, value),
                 dtype_word(dtypes[to]));
        }
      }
}

static const struct expr *make_bitcast(struct expr_pool *pool,
                                       const void *context,
                                       const struct expr *const *args) {
  return expr_bitcast(pool, *(const enum adze_dtype *)context, args[0]);
}

static void test_bitcast(void **state) {
  struct fixture *f = *state;
  for (size_t from = 0; from < ARRAY_COUNT(dtypes); from++)
    for (size_t to = 0; to < ARRAY_COUNT(dtypes); to++) {
      unsigned bits = dtype_bits(dtypes[from]);
      if (bits != dtype_bits(dtypes[to]) || dtypes[from] == ADZE_BOOL ||
          dtypes[to] == ADZE_BOOL)
        continue;
      struct table t = {.dtypes = {dtypes[from]}, .inputs = 1};
      table_fill(f, &t);
      table_run(f, &t, 1, make_bitcast, &dtypes[to]);
      assert_memory_equal(t.memory[0], t.memory[3], COUNT * bits / 8);
    }
}

static const struct expr *make_select(struct expr_pool *pool,
                                      const void *context,
                                      const struct expr *const *args) {
  (void)context;
  return expr_select(pool, args[0], args[1], args[2]);
}

static const struct expr *make_fma(struct expr_pool *pool, const void *context,
                                   const struct expr *const *args) {
  (void)context;
  return expr_fma(pool, args[0], args[1], args[2]);
}

static void test_ternary(void **state) {
  struct fixture *f = *state;
  for (size_t d = 0; d < ARRAY_COUNT(dtypes); d++)
    for (uint16_t lanes = 1; lanes <= 8; lanes *= 8) {
      struct table t = {.dtypes = {ADZE_BOOL, dtypes[d], dtypes[d]},
                        .inputs = 3};
      table_fill(f, &t);
      table_run(f, &t, lanes, make_select, NULL);
      for (size_t n = 0; n < COUNT; n++)
        expect(&t, n, t.values[t.values[0][n].integer ? 1 : 2][n], "select");
      if (!takes(EXPR_FMA, dtypes[d], 3))
        continue;
      t.dtypes[0] = dtypes[d];
      table_fill(f, &t);
      table_run(f, &t, lanes, make_fma, NULL);
      for (size_t n = 0; n < COUNT; n++)
        expect(&t, n,
               scalar_fma(dtypes[d], t.values[0][n], t.values[1][n],
                          t.values[2][n]),
               "fma");
    }
}

/* What the makers expand, against the C library. */
static const struct {
  enum expr_kind kind;
  double (*function)(double);
  double low, high;
} functions[] = {
    {EXPR_EXP, exp, -20, 20},   {EXPR_LOG, log, 1e-6, 1e6},
    {EXPR_SIN, sin, -30, 30},   {EXPR_COS, cos, -30, 30},
    {EXPR_TAN, tan, -1.5, 1.5}, {EXPR_ASIN, asin, -1, 1},
    {EXPR_ACOS, acos, -1, 1},   {EXPR_ATAN, atan, -50, 50},
    {EXPR_SINH, sinh, -9, 9},   {EXPR_COSH, cosh, -9, 9},
    {EXPR_TANH, tanh, -9, 9},   {EXPR_ASINH, asinh, -90, 90},
    {EXPR_ACOSH, acosh, 1, 90}, {EXPR_ATANH, atanh, -0.99, 0.99},
    {EXPR_ERF, erf, -4, 4},
};

static void test_functions(void **state) {
  struct fixture *f = *state;
  for (size_t k = 0; k < ARRAY_COUNT(functions); k++)
    for (size_t d = 0; d < 2; d++) {
      struct table t = {.dtypes = {dtypes[d]}, .inputs = 1};
      for (size_t n = 0; n < COUNT; n++) {
        double at = (double)n / (COUNT - 1);
        union scalar value = {.real = 0};
        value.real =
            scalar_round(dtypes[d], functions[k].low + at * (functions[k].high -
                                                             functions[k].low));
        t.values[0][n] = value;
        scalar_store(dtypes[d], t.memory[0] + n * (dtype_bits(dtypes[d]) / 8),
                     value);
      }
      table_run(f, &t, 8, make_unary, &functions[k].kind);
      for (size_t n = 0; n < COUNT; n++) {
        double wanted = functions[k].function(t.values[0][n].real);
        double got = table_result(&t, n).real;
        double allowed = d == 0 ? 4e-6 : 1e-12;
        if (!(fabs(got - wanted) <= allowed * fmax(1, fabs(wanted))))
          fail_msg("%s(%g) = %g, wanted %g", expr_kind_name(functions[k].kind),
                   t.values[0][n].real, got, wanted);
      }
    }
}

static void test_power(void **state) {
  struct fixture *f = *state;
  enum expr_kind kind = EXPR_POW;
  struct table t = {.dtypes = {ADZE_F32, ADZE_F32}, .inputs = 2};
  for (size_t n = 0; n < COUNT; n++) {
    t.values[0][n].real = (float)(0.01 + 0.1 * (double)n);
    t.values[1][n].real = (float)((double)(n % 13) - 6.5);
    for (size_t i = 0; i < 2; i++)
      scalar_store(ADZE_F32, t.memory[i] + n * 4, t.values[i][n]);
  }
  table_run(f, &t, 1, make_binary, &kind);
  for (size_t n = 0; n < COUNT; n++) {
    double wanted = pow(t.values[0][n].real, t.values[1][n].real);
    assert_true(fabs(table_result(&t, n).real - wanted) <= 4e-6 * wanted);
  }
}

/* Rules of expr.def, each on one line. */
static void test_rules(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *expression, *value;
  } rows[] = {
      {"i32(2147483647) + i32(1)", "-2147483648"},
      {"i8(-128) / i8(-1)", "-128"},
      {"i64(7) / i64(0)", "0"},
      {"rem(i64(-7), i64(0))", "-7"},
      {"rem(i64(-7), i64(2))", "-1"},
      {"floordiv(i64(-7), i64(2))", "-4"},
      {"floormod(i64(-7), i64(2))", "1"},
      {"floormod(i64(7), i64(-2))", "-1"},
      {"floordiv(i64(7), i64(0))", "0"},
      {"floormod(i64(7), i64(0))", "7"},
      {"shl(u8(1), u8(9))", "2"},
      {"shr(i16(-4), i16(17))", "-2"},
      {"abs(i8(-128))", "-128"},
      {"neg(u8(1))", "255"},
      {"not(u16(1))", "65534"},
  };
  for (size_t n = 0; n < ARRAY_COUNT(rows); n++) {
    /* i32(5) stands for a value that is not known when compiling. */
    struct text text = {.arena = f->arena};
    text_add(&text, "flat function f {\n  scalar zero\n"
                    "  parameter out: i64[1]\n  out[0] = cast(i64, ");
    for (const char *c = rows[n].expression; *c; c++) {
      char dtype[8];
      int64_t value;
      int used = 0;
      if (sscanf(c, "%7[iu0-9](%" SCNd64 ")%n", dtype, &value, &used) == 2 &&
          used > 0) {
        text_format(&text, "cast(%s, zero + %" PRId64 ")", dtype, value);
        c += used - 1;
      } else {
        text_add_n(&text, c, 1);
      }
    }
    text_add(&text, ")\n}\n");
    struct function *function;
    assert_ok(
        function_parse(f->pool, text.data, text.size, &function, &f->error),
        f->error);
    int64_t zero = 0, out = 0, wanted;
    assert_ok(interpret(function, (void *[]){&out}, (size_t[]){sizeof out},
                        &zero, 0, 1, &f->error),
              f->error);
    assert_true(string_to_int64(rows[n].value, &wanted));
    if (out != wanted)
      fail_msg("%s = %" PRId64, rows[n].expression, out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_unary, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_binary, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_cast, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_bitcast, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_ternary, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_functions, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_power, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_rules, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
