/* SPDX-License-Identifier: Apache-2.0 */
/* The ABI entry points (adze/package_abi.h): query, plan, run; and for
 * standalone output a plain function.
 *
 * run is straight code, one call per step, all addresses from the instance:
 * there is no graph left to interpret. Every worker runs all of it. Kernels
 * live in other objects of the same link. Profiling costs one predictable
 * branch per step, in a function of its own so that run stays short.
 */
#include "target/llvm/emitter.h"

#include "adze/package_abi.h"

#include <string.h>

struct entry {
  struct compiler *compiler;
  const struct module *module;
  LLVMContextRef context;
  LLVMBuilderRef builder;
  LLVMTypeRef pointer, integer, small, nothing;
};

/* Places of the members, as in package_abi.h: all are pointers. */
enum { ENV_CONTEXT, ENV_BARRIER, ENV_PROFILE, ENV_CLAIM, ENV_COUNT };
_Static_assert(sizeof(struct adze_abi_env) == ENV_COUNT * sizeof(void *),
               "env is an array of pointers");
enum {
  INSTANCE_SYMBOLS,
  INSTANCE_OFFSETS,
  INSTANCE_INPUTS,
  INSTANCE_OUTPUTS,
  INSTANCE_WEIGHTS,
  INSTANCE_WORKSPACE,
  INSTANCE_COUNT
};
_Static_assert(sizeof(struct adze_abi_instance) ==
                   INSTANCE_COUNT * sizeof(void *),
               "instance is an array of pointers");

/* ---- Shorthand ----------------------------------------------------------- */

static LLVMValueRef constant(const struct entry *entry, int64_t value) {
  return LLVMConstInt(entry->integer, (uint64_t)value, true);
}

static const char *symbol_of(const struct entry *entry, const char *name) {
  return arena_printf(entry->compiler->arena, "%s%s", entry->module->prefix,
                      name);
}

static LLVMValueRef element_address(const struct entry *entry, LLVMTypeRef type,
                                    LLVMValueRef array, uint64_t index) {
  LLVMValueRef offset = constant(entry, (int64_t)index);
  return LLVMBuildGEP2(entry->builder, type, array, &offset, 1, "");
}

static LLVMValueRef load_element(const struct entry *entry, LLVMTypeRef type,
                                 LLVMValueRef array, uint64_t index) {
  return LLVMBuildLoad2(entry->builder, type,
                        element_address(entry, type, array, index), "");
}

static LLVMValueRef advance(const struct entry *entry, LLVMValueRef pointer,
                            LLVMValueRef bytes) {
  return LLVMBuildGEP2(entry->builder, LLVMInt8TypeInContext(entry->context),
                       pointer, &bytes, 1, "");
}

/* Declares a function and puts the builder at its start. */
static LLVMValueRef begin_function(const struct entry *entry,
                                   const char *symbol, LLVMTypeRef result,
                                   LLVMTypeRef *types, unsigned count) {
  LLVMValueRef function =
      LLVMAddFunction(entry->compiler->module, symbol,
                      LLVMFunctionType(result, types, count, false));
  compiler_add_attributes(entry->compiler, function);
  LLVMPositionBuilderAtEnd(
      entry->builder,
      LLVMAppendBasicBlockInContext(entry->context, function, "entry"));
  return function;
}

static LLVMBasicBlockRef block_of(const struct entry *entry,
                                  LLVMValueRef function) {
  return LLVMAppendBasicBlockInContext(entry->context, function, "");
}

static LLVMValueRef call(const struct entry *entry, LLVMValueRef function,
                         LLVMValueRef *arguments, unsigned count) {
  return LLVMBuildCall2(entry->builder, LLVMGlobalGetValueType(function),
                        function, arguments, count, "");
}

/* ---- plan ---------------------------------------------------------------- */

/* i64 plan(symbols, workers, workspace_bytes, offsets, output_dims) around the
 * flat function, which leaves its result in memory. */
