/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: code generators from flat loop IR. One table, targets.def. */
#ifndef TARGET_TARGET_H
#define TARGET_TARGET_H

#include "base/text.h"
#include "ir/loop.h"
#include "machine/machine.h"

/* What a kernel's pointer argument is bound to when the model runs. */
enum binding_kind {
  BINDING_INPUT,     /* instance->inputs[index] */
  BINDING_OUTPUT,    /* instance->outputs[index] */
  BINDING_WEIGHTS,   /* instance->weights + offset */
  BINDING_WORKSPACE, /* instance->workspace + offsets[index] + offset */
};
struct binding {
  enum binding_kind kind;
  uint32_t index;
  uint64_t offset; /* bytes */
};

/* One kernel call of the model. Kernels may be shared by several steps.
 * Scalars are the open dimensions with those ->symbol numbers. */
struct module_step {
  struct function *kernel;
  struct binding *bindings; /* [kernel->parameters.count] */
  bool barrier_after;       /* env->barrier before the next step */
  uint32_t parts;           /* of each worker's share, at least 1 */
  const char *name;         /* for profiles */
};

/* What a target turns into code: the kernels, and the ABI entry points
 * (adze/package_abi.h) that call them in order. */
struct module {
  const char *prefix;             /* of all symbols: "" or "resnet50_" */
  VEC(struct function *) kernels; /* flat; distinct names */
  VEC(struct module_step) steps;
  /* plan(symbols, workspace_bytes, offsets, output_dims, status), all i64
   * buffers, scalar parameters: none; `workers` as function->scalars[0].
   * Stores 0, 1 + failed constraint, or -1 into status[0]. Flat. */
  struct function *plan;
  /* offsets[scratch_offset_index] is where worker scratch begins;
   * offsets[scratch_offset_index + 1] its bytes per worker. */
  uint32_t scratch_offset_index;
  uint32_t symbol_count, offset_count, input_count, output_count;
  uint64_t weights_bytes;
  /* Standalone output: also NAME_run and NAME_workspace_bytes, with weights in
   * the external symbol <prefix>weights. For output format C, the package
   * writer puts `const uint64_t <prefix>weights[]` before the text in the same
   * file, so that must be how the text declares it, if it does. */
  bool is_standalone;
};

struct object_code {
  const void *data;
  size_t bytes;
};
struct object_list {
  VEC(struct object_code) objects; /* relocatable ELF, arena */
};

struct code_dump { /* formats asked for by --dump-code; NULL where not */
  struct text *ll, *assembly, *c;
};

struct target {
  const char *name, *summary;
  /* Object code, on at most `threads` threads; deterministic whatever threads
   * is. `dump` may be NULL. For `c`, objects come from the C compiler, which is
   * not needed where `out` is NULL: then only the dump is made. */
  enum adze_status (*emit)(struct arena *arena, const struct machine *machine,
                           const struct module *module, int threads,
                           struct code_dump *dump, struct object_list *out,
                           struct adze_error *error);
  /* Compiles kernels for this process and gives their addresses (ORC, or the C
   * compiler and dlopen); all live until the arena is reset. addresses[i] is
   * void (*)(void *const *parameters, const int64_t *scalars, void *scratch,
   * int64_t worker, int64_t workers): a uniform wrapper of kernels[i]. */
  enum adze_status (*load)(struct arena *arena, const struct machine *machine,
                           struct function *const *kernels, size_t count,
                           void **addresses, struct adze_error *error);
};

#define TARGET(name, file) extern const struct target target_##name;
#include "target/targets.def"
#undef TARGET
const struct target *target_find(const char *name);
extern const struct target *const target_table[];
extern const size_t target_table_count;

#endif
