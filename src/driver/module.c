/* SPDX-License-Identifier: Apache-2.0 */
/* The module: kernels, the steps that call them, and the function that lays
 * out memory once the open dimensions are known. */
#include <string.h>

#include "driver/compilation.h"
#include "ir/simplify.h"
#include "lower/lower.h"

static struct binding bind_value(const struct compilation *compilation,
                                 const struct value *value) {
  const struct plan *plan = compilation->plan;
  const struct graph *graph = compilation->graph;
  const struct value *root = plan_root(plan, value);
  for (size_t i = 0; i < graph->inputs.count; i++)
    if (graph->inputs.data[i] == root)
      return (struct binding){BINDING_INPUT, (uint32_t)i, 0};
  for (size_t i = 0; i < graph->outputs.count; i++)
    if (graph->outputs.data[i] == root)
      return (struct binding){BINDING_OUTPUT, (uint32_t)i, 0};
  check(plan->value_slots[root->id] >= 0);
  return (struct binding){BINDING_WORKSPACE,
                          (uint32_t)plan->value_slots[root->id], 0};
}

static struct binding bind_parameter(struct compilation *compilation,
                                     const struct parameter *parameter,
                                     size_t group) {
  if (parameter->constant) {
    size_t constant = compilation_constant(compilation, parameter->constant);
    return (struct binding){BINDING_WEIGHTS, 0,
                            compilation->constants.data[constant].offset};
  }
  if (parameter->is_temporary)
    return (struct binding){
        BINDING_WORKSPACE,
        (uint32_t)plan_temporary(compilation->plan, parameter->buffer, group),
        0};
  return bind_value(compilation, parameter->value);
}

/* Into how many parts each worker's share of a group is cut: parts as small as
 * some microseconds, so that all workers end together, but not smaller, since
 * each is a call. A share of few parts is left whole: to look whether others
 * are late takes longer than they can be. An element takes as long as some
 * multiply-adds. */
static uint32_t parts_of(const struct group *group,
                         const struct machine *machine) {
  enum {
    MOST_PARTS = 8,
    FEWEST_PARTS = 4,
    PART_MACS = 400000,
    ELEMENT_MACS = 16
  };
  uint64_t work = group_macs(group);
  for (size_t i = 0; i < group->nodes.count; i++) {
    const struct value *out = group->nodes.data[i]->outputs[0];
    size_t elements;
    if (!out || !value_count(out, &elements))
      return MOST_PARTS;
    work += (uint64_t)elements * ELEMENT_MACS;
  }
  uint64_t parts = work / PART_MACS / (uint64_t)machine->cores;
  return parts < FEWEST_PARTS ? 1
         : parts > MOST_PARTS ? MOST_PARTS
                              : (uint32_t)parts;
}

static void make_steps(struct compilation *compilation) {
  struct module *module = &compilation->module;
  struct arena *arena = compilation->arena;
  for (size_t g = 0; g < compilation->builders.count; g++) {
    const struct builder *builder = compilation->builders.data[g];
    const struct compiled_kernel *kernel =
        &compilation->kernels.data[compilation->group_kernels.data[g]];
    struct module_step step = {
        .bindings =
            ARENA_ARRAY(arena, struct binding, builder->parameters.count),
        .barrier_after = true,
        .parts = parts_of(builder->group, &compilation->machine),
        .name = group_name(arena, builder->group),
    };
    for (size_t p = 0; p < builder->parameters.count; p++)
      step.bindings[p] =
          bind_parameter(compilation, &builder->parameters.data[p], g);
    for (size_t phase = 0; phase < kernel->phase_count; phase++) {
      step.kernel = kernel->phases[phase];
      vec_push(arena, &module->steps, step);
    }
  }
}

/* ---- plan() -------------------------------------------------------------- */
struct plan_function {
  struct compilation *compilation;
  struct expr_pool *pool;
  struct function *function;
  struct buffer *symbols, *workspace, *offsets, *dims, *status;
  struct substitution *values; /* symbols as loads */
};