static LLVMValueRef define_plan(const struct entry *entry) {
  const struct function *plan = entry->module->plan;
  LLVMValueRef inner = emit_kernel_define(
      entry->compiler, plan, symbol_of(entry, "adze_layout"), NULL);
  LLVMSetVisibility(inner, LLVMDefaultVisibility);
  LLVMSetLinkage(inner, LLVMInternalLinkage);
  LLVMTypeRef types[5] = {entry->pointer, entry->integer, entry->pointer,
                          entry->pointer, entry->pointer};
  LLVMValueRef outer = begin_function(entry, symbol_of(entry, "adze_plan"),
                                      entry->integer, types, 5);
  LLVMSetLinkage(outer, LLVMInternalLinkage);
  LLVMValueRef status = LLVMBuildAlloca(entry->builder, entry->integer, "");
  check(plan->parameters.count == 5 && !emit_kernel_has_scratch(plan));
  LLVMValueRef *arguments = ARENA_ARRAY(entry->compiler->arena, LLVMValueRef,
                                        5 + plan->scalars.count + 2);
  unsigned n = 0;
  arguments[n++] = LLVMGetParam(outer, 0);
  arguments[n++] = LLVMGetParam(outer, 2);
  arguments[n++] = LLVMGetParam(outer, 3);
  arguments[n++] = LLVMGetParam(outer, 4);
  arguments[n++] = status;
  for (size_t i = 0; i < plan->scalars.count; i++)
    arguments[n++] = LLVMGetParam(outer, 1);
  arguments[n++] = constant(entry, 0);
  arguments[n++] = constant(entry, 1);
  (void)call(entry, inner, arguments, n);
  LLVMBuildRet(entry->builder,
               LLVMBuildLoad2(entry->builder, entry->integer, status, ""));
  return outer;
}

/* ---- run ----------------------------------------------------------------- */

/* void (env, worker, kernel): calls env->profile when there is one. */
static LLVMValueRef define_profile(const struct entry *entry) {
  LLVMTypeRef types[3] = {entry->pointer, entry->integer, entry->integer};
  LLVMValueRef function = begin_function(
      entry, symbol_of(entry, "adze_profile"), entry->nothing, types, 3);
  LLVMSetLinkage(function, LLVMInternalLinkage);
  LLVMValueRef arguments[3] = {LLVMGetParam(function, 0),
                               LLVMGetParam(function, 1),
                               LLVMGetParam(function, 2)};
  LLVMBasicBlockRef wanted = block_of(entry, function);
  LLVMBasicBlockRef done = block_of(entry, function);
  LLVMValueRef hook =
      load_element(entry, entry->pointer, arguments[0], ENV_PROFILE);
  LLVMValueRef absent = LLVMBuildIsNull(entry->builder, hook, "");
  LLVMBuildCondBr(entry->builder, absent, done, wanted);
  LLVMPositionBuilderAtEnd(entry->builder, wanted);
  LLVMBuildCall2(entry->builder,
                 LLVMFunctionType(entry->nothing, types, 3, false), hook,
                 arguments, 3, "");
  LLVMBuildBr(entry->builder, done);
  LLVMPositionBuilderAtEnd(entry->builder, done);
  LLVMBuildRetVoid(entry->builder);
  return function;
}

/* What run() keeps at hand. */
struct run_values {
  LLVMValueRef function, env, worker, workers, profile, barrier;
  LLVMValueRef members[INSTANCE_COUNT];
};

