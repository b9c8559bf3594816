/* SPDX-License-Identifier: Apache-2.0 */
/* Writing of model_writer.h: protocol buffers forwards, one text for each
 * message. For tests only. */
#include "import/test/model_writer.h"

#include <string.h>

static void put_varint(struct text *text, uint64_t number) {
  do {
    char byte = (char)((number & 0x7f) | (number > 0x7f ? 0x80 : 0));
    text_add_n(text, &byte, 1);
    number >>= 7;
  } while (number != 0);
}

void model_put_number(struct text *text, unsigned field, uint64_t number) {
  put_varint(text, field << 3);
  put_varint(text, number);
}

void model_put(struct text *text, unsigned field, const void *data,
               size_t size) {
  put_varint(text, field << 3 | 2);
  put_varint(text, size);
  text_add_n(text, data, size);
}

static void put_string(struct text *text, unsigned field, const char *string) {
  model_put(text, field, string, strlen(string));
}

static void put_message(struct text *text, unsigned field,
                        const struct text *message) {
  model_put(text, field, text_string(message), message->size);
}

void model_begin(struct model *model, int64_t opset) {
  *model = (struct model){.arena = arena_create("model"), .opset = opset};
  model->graph = model_text(model);
  put_string(&model->graph, 2, "test");
}

void model_end(struct model *model) {
  arena_destroy(model->arena);
}

struct text model_text(const struct model *model) {
  return (struct text){.arena = model->arena};
}

static void put_value(struct model *model, unsigned field, const char *name,
                      int64_t type, size_t rank, const int64_t *dims) {
  struct text shape = model_text(model), tensor = model_text(model);
  struct text kind = model_text(model), value = model_text(model);
  for (size_t i = 0; i < rank; i++) {
    struct text dim = model_text(model);
    if (dims[i] != MODEL_OPEN)
      model_put_number(&dim, 1, (uint64_t)dims[i]);
    put_message(&shape, 1, &dim);
  }
  model_put_number(&tensor, 1, (uint64_t)type);
  put_message(&tensor, 2, &shape);
  put_message(&kind, 1, &tensor);
  put_string(&value, 1, name);
  put_message(&value, 2, &kind);
  put_message(&model->graph, field, &value);
}

void model_input(struct model *model, const char *name, int64_t type,
                 size_t rank, const int64_t *dims) {
  put_value(model, 11, name, type, rank, dims);
}

void model_output(struct model *model, const char *name) {
  put_value(model, 12, name, 1, 0, NULL);
}

static void put_names(struct text *node, unsigned field, const char *names) {
  while (*names != '\0') {
    size_t size = strcspn(names, " ");
    bool is_absent = size == 1 && *names == '-';
    model_put(node, field, names, is_absent ? 0 : size);
    names += size;
    names += strspn(names, " ");
  }
}

void model_node(struct model *model, const char *op, const char *name,
                const char *inputs, const char *outputs,
                const struct text *attributes) {
  struct text node = model_text(model);
  put_names(&node, 1, inputs);
  put_names(&node, 2, outputs);
  put_string(&node, 3, name);
  put_string(&node, 4, op);
  if (attributes != NULL)
    text_add_n(&node, text_string(attributes), attributes->size);
  put_message(&model->graph, 1, &node);
}

void model_int(struct text *attributes, const char *name, int64_t value) {
  struct text attribute = {.arena = attributes->arena};
  put_string(&attribute, 1, name);
  model_put_number(&attribute, 3, (uint64_t)value);
  model_put_number(&attribute, 20, 2);
  put_message(attributes, 5, &attribute);
}

void model_ints(struct text *attributes, const char *name, size_t count,
                const int64_t *values) {
  struct text attribute = {.arena = attributes->arena};
  put_string(&attribute, 1, name);
  for (size_t i = 0; i < count; i++)
    model_put_number(&attribute, 8, (uint64_t)values[i]);
  model_put_number(&attribute, 20, 7);
  put_message(attributes, 5, &attribute);
}

void model_characters(struct text *attributes, const char *name,
                  const char *value) {
  struct text attribute = {.arena = attributes->arena};
  put_string(&attribute, 1, name);
  put_string(&attribute, 4, value);
  model_put_number(&attribute, 20, 3);
  put_message(attributes, 5, &attribute);
}

struct text model_tensor(const struct model *model, const char *name,
                         int64_t type, size_t rank, const int64_t *dims) {
  struct text tensor = model_text(model);
  for (size_t i = 0; i < rank; i++)
    model_put_number(&tensor, 1, (uint64_t)dims[i]);
  model_put_number(&tensor, 2, (uint64_t)type);
  put_string(&tensor, 8, name);
  return tensor;
}

void model_raw(struct text *tensor, const void *data, size_t size) {
  model_put(tensor, 9, data, size);
}

static void put_entry(struct text *tensor, const char *key,
                      const char *value) {
  struct text entry = {.arena = tensor->arena};
  put_string(&entry, 1, key);
  put_string(&entry, 2, value);
  put_message(tensor, 13, &entry);
}

void model_external(struct text *tensor, const char *location,
                    const char *offset) {
  put_entry(tensor, "location", location);
  if (offset != NULL)
    put_entry(tensor, "offset", offset);
  model_put_number(tensor, 14, 1);
}

void model_initializer(struct model *model, const struct text *tensor) {
  put_message(&model->graph, 5, tensor);
}

struct text model_bytes(const struct model *model) {
  struct text bytes = model_text(model), opset = model_text(model);
  model_put_number(&opset, 2, (uint64_t)model->opset);
  model_put_number(&bytes, 1, 8);
  put_message(&bytes, 7, &model->graph);
  put_message(&bytes, 8, &opset);
  return bytes;
}
