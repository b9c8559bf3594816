/* SPDX-License-Identifier: Apache-2.0 */
/* The LLVM target: a module split into pieces, each compiled by whichever
 * thread is free, and the same pieces loaded into this process.
 *
 * Pieces are runs of kernels of about equal weight; where they are cut depends
 * on the kernels only, so the objects are the same for any number of threads.
 * Each piece has an arena, an LLVM context and a target machine of its own,
 * since LLVM shares nothing between threads safely.
 */
#include "target/llvm/emitter.h"

#include "base/environment.h"
#include "base/lazy.h"
#include "base/parallel.h"

#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>

#include <string.h>

/* About what one thread compiles in 20 ms; less costs more in set-up. */
#define PIECE_WEIGHT 600

extern struct lazy_library lazy_llvm;

struct piece {
  struct arena *arena;
  size_t first, count; /* kernels; count 0: the entry points */
  struct object_code object;
  struct code_dump dump;
};

struct job {
  const struct machine *machine;
  const struct module *module; /* NULL: kernels to load, with wrappers */
  struct function *const *kernels;
  bool **may_alias;   /* [kernel]; NULL when there is no module */
  const char *prefix; /* with a module */
  struct code_dump *dump;
  VEC(struct piece) pieces;
};

/* ---- Splitting ----------------------------------------------------------- */

static size_t weight_of(const struct statement *list) {
  size_t weight = 0;
  for (const struct statement *s = list; s != NULL; s = s->next) {
    weight += 1;
    if (s->kind == STATEMENT_FOR)
      weight += 2 + weight_of(s->loop.body);
    else if (s->kind == STATEMENT_IF)
      weight +=
          2 + weight_of(s->branch.then_body) + weight_of(s->branch.else_body);
  }
  return weight;
}

/* Holders are registered before they are filled: registering may run out of
 * memory. */
struct arena_holder {
  struct arena *arena;
};

static void release_arena(void *resource) {
  struct arena_holder *holder = resource;
  arena_destroy(holder->arena);
}

static void add_piece(struct arena *arena, struct job *job, size_t first,
                      size_t count) {
  struct piece piece = {.first = first, .count = count};
  struct arena_holder *holder = ARENA_NEW(arena, struct arena_holder);
  arena_defer(arena, release_arena, holder);
  piece.arena = holder->arena = arena_create("llvm piece");
  if (piece.arena == NULL)
    guard_out_of_memory();
  vec_push(arena, &job->pieces, piece);
}

static void split(struct arena *arena, struct job *job, size_t count) {
  size_t first = 0, weight = 0;
  for (size_t i = 0; i < count; i++) {
    weight += weight_of(job->kernels[i]->body);
    if (weight >= PIECE_WEIGHT || i + 1 == count) {
      add_piece(arena, job, first, i + 1 - first);
      first = i + 1;
      weight = 0;
    }
  }
}

/* ---- Compiling a piece --------------------------------------------------- */

static struct text *new_text(struct arena *arena) {
  struct text *text = ARENA_NEW(arena, struct text);
  text->arena = arena;
  return text;
}

static enum adze_status compile_piece(void *argument, size_t index,
                                      struct adze_error *error) {
  struct job *job = argument;
  struct piece *piece = &job->pieces.data[index];
  struct arena *arena = piece->arena;
  (void)error;
  struct compiler *compiler = compiler_create(
      arena, job->machine, arena_printf(arena, "adze_%zu", index));
  for (size_t i = piece->first; i < piece->first + piece->count; i++) {
    const struct function *kernel = job->kernels[i];
    const char *symbol =
        job->module != NULL
            ? arena_printf(arena, "%s%s", job->prefix, kernel->name)
            : arena_printf(arena, "adze_kernel_%zu", i);
    LLVMValueRef code =
        emit_kernel_define(compiler, kernel, symbol,
                           job->may_alias != NULL ? job->may_alias[i] : NULL);
    if (job->module == NULL)
      emit_kernel_define_wrapper(compiler, kernel, code,
                                 arena_printf(arena, "adze_wrapper_%zu", i));
  }
  if (piece->count == 0)
    emit_entry(compiler, job->module);
  if (job->dump != NULL && job->dump->ll != NULL)
    piece->dump.ll = new_text(arena);
  if (job->dump != NULL && job->dump->assembly != NULL)
    piece->dump.assembly = new_text(arena);
  piece->object = compiler_finish(compiler, &piece->dump);
  return ADZE_OK;
}

static void collect_dump(struct text *out, const struct text *piece) {
  if (out != NULL && piece != NULL)
    text_add(out, text_string(piece));
}

/* ---- Aliasing ------------------------------------------------------------ */

static bool may_overlap(const struct binding *a, const struct binding *b) {
  return a->kind == b->kind && a->index == b->index &&
         a->kind != BINDING_WEIGHTS;
}

