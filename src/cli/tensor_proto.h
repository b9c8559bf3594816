/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX's TensorProto files (input_0.pb, output_0.pb) as arrays. */
#ifndef CLI_TENSOR_PROTO_H
#define CLI_TENSOR_PROTO_H

#include "cli/array.h"

/* Reads a file with one tensor; data and name ("" when it has none) lie in the
 * arena. INVALID_DATA for a damaged file, UNSUPPORTED for strings, complex
 * numbers and element types that adze lacks. */
enum adze_status tensor_proto_load(struct arena *arena, const char *path,
                                   struct array *out,
                                   struct adze_error *error) ADZE_MUST_USE;
/* The same from bytes; `path` is for messages. */
enum adze_status tensor_proto_read(struct arena *arena, const void *bytes,
                                   size_t size, const char *path,
                                   struct array *out,
                                   struct adze_error *error) ADZE_MUST_USE;

#endif
