/* SPDX-License-Identifier: Apache-2.0 */
/* LLVM itself: process-wide options, target machines, object code.
 *
 * No optimisation pass runs: the IR is final when it is made, and LLVM's part
 * is instruction selection and register allocation. Its machine scheduler is
 * off, since it hoists the loads of a large register tile until the
 * accumulators spill. That option and the like can only be given for the whole
 * process, so they are set once, before the first use of LLVM here.
 *
 * "no-builtins" keeps code generation from making calls of memcpy and the like;
 * a package has no library to call.
 */
#include "target/llvm/emitter.h"

#include "base/environment.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Support.h>
#include <llvm-c/Target.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* ---- Once per process ---------------------------------------------------- */

static void initialize(void) {
  static const char *const options[] = {
      "adze",
      "-enable-misched=false",
  };
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  LLVMInitializeAArch64TargetInfo();
  LLVMInitializeAArch64Target();
  LLVMInitializeAArch64TargetMC();
  LLVMInitializeAArch64AsmPrinter();
  LLVMParseCommandLineOptions((int)ARRAY_COUNT(options), options, NULL);
}

/* ---- A context with a module --------------------------------------------- */

static void compiler_release(void *resource) {
  struct compiler *compiler = resource;
  if (compiler->builder != NULL)
    LLVMDisposeBuilder(compiler->builder);
  if (compiler->module != NULL)
    LLVMDisposeModule(compiler->module);
  if (compiler->target_machine != NULL)
    LLVMDisposeTargetMachine(compiler->target_machine);
  if (compiler->context != NULL)
    LLVMContextDispose(compiler->context);
}

static LLVMTargetMachineRef
target_machine_create(const struct compiler *compiler) {
  const struct machine *machine = compiler->machine;
  LLVMTargetRef target;
  char *message = NULL;
  /* The table of machines has only architectures set up above. */
  if (LLVMGetTargetFromTriple(machine->triple, &target, &message) != 0)
    unreachable();
  return LLVMCreateTargetMachine(target, machine->triple, machine->cpu,
                                 compiler->features, LLVMCodeGenLevelDefault,
                                 LLVMRelocPIC, LLVMCodeModelDefault);
}

struct compiler *compiler_create(struct arena *arena,
                                 const struct machine *machine,
                                 const char *name) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  (void)pthread_once(&once, initialize);
  struct compiler *compiler = ARENA_NEW(arena, struct compiler);
  compiler->arena = arena;
  compiler->machine = machine;
  compiler->features = machine_llvm_features(arena, machine);
  arena_defer(arena, compiler_release, compiler);
  compiler->context = LLVMContextCreate();
  compiler->module = LLVMModuleCreateWithNameInContext(name, compiler->context);
  compiler->builder = LLVMCreateBuilderInContext(compiler->context);
  compiler->target_machine = target_machine_create(compiler);
  LLVMSetTarget(compiler->module, machine->triple);
  LLVMTargetDataRef layout =
      LLVMCreateTargetDataLayout(compiler->target_machine);
  LLVMSetModuleDataLayout(compiler->module, layout);
  LLVMDisposeTargetData(layout);
  return compiler;
}

/* ---- Attributes and intrinsics ------------------------------------------- */

void compiler_add_attribute(struct compiler *compiler, LLVMValueRef function,
                            unsigned index, const char *name, uint64_t value) {
  unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));
  check(kind != 0);
  LLVMAddAttributeAtIndex(
      function, index, LLVMCreateEnumAttribute(compiler->context, kind, value));
}

static void add_text_attribute(struct compiler *compiler, LLVMValueRef function,
                               const char *name, const char *value) {
  LLVMAddAttributeAtIndex(
      function, LLVMAttributeFunctionIndex,
      LLVMCreateStringAttribute(compiler->context, name, (unsigned)strlen(name),
                                value, (unsigned)strlen(value)));
}

void compiler_add_attributes(struct compiler *compiler, LLVMValueRef function) {
  const struct machine *machine = compiler->machine;
  char bits[24];
  (void)snprintf(bits, sizeof bits, "%lld", (long long)machine->vector_bits);
  compiler_add_attribute(compiler, function, LLVMAttributeFunctionIndex,
                         "nounwind", 0);
  add_text_attribute(compiler, function, "no-builtins", "true");
  add_text_attribute(compiler, function, "target-cpu", machine->cpu);
  add_text_attribute(compiler, function, "target-features", compiler->features);
  /* Intel's server CPUs would else be given half vectors. */
  add_text_attribute(compiler, function, "prefer-vector-width", bits);
}

LLVMValueRef compiler_intrinsic(struct compiler *compiler, const char *name,
                                LLVMTypeRef *types, size_t type_count,
                                LLVMValueRef *arguments,
                                unsigned argument_count) {
  unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
  check(id != 0);
  LLVMValueRef function =
      LLVMGetIntrinsicDeclaration(compiler->module, id, types, type_count);
  return LLVMBuildCall2(compiler->builder, LLVMGlobalGetValueType(function),
                        function, arguments, argument_count, "");
}

/* ---- Object code --------------------------------------------------------- */

/* Registered before it is filled, so that nothing is lost when memory for the
 * registration runs out. */
struct code_holder {
  LLVMMemoryBufferRef buffer;
};

static void release_code(void *resource) {
  struct code_holder *holder = resource;
  if (holder->buffer != NULL)
    LLVMDisposeMemoryBuffer(holder->buffer);
}

static struct object_code emit_file(struct compiler *compiler,
                                    LLVMCodeGenFileType type) {
  struct code_holder *holder = ARENA_NEW(compiler->arena, struct code_holder);
  char *message = NULL;
  arena_defer(compiler->arena, release_code, holder);
  if (LLVMTargetMachineEmitToMemoryBuffer(compiler->target_machine,
                                          compiler->module, type, &message,
                                          &holder->buffer) != 0)
    guard_out_of_memory();
  return (struct object_code){LLVMGetBufferStart(holder->buffer),
                              LLVMGetBufferSize(holder->buffer)};
}

/* Faults of ours in LLVM IR show here instead of as odd code. */
static void verify(struct compiler *compiler) {
  const char *wanted = environment_get(ENVIRONMENT_ADZE_VERIFY);
#ifdef __OPTIMIZE__
  if (wanted == NULL)
    return;
#endif
  if (wanted != NULL && strcmp(wanted, "0") == 0)
    return;
  char *message = NULL;
  if (LLVMVerifyModule(compiler->module, LLVMReturnStatusAction, &message) !=
      0) {
    (void)fprintf(stderr, "internal: %s\n", message);
    unreachable();
  }
  LLVMDisposeMessage(message);
}

struct object_code compiler_finish(struct compiler *compiler,
                                   struct code_dump *dump) {
  verify(compiler);
  if (dump != NULL && dump->ll != NULL) {
    char *text = LLVMPrintModuleToString(compiler->module);
    text_add(dump->ll, text);
    LLVMDisposeMessage(text);
  }
  if (dump != NULL && dump->assembly != NULL) {
    /* Code generation changes the module, so the text comes from a copy. */
    struct compiler copy = *compiler;
    copy.module = LLVMCloneModule(compiler->module);
    struct object_code text = emit_file(&copy, LLVMAssemblyFile);
    LLVMDisposeModule(copy.module);
    text_add_n(dump->assembly, text.data, text.bytes);
  }
  return emit_file(compiler, LLVMObjectFile);
}
