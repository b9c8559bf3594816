/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a package on numbers that are the same everywhere and writes its outputs
 * to a file; or compares two such files. For cross_test.sh.
 *
 *   cross_run PACKAGE OUT SIZE       open dimensions take SIZE; with RUNS set
 *                                    it runs so often, on one thread
 *   cross_run --compare A B          largest difference / largest value
 */
#include <adze/runtime.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TENSORS 8

static void fill(const struct adze_tensor_info *tensor, void *data) {
  uint64_t state = 1;
  memset(data, 0, tensor->bytes);
  if (tensor->dtype != ADZE_F32)
    return;
  for (size_t i = 0; i < tensor->bytes / sizeof(float); i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    ((float *)data)[i] = (float)(int32_t)(state >> 32) / 2147483648.0f;
  }
}

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
  struct adze_instance_options options = {.threads = getenv("RUNS") ? 1 : 2,
                                          .input_dims = rows};
  return adze_instance_create(model, &options, out, error);
}

static enum adze_status run(const char *path, FILE *file, int64_t size,
                            struct adze_error *error) {
  adze_model *model = NULL;
  adze_instance *instance = NULL;
  struct adze_tensor_info info;
  void *inputs[MAX_TENSORS], *outputs[MAX_TENSORS];
  enum adze_status status = adze_model_load(path, NULL, &model, error);
  if (!status)
    status = create(model, size, &instance, error);
  for (size_t i = 0; !status && i < adze_model_input_count(model); i++) {
    adze_instance_input(instance, i, &info);
    inputs[i] = malloc(info.bytes + 1);
    fill(&info, inputs[i]);
    status =
        adze_instance_bind_input(instance, i, inputs[i], info.bytes, error);
  }
  for (size_t i = 0; !status && i < adze_model_output_count(model); i++) {
    adze_instance_output(instance, i, &info);
    outputs[i] = calloc(1, info.bytes + 1);
    status =
        adze_instance_bind_output(instance, i, outputs[i], info.bytes, error);
  }
  const char *runs = getenv("RUNS");
  for (int i = runs ? atoi(runs) : 1; !status && i > 0; i--)
    status = adze_instance_run(instance, error);
  for (size_t i = 0; !status && i < adze_model_output_count(model); i++) {
    adze_instance_output(instance, i, &info);
    fwrite(outputs[i], 1, info.bytes, file);
  }
  return status; /* the end of the program releases the rest */
}

static int compare(const char *a_path, const char *b_path) {
  FILE *a = fopen(a_path, "rb"), *b = fopen(b_path, "rb");
  float x, y;
  double largest = 0, difference = 0;
  size_t count = 0;
  if (!a || !b)
    return 2;
  while (fread(&x, sizeof x, 1, a) == 1) {
    if (fread(&y, sizeof y, 1, b) != 1)
      return 2;
    largest = fmax(largest, fabs(x));
    difference = fmax(difference, isnan(y) ? INFINITY : fabs(x - y));
    count++;
  }
  if (fread(&y, sizeof y, 1, b) == 1 || count == 0)
    return 2;
  printf("%zu values, difference %.2e of the largest\n", count,
         difference / largest);
  return difference <= 2e-5 * largest ? 0 : 1;
}

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "--compare") == 0)
    return compare(argv[2], argv[3]);
  if (argc != 4)
    return 2;
  struct adze_error error;
  FILE *file = fopen(argv[2], "wb");
  if (!file)
    return 2;
  if (run(argv[1], file, strtoll(argv[3], NULL, 10), &error)) {
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  return fclose(file) == 0 ? 0 : 2;
}
