/* SPDX-License-Identifier: Apache-2.0 */
/* Targets against the interpreter, bit for bit, on random flat functions, for
 * every instruction set that this machine has; and that objects do not depend
 * on the number of threads. */
#include "test.h"

#include <dlfcn.h>

#include "adze/package_abi.h"
#include "adze_config.h"
#include "base/file.h"
#include "ir/interpret.h"
#include "ir/loop_text.h"
#include "target/random_function.h"
#include "target/target.h"

#define FUNCTIONS 20 /* per target line */

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
    functions[i] = random_function(
        f->pool, arena_printf(f->arena, "random_%zu", i), seed + i, &options);
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

static void need_llvm(void) {
  if (!ADZE_HAVE_LLVM)
    test_skip("built without LLVM");
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
  need_llvm();
  const char *seed = getenv("TEST_SEED");
  for (size_t i = 0; i < ARRAY_COUNT(lines); i++)
    compare_on(f, lines[i],
               (seed != NULL ? strtoull(seed, NULL, 10) : 1) * 1000000 +
                   i * 1000);
}

static void c_equals_interpreter(void **state) {
  struct fixture *f = *state;
  const char *seed = getenv("TEST_SEED");
  compare_on(f, "c", seed != NULL ? strtoull(seed, NULL, 10) * 1000000 : 9000);
}

/* Selects over selects, all over one load that is guarded itself: as many
 * instructions as nodes, not twice as many with each. */
static struct function *make_chain(struct fixture *f) {
  struct expr_pool *pool = f->pool;
  struct function *function = function_new(pool, "chain");
  const struct expr *shape[1] = {expr_index(pool, RANDOM_ELEMENTS)};
  struct buffer *from =
      buffer_new(pool, "from", ADZE_F32, BUFFER_ARGUMENT, shape, 1);
  struct buffer *to =
      buffer_new(pool, "to", ADZE_F32, BUFFER_ARGUMENT, shape, 1);
  function->is_flat = true;
  vec_push(f->arena, &function->parameters, from);
  vec_push(f->arena, &function->parameters, to);
  for (int i = 0; i < RANDOM_SYMBOLS; i++) {
    struct variable *symbol = variable_new(pool, "s", NULL);
    symbol->symbol = i;
    vec_push(f->arena, &function->scalars, symbol);
  }
  struct variable *i = variable_new(pool, "i", shape[0]);
  const struct expr *index =
      expr_sub(pool, expr_variable(pool, i), expr_index(pool, 3));
  const struct expr *x = expr_select(
      pool, expr_less_equal(pool, expr_index(pool, 0), index),
      expr_load(pool, from, &index, 1), expr_real(pool, ADZE_F32, 1.5));
  for (int k = 0; k < 40; k++) {
    const struct expr *bound = expr_real(pool, ADZE_F32, k - 20);
    const struct expr *square = expr_mul(pool, x, x);
    x = expr_select(pool, expr_less(pool, x, bound),
                    expr_add(pool, expr_mul(pool, square, bound), x),
                    expr_sub(pool, x, expr_min(pool, square, bound)));
  }
  struct statement *s = statement_new(pool, STATEMENT_STORE);
  s->store.buffer = to;
  s->store.index_count = 1;
  s->store.indices[0] = expr_variable(pool, i);
  s->store.value = x;
  function->body = statement_for(pool, i, LOOP_SERIAL, s);
  return function;
}

static void chains_of_selects_stay_small(void **state) {
  static const char *const lines[] = {"llvm", "c"};
  struct fixture *f = *state;
  struct function *function = make_chain(f);
  for (size_t i = ADZE_HAVE_LLVM ? 0 : 1; i < ARRAY_COUNT(lines); i++) {
    struct machine machine;
    void *address;
    kernel_call *call;
    assert_ok(machine_parse(f->arena, lines[i], &machine, &f->error), f->error);
    assert_ok(target_find(machine.kind)
                  ->load(f->arena, &machine, &function, 1, &address, &f->error),
              f->error);
    memcpy(&call, &address, sizeof call);
    compare(f, function, lines[i], call, 77);
  }
}

/* ---- Whole modules ------------------------------------------------------- */

/* plan: workspace of 64 * workers bytes, offsets {0, 128, 16}, dims {n}; a
 * negative n breaks constraint 4. */
