/* SPDX-License-Identifier: Apache-2.0 */
/* Flat loop IR to LLVM IR: the state shared by the files of this folder.
 *
 *   node.c       values already made and where they hold; loop depths
 *   value.c      expressions
 *   division.c   integer division and remainder, all cases defined
 *   round.c      rounding without an instruction for it, float remainder
 *   memory.c     addresses, loads, stores
 *   statement.c  loops, conditions, locals
 *   kernel.c     functions
 *   entry.c      the ABI entry points
 *   compile.c    LLVM modules to object code
 *   llvm.c       the target: splitting a module, threads, in-process loading
 */
#ifndef TARGET_LLVM_EMITTER_H
#define TARGET_LLVM_EMITTER_H

#include "base/map.h"
#include "target/target.h"

#include <llvm-c/Core.h>
#include <llvm-c/TargetMachine.h>

/* The process-wide options and a target machine; everything is released with
 * `arena`. */
struct compiler {
  struct arena *arena;
  const struct machine *machine;
  const char *features; /* LLVM's, complete */
  LLVMContextRef context;
  LLVMModuleRef module;
  LLVMBuilderRef builder;
  LLVMTargetMachineRef target_machine;
};

/* Creates a context and an empty module named `name` in it. */
struct compiler *compiler_create(struct arena *arena,
                                 const struct machine *machine,
                                 const char *name);
/* Object code of the module; `dump` (may be NULL) gets texts first. */
struct object_code compiler_finish(struct compiler *compiler,
                                   struct code_dump *dump);
/* Adds what every function of ours carries: CPU, features, no libraries. */
void compiler_add_attributes(struct compiler *compiler, LLVMValueRef function);
void compiler_add_attribute(struct compiler *compiler, LLVMValueRef function,
                            unsigned index, const char *name, uint64_t value);
/* The declaration of an intrinsic overloaded over `types`, and a call. */
LLVMValueRef compiler_intrinsic(struct compiler *compiler, const char *name,
                                LLVMTypeRef *types, size_t type_count,
                                LLVMValueRef *arguments,
                                unsigned argument_count);

/* Where something is known to hold: until the end of the construct. */
enum scope_kind { SCOPE_FUNCTION, SCOPE_LOOP, SCOPE_BRANCH, SCOPE_GUARD };

struct node;
struct trail_entry {
  struct node *node;
  LLVMValueRef value;
  uint64_t stamp;
  uint32_t guard_depth;
};
struct scope {
  enum scope_kind kind;
  struct scope *parent;
  LLVMBasicBlockRef preheader;   /* loops: a block that runs once before */
  VEC(struct trail_entry) trail; /* what values were before this scope */
};

/* What is known of an expression, or of an address made from parts. */
struct node {
  const void *key[2]; /* expression, NULL; or two LLVM values */
  int64_t factor;
  uint32_t level;       /* loops around that it depends on */
  uint32_t epoch;       /* emitter->epoch that level is for */
  uint64_t local_mask;  /* bit (id % 64) of locals it reads */
  uint64_t buffer_mask; /* bit (index % 64) of buffers it loads from */
  uint32_t guard_depth; /* conditions that loads below stand under */
  LLVMValueRef value;   /* NULL: not made here */
  uint64_t stamp;       /* when */
  struct node *next;
};

/* A loop variable or scalar parameter in force. */
struct binding_of_variable {
  const struct variable *variable;
  LLVMValueRef value;
  uint32_t level;
};

struct buffer_pointer {
  const struct buffer *buffer;
  LLVMValueRef pointer;
  bool may_alias;
};

#define EMITTER_MAX_LOOPS 64

struct emitter {
  struct compiler *compiler;
  struct arena *arena;
  LLVMContextRef context;
  LLVMBuilderRef builder;
  const struct function *function;
  LLVMValueRef code;    /* the LLVM function */
  LLVMValueRef *locals; /* [local_count] current values; NULL: never set */
  VEC(struct binding_of_variable) variables;
  VEC(struct buffer_pointer) buffers; /* parameters first */
  VEC(LLVMValueRef) phis; /* of locals; dead ones are removed at the end */

  struct node **nodes; /* hash table */
  size_t node_count, node_capacity;
  struct scope *scope;
  struct scope *loops[EMITTER_MAX_LOOPS + 1]; /* [1 .. depth] */
  uint32_t depth;
  uint32_t epoch; /* changes when a variable moves to another depth */
  struct map *variable_levels;
  uint64_t clock;
  uint64_t local_clocks[64], buffer_clocks[64]; /* last change */
  uint64_t *local_rounds; /* [local_count] round in which it was last set */
  uint64_t round;

  LLVMValueRef insert_before; /* where the builder stands: before this, */
  LLVMBasicBlockRef block;    /* or at the end of this */
  LLVMValueRef guard; /* loads happen where this holds; NULL: everywhere */
  uint16_t guard_lanes;
  uint32_t guard_depth; /* how many conditions that is */
};

