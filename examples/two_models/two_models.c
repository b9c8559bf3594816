/* SPDX-License-Identifier: Apache-2.0 */
/* Two models in one program, without a runtime library: each is a static
 * library and a header, both written by
 *
 *   adze compile MODEL --output-format static --module-name a -o liba.a
 *
 * Any two models of fixed shapes with a float32 output will do; they are run on
 * zeros.
 */
#include <stdio.h>
#include <stdlib.h>

#include "a.h"
#include "b.h"

typedef int64_t run_function(const void *const *inputs, void *const *outputs,
                             void *workspace);

struct model {
  const char *name;
  run_function *run;
  size_t input_count, output_count, workspace_bytes;
  const size_t *input_bytes, *output_bytes;
};

static const size_t a_inputs[] = A_INPUT_BYTES, a_outputs[] = A_OUTPUT_BYTES;
static const size_t b_inputs[] = B_INPUT_BYTES, b_outputs[] = B_OUTPUT_BYTES;
static const struct model models[] = {
    {"a", a_run, A_INPUT_COUNT, A_OUTPUT_COUNT, A_WORKSPACE_BYTES, a_inputs,
     a_outputs},
    {"b", b_run, B_INPUT_COUNT, B_OUTPUT_COUNT, B_WORKSPACE_BYTES, b_inputs,
     b_outputs},
};

/* Zeroed memory, aligned to 64 bytes. */
static void *allocate(size_t bytes) {
  bytes = (bytes + 64) / 64 * 64;
  char *memory = aligned_alloc(64, bytes);
  if (!memory)
    exit(1);
  for (size_t i = 0; i < bytes; i++)
    memory[i] = 0;
  return memory;
}

static float largest(const float *data, size_t count) {
  float value = data[0];
  for (size_t i = 1; i < count; i++)
    value = data[i] > value ? data[i] : value;
  return value;
}

static void **allocate_all(const size_t *bytes, size_t count) {
  void **list = allocate(count * sizeof *list);
  for (size_t i = 0; i < count; i++)
    list[i] = allocate(bytes[i]);
  return list;
}

static void release_all(void **list, size_t count) {
  for (size_t i = 0; i < count; i++)
    free(list[i]);
  free(list);
}

int main(void) {
  for (size_t m = 0; m < sizeof models / sizeof models[0]; m++) {
    const struct model *model = &models[m];
    void **inputs = allocate_all(model->input_bytes, model->input_count);
    void **outputs = allocate_all(model->output_bytes, model->output_count);
    void *workspace = allocate(model->workspace_bytes);
    model->run((const void *const *)inputs, outputs, workspace);
    printf("%s: %zu inputs, %zu outputs, %zu bytes of workspace; the largest "
           "value of output 0 is %g\n",
           model->name, model->input_count, model->output_count,
           model->workspace_bytes,
           largest(outputs[0], model->output_bytes[0] / sizeof(float)));
    release_all(inputs, model->input_count);
    release_all(outputs, model->output_count);
    free(workspace);
  }
  return 0;
}
