/* SPDX-License-Identifier: Apache-2.0 */
/* Writes what a compile makes: a package (model.tar), or NAME.o, libNAME.a or
 * NAME.c with NAME.h. The formats are described in docs/ABI.md.
 *
 *   struct package_writer *writer;
 *   TRY(package_open(arena, &contents, &writer, error));
 *   for every constant:
 *     TRY(package_add_weights(writer, data, bytes, alignment, &offset, error));
 *   TRY(package_finish(writer, &code, error));
 *
 * Weights go straight to the disk, so no more than one constant is in memory at
 * a time. Nothing appears under the output's name before package_finish has
 * succeeded; when the arena is reset or destroyed before that, everything is
 * removed. The same calls give the same bytes.
 */
#ifndef PACKAGE_PACKAGE_H
#define PACKAGE_PACKAGE_H

#include "adze/adze.h"
#include "adze/package_abi.h"
#include "base/arena.h"
#include "target/target.h"

struct package_symbol {
  const char *name;
  int64_t minimum, maximum; /* inclusive, minimum >= 0 */
};
struct package_tensor {
  const char *name;
  enum adze_dtype dtype;
  size_t rank;
  /* As in struct adze_index_tensor: a size, ~symbol, or, for outputs,
   * INT64_MIN where only plan() knows. */
  int64_t dims[ADZE_INDEX_MAX_RANK];
};
struct package_kernel {
  const char *name, *template_name;
  double flops;
};
struct package_property {
  const char *name, *value;
};

/* What is known before the weights are computed. Everything is borrowed until
 * package_finish. Zeroed fields are empty; strings may be NULL for "". */
struct package_contents {
  enum adze_output_format format;
  const char *path;        /* the output; NAME.h goes to the same folder */
  const char *module_name; /* NAME; a C identifier; not used by packages */
  const char *name;        /* the model's */
  const char *target_line, *version;
  uint32_t machine; /* ELF e_machine */
  const char *const *features;
  size_t feature_count;
  const struct package_symbol *symbols;
  size_t symbol_count;
  const struct package_tensor *inputs, *outputs;
  size_t input_count, output_count;
  const char *const *constraints;
  size_t constraint_count;
  const struct package_kernel *kernels;
  size_t kernel_count;
  const struct package_property *properties;
  size_t property_count;
};

/* What is known at the end. */
struct package_code {
  const struct object_code *objects; /* of one target; not for format C */
  size_t object_count;
  /* Format C: the text that defines NAME_run and its kin. It follows, in the
   * same file, the definition `const uint64_t NAME_weights[]`. */
  const char *source;
  const char *json; /* packages: mod.json */
  size_t json_bytes;
  /* obj, static, c without open dimensions: NAME_WORKSPACE_BYTES. */
  int64_t workspace_bytes;
};

struct package_writer;

/* INVALID_ARGUMENT when module_name is needed and no C identifier;
 * IO, LIMIT. */
enum adze_status package_open(struct arena *arena,
                              const struct package_contents *contents,
                              struct package_writer **out,
                              struct adze_error *error) ADZE_MUST_USE;
/* Appends a constant at the next multiple of `alignment` (a power of two, at
 * most 65536) and says where that was: offsets are those that bindings of kind
 * BINDING_WEIGHTS use. */
enum adze_status package_add_weights(struct package_writer *writer,
                                     const void *data, size_t bytes,
                                     size_t alignment, uint64_t *offset,
                                     struct adze_error *error) ADZE_MUST_USE;
/* Links, completes, and gives the output its name. On failure as well, the
 * writer can't be used any more. IO, UNAVAILABLE (no linker). */
enum adze_status package_finish(struct package_writer *writer,
                                const struct package_code *code,
                                struct adze_error *error) ADZE_MUST_USE;

/* Whether `name` can be a module name: a C identifier that does not start with
 * an underscore, at most 100 bytes. */
bool package_module_name_valid(const char *name);
/* The module name of a model when the user gives none: "adze_" and the model's
 * name, with '_' for what identifiers can't hold. Arena. */
const char *package_module_name_default(struct arena *arena,
                                        const char *model_name);

#endif
