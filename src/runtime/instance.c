/* SPDX-License-Identifier: Apache-2.0 */
/* An instance is made of two blocks of memory, this struct with its small
 * arrays and the workspace, both taken when it is created; running allocates
 * nothing. How large the workspace is, and where in it things lie, only the
 * compiled code knows: plan() says so for given sizes and number of workers.
 */
#include "runtime/instance.h"

#include <inttypes.h>

#include "runtime/allocator.h"
#include "runtime/pool.h"

/* ---- Creating ------------------------------------------------------------ */

/* Reserves an array in the block that starts with the struct. */
static bool reserve(size_t *end, size_t count, size_t item_bytes,
                    size_t *offset) {
  size_t bytes;
  *offset = align_up(*end, 16);
  return size_mul(count, item_bytes, &bytes) && size_add(*offset, bytes, end) &&
         *end < SIZE_MAX / 2;
}

static size_t output_dim_count(const adze_model *model) {
  size_t count = 0;
  for (uint32_t i = 0; i < model->index->output_count; i++)
    count += model_outputs(model)[i].rank;
  return count;
}

static enum adze_status allocate(const adze_model *model,
                                 const struct adze_allocator *allocator,
                                 adze_instance **out,
                                 struct adze_error *error) {
  const struct adze_abi_module *module = model->module;
  size_t end = sizeof(adze_instance);
  size_t symbols, offsets, dims, inputs, outputs, starts;
  if (!reserve(&end, module->symbol_count, sizeof(int64_t), &symbols) ||
      !reserve(&end, module->offset_count, sizeof(int64_t), &offsets) ||
      !reserve(&end, output_dim_count(model), sizeof(int64_t), &dims) ||
      !reserve(&end, module->input_count, sizeof(void *), &inputs) ||
      !reserve(&end, module->output_count, sizeof(void *), &outputs) ||
      !reserve(&end, module->kernel_count, sizeof(int64_t), &starts))
    return fail(error, ADZE_OUT_OF_MEMORY, "%s: an instance is too large",
                model->path);
  void *memory;
  TRY(allocator_take(allocator, end, 64, "an instance", &memory, error));
  char *base = memory;
  adze_instance *instance = memory;
  instance->model = model;
  instance->allocator = *allocator;
  instance->bytes = end;
  instance->symbols = (void *)(base + symbols);
  instance->offsets = (void *)(base + offsets);
  instance->output_dims = (void *)(base + dims);
  instance->inputs = (void *)(base + inputs);
  instance->outputs = (void *)(base + outputs);
  instance->starts = (void *)(base + starts);
  *out = instance;
  return ADZE_OK;
}

static enum adze_status choose_pool(adze_instance *instance,
                                    const struct adze_instance_options *options,
                                    struct adze_error *error) {
  if (options && options->pool) {
    if (options->threads != 0)
      return fail(error, ADZE_INVALID_ARGUMENT,
                  "an instance takes a pool or a number of threads, not both");
    instance->pool = options->pool;
    return ADZE_OK;
  }
  struct adze_pool_options pool = {.allocator = &instance->allocator,
                                   .threads = options ? options->threads : 0};
  TRY(adze_pool_create(&pool, &instance->pool, error));
  instance->owns_pool = true;
  return ADZE_OK;
}

static enum adze_status plan(adze_instance *instance,
                             struct adze_error *error) {
  const adze_model *model = instance->model;
  int64_t bytes = -1;
  int64_t answer =
      model->module->plan(instance->symbols, adze_pool_threads(instance->pool),
                          &bytes, instance->offsets, instance->output_dims);
  TRY(shapes_check_plan(model, answer, instance->symbols, instance->output_dims,
                        error));
  if (bytes < 0)
    return fail(error, ADZE_INVALID_PACKAGE,
                "%s: the code asks for a workspace of %" PRId64 " bytes",
                model->path, bytes);
  if (allocator_take_raw(&instance->allocator, (size_t)bytes,
                         ADZE_ABI_ALIGNMENT, "a workspace",
                         &instance->workspace, error) != ADZE_OK)
    return fail_prefix(error, model->path);
  instance->workspace_bytes = (size_t)bytes;
  instance->abi = (struct adze_abi_instance){
      .symbols = instance->symbols,
      .offsets = instance->offsets,
      .inputs = instance->inputs,
      .outputs = instance->outputs,
      .weights = model->weights,
      .workspace = instance->workspace,
  };
  return ADZE_OK;
}

