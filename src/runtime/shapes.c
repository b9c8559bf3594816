/* SPDX-License-Identifier: Apache-2.0 */
/* Open dimensions: each takes the value of the first input dimension that
 * bears its name, and every other occurrence must agree. What goes wrong is
 * told with the names the model gave, since the numbers alone rarely say which
 * side is wrong.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runtime/instance.h"
#include "runtime/package_read.h"

static enum adze_status bind_symbol(const adze_model *model, const char *input,
                                    uint32_t dimension, size_t number,
                                    int64_t size, int64_t *symbols,
                                    struct adze_error *error) {
  const struct adze_index_symbol *symbol = &model_symbols(model)[number];
  const char *name = model_string(model, symbol->name_string);
  if (symbols[number] >= 0 && symbols[number] != size)
    return fail(error, ADZE_SHAPE,
                "%s: dimension %" PRIu32 " ('%s') of input '%s' is %" PRId64
                ", but '%s' is %" PRId64 " elsewhere",
                model->path, dimension, name, input, size, name,
                symbols[number]);
  if (size < symbol->minimum || size > symbol->maximum)
    return fail(error, ADZE_SHAPE,
                "%s: dimension %" PRIu32 " ('%s') of input '%s' is %" PRId64
                "; %" PRId64 " to %" PRId64 " are possible",
                model->path, dimension, name, input, size, symbol->minimum,
                symbol->maximum);
  symbols[number] = size;
  return ADZE_OK;
}

static enum adze_status bind_input(const adze_model *model,
                                   const struct adze_index_tensor *tensor,
                                   const int64_t *dims, int64_t *symbols,
                                   struct adze_error *error) {
  const char *name = model_string(model, tensor->name_string);
  for (uint32_t i = 0; i < tensor->rank; i++) {
    if (tensor->dims[i] < 0)
      TRY(bind_symbol(model, name, i, (size_t)~tensor->dims[i], dims[i],
                      symbols, error));
    else if (dims[i] != tensor->dims[i])
      return fail(error, ADZE_SHAPE,
                  "%s: dimension %" PRIu32 " of input '%s' is %" PRId64
                  ", but the model was compiled for %" PRId64,
                  model->path, i, name, dims[i], tensor->dims[i]);
  }
  return ADZE_OK;
}

/* Open sizes without a value, and sizes in bytes that overflow. */
static enum adze_status check_input(const adze_model *model,
                                    const struct adze_index_tensor *tensor,
                                    const int64_t *symbols,
                                    struct adze_error *error) {
  const char *name = model_string(model, tensor->name_string);
  int64_t bytes = (int64_t)adze_dtype_bytes((enum adze_dtype)tensor->dtype);
  for (uint32_t i = 0; i < tensor->rank; i++) {
    int64_t dim = tensor->dims[i];
    if (dim < 0 && symbols[~dim] < 0)
      return fail(
          error, ADZE_SHAPE,
          "%s: dimension %" PRIu32 " ('%s') of input '%s' is open: give "
          "the shape of that input",
          model->path, i,
          model_string(model, model_symbols(model)[~dim].name_string), name);
    dim = dim < 0 ? symbols[~dim] : dim;
    if (dim > 0 && !int64_mul(bytes, dim, &bytes))
      return fail(error, ADZE_SHAPE, "%s: the size of input '%s' overflows",
                  model->path, name);
  }
  return ADZE_OK;
}

enum adze_status shapes_bind(const adze_model *model,
                             const int64_t *const *input_dims, int64_t *symbols,
                             struct adze_error *error) {
  const struct adze_index_tensor *inputs = model_inputs(model);
  for (uint32_t i = 0; i < model->index->symbol_count; i++)
    symbols[i] = -1;
  for (uint32_t i = 0; input_dims && i < model->index->input_count; i++)
    if (input_dims[i])
      TRY(bind_input(model, &inputs[i], input_dims[i], symbols, error));
  for (uint32_t i = 0; i < model->index->input_count; i++)
    TRY(check_input(model, &inputs[i], symbols, error));
  for (uint32_t i = 0; i < model->index->symbol_count; i++)
    if (symbols[i] < 0)
      return fail(error, ADZE_INVALID_PACKAGE,
                  "%s: open dimension '%s' belongs to no input", model->path,
                  model_string(model, model_symbols(model)[i].name_string));
  return ADZE_OK;
}

static enum adze_status fail_constraint(const adze_model *model,
                                        const char *sentence,
                                        const int64_t *symbols,
                                        struct adze_error *error) {
  char values[512] = "";
  size_t used = 0;
  for (uint32_t i = 0; i < model->index->symbol_count; i++) {
    const char *name = model_string(model, model_symbols(model)[i].name_string);
    int wrote = snprintf(values + used, sizeof values - used, "%s%s = %" PRId64,
                         i ? ", " : "", name, symbols[i]);
    if (wrote < 0 || (size_t)wrote >= sizeof values - used)
      break; /* the first ones tell enough */
    used += (size_t)wrote;
  }
  return fail(error, ADZE_SHAPE, "%s: the shapes contradict the model: %s (%s)",
              model->path, sentence, values);
}

static enum adze_status check_output(const adze_model *model,
                                     const struct adze_index_tensor *tensor,
                                     const int64_t *symbols,
                                     const int64_t *dims,
                                     struct adze_error *error) {
  const char *name = model_string(model, tensor->name_string);
  int64_t bytes = (int64_t)adze_dtype_bytes((enum adze_dtype)tensor->dtype);
  for (uint32_t i = 0; i < tensor->rank; i++) {
    int64_t known = tensor->dims[i];
    if (known < 0 && known != INT64_MIN)
      known = symbols[~known];
    if (dims[i] < 0 || (known >= 0 && dims[i] != known))
      return fail(error, ADZE_INVALID_PACKAGE,
                  "%s: the code makes dimension %" PRIu32
                  " of output '%s' %" PRId64 ", which contradicts the index",
                  model->path, i, name, dims[i]);
    if (dims[i] > 0 && !int64_mul(bytes, dims[i], &bytes))
      return fail(error, ADZE_SHAPE, "%s: the size of output '%s' overflows",
                  model->path, name);
  }
  return ADZE_OK;
}

enum adze_status shapes_check_plan(const adze_model *model, int64_t answer,
                                   const int64_t *symbols,
                                   const int64_t *output_dims,
                                   struct adze_error *error) {
  const struct adze_index_header *index = model->index;
  if (answer == -1)
    return fail_constraint(model, "a size overflows", symbols, error);
  if (answer < 0 || answer > index->constraint_count)
    return fail(error, ADZE_INVALID_PACKAGE,
                "%s: the code reports the unknown constraint %" PRId64,
                model->path, answer);
  if (answer > 0) {
    const uint32_t *table = package_table(index, index->constraints);
    return fail_constraint(model, model_string(model, table[answer - 1]),
                           symbols, error);
  }
  const struct adze_index_tensor *outputs = model_outputs(model);
  for (uint32_t i = 0; i < index->output_count; i++) {
    TRY(check_output(model, &outputs[i], symbols, output_dims, error));
    output_dims += outputs[i].rank;
  }
  return ADZE_OK;
}
