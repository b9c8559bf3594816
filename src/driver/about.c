/* SPDX-License-Identifier: Apache-2.0 */
/* About this build and this machine. The peak is measured with a kernel of our
 * own: independent multiply-adds in registers, as many as the machine has. */
#include <stdio.h>
#include <string.h>

#include "adze_config.h"
#include "base/environment.h"
#include "base/parallel.h"
#include "driver/compilation.h"
#include "lower/lower.h"

const char *adze_version(void) { return ADZE_VERSION; }

static const struct adze_library_info library_table[] = {
    {"LLVM", ADZE_LLVM_VERSION, "code generation", ADZE_HAVE_LLVM},
    {"lld", ADZE_LLD_PATH, "linking packages", sizeof ADZE_LLD_PATH > 1},
    {"FFmpeg", ADZE_FFMPEG_VERSION, "reading, writing images",
     ADZE_HAVE_FFMPEG},
    {"Cairo", ADZE_CAIRO_VERSION, "drawing", ADZE_HAVE_CAIRO},
    {"Jansson", ADZE_JANSSON_VERSION, "JSON", ADZE_HAVE_JANSSON},
    {"libzip", ADZE_LIBZIP_VERSION, "npz files", ADZE_HAVE_LIBZIP},
};

size_t adze_library_count(void) { return ARRAY_COUNT(library_table); }
void adze_library(size_t index, struct adze_library_info *out) {
  check(index < ARRAY_COUNT(library_table));
  *out = library_table[index];
}

size_t adze_environment_count(void) { return ENVIRONMENT_COUNT; }
void adze_environment(size_t index, const char **name, const char **syntax,
                      const char **meaning, const char **value) {
  check(index < ENVIRONMENT_COUNT);
  *name = environment_table[index].name;
  *syntax = environment_table[index].syntax;
  *meaning = environment_table[index].meaning;
  *value = environment_get((enum environment_variable)index);
}

size_t adze_machine_text(char *out, size_t out_bytes) {
  struct arena *arena = arena_create("machine");
  size_t size = 0;
  if (!arena)
    return 0;
  struct text text = {.arena = arena};
  machine_describe_host(&text);
  const char *string = text_string(&text);
  size = strlen(string);
  if (out_bytes > 0)
    snprintf(out, out_bytes, "%s", string);
  arena_destroy(arena);
  return size;
}

/* ---- Peak ---------------------------------------------------------------- */
enum { PEAK_STEPS = 1000 };

struct peak {
  struct arena *arena;
  struct machine machine;
  int threads;
  int64_t accumulators, lanes;
  void *kernel;
  double gflops; /* of all threads */
};

/* for i: a_k = fma(a_k, x, y) for every accumulator k; then they are stored. */
static struct function *peak_function(struct peak *peak) {
  struct expr_pool *pool = expr_pool_create(peak->arena);
  struct function *function = function_new(pool, "peak");
  int64_t lanes = peak->lanes;
  const struct expr *size = expr_index(pool, lanes * peak->accumulators);
  struct buffer *memory =
      buffer_new(pool, "memory", ADZE_F32, BUFFER_ARGUMENT, &size, 1);
  vec_push(peak->arena, &function->parameters, memory);
  struct variable *i = variable_new(pool, "i", expr_index(pool, PEAK_STEPS));
  struct statement *before = NULL, *inside = NULL, *after = NULL;
  const struct expr *half =
      expr_broadcast(pool, expr_real(pool, ADZE_F32, 0.5), (uint16_t)lanes);
  for (int64_t k = 0; k < peak->accumulators; k++) {
    struct local *local = local_new(function, "a", ADZE_F32, (uint16_t)lanes);
    const struct expr *offset = expr_index(pool, k * lanes);
    const struct expr *value = expr_local(pool, local);
    struct statement *start = statement_new(pool, STATEMENT_SET);
    start->set.local = local;
    start->set.value = expr_load_lanes(pool, memory, offset, (uint16_t)lanes);
    before = statement_append(before, start);
    struct statement *step = statement_new(pool, STATEMENT_SET);
    step->set.local = local;
    step->set.value = peak->machine.has_fma
                          ? expr_fma(pool, value, half, half)
                          : expr_add(pool, expr_mul(pool, value, half), half);
    inside = statement_append(inside, step);
    struct statement *store = statement_new(pool, STATEMENT_STORE);
    store->store.buffer = memory;
    store->store.index_count = 1;
    store->store.indices[0] = offset;
    store->store.value = value;
    after = statement_append(after, store);
  }
  before =
      statement_append(before, statement_for(pool, i, LOOP_SERIAL, inside));
  function->body = statement_append(before, after);
  function->is_flat = true;
  return function;
}

static enum adze_status measure_thread(void *argument, size_t index,
                                       struct adze_error *error) {
  struct peak *peak = argument;
  (void)index, (void)error;
  float memory[32 * 64] __attribute__((aligned(64))) = {0};
  void *parameters[1] = {memory};
  void (*kernel)(void *const *, const int64_t *, void *, int64_t, int64_t);
  memcpy(&kernel, &peak->kernel, sizeof kernel);
  double best = 0, flops = 2.0 * PEAK_STEPS * (double)peak->accumulators *
                           (double)peak->lanes;
  int64_t begin = time_now_ns();
  while (time_now_ns() - begin < 20000000) {
    int64_t start = time_now_ns();
    for (int i = 0; i < 10; i++)
      kernel(parameters, NULL, NULL, 0, 1);
    double rate = 10 * flops / (double)(time_now_ns() - start);
    best = rate > best ? rate : best;
  }
  static_assert(sizeof(double) == sizeof(int64_t), "atomic addition below");
  double *sum = &peak->gflops, old, new;
  do {
    __atomic_load(sum, &old, __ATOMIC_RELAXED);
    new = old + best;
  } while (!__atomic_compare_exchange(sum, &old, &new, false, __ATOMIC_RELAXED,
                                      __ATOMIC_RELAXED));
  return ADZE_OK;
}

static enum adze_status peak_body(void *argument) {
  struct peak *peak = argument;
  TRY(machine_parse(peak->arena, NULL, &peak->machine, NULL));
  const struct target *target = target_find(peak->machine.kind);
  peak->lanes = peak->machine.vector_bits / 32;
  peak->accumulators = peak->machine.vector_registers >= 32 ? 16 : 12;
  struct function *function = peak_function(peak);
  TRY(target->load(peak->arena, &peak->machine, &function, 1, &peak->kernel,
                   NULL));
  return parallel_for(peak->threads, (size_t)peak->threads, measure_thread,
                      peak, NULL);
}

double adze_machine_measure_peak(int threads) {
  struct peak peak = {.arena = arena_create("peak"),
                      .threads = threads < 1 ? 1 : threads};
  if (!peak.arena)
    return 0;
  if (guard_run(peak_body, &peak, NULL) != ADZE_OK)
    peak.gflops = 0;
  arena_destroy(peak.arena);
  return peak.gflops;
}