static LLVMValueRef bound_pointer(const struct entry *entry,
                                  const struct run_values *run,
                                  const struct binding *binding) {
  LLVMValueRef base = NULL;
  switch (binding->kind) {
  case BINDING_INPUT:
    base = load_element(entry, entry->pointer, run->members[INSTANCE_INPUTS],
                        binding->index);
    break;
  case BINDING_OUTPUT:
    base = load_element(entry, entry->pointer, run->members[INSTANCE_OUTPUTS],
                        binding->index);
    break;
  case BINDING_WEIGHTS:
    base = run->members[INSTANCE_WEIGHTS];
    break;
  case BINDING_WORKSPACE:
    base =
        advance(entry, run->members[INSTANCE_WORKSPACE],
                load_element(entry, entry->integer,
                             run->members[INSTANCE_OFFSETS], binding->index));
    break;
  }
  check(base != NULL);
  return binding->offset == 0
             ? base
             : advance(entry, base, constant(entry, (int64_t)binding->offset));
}

static LLVMValueRef scratch_pointer(const struct entry *entry,
                                    const struct run_values *run) {
  uint32_t index = entry->module->scratch_offset_index;
  LLVMValueRef offsets = run->members[INSTANCE_OFFSETS];
  LLVMValueRef start = load_element(entry, entry->integer, offsets, index);
  LLVMValueRef each = load_element(entry, entry->integer, offsets, index + 1);
  LLVMValueRef mine = LLVMBuildMul(entry->builder, run->worker, each, "");
  return advance(entry, run->members[INSTANCE_WORKSPACE],
                 LLVMBuildAdd(entry->builder, start, mine, ""));
}

/* The parameters of define_parts' functions after the kernel's. */
enum { PARTS_ENV, PARTS_STEP, PARTS_OF_SHARE, PARTS_COUNT };

static LLVMValueRef call_claim(const struct entry *entry,
                               const LLVMValueRef *more, LLVMValueRef worker,
                               LLVMValueRef workers) {
  LLVMTypeRef types[5] = {entry->pointer, entry->integer, entry->integer,
                          entry->integer, entry->integer};
  LLVMValueRef arguments[5] = {more[PARTS_ENV], more[PARTS_STEP],
                               more[PARTS_OF_SHARE], worker, workers};
  LLVMValueRef claim =
      load_element(entry, entry->pointer, more[PARTS_ENV], ENV_CLAIM);
  return LLVMBuildCall2(entry->builder,
                        LLVMFunctionType(entry->integer, types, 5, false),
                        claim, arguments, 5, "");
}

/* The kernel's loop over the parts that a worker claims, in a function of its
 * own, so that a step stays one call, whose code is shared by steps alike:
 *   void (..., worker, workers, env, step, parts)
 *     if (workers == 1 || parts == 1) kernel(..., worker, workers);
 *     else while ((part = claim()) >= 0) kernel(..., part, workers * parts);
 */
static LLVMValueRef define_parts(const struct entry *entry, LLVMValueRef kernel,
                                 const char *symbol) {
  LLVMBuilderRef builder = entry->builder;
  LLVMBasicBlockRef caller = LLVMGetInsertBlock(builder);
  unsigned count = LLVMCountParams(kernel), all = count + PARTS_COUNT;
  LLVMTypeRef *types = ARENA_ARRAY(entry->compiler->arena, LLVMTypeRef, all);
  LLVMValueRef *given = ARENA_ARRAY(entry->compiler->arena, LLVMValueRef, all);
  LLVMGetParamTypes(LLVMGlobalGetValueType(kernel), types);
  types[count + PARTS_ENV] = entry->pointer;
  types[count + PARTS_STEP] = types[count + PARTS_OF_SHARE] = entry->integer;
  LLVMValueRef function =
      begin_function(entry, symbol, entry->nothing, types, all);
  LLVMSetLinkage(function, LLVMInternalLinkage);
  LLVMGetParams(function, given);
  const LLVMValueRef *more = given + count;
  LLVMValueRef worker = given[count - 2], workers = given[count - 1];
  LLVMBasicBlockRef whole = block_of(entry, function);
  LLVMBasicBlockRef next = block_of(entry, function);
  LLVMBasicBlockRef body = block_of(entry, function);
  LLVMBasicBlockRef done = block_of(entry, function);
  LLVMValueRef parts = LLVMBuildMul(builder, workers, more[PARTS_OF_SHARE], "");
  LLVMValueRef one = constant(entry, 1);
  LLVMBuildCondBr(
      builder,
      LLVMBuildOr(
          builder, LLVMBuildICmp(builder, LLVMIntEQ, workers, one, ""),
          LLVMBuildICmp(builder, LLVMIntEQ, more[PARTS_OF_SHARE], one, ""), ""),
      whole, next);
  LLVMPositionBuilderAtEnd(builder, next);
  LLVMValueRef part = call_claim(entry, more, worker, workers);
  LLVMBuildCondBr(
      builder, LLVMBuildICmp(builder, LLVMIntSLT, part, constant(entry, 0), ""),
      done, body);
  LLVMPositionBuilderAtEnd(builder, body);
  given[count - 2] = part;
  given[count - 1] = parts;
  (void)call(entry, kernel, given, count);
  LLVMBuildBr(builder, next);
  LLVMPositionBuilderAtEnd(builder, whole);
  given[count - 2] = worker;
  given[count - 1] = workers;
  (void)call(entry, kernel, given, count);
  LLVMBuildBr(builder, done);
  LLVMPositionBuilderAtEnd(builder, done);
  LLVMBuildRetVoid(builder);
  LLVMPositionBuilderAtEnd(builder, caller);
  return function;
}

