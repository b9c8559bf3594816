/* SPDX-License-Identifier: Apache-2.0 */
/* AArch64 code, made here, run under qemu: random functions against the
 * interpreter. The objects are linked with a generated driver that loads the
 * memory of all functions from a file, calls each, and writes it back. */
#include "test.h"

#include "base/file.h"
#include "ir/interpret.h"
#include "target/random_function.h"
#include "target/target.h"

#define FUNCTIONS 40
#define CROSS_COMPILER "aarch64-linux-gnu-gcc"
#define EMULATOR "qemu-aarch64"

struct fixture {
  struct arena *arena;
  struct expr_pool *pool;
  struct function *functions[FUNCTIONS];
  struct random_memory *memory[FUNCTIONS];
  size_t total;
  char folder[4096];
  struct adze_error error;
};

static struct random_memory *each_memory(struct fixture *f, size_t i) {
  return random_memory(f->arena, f->functions[i], 500 + i);
}

static void write_memory(struct fixture *f) {
  struct text data = {.arena = f->arena};
  for (size_t i = 0; i < FUNCTIONS; i++) {
    f->memory[i] = each_memory(f, i);
    for (size_t k = 0; k < f->functions[i]->parameters.count; k++)
      text_add_n(&data, f->memory[i]->parameters[k], f->memory[i]->bytes[k]);
  }
  f->total = data.size;
  assert_ok(file_write_all(arena_printf(f->arena, "%s/in", f->folder),
                           data.data, data.size, &f->error),
            f->error);
}

static void write_driver(struct fixture *f) {
  struct text text = {.arena = f->arena};
  text_format(&text,
              "#include <stdio.h>\n"
              "static unsigned char memory[%zu], scratch[4096];\n",
              f->total);
  size_t offset = 0;
  for (size_t i = 0; i < FUNCTIONS; i++)
    text_format(&text, "void random_%zu();\n", i);
  text_add(&text, "int main(int count, char **files) {\n"
                  "  FILE *in = fopen(files[1], \"rb\"), *out = "
                  "fopen(files[2], \"wb\");\n"
                  "  if (!in || !out || fread(memory, sizeof memory, 1, in) "
                  "!= 1) return 1;\n");
  for (size_t i = 0; i < FUNCTIONS; i++) {
    text_format(&text, "  random_%zu(", i);
    for (size_t k = 0; k < f->functions[i]->parameters.count; k++) {
      text_format(&text, "memory + %zu, ", offset);
      offset += f->memory[i]->bytes[k];
    }
    text_format(&text, "%lldLL, %lldLL, scratch, 1LL, 3LL);\n",
                (long long)f->memory[i]->symbols[0],
                (long long)f->memory[i]->symbols[1]);
  }
  text_add(&text, "  fwrite(memory, sizeof memory, 1, out);\n"
                  "  return fclose(out) != 0;\n}\n");
  assert_ok(file_write_all(arena_printf(f->arena, "%s/driver.c", f->folder),
                           text.data, text.size, &f->error),
            f->error);
}

/* A plan that does nothing: the kernels are called directly. */
static struct function *empty_plan(struct fixture *f) {
  struct function *plan = function_new(f->pool, "plan");
  const struct expr *shape[1] = {expr_index(f->pool, 1)};
  plan->is_flat = true;
  for (int i = 0; i < 5; i++)
    vec_push(f->arena, &plan->parameters,
             buffer_new(f->pool, "p", ADZE_I64, BUFFER_ARGUMENT, shape, 1));
  return plan;
}

static void build_and_run(struct fixture *f, const struct machine *machine) {
  struct module module = {.prefix = "", .plan = empty_plan(f)};
  struct object_list objects = {0};
  for (size_t i = 0; i < FUNCTIONS; i++)
    vec_push(f->arena, &module.kernels, f->functions[i]);
  assert_ok(target_find("llvm")->emit(f->arena, machine, &module, 2, NULL,
                                      &objects, &f->error),
            f->error);
  struct text command = {.arena = f->arena};
  text_format(&command,
              CROSS_COMPILER " -w -O1 -static %s/driver.c -o %s/driver",
              f->folder, f->folder);
  for (size_t i = 0; i < objects.objects.count; i++) {
    char *path = arena_printf(f->arena, "%s/%zu.o", f->folder, i);
    assert_ok(file_write_all(path, objects.objects.data[i].data,
                             objects.objects.data[i].bytes, &f->error),
              f->error);
    text_format(&command, " %s", path);
  }
  assert_int_equal(system(text_string(&command)), 0);
  assert_int_equal(
      system(arena_printf(f->arena, EMULATOR " -cpu max %s/driver %s/in %s/out",
                          f->folder, f->folder, f->folder)),
      0);
}

static void compare_all(struct fixture *f, const char *line) {
  struct file_map map;
  assert_ok(file_map_open(arena_printf(f->arena, "%s/out", f->folder), &map,
                          &f->error),
            f->error);
  assert_int_equal(map.size, f->total);
  const uint8_t *data = map.data;
  for (size_t i = 0; i < FUNCTIONS; i++) {
    const struct function *function = f->functions[i];
    struct random_memory *memory = f->memory[i];
    assert_ok(interpret(function, memory->parameters, memory->bytes,
                        memory->symbols, 1, 3, &f->error),
              f->error);
    for (size_t k = 0; k < function->parameters.count; k++) {
      const struct buffer *buffer = function->parameters.data[k];
      size_t where;
      if (!random_equal(buffer->dtype, data, memory->parameters[k],
                        memory->bytes[k], &where))
        fail_msg("%s: %s differs at %s[%zu]", line, function->name,
                 buffer->name, where);
      data += memory->bytes[k];
    }
  }
  file_map_close(&map);
}

static void run_on(const char *line, uint64_t seed) {
  struct fixture *f = calloc(1, sizeof *f);
  struct machine machine;
  f->arena = arena_create("test");
  f->pool = expr_pool_create(f->arena);
  assert_ok(machine_parse(f->arena, line, &machine, &f->error), f->error);
  assert_int_equal(machine.elf_machine, 183);
  assert_ok(folder_make_temporary(f->folder, &f->error), f->error);
  struct random_options options = {.has_fma = machine.has_fma,
                                   .lanes_limit = 16};
  for (size_t i = 0; i < FUNCTIONS; i++)
    f->functions[i] = random_function(
        f->pool, arena_printf(f->arena, "random_%zu", i), seed + i, &options);
  write_memory(f);
  write_driver(f);
  build_and_run(f, &machine);
  compare_all(f, line);
  folder_remove(f->folder);
  arena_destroy(f->arena);
  free(f);
}

static void code_equals_interpreter(void **state) {
  (void)state;
  run_on("rpi4", 31000);
  run_on("llvm -mtriple=aarch64-linux-gnu", 32000);
  run_on("graviton3", 33000);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(code_equals_interpreter)};
  if (system("command -v " CROSS_COMPILER " >/dev/null 2>&1") != 0 ||
      system("command -v " EMULATOR " >/dev/null 2>&1") != 0) {
    puts("skipped: needs " CROSS_COMPILER " and " EMULATOR);
    return TEST_SKIPPED;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
