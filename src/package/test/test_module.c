/* SPDX-License-Identifier: Apache-2.0 */
/* A model written by hand, compiled for the tests as a code generator would
 * emit one: no library, no writable data.
 *
 *   inputs   x float32 [n, 3], y float32 [n]
 *   outputs  z float32 [n, 3], pairs float32 [n/2]
 *   weights  float32 [3]
 *
 *   scale    a[i][c] = x[i][c] * weights[c]
 *   rotate   ROTATIONS times: b[i][c] = a[i+1 mod n][c] + 1, then a and b swap
 *   mirror   z[i][c] = a[n-1-i][c] + y[i]
 *   pairs    pairs[j] = z[2j][0] + z[2j+1][0]
 *
 * Rows are split over the workers. A row's neighbours belong to other workers,
 * so results are right only if every barrier is one. n must be even and at most
 * a million. Compiled with -DTEST_PREFIX=alpha_ it is a standalone model with
 * n open, with -DTEST_ROWS=6 too one with n fixed.
 */
#include "adze/package_abi.h"

#define ROTATIONS 20
#define COLUMNS 3

#ifdef TEST_UNDEFINED
void test_undefined(void);
#endif

#define PASTE(a, b) a##b
#define JOIN(a, b) PASTE(a, b)
#ifdef TEST_PREFIX
#define SYMBOL(name) JOIN(TEST_PREFIX, name)
#else
#define SYMBOL(name) name
#endif

#ifndef TEST_ABI_VERSION
#define TEST_ABI_VERSION ADZE_ABI_VERSION
#endif

int64_t SYMBOL(test_plan)(const int64_t *symbols, int64_t workers,
                          int64_t *workspace_bytes, int64_t *offsets,
                          int64_t *output_dims);

__attribute__((visibility("hidden"))) int64_t
SYMBOL(test_plan)(const int64_t *symbols, int64_t workers,
                  int64_t *workspace_bytes, int64_t *offsets,
                  int64_t *output_dims) {
  (void)workers;
  int64_t n = symbols[0];
  if (n % 2 != 0)
    return 1;
  if (n > 1000000)
    return -1;
  int64_t bytes = (n * COLUMNS * (int64_t)sizeof(float) + 63) / 64 * 64;
  offsets[0] = 0;
  offsets[1] = bytes;
  *workspace_bytes = 2 * bytes;
  output_dims[0] = n;
  output_dims[1] = COLUMNS;
  output_dims[2] = n / 2;
  return 0;
}

struct rows {
  int64_t begin, end;
};

static struct rows share(int64_t rows, int64_t worker, int64_t workers) {
  return (struct rows){rows * worker / workers, rows * (worker + 1) / workers};
}

static void profile(struct adze_abi_env *env, int64_t worker, int64_t kernel) {
  if (env->profile)
    env->profile(env, worker, kernel);
}

static float *rotate(struct adze_abi_env *env,
                     const struct adze_abi_instance *instance, int64_t n,
                     int64_t worker, int64_t workers) {
  char *workspace = instance->workspace;
  float *from = (float *)(void *)(workspace + instance->offsets[0]);
  float *to = (float *)(void *)(workspace + instance->offsets[1]);
  struct rows mine = share(n, worker, workers);
  for (int round = 0; round < ROTATIONS; round++) {
    for (int64_t i = mine.begin; i < mine.end; i++)
      for (int64_t c = 0; c < COLUMNS; c++)
        to[i * COLUMNS + c] = from[(i + 1) % n * COLUMNS + c] + 1;
    env->barrier(env, worker, workers);
    float *swap = from;
    from = to;
    to = swap;
  }
  return from;
}