static void call_kernel(const struct entry *entry, const struct run_values *run,
                        size_t index) {
  struct compiler *compiler = entry->compiler;
  const struct module_step *step = &entry->module->steps.data[index];
  const struct function *kernel = step->kernel;
  const char *symbol = symbol_of(entry, kernel->name);
  const char *parts = arena_printf(compiler->arena, "%s_parts", symbol);
  LLVMValueRef code = LLVMGetNamedFunction(compiler->module, parts);
  if (code == NULL)
    code = define_parts(entry, emit_kernel_declare(compiler, kernel, symbol),
                        parts);
  LLVMValueRef *arguments =
      ARENA_ARRAY(compiler->arena, LLVMValueRef, LLVMCountParams(code));
  unsigned n = 0;
  for (size_t i = 0; i < kernel->parameters.count; i++)
    arguments[n++] = bound_pointer(entry, run, &step->bindings[i]);
  for (size_t i = 0; i < kernel->scalars.count; i++) {
    int32_t number = kernel->scalars.data[i]->symbol;
    check(number >= 0);
    arguments[n++] =
        load_element(entry, entry->integer, run->members[INSTANCE_SYMBOLS],
                     (uint64_t)number);
  }
  if (emit_kernel_has_scratch(kernel))
    arguments[n++] = scratch_pointer(entry, run);
  arguments[n++] = run->worker;
  arguments[n++] = run->workers;
  arguments[n++] = run->env;
  arguments[n++] = constant(entry, (int64_t)index);
  arguments[n++] = constant(entry, step->parts);
  (void)call(entry, code, arguments, n);
}

static void call_profile(const struct entry *entry,
                         const struct run_values *run, size_t step) {
  LLVMValueRef arguments[3] = {run->env, run->worker,
                               constant(entry, (int64_t)step)};
  (void)call(entry, run->profile, arguments, 3);
}

static void call_barrier(const struct entry *entry,
                         const struct run_values *run) {
  LLVMTypeRef types[3] = {entry->pointer, entry->integer, entry->integer};
  LLVMValueRef arguments[3] = {run->env, run->worker, run->workers};
  LLVMBuildCall2(entry->builder,
                 LLVMFunctionType(entry->nothing, types, 3, false),
                 run->barrier, arguments, 3, "");
}

/* void (env, instance, worker, workers), as run itself. */
static LLVMValueRef begin_run(const struct entry *entry, const char *symbol) {
  LLVMTypeRef types[4] = {entry->pointer, entry->pointer, entry->integer,
                          entry->integer};
  LLVMValueRef function =
      begin_function(entry, symbol, entry->nothing, types, 4);
  LLVMSetLinkage(function, LLVMInternalLinkage);
  return function;
}

