/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an ONNX model: a graph that verifies, or a sentence. */
#include "import/import_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
  const uint8_t *data;
  size_t size;
  bool inspects;
};

static enum adze_status import(void *argument) {
  const struct input *input = argument;
  struct arena *arena = arena_create("fuzz");
  struct adze_error error;
  struct graph *graph;
  struct import_report report = {.version = ""};
  struct import_source source = {
      .arena = arena,
      .path = "/nowhere/fuzz.onnx",
      .data = input->data,
      .size = input->size,
      .report = input->inspects ? &report : NULL,
  };
  if (arena == NULL)
    return ADZE_OUT_OF_MEMORY;
  if (import_onnx(&source, &graph, &error) == ADZE_OK)
    check(graph_verify(graph, &error) == ADZE_OK);
  arena_destroy(arena);
  return ADZE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct adze_error error;
  for (int inspects = 0; inspects < 2; inspects++) {
    struct input input = {data, size, inspects};
    if (guard_run(import, &input, &error) != ADZE_OK)
      return 0;
  }
  return 0;
}
