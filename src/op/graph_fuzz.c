/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a graph's text: what parses is well-formed and prints. */
#include "op/op.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
  const char *data;
  size_t size;
};

static enum adze_status parse(void *argument) {
  const struct input *input = argument;
  struct arena *arena = arena_create("fuzz");
  struct adze_error error;
  struct graph *graph;
  if (arena == NULL)
    return ADZE_OUT_OF_MEMORY;
  if (graph_parse(arena, input->data, input->size, &graph, &error) ==
      ADZE_OK) {
    struct text text = {.arena = arena};
    check(graph_verify(graph, &error) == ADZE_OK);
    graph_print(&text, graph);
    check(graph_parse(arena, text.data, text.size, &graph, &error) == ADZE_OK);
  }
  arena_destroy(arena);
  return ADZE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct adze_error error;
  struct input input = {(const char *)data, size};
  if (guard_run(parse, &input, &error) != ADZE_OK)
    return 0;
  return 0;
}
