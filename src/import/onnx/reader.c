/* SPDX-License-Identifier: Apache-2.0 */
/* From bytes to struct onnx_model: the field numbers of onnx.proto3 and nothing
 * else. Depth and bounds are the cursor's business (base/protobuf.h); damage is
 * found there and reported once, at the end. Meaning is build.c's.
 *
 * A message field that comes twice would be merged by a full protocol buffer
 * library; here the last one counts. No exporter writes such files.
 */
#include "import/onnx/onnx.h"

#include <string.h>

struct reading {
  struct arena *arena;
  struct onnx_model *model;
};

static const char *read_text(struct reading *reading,
                             struct protobuf_message *message,
                             const struct protobuf_field *field) {
  struct protobuf_bytes bytes = protobuf_bytes(message, field);
  return arena_strndup(reading->arena, (const char *)bytes.data, bytes.size);
}

static struct graph_property read_entry(struct reading *reading,
                                        struct protobuf_message *entry) {
  struct graph_property property = {"", ""};
  struct protobuf_field field;
  while (protobuf_next(entry, &field)) {
    if (field.number == 1)
      property.name = read_text(reading, entry, &field);
    else if (field.number == 2)
      property.value = read_text(reading, entry, &field);
  }
  return property;
}

/* ---- Tensors ------------------------------------------------------------- */

static void read_external(struct reading *reading, struct onnx_tensor *tensor,
                          struct protobuf_message entry) {
  const struct graph_property said = read_entry(reading, &entry);
  if (strcmp(said.name, "location") == 0)
    tensor->location = said.value;
  else if (strcmp(said.name, "offset") == 0 &&
           (!string_to_int64(said.value, &tensor->offset) ||
            tensor->offset < 0))
    protobuf_damage(&entry, entry.next, "an offset of external data is wrong");
  else if (strcmp(said.name, "length") == 0 &&
           (!string_to_int64(said.value, &tensor->length) ||
            tensor->length < 0))
    protobuf_damage(&entry, entry.next, "a length of external data is wrong");
}

static void read_dims(struct reading *reading, struct onnx_tensor *tensor,
                      struct protobuf_message *message,
                      const struct protobuf_field *field) {
  struct protobuf_values values =
      protobuf_values(message, field, PROTOBUF_VARINT);
  int64_t dim;
  while (protobuf_values_int64(&values, &dim)) {
    if (tensor->dims.count > GRAPH_MAX_RANK)
      return; /* one too many is enough to tell */
    vec_push(reading->arena, &tensor->dims, dim);
  }
}

static struct onnx_tensor read_tensor(struct reading *reading,
                                      struct protobuf_message message) {
  struct onnx_tensor tensor = {.name = "", .length = -1, .body = message};
  struct protobuf_field field;
  while (protobuf_next(&message, &field)) {
    switch (field.number) {
    case 1: read_dims(reading, &tensor, &message, &field); break;
    case 2: tensor.type = protobuf_int64(&message, &field); break;
    case 4: case 5: case 7: case 10: case 11:
      tensor.has_typed = true;
      break;
    case 8: tensor.name = read_text(reading, &message, &field); break;
    case 9:
      tensor.raw = protobuf_bytes(&message, &field);
      tensor.has_raw = true;
      break;
    case 13:
      read_external(reading, &tensor, protobuf_submessage(&message, &field));
      break;
    case 14:
      tensor.is_external = protobuf_int64(&message, &field) == 1;
      break;
    }
  }
  return tensor;
}

/* ---- Attributes and nodes ------------------------------------------------ */

static int64_t guess_type(const struct onnx_attribute *attribute) {
  if (attribute->tensor != NULL)
    return ONNX_ATTRIBUTE_TENSOR;
  if (attribute->string != NULL)
    return ONNX_ATTRIBUTE_STRING;
  if (attribute->integers.count > 0)
    return ONNX_ATTRIBUTE_INTS;
  if (attribute->reals.count > 0)
    return ONNX_ATTRIBUTE_FLOATS;
  return attribute->real != 0 ? ONNX_ATTRIBUTE_FLOAT : ONNX_ATTRIBUTE_INT;
}

