/* SPDX-License-Identifier: Apache-2.0 */
/* Writing packages: the same bytes every time, a valid archive, weights where
 * they were said to be, and nothing left behind by a failure. */
#include "package/test/fixture.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>

static size_t files_in(const char *path) {
  size_t count = 0;
  DIR *folder = opendir(path);
  assert_non_null(folder);
  for (struct dirent *entry; (entry = readdir(folder));)
    count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
  closedir(folder);
  return count;
}

static void same_input_gives_same_bytes(void **state) {
  (void)state;
  struct adze_error error;
  struct fixture fixture;
  fixture_setup(&fixture, TEST_OBJECTS "/model.o");
  assert_ok(fixture_write(&fixture, &error), error);
  struct object_code first = fixture_read(&fixture, fixture.path);
  fixture.contents.path =
      arena_printf(fixture.arena, "%s/again.tar", fixture.folder);
  assert_ok(fixture_write(&fixture, &error), error);
  struct object_code second = fixture_read(&fixture, fixture.contents.path);
  assert_int_equal(first.bytes, second.bytes);
  assert_memory_equal(first.data, second.data, first.bytes);
  assert_int_equal(files_in(fixture.folder), 2);
  fixture_teardown(&fixture);
}

static void tar_can_read_it(void **state) {
  (void)state;
  struct adze_error error;
  struct fixture fixture;
  fixture_setup(&fixture, TEST_OBJECTS "/model.o");
  assert_ok(fixture_write(&fixture, &error), error);
  char *command = arena_printf(
      fixture.arena,
      "cd %s && test \"$(tar tf model.tar | tr '\\n' ' ')\" = "
      "'index padding mod.params mod.so mod.json ' && tar xf model.tar && "
      "test \"$(wc -c < mod.params)\" = 12 && "
      "test \"$(cat mod.json)\" = '{\"model\": \"test\"}'",
      fixture.folder);
  assert_int_equal(system(command), 0);
  fixture_teardown(&fixture);
}

static void weights_lie_where_they_were_put(void **state) {
  (void)state;
  struct adze_error error;
  struct fixture fixture;
  fixture_setup(&fixture, TEST_OBJECTS "/model.o");
  struct package_writer *writer;
  assert_ok(package_open(fixture.arena, &fixture.contents, &writer, &error),
            error);
  struct test_random random = {1};
  enum { COUNT = 200 };
  uint64_t offsets[COUNT];
  uint8_t values[COUNT];
  size_t sizes[COUNT];
  for (int i = 0; i < COUNT; i++) {
    size_t alignment = (size_t)1 << test_random_range(&random, 0, 12);
    sizes[i] = (size_t)test_random_range(&random, 0, i % 10 ? 300 : 100000);
    values[i] = (uint8_t)(1 + i);
    void *data = malloc(sizes[i] + 1);
    assert_non_null(data);
    memset(data, values[i], sizes[i]);
    assert_ok(package_add_weights(writer, data, sizes[i], alignment,
                                  &offsets[i], &error),
              error);
    assert_int_equal(offsets[i] % alignment, 0);
    if (i > 0)
      assert_true(offsets[i] >= offsets[i - 1] + sizes[i - 1] &&
                  offsets[i] < offsets[i - 1] + sizes[i - 1] + alignment);
    free(data);
  }
  assert_ok(package_finish(writer, &fixture.code, &error), error);
  struct object_code file = fixture_read(&fixture, fixture.path);
  const struct adze_index_header *index =
      (const void *)((const char *)file.data + ADZE_INDEX_OFFSET);
  assert_int_equal(index->weights_bytes, offsets[COUNT - 1] + sizes[COUNT - 1]);
  const uint8_t *weights = (const uint8_t *)file.data + index->weights_offset;
  for (int i = 0; i < COUNT; i++)
    for (size_t k = 0; k < sizes[i]; k++)
      assert_int_equal(weights[offsets[i] + k], values[i]);
  /* Whole, but the code was compiled for other weights. */
  adze_model *model;
  assert_fails(adze_model_load(fixture.path, NULL, &model, &error), error,
               ADZE_INVALID_PACKAGE, "describe different models");
  fixture_teardown(&fixture);
}

/* An index that is larger than the usual 64 KiB in front of the weights. */
static void many_names_fit(void **state) {
  (void)state;
  struct adze_error error;
  struct fixture fixture;
  fixture_setup(&fixture, TEST_OBJECTS "/model.o");
  for (size_t count = 1; count <= 4000; count = count * 3 / 2 + 1) {
    struct package_property *properties =
        ARENA_ARRAY(fixture.arena, struct package_property, count);
    for (size_t i = 0; i < count; i++) {
      properties[i].name = arena_printf(fixture.arena, "name %zu", i);
      properties[i].value = i % 2 ? "the same" : properties[i].name;
    }
    fixture.contents.properties = properties;
    fixture.contents.property_count = count;
    assert_ok(fixture_write(&fixture, &error), error);
    adze_model *model;
    assert_ok(adze_model_load(fixture.path, NULL, &model, &error), error);
    assert_string_equal(adze_model_property(model, "name 0"), "name 0");
    const char *last = arena_printf(fixture.arena, "name %zu", count - 1);
    assert_string_equal(adze_model_property(model, last),
                        (count - 1) % 2 ? "the same" : last);
    adze_model_unload(model);
  }
  fixture_teardown(&fixture);
}

