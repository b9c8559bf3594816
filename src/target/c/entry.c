/* SPDX-License-Identifier: Apache-2.0 */
/* The ABI entry points as C: what target/llvm/entry.c makes, readable. The
 * structures are those of adze/package_abi.h, written out because the text
 * stands alone. */
#include "target/c/printer.h"

#include "adze/package_abi.h"
#include "base/map.h"

#include <string.h>

static const char structures[] =
    "struct adze_abi_env {\n"
    "  void *context;\n"
    "  void (*barrier)(struct adze_abi_env *env, i64 worker, i64 workers);\n"
    "  void (*profile)(struct adze_abi_env *env, i64 worker, i64 kernel);\n"
    "  i64 (*claim)(struct adze_abi_env *env, i64 kernel, i64 parts, i64 "
    "worker,\n"
    "               i64 workers);\n"
    "};\n"
    "struct adze_abi_instance {\n"
    "  const i64 *symbols, *offsets;\n"
    "  const void *const *inputs;\n"
    "  void *const *outputs;\n"
    "  const void *weights;\n"
    "  void *workspace;\n"
    "};\n"
    "struct adze_abi_module {\n"
    "  u32 abi_version, kernel_count, symbol_count, offset_count, "
    "input_count,\n"
    "      output_count;\n"
    "  u64 weights_bytes;\n"
    "  i64 (*plan)(const i64 *symbols, i64 workers, i64 *workspace_bytes,\n"
    "              i64 *offsets, i64 *output_dims);\n"
    "  void (*run)(struct adze_abi_env *env,\n"
    "              const struct adze_abi_instance *instance, i64 worker,\n"
    "              i64 workers);\n"
    "  const char *const *kernel_names;\n"
    "};\n"
    "\n";

static void print_plan(struct text *text, struct arena *arena,
                       const struct module *module) {
  const struct function *plan = module->plan;
  check(plan->parameters.count == 5 && !c_function_has_scratch(plan));
  c_function_print(text, arena, plan, "adze_layout", false);
  text_add(text, "ADZE_FUNCTION static i64 adze_plan(const i64 *symbols, i64 "
                 "workers,\n"
                 "    i64 *workspace_bytes, i64 *offsets, i64 *output_dims) {\n"
                 "  i64 status = 0;\n"
                 "  (void)workers;\n"
                 "  adze_layout((i64 *)(uintptr_t)symbols, workspace_bytes, "
                 "offsets,\n"
                 "      output_dims, &status, ");
  for (size_t i = 0; i < plan->scalars.count; i++)
    text_add(text, "workers, ");
  text_add(text, "0, 1);\n  return status;\n}\n\n");
}

static void print_binding(struct text *text, const struct binding *binding) {
  switch (binding->kind) {
  case BINDING_INPUT:
    text_format(text, "(u8 *)(uintptr_t)instance->inputs[%u]",
                (unsigned)binding->index);
    break;
  case BINDING_OUTPUT:
    text_format(text, "(u8 *)instance->outputs[%u]", (unsigned)binding->index);
    break;
  case BINDING_WEIGHTS:
    text_add(text, "(u8 *)(uintptr_t)instance->weights");
    break;
  case BINDING_WORKSPACE:
    text_format(text, "(u8 *)instance->workspace + instance->offsets[%u]",
                (unsigned)binding->index);
    break;
  }
  if (binding->offset != 0)
    text_format(text, " + %llu", (unsigned long long)binding->offset);
}

/* A kernel's loop over the parts that a worker claims, as define_parts in
 * target/llvm/entry.c. */