static void read_floats(struct reading *reading,
                        struct onnx_attribute *attribute,
                        struct protobuf_message *message,
                        const struct protobuf_field *field) {
  struct protobuf_values values =
      protobuf_values(message, field, PROTOBUF_FIXED32);
  float real;
  while (protobuf_values_float(&values, &real))
    vec_push(reading->arena, &attribute->reals, (double)real);
}

static void read_ints(struct reading *reading,
                      struct onnx_attribute *attribute,
                      struct protobuf_message *message,
                      const struct protobuf_field *field) {
  struct protobuf_values values =
      protobuf_values(message, field, PROTOBUF_VARINT);
  int64_t integer;
  while (protobuf_values_int64(&values, &integer))
    vec_push(reading->arena, &attribute->integers, integer);
}

static struct onnx_attribute read_attribute(struct reading *reading,
                                            struct protobuf_message message) {
  struct onnx_attribute attribute = {.name = ""};
  struct protobuf_field field;
  while (protobuf_next(&message, &field)) {
    switch (field.number) {
    case 1: attribute.name = read_text(reading, &message, &field); break;
    case 2: attribute.real = (double)protobuf_float(&message, &field); break;
    case 3: attribute.integer = protobuf_int64(&message, &field); break;
    case 4: attribute.string = read_text(reading, &message, &field); break;
    case 5:
      attribute.tensor = ARENA_NEW(reading->arena, struct onnx_tensor);
      *attribute.tensor =
          read_tensor(reading, protobuf_submessage(&message, &field));
      break;
    case 7: read_floats(reading, &attribute, &message, &field); break;
    case 8: read_ints(reading, &attribute, &message, &field); break;
    case 20: attribute.type = protobuf_int64(&message, &field); break;
    }
  }
  if (attribute.type == 0) /* files of the first version leave it out */
    attribute.type = guess_type(&attribute);
  return attribute;
}

static struct onnx_node read_node(struct reading *reading,
                                  struct protobuf_message message) {
  struct onnx_node node = {.name = "", .op_type = "", .domain = ""};
  struct protobuf_field field;
  while (protobuf_next(&message, &field)) {
    switch (field.number) {
    case 1:
      vec_push(reading->arena, &node.inputs,
               read_text(reading, &message, &field));
      break;
    case 2:
      vec_push(reading->arena, &node.outputs,
               read_text(reading, &message, &field));
      break;
    case 3: node.name = read_text(reading, &message, &field); break;
    case 4: node.op_type = read_text(reading, &message, &field); break;
    case 5:
      vec_push(reading->arena, &node.attributes,
               read_attribute(reading, protobuf_submessage(&message, &field)));
      break;
    case 7: node.domain = read_text(reading, &message, &field); break;
    }
  }
  if (strcmp(node.domain, "ai.onnx") == 0)
    node.domain = "";
  if (node.name[0] == '\0') /* a name that finds the node in a viewer */
    node.name = node.outputs.count > 0 && node.outputs.data[0][0] != '\0'
                    ? node.outputs.data[0]
                    : node.op_type;
  return node;
}

/* ---- Types of inputs and outputs ----------------------------------------- */

static struct import_dim read_dim(struct reading *reading,
                                  struct protobuf_message message) {
  struct import_dim dim = {0};
  struct protobuf_field field;
  while (protobuf_next(&message, &field)) {
    if (field.number == 1) {
      dim.extent = protobuf_int64(&message, &field);
      if (dim.extent < 0)
        dim.extent = -1;
    } else if (field.number == 2) {
      const char *name = read_text(reading, &message, &field);
      dim.name = name[0] != '\0' ? name : NULL;
    }
  }
  return dim;
}

static void read_shape(struct reading *reading, struct onnx_value *value,
                       struct protobuf_message message) {
  struct protobuf_field field;
  value->has_shape = true;
  while (protobuf_next(&message, &field))
    if (field.number == 1 && value->dims.count <= GRAPH_MAX_RANK)
      vec_push(reading->arena, &value->dims,
               read_dim(reading, protobuf_submessage(&message, &field)));
}

