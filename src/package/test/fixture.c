/* SPDX-License-Identifier: Apache-2.0 */
/* Everything here asserts: a test that can't be set up has failed. */
#include "package/test/fixture.h"

#include "base/cpu.h"

const float fixture_weights[3] = {0.5f, -2.0f, 3.25f};

static const struct package_symbol symbols[] = {{"rows", 1, INT64_C(1) << 40}};
static const struct package_tensor inputs[] = {
    {"x", ADZE_F32, 2, {~INT64_C(0), 3}}, {"y", ADZE_F32, 1, {~INT64_C(0)}}};
static const struct package_tensor outputs[] = {
    {"z", ADZE_F32, 2, {~INT64_C(0), 3}}, {"pairs", ADZE_F32, 1, {INT64_MIN}}};
static const char *const constraints[] = {"rows is even"};
static const struct package_kernel kernels[] = {{"scale", "generic", 3},
                                                {"rotate", "generic", 60},
                                                {"mirror", "generic", 3},
                                                {"pairs", "generic", 1}};
static const struct package_property properties[] = {{"pose.network", "none"},
                                                     {"empty", ""}};
static const char json[] = "{\"model\": \"test\"}\n";

void fixture_setup(struct fixture *fixture, const char *object) {
  struct adze_error error;
  memset(fixture, 0, sizeof *fixture);
  fixture->arena = arena_create("test");
  assert_non_null(fixture->arena);
  assert_ok(folder_make_temporary(fixture->folder, &error), error);
  fixture->path = arena_printf(fixture->arena, "%s/model.tar", fixture->folder);
  struct object_code *code = ARENA_NEW(fixture->arena, struct object_code);
  *code = fixture_read(fixture, object);
  fixture->code = (struct package_code){.objects = code,
                                        .object_count = 1,
                                        .json = json,
                                        .json_bytes = sizeof json - 1,
                                        .workspace_bytes = 256};
  fixture->contents =
      (struct package_contents){.format = ADZE_OUTPUT_SO,
                                .path = fixture->path,
                                .name = "test",
                                .target_line = "llvm",
                                .version = "0.0.0",
                                .machine = cpu_elf_machine(),
                                .symbols = symbols,
                                .symbol_count = ARRAY_COUNT(symbols),
                                .inputs = inputs,
                                .input_count = ARRAY_COUNT(inputs),
                                .outputs = outputs,
                                .output_count = ARRAY_COUNT(outputs),
                                .constraints = constraints,
                                .constraint_count = ARRAY_COUNT(constraints),
                                .kernels = kernels,
                                .kernel_count = ARRAY_COUNT(kernels),
                                .properties = properties,
                                .property_count = ARRAY_COUNT(properties)};
}

enum adze_status fixture_write(struct fixture *fixture,
                               struct adze_error *error) {
  struct package_writer *writer;
  uint64_t offset;
  TRY(package_open(fixture->arena, &fixture->contents, &writer, error));
  TRY(package_add_weights(writer, fixture_weights, sizeof fixture_weights, 64,
                          &offset, error));
  assert_int_equal(offset, 0);
  return package_finish(writer, &fixture->code, error);
}

void fixture_teardown(struct fixture *fixture) {
  folder_remove(fixture->folder);
  arena_destroy(fixture->arena);
}

struct object_code fixture_read(struct fixture *fixture, const char *path) {
  struct adze_error error;
  struct file_map map;
  assert_ok(file_map_open(path, &map, &error), error);
  struct object_code bytes = {arena_copy(fixture->arena, map.data, map.size),
                              map.size};
  file_map_close(&map);
  return bytes;
}

void fixture_save(const char *path, const void *data, size_t bytes) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, bytes, file), bytes);
  assert_int_equal(fclose(file), 0);
}

void fixture_expected(int64_t n, const float *x, const float *y, float *z,
                      float *pairs) {
  for (int64_t i = 0; i < n; i++) {
    int64_t row = (n - 1 - i + FIXTURE_ROTATIONS) % n;
    for (int64_t c = 0; c < 3; c++) {
      float value = x[row * 3 + c] * fixture_weights[c];
      for (int k = 0; k < FIXTURE_ROTATIONS; k++)
        value += 1;
      z[i * 3 + c] = value + y[i];
    }
  }
  for (int64_t j = 0; j < n / 2; j++)
    pairs[j] = z[6 * j] + z[6 * j + 3];
}

static float *floats(int64_t count) {
  float *data = calloc((size_t)count + 1, sizeof(float));
  assert_non_null(data);
  return data;
}

void fixture_run_setup(struct fixture_run *run, int64_t n, uint64_t seed) {
  struct test_random random = {seed};
  *run = (struct fixture_run){n,
                              floats(3 * n),
                              floats(n),
                              floats(3 * n),
                              floats(n / 2),
                              floats(3 * n),
                              floats(n / 2)};
  for (int64_t i = 0; i < 3 * n; i++)
    run->x[i] = (float)test_random_double(&random);
  for (int64_t i = 0; i < n; i++)
    run->y[i] = (float)test_random_double(&random);
  fixture_expected(n, run->x, run->y, run->wanted_z, run->wanted_pairs);
}

void fixture_run_bind(struct fixture_run *run, adze_instance *instance) {
  struct adze_error error;
  size_t row = sizeof(float), n = (size_t)run->n;
  assert_ok(adze_instance_bind_input(instance, 0, run->x, 3 * n * row, &error),
            error);
  assert_ok(adze_instance_bind_input(instance, 1, run->y, n * row, &error),
            error);
  assert_ok(adze_instance_bind_output(instance, 0, run->z, 3 * n * row, &error),
            error);
  assert_ok(
      adze_instance_bind_output(instance, 1, run->pairs, n / 2 * row, &error),
      error);
}

bool fixture_run_check(struct fixture_run *run) {
  size_t z_bytes = (size_t)run->n * 3 * sizeof(float);
  size_t pairs_bytes = (size_t)run->n / 2 * sizeof(float);
  bool same = memcmp(run->z, run->wanted_z, z_bytes) == 0 &&
              memcmp(run->pairs, run->wanted_pairs, pairs_bytes) == 0;
  memset(run->z, 0, z_bytes);
  memset(run->pairs, 0, pairs_bytes);
  return same;
}

void fixture_run_teardown(struct fixture_run *run) {
  free(run->x);
  free(run->y);
  free(run->z);
  free(run->pairs);
  free(run->wanted_z);
  free(run->wanted_pairs);
}

enum adze_status fixture_instance(const adze_model *model, int64_t n,
                                  int threads, adze_pool *pool,
                                  adze_instance **out,
                                  struct adze_error *error) {
  const int64_t x_dims[] = {n, 3}, y_dims[] = {n};
  const int64_t *const dims[] = {x_dims, y_dims};
  struct adze_instance_options options = {
      .threads = threads, .pool = pool, .input_dims = dims};
  return adze_instance_create(model, &options, out, error);
}