/* Some of the steps. */
static LLVMValueRef define_steps(const struct entry *entry,
                                 LLVMValueRef profile, size_t first,
                                 size_t end) {
  const struct module *module = entry->module;
  struct run_values run = {.profile = profile};
  run.function = begin_run(entry, symbol_of(entry, "adze_steps"));
  run.env = LLVMGetParam(run.function, 0);
  run.worker = LLVMGetParam(run.function, 2);
  run.workers = LLVMGetParam(run.function, 3);
  run.barrier = load_element(entry, entry->pointer, run.env, ENV_BARRIER);
  for (unsigned i = 0; i < INSTANCE_COUNT; i++)
    run.members[i] =
        load_element(entry, entry->pointer, LLVMGetParam(run.function, 1), i);
  for (size_t i = first; i < end; i++) {
    call_profile(entry, &run, i);
    call_kernel(entry, &run, i);
    if (module->steps.data[i].barrier_after)
      call_barrier(entry, &run);
  }
  if (end == module->steps.count)
    call_profile(entry, &run, end);
  LLVMBuildRetVoid(entry->builder);
  return run.function;
}

/* In functions of a bounded length: the time that LLVM takes for one grows
 * faster than its length. */
static LLVMValueRef define_run(const struct entry *entry) {
  enum { STEPS = 64 };
  size_t count = entry->module->steps.count;
  size_t parts = count / STEPS + 1;
  LLVMValueRef profile = define_profile(entry);
  LLVMValueRef *steps =
      ARENA_ARRAY(entry->compiler->arena, LLVMValueRef, parts);
  for (size_t i = 0; i < parts; i++)
    steps[i] = define_steps(entry, profile, i * STEPS,
                            i + 1 < parts ? (i + 1) * STEPS : count);
  LLVMValueRef run = begin_run(entry, symbol_of(entry, "adze_run"));
  LLVMValueRef arguments[4];
  for (unsigned i = 0; i < 4; i++)
    arguments[i] = LLVMGetParam(run, i);
  for (size_t i = 0; i < parts; i++)
    (void)call(entry, steps[i], arguments, 4);
  LLVMBuildRetVoid(entry->builder);
  return run;
}

/* ---- query --------------------------------------------------------------- */

static LLVMValueRef private_constant(const struct entry *entry,
                                     LLVMValueRef value) {
  LLVMValueRef global =
      LLVMAddGlobal(entry->compiler->module, LLVMTypeOf(value), "");
  LLVMSetInitializer(global, value);
  LLVMSetGlobalConstant(global, true);
  LLVMSetLinkage(global, LLVMPrivateLinkage);
  LLVMSetUnnamedAddress(global, LLVMGlobalUnnamedAddr);
  return global;
}

static LLVMValueRef kernel_names(const struct entry *entry) {
  size_t count = entry->module->steps.count;
  LLVMValueRef *names =
      ARENA_ARRAY(entry->compiler->arena, LLVMValueRef, count + 1);
  for (size_t i = 0; i < count; i++) {
    const char *name = entry->module->steps.data[i].name;
    names[i] =
        private_constant(entry, LLVMConstStringInContext2(entry->context, name,
                                                          strlen(name), false));
  }
  names[count] = LLVMConstNull(entry->pointer);
  return private_constant(entry,
                          LLVMConstArray2(entry->pointer, names, count + 1));
}

