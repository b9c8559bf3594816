/* SPDX-License-Identifier: Apache-2.0 */
/* An ONNX model as it stands in the file: what reader.c makes and build.c
 * takes. Names are copied and NUL-terminated, tensor data is not. */
#ifndef IMPORT_ONNX_ONNX_H
#define IMPORT_ONNX_ONNX_H

#include "base/protobuf.h"
#include "import/import_format.h"

#define ONNX_MAX_NODES ((size_t)1 << 20)

/* TensorProto.DataType, as far as adze knows them. */
enum onnx_type {
  ONNX_FLOAT = 1, ONNX_UINT8 = 2, ONNX_INT8 = 3, ONNX_UINT16 = 4,
  ONNX_INT16 = 5, ONNX_INT32 = 6, ONNX_INT64 = 7, ONNX_STRING = 8,
  ONNX_BOOL = 9, ONNX_FLOAT16 = 10, ONNX_DOUBLE = 11, ONNX_UINT32 = 12,
  ONNX_UINT64 = 13, ONNX_BFLOAT16 = 16
};

/* ADZE_DTYPE_NONE when adze has no such type. */
enum adze_dtype onnx_dtype(int64_t type);

struct onnx_tensor {
  const char *name;
  int64_t type;
  VEC(int64_t) dims;
  struct protobuf_message body; /* to read typed data once more */
  struct protobuf_bytes raw;
  bool has_raw, has_typed, is_external;
  const char *location; /* of external data; NULL: not said */
  int64_t offset, length; /* length -1: up to the end */
};

/* AttributeProto.AttributeType */
enum onnx_attribute_type {
  ONNX_ATTRIBUTE_FLOAT = 1, ONNX_ATTRIBUTE_INT = 2, ONNX_ATTRIBUTE_STRING = 3,
  ONNX_ATTRIBUTE_TENSOR = 4, ONNX_ATTRIBUTE_GRAPH = 5,
  ONNX_ATTRIBUTE_FLOATS = 6, ONNX_ATTRIBUTE_INTS = 7,
  ONNX_ATTRIBUTE_STRINGS = 8
};

struct onnx_attribute {
  const char *name;
  int64_t type;
  int64_t integer;
  double real;
  const char *string;
  VEC(int64_t) integers;
  VEC(double) reals;
  struct onnx_tensor *tensor;
};

struct onnx_node {
  const char *name;    /* never empty: made up where the file has none */
  const char *op_type;
  const char *domain;  /* "" is the default one */
  VEC(const char *) inputs; /* "" where absent */
  VEC(const char *) outputs;
  VEC(struct onnx_attribute) attributes;
};

struct onnx_value {
  const char *name;
  bool is_tensor;
  bool has_shape;
  int64_t type;
  VEC(struct import_dim) dims; /* extent -1: negative in the file */
};

struct onnx_opset {
  const char *domain;
  int64_t version;
};

struct onnx_model {
  const char *path;
  int64_t ir_version;
  const char *producer;
  const char *graph_name;
  bool has_graph;
  VEC(struct onnx_opset) opsets;
  VEC(struct onnx_node) nodes;
  VEC(struct onnx_tensor) initializers;
  VEC(struct onnx_value) inputs, outputs;
  VEC(struct graph_property) properties;
  size_t function_count, sparse_count;
};

/* `reader` must live as long as the model. */
enum adze_status onnx_read(struct arena *arena, const char *path,
                           const uint8_t *data, size_t size,
                           struct protobuf_reader *reader,
                           struct onnx_model *out, struct adze_error *error)
    ADZE_MUST_USE;

/* What reading tensor data needs: files that are mapped already, and where
 * messages go. */
struct onnx_data {
  struct arena *arena;
  const char *path;  /* of the model */
  struct map files;  /* location -> struct file_map */
  bool zero_missing; /* a tensor without any data is all zeros */
  size_t missing_bytes; /* so far */
  struct adze_error *error;
};

/* The tensor's data as a constant: a view of the file where it can be. `what`
 * names it in messages: "initializer 'w'". */
enum adze_status onnx_tensor_constant(struct onnx_data *data, const char *what,
                                      const struct onnx_tensor *tensor,
                                      struct constant *out) ADZE_MUST_USE;

#endif
