/* SPDX-License-Identifier: Apache-2.0 */
/* Targets against the interpreter, bit for bit, on random flat functions, for
 * every instruction set that this machine has; and that objects do not depend
 * on the number of threads. */
#include "test.h"

#include "ir/interpret.h"
#include "ir/loop_text.h"
#include "target/random_function.h"
#include "target/target.h"

#define FUNCTIONS 48 /* per target line */

typedef void kernel_call(void *const *parameters, const int64_t *scalars,
                         void *scratch, int64_t worker, int64_t workers);

struct fixture {
  struct arena *arena;
  struct expr_pool *pool;
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

static void fail_with_function(struct fixture *f,
                               const struct function *function,
                               const char *line, const char *buffer,
                               size_t element) {
  struct text text = {.arena = f->arena};
  function_print(&text, function);
  (void)fputs(text_string(&text), stderr);
  fail_msg("%s: %s differs from the interpreter at %s[%zu]", line,
           function->name, buffer, element);
}

static void compare(struct fixture *f, const struct function *function,
                    const char *line, kernel_call *call, uint64_t seed) {
  struct random_memory *ours = random_memory(f->arena, function, seed);
  struct random_memory *reference = random_memory(f->arena, function, seed);
  assert_ok(interpret(function, reference->parameters, reference->bytes,
                      reference->symbols, 1, 3, &f->error),
            f->error);
  call(ours->parameters, ours->symbols, ours->scratch, 1, 3);
  for (size_t i = 0; i < function->parameters.count; i++) {
    const struct buffer *buffer = function->parameters.data[i];
    size_t where;
    if (!random_equal(buffer->dtype, ours->parameters[i],
                      reference->parameters[i], ours->bytes[i], &where))
      fail_with_function(f, function, line, buffer->name, where);
  }
}

static void compare_on(struct fixture *f, const char *line, uint64_t seed) {
  struct machine machine;
  struct function *functions[FUNCTIONS];
  void *addresses[FUNCTIONS];
  assert_ok(machine_parse(f->arena, line, &machine, &f->error), f->error);
  const struct target *target = target_find(machine.kind);
  if (!machine.is_host) {
    print_message("%s: this machine can't run it\n", line);
    return;
  }
  struct random_options options = {.has_fma = machine.has_fma,
                                   .lanes_limit = 16};
  for (size_t i = 0; i < FUNCTIONS; i++) {
    functions[i] =
        random_function(f->pool, arena_printf(f->arena, "random_%zu", i),
                        seed + i, &options);
    assert_ok(verify_flat(functions[i], &f->error), f->error);
  }
  assert_ok(target->load(f->arena, &machine, functions, FUNCTIONS, addresses,
                         &f->error),
            f->error);
  for (size_t i = 0; i < FUNCTIONS; i++) {
    kernel_call *call = NULL;
    memcpy(&call, &addresses[i], sizeof call);
    compare(f, functions[i], line, call, seed + i);
  }
}

static void llvm_equals_interpreter(void **state) {
  static const char *const lines[] = {
      "llvm",
      "llvm -mcpu=x86-64",
      "llvm -mcpu=nehalem",
      "llvm -mcpu=haswell",
      "llvm -mcpu=skylake-avx512",
      "llvm -mattr=-avx512vl",
  };
  struct fixture *f = *state;
  const char *seed = getenv("TEST_SEED");
  for (size_t i = 0; i < ARRAY_COUNT(lines); i++)
    compare_on(f, lines[i],
               (seed != NULL ? strtoull(seed, NULL, 10) : 1) * 1000000 +
                   i * 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(llvm_equals_interpreter, set_up,
                                      tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
