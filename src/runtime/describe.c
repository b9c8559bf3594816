/* SPDX-License-Identifier: Apache-2.0 */
/* What a model says about itself: views into its checked index. */
#include <string.h>

#include "runtime/model.h"
#include "runtime/package_read.h"

const char *model_string(const adze_model *model, uint32_t offset) {
  return package_string(model->index, offset);
}

const struct adze_index_tensor *model_inputs(const adze_model *model) {
  return package_table(model->index, model->index->inputs);
}

const struct adze_index_tensor *model_outputs(const adze_model *model) {
  return package_table(model->index, model->index->outputs);
}

const struct adze_index_symbol *model_symbols(const adze_model *model) {
  return package_table(model->index, model->index->symbols);
}

void model_describe(const adze_model *model,
                    const struct adze_index_tensor *tensor,
                    const int64_t *symbols, const int64_t *dims,
                    struct adze_tensor_info *out) {
  memset(out, 0, sizeof *out);
  out->name = model_string(model, tensor->name_string);
  out->dtype = (enum adze_dtype)tensor->dtype;
  out->rank = (int)tensor->rank;
  bool open = false;
  int64_t bytes = (int64_t)adze_dtype_bytes(out->dtype);
  for (int i = 0; i < out->rank; i++) {
    int64_t dim = tensor->dims[i];
    if (dim < 0 && dim != INT64_MIN) {
      const struct adze_index_symbol *symbol = &model_symbols(model)[~dim];
      out->dim_names[i] = model_string(model, symbol->name_string);
      dim = symbols ? symbols[~dim] : -1;
    }
    if (dims)
      dim = dims[i];
    out->dims[i] = dim < 0 ? -1 : dim;
    open |= dim < 0;
    /* A package or instance with an overflowing size was refused. */
    if (!open && !int64_mul(bytes, dim, &bytes))
      open = true;
  }
  out->bytes = open ? 0 : (size_t)bytes;
}

const char *adze_model_name(const adze_model *model) {
  return model_string(model, model->index->name_string);
}

const char *adze_model_target(const adze_model *model) {
  return model_string(model, model->index->target_string);
}

const char *adze_model_version(const adze_model *model) {
  return model_string(model, model->index->version_string);
}

const char *adze_model_property(const adze_model *model, const char *name) {
  const uint32_t *pairs = package_table(model->index, model->index->properties);
  for (uint32_t i = 0; i < model->index->property_count; i++)
    if (strcmp(model_string(model, pairs[2 * i]), name) == 0)
      return model_string(model, pairs[2 * i + 1]);
  return NULL;
}

size_t adze_model_input_count(const adze_model *model) {
  return model->index->input_count;
}

size_t adze_model_output_count(const adze_model *model) {
  return model->index->output_count;
}

size_t adze_model_weights_bytes(const adze_model *model) {
  return model->index->weights_bytes;
}

void adze_model_input(const adze_model *model, size_t index,
                      struct adze_tensor_info *out) {
  check(index < adze_model_input_count(model));
  model_describe(model, &model_inputs(model)[index], NULL, NULL, out);
}

void adze_model_output(const adze_model *model, size_t index,
                       struct adze_tensor_info *out) {
  check(index < adze_model_output_count(model));
  model_describe(model, &model_outputs(model)[index], NULL, NULL, out);
}

static int find_tensor(const adze_model *model,
                       const struct adze_index_tensor *tensors, size_t count,
                       const char *name) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(model_string(model, tensors[i].name_string), name) == 0)
      return (int)i;
  return -1;
}

int adze_model_find_input(const adze_model *model, const char *name) {
  return find_tensor(model, model_inputs(model), model->index->input_count,
                     name);
}

int adze_model_find_output(const adze_model *model, const char *name) {
  return find_tensor(model, model_outputs(model), model->index->output_count,
                     name);
}

size_t adze_model_kernel_count(const adze_model *model) {
  return model->index->kernel_count;
}

void adze_model_kernel(const adze_model *model, size_t index, const char **name,
                       const char **template_name, double *flops) {
  check(index < adze_model_kernel_count(model));
  const struct adze_index_kernel *kernels =
      package_table(model->index, model->index->kernels);
  *name = model_string(model, kernels[index].name_string);
  *template_name = model_string(model, kernels[index].template_string);
  *flops = kernels[index].flops;
}