static void print_parts(struct text *text, const struct module *module,
                        const struct function *kernel) {
  struct text arguments = {.arena = text->arena};
  text_format(text, "ADZE_FUNCTION static void %s%s_parts(", module->prefix,
              kernel->name);
  for (size_t i = 0; i < kernel->parameters.count; i++) {
    text_format(text, "void *p%zu, ", i);
    text_format(&arguments, "p%zu, ", i);
  }
  for (size_t i = 0; i < kernel->scalars.count; i++) {
    text_format(text, "i64 s%zu, ", i);
    text_format(&arguments, "s%zu, ", i);
  }
  if (c_function_has_scratch(kernel)) {
    text_add(text, "void *scratch, ");
    text_add(&arguments, "scratch, ");
  }
  text_format(text,
              "i64 worker,\n"
              "    i64 workers, struct adze_abi_env *env, i64 step, i64 parts) "
              "{\n"
              "  i64 part;\n"
              "  if (workers == 1 || parts == 1) {\n"
              "    %s%s(%sworker, workers);\n"
              "    return;\n"
              "  }\n"
              "  while ((part = env->claim(env, step, parts, worker, workers)) "
              ">= 0)\n"
              "    %s%s(%spart, workers * parts);\n"
              "}\n\n",
              module->prefix, kernel->name, text_string(&arguments),
              module->prefix, kernel->name, text_string(&arguments));
}

static void print_step(struct text *text, const struct module *module,
                       size_t index) {
  const struct module_step *step = &module->steps.data[index];
  const struct function *kernel = step->kernel;
  text_format(text,
              "  if (env->profile != 0) env->profile(env, worker, %zu);\n"
              "  %s%s_parts(",
              index, module->prefix, kernel->name);
  for (size_t i = 0; i < kernel->parameters.count; i++) {
    text_add(text, "(void *)(");
    print_binding(text, &step->bindings[i]);
    text_add(text, "),\n      ");
  }
  for (size_t i = 0; i < kernel->scalars.count; i++)
    text_format(text, "instance->symbols[%d], ",
                (int)kernel->scalars.data[i]->symbol);
  if (c_function_has_scratch(kernel))
    text_format(text,
                "(u8 *)instance->workspace + instance->offsets[%u]\n"
                "          + worker * instance->offsets[%u], ",
                (unsigned)module->scratch_offset_index,
                (unsigned)module->scratch_offset_index + 1);
  text_format(text, "worker, workers, env, %zu, %u);\n", index,
              (unsigned)step->parts);
  if (step->barrier_after)
    text_add(text, "  env->barrier(env, worker, workers);\n");
}

static void print_run(struct text *text, const struct module *module) {
  struct map printed;
  map_init(&printed, text->arena);
  for (size_t i = 0; i < module->steps.count; i++) {
    const struct function *kernel = module->steps.data[i].kernel;
    if (map_get(&printed, kernel->name) == NULL) {
      map_set(&printed, kernel->name, text);
      print_parts(text, module, kernel);
    }
  }
  text_add(text,
           "ADZE_FUNCTION static void adze_run(struct adze_abi_env *env,\n"
           "    const struct adze_abi_instance *instance, i64 worker, i64 "
           "workers) {\n"
           "  (void)instance, (void)workers;\n");
  for (size_t i = 0; i < module->steps.count; i++)
    print_step(text, module, i);
  text_format(text,
              "  if (env->profile != 0) env->profile(env, worker, %zu);\n"
              "}\n\n",
              module->steps.count);
}

/* Names come from models, so they are escaped byte by byte. */
static void print_string(struct text *text, const char *string) {
  text_add(text, "\"");
  for (const unsigned char *c = (const unsigned char *)string; *c != '\0';
       c++) {
    if (*c < 32 || *c > 126 || *c == '"' || *c == '\\' || *c == '?')
      text_format(text, "\\%03o", (unsigned)*c);
    else
      text_format(text, "%c", *c);
  }
  text_add(text, "\"");
}