static void failures_leave_nothing(void **state) {
  (void)state;
  struct adze_error error;
  struct fixture fixture;
  fixture_setup(&fixture, TEST_OBJECTS "/model.o");
  fixture_save(fixture.path, "old", 3);
  const char *const programs[] = {"/nonexistent/lld", "/bin/false"};
  const enum adze_status statuses[] = {ADZE_UNAVAILABLE, ADZE_IO};
  for (int i = 0; i < 2; i++) {
    setenv("ADZE_LLD", programs[i], 1);
    assert_fails(fixture_write(&fixture, &error), error, statuses[i],
                 programs[i]);
    unsetenv("ADZE_LLD");
  }
  /* Abandoned by an unwind: the arena cleans up. */
  struct arena *arena = arena_create("unwound");
  struct package_writer *writer;
  assert_ok(package_open(arena, &fixture.contents, &writer, &error), error);
  arena_destroy(arena);
  assert_int_equal(files_in(fixture.folder), 1);
  assert_int_equal(fixture_read(&fixture, fixture.path).bytes, 3);
  fixture.contents.path = "/nonexistent/folder/model.tar";
  assert_fails(fixture_write(&fixture, &error), error, ADZE_IO,
               fixture.contents.path);
  fixture.contents.path = "/dev/full";
  assert_fails(fixture_write(&fixture, &error), error, ADZE_IO, "/dev/full");
  fixture_teardown(&fixture);
}

/* Writes with all files limited to `limit` bytes, as on a full disk. */
static enum adze_status write_limited(struct fixture *fixture,
                                      size_t weights_bytes, rlim_t limit,
                                      struct adze_error *error) {
  static const uint8_t weights[300000];
  struct rlimit before, small;
  struct package_writer *writer;
  uint64_t offset;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  small = (struct rlimit){limit, before.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  enum adze_status status =
      package_open(fixture->arena, &fixture->contents, &writer, error);
  if (status == ADZE_OK)
    status =
        package_add_weights(writer, weights, weights_bytes, 64, &offset, error);
  if (status == ADZE_OK)
    status = package_finish(writer, &fixture->code, error);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  return status;
}

static void full_disk(enum adze_output_format format, size_t weights_bytes) {
  struct adze_error error;
  enum adze_status status = ADZE_IO;
  for (rlim_t limit = 0; status != ADZE_OK; limit = limit * 3 / 2 + 100) {
    struct fixture fixture;
    fixture_setup(&fixture, format == ADZE_OUTPUT_SO ? TEST_OBJECTS "/model.o"
                                                     : TEST_OBJECTS "/alpha.o");
    fixture.contents.format = format;
    fixture.contents.module_name = "alpha";
    fixture.code.source = "/* no code */\n";
    status = write_limited(&fixture, weights_bytes, limit, &error);
    struct arena *arena = fixture.arena; /* for an unwritten package's sake */
    fixture.arena = NULL;
    arena_destroy(arena);
    if (status != ADZE_OK) {
      assert_int_equal(status, ADZE_IO);
      assert_true(strlen(error.message) > 0);
      assert_int_equal(files_in(fixture.folder), 0);
    }
    folder_remove(fixture.folder);
  }
}

static void full_disks_leave_nothing(void **state) {
  (void)state;
  signal(SIGXFSZ, SIG_IGN);
  for (int format = ADZE_OUTPUT_SO; format <= ADZE_OUTPUT_C; format++) {
    full_disk((enum adze_output_format)format, 12);
    full_disk((enum adze_output_format)format, 300000);
  }
  signal(SIGXFSZ, SIG_DFL);
}

static void module_names_are_checked(void **state) {
  (void)state;
  assert_true(package_module_name_valid("resnet50"));
  assert_true(package_module_name_valid("a_B9"));
  const char *const wrong[] = {"", "9a", "_a", "a-b", "a b", "é", "a.b"};
  for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
    assert_false(package_module_name_valid(wrong[i]));
  struct arena *arena = arena_create("names");
  char long_name[300] = "";
  memset(long_name, 'n', sizeof long_name - 1);
  const char *const models[] = {"resnet-50.v2", "", "é/…", NULL, long_name};
  for (size_t i = 0; i < ARRAY_COUNT(models); i++)
    assert_true(package_module_name_valid(
        package_module_name_default(arena, models[i])));
  assert_string_equal(package_module_name_default(arena, "resnet-50.v2"),
                      "adze_resnet_50_v2");
  arena_destroy(arena);
  struct adze_error error;
  struct fixture fixture;
  fixture_setup(&fixture, TEST_OBJECTS "/alpha.o");
  fixture.contents.format = ADZE_OUTPUT_STATIC;
  fixture.contents.module_name = "a-b";
  assert_fails(fixture_write(&fixture, &error), error, ADZE_INVALID_ARGUMENT,
               "module name 'a-b'");
  fixture.contents.module_name = NULL;
  assert_fails(fixture_write(&fixture, &error), error, ADZE_INVALID_ARGUMENT,
               "needs a module name");
  fixture_teardown(&fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(same_input_gives_same_bytes),
      cmocka_unit_test(tar_can_read_it),
      cmocka_unit_test(weights_lie_where_they_were_put),
      cmocka_unit_test(many_names_fit),
      cmocka_unit_test(failures_leave_nothing),
      cmocka_unit_test(full_disks_leave_nothing),
      cmocka_unit_test(module_names_are_checked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
