/* SPDX-License-Identifier: Apache-2.0 */
/* What a loaded model is made of. Immutable after adze_model_load. */
#ifndef RUNTIME_MODEL_H
#define RUNTIME_MODEL_H

#include "adze/runtime.h"
#include "base/base.h"
#include "base/file.h"
#include "runtime/code.h"

struct adze_model {
  struct adze_allocator allocator;
  char *path; /* for messages */
  size_t path_bytes;
  struct file_map file;
  struct adze_index_header *index; /* checked private copy */
  size_t index_bytes;
  struct code code;
  const struct adze_abi_module *module; /* NULL when only described */
  const void *weights;                  /* in the file, or in copied_weights */
  void *copied_weights;
};

const struct adze_index_tensor *model_inputs(const adze_model *model);
const struct adze_index_tensor *model_outputs(const adze_model *model);
const struct adze_index_symbol *model_symbols(const adze_model *model);
const char *model_string(const adze_model *model, uint32_t offset);

/* Describes a tensor. `symbols` gives values of open dimensions, or NULL;
 * `dims` all sizes, or NULL. */
void model_describe(const adze_model *model,
                    const struct adze_index_tensor *tensor,
                    const int64_t *symbols, const int64_t *dims,
                    struct adze_tensor_info *out);

#endif
