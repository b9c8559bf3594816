/* SPDX-License-Identifier: Apache-2.0 */
/* Register tiles as lower emits them, for every width of vectors: results, and
 * that the assembly keeps all accumulators in registers. */
#include "test.h"

#include "target/target.h"

#define DEPTH 64 /* of the reduction */

struct tile {
  const char *line;
  uint16_t lanes;
  int rows, columns, unroll;
  const char *register_name; /* as in the assembly */
};

struct fixture {
  struct arena *arena;
  struct expr_pool *pool;
  struct function *function;
  struct buffer *a, *b, *c;
  const struct local *sums[32];
  struct adze_error error;
};

static struct buffer *parameter(struct fixture *f, const char *name,
                                int64_t size) {
  const struct expr *shape[1] = {expr_index(f->pool, size)};
  struct buffer *buffer =
      buffer_new(f->pool, name, ADZE_F32, BUFFER_ARGUMENT, shape, 1);
  vec_push(f->arena, &f->function->parameters, buffer);
  return buffer;
}

static struct statement *set(struct fixture *f, const struct local *local,
                             const struct expr *value) {
  struct statement *s = statement_new(f->pool, STATEMENT_SET);
  s->set.local = local;
  s->set.value = value;
  return s;
}

/* One step of the reduction: every sum += a[row, k] * b[k, column]. */
static struct statement *step(struct fixture *f, const struct tile *tile,
                              const struct expr *k, int unrolled,
                              bool has_fma) {
  struct expr_pool *pool = f->pool;
  struct statement *list = NULL;
  int64_t width = (int64_t)tile->columns * tile->lanes;
  for (int i = 0; i < tile->rows; i++)
    for (int j = 0; j < tile->columns; j++) {
      const struct expr *a_offset =
          expr_add(pool, expr_mul(pool, k, expr_index(pool, tile->unroll)),
                   expr_index(pool, unrolled + (int64_t)i * DEPTH));
      const struct expr *b_offset = expr_add(
          pool, expr_mul(pool, k, expr_index(pool, tile->unroll * width)),
          expr_index(pool, unrolled * width + (int64_t)j * tile->lanes));
      const struct expr *a = expr_broadcast(
          pool, expr_load(pool, f->a, &a_offset, 1), tile->lanes);
      const struct expr *b = expr_load_lanes(pool, f->b, b_offset, tile->lanes);
      const struct local *sum = f->sums[i * tile->columns + j];
      const struct expr *old = expr_local(pool, sum);
      list = statement_append(
          list, set(f, sum,
                    has_fma ? expr_fma(pool, a, b, old)
                            : expr_add(pool, old, expr_mul(pool, a, b))));
    }
  return list;
}

static void make_kernel(struct fixture *f, const struct tile *tile,
                        bool has_fma) {
  struct expr_pool *pool = f->pool;
  int64_t width = (int64_t)tile->columns * tile->lanes;
  f->function = function_new(pool, "tile");
  f->function->is_flat = true;
  f->a = parameter(f, "a", (int64_t)tile->rows * DEPTH);
  f->b = parameter(f, "b", DEPTH * width);
  f->c = parameter(f, "c", tile->rows * width);
  struct statement *list = NULL, *body = NULL;
  int count = tile->rows * tile->columns;
  for (int i = 0; i < count; i++) {
    f->sums[i] = local_new(f->function, "sum", ADZE_F32, tile->lanes);
    list = statement_append(
        list,
        set(f, f->sums[i],
            expr_broadcast(pool, expr_real(pool, ADZE_F32, 0), tile->lanes)));
  }
  struct variable *k =
      variable_new(pool, "k", expr_index(pool, DEPTH / tile->unroll));
  for (int i = 0; i < tile->unroll; i++)
    body = statement_append(body,
                            step(f, tile, expr_variable(pool, k), i, has_fma));
  list = statement_append(list, statement_for(pool, k, LOOP_SERIAL, body));
  for (int i = 0; i < count; i++) {
    struct statement *s = statement_new(pool, STATEMENT_STORE);
    s->store.buffer = f->c;
    s->store.index_count = 1;
    s->store.indices[0] = expr_index(pool, (int64_t)i * tile->lanes);
    s->store.value = expr_local(pool, f->sums[i]);
    list = statement_append(list, s);
  }
  f->function->body = list;
}

