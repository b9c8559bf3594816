/* SPDX-License-Identifier: Apache-2.0 */
/* Running packages: results for every number of threads, several instances at
 * once, shapes that contradict, memory, profiles, floating-point settings. */
#include "package/test/fixture.h"

#include <fenv.h>
#include <pthread.h>
#include <stdatomic.h>

struct loaded {
  struct fixture fixture;
  adze_model *model;
};

static int setup(void **state) {
  struct adze_error error;
  struct loaded *loaded = calloc(1, sizeof *loaded);
  assert_non_null(loaded);
  fixture_setup(&loaded->fixture, TEST_OBJECTS "/model.o");
  assert_ok(fixture_write(&loaded->fixture, &error), error);
  assert_ok(adze_model_load(loaded->fixture.path, NULL, &loaded->model, &error),
            error);
  *state = loaded;
  return 0;
}

static int teardown(void **state) {
  struct loaded *loaded = *state;
  adze_model_unload(loaded->model);
  fixture_teardown(&loaded->fixture);
  free(loaded);
  return 0;
}

static void run_times(const adze_model *model, int64_t n, int threads,
                      adze_pool *pool, int times) {
  struct adze_error error;
  adze_instance *instance;
  struct fixture_run run;
  fixture_run_setup(&run, n, (uint64_t)n + 1);
  assert_ok(fixture_instance(model, n, threads, pool, &instance, &error),
            error);
  fixture_run_bind(&run, instance);
  for (int i = 0; i < times; i++) {
    assert_ok(adze_instance_run(instance, &error), error);
    assert_true(fixture_run_check(&run));
  }
  adze_instance_destroy(instance);
  fixture_run_teardown(&run);
}

static void same_results_on_any_number_of_threads(void **state) {
  struct loaded *loaded = *state;
  const int64_t rows[] = {2, 4, 10, 1000};
  for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
    for (int threads = 1; threads <= 5; threads++)
      run_times(loaded->model, rows[i], threads, NULL, 5);
}

static void barriers_hold_under_load(void **state) {
  struct loaded *loaded = *state;
  run_times(loaded->model, 64, 2, NULL, test_small() ? 200 : 2000);
  run_times(loaded->model, 64, 4, NULL, test_small() ? 100 : 500);
}

struct job {
  const adze_model *model;
  adze_pool *pool;
  int threads;
  int64_t n;
};

static void *run_job(void *argument) {
  struct job *job = argument;
  run_times(job->model, job->n, job->threads, job->pool, 50);
  return NULL;
}

static void run_jobs(const adze_model *model, adze_pool *pool, int threads) {
  enum { JOBS = 4 };
  struct job jobs[JOBS];
  pthread_t handles[JOBS];
  for (int i = 0; i < JOBS; i++) {
    jobs[i] = (struct job){model, pool, threads, 10 + 2 * i};
    assert_int_equal(pthread_create(&handles[i], NULL, run_job, &jobs[i]), 0);
  }
  for (int i = 0; i < JOBS; i++)
    assert_int_equal(pthread_join(handles[i], NULL), 0);
}

static void instances_run_in_several_threads(void **state) {
  struct loaded *loaded = *state;
  run_jobs(loaded->model, NULL, 1);
  run_jobs(loaded->model, NULL, 2);
}

static void instances_share_a_pool(void **state) {
  struct loaded *loaded = *state;
  struct adze_error error;
  struct adze_pool_options options = {.threads = 3};
  adze_pool *pool;
  assert_ok(adze_pool_create(&options, &pool, &error), error);
  run_jobs(loaded->model, pool, 0);
  adze_pool_destroy(pool);
}

static void shapes_are_described(void **state) {
  struct loaded *loaded = *state;
  struct adze_error error;
  struct adze_tensor_info info;
  adze_model_input(loaded->model, 0, &info);
  assert_string_equal(info.name, "x");
  assert_int_equal(info.rank, 2);
  assert_int_equal(info.dims[0], -1);
  assert_string_equal(info.dim_names[0], "rows");
  assert_int_equal(info.dims[1], 3);
  assert_null(info.dim_names[1]);
  assert_int_equal(info.bytes, 0);
  adze_model_output(loaded->model, 1, &info);
  assert_int_equal(info.dims[0], -1);
  assert_null(info.dim_names[0]);

  adze_instance *instance;
  assert_ok(fixture_instance(loaded->model, 8, 1, NULL, &instance, &error),
            error);
  adze_instance_input(instance, 0, &info);
  assert_int_equal(info.dims[0], 8);
  assert_int_equal(info.bytes, 8 * 3 * 4);
  adze_instance_output(instance, 0, &info);
  assert_int_equal(info.bytes, 8 * 3 * 4);
  adze_instance_output(instance, 1, &info);
  assert_int_equal(info.dims[0], 4);
  assert_int_equal(info.bytes, 16);
  assert_int_equal(adze_instance_workspace_bytes(instance), 2 * 128);
  adze_instance_destroy(instance);
}

