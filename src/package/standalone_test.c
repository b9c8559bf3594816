/* SPDX-License-Identifier: Apache-2.0 */
/* What is linked into programs: two models as an archive and an object, and one
 * as C source, through their headers and without a runtime library. */
#include "package/test/fixture.h"

/* Runs all of them on the same numbers and prints whether they agree. */
static const char program[] =
    "#include <stdio.h>\n"
    "#include <stdlib.h>\n"
    "#include <string.h>\n"
    "#include \"alpha.h\"\n"
    "#include \"beta.h\"\n"
    "ALPHA_INPUT_0_TYPE x[ALPHA_INPUT_0_ELEMENTS];\n"
    "ALPHA_INPUT_1_TYPE y[ALPHA_INPUT_1_ELEMENTS];\n"
    "float za[ALPHA_OUTPUT_0_ELEMENTS], pa[3];\n"
    "float zb[18], pb[3];\n"
    "_Alignas(64) char wa[ALPHA_WORKSPACE_BYTES];\n"
    "int main(void) {\n"
    "  const int64_t symbols[BETA_SYMBOL_COUNT] = {6}, odd[] = {5};\n"
    "  int64_t bytes = beta_workspace_bytes(symbols);\n"
    "  if (bytes != 256 || beta_workspace_bytes(odd) >= 0) return 2;\n"
    "  if (BETA_INPUT_0_BYTES(symbols) != sizeof zb) return 3;\n"
    "  const size_t in[] = ALPHA_INPUT_BYTES, out[] = ALPHA_OUTPUT_BYTES;\n"
    "  const size_t open[] = BETA_INPUT_BYTES(symbols);\n"
    "  if (in[1] != 24 || out[1] != 12 || open[0] != 72) return 5;\n"
    "  if (ALPHA_INPUT_COUNT != 2 || ALPHA_OUTPUT_0_BYTES != 72) return 4;\n"
    "  void *wb = aligned_alloc(64, (size_t)bytes);\n"
    "  for (int i = 0; i < 18; i++) x[i] = i;\n"
    "  for (int i = 0; i < 6; i++) y[i] = -i;\n"
    "  const void *inputs[] = {x, y};\n"
    "  void *oa[] = {za, pa}, *ob[] = {zb, pb};\n"
    "  if (alpha_run(inputs, oa, wa) != 0) return 6;\n"
    "  if (beta_run(symbols, inputs, ob, wb) != 0) return 7;\n"
    "  if (beta_run(odd, inputs, ob, wb) != 1) return 8;\n"
    "  free(wb);\n"
    "  for (int i = 0; i < 18; i++) printf(\"%g \", za[i]);\n"
    "  for (int i = 0; i < 3; i++) printf(\"%g \", pa[i]);\n"
    "  return memcmp(za, zb, sizeof za) || memcmp(pa, pb, sizeof pa);\n"
    "}\n";

static const struct package_tensor fixed_inputs[] = {{"x", ADZE_F32, 2, {6, 3}},
                                                     {"y", ADZE_F32, 1, {6}}};
/* A name that would end the header's comments. */
static const struct package_tensor fixed_outputs[] = {
    {"z*/ \n\\ /*", ADZE_F32, 2, {6, 3}}, {"pairs", ADZE_F32, 1, {3}}};

static void write_model(const struct fixture *target,
                        enum adze_output_format format, const char *name,
                        const char *file, bool is_fixed, const char *source) {
  struct adze_error error;
  struct fixture fixture;
  char object[4096];
  snprintf(object, sizeof object, "%s/%s.o", TEST_OBJECTS, name);
  fixture_setup(&fixture, object);
  fixture.contents.format = format;
  fixture.contents.module_name = name;
  fixture.contents.path =
      arena_printf(fixture.arena, "%s/%s", target->folder, file);
  fixture.code.source = source;
  if (is_fixed) {
    fixture.contents.symbol_count = 0;
    fixture.contents.inputs = fixed_inputs;
    fixture.contents.outputs = fixed_outputs;
  }
  assert_ok(fixture_write(&fixture, &error), error);
  struct object_code first = fixture_read(&fixture, fixture.contents.path);
  assert_ok(fixture_write(&fixture, &error), error);
  struct object_code second = fixture_read(&fixture, fixture.contents.path);
  assert_int_equal(first.bytes, second.bytes);
  assert_memory_equal(first.data, second.data, first.bytes);
  fixture_teardown(&fixture);
}