static void run(struct adze_abi_env *env,
                const struct adze_abi_instance *instance, int64_t worker,
                int64_t workers) {
  int64_t n = instance->symbols[0];
  const float *x = instance->inputs[0], *y = instance->inputs[1];
  const float *weights = instance->weights;
  float *z = instance->outputs[0], *pairs = instance->outputs[1];
  float *a =
      (float *)(void *)((char *)instance->workspace + instance->offsets[0]);
  struct rows mine = share(n, worker, workers);
  profile(env, worker, 0);
  for (int64_t i = mine.begin * COLUMNS; i < mine.end * COLUMNS; i++)
    a[i] = x[i] * weights[i % COLUMNS];
  env->barrier(env, worker, workers);
  profile(env, worker, 1);
  a = rotate(env, instance, n, worker, workers);
  profile(env, worker, 2);
  for (int64_t i = mine.begin; i < mine.end; i++)
    for (int64_t c = 0; c < COLUMNS; c++)
      z[i * COLUMNS + c] = a[(n - 1 - i) * COLUMNS + c] + y[i];
  env->barrier(env, worker, workers);
  profile(env, worker, 3);
  struct rows half = share(n / 2, worker, workers);
#ifdef TEST_UNDEFINED
  test_undefined();
#endif
  for (int64_t j = half.begin; j < half.end; j++)
    pairs[j] = z[2 * j * COLUMNS] + z[(2 * j + 1) * COLUMNS];
  profile(env, worker, 4);
}

#ifndef TEST_PREFIX

static const char *const kernel_names[] = {"scale", "rotate", "mirror",
                                           "pairs"};
static const struct adze_abi_module module = {
    .abi_version = TEST_ABI_VERSION,
    .kernel_count = 4,
    .symbol_count = 1,
    .offset_count = 2,
    .input_count = 2,
    .output_count = 2,
    .weights_bytes = COLUMNS * sizeof(float),
    .plan = test_plan,
    .run = run,
    .kernel_names = kernel_names,
};

adze_module_query_function adze_module_query;
__attribute__((visibility("default"))) const struct adze_abi_module *
adze_module_query(uint32_t abi_version) {
  return abi_version == ADZE_ABI_VERSION ? &module : (void *)0;
}

#else

#ifndef TEST_WEIGHTS_DEFINED
extern const unsigned char SYMBOL(weights)[]
    __attribute__((visibility("hidden")));
#endif

static void no_barrier(struct adze_abi_env *env, int64_t worker,
                       int64_t workers) {
  (void)env;
  (void)worker;
  (void)workers;
}

static int64_t run_alone(const int64_t *symbols, const void *const *inputs,
                         void *const *outputs, void *workspace) {
  int64_t offsets[2], dims[3], bytes;
  int64_t answer = SYMBOL(test_plan)(symbols, 1, &bytes, offsets, dims);
  if (answer != 0)
    return answer;
  struct adze_abi_env env = {.barrier = no_barrier};
  struct adze_abi_instance instance = {symbols, offsets,         inputs,
                                       outputs, SYMBOL(weights), workspace};
  run(&env, &instance, 0, 1);
  return 0;
}

#ifdef TEST_ROWS
int64_t SYMBOL(run)(const void *const *inputs, void *const *outputs,
                    void *workspace);
int64_t SYMBOL(run)(const void *const *inputs, void *const *outputs,
                    void *workspace) {
  static const int64_t symbols[] = {TEST_ROWS};
  return run_alone(symbols, inputs, outputs, workspace);
}
#else
int64_t SYMBOL(workspace_bytes)(const int64_t *symbols);
int64_t SYMBOL(workspace_bytes)(const int64_t *symbols) {
  int64_t offsets[2], dims[3], bytes;
  int64_t answer = SYMBOL(test_plan)(symbols, 1, &bytes, offsets, dims);
  return answer == 0 ? bytes : -1;
}
int64_t SYMBOL(run)(const int64_t *symbols, const void *const *inputs,
                    void *const *outputs, void *workspace);
int64_t SYMBOL(run)(const int64_t *symbols, const void *const *inputs,
                    void *const *outputs, void *workspace) {
  return run_alone(symbols, inputs, outputs, workspace);
}
#endif
#endif
