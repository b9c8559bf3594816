/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, loads and stores.
 *
 * An offset is a sum. Its address is built term by term, the terms of outer
 * loops first, each partial sum made before the loop it doesn't depend on; the
 * constant comes last, where it becomes a displacement of the instruction. So
 * the rows of a register tile share one pointer, and nothing is left for loop
 * strength reduction to find.
 *
 * A load under a condition (emitter->guard) reads zeros of our own where the
 * condition is false: no branch, and no access outside the buffer.
 */
#include "target/llvm/emitter.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Offsets as sums ----------------------------------------------------- */

struct term {
  const struct expr *expr; /* scalar */
  int64_t factor;
  uint32_t level;
  bool is_fixed; /* reads no local and no memory */
};
struct linear {
  VEC(struct term) terms;
  int64_t constant;
  int64_t stride; /* lane i lies at + i * stride */
};

/* Wrapping, as index arithmetic is. */
static int64_t wrap_add(int64_t a, int64_t b) {
  return (int64_t)((uint64_t)a + (uint64_t)b);
}
static int64_t wrap_mul(int64_t a, int64_t b) {
  return (int64_t)((uint64_t)a * (uint64_t)b);
}

static bool constant_of(const struct expr *e, int64_t *out) {
  while (e->kind == EXPR_BROADCAST)
    e = e->args[0];
  return expr_get_integer(e, out);
}

/* Adds factor * e to the sum; false when e is no scalar plus a constant
 * stride. */
static bool linear_add(struct emitter *emitter, struct linear *linear,
                       const struct expr *e, int64_t factor) {
  int64_t value;
  if (constant_of(e, &value)) {
    linear->constant = wrap_add(linear->constant, wrap_mul(factor, value));
    return true;
  }
  if (e->kind == EXPR_ADD || e->kind == EXPR_SUB) {
    int64_t second = e->kind == EXPR_ADD ? factor : wrap_mul(factor, -1);
    return linear_add(emitter, linear, e->args[0], factor) &&
           linear_add(emitter, linear, e->args[1], second);
  }
  if (e->kind == EXPR_BROADCAST)
    return linear_add(emitter, linear, e->args[0], factor);
  if (e->kind == EXPR_RAMP) {
    if (!constant_of(e->args[1], &value))
      return false;
    linear->stride = wrap_add(linear->stride, wrap_mul(factor, value));
    return linear_add(emitter, linear, e->args[0], factor);
  }
  if (e->kind == EXPR_MUL && e->lanes > 1) {
    for (size_t i = 0; i < 2; i++)
      if (constant_of(e->args[i], &value))
        return linear_add(emitter, linear, e->args[1 - i],
                          wrap_mul(factor, value));
    return false;
  }
  if (e->lanes > 1)
    return false;
  const struct node *node = emitter_node(emitter, e);
  struct term term = {e, factor, node->level,
                      node->local_mask == 0 && node->buffer_mask == 0};
  if (!term.is_fixed)
    term.level = emitter->depth;
  vec_push(emitter->arena, &linear->terms, term);
  return true;
}

static int compare_terms(const void *a, const void *b) {
  const struct term *x = a, *y = b;
  if (x->is_fixed != y->is_fixed)
    return x->is_fixed ? -1 : 1;
  if (x->level != y->level)
    return x->level < y->level ? -1 : 1;
  if (x->expr->id != y->expr->id)
    return x->expr->id < y->expr->id ? -1 : 1;
  return 0;
}

/* ---- Addresses ----------------------------------------------------------- */

static LLVMValueRef emit_offset(struct emitter *emitter, LLVMTypeRef element,
                                LLVMValueRef pointer, LLVMValueRef offset) {
  return LLVMBuildGEP2(emitter->builder, element, pointer, &offset, 1, "");
}