static void define_query(const struct entry *entry, LLVMValueRef plan,
                         LLVMValueRef run) {
  const struct module *module = entry->module;
  const uint32_t counts[6] = {
      ADZE_ABI_VERSION,     (uint32_t)module->steps.count,
      module->symbol_count, module->offset_count,
      module->input_count,  module->output_count};
  LLVMValueRef members[10];
  for (size_t i = 0; i < 6; i++)
    members[i] = LLVMConstInt(entry->small, counts[i], false);
  members[6] = constant(entry, (int64_t)module->weights_bytes);
  members[7] = plan;
  members[8] = run;
  members[9] = kernel_names(entry);
  LLVMValueRef table = private_constant(
      entry, LLVMConstStructInContext(entry->context, members, 10, false));
  LLVMTypeRef types[1] = {entry->small};
  LLVMValueRef query =
      begin_function(entry, symbol_of(entry, ADZE_MODULE_QUERY_NAME),
                     entry->pointer, types, 1);
  LLVMValueRef same =
      LLVMBuildICmp(entry->builder, LLVMIntEQ, LLVMGetParam(query, 0),
                    LLVMConstInt(entry->small, ADZE_ABI_VERSION, false), "");
  LLVMBuildRet(entry->builder,
               LLVMBuildSelect(entry->builder, same, table,
                               LLVMConstNull(entry->pointer), ""));
}

/* ---- Standalone output --------------------------------------------------- */

/* Memory for what plan() writes, and the call; the status. */
static LLVMValueRef call_plan(const struct entry *entry, LLVMValueRef plan,
                              LLVMValueRef symbols, LLVMValueRef bytes,
                              LLVMValueRef *offsets) {
  int64_t dims;
  const struct function *inner = entry->module->plan;
  check(expr_get_integer(inner->parameters.data[3]->size, &dims));
  *offsets = LLVMBuildArrayAlloca(
      entry->builder, entry->integer,
      constant(entry, (int64_t)entry->module->offset_count + 1), "");
  LLVMValueRef output_dims = LLVMBuildArrayAlloca(
      entry->builder, entry->integer, constant(entry, dims + 1), "");
  LLVMValueRef arguments[5] = {symbols, constant(entry, 1), bytes, *offsets,
                               output_dims};
  return call(entry, plan, arguments, 5);
}

/* int64_t workspace_bytes([dims]): -1 where the dimensions are impossible. */
static void define_workspace_bytes(const struct entry *entry,
                                   LLVMValueRef plan) {
  bool open = entry->module->symbol_count > 0;
  LLVMTypeRef types[1] = {entry->pointer};
  LLVMValueRef function =
      begin_function(entry, symbol_of(entry, "workspace_bytes"), entry->integer,
                     types, open ? 1 : 0);
  LLVMValueRef bytes = LLVMBuildAlloca(entry->builder, entry->integer, "");
  LLVMValueRef offsets;
  LLVMValueRef status = call_plan(entry, plan,
                                  open ? LLVMGetParam(function, 0)
                                       : LLVMConstNull(entry->pointer),
                                  bytes, &offsets);
  LLVMValueRef good =
      LLVMBuildICmp(entry->builder, LLVMIntEQ, status, constant(entry, 0), "");
  LLVMValueRef size = LLVMBuildLoad2(entry->builder, entry->integer, bytes, "");
  LLVMBuildRet(entry->builder, LLVMBuildSelect(entry->builder, good, size,
                                               constant(entry, -1), ""));
}

/* A barrier for one worker. */
static LLVMValueRef define_barrier(const struct entry *entry) {
  LLVMTypeRef types[3] = {entry->pointer, entry->integer, entry->integer};
  LLVMValueRef function = begin_function(
      entry, symbol_of(entry, "adze_barrier"), entry->nothing, types, 3);
  LLVMSetLinkage(function, LLVMInternalLinkage);
  LLVMBuildRetVoid(entry->builder);
  return function;
}

static LLVMValueRef weights_symbol(const struct entry *entry) {
  LLVMValueRef weights = LLVMAddGlobal(entry->compiler->module,
                                       LLVMInt8TypeInContext(entry->context),
                                       symbol_of(entry, "weights"));
  LLVMSetVisibility(weights, LLVMHiddenVisibility);
  LLVMSetGlobalConstant(weights, true);
  return weights;
}

/* Fills an env and an instance on the stack and runs; part of
 * define_standalone. */
