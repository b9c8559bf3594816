/* SPDX-License-Identifier: Apache-2.0 */
/* The state of one compile, and its steps in order. */
#ifndef DRIVER_COMPILATION_H
#define DRIVER_COMPILATION_H

#include "adze/adze.h"
#include "base/file.h"
#include "package/package.h"
#include "pass/plan.h"
#include "target/target.h"

/* A constant in the package; equal ones are one. */
struct stored_constant {
  const struct packed_constant *packed;
  size_t packer;   /* index of the kernel that computes it, or SIZE_MAX */
  uint64_t offset; /* in the weights */
};

/* A kernel, perhaps used by several groups. All workers meet between its
 * phases, which are functions with the same parameters. */
struct compiled_kernel {
  struct function **phases;
  size_t phase_count;
  const char *trace;
};

struct compilation {
  struct arena *arena;
  const char *model_path, *output;
  const char *module_name; /* the user's, or made of the model's */
  const struct adze_compile_options *options;
  struct adze_error *error;
  struct machine machine;
  const struct target *target;
  struct graph *graph;
  struct plan *plan;
  VEC(struct compiled_kernel) kernels;
  struct map kernel_keys;
  VEC(struct builder *) builders; /* by group */
  VEC(size_t) group_kernels;      /* by group: index in kernels */
  VEC(struct stored_constant) constants;
  struct map constant_keys;
  VEC(struct function *) packers; /* kernels that compute constants */
  struct map packer_keys;
  struct module module;
  struct package_writer *writer;
  int64_t stage_started; /* for ADZE_TIME */
  /* Receives the constants, in order, in place of the writer; or NULL. */
  enum adze_status (*keep_constant)(struct compilation *compilation,
                                    const void *data, size_t bytes);
};

/* Reports progress, and the time that the stage before took. */
void compilation_stage(struct compilation *compilation, const char *stage,
                       size_t done, size_t total);

/* From the options to flat kernels: all that needs no output. */
enum adze_status
compile_to_kernels(struct compilation *compilation) ADZE_MUST_USE;
enum adze_status compile_import(struct compilation *compilation) ADZE_MUST_USE;
enum adze_status compile_kernels(struct compilation *compilation) ADZE_MUST_USE;
enum adze_status
compile_constants(struct compilation *compilation) ADZE_MUST_USE;
enum adze_status compile_module(struct compilation *compilation) ADZE_MUST_USE;
enum adze_status
compile_open_package(struct compilation *compilation) ADZE_MUST_USE;
/* The text of mod.json. */
const char *compilation_json(struct compilation *compilation);
/* Bytes of workspace for one worker; -1 while a dimension is open. */
int64_t compilation_workspace(const struct compilation *compilation);

/* Notes the user's likely sizes of open dimensions. */
enum adze_status apply_shape_hint(struct graph *graph,
                                  const struct adze_compile_options *options,
                                  struct adze_error *error) ADZE_MUST_USE;

/* Adds the nodes that --mean-values and its kin ask for. */
enum adze_status apply_preprocessing(struct graph *graph,
                                     const struct adze_compile_options *options,
                                     struct adze_error *error) ADZE_MUST_USE;

/* The number of a constant in compilation->constants, added when new. */
size_t compilation_constant(struct compilation *compilation,
                            const struct packed_constant *constant);

/* Multiply-adds of one run of a node, and of all nodes of a group; 0 for what
 * has an open dimension. */
uint64_t node_macs(const struct node *node);
uint64_t group_macs(const struct group *group);
/* What people read: the nodes' names, "conv1+relu1". */
const char *group_name(struct arena *arena, const struct group *group);

/* A canonical serialisation of stages and parameters: two kernels with equal
 * keys have the same code. */
char *kernel_key(struct arena *arena, const char *kind,
                 struct stage *const *stages, size_t stage_count,
                 struct buffer *const *parameters, size_t parameter_count);

#endif
