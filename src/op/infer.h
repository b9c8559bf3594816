/* SPDX-License-Identifier: Apache-2.0 */
/* More for infer functions, beside those of op/op.h. */
#ifndef OP_INFER_H
#define OP_INFER_H

#include "op/op.h"

/* "[1, 3, height, 224]" in the arena. */
const char *value_dims_text(struct arena *arena, const struct value *value);
const char *infer_dims_text(struct infer *infer, const struct value *value);
const char *dtype_name(enum adze_dtype dtype); /* "float32" */

/* The output has the type and shape of `value`. */
void infer_like(struct infer *infer, size_t index, const struct value *value);
/* All inputs that are there have the dtype of the first. */
enum adze_status infer_same_dtype(struct infer *infer) ADZE_MUST_USE;
enum adze_status infer_rank(struct infer *infer, size_t index, size_t minimum,
                            size_t maximum) ADZE_MUST_USE;
enum adze_status infer_broadcast_dims(struct infer *infer,
                                      const struct expr *const *a,
                                      size_t a_rank,
                                      const struct expr *const *b,
                                      size_t b_rank, const struct expr **dims,
                                      size_t *rank) ADZE_MUST_USE;
/* A list of integers given by an input's elements or, where the input is
 * absent, by an attribute. */
const struct expr *const *infer_operand(struct infer *infer, size_t index,
                                        const char *attribute, size_t *count);

#endif
