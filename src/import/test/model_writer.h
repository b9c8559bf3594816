/* SPDX-License-Identifier: Apache-2.0 */
/* Small ONNX models for tests, field by field, so that wrong ones can be made
 * as well.
 *
 *   struct model m;
 *   model_begin(&m, 17);
 *   model_input(&m, "x", 1, 2, (int64_t[]){2, 3});
 *   struct text attributes = model_text(&m);
 *   model_int(&attributes, "axis", 1);
 *   model_node(&m, "Softmax", "s", "x", "y", &attributes);
 *   model_output(&m, "y");
 *   struct text bytes = model_bytes(&m);
 */
#ifndef IMPORT_TEST_MODEL_WRITER_H
#define IMPORT_TEST_MODEL_WRITER_H

#include "base/text.h"

struct model {
  struct arena *arena;
  struct text graph;
  int64_t opset;
};

#define MODEL_OPEN INT64_MIN /* a dimension without a number */

void model_begin(struct model *model, int64_t opset);
void model_end(struct model *model);
struct text model_text(const struct model *model);
void model_input(struct model *model, const char *name, int64_t type,
                 size_t rank, const int64_t *dims);
void model_output(struct model *model, const char *name);
/* `names` are separated by blanks; "-" is an absent one. */
void model_node(struct model *model, const char *op, const char *name,
                const char *inputs, const char *outputs,
                const struct text *attributes);
void model_int(struct text *attributes, const char *name, int64_t value);
void model_ints(struct text *attributes, const char *name, size_t count,
                const int64_t *values);
void model_characters(struct text *attributes, const char *name,
                  const char *value);
/* A tensor's fields: name, type, dims; then its data by one of the below. */
struct text model_tensor(const struct model *model, const char *name,
                         int64_t type, size_t rank, const int64_t *dims);
void model_raw(struct text *tensor, const void *data, size_t size);
void model_external(struct text *tensor, const char *location,
                    const char *offset);
void model_initializer(struct model *model, const struct text *tensor);
/* ModelProto around the graph. */
struct text model_bytes(const struct model *model);

/* One field of a message. */
void model_put_number(struct text *text, unsigned field, uint64_t number);
void model_put(struct text *text, unsigned field, const void *data,
               size_t size);

#endif