static struct function *make_plan(struct fixture *f) {
  static const char *const names[] = {"symbols", "bytes", "offsets", "dims",
                                      "status"};
  static const int64_t sizes[] = {1, 1, 3, 1, 1};
  struct expr_pool *pool = f->pool;
  struct function *plan = function_new(pool, "plan");
  plan->is_flat = true;
  struct variable *workers = variable_new(pool, "count", NULL);
  vec_push(f->arena, &plan->scalars, workers);
  struct buffer *buffers[5];
  for (size_t i = 0; i < 5; i++) {
    const struct expr *shape[1] = {expr_index(pool, sizes[i])};
    buffers[i] =
        buffer_new(pool, names[i], ADZE_I64, BUFFER_ARGUMENT, shape, 1);
    vec_push(f->arena, &plan->parameters, buffers[i]);
  }
  const struct expr *zero = expr_index(pool, 0);
  const struct expr *n = expr_load(pool, buffers[0], &zero, 1);
  const struct expr *values[] = {
      expr_mul(pool, expr_variable(pool, workers), expr_index(pool, 64)),
      zero,
      expr_index(pool, 128),
      expr_index(pool, 16),
      n,
      expr_select(pool, expr_less(pool, n, zero), expr_index(pool, 5), zero)};
  static const size_t places[][2] = {{1, 0}, {2, 0}, {2, 1},
                                     {2, 2}, {3, 0}, {4, 0}};
  for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
    struct statement *s = statement_new(pool, STATEMENT_STORE);
    s->store.buffer = buffers[places[i][0]];
    s->store.index_count = 1;
    s->store.indices[0] = expr_index(pool, (int64_t)places[i][1]);
    s->store.value = values[i];
    plan->body = statement_append(plan->body, s);
  }
  return plan;
}

/* to[i] = from[i] * factor for a worker's i < n. */
static struct function *make_scale(struct fixture *f, const char *name,
                                   double factor) {
  struct expr_pool *pool = f->pool;
  struct function *function = function_new(pool, name);
  function->is_flat = true;
  struct variable *n = variable_new(pool, "n", NULL);
  n->symbol = 0;
  n->minimum = 0;
  vec_push(f->arena, &function->scalars, n);
  const struct expr *shape[1] = {expr_variable(pool, n)};
  struct buffer *from =
      buffer_new(pool, "from", ADZE_F32, BUFFER_ARGUMENT, shape, 1);
  struct buffer *to =
      buffer_new(pool, "to", ADZE_F32, BUFFER_ARGUMENT, shape, 1);
  vec_push(f->arena, &function->parameters, from);
  vec_push(f->arena, &function->parameters, to);
  struct variable *i = variable_new(pool, "i", shape[0]);
  const struct expr *index = expr_variable(pool, i);
  struct statement *s = statement_new(pool, STATEMENT_STORE);
  s->store.buffer = to;
  s->store.index_count = 1;
  s->store.indices[0] = index;
  s->store.value = expr_mul(pool, expr_load(pool, from, &index, 1),
                            expr_real(pool, ADZE_F32, factor));
  function->body = statement_for(pool, i, LOOP_SERIAL, s);
  function->worker = variable_new(pool, "worker", NULL);
  function->workers = variable_new(pool, "workers", NULL);
  function->workers->minimum = 1;
  const struct expr *worker = expr_variable(pool, function->worker);
  const struct expr *workers = expr_variable(pool, function->workers);
  const struct expr *begin =
      expr_floor_div(pool, expr_mul(pool, shape[0], worker), workers);
  const struct expr *next = expr_add(pool, worker, expr_index(pool, 1));
  const struct expr *end =
      expr_floor_div(pool, expr_mul(pool, shape[0], next), workers);
  function->body->loop.minimum = begin;
  function->body->loop.extent = expr_sub(pool, end, begin);
  return function;
}

/* input -> workspace -> output, by 2 and by 3. */
static struct module *make_module(struct fixture *f, const char *prefix) {
  static struct binding first[] = {{BINDING_INPUT, 0, 0},
                                   {BINDING_WORKSPACE, 0, 64}};
  static struct binding second[] = {{BINDING_WORKSPACE, 0, 64},
                                    {BINDING_OUTPUT, 0, 0}};
  struct module *module = ARENA_NEW(f->arena, struct module);
  module->prefix = prefix;
  module->plan = make_plan(f);
  module->scratch_offset_index = 1;
  module->symbol_count = 1;
  module->offset_count = 3;
  module->input_count = module->output_count = 1;
  module->weights_bytes = 192;
  struct module_step steps[] = {
      {make_scale(f, "twice", 2), first, true, 2, "doubling"},
      {make_scale(f, "thrice", 3), second, false, 3, "trebling"}};
  for (size_t i = 0; i < 2; i++) {
    vec_push(f->arena, &module->kernels, steps[i].kernel);
    vec_push(f->arena, &module->steps, steps[i]);
  }
  return module;
}