static struct buffer *add_buffer(struct plan_function *plan, const char *name,
                                 size_t count) {
  const struct expr *shape = expr_index(plan->pool, (int64_t)count);
  struct buffer *buffer =
      buffer_new(plan->pool, name, ADZE_I64, BUFFER_ARGUMENT, &shape, 1);
  vec_push(plan->compilation->arena, &plan->function->parameters, buffer);
  return buffer;
}

static const struct expr *with_symbols(struct plan_function *plan,
                                       const struct expr *e) {
  return expr_substitute(plan->pool, simplify(plan->pool, e), plan->values,
                         plan->compilation->graph->symbols.count);
}

static struct statement *add_store(struct plan_function *plan,
                                   struct buffer *buffer, size_t index,
                                   const struct expr *value) {
  struct statement *store = statement_new(plan->pool, STATEMENT_STORE);
  store->store.buffer = buffer;
  store->store.index_count = 1;
  store->store.indices[0] = expr_index(plan->pool, (int64_t)index);
  store->store.value = with_symbols(plan, value);
  return store;
}

static void append(struct plan_function *plan, struct statement *statement) {
  plan->function->body = statement_append(plan->function->body, statement);
}

static void check_constraints(struct plan_function *plan) {
  const struct graph *graph = plan->compilation->graph;
  append(plan, add_store(plan, plan->status, 0, expr_index(plan->pool, 0)));
  /* The last store wins, so the first constraint that fails is told. */
  for (size_t i = graph->constraints.count; i-- > 0;) {
    struct statement *branch = statement_new(plan->pool, STATEMENT_IF);
    branch->branch.condition =
        expr_unary(plan->pool, EXPR_NOT,
                   with_symbols(plan, graph->constraints.data[i].condition));
    branch->branch.then_body = add_store(
        plan, plan->status, 0, expr_index(plan->pool, (int64_t)i + 1));
    append(plan, branch);
  }
}

static const struct expr *rounded(struct expr_pool *pool,
                                  const struct expr *bytes) {
  const struct expr *line = expr_index(pool, ADZE_ABI_ALIGNMENT);
  return simplify(pool, expr_mul(pool, expr_ceil_div(pool, bytes, line), line));
}

/* Where the slots end, and the scratch memory of a worker. */
static void memory_sizes(const struct compilation *compilation,
                         const struct expr **slots_end,
                         const struct expr **scratch) {
  struct expr_pool *pool = compilation->graph->pool;
  const struct plan *plan = compilation->plan;
  *slots_end = *scratch = expr_index(pool, 0);
  for (size_t i = 0; i < plan->slots.count; i++)
    *slots_end =
        simplify(pool, expr_add(pool, *slots_end,
                                rounded(pool, plan->slots.data[i].bytes)));
  for (size_t k = 0; k < compilation->kernels.count; k++) {
    const struct compiled_kernel *compiled = &compilation->kernels.data[k];
    if (compiled->phase_count == 0)
      continue;
    const struct function *kernel = compiled->phases[0];
    if (kernel->scratch_bytes)
      *scratch = expr_max(pool, *scratch, kernel->scratch_bytes);
  }
  *scratch = rounded(pool, *scratch);
}

int64_t compilation_workspace(const struct compilation *compilation) {
  const struct expr *slots_end, *scratch;
  int64_t bytes;
  memory_sizes(compilation, &slots_end, &scratch);
  struct expr_pool *pool = compilation->graph->pool;
  return expr_get_integer(simplify(pool, expr_add(pool, slots_end, scratch)),
                          &bytes)
             ? bytes
             : -1;
}

