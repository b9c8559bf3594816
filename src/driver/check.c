/* SPDX-License-Identifier: Apache-2.0 */
/* adze_check: does each kernel of a model compute what its operators say?
 *
 * The reference interprets, some 100 ns for a multiplication, so a large
 * network cannot be interpreted whole. But it can evaluate single elements.
 * Kernels are made as for a package and loaded into this process; no two values
 * share memory. They run in order, on what the kernels before them computed,
 * and of each group's output some elements are computed anew by the operators'
 * expressions from the group's inputs. So a fault is found where it happens,
 * and errors do not pile up along the network.
 *
 * What shares memory in a package, and its entry function, are not part of
 * this; a caller that compares the outputs with a package's has it all.
 */
#include "driver/check.h"

#include <string.h>

#include "ir/scalar.h"
#include "ir/simplify.h"

void adze_check_options_init(struct adze_check_options *options) {
  *options = (struct adze_check_options){
      .samples = 64, .seed = 1, .rtol = 1e-4, .atol = 1e-7};
}

enum adze_status check_number(struct check *check, const struct expr *e,
                              int64_t *out) {
  struct expr_pool *pool = check->compilation.graph->pool;
  e = simplify(pool, expr_substitute(pool, e, check->symbols,
                                     check->symbol_count));
  if (!expr_get_integer(e, out))
    return fail(check->error, ADZE_INTERNAL,
                "a dimension has no value though all inputs have shapes");
  return ADZE_OK;
}

enum adze_status check_bytes(struct check *check, const struct expr *elements,
                             enum adze_dtype dtype, size_t *out) {
  int64_t count;
  TRY(check_number(check, elements, &count));
  if (count < 0 || !size_mul((size_t)count, adze_dtype_bytes(dtype), out))
    return fail(check->error, ADZE_LIMIT, "a value is too large");
  return ADZE_OK;
}