/* pointer + factor * term, made as far outside as it may be. */
static LLVMValueRef add_term(struct emitter *emitter, LLVMTypeRef element,
                             LLVMValueRef pointer, const struct term *term,
                             uint32_t level) {
  LLVMValueRef value = emit_expr(emitter, term->expr);
  struct node *node =
      emitter_address_node(emitter, pointer, value, term->factor, level);
  LLVMValueRef sum = emitter_value(emitter, node);
  if (sum != NULL)
    return sum;
  bool hoisted = term->is_fixed && level < emitter->depth;
  struct place here = {emitter->block, emitter->insert_before};
  if (hoisted)
    here = emitter_hoist(emitter, level);
  if (term->factor != 1)
    value = LLVMBuildMul(emitter->builder, value,
                         emit_index(emitter, term->factor), "");
  sum = emit_offset(emitter, element, pointer, value);
  if (hoisted)
    emitter_return(emitter, here);
  emitter_keep(emitter, node, hoisted ? level : emitter->depth, 0, sum);
  return sum;
}

/* The address of lane 0. */
static LLVMValueRef linear_address(struct emitter *emitter,
                                   const struct buffer *buffer,
                                   struct linear *linear) {
  LLVMTypeRef element = emit_memory_type(emitter, buffer->dtype, 1);
  size_t index = emitter_buffer_index(emitter, buffer);
  LLVMValueRef pointer = emitter->buffers.data[index].pointer;
  if (linear->terms.count > 1)
    qsort(linear->terms.data, linear->terms.count, sizeof(struct term),
          compare_terms);
  for (size_t i = 0; i < linear->terms.count; i++)
    pointer = add_term(emitter, element, pointer, &linear->terms.data[i],
                       linear->terms.data[i].level);
  if (linear->constant == 0)
    return pointer;
  return emit_offset(emitter, element, pointer,
                     emit_index(emitter, linear->constant));
}

/* An access: lanes elements at constant distance, or an address for each. */
struct access {
  LLVMTypeRef element;
  uint32_t lanes;
  bool is_contiguous;
  LLVMValueRef address;          /* lane 0, unless `offsets` */
  int64_t stride, constant;      /* part of the offset */
  LLVMValueRef pointer, offsets; /* general: vector of offsets */
};

static struct access access_of(struct emitter *emitter,
                               const struct buffer *buffer,
                               const struct expr *offset, uint32_t lanes) {
  struct access access = {
      .element = emit_memory_type(emitter, buffer->dtype, 1), .lanes = lanes};
  struct linear linear = {0};
  if (!linear_add(emitter, &linear, offset, 1)) {
    size_t index = emitter_buffer_index(emitter, buffer);
    access.pointer = emitter->buffers.data[index].pointer;
    access.offsets = emit_expr(emitter, offset);
    return access;
  }
  access.stride = offset->lanes == 1 ? 1 : linear.stride;
  access.constant = linear.constant;
  access.is_contiguous = lanes == 1 || access.stride == 1;
  access.address = linear_address(emitter, buffer, &linear);
  return access;
}

static LLVMValueRef lane_address(struct emitter *emitter,
                                 const struct access *access, uint32_t lane) {
  if (access->offsets == NULL)
    return emit_offset(emitter, access->element, access->address,
                       emit_index(emitter, wrap_mul(access->stride, lane)));
  LLVMValueRef offset = LLVMBuildExtractElement(
      emitter->builder, access->offsets, emit_index(emitter, lane), "");
  return emit_offset(emitter, access->element, access->pointer, offset);
}

/* ---- Loads --------------------------------------------------------------- */

static unsigned element_bytes(LLVMTypeRef type) {
  LLVMTypeKind kind = LLVMGetTypeKind(type);
  if (kind == LLVMIntegerTypeKind)
    return LLVMGetIntTypeWidth(type) / 8;
  return kind == LLVMFloatTypeKind ? 4 : 8;
}