static void contradictions_name_the_dimension(void **state) {
  struct loaded *loaded = *state;
  struct adze_error error;
  adze_instance *instance;
  static const struct {
    int64_t x[2], y[1];
    const char *message;
  } cases[] = {
      {{4, 4},
       {4},
       "dimension 1 of input 'x' is 4, but the model was compiled "
       "for 3"},
      {{4, 3}, {6}, "dimension 0 ('rows') of input 'y' is 6, but 'rows' is 4"},
      {{0, 3}, {0}, "('rows') of input 'x' is 0; 1 to"},
      {{-1, 3}, {-1}, "('rows') of input 'x' is -1; 1 to"},
      {{5, 3}, {5}, "rows is even (rows = 5)"},
      {{2000000, 3}, {2000000}, "a size overflows (rows = 2000000)"},
      {{INT64_MAX, 3}, {INT64_MAX}, "('rows') of input 'x'"},
  };
  struct adze_instance_options options = {.threads = 1};
  for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
    const int64_t *const dims[] = {cases[i].x, cases[i].y};
    options.input_dims = dims;
    assert_fails(
        adze_instance_create(loaded->model, &options, &instance, &error), error,
        ADZE_SHAPE, cases[i].message);
  }
  const int64_t *const none[] = {NULL, NULL};
  for (int i = 0; i < 2; i++) {
    options.input_dims = i == 0 ? none : NULL;
    assert_fails(
        adze_instance_create(loaded->model, &options, &instance, &error), error,
        ADZE_SHAPE, "dimension 0 ('rows') of input 'x' is open");
  }
  /* One input is enough to know the other's shape. */
  const int64_t x[] = {4, 3};
  const int64_t *const one[] = {x, NULL};
  options.input_dims = one;
  assert_ok(adze_instance_create(loaded->model, &options, &instance, &error),
            error);
  adze_instance_destroy(instance);
}

static void bindings_are_checked(void **state) {
  struct loaded *loaded = *state;
  struct adze_error error;
  adze_instance *instance;
  struct fixture_run run;
  fixture_run_setup(&run, 4, 1);
  assert_ok(fixture_instance(loaded->model, 4, 1, NULL, &instance, &error),
            error);
  assert_fails(adze_instance_run(instance, &error), error,
               ADZE_INVALID_ARGUMENT, "input 'x' is not bound");
  assert_fails(adze_instance_bind_input(instance, 0, run.x, 47, &error), error,
               ADZE_INVALID_ARGUMENT, "input 'x' has 48 bytes, but 47");
  assert_fails(adze_instance_bind_input(instance, 0, NULL, 48, &error), error,
               ADZE_INVALID_ARGUMENT, "input 'x' is bound to NULL");
  assert_fails(adze_instance_bind_input(instance, 2, run.x, 48, &error), error,
               ADZE_INVALID_ARGUMENT, "no input 2");
  assert_fails(adze_instance_bind_output(instance, 2, run.z, 48, &error), error,
               ADZE_INVALID_ARGUMENT, "no output 2");
  assert_fails(
      adze_instance_bind_output(instance, 0, (char *)run.z + 1, 48, &error),
      error, ADZE_INVALID_ARGUMENT, "aligned to its element type, float32");
  fixture_run_bind(&run, instance);
  assert_ok(adze_instance_run(instance, &error), error);
  assert_true(fixture_run_check(&run));
  adze_instance_destroy(instance);
  fixture_run_teardown(&run);
}

