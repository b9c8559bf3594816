/* SPDX-License-Identifier: Apache-2.0 */
/* Loading: what a good package says of itself, and that every other file is
 * refused with a sentence before its code is mapped. */
#include "package/test/fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/cpu.h"
#include "package/format.h"

/* Stands in front of the C library's, to be without memory files. */
static bool no_memory_files;
int memfd_create(const char *name, unsigned flags) {
  if (!no_memory_files)
    return (int)syscall(SYS_memfd_create, name, flags);
  errno = ENOSYS;
  return -1;
}

static int setup(void **state) {
  struct adze_error error;
  struct fixture *fixture = calloc(1, sizeof *fixture);
  assert_non_null(fixture);
  fixture_setup(fixture, TEST_OBJECTS "/model.o");
  assert_ok(fixture_write(fixture, &error), error);
  *state = fixture;
  return 0;
}

static int teardown(void **state) {
  fixture_teardown(*state);
  free(*state);
  return 0;
}

static enum adze_status try_load(const char *path, struct adze_error *error) {
  adze_model *model;
  enum adze_status status = adze_model_load(path, NULL, &model, error);
  if (status == ADZE_OK)
    adze_model_unload(model);
  return status;
}

static void good_package_describes_itself(void **state) {
  struct fixture *fixture = *state;
  struct adze_error error;
  for (int kind = 0; kind < 3; kind++) {
    struct adze_load_options options = {.copy_weights = kind == 1,
                                        .describe_only = kind == 2};
    adze_model *model;
    assert_ok(adze_model_load(fixture->path, &options, &model, &error), error);
    assert_string_equal(adze_model_name(model), "test");
    assert_string_equal(adze_model_target(model), "llvm");
    assert_string_equal(adze_model_version(model), "0.0.0");
    assert_string_equal(adze_model_property(model, "pose.network"), "none");
    assert_string_equal(adze_model_property(model, "empty"), "");
    assert_null(adze_model_property(model, "absent"));
    assert_int_equal(adze_model_input_count(model), 2);
    assert_int_equal(adze_model_output_count(model), 2);
    assert_int_equal(adze_model_weights_bytes(model), 12);
    assert_int_equal(adze_model_find_input(model, "y"), 1);
    assert_int_equal(adze_model_find_input(model, "z"), -1);
    assert_int_equal(adze_model_find_output(model, "z"), 0);
    char *json;
    size_t json_bytes;
    assert_ok(adze_model_json(model, &json, &json_bytes, &error), error);
    assert_int_equal(json_bytes, fixture->code.json_bytes);
    assert_memory_equal(json, fixture->code.json, json_bytes);
    adze_model_json_release(model, json, json_bytes);
    adze_instance *instance;
    if (options.describe_only)
      assert_fails(fixture_instance(model, 4, 1, NULL, &instance, &error),
                   error, ADZE_INVALID_ARGUMENT, "to be described");
    adze_model_unload(model);
  }
}

static void other_files_are_no_packages(void **state) {
  struct fixture *fixture = *state;
  struct adze_error error;
  const char *path = arena_printf(fixture->arena, "%s/other", fixture->folder);
  assert_fails(try_load(path, &error), error, ADZE_NOT_FOUND, path);
  fixture_save(path, "", 0);
  assert_fails(try_load(path, &error), error, ADZE_INVALID_PACKAGE,
               "not an adze package");
  char zeros[4096] = {0};
  fixture_save(path, zeros, sizeof zeros);
  assert_fails(try_load(path, &error), error, ADZE_INVALID_PACKAGE,
               "not an adze package");
  assert_fails(try_load(fixture->folder, &error), error, ADZE_IO,
               fixture->folder);
}

