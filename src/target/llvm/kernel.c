/* SPDX-License-Identifier: Apache-2.0 */
/* Functions: signature, parameters, memory of their own, and the wrapper that
 * gives every kernel the same signature.
 *
 * Kernels are hidden symbols, so that calls from the entry point in another
 * object need no procedure linkage table once linked.
 */
#include "target/llvm/emitter.h"

#include <string.h>

bool emit_kernel_has_scratch(const struct function *function) {
  for (size_t i = 0; i < function->buffers.count; i++)
    if (function->buffers.data[i]->scope == BUFFER_WORKER)
      return true;
  return false;
}

LLVMTypeRef emit_kernel_type(struct compiler *compiler,
                             const struct function *function) {
  LLVMTypeRef pointer = LLVMPointerTypeInContext(compiler->context, 0);
  LLVMTypeRef integer = LLVMInt64TypeInContext(compiler->context);
  size_t pointers = function->parameters.count;
  size_t count = pointers + function->scalars.count + 3;
  LLVMTypeRef *types = ARENA_ARRAY(compiler->arena, LLVMTypeRef, count);
  size_t n = 0;
  while (n < pointers)
    types[n++] = pointer;
  while (n < pointers + function->scalars.count)
    types[n++] = integer;
  if (emit_kernel_has_scratch(function))
    types[n++] = pointer;
  types[n++] = integer;
  types[n++] = integer;
  return LLVMFunctionType(LLVMVoidTypeInContext(compiler->context), types,
                          (unsigned)n, false);
}

LLVMValueRef emit_kernel_declare(struct compiler *compiler,
                                 const struct function *function,
                                 const char *symbol) {
  LLVMValueRef code = LLVMAddFunction(compiler->module, symbol,
                                      emit_kernel_type(compiler, function));
  LLVMSetVisibility(code, LLVMHiddenVisibility);
  compiler_add_attribute(compiler, code, LLVMAttributeFunctionIndex, "nounwind",
                         0);
  return code;
}

/* ---- Memory of the function's own ---------------------------------------- */

static LLVMValueRef stack_buffer(struct emitter *emitter,
                                 const struct buffer *buffer) {
  int64_t size;
  check(expr_get_integer(buffer->size, &size) && size >= 0);
  LLVMTypeRef type = LLVMArrayType2(emit_memory_type(emitter, buffer->dtype, 1),
                                    size > 0 ? (uint64_t)size : 1);
  LLVMValueRef memory = LLVMBuildAlloca(emitter->builder, type, buffer->name);
  LLVMSetAlignment(memory, 64);
  return memory;
}

static void bind_parameters(struct emitter *emitter, const bool *may_alias) {
  const struct function *function = emitter->function;
  struct arena *arena = emitter->arena;
  unsigned n = 0;
  for (size_t i = 0; i < function->parameters.count; i++, n++) {
    LLVMValueRef parameter = LLVMGetParam(emitter->code, n);
    struct buffer_pointer pointer = {function->parameters.data[i], parameter,
                                     may_alias != NULL && may_alias[i]};
    LLVMSetValueName2(parameter, pointer.buffer->name,
                      strlen(pointer.buffer->name));
    vec_push(arena, &emitter->buffers, pointer);
    if (!pointer.may_alias)
      compiler_add_attribute(emitter->compiler, emitter->code, n + 1, "noalias",
                             0);
  }
  for (size_t i = 0; i < function->scalars.count; i++, n++)
    emitter_bind(emitter, function->scalars.data[i],
                 LLVMGetParam(emitter->code, n), 0);
  if (emit_kernel_has_scratch(function))
    n++;
  if (function->worker != NULL)
    emitter_bind(emitter, function->worker, LLVMGetParam(emitter->code, n), 0);
  if (function->workers != NULL)
    emitter_bind(emitter, function->workers, LLVMGetParam(emitter->code, n + 1),
                 0);
}