/* splitmix64, as all random data of the project. */
uint64_t check_random(struct check *check) {
  uint64_t z = (check->random += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* ---- Open dimensions ----------------------------------------------------- */
static enum adze_status bind_symbols(struct check *check) {
  struct compilation *compilation = &check->compilation;
  struct graph *graph = compilation->graph;
  struct adze_compile_options sizes = {.shape_hint = check->options->shapes};
  TRY(apply_shape_hint(graph, &sizes, check->error));
  size_t count = graph->symbols.count;
  check->symbols = ARENA_ARRAY(compilation->arena, struct substitution, count);
  check->symbol_values = ARENA_ARRAY(compilation->arena, int64_t, count);
  for (size_t i = 0; i < count; i++) {
    struct variable *symbol = graph->symbols.data[i];
    if (symbol->hint < 1)
      return fail(check->error, ADZE_SHAPE,
                  "dimension '%s' is open; give the shapes of all inputs",
                  symbol->name);
    check->symbols[i] = (struct substitution){
        symbol, expr_index(graph->pool, symbol->hint)};
    check->symbol_values[i] = symbol->hint;
  }
  check->symbol_count = count;
  for (size_t i = 0; i < graph->constraints.count; i++) {
    const struct expr *holds = simplify(
        graph->pool,
        expr_substitute(graph->pool, graph->constraints.data[i].condition,
                        check->symbols, count));
    if (expr_is_value(holds, 0))
      return fail(check->error, ADZE_SHAPE, "%s",
                  graph->constraints.data[i].sentence);
  }
  return ADZE_OK;
}

/* ---- Constants ----------------------------------------------------------- */
static enum adze_status keep_constant(struct compilation *compilation,
                                      const void *data, size_t bytes) {
  struct check *check = (struct check *)compilation;
  struct guarded none = {0};
  vec_push(compilation->arena, &check->constants, none);
  struct guarded *kept = &check->constants.data[check->constants.count - 1];
  *kept = guarded_new(bytes, 0);
  if (bytes > 0)
    memcpy(kept->data, data, bytes);
  return ADZE_OK;
}

/* ---- Values -------------------------------------------------------------- */
static void use(struct check *check, const struct value *value, size_t group) {
  value = plan_root(check->compilation.plan, value);
  check->values[value->id].last = group;
}

static void note_uses(struct check *check) {
  const struct compilation *compilation = &check->compilation;
  const struct graph *graph = compilation->graph;
  struct arena *arena = compilation->arena;
  check->values =
      ARENA_ARRAY(arena, struct checked_value, graph->value_count + 1);
  check->value_count = graph->value_count;
  check->in_group = ARENA_ARRAY(arena, bool, graph->node_count + 1);
  for (size_t g = 0; g < compilation->builders.count; g++) {
    const struct builder *builder = compilation->builders.data[g];
    for (size_t p = 0; p < builder->parameters.count; p++)
      if (builder->parameters.data[p].value)
        use(check, builder->parameters.data[p].value, g);
    for (size_t n = 0; n < builder->group->nodes.count; n++) {
      const struct node *node = builder->group->nodes.data[n];
      check->in_group[node->id] = true;
      for (size_t i = 0; i < node->input_count; i++)
        if (node->inputs[i] && !node->inputs[i]->constant)
          use(check, node->inputs[i], g);
    }
  }
  for (size_t i = 0; i < graph->outputs.count; i++)
    use(check, graph->outputs.data[i], SIZE_MAX);
}

static void fill_random(struct check *check, const struct value *value,
                        struct guarded *memory) {
  size_t size = adze_dtype_bytes(value->dtype);
  bool is_real = value->dtype == ADZE_F16 || value->dtype == ADZE_BF16 ||
                 value->dtype == ADZE_F32 || value->dtype == ADZE_F64;
  for (size_t i = 0; i < memory->bytes; i += size) {
    union scalar number;
    uint64_t bits = check_random(check);
    if (is_real)
      number.real =
          scalar_round(value->dtype, (double)(bits >> 11) * 0x1p-52 - 1);
    else
      number.integer = scalar_wrap(value->dtype, (int64_t)(bits & 1));
    scalar_store(value->dtype, memory->data + i, number);
  }
}

static enum adze_status bind_inputs(struct check *check) {
  const struct graph *graph = check->compilation.graph;
  for (size_t i = 0; i < graph->inputs.count; i++) {
    struct guarded *memory;
    TRY(check_memory_of(check, graph->inputs.data[i], &memory));
    if (!check->options->inputs)
      fill_random(check, graph->inputs.data[i], memory);
    else if (memory->bytes > 0)
      memcpy(memory->data, check->options->inputs[i], memory->bytes);
  }
  return ADZE_OK;
}

static enum adze_status give_outputs(struct check *check) {
  const struct graph *graph = check->compilation.graph;
  for (size_t i = 0; i < graph->outputs.count && check->options->outputs;
       i++) {
    const struct guarded *dense;
    TRY(check_dense(check, graph->outputs.data[i], &dense));
    if (dense->bytes > 0)
      memcpy(check->options->outputs[i], dense->data, dense->bytes);
  }
  return ADZE_OK;
}

/* ---- The whole ----------------------------------------------------------- */
static enum adze_status load_kernels(struct check *check) {
  struct compilation *compilation = &check->compilation;
  struct arena *arena = compilation->arena;
  size_t kernel_count = compilation->kernels.count, first = 0;
  VEC(struct function *) functions = {0};
  for (size_t k = 0; k < kernel_count; k++)
    for (size_t p = 0; p < compilation->kernels.data[k].phase_count; p++)
      vec_push(arena, &functions, compilation->kernels.data[k].phases[p]);
  void **addresses = ARENA_ARRAY(arena, void *, functions.count + 1);
  compilation_stage(compilation, "code", 0, 1);
  if (functions.count > 0)
    TRY(compilation->target->load(arena, &compilation->machine, functions.data,
                                  functions.count, addresses, check->error));
  compilation_stage(compilation, "code", 1, 1);
  check->phases = ARENA_ARRAY(arena, void **, kernel_count + 1);
  for (size_t k = 0; k < kernel_count; k++) {
    check->phases[k] = addresses + first;
    first += compilation->kernels.data[k].phase_count;
  }
  return ADZE_OK;
}

static enum adze_status check_group(struct check *check, size_t g) {
  const struct compilation *compilation = &check->compilation;
  const struct group *group = compilation->builders.data[g]->group;
  struct adze_check_group report = {
      .name = group->nodes.data[group->nodes.count - 1]->name,
      .template_name = group->template->name,
      .index = g,
      .count = compilation->builders.count,
  };
  enum adze_status status = check_run_group(check, g);
  if (status == ADZE_OK)
    status = check_sample(check, group->nodes.data, group->nodes.count,
                          &report);
  if (status != ADZE_OK)
    return check->error
               ? fail_prefix(check->error,
                             arena_printf(compilation->arena,
                                          "group '%s' (%s)", report.name,
                                          report.template_name))
               : status;
  if (check->options->report)
    check->options->report(check->options->context, &report);
  check_release(check, g);
  return ADZE_OK;
}

static enum adze_status check_body(void *argument) {
  struct check *check = argument;
  struct compilation *compilation = &check->compilation;
  TRY(compile_to_kernels(compilation));
  if (!compilation->machine.is_host)
    return fail(check->error, ADZE_INCOMPATIBLE,
                "code for %s can't run here, so it can't be checked",
                compilation->machine.target_line);
  TRY(bind_symbols(check));
  compilation->keep_constant = keep_constant;
  TRY(compile_constants(compilation));
  TRY(load_kernels(check));
  note_uses(check);
  TRY(bind_inputs(check));
  for (size_t g = 0; g < compilation->builders.count; g++) {
    compilation_stage(compilation, "check", g, compilation->builders.count);
    TRY(check_group(check, g));
  }
  compilation_stage(compilation, "check", 1, 1);
  return give_outputs(check);
}

/* Values and constants: memory that no arena holds. */
static void release_memory(struct check *check) {
  check_run_release(check);
  for (size_t i = 0; i < check->constants.count; i++)
    guarded_free(&check->constants.data[i]);
  for (size_t i = 0; check->values && i < check->value_count; i++) {
    guarded_free(&check->values[i].memory);
    guarded_free(&check->values[i].dense);
  }
}

enum adze_status adze_check(const char *model_path,
                            const struct adze_compile_options *options,
                            const struct adze_check_options *check_options,
                            struct adze_error *error) {
  struct adze_compile_options defaults;
  struct adze_check_options check_defaults;
  adze_compile_options_init(&defaults);
  adze_check_options_init(&check_defaults);
  struct check check = {
      .options = check_options ? check_options : &check_defaults,
      .error = error,
  };
  check.random = check.options->seed;
  check.compilation = (struct compilation){
      .arena = arena_create("check"),
      .model_path = model_path,
      .options = options ? options : &defaults,
      .error = error,
      .stage_started = time_now_ns(),
  };
  if (!check.compilation.arena)
    return fail(error, ADZE_OUT_OF_MEMORY, "%s: memory ran out", model_path);
  enum adze_status status = guard_run(check_body, &check, error);
  release_memory(&check);
  arena_destroy(check.compilation.arena);
  return status;
}
