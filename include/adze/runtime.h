/* SPDX-License-Identifier: Apache-2.0 */
/* Runs packages that `adze compile` wrote.
 *
 *   struct adze_error error;
 *   adze_model *model;
 *   adze_instance *instance;
 *   if (adze_model_load("resnet50.tar", NULL, &model, &error) ||
 *       adze_instance_create(model, NULL, &instance, &error))
 *     return fputs(error.message, stderr), 1;
 *   adze_instance_bind_input(instance, 0, image, image_bytes, &error);
 *   adze_instance_bind_output(instance, 0, scores, scores_bytes, &error);
 *   adze_instance_run(instance, &error);
 *   adze_instance_destroy(instance);
 *   adze_model_unload(model);
 *
 * Threads: a loaded model is immutable and shared by any number of threads; an
 * instance holds one run's memory and belongs to one thread at a time. Several
 * instances run side by side, each with its own pool, or with a shared pool
 * that runs one of them at a time.
 *
 * Status codes, `struct adze_error` and the ownership words (borrows, takes,
 * returns new) are those of adze/status.h.
 */
#ifndef ADZE_RUNTIME_H
#define ADZE_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adze/dtype.h"
#include "adze/package_abi.h"
#include "adze/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct adze_model adze_model;
typedef struct adze_instance adze_instance;
typedef struct adze_pool adze_pool;

#define ADZE_MAX_RANK ADZE_INDEX_MAX_RANK

/* The caller's memory. `allocate` returns `bytes` bytes aligned to `alignment`
 * (a power of two), or NULL; `release` gets what allocate returned, with its
 * size. Both may be called from the thread that creates or destroys a model,
 * pool or instance; never while running. */
struct adze_allocator {
  void *context;
  void *(*allocate)(void *context, size_t bytes, size_t alignment);
  void (*release)(void *context, void *memory, size_t bytes);
};

/* An input or output. Strings belong to the model. */
struct adze_tensor_info {
  const char *name;
  enum adze_dtype dtype;
  int rank;
  /* Sizes; -1 where open and not yet known. */
  int64_t dims[ADZE_MAX_RANK];
  /* Names of open dimensions ("height"), NULL where fixed. */
  const char *dim_names[ADZE_MAX_RANK];
  size_t bytes; /* 0 while a dimension is open */
};

/* ---- Element types ------------------------------------------------------ */
ADZE_EXPORT size_t adze_dtype_bytes(enum adze_dtype dtype);
ADZE_EXPORT const char *adze_dtype_name(enum adze_dtype dtype); /* "float32" */
/* ADZE_DTYPE_NONE when no dtype has this name. */
ADZE_EXPORT enum adze_dtype adze_dtype_from_name(const char *name);

/* ---- Models -------------------------------------------------------------- */
struct adze_load_options {
  const struct adze_allocator *allocator; /* borrowed for the model's life;
                                             NULL: malloc */
  bool copy_weights; /* into anonymous huge pages instead of mapping the file */
  bool describe_only; /* verify, but load no code: packages of any machine can
                         be looked at; instances can't be created */
};

/* Returns new in *out. `options` may be NULL. Verifies index and members
 * before use; INVALID_PACKAGE, INCOMPATIBLE (CPU, version), NOT_FOUND, IO. */
ADZE_EXPORT enum adze_status
adze_model_load(const char *path, const struct adze_load_options *options,
                adze_model **out, struct adze_error *error) ADZE_MUST_USE;
/* Instances must have been destroyed. NULL is fine. */
ADZE_EXPORT void adze_model_unload(adze_model *model);

ADZE_EXPORT const char *adze_model_name(const adze_model *model);
ADZE_EXPORT const char *adze_model_target(const adze_model *model);
ADZE_EXPORT const char *adze_model_version(const adze_model *model);
/* The value of a property stored while compiling ("pose.network"), or NULL. */
ADZE_EXPORT const char *adze_model_property(const adze_model *model,
                                            const char *name);
ADZE_EXPORT size_t adze_model_input_count(const adze_model *model);
ADZE_EXPORT size_t adze_model_output_count(const adze_model *model);
ADZE_EXPORT size_t adze_model_weights_bytes(const adze_model *model);
/* Shapes as compiled: open dimensions are -1. index < count. */
ADZE_EXPORT void adze_model_input(const adze_model *model, size_t index,
                                  struct adze_tensor_info *out);
ADZE_EXPORT void adze_model_output(const adze_model *model, size_t index,
                                   struct adze_tensor_info *out);