static void pools_refuse_nonsense(void **state) {
  struct loaded *loaded = *state;
  struct adze_error error;
  adze_pool *pool;
  int cpus[] = {0, 100000};
  struct adze_pool_options options = {.threads = -1};
  assert_fails(adze_pool_create(&options, &pool, &error), error,
               ADZE_INVALID_ARGUMENT, "a pool of -1 threads");
  options = (struct adze_pool_options){.threads = 2, .affinity = cpus};
  assert_fails(adze_pool_create(&options, &pool, &error), error,
               ADZE_INVALID_ARGUMENT, "CPU 100000");
  cpus[1] = 1023; /* a number that sets can hold and this machine lacks */
  assert_fails(adze_pool_create(&options, &pool, &error), error,
               ADZE_INVALID_ARGUMENT, "CPU 1023");
  cpus[1] = 0;
  assert_ok(adze_pool_create(&options, &pool, &error), error);
  assert_int_equal(adze_pool_threads(pool), 2);
  run_times(loaded->model, 10, 0, pool, 20);
  adze_instance *instance;
  assert_fails(fixture_instance(loaded->model, 4, 2, pool, &instance, &error),
               error, ADZE_INVALID_ARGUMENT, "not both");
  adze_pool_destroy(pool);
  assert_ok(adze_pool_create(NULL, &pool, &error), error);
  assert_true(adze_pool_threads(pool) >= 1);
  adze_pool_destroy(pool);
}

static void profile_adds_up(void **state) {
  struct loaded *loaded = *state;
  struct adze_error error;
  adze_instance *instance;
  struct fixture_run run;
  fixture_run_setup(&run, 20000, 1);
  for (int threads = 1; threads <= 2; threads++) {
    assert_ok(fixture_instance(loaded->model, 20000, threads, NULL, &instance,
                               &error),
              error);
    fixture_run_bind(&run, instance);
    int64_t least[4] = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX};
    for (int i = 0; i < 20; i++) {
      int64_t ns[4] = {-1, -1, -1, -1}, begin = time_now_ns();
      assert_ok(adze_instance_profile(instance, ns, &error), error);
      int64_t took = time_now_ns() - begin;
      assert_true(fixture_run_check(&run));
      assert_true(ns[0] + ns[1] + ns[2] + ns[3] <= took);
      for (int k = 0; k < 4; k++) {
        assert_true(ns[k] >= 0);
        least[k] = ns[k] < least[k] ? ns[k] : least[k];
      }
    }
    /* Twenty times the work of its neighbours. */
    assert_true(least[1] > least[0] && least[1] > least[2]);
    adze_instance_destroy(instance);
  }
  const char *name, *template_name;
  double flops;
  assert_int_equal(adze_model_kernel_count(loaded->model), 4);
  adze_model_kernel(loaded->model, 1, &name, &template_name, &flops);
  assert_string_equal(name, "rotate");
  assert_string_equal(template_name, "generic");
  assert_true(flops == 60);
  fixture_run_teardown(&run);
}

/* ---- Memory -------------------------------------------------------------- */

struct counter {
  atomic_long blocks, calls;
  long fail_at; /* this call and later ones get NULL; 0: none */
};

static void *count_allocate(void *context, size_t bytes, size_t alignment) {
  struct counter *counter = context;
  long call = atomic_fetch_add(&counter->calls, 1) + 1;
  if (counter->fail_at > 0 && call >= counter->fail_at)
    return NULL;
  atomic_fetch_add(&counter->blocks, 1);
  return aligned_alloc(alignment, align_up(bytes, alignment));
}

static void count_release(void *context, void *memory, size_t bytes) {
  struct counter *counter = context;
  memset(memory, 0xdd, bytes); /* the size must be the one asked for */
  atomic_fetch_sub(&counter->blocks, 1);
  free(memory);
}

/* Everything from loading to unloading with one allocator. */
static enum adze_status whole_life(const char *path, bool copy_weights,
                                   struct counter *counter,
                                   struct adze_error *error) {
  struct adze_allocator allocator = {counter, count_allocate, count_release};
  struct adze_load_options options = {.allocator = &allocator,
                                      .copy_weights = copy_weights};
  struct fixture_run run;
  adze_model *model = NULL;
  adze_instance *instance = NULL;
  fixture_run_setup(&run, 100, 7);
  enum adze_status status = adze_model_load(path, &options, &model, error);
  if (status == ADZE_OK)
    status = fixture_instance(model, 100, 2, NULL, &instance, error);
  if (status == ADZE_OK) {
    fixture_run_bind(&run, instance);
    long calls = counter->calls;
    for (int i = 0; i < 10 && status == ADZE_OK; i++) {
      int64_t ns[4];
      status = adze_instance_run(instance, error);
      assert_true(fixture_run_check(&run));
      assert_ok(adze_instance_profile(instance, ns, error), *error);
    }
    assert_int_equal(counter->calls, calls);
  }
  adze_instance_destroy(instance);
  adze_model_unload(model);
  fixture_run_teardown(&run);
  return status;
}