static enum adze_status prepare(adze_instance *instance,
                                const struct adze_instance_options *options,
                                struct adze_error *error) {
  instance->flush_denormals = options && options->flush_denormals;
  TRY(shapes_bind(instance->model, options ? options->input_dims : NULL,
                  instance->symbols, error));
  TRY(choose_pool(instance, options, error));
  return plan(instance, error);
}

enum adze_status
adze_instance_create(const adze_model *model,
                     const struct adze_instance_options *options,
                     adze_instance **out, struct adze_error *error) {
  if (!model->module)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "%s: was loaded to be described, not to be run", model->path);
  const struct adze_allocator *allocator =
      options && options->allocator ? options->allocator : &model->allocator;
  adze_instance *instance = NULL;
  TRY(allocate(model, allocator, &instance, error));
  enum adze_status status = prepare(instance, options, error);
  if (status != ADZE_OK) {
    adze_instance_destroy(instance);
    return status;
  }
  *out = instance;
  return ADZE_OK;
}

void adze_instance_destroy(adze_instance *instance) {
  if (!instance)
    return;
  if (instance->owns_pool)
    adze_pool_destroy(instance->pool);
  struct adze_allocator allocator = instance->allocator;
  allocator_give(&allocator, instance->workspace, instance->workspace_bytes);
  allocator_give(&allocator, instance, instance->bytes);
}

/* ---- Describing and binding ---------------------------------------------- */

void adze_instance_input(const adze_instance *instance, size_t index,
                         struct adze_tensor_info *out) {
  check(index < adze_model_input_count(instance->model));
  model_describe(instance->model, &model_inputs(instance->model)[index],
                 instance->symbols, NULL, out);
}

void adze_instance_output(const adze_instance *instance, size_t index,
                          struct adze_tensor_info *out) {
  check(index < adze_model_output_count(instance->model));
  const struct adze_index_tensor *outputs = model_outputs(instance->model);
  const int64_t *dims = instance->output_dims;
  for (size_t i = 0; i < index; i++)
    dims += outputs[i].rank;
  model_describe(instance->model, &outputs[index], instance->symbols, dims,
                 out);
}

size_t adze_instance_workspace_bytes(const adze_instance *instance) {
  return instance->workspace_bytes;
}

static enum adze_status check_binding(const adze_instance *instance,
                                      const char *kind,
                                      const struct adze_tensor_info *tensor,
                                      const void *data, size_t bytes,
                                      struct adze_error *error) {
  const char *path = instance->model->path;
  if (bytes != tensor->bytes)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "%s: %s '%s' has %zu bytes, but %zu were given", path, kind,
                tensor->name, tensor->bytes, bytes);
  if (!data && bytes > 0)
    return fail(error, ADZE_INVALID_ARGUMENT, "%s: %s '%s' is bound to NULL",
                path, kind, tensor->name);
  if ((uintptr_t)data % adze_dtype_bytes(tensor->dtype) != 0)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "%s: %s '%s' needs memory aligned to its element type, %s",
                path, kind, tensor->name, adze_dtype_name(tensor->dtype));
  return ADZE_OK;
}

enum adze_status adze_instance_bind_input(adze_instance *instance, size_t index,
                                          const void *data, size_t bytes,
                                          struct adze_error *error) {
  if (index >= adze_model_input_count(instance->model))
    return fail(error, ADZE_INVALID_ARGUMENT, "%s: there is no input %zu",
                instance->model->path, index);
  struct adze_tensor_info tensor;
  adze_instance_input(instance, index, &tensor);
  TRY(check_binding(instance, "input", &tensor, data, bytes, error));
  /* Empty tensors need no memory, yet must count as bound. */
  instance->inputs[index] = data ? data : instance;
  return ADZE_OK;
}

enum adze_status adze_instance_bind_output(adze_instance *instance,
                                           size_t index, void *data,
                                           size_t bytes,
                                           struct adze_error *error) {
  if (index >= adze_model_output_count(instance->model))
    return fail(error, ADZE_INVALID_ARGUMENT, "%s: there is no output %zu",
                instance->model->path, index);
  struct adze_tensor_info tensor;
  adze_instance_output(instance, index, &tensor);
  TRY(check_binding(instance, "output", &tensor, data, bytes, error));
  instance->outputs[index] = data ? data : instance;
  return ADZE_OK;
}
