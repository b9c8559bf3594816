/* SPDX-License-Identifier: Apache-2.0 */
/* One run's memory. */
#ifndef RUNTIME_INSTANCE_H
#define RUNTIME_INSTANCE_H

#include <stdatomic.h>

#include "runtime/model.h"

struct adze_instance {
  const adze_model *model;
  struct adze_allocator allocator;
  size_t bytes; /* of this struct with the arrays below */
  adze_pool *pool;
  bool owns_pool;
  bool flush_denormals;
  struct adze_abi_instance abi; /* what run() sees; points to the arrays */
  void *workspace;
  size_t workspace_bytes;
  /* Arrays behind this struct, in one block. */
  int64_t *symbols;        /* [symbol_count] */
  int64_t *offsets;        /* [offset_count] */
  int64_t *output_dims;    /* of all outputs, one after the other */
  const void **inputs;     /* [input_count]; NULL: not bound */
  void **outputs;          /* [output_count] */
  _Atomic int64_t *starts; /* [kernel_count]: profiling, first start of each */
};

/* Finds the values of the open dimensions from the shapes of the inputs
 * (input_dims as in struct adze_instance_options) and checks every size given
 * against the model. SHAPE names input and dimension. */
enum adze_status shapes_bind(const adze_model *model,
                             const int64_t *const *input_dims, int64_t *symbols,
                             struct adze_error *error) ADZE_MUST_USE;
/* Checks what plan() answered: the failed constraint as SHAPE, and output
 * sizes against the index. */
enum adze_status shapes_check_plan(const adze_model *model, int64_t answer,
                                   const int64_t *symbols,
                                   const int64_t *output_dims,
                                   struct adze_error *error) ADZE_MUST_USE;

#endif