static void memory_comes_from_the_allocator(void **state) {
  struct loaded *loaded = *state;
  struct adze_error error;
  for (int copy = 0; copy <= 1; copy++) {
    struct counter counter = {0};
    assert_ok(whole_life(loaded->fixture.path, copy, &counter, &error), error);
    assert_true(counter.calls > 3);
    assert_int_equal(counter.blocks, 0);
    /* Once more for each allocation that could have failed. */
    for (long n = 1; n <= counter.calls; n++) {
      struct counter failing = {.fail_at = n};
      assert_fails(whole_life(loaded->fixture.path, copy, &failing, &error),
                   error, ADZE_OUT_OF_MEMORY, "no memory for");
      assert_int_equal(failing.blocks, 0);
    }
  }
}

static void large_workspaces_work(void **state) {
  struct loaded *loaded = *state;
  run_times(loaded->model, 200000, 2, NULL, 2); /* 4.8 MB, in huge pages */
}

/* ---- Floating point ------------------------------------------------------ */

static void floating_point_settings_do_not_leak_in(void **state) {
  struct loaded *loaded = *state;
  for (int threads = 1; threads <= 2; threads++) {
    fesetround(FE_UPWARD);
    struct adze_error error;
    adze_instance *instance;
    struct fixture_run run;
    fesetround(FE_TONEAREST);
    fixture_run_setup(&run, 50, 3);
    fesetround(FE_UPWARD);
    assert_ok(
        fixture_instance(loaded->model, 50, threads, NULL, &instance, &error),
        error);
    fixture_run_bind(&run, instance);
    assert_ok(adze_instance_run(instance, &error), error);
    assert_int_equal(fegetround(), FE_UPWARD);
    fesetround(FE_TONEAREST);
    assert_true(fixture_run_check(&run));
    adze_instance_destroy(instance);
    fixture_run_teardown(&run);
  }
}

/* As a caller compiled with gcc's -ffast-math has it, or not. */
static void set_flush(bool flush) {
#if defined(__x86_64__)
  unsigned others = __builtin_ia32_stmxcsr() & ~0x8040u;
  __builtin_ia32_ldmxcsr(others | (flush ? 0x8040u : 0));
#elif defined(__aarch64__)
  uint64_t state = flush ? UINT64_C(1) << 24 : 0;
  __asm__ volatile("msr fpcr, %0" : : "r"(state));
#else
  (void)flush;
#endif
}

static uint64_t settings(void) {
#if defined(__x86_64__)
  return __builtin_ia32_stmxcsr();
#elif defined(__aarch64__)
  uint64_t state;
  __asm__ volatile("mrs %0, fpcr" : "=r"(state));
  return state;
#else
  return 0;
#endif
}

static bool can_flush(void) {
#if defined(__x86_64__) || defined(__aarch64__)
  return true;
#else
  return false;
#endif
}

/* Column 0 of x is such that z[i][0] = 0 + y[i]. Of four rows two hold denormal
 * numbers, as operands, and two normal ones, of which the sum in `pairs` is
 * denormal, as a result. Bits, since no comparison here may flush anything. */
enum { FADING_ROWS = 64 };
static const uint32_t fading_y[4] = {
    0x00000001, /* the least number there is */
    0x80400000, /* -FLT_MIN / 2 */
    0x00c00000, /* FLT_MIN * 1.5 */
    0x80800000, /* -FLT_MIN */
};
static const uint32_t kept_pairs[2] = {0x803fffff, 0x00400000};
static const uint32_t flushed_z[4] = {0, 0, 0x00c00000, 0x80800000};
static const uint32_t flushed_pairs[2] = {0, 0};

struct fading {
  struct fixture_run run;
  adze_instance *instance;
  bool flush;
};

static void fading_setup(struct fading *fading, const adze_model *model,
                         int threads, adze_pool *pool, bool flush) {
  struct adze_error error;
  const int64_t x_dims[] = {FADING_ROWS, 3}, y_dims[] = {FADING_ROWS};
  const int64_t *const dims[] = {x_dims, y_dims};
  struct adze_instance_options options = {.threads = threads,
                                          .flush_denormals = flush,
                                          .pool = pool,
                                          .input_dims = dims};
  struct fixture_run *run = &fading->run;
  fading->flush = flush;
  fixture_run_setup(run, FADING_ROWS, 1);
  for (int i = 0; i < FADING_ROWS; i++) {
    run->x[3 * i] = -FIXTURE_ROTATIONS / fixture_weights[0];
    memcpy(&run->y[i], &fading_y[i % 4], sizeof run->y[i]);
  }
  assert_ok(adze_instance_create(model, &options, &fading->instance, &error),
            error);
}