/* At least `bytes` of zeros in read-only memory. */
static LLVMValueRef zeros(struct emitter *emitter, unsigned bytes) {
  char name[32];
  unsigned size = 64;
  while (size < bytes)
    size *= 2;
  (void)snprintf(name, sizeof name, "zeros_%u", size);
  LLVMModuleRef module = emitter->compiler->module;
  LLVMValueRef global = LLVMGetNamedGlobal(module, name);
  if (global != NULL)
    return global;
  LLVMTypeRef type =
      LLVMArrayType2(LLVMInt8TypeInContext(emitter->context), size);
  global = LLVMAddGlobal(module, type, name);
  LLVMSetInitializer(global, LLVMConstNull(type));
  LLVMSetGlobalConstant(global, true);
  LLVMSetLinkage(global, LLVMPrivateLinkage);
  LLVMSetUnnamedAddress(global, LLVMGlobalUnnamedAddr);
  LLVMSetAlignment(global, 64);
  return global;
}

/* The address, or that of zeros where the guard is false. */
static LLVMValueRef guarded_address(struct emitter *emitter,
                                    LLVMValueRef address, LLVMValueRef guard,
                                    unsigned bytes) {
  if (guard == NULL)
    return address;
  return LLVMBuildSelect(emitter->builder, guard, address,
                         zeros(emitter, bytes), "");
}

static LLVMValueRef plain_load(struct emitter *emitter, LLVMTypeRef type,
                               LLVMValueRef address, unsigned alignment) {
  LLVMValueRef load = LLVMBuildLoad2(emitter->builder, type, address, "");
  LLVMSetAlignment(load, alignment);
  return load;
}

static LLVMValueRef masked_load(struct emitter *emitter, LLVMTypeRef type,
                                LLVMValueRef address, unsigned alignment) {
  LLVMTypeRef types[2] = {type, LLVMTypeOf(address)};
  LLVMValueRef arguments[4] = {
      address,
      LLVMConstInt(LLVMInt32TypeInContext(emitter->context), alignment, false),
      emitter->guard, LLVMConstNull(type)};
  return compiler_intrinsic(emitter->compiler, "llvm.masked.load", types, 2,
                            arguments, 4);
}

/* The guard of a load of one lane in an expression of any lanes: whether any
 * lane is wanted. */
static LLVMValueRef scalar_guard(struct emitter *emitter) {
  if (emitter->guard == NULL || emitter->guard_lanes == 1)
    return emitter->guard;
  LLVMTypeRef type = LLVMTypeOf(emitter->guard);
  return compiler_intrinsic(emitter->compiler, "llvm.vector.reduce.or", &type,
                            1, &emitter->guard, 1);
}

static LLVMValueRef load_lanes(struct emitter *emitter,
                               const struct access *access) {
  LLVMBuilderRef builder = emitter->builder;
  unsigned bytes = element_bytes(access->element);
  bool per_lane = emitter->guard != NULL && emitter->guard_lanes > 1;
  check(!per_lane || emitter->guard_lanes == access->lanes);
  LLVMValueRef result =
      LLVMGetPoison(LLVMVectorType(access->element, access->lanes));
  for (uint32_t i = 0; i < access->lanes; i++) {
    LLVMValueRef lane = emit_index(emitter, i), guard = emitter->guard;
    if (per_lane)
      guard = LLVMBuildExtractElement(builder, guard, lane, "");
    LLVMValueRef address = guarded_address(
        emitter, lane_address(emitter, access, i), guard, bytes);
    LLVMValueRef one = plain_load(emitter, access->element, address, bytes);
    result = LLVMBuildInsertElement(builder, result, one, lane, "");
  }
  return result;
}