/* ---- node.c -------------------------------------------------------------- */
struct node *emitter_node(struct emitter *emitter, const struct expr *e);
struct node *emitter_address_node(struct emitter *emitter, LLVMValueRef a,
                                  LLVMValueRef b, int64_t factor,
                                  uint32_t level);
/* The value if it is made and holds here, else NULL. */
LLVMValueRef emitter_value(const struct emitter *emitter,
                           const struct node *node);
/* Keeps a value made at `level` (emitter->depth: at the present place) under
 * the outermost `guard_depth` of the conditions in force. */
void emitter_keep(struct emitter *emitter, struct node *node, uint32_t level,
                  uint32_t guard_depth, LLVMValueRef value);
/* The same for an expression. */
void emitter_keep_expr(struct emitter *emitter, const struct expr *e,
                       uint32_t level, LLVMValueRef value);
void emitter_enter(struct emitter *emitter, struct scope *scope,
                   enum scope_kind kind);
void emitter_leave(struct emitter *emitter);
/* Values that depend on the local, or on the buffer's contents, end here. */
void emitter_local_changed(struct emitter *emitter, const struct local *local);
void emitter_buffer_changed(struct emitter *emitter,
                            const struct buffer *buffer);
size_t emitter_buffer_index(const struct emitter *emitter,
                            const struct buffer *buffer);
const struct binding_of_variable *
emitter_variable(const struct emitter *emitter,
                 const struct variable *variable);
void emitter_bind(struct emitter *emitter, const struct variable *variable,
                  LLVMValueRef value, uint32_t level);
/* Moves the builder to the end of a block. */
void emitter_at_end(struct emitter *emitter, LLVMBasicBlockRef block);
/* Moves the builder to where values of `level` < depth are made; the state to
 * go back with. */
struct place {
  LLVMBasicBlockRef block;
  LLVMValueRef before;
};
struct place emitter_hoist(struct emitter *emitter, uint32_t level);
void emitter_return(struct emitter *emitter, struct place place);

/* ---- value.c ------------------------------------------------------------- */
LLVMTypeRef emit_type(const struct emitter *emitter, enum adze_dtype dtype,
                      uint32_t lanes);
LLVMTypeRef emit_memory_type(const struct emitter *emitter,
                             enum adze_dtype dtype, uint32_t lanes);
LLVMValueRef emit_index(const struct emitter *emitter, int64_t value);
LLVMValueRef emit_splat(struct emitter *emitter, LLVMValueRef scalar,
                        uint32_t lanes);
/* A constant of dtype in all lanes. */
LLVMValueRef emit_constant(struct emitter *emitter, enum adze_dtype dtype,
                           uint32_t lanes, double value);
LLVMValueRef emit_expr(struct emitter *emitter, const struct expr *e);
/* As emit_expr, with the scalar in all lanes where e is one. */
LLVMValueRef emit_lanes(struct emitter *emitter, const struct expr *e,
                        uint32_t lanes);

/* ---- division.c, round.c ------------------------------------------------- */
LLVMValueRef emit_division(struct emitter *emitter, const struct expr *e);
LLVMValueRef emit_rounding(struct emitter *emitter, enum expr_kind kind,
                           LLVMValueRef x, enum adze_dtype dtype,
                           uint32_t lanes);
LLVMValueRef emit_float_remainder(struct emitter *emitter, LLVMValueRef a,
                                  LLVMValueRef b, enum adze_dtype dtype,
                                  uint32_t lanes);

/* ---- memory.c ------------------------------------------------------------ */
LLVMValueRef emit_load(struct emitter *emitter, const struct expr *e);
void emit_store(struct emitter *emitter, const struct buffer *buffer,
                const struct expr *offset, const struct expr *value);
void emit_prefetch(struct emitter *emitter, const struct buffer *buffer,
                   const struct expr *offset);

/* ---- statement.c, kernel.c, entry.c -------------------------------------- */
void emit_statements(struct emitter *emitter, const struct statement *list);
/* Removes phis of locals that nothing reads. */
void emit_remove_dead_phis(struct emitter *emitter);

/* The function's type and its declaration under prefix + name. */
LLVMTypeRef emit_kernel_type(struct compiler *compiler,
                             const struct function *function);
LLVMValueRef emit_kernel_declare(struct compiler *compiler,
                                 const struct function *function,
                                 const char *symbol);
/* Defines it. may_alias[i]: parameter i can lie in another one's memory (NULL:
 * none does). */
LLVMValueRef emit_kernel_define(struct compiler *compiler,
                                const struct function *function,
                                const char *symbol, const bool *may_alias);
bool emit_kernel_has_scratch(const struct function *function);
/* Calls with the uniform signature of target->load. */
void emit_kernel_define_wrapper(struct compiler *compiler,
                                const struct function *function,
                                LLVMValueRef kernel, const char *symbol);

void emit_entry(struct compiler *compiler, const struct module *module);

#endif