static void fading_teardown(struct fading *fading) {
  adze_instance_destroy(fading->instance);
  fixture_run_teardown(&fading->run);
}

static void fading_check(const struct fixture_run *run, bool flushed) {
  const uint32_t *z = flushed ? flushed_z : fading_y;
  const uint32_t *pairs = flushed ? flushed_pairs : kept_pairs;
  for (int i = 0; i < FADING_ROWS; i++)
    assert_memory_equal(&run->z[3 * i], &z[i % 4], sizeof *z);
  for (int i = 0; i < FADING_ROWS / 2; i++)
    assert_memory_equal(&run->pairs[i], &pairs[i % 2], sizeof *pairs);
}

/* Runs and profiles under the caller's own settings, which stay. */
static void fading_run(struct fading *fading) {
  struct adze_error error;
  int64_t ns[4];
  fixture_run_bind(&fading->run, fading->instance);
  for (int flush = 0; flush <= 1; flush++) {
    for (int profile = 0; profile <= 1; profile++) {
      memset(fading->run.z, 0xff, FADING_ROWS * 3 * sizeof(float));
      set_flush(flush);
      uint64_t before = settings();
      enum adze_status status =
          profile ? adze_instance_profile(fading->instance, ns, &error)
                  : adze_instance_run(fading->instance, &error);
      uint64_t after = settings();
      set_flush(false);
      assert_ok(status, error);
      assert_int_equal(after, before);
      fading_check(&fading->run, fading->flush);
    }
  }
}

static void denormals_are_flushed_on_request(void **state) {
  struct loaded *loaded = *state;
  if (!can_flush())
    skip();
  for (int threads = 1; threads <= 3; threads++) {
    for (int flush = 0; flush <= 1; flush++) {
      struct fading fading;
      fading_setup(&fading, loaded->model, threads, NULL, flush);
      fading_run(&fading);
      fading_teardown(&fading);
    }
  }
}

/* The same threads compute for both. */
static void instances_flush_as_each_asked(void **state) {
  struct loaded *loaded = *state;
  struct adze_error error;
  if (!can_flush())
    skip();
  for (int threads = 1; threads <= 3; threads++) {
    struct adze_pool_options options = {.threads = threads};
    struct fading kept, flushed;
    adze_pool *pool;
    assert_ok(adze_pool_create(&options, &pool, &error), error);
    fading_setup(&kept, loaded->model, 0, pool, false);
    fading_setup(&flushed, loaded->model, 0, pool, true);
    for (int i = 0; i < 10; i++) {
      fading_run(&kept);
      fading_run(&flushed);
    }
    fading_teardown(&kept);
    fading_teardown(&flushed);
    adze_pool_destroy(pool);
  }
}

/* Also where nothing runs. */
static void failures_leave_settings_alone(void **state) {
  struct loaded *loaded = *state;
  struct adze_error error;
  struct fading fading;
  int64_t ns[4];
  fading_setup(&fading, loaded->model, 2, NULL, true);
  uint64_t before = settings();
  assert_fails(adze_instance_run(fading.instance, &error), error,
               ADZE_INVALID_ARGUMENT, "not bound");
  assert_int_equal(settings(), before);
  assert_fails(adze_instance_profile(fading.instance, ns, &error), error,
               ADZE_INVALID_ARGUMENT, "not bound");
  assert_int_equal(settings(), before);
  fading_teardown(&fading);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(same_results_on_any_number_of_threads),
      cmocka_unit_test(barriers_hold_under_load),
      cmocka_unit_test(instances_run_in_several_threads),
      cmocka_unit_test(instances_share_a_pool),
      cmocka_unit_test(shapes_are_described),
      cmocka_unit_test(contradictions_name_the_dimension),
      cmocka_unit_test(bindings_are_checked),
      cmocka_unit_test(pools_refuse_nonsense),
      cmocka_unit_test(profile_adds_up),
      cmocka_unit_test(memory_comes_from_the_allocator),
      cmocka_unit_test(large_workspaces_work),
      cmocka_unit_test(floating_point_settings_do_not_leak_in),
      cmocka_unit_test(denormals_are_flushed_on_request),
      cmocka_unit_test(instances_flush_as_each_asked),
      cmocka_unit_test(failures_leave_settings_alone),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