static void read_tensor_type(struct reading *reading, struct onnx_value *value,
                             struct protobuf_message message) {
  struct protobuf_field field;
  value->is_tensor = true;
  while (protobuf_next(&message, &field)) {
    if (field.number == 1)
      value->type = protobuf_int64(&message, &field);
    else if (field.number == 2)
      read_shape(reading, value, protobuf_submessage(&message, &field));
  }
}

static struct onnx_value read_value(struct reading *reading,
                                    struct protobuf_message message) {
  struct onnx_value value = {.name = ""};
  struct protobuf_field field, inner;
  while (protobuf_next(&message, &field)) {
    if (field.number == 1) {
      value.name = read_text(reading, &message, &field);
    } else if (field.number == 2) {
      struct protobuf_message type = protobuf_submessage(&message, &field);
      while (protobuf_next(&type, &inner))
        if (inner.number == 1)
          read_tensor_type(reading, &value, protobuf_submessage(&type, &inner));
    }
  }
  return value;
}

/* ---- Graph and model ----------------------------------------------------- */

static void read_graph(struct reading *reading,
                       struct protobuf_message message) {
  struct onnx_model *model = reading->model;
  struct protobuf_field field;
  model->has_graph = true;
  while (protobuf_next(&message, &field)) {
    switch (field.number) {
    case 1:
      if (model->nodes.count > ONNX_MAX_NODES)
        return;
      vec_push(reading->arena, &model->nodes,
               read_node(reading, protobuf_submessage(&message, &field)));
      break;
    case 2: model->graph_name = read_text(reading, &message, &field); break;
    case 5:
      vec_push(reading->arena, &model->initializers,
               read_tensor(reading, protobuf_submessage(&message, &field)));
      break;
    case 11:
      vec_push(reading->arena, &model->inputs,
               read_value(reading, protobuf_submessage(&message, &field)));
      break;
    case 12:
      vec_push(reading->arena, &model->outputs,
               read_value(reading, protobuf_submessage(&message, &field)));
      break;
    case 15: model->sparse_count++; break;
    }
  }
}

static void read_property(struct reading *reading,
                          struct protobuf_message message) {
  struct graph_property property = read_entry(reading, &message);
  vec_push(reading->arena, &reading->model->properties, property);
}

static void read_opset(struct reading *reading,
                       struct protobuf_message message) {
  struct onnx_opset opset = {.domain = ""};
  struct protobuf_field field;
  while (protobuf_next(&message, &field)) {
    if (field.number == 1)
      opset.domain = read_text(reading, &message, &field);
    else if (field.number == 2)
      opset.version = protobuf_int64(&message, &field);
  }
  if (strcmp(opset.domain, "ai.onnx") == 0)
    opset.domain = "";
  vec_push(reading->arena, &reading->model->opsets, opset);
}

enum adze_status onnx_read(struct arena *arena, const char *path,
                           const uint8_t *data, size_t size,
                           struct protobuf_reader *reader,
                           struct onnx_model *out, struct adze_error *error) {
  struct reading reading = {arena, out};
  struct protobuf_field field;
  *out = (struct onnx_model){
      .path = path, .producer = "", .graph_name = "graph"};
  protobuf_reader_init(reader, data, size);
  struct protobuf_message model = protobuf_root(reader);
  while (protobuf_next(&model, &field)) {
    switch (field.number) {
    case 1: out->ir_version = protobuf_int64(&model, &field); break;
    case 2: out->producer = read_text(&reading, &model, &field); break;
    case 7: read_graph(&reading, protobuf_submessage(&model, &field)); break;
    case 8: read_opset(&reading, protobuf_submessage(&model, &field)); break;
    case 14:
      read_property(&reading, protobuf_submessage(&model, &field));
      break;
    case 25: out->function_count++; break;
    }
  }
  return protobuf_finish(reader, ADZE_INVALID_MODEL, path, error);
}