/* Compiles and runs the program with these files; its output must be what the
 * model computes. */
static void run_program(struct fixture *fixture, const char *files) {
  fixture_save(arena_printf(fixture->arena, "%s/main.c", fixture->folder),
               program, sizeof program - 1);
  const char *command = arena_printf(
      fixture->arena,
      "cd %s && %s -std=c11 -Wall -Wextra -pedantic -Werror -O1 -I. main.c %s "
      "-o main && ./main > printed",
      fixture->folder, TEST_COMPILER, files);
  assert_int_equal(system(command), 0);
  float x[18], y[6], z[18], pairs[3];
  for (int i = 0; i < 18; i++)
    x[i] = (float)i;
  for (int i = 0; i < 6; i++)
    y[i] = (float)-i;
  fixture_expected(6, x, y, z, pairs);
  struct text wanted = {.arena = fixture->arena};
  for (int i = 0; i < 18; i++)
    text_format(&wanted, "%g ", z[i]);
  for (int i = 0; i < 3; i++)
    text_format(&wanted, "%g ", pairs[i]);
  struct object_code printed = fixture_read(
      fixture, arena_printf(fixture->arena, "%s/printed", fixture->folder));
  assert_int_equal(printed.bytes, wanted.size);
  assert_memory_equal(printed.data, wanted.data, wanted.size);
}

static void archives_and_objects_link_together(void **state) {
  (void)state;
  struct fixture fixture;
  fixture_setup(&fixture, TEST_OBJECTS "/model.o");
  write_model(&fixture, ADZE_OUTPUT_STATIC, "alpha", "libalpha.a", true, "");
  write_model(&fixture, ADZE_OUTPUT_OBJ, "beta", "beta.o", false, "");
  run_program(&fixture, "libalpha.a beta.o");
  /* The other way round. */
  write_model(&fixture, ADZE_OUTPUT_OBJ, "alpha", "alpha.o", true, "");
  write_model(&fixture, ADZE_OUTPUT_STATIC, "beta", "libbeta.a", false, "");
  run_program(&fixture, "-L. -lbeta alpha.o");
  fixture_teardown(&fixture);
}

static void nothing_but_the_prefix_is_exported(void **state) {
  (void)state;
  struct fixture fixture;
  fixture_setup(&fixture, TEST_OBJECTS "/model.o");
  write_model(&fixture, ADZE_OUTPUT_STATIC, "alpha", "libalpha.a", true, "");
  /* No executable stack, no undefined symbols, only prefixed ones. */
  const char *command = arena_printf(
      fixture.arena,
      "cd %s && %s -shared -o liball.so -Wl,-z,defs -Wl,--fatal-warnings "
      "-nostdlib -Wl,--whole-archive libalpha.a -Wl,--no-whole-archive && "
      "test \"$(nm -D --defined-only liball.so | cut -d' ' -f3 | tr '\\n' ' "
      "')\" "
      "= 'alpha_run '",
      fixture.folder, TEST_COMPILER);
  assert_int_equal(system(command), 0);
  fixture_teardown(&fixture);
}

/* test_module.c is C, so it can stand for what the C target writes. */
static void source_compiles_alone(void **state) {
  (void)state;
  struct fixture fixture;
  fixture_setup(&fixture, TEST_OBJECTS "/model.o");
  struct object_code text =
      fixture_read(&fixture, ADZE_SOURCE_DIR "/src/package/test/test_module.c");
  struct text source = {.arena = fixture.arena};
  text_add(&source, "#define TEST_PREFIX alpha_\n#define TEST_ROWS 6\n"
                    "#define TEST_WEIGHTS_DEFINED\n");
  text_add_n(&source, text.data, text.bytes);
  write_model(&fixture, ADZE_OUTPUT_C, "alpha", "alpha.c", true,
              text_string(&source));
  write_model(&fixture, ADZE_OUTPUT_OBJ, "beta", "beta.o", false, "");
  run_program(&fixture, "-I" ADZE_SOURCE_DIR "/include alpha.c beta.o");
  fixture_teardown(&fixture);
}

int main(void) {
  if (system(TEST_COMPILER " --version > /dev/null 2>&1") != 0) {
    puts("skipped: there is no C compiler here");
    return TEST_SKIPPED;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(archives_and_objects_link_together),
      cmocka_unit_test(nothing_but_the_prefix_is_exported),
      cmocka_unit_test(source_compiles_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