/* Which parameters some step binds to memory of another one of the kernel. */
static void find_aliases(struct arena *arena, struct job *job,
                         const struct module *module) {
  struct map kernels;
  map_init(&kernels, arena);
  job->may_alias = ARENA_ARRAY(arena, bool *, module->kernels.count);
  for (size_t i = 0; i < module->kernels.count; i++) {
    const struct function *kernel = module->kernels.data[i];
    job->may_alias[i] = ARENA_ARRAY(arena, bool, kernel->parameters.count);
    (void)map_set(&kernels, kernel->name, job->may_alias[i]);
  }
  for (size_t i = 0; i < module->steps.count; i++) {
    const struct module_step *step = &module->steps.data[i];
    bool *aliases = map_get(&kernels, step->kernel->name);
    check(aliases != NULL);
    size_t count = step->kernel->parameters.count;
    for (size_t a = 0; a < count; a++)
      for (size_t b = 0; b < a; b++)
        if (may_overlap(&step->bindings[a], &step->bindings[b]))
          aliases[a] = aliases[b] = true;
  }
}

/* ---- emit ---------------------------------------------------------------- */

static enum adze_status
llvm_emit(struct arena *arena, const struct machine *machine,
          const struct module *module, int threads, struct code_dump *dump,
          struct object_list *out, struct adze_error *error) {
  struct job job = {.machine = machine,
                    .module = module,
                    .kernels = module->kernels.data,
                    .prefix = module->prefix,
                    .dump = dump};
  TRY(lazy_library_open(&lazy_llvm, error));
  find_aliases(arena, &job, module);
  /* The entry points first: they are the longest piece of a deep network. */
  add_piece(arena, &job, 0, 0);
  split(arena, &job, module->kernels.count);
  TRY(parallel_for(threads, job.pieces.count, compile_piece, &job, error));
  for (size_t i = 0; i < job.pieces.count; i++) {
    const struct piece *piece = &job.pieces.data[i];
    if (dump != NULL) {
      collect_dump(dump->ll, piece->dump.ll);
      collect_dump(dump->assembly, piece->dump.assembly);
    }
    vec_push(arena, &out->objects, piece->object);
  }
  return ADZE_OK;
}

/* ---- load ---------------------------------------------------------------- */

static enum adze_status orc_status(LLVMErrorRef failure,
                                   struct adze_error *error) {
  if (failure == LLVMErrorSuccess)
    return ADZE_OK;
  char *message = LLVMGetErrorMessage(failure);
  enum adze_status status =
      fail(error, ADZE_INTERNAL, "LLVM can't load compiled code: %s", message);
  LLVMDisposeErrorMessage(message);
  return status;
}

struct jit_holder {
  LLVMOrcLLJITRef jit;
};

static void release_jit(void *resource) {
  struct jit_holder *holder = resource;
  if (holder->jit != NULL)
    LLVMConsumeError(LLVMOrcDisposeLLJIT(holder->jit));
}

static enum adze_status add_objects(LLVMOrcLLJITRef jit, const struct job *job,
                                    struct adze_error *error) {
  for (size_t i = 0; i < job->pieces.count; i++) {
    const struct object_code *object = &job->pieces.data[i].object;
    LLVMMemoryBufferRef buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(
        object->data, object->bytes, "adze");
    TRY(orc_status(LLVMOrcLLJITAddObjectFile(
                       jit, LLVMOrcLLJITGetMainJITDylib(jit), buffer),
                   error));
  }
  return ADZE_OK;
}

static enum adze_status llvm_load(struct arena *arena,
                                  const struct machine *machine,
                                  struct function *const *kernels, size_t count,
                                  void **addresses, struct adze_error *error) {
  struct job job = {.machine = machine, .kernels = kernels};
  struct jit_holder *holder = ARENA_NEW(arena, struct jit_holder);
  if (!machine->is_host)
    return fail(error, ADZE_INCOMPATIBLE,
                "code for \"%s\" can't run on this machine",
                machine->target_line);
  TRY(lazy_library_open(&lazy_llvm, error));
  split(arena, &job, count);
  TRY(parallel_for(environment_threads(), job.pieces.count, compile_piece, &job,
                   error));
  arena_defer(arena, release_jit, holder);
  TRY(orc_status(LLVMOrcCreateLLJIT(&holder->jit, NULL), error));
  TRY(add_objects(holder->jit, &job, error));
  for (size_t i = 0; i < count; i++) {
    LLVMOrcExecutorAddress address = 0;
    TRY(orc_status(
        LLVMOrcLLJITLookup(holder->jit, &address,
                           arena_printf(arena, "adze_wrapper_%zu", i)),
        error));
    addresses[i] = (void *)(uintptr_t)address;
  }
  return ADZE_OK;
}

const struct target target_llvm = {
    .name = "llvm",
    .summary = "object code for x86-64 and AArch64 through LLVM",
    .emit = llvm_emit,
    .load = llvm_load,
};