static void every_truncation_is_refused(void **state) {
  struct fixture *fixture = *state;
  struct adze_error error;
  struct object_code bytes = fixture_read(fixture, fixture->path);
  const char *path = arena_printf(fixture->arena, "%s/cut", fixture->folder);
  fixture_save(path, bytes.data, bytes.bytes);
  size_t step = test_small() ? 61 : 3;
  for (size_t size = bytes.bytes; size-- > 0;) {
    /* All lengths near the ends of parts, some in the long padding. */
    if (size > 4096 && size < 65000 && size % step != 0)
      continue;
    assert_int_equal(truncate(path, (off_t)size), 0);
    assert_fails(try_load(path, &error), error, ADZE_INVALID_PACKAGE, path);
    if (size > ADZE_INDEX_OFFSET + sizeof(struct adze_index_header) + 1000)
      assert_non_null(strstr(error.message, "cut short"));
  }
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes.data, 1, bytes.bytes, file), bytes.bytes);
  assert_int_equal(fputc('x', file), 'x');
  assert_int_equal(fclose(file), 0);
  assert_fails(try_load(path, &error), error, ADZE_INVALID_PACKAGE,
               "1 bytes too many");
}

static void every_flipped_bit_is_found(void **state) {
  struct fixture *fixture = *state;
  struct adze_error error;
  struct object_code bytes = fixture_read(fixture, fixture->path);
  const char *path = arena_printf(fixture->arena, "%s/flip", fixture->folder);
  fixture_save(path, bytes.data, bytes.bytes);
  int file = open(path, O_WRONLY);
  assert_true(file >= 0);
  struct test_random random = {bytes.bytes};
  for (size_t at = 0; at < bytes.bytes; at++) {
    bool padding = at > 4096 && at < 65000;
    size_t one_of = (padding ? 64 : 1) * (test_small() ? 16 : 1);
    if (test_random_next(&random) % one_of != 0)
      continue;
    int first = at < 2048 ? 0 : (int)(test_random_next(&random) % 8);
    int last = at < 2048 ? 7 : first;
    uint8_t good = ((const uint8_t *)bytes.data)[at];
    for (int bit = first; bit <= last; bit++) {
      uint8_t bad = good ^ (uint8_t)(1u << bit);
      assert_int_equal(pwrite(file, &bad, 1, (off_t)at), 1);
      assert_fails(try_load(path, &error), error, ADZE_INVALID_PACKAGE, path);
    }
    assert_int_equal(pwrite(file, &good, 1, (off_t)at), 1);
  }
  close(file);
  assert_ok(try_load(path, &error), error);
}

/* ---- Packages that are whole, but not for us ----------------------------- */

/* Changes the 32-bit field at `offset` of the index and makes the index' own
 * checksum right again; loads the result. */
static enum adze_status load_changed(struct fixture *fixture, size_t offset,
                                     uint32_t value, struct adze_error *error) {
  struct object_code bytes = fixture_read(fixture, fixture->path);
  uint8_t *copy = arena_copy(fixture->arena, bytes.data, bytes.bytes);
  struct adze_index_header *index = (void *)(copy + ADZE_INDEX_OFFSET);
  memcpy((char *)index + offset, &value, sizeof value);
  index_seal(index);
  const char *path = arena_printf(fixture->arena, "%s/model2", fixture->folder);
  fixture_save(path, copy, bytes.bytes);
  return try_load(path, error);
}
#define CHANGED(field, value)                                                  \
  load_changed(fixture, offsetof(struct adze_index_header, field), value,      \
               &error)

static void other_versions_and_machines_are_told(void **state) {
  struct fixture *fixture = *state;
  struct adze_error error;
  assert_fails(CHANGED(index_version, 2), error, ADZE_INCOMPATIBLE,
               "package format 2; this runtime reads format 1");
  assert_fails(CHANGED(abi_version, ADZE_ABI_VERSION + 1), error,
               ADZE_INCOMPATIBLE,
               arena_printf(fixture->arena,
                            "ABI version %u (adze 0.0.0); this runtime has "
                            "version %u",
                            ADZE_ABI_VERSION + 1, ADZE_ABI_VERSION));
  assert_fails(CHANGED(machine, cpu_elf_machine() == 243 ? 62 : 243), error,
               ADZE_INCOMPATIBLE, "this machine is");
  assert_fails(CHANGED(machine, 9999), error, ADZE_INCOMPATIBLE,
               "compiled for machine 9999");
}