/* The index of a name, or -1. */
ADZE_EXPORT int adze_model_find_input(const adze_model *model,
                                      const char *name);
ADZE_EXPORT int adze_model_find_output(const adze_model *model,
                                       const char *name);
/* Kernels, for profiles: their count, name (the nodes), template and flops. */
ADZE_EXPORT size_t adze_model_kernel_count(const adze_model *model);
ADZE_EXPORT void adze_model_kernel(const adze_model *model, size_t index,
                                   const char **name,
                                   const char **template_name, double *flops);
/* The package's mod.json; a string of json_bytes bytes, not NUL-terminated.
 * Read and verified at each call into memory from the model's allocator;
 * release with adze_model_json_release. */
ADZE_EXPORT enum adze_status
adze_model_json(const adze_model *model, char **out, size_t *json_bytes,
                struct adze_error *error) ADZE_MUST_USE;
ADZE_EXPORT void adze_model_json_release(const adze_model *model, char *json,
                                         size_t json_bytes);

/* ---- Pools --------------------------------------------------------------- */
struct adze_pool_options {
  int threads; /* with the caller's; 0: every CPU this process may use */
  const int *affinity; /* [threads] CPU numbers, or NULL: not pinned; the first
                          is the calling thread's and is not applied */
  const struct adze_allocator *allocator; /* NULL: malloc */
};
ADZE_EXPORT enum adze_status
adze_pool_create(const struct adze_pool_options *options, adze_pool **out,
                 struct adze_error *error) ADZE_MUST_USE;
ADZE_EXPORT void adze_pool_destroy(adze_pool *pool);
ADZE_EXPORT int adze_pool_threads(const adze_pool *pool);

/* ---- Instances ----------------------------------------------------------- */
struct adze_instance_options {
  int threads; /* a pool of its own with so many; 0: as pool, or every CPU */
  /* Denormal numbers (f32 below 1.2e-38 in size) count as zero in arithmetic,
   * as operands and as results: FTZ and DAZ on x86, FZ on AArch64. Quicker
   * where a network's numbers fade away into them, since many CPUs take a
   * hundred cycles and more for one. false: they are computed as IEEE 754 says
   * and as adze_interpret does. Holds for this instance's runs, on every thread
   * of its pool, whatever other instances on that pool ask for; either way the
   * calling thread has its own settings again when a run returns. */
  bool flush_denormals;
  adze_pool *pool; /* borrowed; NULL: a pool of its own */
  const struct adze_allocator *allocator; /* NULL: the model's */
  /* Shapes of inputs with open dimensions: input_dims[i] points to the rank-i
   * sizes of input i; NULL when no dimension is open. */
  const int64_t *const *input_dims;
};
/* Returns new. SHAPE when dims contradict the model, naming the dimension. */
ADZE_EXPORT enum adze_status adze_instance_create(
    const adze_model *model, const struct adze_instance_options *options,
    adze_instance **out, struct adze_error *error) ADZE_MUST_USE;
ADZE_EXPORT void adze_instance_destroy(adze_instance *instance);
/* Shapes of this instance, no dimension open. */
ADZE_EXPORT void adze_instance_input(const adze_instance *instance,
                                     size_t index,
                                     struct adze_tensor_info *out);
ADZE_EXPORT void adze_instance_output(const adze_instance *instance,
                                      size_t index,
                                      struct adze_tensor_info *out);
ADZE_EXPORT size_t adze_instance_workspace_bytes(const adze_instance *instance);
/* Uses the caller's memory without copying; borrowed until bound anew or the
 * instance is destroyed. `bytes` must be the tensor's size; the pointer needs
 * the alignment of its element type. Inputs and outputs must not overlap. */
ADZE_EXPORT enum adze_status
adze_instance_bind_input(adze_instance *instance, size_t index,
                         const void *data, size_t bytes,
                         struct adze_error *error) ADZE_MUST_USE;
ADZE_EXPORT enum adze_status
adze_instance_bind_output(adze_instance *instance, size_t index, void *data,
                          size_t bytes, struct adze_error *error) ADZE_MUST_USE;
/* Runs once. INVALID_ARGUMENT when something is not bound. No allocation. */
ADZE_EXPORT enum adze_status
adze_instance_run(adze_instance *instance,
                  struct adze_error *error) ADZE_MUST_USE;
/* Runs once with clocks around every kernel: ns[kernel_count] receives the
 * nanoseconds each took, from its first worker's start to the next one's. */
ADZE_EXPORT enum adze_status
adze_instance_profile(adze_instance *instance, int64_t *ns,
                      struct adze_error *error) ADZE_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