static LLVMValueRef load_memory(struct emitter *emitter,
                                const struct access *access) {
  unsigned bytes = element_bytes(access->element);
  if (access->lanes == 1 || (access->offsets == NULL && access->stride == 0)) {
    LLVMValueRef address =
        guarded_address(emitter, access->address, scalar_guard(emitter), bytes);
    return emit_splat(emitter,
                      plain_load(emitter, access->element, address, bytes),
                      access->lanes);
  }
  if (!access->is_contiguous)
    return load_lanes(emitter, access);
  LLVMTypeRef type = LLVMVectorType(access->element, access->lanes);
  if (emitter->guard != NULL && emitter->guard_lanes > 1) {
    check(emitter->guard_lanes == access->lanes);
    return masked_load(emitter, type, access->address, bytes);
  }
  LLVMValueRef address = guarded_address(emitter, access->address,
                                         emitter->guard, bytes * access->lanes);
  return plain_load(emitter, type, address, bytes);
}

/* LLVM's word for how near the data should come. */
enum { L2_CACHE = 2, L1_CACHE = 3 };

static void ask(struct emitter *emitter, LLVMValueRef address, int cache) {
  LLVMTypeRef type = LLVMTypeOf(address);
  LLVMTypeRef number = LLVMInt32TypeInContext(emitter->context);
  LLVMValueRef arguments[4] = {
      address, LLVMConstInt(number, 0, false), /* to be read */
      LLVMConstInt(number, (unsigned long long)cache, false),
      LLVMConstInt(number, 1, false)}; /* data */
  compiler_intrinsic(emitter->compiler, "llvm.prefetch", &type, 1, arguments,
                     4);
}

/* Asks for what is so far ahead: once for each line of the accesses that differ
 * by a constant, which is the `constant` of their offsets. An address outside
 * of the buffer does no harm. */
static void ask_ahead(struct emitter *emitter, const struct buffer *buffer,
                      const struct access *access) {
  int64_t line = 64 / element_bytes(access->element);
  if (buffer->prefetch == 0 || access->offsets != NULL ||
      access->constant % line != 0)
    return;
  ask(emitter,
      emit_offset(emitter, access->element, access->address,
                  emit_index(emitter, buffer->prefetch)),
      L1_CACHE);
}

void emit_prefetch(struct emitter *emitter, const struct buffer *buffer,
                   const struct expr *offset) {
  ask(emitter, access_of(emitter, buffer, offset, 1).address, L2_CACHE);
}

LLVMValueRef emit_load(struct emitter *emitter, const struct expr *e) {
  check(e->arg_count == 1);
  struct access access = access_of(emitter, e->buffer, e->args[0], e->lanes);
  ask_ahead(emitter, e->buffer, &access);
  LLVMValueRef value = load_memory(emitter, &access);
  if (e->dtype != ADZE_BOOL)
    return value;
  return LLVMBuildICmp(emitter->builder, LLVMIntNE, value,
                       LLVMConstNull(LLVMTypeOf(value)), "");
}

/* ---- Stores -------------------------------------------------------------- */

static void plain_store(struct emitter *emitter, LLVMValueRef value,
                        LLVMValueRef address, unsigned alignment) {
  LLVMValueRef store = LLVMBuildStore(emitter->builder, value, address);
  LLVMSetAlignment(store, alignment);
}

void emit_store(struct emitter *emitter, const struct buffer *buffer,
                const struct expr *offset, const struct expr *value) {
  LLVMBuilderRef builder = emitter->builder;
  uint32_t lanes = offset->lanes > value->lanes ? offset->lanes : value->lanes;
  LLVMValueRef stored = emit_lanes(emitter, value, lanes);
  struct access access = access_of(emitter, buffer, offset, lanes);
  unsigned bytes = element_bytes(access.element);
  if (buffer->dtype == ADZE_BOOL)
    stored = LLVMBuildZExt(builder, stored,
                           emit_memory_type(emitter, ADZE_BOOL, lanes), "");
  if (access.is_contiguous) {
    plain_store(emitter, stored, access.address, bytes);
  } else {
    for (uint32_t i = 0; i < lanes; i++) {
      LLVMValueRef one =
          LLVMBuildExtractElement(builder, stored, emit_index(emitter, i), "");
      plain_store(emitter, one, lane_address(emitter, &access, i), bytes);
    }
  }
  emitter_buffer_changed(emitter, buffer);
}