static void bind_buffers(struct emitter *emitter) {
  const struct function *function = emitter->function;
  LLVMTypeRef byte = LLVMInt8TypeInContext(emitter->context);
  unsigned scratch =
      (unsigned)(function->parameters.count + function->scalars.count);
  for (size_t i = 0; i < function->buffers.count; i++) {
    struct buffer *buffer = function->buffers.data[i];
    struct buffer_pointer pointer = {.buffer = buffer};
    if (buffer->scope == BUFFER_STACK) {
      pointer.pointer = stack_buffer(emitter, buffer);
    } else {
      check(buffer->scope == BUFFER_WORKER);
      LLVMValueRef offset =
          emit_expr(emitter, function->scratch_offsets.data[i]);
      pointer.pointer = LLVMBuildGEP2(emitter->builder, byte,
                                      LLVMGetParam(emitter->code, scratch),
                                      &offset, 1, buffer->name);
    }
    vec_push(emitter->arena, &emitter->buffers, pointer);
  }
}

LLVMValueRef emit_kernel_define(struct compiler *compiler,
                                const struct function *function,
                                const char *symbol, const bool *may_alias) {
  struct arena *arena = compiler->arena;
  struct emitter *emitter = ARENA_NEW(arena, struct emitter);
  struct map levels;
  struct scope scope = {0};
  check(function->is_flat);
  map_init(&levels, arena);
  emitter->compiler = compiler;
  emitter->arena = arena;
  emitter->context = compiler->context;
  emitter->builder = compiler->builder;
  emitter->function = function;
  emitter->variable_levels = &levels;
  emitter->epoch = 1;
  emitter->locals = ARENA_ARRAY(arena, LLVMValueRef, function->local_count);
  emitter->local_rounds = ARENA_ARRAY(arena, uint64_t, function->local_count);
  emitter->round = 1;
  emitter->code = emit_kernel_declare(compiler, function, symbol);
  compiler_add_attributes(compiler, emitter->code);
  emitter_enter(emitter, &scope, SCOPE_FUNCTION);
  emitter_at_end(emitter, LLVMAppendBasicBlockInContext(
                              compiler->context, emitter->code, "entry"));
  bind_parameters(emitter, may_alias);
  bind_buffers(emitter);
  emit_statements(emitter, function->body);
  LLVMBuildRetVoid(emitter->builder);
  emit_remove_dead_phis(emitter);
  return emitter->code;
}

/* ---- The wrapper --------------------------------------------------------- */

static LLVMValueRef load_at(struct compiler *compiler, LLVMTypeRef type,
                            LLVMValueRef array, size_t index) {
  LLVMValueRef offset =
      LLVMConstInt(LLVMInt64TypeInContext(compiler->context), index, false);
  LLVMValueRef address =
      LLVMBuildGEP2(compiler->builder, type, array, &offset, 1, "");
  return LLVMBuildLoad2(compiler->builder, type, address, "");
}

void emit_kernel_define_wrapper(struct compiler *compiler,
                                const struct function *function,
                                LLVMValueRef kernel, const char *symbol) {
  LLVMTypeRef pointer = LLVMPointerTypeInContext(compiler->context, 0);
  LLVMTypeRef integer = LLVMInt64TypeInContext(compiler->context);
  LLVMTypeRef types[5] = {pointer, pointer, pointer, integer, integer};
  LLVMValueRef wrapper =
      LLVMAddFunction(compiler->module, symbol,
                      LLVMFunctionType(LLVMVoidTypeInContext(compiler->context),
                                       types, 5, false));
  compiler_add_attributes(compiler, wrapper);
  LLVMPositionBuilderAtEnd(
      compiler->builder,
      LLVMAppendBasicBlockInContext(compiler->context, wrapper, "entry"));
  size_t n = 0;
  LLVMValueRef *arguments =
      ARENA_ARRAY(compiler->arena, LLVMValueRef,
                  function->parameters.count + function->scalars.count + 3);
  for (size_t i = 0; i < function->parameters.count; i++)
    arguments[n++] = load_at(compiler, pointer, LLVMGetParam(wrapper, 0), i);
  for (size_t i = 0; i < function->scalars.count; i++)
    arguments[n++] = load_at(compiler, integer, LLVMGetParam(wrapper, 1), i);
  if (emit_kernel_has_scratch(function))
    arguments[n++] = LLVMGetParam(wrapper, 2);
  arguments[n++] = LLVMGetParam(wrapper, 3);
  arguments[n++] = LLVMGetParam(wrapper, 4);
  LLVMBuildCall2(compiler->builder, emit_kernel_type(compiler, function),
                 kernel, arguments, (unsigned)n, "");
  LLVMBuildRetVoid(compiler->builder);
}