static void missing_features_are_named(void **state) {
  (void)state;
  struct adze_error error;
  const char *missing = NULL, *present = NULL;
  for (size_t i = 0; i < cpu_feature_count(); i++)
    *(cpu_feature_present(i) ? &present : &missing) = cpu_feature_name(i);
  const char *const features[] = {present, missing};
  if (!missing || !present)
    test_skip("this CPU has every feature, or none");
  struct fixture fixture;
  fixture_setup(&fixture, TEST_OBJECTS "/model.o");
  fixture.contents.features = features;
  fixture.contents.feature_count = 1;
  assert_ok(fixture_write(&fixture, &error), error);
  assert_ok(try_load(fixture.path, &error), error);
  fixture.contents.feature_count = 2;
  assert_ok(fixture_write(&fixture, &error), error);
  assert_fails(try_load(fixture.path, &error), error, ADZE_INCOMPATIBLE,
               arena_printf(fixture.arena,
                            "a CPU with %s, which this CPU lacks", missing));
  const char *const unknown[] = {"teleport"};
  fixture.contents.features = unknown;
  fixture.contents.feature_count = 1;
  assert_ok(fixture_write(&fixture, &error), error);
  assert_fails(try_load(fixture.path, &error), error, ADZE_INCOMPATIBLE,
               "teleport, which this CPU is not known to have");
  fixture_teardown(&fixture);
}

static void damaged_indexes_are_refused(void **state) {
  struct fixture *fixture = *state;
  struct adze_error error;
#define FIELD(name) offsetof(struct adze_index_header, name)
  static const struct {
    size_t field;
    uint32_t value;
    const char *message;
  } cases[] = {
      {FIELD(kernel_count), 5, "describe different models"},
      {FIELD(kernel_count), UINT32_MAX, "table of kernels"},
      {FIELD(kernels), 4, "table of kernels"},
      {FIELD(inputs), UINT32_MAX - 7, "table of inputs"},
      {FIELD(output_count), 100000, "table of outputs"},
      {FIELD(symbol_count), 0, "dimension 0 of tensor 'x' is unknown"},
      {FIELD(target_string), 1 << 20, "a string of the index (target)"},
      {FIELD(properties), 12, "table of properties"},
      {FIELD(weights_offset), 512, "weights are not aligned"},
      {FIELD(weights_offset), 1 << 20, "mod.params overlaps"},
      {FIELD(code_offset), 600, "mod.so overlaps"},
      {FIELD(code_crc), 1, "mod.so is damaged"},
      {FIELD(weights_crc), 1, "mod.params is damaged"},
      {FIELD(json_crc), 1, "mod.json is damaged"},
      {FIELD(rest_crc), 1, "damaged between its members"},
      {FIELD(file_bytes), 1 << 30, "cut short"},
  };
#undef FIELD
  for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
    assert_fails(load_changed(fixture, cases[i].field, cases[i].value, &error),
                 error, ADZE_INVALID_PACKAGE, cases[i].message);
}