static void add_random_kernels(struct fixture *f, struct module *module,
                               const struct machine *machine) {
  struct random_options options = {.has_fma = machine->has_fma,
                                   .lanes_limit = 16};
  for (size_t i = 0; i < 20; i++)
    vec_push(f->arena, &module->kernels,
             random_function(f->pool, arena_printf(f->arena, "extra_%zu", i),
                             7000 + i, &options));
}

/* Links objects as packages are linked: no library, nothing undefined. */
static void link_objects(struct fixture *f, const struct object_list *objects,
                         const char *folder, const char *out) {
  struct text command = {.arena = f->arena};
  text_format(&command,
              "%s -shared -nostdlib -z defs --no-dynamic-linker "
              "-o %s",
              ADZE_LLD_PATH, out);
  for (size_t i = 0; i < objects->objects.count; i++) {
    char *path = arena_printf(f->arena, "%s/%zu.o", folder, i);
    assert_ok(file_write_all(path, objects->objects.data[i].data,
                             objects->objects.data[i].bytes, &f->error),
              f->error);
    text_format(&command, " %s", path);
  }
  assert_int_equal(system(text_string(&command)), 0);
}

static int barrier_calls, profile_calls, claim_calls;
static int64_t this_worker, all_workers, parts_left = -1;
static void count_barrier(struct adze_abi_env *env, int64_t worker,
                          int64_t workers) {
  assert_int_equal(worker, this_worker);
  assert_int_equal(workers, all_workers);
  assert_ptr_equal(env->context, &barrier_calls);
  barrier_calls++;
}
static void count_profile(struct adze_abi_env *env, int64_t worker,
                          int64_t kernel) {
  (void)env;
  assert_int_equal(worker, this_worker);
  assert_int_equal(kernel, profile_calls++);
}
/* Gives one worker all parts, the last first. */
static int64_t give_part(struct adze_abi_env *env, int64_t kernel,
                         int64_t parts, int64_t worker, int64_t workers) {
  (void)env;
  assert_int_equal(kernel, profile_calls - 1);
  assert_int_equal(parts, kernel + 2);
  assert_int_equal(worker, this_worker);
  assert_int_equal(workers, all_workers);
  claim_calls++;
  parts_left = parts_left < 0 ? parts * workers - 1 : parts_left - 1;
  return parts_left;
}

static void check_module(const struct adze_abi_module *abi) {
  assert_int_equal(abi->abi_version, ADZE_ABI_VERSION);
  assert_int_equal(abi->kernel_count, 2);
  assert_int_equal(abi->offset_count, 3);
  assert_int_equal(abi->weights_bytes, 192);
  assert_string_equal(abi->kernel_names[1], "trebling");
  int64_t n = 5, bytes = 0, offsets[3], dims[1];
  assert_int_equal(abi->plan(&n, 4, &bytes, offsets, dims), 0);
  assert_int_equal(bytes, 256);
  assert_int_equal(offsets[1], 128);
  assert_int_equal(dims[0], 5);
  int64_t wrong = -1;
  assert_int_equal(abi->plan(&wrong, 4, &bytes, offsets, dims), 5);

  float in[6] = {1, 2, 3, 4, 5, 6}, out[6] = {0}, workspace[64] = {0};
  const void *inputs[1] = {in};
  void *outputs[1] = {out};
  struct adze_abi_instance instance = {&n,      offsets, inputs,
                                       outputs, NULL,    workspace};
  struct adze_abi_env env = {&barrier_calls, count_barrier, count_profile,
                             NULL};
  barrier_calls = profile_calls = 0;
  this_worker = 0;
  all_workers = 1;
  abi->run(&env, &instance, 0, 1);
  assert_int_equal(barrier_calls, 1);
  assert_int_equal(profile_calls, 3);
  assert_true(out[4] == 30 && out[5] == 0 && workspace[16 + 4] == 10);
  env.profile = NULL;
  abi->run(&env, &instance, 0, 1);
  assert_int_equal(profile_calls, 3);

  env.profile = count_profile;
  env.claim = give_part;
  barrier_calls = profile_calls = claim_calls = 0;
  this_worker = 1;
  all_workers = 3;
  memset(out, 0, sizeof out);
  memset(workspace, 0, sizeof workspace);
  abi->run(&env, &instance, 1, 3);
  assert_int_equal(claim_calls, 2 * 3 + 1 + 3 * 3 + 1);
  for (int i = 0; i < 6; i++)
    assert_true(out[i] == (i < 5 ? 6 * in[i] : 0));
}

