/* SPDX-License-Identifier: Apache-2.0 */
/* The LLVM target of a program that was built without LLVM: the same table
 * row, and an error that says what is missing. */
#include "target/target.h"

static enum adze_status absent(const struct machine *machine,
                               struct adze_error *error) {
  return fail(error, ADZE_UNAVAILABLE,
              "target \"%s\": adze was built without LLVM; install "
              "llvm-19-dev and build again, or use the target \"c\"",
              machine->target_line);
}

static enum adze_status
absent_emit(struct arena *arena, const struct machine *machine,
            const struct module *module, int threads, struct code_dump *dump,
            struct object_list *out, struct adze_error *error) {
  (void)arena, (void)module, (void)threads, (void)dump, (void)out;
  return absent(machine, error);
}

static enum adze_status absent_load(struct arena *arena,
                                    const struct machine *machine,
                                    struct function *const *kernels,
                                    size_t count, void **addresses,
                                    struct adze_error *error) {
  (void)arena, (void)kernels, (void)count, (void)addresses;
  return absent(machine, error);
}

const struct target target_llvm = {
    .name = "llvm",
    .summary = "object code through LLVM (absent from this build)",
    .emit = absent_emit,
    .load = absent_load,
};