static void lay_out(struct plan_function *plan) {
  struct compilation *compilation = plan->compilation;
  struct expr_pool *pool = plan->pool;
  const struct plan *slots = compilation->plan;
  const struct expr *end = expr_index(pool, 0), *scratch;
  for (size_t i = 0; i < slots->slots.count; i++) {
    append(plan, add_store(plan, plan->offsets, i, end));
    end = simplify(
        pool, expr_add(pool, end, rounded(pool, slots->slots.data[i].bytes)));
  }
  memory_sizes(compilation, &end, &scratch);
  append(plan, add_store(plan, plan->offsets, slots->slots.count, end));
  append(plan, add_store(plan, plan->offsets, slots->slots.count + 1, scratch));
  const struct expr *workers =
      expr_variable(pool, plan->function->scalars.data[0]);
  append(plan,
         add_store(plan, plan->workspace, 0,
                   expr_add(pool, end, expr_mul(pool, scratch, workers))));
}

static void store_output_dims(struct plan_function *plan) {
  const struct graph *graph = plan->compilation->graph;
  size_t position = 0;
  for (size_t i = 0; i < graph->outputs.count; i++)
    for (size_t d = 0; d < graph->outputs.data[i]->rank; d++)
      append(plan, add_store(plan, plan->dims, position++,
                             graph->outputs.data[i]->dims[d]));
}

static void make_plan_function(struct compilation *compilation) {
  struct expr_pool *pool = compilation->graph->pool;
  const struct graph *graph = compilation->graph;
  struct plan_function plan = {.compilation = compilation, .pool = pool};
  size_t symbols = graph->symbols.count, dims = 0;
  for (size_t i = 0; i < graph->outputs.count; i++)
    dims += graph->outputs.data[i]->rank;
  plan.function = function_new(pool, "plan");
  plan.symbols = add_buffer(&plan, "symbols", symbols);
  plan.workspace = add_buffer(&plan, "workspace_bytes", 1);
  plan.offsets =
      add_buffer(&plan, "offsets", compilation->plan->slots.count + 2);
  plan.dims = add_buffer(&plan, "output_dims", dims);
  plan.status = add_buffer(&plan, "status", 1);
  vec_push(compilation->arena, &plan.function->scalars,
           variable_new(pool, "workers", NULL));
  plan.values =
      ARENA_ARRAY(compilation->arena, struct substitution, symbols + 1);
  for (size_t i = 0; i < symbols; i++) {
    const struct expr *index = expr_index(pool, (int64_t)i);
    plan.values[i] = (struct substitution){
        graph->symbols.data[i], expr_load(pool, plan.symbols, &index, 1)};
  }
  check_constraints(&plan);
  lay_out(&plan);
  store_output_dims(&plan);
  plan.function->is_flat = true;
  compilation->module.plan = plan.function;
}

enum adze_status compile_module(struct compilation *compilation) {
  struct module *module = &compilation->module;
  const struct graph *graph = compilation->graph;
  const struct adze_compile_options *options = compilation->options;
  module->is_standalone = options->output_format != ADZE_OUTPUT_SO;
  module->prefix =
      module->is_standalone
          ? arena_printf(compilation->arena, "%s_", compilation->module_name)
          : "";
  for (size_t k = 0; k < compilation->kernels.count; k++)
    for (size_t p = 0; p < compilation->kernels.data[k].phase_count; p++)
      vec_push(compilation->arena, &module->kernels,
               compilation->kernels.data[k].phases[p]);
  make_steps(compilation);
  make_plan_function(compilation);
  module->scratch_offset_index = (uint32_t)compilation->plan->slots.count;
  module->offset_count = module->scratch_offset_index + 2;
  module->symbol_count = (uint32_t)graph->symbols.count;
  module->input_count = (uint32_t)graph->inputs.count;
  module->output_count = (uint32_t)graph->outputs.count;
  for (size_t i = 0; i < compilation->constants.count; i++) {
    const struct stored_constant *stored = &compilation->constants.data[i];
    int64_t elements = 0;
    if (!expr_get_integer(stored->packed->buffer->size, &elements))
      elements = 0;
    uint64_t end =
        stored->offset +
        (uint64_t)elements * adze_dtype_bytes(stored->packed->buffer->dtype);
    if (module->weights_bytes < end)
      module->weights_bytes = end;
  }
  return ADZE_OK;
}