static void module_runs(struct fixture *f, const char *line) {
  struct machine machine;
  struct object_list objects = {0};
  char folder[4096];
  assert_ok(machine_parse(f->arena, line, &machine, &f->error), f->error);
  struct module *module = make_module(f, "");
  add_random_kernels(f, module, &machine);
  assert_ok(
      target_find(machine.kind)
          ->emit(f->arena, &machine, module, 2, NULL, &objects, &f->error),
      f->error);
  assert_ok(folder_make_temporary(folder, &f->error), f->error);
  char *path = arena_printf(f->arena, "%s/mod.so", folder);
  link_objects(f, &objects, folder, path);
  if (machine.is_host) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
      fail_msg("%s", dlerror());
    adze_module_query_function *query = NULL;
    void *symbol = dlsym(library, ADZE_MODULE_QUERY_NAME);
    assert_non_null(symbol);
    memcpy(&query, &symbol, sizeof query);
    assert_null(query(ADZE_ABI_VERSION + 1));
    check_module(query(ADZE_ABI_VERSION));
    assert_null(dlsym(library, "twice"));
    assert_int_equal(dlclose(library), 0);
  }
  folder_remove(folder);
}

static void llvm_modules_link_and_run(void **state) {
  struct fixture *f = *state;
  need_llvm();
  if (ADZE_LLD_PATH[0] == '\0')
    test_skip("there is no ld.lld");
  module_runs(f, "llvm");
  module_runs(f, "llvm -mcpu=x86-64");
  module_runs(f, "rpi4");
}

static void c_modules_link_and_run(void **state) {
  if (ADZE_LLD_PATH[0] == '\0')
    test_skip("there is no ld.lld");
  module_runs(*state, "c");
}

/* A program that has the model linked in and no runtime. */
static const char standalone_program[] =
    "#include <stdint.h>\n"
    "int64_t some_run(const int64_t *, const void *const *, void *const *,\n"
    "                 void *);\n"
    "int64_t some_workspace_bytes(const int64_t *);\n"
    "const uint64_t some_weights[24] = {0};\n"
    "int main(void) {\n"
    "  int64_t n = 3, wrong = -1;\n"
    "  float in[3] = {1, 2, 3}, out[3];\n"
    "  _Alignas(64) static char workspace[4096];\n"
    "  const void *inputs[1] = {in};\n"
    "  void *outputs[1] = {out};\n"
    "  if (some_workspace_bytes(&n) != 64) return 1;\n"
    "  if (some_workspace_bytes(&wrong) != -1) return 2;\n"
    "  if (some_run(&wrong, inputs, outputs, workspace) != 5) return 3;\n"
    "  if (some_run(&n, inputs, outputs, workspace) != 0) return 4;\n"
    "  return out[0] != 6 || out[2] != 18;\n"
    "}\n";

static void standalone_runs(struct fixture *f, const char *line) {
  struct machine machine;
  struct object_list objects = {0};
  char folder[4096];
  assert_ok(machine_parse(f->arena, line, &machine, &f->error), f->error);
  struct module *module = make_module(f, "some_");
  module->is_standalone = true;
  assert_ok(
      target_find(machine.kind)
          ->emit(f->arena, &machine, module, 1, NULL, &objects, &f->error),
      f->error);
  assert_ok(folder_make_temporary(folder, &f->error), f->error);
  struct text command = {.arena = f->arena};
  text_format(&command, "cc -o %s/program %s/program.c", folder, folder);
  assert_ok(file_write_all(arena_printf(f->arena, "%s/program.c", folder),
                           standalone_program, sizeof standalone_program - 1,
                           &f->error),
            f->error);
  for (size_t i = 0; i < objects.objects.count; i++) {
    char *path = arena_printf(f->arena, "%s/%zu.o", folder, i);
    assert_ok(file_write_all(path, objects.objects.data[i].data,
                             objects.objects.data[i].bytes, &f->error),
              f->error);
    text_format(&command, " %s", path);
  }
  assert_int_equal(system(text_string(&command)), 0);
  assert_int_equal(system(arena_printf(f->arena, "%s/program", folder)), 0);
  folder_remove(folder);
}