static void code_and_index_must_agree(void **state) {
  (void)state;
  struct adze_error error;
  struct fixture fixture;
  fixture_setup(&fixture, TEST_OBJECTS "/other_abi.o");
  assert_ok(fixture_write(&fixture, &error), error);
  assert_fails(try_load(fixture.path, &error), error, ADZE_INCOMPATIBLE,
               arena_printf(fixture.arena,
                            "mod.so does not serve ABI version %u",
                            ADZE_ABI_VERSION));
  fixture_teardown(&fixture);

  fixture_setup(&fixture, TEST_OBJECTS "/undefined.o");
  assert_fails(fixture_write(&fixture, &error), error, ADZE_IO,
               "undefined symbol: test_undefined");
  assert_int_equal(access(fixture.path, F_OK), -1);
  fixture_teardown(&fixture);

  fixture_setup(&fixture, TEST_OBJECTS "/model.o");
  struct package_tensor outputs[2];
  memcpy(outputs, fixture.contents.outputs, sizeof outputs);
  fixture.contents.outputs = outputs;
  outputs[0].dims[1] = 4; /* the code says 3 */
  assert_ok(fixture_write(&fixture, &error), error);
  adze_model *model;
  adze_instance *instance;
  assert_ok(adze_model_load(fixture.path, NULL, &model, &error), error);
  assert_fails(fixture_instance(model, 4, 1, NULL, &instance, &error), error,
               ADZE_INVALID_PACKAGE, "dimension 1 of output 'z'");
  adze_model_unload(model);
  fixture_teardown(&fixture);
}

/* ---- Loading often ------------------------------------------------------- */

static size_t count_descriptors(void) {
  size_t count = 0;
  DIR *folder = opendir("/proc/self/fd");
  assert_non_null(folder);
  while (readdir(folder))
    count++;
  closedir(folder);
  return count;
}

static void nothing_is_left_after_unloading(void **state) {
  struct fixture *fixture = *state;
  struct adze_error error;
  assert_ok(try_load(fixture->path, &error), error);
  size_t before = count_descriptors();
  for (int i = 0; i < 100; i++)
    assert_ok(try_load(fixture->path, &error), error);
  assert_int_equal(count_descriptors(), before);
}

static void private_files_serve_without_memory_files(void **state) {
  struct fixture *fixture = *state;
  struct adze_error error;
  const char *folder =
      arena_printf(fixture->arena, "%s/temporary", fixture->folder);
  char *before = getenv("TMPDIR");
  before = before ? arena_strdup(fixture->arena, before) : NULL;
  setenv("TMPDIR", folder, 1);
  no_memory_files = true;
  assert_fails(try_load(fixture->path, &error), error, ADZE_IO, folder);
  assert_ok(folder_make(folder, &error), error);
  assert_ok(try_load(fixture->path, &error), error);
  no_memory_files = false;
  assert_int_equal(rmdir(folder), 0); /* empty again */
  if (before)
    setenv("TMPDIR", before, 1);
  else
    unsetenv("TMPDIR");
}

static void one_package_loads_several_times(void **state) {
  struct fixture *fixture = *state;
  struct adze_error error;
  adze_model *models[3];
  for (int i = 0; i < 3; i++)
    assert_ok(adze_model_load(fixture->path, NULL, &models[i], &error), error);
  adze_model_unload(models[0]);
  adze_instance *instance;
  assert_ok(fixture_instance(models[1], 4, 1, NULL, &instance, &error), error);
  struct fixture_run run;
  fixture_run_setup(&run, 4, 1);
  fixture_run_bind(&run, instance);
  adze_model_unload(models[2]);
  assert_ok(adze_instance_run(instance, &error), error);
  assert_true(fixture_run_check(&run));
  fixture_run_teardown(&run);
  adze_instance_destroy(instance);
  adze_model_unload(models[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(good_package_describes_itself),
      cmocka_unit_test(other_files_are_no_packages),
      cmocka_unit_test(every_truncation_is_refused),
      cmocka_unit_test(every_flipped_bit_is_found),
      cmocka_unit_test(other_versions_and_machines_are_told),
      cmocka_unit_test(missing_features_are_named),
      cmocka_unit_test(damaged_indexes_are_refused),
      cmocka_unit_test(code_and_index_must_agree),
      cmocka_unit_test(nothing_is_left_after_unloading),
      cmocka_unit_test(private_files_serve_without_memory_files),
      cmocka_unit_test(one_package_loads_several_times),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