static char *assembly_of(struct fixture *f, const struct machine *machine) {
  struct text text = {.arena = f->arena};
  struct code_dump dump = {.assembly = &text};
  struct object_list objects = {0};
  struct module module = {.prefix = ""};
  module.plan = function_new(f->pool, "plan");
  module.plan->is_flat = true;
  for (int i = 0; i < 5; i++)
    vec_push(f->arena, &module.plan->parameters, f->a);
  vec_push(f->arena, &module.kernels, f->function);
  assert_ok(target_llvm.emit(f->arena, machine, &module, 1, &dump, &objects,
                             &f->error),
            f->error);
  char *start = strstr(text.data, "\ntile:");
  assert_non_null(start);
  char *end = strstr(start, ".size\ttile");
  assert_non_null(end);
  *end = '\0';
  return start;
}

/* Lines that name a vector register and the stack. */
static int count_spills(char *assembly, const char *register_name) {
  int count = 0;
  for (char *line = strtok(assembly, "\n"); line != NULL;
       line = strtok(NULL, "\n"))
    count += strstr(line, register_name) != NULL &&
             (strstr(line, "(%rsp)") != NULL || strstr(line, "[sp") != NULL);
  return count;
}

static void check_results(struct fixture *f, const struct tile *tile,
                          const struct machine *machine) {
  void *address;
  void (*call)(void *const *, const int64_t *, void *, int64_t, int64_t);
  assert_ok(
      target_llvm.load(f->arena, machine, &f->function, 1, &address, &f->error),
      f->error);
  memcpy(&call, &address, sizeof call);
  int width = tile->columns * tile->lanes;
  float *a = ARENA_ARRAY(f->arena, float, (size_t)(tile->rows * DEPTH));
  float *b = ARENA_ARRAY(f->arena, float, (size_t)(DEPTH * width));
  float *c = ARENA_ARRAY(f->arena, float, (size_t)(tile->rows * width));
  for (int i = 0; i < tile->rows * DEPTH; i++)
    a[i] = (float)(i % 7 - 3);
  for (int i = 0; i < DEPTH * width; i++)
    b[i] = (float)(i % 5 - 2);
  void *parameters[3] = {a, b, c};
  call(parameters, NULL, NULL, 0, 1);
  for (int i = 0; i < tile->rows; i++)
    for (int j = 0; j < width; j++) {
      float sum = 0; /* small whole numbers: exact in any order */
      for (int k = 0; k < DEPTH; k++)
        sum += a[i * DEPTH + k] * b[k * width + j];
      assert_true(c[i * width + j] == sum);
    }
}

static void tiles_stay_in_registers(void **state) {
  static const struct tile tiles[] = {
      {"llvm -mcpu=znver4", 16, 14, 2, 4, "%zmm"},
      {"llvm -mcpu=znver4", 16, 9, 3, 4, "%zmm"},
      {"llvm -mcpu=znver4", 16, 6, 4, 4, "%zmm"},
      {"llvm -mcpu=znver4", 16, 28, 1, 4, "%zmm"},
      {"llvm -mcpu=znver4", 16, 7, 2, 4, "%zmm"},
      {"llvm -mcpu=znver5", 16, 14, 2, 4, "%zmm"},
      {"llvm -mcpu=skylake-avx512", 16, 14, 2, 4, "%zmm"},
      {"llvm -mcpu=sapphirerapids", 16, 14, 2, 4, "%zmm"},
      {"llvm -mcpu=haswell", 8, 6, 2, 4, "%ymm"},
      {"llvm -mcpu=znver3", 8, 4, 3, 4, "%ymm"},
      {"rpi4", 4, 8, 2, 4, "q"},
      {"graviton3", 4, 8, 3, 4, "q"},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_COUNT(tiles); i++) {
    struct fixture f = {.arena = arena_create("test")};
    struct machine machine;
    f.pool = expr_pool_create(f.arena);
    assert_ok(machine_parse(f.arena, tiles[i].line, &machine, &f.error),
              f.error);
    make_kernel(&f, &tiles[i], machine.has_fma);
    char *assembly = assembly_of(&f, &machine);
    bool is_fused =
        strstr(assembly, "fmadd") != NULL || strstr(assembly, "fmla") != NULL;
    int spills = count_spills(assembly, tiles[i].register_name);
    if (spills != 0 || !is_fused)
      fail_msg("%s, %d x %d: %d spills, %s", tiles[i].line, tiles[i].rows,
               tiles[i].columns, spills,
               is_fused ? "fused" : "no multiply-add");
    if (machine.is_host)
      check_results(&f, &tiles[i], &machine);
    arena_destroy(f.arena);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(tiles_stay_in_registers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