/* What a plain compiler makes of the text for this machine: no contraction, no
 * library. */
static void c_is_exact_for_any_compiler(void **state) {
  static const char *const forbidden[] = {"fmadd", "fmsub", "fmla", "memset",
                                          "memcpy"};
  struct fixture *f = *state;
  struct machine machine;
  struct text text = {.arena = f->arena};
  struct code_dump dump = {.c = &text};
  char folder[4096];
  assert_ok(machine_parse(f->arena, "c", &machine, &f->error), f->error);
  struct module *module = make_module(f, "some_");
  add_random_kernels(f, module, &machine);
  vec_push(f->arena, &module->kernels, make_chain(f));
  assert_ok(
      target_c.emit(f->arena, &machine, module, 1, &dump, NULL, &f->error),
      f->error);
  /* Kernels that no step calls have to be there too. */
  static const char local[] = "ADZE_FUNCTION static void";
  for (char *at = text.data; (at = strstr(at, local)) != NULL; at++)
    memset(at + strlen("ADZE_FUNCTION "), ' ', strlen("static"));
  assert_ok(folder_make_temporary(folder, &f->error), f->error);
  assert_ok(file_write_all(arena_printf(f->arena, "%s/code.c", folder),
                           text.data, text.size, &f->error),
            f->error);
  assert_int_equal(
      system(arena_printf(f->arena,
                          "cc -O2 -march=native -w -S -o %s/code.s %s/code.c",
                          folder, folder)),
      0);
  struct file_map map;
  assert_ok(file_map_open(arena_printf(f->arena, "%s/code.s", folder), &map,
                          &f->error),
            f->error);
  const char *assembly =
      arena_strndup(f->arena, (const char *)map.data, map.size);
  file_map_close(&map);
  folder_remove(folder);
  assert_non_null(strstr(assembly, "some_extra_12"));
  for (size_t i = 0; i < ARRAY_COUNT(forbidden); i++)
    assert_null(strstr(assembly, forbidden[i]));
}

static void standalone_needs_no_runtime(void **state) {
  if (ADZE_HAVE_LLVM)
    standalone_runs(*state, "llvm");
  standalone_runs(*state, "c");
}

static void objects_do_not_depend_on_threads(void **state) {
  struct fixture *f = *state;
  need_llvm();
  struct machine machine;
  struct object_list lists[2] = {{{0}}, {{0}}};
  struct code_dump dumps[2];
  assert_ok(machine_parse(f->arena, NULL, &machine, &f->error), f->error);
  struct module *module = make_module(f, "some_");
  add_random_kernels(f, module, &machine);
  for (int i = 0; i < 2; i++) {
    struct text *texts = ARENA_ARRAY(f->arena, struct text, 2);
    texts[0].arena = texts[1].arena = f->arena;
    dumps[i] = (struct code_dump){&texts[0], &texts[1], NULL};
    assert_ok(target_llvm.emit(f->arena, &machine, module, i == 0 ? 1 : 4,
                               &dumps[i], &lists[i], &f->error),
              f->error);
  }
  assert_true(lists[0].objects.count > 2);
  assert_int_equal(lists[0].objects.count, lists[1].objects.count);
  for (size_t i = 0; i < lists[0].objects.count; i++) {
    struct object_code a = lists[0].objects.data[i];
    struct object_code b = lists[1].objects.data[i];
    assert_int_equal(a.bytes, b.bytes);
    assert_memory_equal(a.data, b.data, a.bytes);
  }
  assert_string_equal(text_string(dumps[0].ll), text_string(dumps[1].ll));
  assert_string_equal(text_string(dumps[0].assembly),
                      text_string(dumps[1].assembly));
  assert_non_null(strstr(text_string(dumps[0].ll), "@some_twice"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(llvm_modules_link_and_run, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(c_equals_interpreter, set_up, tear_down),
      cmocka_unit_test_setup_teardown(chains_of_selects_stay_small, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(c_modules_link_and_run, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(c_is_exact_for_any_compiler, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(standalone_needs_no_runtime, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(objects_do_not_depend_on_threads, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(llvm_equals_interpreter, set_up,
                                      tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