static void run_standalone(const struct entry *entry, LLVMValueRef run,
                           LLVMValueRef barrier,
                           LLVMValueRef members[INSTANCE_COUNT]) {
  LLVMValueRef env = LLVMBuildArrayAlloca(entry->builder, entry->pointer,
                                          constant(entry, ENV_COUNT), "");
  LLVMValueRef instance = LLVMBuildArrayAlloca(
      entry->builder, entry->pointer, constant(entry, INSTANCE_COUNT), "");
  LLVMValueRef null = LLVMConstNull(entry->pointer);
  for (unsigned i = 0; i < ENV_COUNT; i++)
    LLVMBuildStore(entry->builder, i == ENV_BARRIER ? barrier : null,
                   element_address(entry, entry->pointer, env, i));
  for (unsigned i = 0; i < INSTANCE_COUNT; i++)
    LLVMBuildStore(entry->builder, members[i],
                   element_address(entry, entry->pointer, instance, i));
  LLVMValueRef arguments[4] = {env, instance, constant(entry, 0),
                               constant(entry, 1)};
  (void)call(entry, run, arguments, 4);
}

/* int64_t run([dims,] inputs, outputs, workspace): plan()'s result. */
static void define_standalone(const struct entry *entry, LLVMValueRef plan,
                              LLVMValueRef run) {
  bool open = entry->module->symbol_count > 0;
  LLVMTypeRef types[4] = {entry->pointer, entry->pointer, entry->pointer,
                          entry->pointer};
  LLVMValueRef barrier = define_barrier(entry);
  LLVMValueRef weights = weights_symbol(entry);
  LLVMValueRef function = begin_function(entry, symbol_of(entry, "run"),
                                         entry->integer, types, open ? 4 : 3);
  unsigned first = open ? 1 : 0;
  LLVMValueRef symbols =
      open ? LLVMGetParam(function, 0) : LLVMConstNull(entry->pointer);
  LLVMValueRef bytes = LLVMBuildAlloca(entry->builder, entry->integer, "");
  LLVMValueRef offsets;
  LLVMValueRef status = call_plan(entry, plan, symbols, bytes, &offsets);
  LLVMBasicBlockRef good = block_of(entry, function);
  LLVMBasicBlockRef done = block_of(entry, function);
  LLVMValueRef is_good =
      LLVMBuildICmp(entry->builder, LLVMIntEQ, status, constant(entry, 0), "");
  LLVMBuildCondBr(entry->builder, is_good, good, done);
  LLVMPositionBuilderAtEnd(entry->builder, good);
  LLVMValueRef members[INSTANCE_COUNT] = {
      [INSTANCE_SYMBOLS] = symbols,
      [INSTANCE_OFFSETS] = offsets,
      [INSTANCE_INPUTS] = LLVMGetParam(function, first),
      [INSTANCE_OUTPUTS] = LLVMGetParam(function, first + 1),
      [INSTANCE_WEIGHTS] = weights,
      [INSTANCE_WORKSPACE] = LLVMGetParam(function, first + 2)};
  run_standalone(entry, run, barrier, members);
  LLVMBuildBr(entry->builder, done);
  LLVMPositionBuilderAtEnd(entry->builder, done);
  LLVMBuildRet(entry->builder, status);
}

void emit_entry(struct compiler *compiler, const struct module *module) {
  struct entry entry = {
      .compiler = compiler,
      .module = module,
      .context = compiler->context,
      .builder = compiler->builder,
      .pointer = LLVMPointerTypeInContext(compiler->context, 0),
      .integer = LLVMInt64TypeInContext(compiler->context),
      .small = LLVMInt32TypeInContext(compiler->context),
      .nothing = LLVMVoidTypeInContext(compiler->context),
  };
  LLVMValueRef plan = define_plan(&entry);
  LLVMValueRef run = define_run(&entry);
  define_query(&entry, plan, run);
  if (module->is_standalone) {
    define_workspace_bytes(&entry, plan);
    define_standalone(&entry, plan, run);
  }
}
