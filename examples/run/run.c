/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a package on zeros with libadze_runtime.
 *
 *   adze compile posenet.onnx -o posenet.tar
 *   run posenet.tar [SIZE]
 *
 * Dimensions that were left open take SIZE, 64 when none is given.
 */
#include <adze/runtime.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_TENSORS 32

static void print_tensor(const char *kind,
                         const struct adze_tensor_info *tensor) {
  printf("%s %s %s[", kind, tensor->name, adze_dtype_name(tensor->dtype));
  for (int i = 0; i < tensor->rank; i++)
    printf("%s%" PRId64, i ? ", " : "", tensor->dims[i]);
  printf("] %zu bytes\n", tensor->bytes);
}

static void print_largest(const struct adze_tensor_info *tensor,
                          const float *data) {
  size_t count = tensor->bytes / sizeof *data, largest = 0;
  if (tensor->dtype != ADZE_F32 || count == 0)
    return;
  for (size_t i = 1; i < count; i++)
    if (data[i] > data[largest])
      largest = i;
  printf("%s: the largest value is %g, element %zu of %zu\n", tensor->name,
         data[largest], largest, count);
}

/* An instance whose open dimensions are all `size`. */
static enum adze_status create(const adze_model *model, int64_t size,
                               adze_instance **out, struct adze_error *error) {
  int64_t dims[MAX_TENSORS][ADZE_MAX_RANK];
  const int64_t *rows[MAX_TENSORS];
  for (size_t i = 0; i < adze_model_input_count(model); i++) {
    struct adze_tensor_info input;
    adze_model_input(model, i, &input);
    for (int k = 0; k < input.rank; k++)
      dims[i][k] = input.dims[k] < 0 ? size : input.dims[k];
    rows[i] = dims[i];
  }
  struct adze_instance_options options = {.input_dims = rows};
  return adze_instance_create(model, &options, out, error);
}

/* Zeroed memory for every input and output, bound to the instance. */
static enum adze_status bind(const adze_model *model, adze_instance *instance,
                             void **inputs, void **outputs,
                             struct adze_error *error) {
  struct adze_tensor_info tensor;
  enum adze_status status = ADZE_OK;
  for (size_t i = 0; i < adze_model_input_count(model) && !status; i++) {
    adze_instance_input(instance, i, &tensor);
    print_tensor("input ", &tensor);
    inputs[i] = calloc(1, tensor.bytes + 1);
    status =
        adze_instance_bind_input(instance, i, inputs[i], tensor.bytes, error);
  }
  for (size_t i = 0; i < adze_model_output_count(model) && !status; i++) {
    adze_instance_output(instance, i, &tensor);
    print_tensor("output", &tensor);
    outputs[i] = calloc(1, tensor.bytes + 1);
    status =
        adze_instance_bind_output(instance, i, outputs[i], tensor.bytes, error);
  }
  return status;
}

static enum adze_status run(const char *path, int64_t size,
                            struct adze_error *error) {
  adze_model *model = NULL;
  adze_instance *instance = NULL;
  void *inputs[MAX_TENSORS] = {NULL}, *outputs[MAX_TENSORS] = {NULL};
  enum adze_status status = adze_model_load(path, NULL, &model, error);
  if (status)
    return status;
  if (adze_model_input_count(model) > MAX_TENSORS ||
      adze_model_output_count(model) > MAX_TENSORS) {
    adze_model_unload(model);
    snprintf(error->message, sizeof error->message,
             "%s: more than %d inputs or outputs", path, MAX_TENSORS);
    return error->status = ADZE_LIMIT;
  }
  printf("model %s for %s\n", adze_model_name(model), adze_model_target(model));
  status = create(model, size, &instance, error);
  if (!status)
    status = bind(model, instance, inputs, outputs, error);
  if (!status)
    status = adze_instance_run(instance, error);
  for (size_t i = 0; !status && i < adze_model_output_count(model); i++) {
    struct adze_tensor_info output;
    adze_instance_output(instance, i, &output);
    print_largest(&output, outputs[i]);
  }
  adze_instance_destroy(instance);
  adze_model_unload(model);
  for (int i = 0; i < MAX_TENSORS; i++) {
    free(inputs[i]);
    free(outputs[i]);
  }
  return status;
}

int main(int argc, char **argv) {
  if (argc < 2 || argc > 3) {
    fprintf(stderr, "usage: %s PACKAGE [SIZE]\n", argv[0]);
    return 2;
  }
  struct adze_error error;
  enum adze_status status =
      run(argv[1], argc > 2 ? strtoll(argv[2], NULL, 10) : 64, &error);
  if (status)
    fprintf(stderr, "%s\n", error.message);
  return adze_status_exit_code(status);
}
