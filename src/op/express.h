/* SPDX-License-Identifier: Apache-2.0 */
/* More for express functions, beside those of op/op.h.
 *
 * f16 and bf16 have no arithmetic: what is loaded is cast to f32 here, what is
 * stored is cast back, and sums run in an f32 temporary, so operators need not
 * think of it. */
#ifndef OP_EXPRESS_H
#define OP_EXPRESS_H

#include "op/op.h"

/* f32 for f16 and bf16, else the same. */
enum adze_dtype dtype_arithmetic(enum adze_dtype dtype);
/* buffer[indices] in its arithmetic dtype. */
const struct expr *express_load(struct express *express, struct buffer *buffer,
                                const struct expr *const *indices);
/* The stage's body, cast to the dtype of its output. */
void express_body(struct express *express, struct stage *stage,
                  const struct expr *body);
/* A reduction's body and first value. */
void express_reduce(struct express *express, struct stage *stage,
                    enum reduce_kind kind, const struct expr *initial,
                    const struct expr *body);
/* Where output `index` is accumulated: itself, or a temporary that can be
 * calculated with; express_finish then stores it. */
struct buffer *express_accumulator(struct express *express, size_t index);
void express_finish(struct express *express, size_t index,
                    struct buffer *accumulator);
/* All axes of a stage as expressions. */
void express_axes(struct express *express, const struct stage *stage,
                  const struct expr **out);
/* The value no maximum (minimum) of this dtype is below (above). */
const struct expr *express_lowest(struct express *express,
                                  enum adze_dtype dtype);
const struct expr *express_highest(struct express *express,
                                   enum adze_dtype dtype);
/* An integer expression as a number of this dtype. */
const struct expr *express_number(struct express *express,
                                  enum adze_dtype dtype,
                                  const struct expr *integer);

#endif