static void print_query(struct text *text, const struct module *module) {
  text_add(text, "static const char *const adze_kernel_names[] = {\n");
  for (size_t i = 0; i < module->steps.count; i++) {
    text_add(text, "  ");
    print_string(text, module->steps.data[i].name);
    text_add(text, ",\n");
  }
  text_format(text,
              "  0};\n"
              "static const struct adze_abi_module adze_module = {\n"
              "  %u, %zu, %u, %u, %u, %u, UINT64_C(%llu), adze_plan, "
              "adze_run,\n"
              "  adze_kernel_names};\n"
              "#if defined(__GNUC__)\n"
              "__attribute__((visibility(\"default\")))\n"
              "#endif\n"
              "const struct adze_abi_module *%s%s(u32 abi_version);\n"
              "const struct adze_abi_module *%s%s(u32 abi_version) {\n"
              "  return abi_version == %u ? &adze_module : 0;\n"
              "}\n",
              (unsigned)ADZE_ABI_VERSION, module->steps.count,
              (unsigned)module->symbol_count, (unsigned)module->offset_count,
              (unsigned)module->input_count, (unsigned)module->output_count,
              (unsigned long long)module->weights_bytes, module->prefix,
              ADZE_MODULE_QUERY_NAME, module->prefix, ADZE_MODULE_QUERY_NAME,
              (unsigned)ADZE_ABI_VERSION);
}

/* NAME_workspace_bytes and NAME_run; with open dimensions, their values are
 * the first argument. */
static void print_standalone(struct text *text, const struct module *module) {
  int64_t dims;
  bool open = module->symbol_count > 0;
  check(expr_get_integer(module->plan->parameters.data[3]->size, &dims));
  const char *parameter = open ? "const i64 *symbols" : "void";
  text_format(text,
              "i64 %sworkspace_bytes(%s);\n"
              "i64 %sworkspace_bytes(%s) {\n"
              "  i64 bytes, offsets[%u], dims[%lld];\n"
              "  return adze_plan(%s, 1, &bytes, offsets, dims) == 0 ? bytes "
              ": -1;\n"
              "}\n"
              "ADZE_FUNCTION static void adze_barrier(struct adze_abi_env "
              "*env,\n"
              "    i64 worker, i64 workers) {\n"
              "  (void)env, (void)worker, (void)workers;\n"
              "}\n"
              "extern const u64 %sweights[];\n",
              module->prefix, parameter, module->prefix, parameter,
              (unsigned)module->offset_count + 1, (long long)dims + 1,
              open ? "symbols" : "0", module->prefix);
  const char *first = open ? "const i64 *symbols, " : "";
  for (int pass = 0; pass < 2; pass++)
    text_format(text,
                "i64 %srun(%sconst void *const *inputs, void *const "
                "*outputs,\n"
                "    void *workspace)%s\n",
                module->prefix, first, pass == 0 ? ";" : " {");
  text_format(text,
              "  i64 bytes, offsets[%u], dims[%lld];\n"
              "  struct adze_abi_env env = {0, adze_barrier, 0, 0};\n"
              "  struct adze_abi_instance instance;\n"
              "  i64 status = adze_plan(%s, 1, &bytes, offsets, dims);\n"
              "  if (status != 0) return status;\n"
              "  instance.symbols = %s;\n"
              "  instance.offsets = offsets;\n"
              "  instance.inputs = inputs;\n"
              "  instance.outputs = outputs;\n"
              "  instance.weights = %sweights;\n"
              "  instance.workspace = workspace;\n"
              "  adze_run(&env, &instance, 0, 1);\n"
              "  return 0;\n"
              "}\n",
              (unsigned)module->offset_count + 1, (long long)dims + 1,
              open ? "symbols" : "0", open ? "symbols" : "0", module->prefix);
}

void c_entry_print(struct text *text, struct arena *arena,
                   const struct module *module) {
  text_add(text, structures);
  print_plan(text, arena, module);
  print_run(text, module);
  /* A program linked with the model has no use for the query. */
  if (module->is_standalone)
    print_standalone(text, module);
  else
    print_query(text, module);
}
